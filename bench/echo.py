"""A TCP echo over loopback: a hand-written epoll loop, Debian's liburing, ours."""
import os
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import harness
import uring

# Rounds, and milliseconds of each sample.
EFFORT = {"quick": (4, 300), "full": (7, 600)}
CONNECTIONS = 64
BYTES = 128
FIGURES = ("messages", "p50", "p90", "p99", "p99.9")
# The server has a CPU of its own, where there are two.
SERVER_CPU, LOAD_CPU = max(os.sched_getaffinity(0)), min(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Server:
    name: str
    binary: Path
    libdir: str = ""
    settings: dict = field(default_factory=dict, hash=False)    # of its environment


def pinned(cpu, *command):
    return ["taskset", "-c", str(cpu), *map(str, command)]


def sample(server, load, milliseconds):
    """Messages per second, latencies, and the server's CPU time for each message in microseconds."""
    env = dict(os.environ, LD_LIBRARY_PATH=server.libdir, **server.settings)
    process = subprocess.Popen(pinned(SERVER_CPU, server.binary), env=env, stdout=subprocess.PIPE, text=True)
    try:
        port, *library = process.stdout.readline().split()
        if server.libdir and not harness.is_in(library[0], server.libdir):
            raise RuntimeError(f"{server.name} ran on {library[0]}")
        done = subprocess.run(pinned(LOAD_CPU, load, port, CONNECTIONS, BYTES, milliseconds),
                              check=True, capture_output=True, text=True)
    finally:
        process.kill()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        process.stdout.close()
    figures = dict(zip(FIGURES, map(float, done.stdout.split())))
    # The first tenth of the messages is not in the figure, but in the server's time.
    served = figures["messages"] * milliseconds / 1000 * 1.1
    figures["cpu_us"] = (used.ru_utime + used.ru_stime) / served * 1e6
    return figures


def compile_program(bench, name, *flags):
    out = bench.scratch / name
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(out),
                    str(harness.HERE / "src" / f"{name}.c"), *flags], check=True)
    return out


def servers(bench):
    made = [Server("epoll", compile_program(bench, "echo-epoll"))]
    for contestant in uring.contestants(bench.stage):
        out = bench.scratch / f"echo-{contestant.name}"
        uring.build(contestant, out, "echo-uring.c")
        name = "Debian's liburing" if contestant.name == "Debian" else contestant.name
        made.append(Server(name, out, contestant.libdir))
    return made


def measured(contestants, load, rounds, milliseconds):
    debian = contestants[1]
    control = Server("Debian's liburing again", debian.binary, debian.libdir)
    samples = harness.interleave([*contestants, control], lambda s: sample(s, load, milliseconds), rounds)
    taken = {server.name: values for server, values in samples.items()}
    rates = {name: [value["messages"] for value in values] for name, values in taken.items()}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ours = {peer: harness.ratio_of(rates["anyring"], rates[peer]) for peer in ("epoll", debian.name)}
    return [{"case": f"TCP echo, {CONNECTIONS} connections, {BYTES} bytes", "unit": "messages/s", "medians": medians,
             "ours": ours, "control": harness.ratio_of(rates[control.name], rates[debian.name]), "samples": taken}]


def steps(bench):
    rounds, milliseconds = EFFORT[bench.effort]
    contestants, load = servers(bench), compile_program(bench, "echo-load")
    seconds = (len(contestants) + 1) * (rounds + 1) * (0.1 + milliseconds / 1000 * 1.1)
    yield harness.Step("echo: TCP, 64 connections", seconds,
                       lambda: measured(contestants, load, rounds, milliseconds))


def report(rows):
    row = rows[0]
    lines = [["server", "messages/s", *(f"{name} us" for name in FIGURES[1:]), "CPU us/message", "anyring / it",
              "(min..max)"]]
    for name, values in row["samples"].items():
        ratio = row["ours"].get(name)
        shown = [f"{ratio['ratio']:.2f}", harness.spread(ratio)] if ratio else ["", ""]
        lines.append([name, *(f"{statistics.median(v[key] for v in values):.1f}" for key in (*FIGURES, "cpu_us")),
                      *shown])
    control = row["control"]
    return (f"{row['case']}; control: Debian's against itself {control['ratio']:.2f} {harness.spread(control)}\n"
            f"{harness.aligned(lines, 1)}")
