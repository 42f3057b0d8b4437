"""Random 4 KiB reads through libaio, native and ours, and over the aio rings of 2018 beside bare io_uring."""
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import harness

FILE_BYTES = 256 << 20
# Depths, rounds, and the share of the reads that a round does.
EFFORT = {"quick": ((32,), 3, 0.15), "full": ((1, 8, 32), 5, 0.5)}
# Reads per sample: what takes some tenths of a second each.
OPS = {"cached": 200_000, "uncached": 8_000, "direct": 16_000}
RING_MODES = {"plain": "", "SQTHREAD": "+sqthread", "SQTHREAD+SQPOLL": "+sqpoll", "SQWQ": "+sqwq"}


@dataclass(frozen=True)
class Program:
    """One way to submit: a binary, the directory of its library, and the mode of the rings."""
    name: str
    binary: Path
    libdir: str
    ring_mode: str = ""

    def measure(self, data, reads, depth, scale):
        """Reads per second and microseconds per submitting call."""
        if reads != "uncached":
            harness.warm(data)
        ops = max(int(OPS[reads] * scale), 32 * depth)
        command = [str(self.binary), str(depth), str(ops), str(data), reads + self.ring_mode]
        done = subprocess.run(command, env=dict(os.environ, LD_LIBRARY_PATH=self.libdir), check=True,
                              capture_output=True, text=True)
        iops, latency, library = done.stdout.split()
        if not harness.is_in(library, self.libdir):
            raise RuntimeError(f"{self.name} ran on {library}")
        return float(iops), float(latency)


def build(stage, scratch, name, *flags):
    out = scratch / name
    library = "-luring" if "-DBARE" in flags else "-laio"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", *flags, f"-I{stage}/include", "-o", str(out),
                    str(harness.HERE / "src" / "aio.c"), f"-L{stage}/lib", library], check=True)
    return out


def rows_of(case, programs, data, reads, depth, rounds, scale, latency):
    """Rows of one workload: reads per second of each, and on demand the time in io_submit()."""
    samples = harness.interleave(programs, lambda p: p.measure(data, reads, depth, scale), rounds,
                                 warm_up=False)
    peer = programs[0]
    made = []
    for unit, index in (("reads/s", 0), ("us/submit", 1)):
        if index == 1 and not latency:
            continue
        values = {p.name: [sample[index] for sample in taken] for p, taken in samples.items()}
        made += [harness.compare_to(case, unit, values, peer.name, p.name) for p in programs[1:]]
    return made


def steps(bench):
    depths, rounds, scale = EFFORT[bench.effort]
    data = harness.random_file(bench.scratch / "cached.data", FILE_BYTES)
    os.sync()
    libdir = f"{bench.stage}/lib"
    plain = build(bench.stage, bench.scratch, "aio-libaio")
    system = harness.directory_of_system_library("libaio1", "libaio.so.1")
    libaio = [Program("native", plain, system), Program("anyring", plain, libdir)]
    rings = build(bench.stage, bench.scratch, "aio-rings", "-DRINGS")
    bare = Program("io_uring", build(bench.stage, bench.scratch, "aio-bare", "-DBARE"), libdir)
    polled = Program("io_uring", bare.binary, libdir, "+sqpoll")

    def step(case, programs, reads, depth, latency):
        seconds = rounds * 2 * (0.15 + 0.6 * scale)
        return harness.Step(case, seconds, lambda: rows_of(
            case, programs, data, reads, depth, rounds, scale, latency))

    for reads in OPS:
        for depth in depths:
            yield step(f"libaio, {reads} reads, depth {depth}", libaio, reads, depth, latency=True)
    for depth in depths:
        for reads in ("cached", "uncached"):
            for mode, flag in RING_MODES.items():
                peer = polled if flag == "+sqpoll" else bare
                yield step(f"aio rings, {mode}, {reads} reads, depth {depth}",
                           [peer, Program("anyring", rings, libdir, flag)], reads, depth, latency=False)


def report(rows):
    tables = []
    for title, peer in (("libaio: ours beside the kernel's own aio", "native"),
                        ("the aio rings of 2018 beside the same reads on bare io_uring", "io_uring")):
        chosen = [row for row in rows if row["peer"] == peer]
        if chosen:
            tables.append(f"{title}; reads/s: more is better\n{harness.table(chosen)}")
    return "\n\n".join(tables)
