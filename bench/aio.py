"""Random 4 KiB reads through libaio, native and ours, and over the aio rings of 2018 beside bare io_uring."""
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import harness

FILE_BYTES = 256 << 20
DEPTHS = (1, 8, 32)
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
        if self.libdir and Path(library).resolve().parent != Path(self.libdir).resolve():
            raise RuntimeError(f"{self.name} ran on {library}")
        if not self.libdir and "/build/" in library:
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
    harness.progress(f"aio: {case}")
    samples = harness.interleave(programs, lambda p: p.measure(data, reads, depth, scale), rounds)
    peer = programs[0]
    made = []
    for unit, index in (("reads/s", 0), ("us/submit", 1)):
        if index == 1 and not latency:
            continue
        values = {p.name: [sample[index] for sample in taken] for p, taken in samples.items()}
        made += [harness.compare_to(case, unit, values, peer.name, p.name) for p in programs[1:]]
    return made


def run(stage, scratch, rounds, scale, only):
    data = harness.random_file(scratch / "cached.data", FILE_BYTES)
    os.sync()
    libdir = f"{stage}/lib"
    plain = build(stage, scratch, "aio-libaio")
    libaio = [Program("native", plain, ""), Program("anyring", plain, libdir)]
    rings = build(stage, scratch, "aio-rings", "-DRINGS")
    bare = Program("io_uring", build(stage, scratch, "aio-bare", "-DBARE"), libdir)

    rows = []
    for reads in OPS:
        for depth in DEPTHS:
            case = f"libaio, {reads} reads, depth {depth}"
            if only.search(case):
                rows += rows_of(case, libaio, data, reads, depth, rounds, scale, latency=True)
    for depth in DEPTHS:
        for reads in ("cached", "uncached"):
            for mode, flag in RING_MODES.items():
                case = f"aio rings, {mode}, {reads} reads, depth {depth}"
                if only.search(case):
                    programs = [bare, Program("anyring", rings, libdir, flag)]
                    rows += rows_of(case, programs, data, reads, depth, rounds, scale, latency=False)
    return rows
