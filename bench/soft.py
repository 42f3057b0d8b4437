"""Rings served in user space: beside the kernel's io_uring on the same program, and beside what has no ring."""
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import echo
import harness
import uring

FILE_BYTES = 256 << 20
# Rounds, and the share of each case's operations that a round runs.
EFFORT = {"quick": (3, 0.25), "full": (9, 1.0)}
QUICK = ("NOP, batch 32", "cached reads, depth 32", "uncached reads, depth 32", "first completion, by a worker")
KERNEL, SOFT = "io_uring", "anyring, user space"


@dataclass(frozen=True)
class Contestant:
    name: str
    program: Path
    verb: str
    backing: str = ""


@dataclass(frozen=True)
class Case:
    name: str
    verb: str
    batch: int
    ops: int
    peers: tuple = ()
    data: str = ""              # cached, uncached or direct


CASES = [
    *(Case(f"NOP, batch {n}", "nop", n, ops) for n, ops in ((1, 400_000), (32, 3_200_000))),
    *(Case(f"cached reads, depth {n}", "read", n, 200_000, ("preadv2", "posixaio", "pool"), "cached") for n in (1, 32)),
    *(Case(f"uncached reads, depth {n}", "read", n, 12_000, ("preadv2", "posixaio", "pool"), "uncached")
      for n in (1, 32)),
    *(Case(f"direct reads, depth {n}", "read", n, 12_000, ("preadv2", "posixaio", "pool"), "direct") for n in (1, 32)),
    Case("ring set up and taken down", "setup", 0, 4_000),
    *(Case(f"timeouts armed and cancelled, {n} in flight", "inflight", n, 0) for n in (256, 4096, 32768)),
    *(Case(f"NOP, {n} rings in turn", "rings", n, 0) for n in (1, 100, 1000)),
    Case("first completion, by a worker", "first", 0, 0),
]


def prepare(case, path):
    """The page cache as the case wants it."""
    if case.data == "cached":
        harness.warm(path)
    elif case.data:
        with open(path, "rb") as data:
            os.fsync(data.fileno())
            os.posix_fadvise(data.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            # No read ahead of what is read at random would be in the figures of the next contestant.


def nanoseconds(case, contestant, path, scale, libdir):
    prepare(case, path)
    ops = [str(max(int(case.ops * scale), 1))] if case.ops else []
    tail = [str(path), *(["direct"] if case.data == "direct" else [])] if case.data else []
    env = dict(os.environ, LD_LIBRARY_PATH=libdir, ANYRING_BACKING=contestant.backing or "kernel")
    command = [str(contestant.program), contestant.verb, str(case.batch), *ops, *tail]
    return float(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.split()[0])


def measured(case, programs, path, rounds, scale, libdir):
    own = programs["uring" if case.ops else "scale"]
    contestants = [Contestant(KERNEL, own, case.verb, "kernel"), Contestant(SOFT, own, case.verb, "soft"),
                   *(Contestant(peer, programs["reads"], peer) for peer in case.peers)]
    samples = harness.interleave(contestants, lambda c: nanoseconds(case, c, path, scale, libdir), rounds)
    values = {contestant.name: taken for contestant, taken in samples.items()}
    return [row(case.name, "ns/op", values, less_is_better=True)]


def row(case, unit, values, less_is_better):
    """Ours' speed / each other's, within the rounds."""
    ours = {peer: harness.ratio_of(*((taken, values[SOFT]) if less_is_better else (values[SOFT], taken)))
            for peer, taken in values.items() if peer != SOFT}
    return {"case": case, "unit": unit, "medians": {name: statistics.median(v) for name, v in values.items()},
            "ours": ours, "samples": values}


def echo_servers(bench):
    binary = bench.scratch / "echo-anyring"
    uring.build(uring.contestants(bench.stage)[1], binary, "echo-uring.c")
    libdir = f"{bench.stage}/lib"
    return [echo.Server("epoll", echo.compile_program(bench, "echo-epoll")),
            echo.Server(KERNEL, binary, libdir, {"ANYRING_BACKING": "kernel"}),
            echo.Server(SOFT, binary, libdir, {"ANYRING_BACKING": "soft"})]


def echoed(bench, rounds, milliseconds):
    load = echo.compile_program(bench, "echo-load")
    samples = harness.interleave(echo_servers(bench), lambda s: echo.sample(s, load, milliseconds), rounds)
    rates = {server.name: [taken["messages"] for taken in values] for server, values in samples.items()}
    return [row(f"TCP echo, {echo.CONNECTIONS} connections", "messages/s", rates, less_is_better=False)]


def compiled(bench):
    ours = uring.contestants(bench.stage)[1]
    programs = {"reads": echo.compile_program(bench, "reads", "-pthread")}
    for name in ("uring", "scale"):
        programs[name] = bench.scratch / f"soft-{name}"
        uring.build(ours, programs[name], f"{name}.c")
    return programs


def steps(bench):
    rounds, scale = EFFORT[bench.effort]
    path = harness.random_file(bench.scratch / "cached.data", FILE_BYTES)
    programs, libdir = compiled(bench), f"{bench.stage}/lib"
    for case in CASES if bench.effort == "full" else (case for case in CASES if case.name in QUICK):
        seconds = (2 + len(case.peers)) * (rounds + 1) * (0.1 + (0.6 * scale if case.data else 0.25 * scale))
        yield harness.Step(f"soft: {case.name}", seconds,
                           lambda case=case: measured(case, programs, path, rounds, scale, libdir))
    echo_rounds, milliseconds = echo.EFFORT[bench.effort]
    yield harness.Step("soft: echo", 3 * (echo_rounds + 1) * (0.1 + milliseconds / 1000 * 1.1),
                       lambda: echoed(bench, echo_rounds, milliseconds))


def report(rows):
    """The table: ours' speed as a multiple of each other's."""
    peers = [peer for peer in (KERNEL, "epoll", "preadv2", "posixaio", "pool")
             if any(peer in row["ours"] for row in rows)]
    lines = [["case", "unit", SOFT, *peers, *(f"/ {peer}" for peer in peers)]]
    for one in rows:
        figures = [f"{one['medians'][name]:.1f}" if name in one["medians"] else "" for name in (SOFT, *peers)]
        ratios = [f"{one['ours'][p]['ratio']:.2f} {harness.spread(one['ours'][p])}" if p in one["ours"] else ""
                  for p in peers]
        lines.append([one["case"], one["unit"], *figures, *ratios])
    return f"rings in user space; / : how many times as fast\n{harness.aligned(lines, 2)}"
