"""The liburing micro-benchmarks: ours beside Debian's library, time and instructions per operation."""
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import harness

FILE_BYTES = 256 << 20


@dataclass(frozen=True)
class Case:
    name: str
    args: tuple
    ops: int            # timed
    counted_ops: int    # under callgrind
    needs_file: bool = False


CASES = [
    *(Case(f"NOP, batch {n}", ("nop", n), ops, 6400)
      for n, ops in ((1, 400_000), (8, 1_600_000), (32, 3_200_000), (128, 3_200_000))),
    Case("4 KiB cached read, depth 1", ("read", 1), 200_000, 3200, True),
    Case("4 KiB cached read, depth 32", ("read", 32), 320_000, 6400, True),
    Case("ring set up and taken down", ("setup", 0), 4_000, 200),
]


@dataclass(frozen=True)
class Contestant:
    name: str
    include: str
    libdir: str


# Rounds, and the share of each case's operations that a round runs.
EFFORT = {"quick": (4, 0.25), "full": (12, 1.0)}
# A quick run's cases.
QUICK = ("NOP, batch 1", "NOP, batch 32", "4 KiB cached read, depth 32", "ring set up and taken down")
# Benchmarks run on one CPU: what the scheduler moves about would be noise to all alike.
CPU = max(os.sched_getaffinity(0))


def contestants(stage):
    return [
        Contestant("Debian", "/usr/include", harness.directory_of_system_library("liburing-dev", "liburing.so")),
        Contestant("anyring", f"{stage}/include", f"{stage}/lib"),
    ]


def build(contestant, out, source="uring.c"):
    """Compiles against the contestant's headers: -I alone would fall back to the system's when they are missing."""
    depends = out.with_suffix(".d")
    subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{contestant.include}",
         "-MD", "-MF", str(depends), "-o", str(out),
         str(harness.HERE / "src" / source), f"-L{contestant.libdir}", "-luring"],
        check=True)
    headers = [Path(word) for word in depends.read_text().split() if word.endswith("/liburing.h")]
    if [header.resolve().parent for header in headers] != [Path(contestant.include).resolve()]:
        raise RuntimeError(f"{contestant.name} was compiled with {headers}")


class Program:
    """The benchmark as one contestant runs it."""

    def __init__(self, contestant, binary, data):
        self.contestant, self.binary, self.data = contestant, binary, data
        self.env = dict(os.environ, LD_LIBRARY_PATH=contestant.libdir)

    def prepared(self, case, ops):
        """The command line, once what it needs is in place."""
        tail = []
        if case.needs_file:
            harness.warm(self.data)
            tail = [str(self.data)]
        return [str(self.binary), *map(str, case.args), str(ops), *tail]

    def nanoseconds(self, case, scale):
        command = ["taskset", "-c", str(CPU), *self.prepared(case, int(case.ops * scale))]
        done = subprocess.run(command, env=self.env, check=True, capture_output=True, text=True)
        ns, library = done.stdout.split()
        if not harness.is_in(library, self.contestant.libdir):
            raise RuntimeError(f"{self.contestant.name} ran on {library}")
        return float(ns)

    def instructions(self, case):
        """Per operation: the difference that twice the operations make, so that start-up cancels out."""
        once, twice = (self._counted(case, case.counted_ops * n) for n in (1, 2))
        return (twice - once) / case.counted_ops

    def _counted(self, case, ops):
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=run_case",
             *self.prepared(case, ops)],
            env=self.env, check=True, capture_output=True, text=True)
        return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def stripped_size(contestant, scratch):
    copy = scratch / f"size-{contestant.name}"
    subprocess.run(["strip", "-o", str(copy), f"{contestant.libdir}/liburing.so.2"], check=True)
    return copy.stat().st_size


def measured(case, programs, rounds, scale):
    peer, ours = programs
    control = Program(peer.contestant, peer.binary, peer.data)
    samples = harness.interleave([peer, ours, control], lambda p: p.nanoseconds(case, scale), rounds)
    counts = {p.contestant.name: p.instructions(case) for p in programs}
    return [
        harness.compare(case.name, "ns/op", samples, peer, ours, control, label=lambda p: p.contestant.name),
        harness.exact(case.name, "instructions/op", counts, peer="Debian", ours="anyring"),
    ]


def sizes(programs, scratch):
    values = {p.contestant.name: stripped_size(p.contestant, scratch) for p in programs}
    return [harness.exact("liburing.so.2, stripped", "bytes", values, peer="Debian", ours="anyring")]


def steps(bench):
    rounds, scale = EFFORT[bench.effort]
    data = harness.random_file(bench.scratch / "cached.data", FILE_BYTES)
    programs = []
    for contestant in contestants(bench.stage):
        binary = bench.scratch / f"uring-{contestant.name}"
        build(contestant, binary)
        programs.append(Program(contestant, binary, data))
    for case in CASES if bench.effort == "full" else (case for case in CASES if case.name in QUICK):
        seconds = 3 + 3 * (rounds + 1) * (0.03 + 0.4 * scale)
        yield harness.Step(f"liburing: {case.name}", seconds,
                           lambda case=case: measured(case, programs, rounds, scale))
    yield harness.Step("liburing: size", 0.2, lambda: sizes(programs, bench.scratch))


def report(rows):
    """The table, and what it shows."""
    return ("liburing: ours beside Debian's; ratio: anyring / Debian, less is better; control: Debian / Debian, "
            f"the noise\n{harness.table(rows)}")
