"""This build beside another one of ours, as that before a change: the same programs on both libraries, in turn."""
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import aio
import echo
import harness
import soft
import uring

# Rounds, and the share of each case's operations that a round runs.
EFFORT = {"quick": (7, 0.25), "full": (15, 0.5)}
BEFORE, NOW = "before", "now"
# What takes the same way in both builds of a family is measured at these depths only.
AIO_DEPTHS = (1, 32)


@dataclass(frozen=True)
class Build:
    """One of the two: its name, and the directory of its libraries."""
    name: str
    libdir: str


def builds(bench):
    return [Build(BEFORE, str(bench.before / "lib")), Build(NOW, f"{bench.stage}/lib")]


def rows_of(case, unit, samples, less_is_better):
    """How many times as fast this build is, and the same of the build before beside itself."""
    values = {build.name: taken for build, taken in samples.items()}
    control = values.pop("before, again")
    pairs = (values[NOW], control)
    ratios = [harness.ratio_of(*((values[BEFORE], other) if less_is_better else (other, values[BEFORE])))
              for other in pairs]
    return [{"case": case, "unit": unit, "samples": {**values, "control": control},
             "medians": {name: statistics.median(taken) for name, taken in values.items()},
             "ours": ratios[0], "control": ratios[1]}]


def measured(bench, case, unit, measure, rounds, less_is_better=True):
    before, now = builds(bench)
    control = Build("before, again", before.libdir)
    return rows_of(case, unit, harness.interleave([before, now, control], measure, rounds), less_is_better)


def soft_steps(bench, rounds, scale):
    path = harness.random_file(bench.scratch / "cached.data", soft.FILE_BYTES)
    programs = soft.compiled(bench)
    for backing, name in (("soft", "user space"), ("kernel", "kernel")):
        for case in soft.CASES:
            if backing == "kernel" and (case.data in ("uncached", "direct") or not case.ops):
                continue
            own = programs["uring" if case.ops else "scale"]
            contestant = soft.Contestant(name, own, case.verb, backing)
            yield harness.Step(
                f"before: {name}: {case.name}", 3 * (rounds + 1) * (0.1 + 0.5 * scale),
                lambda case=case, c=contestant, name=name: measured(
                    bench, f"{name}: {case.name}", "ns/op",
                    lambda build: soft.nanoseconds(case, c, path, scale, build.libdir), rounds))


def aio_steps(bench, rounds, scale):
    data = harness.random_file(bench.scratch / "cached.data", aio.FILE_BYTES)
    plain = aio.build(bench.stage, bench.scratch, "aio-libaio")
    rings = aio.build(bench.stage, bench.scratch, "aio-rings", "-DRINGS")
    kinds = [(f"libaio, {reads}", plain, reads, "") for reads in aio.OPS]
    kinds += [(f"aio rings, {mode}, cached", rings, "cached", flag) for mode, flag in aio.RING_MODES.items()]
    for depth in AIO_DEPTHS:
        for name, binary, reads, flag in kinds:
            def measure(build, binary=binary, reads=reads, flag=flag, depth=depth):
                return aio.Program(build.name, binary, build.libdir, flag).measure(data, reads, depth, scale)[0]
            yield harness.Step(f"before: {name}, depth {depth}", 3 * (rounds + 1) * (0.15 + 0.6 * scale),
                               lambda m=measure, case=f"{name}, depth {depth}": measured(
                                   bench, case, "reads/s", m, rounds, less_is_better=False))


def echo_steps(bench, rounds):
    binary, load = bench.scratch / "echo-anyring", echo.compile_program(bench, "echo-load")
    uring.build(uring.contestants(bench.stage)[1], binary, "echo-uring.c")
    milliseconds = echo.EFFORT[bench.effort][1]
    for backing, name in (("soft", "user space"), ("kernel", "kernel")):
        def measure(build, backing=backing):
            server = echo.Server(build.name, binary, build.libdir, {"ANYRING_BACKING": backing})
            return echo.sample(server, load, milliseconds)["messages"]
        yield harness.Step(f"before: {name}: echo", 3 * (rounds + 1) * (0.1 + milliseconds / 1000 * 1.1),
                           lambda m=measure, name=name: measured(
                               bench, f"{name}: TCP echo, {echo.CONNECTIONS} connections", "messages/s", m, rounds,
                               less_is_better=False))


def sizes(bench):
    def size(build, name):
        copy = bench.scratch / f"size-{build.name}"
        subprocess.run(["strip", "-o", str(copy), str(Path(build.libdir) / name)], check=True)
        return os.stat(copy).st_size
    for name in ("liburing.so.2", "liburing-ffi.so.2", "libaio.so.1", "libanyring-preload.so"):
        before, now = (size(build, name) for build in builds(bench))
        yield {"case": name, "unit": "bytes", "medians": {BEFORE: before, NOW: now},
               "ours": harness.ratio_of([before], [now])}


def steps(bench):
    rounds, scale = EFFORT[bench.effort]
    yield from soft_steps(bench, rounds, scale)
    yield from aio_steps(bench, rounds, scale)
    yield from echo_steps(bench, rounds)
    yield harness.Step("before: sizes", 0.3, lambda: list(sizes(bench)))


def report(rows):
    return ("this build beside the one before; ratio: how many times as fast, or as small, this one is; control: the "
            f"one before beside itself\n{harness.table(rows)}")
