"""What all benchmarks share: steps and how far they are, taking turns, medians, ratios, the table."""
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Bench:
    """What every family is told: where ours is, where files may be, how much to do, and where another build of ours
    is installed that this one is compared with, if any."""
    build: Path
    scratch: Path
    effort: str
    before: Path | None = None

    @property
    def stage(self):
        return self.build / "stage"


@dataclass(frozen=True)
class Step:
    """One case: about how many seconds it takes, and the function that measures it and returns its rows."""
    name: str
    seconds: float
    run: Callable[[], list]


def duration(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def run_steps(steps, keep):
    """The rows of all; says what is running and, by the pace so far, how much is left. `keep` gets the rows so far."""
    rows, start, done = [], time.monotonic(), 0.0
    total = sum(step.seconds for step in steps)
    for number, step in enumerate(steps, 1):
        pace = (time.monotonic() - start) / done if done else 1.0
        print(f"bench: {number}/{len(steps)}, about {duration((total - done) * pace)} left: {step.name}",
              file=sys.stderr, flush=True)
        rows += step.run()
        keep(rows)
        done += step.seconds
    return rows


def directory_of_system_library(package, name):
    """Where Debian's package has that library."""
    files = subprocess.run(["dpkg", "-L", package], check=True, capture_output=True, text=True).stdout.split("\n")
    return str(Path(next(file for file in files if file.endswith(f"/{name}"))).parent)


def is_in(path, directory):
    return Path(path).resolve().parent == Path(directory).resolve()


def random_file(path, size):
    """A file of random bytes, kept from one run to the next."""
    if not path.exists() or path.stat().st_size != size:
        with open(path, "wb") as out:
            for _ in range(size >> 20):
                out.write(os.urandom(1 << 20))
    return path


def warm(path):
    """Reads the file into the page cache; before each sample, for some kernels reclaim idle pages by themselves."""
    with open(path, "rb") as data:
        while data.read(1 << 20):
            pass


def interleave(contestants, measure, rounds, warm_up=True):
    """Rounds of all contestants, forth and back (A B C, C B A, B C A, ...): drift and place meet all alike."""
    samples = {contestant: [] for contestant in contestants}
    for contestant in contestants if warm_up else ():
        measure(contestant)
    for number in range(rounds):
        first = number // 2 % len(contestants)
        turn = contestants[first:] + contestants[:first]
        for contestant in turn if number % 2 == 0 else reversed(turn):
            samples[contestant].append(measure(contestant))
    return samples


def ratio_of(ours, peer):
    """Round by round, so that a slow spell of the machine meets both: the median, the least, the greatest."""
    ratios = [a / b for a, b in zip(ours, peer)]
    return {"ratio": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def compare(case, unit, samples, peer, ours, control, label):
    """A row: each one's median, the ratio to the peer, and the control's, which is the peer a second time."""
    shown = {label(c): values for c, values in samples.items() if c != control}
    return {
        "case": case, "unit": unit, "peer": label(peer),
        "medians": {name: statistics.median(values) for name, values in shown.items()},
        "samples": {**shown, "control": samples[control]},
        "ours": ratio_of(samples[ours], samples[peer]), "control": ratio_of(samples[control], samples[peer]),
    }


def compare_to(case, unit, values, peer, ours):
    """A row without a control: samples by name."""
    return {"case": case, "unit": unit, "peer": peer, "samples": values,
            "medians": {name: statistics.median(values[name]) for name in (peer, ours)},
            "ours": ratio_of(values[ours], values[peer])}


def exact(case, unit, values, peer, ours):
    """A row of figures that do not vary."""
    return {"case": case, "unit": unit, "peer": peer, "medians": values,
            "ours": ratio_of([values[ours]], [values[peer]])}


def spread(ratio):
    return f"({ratio['min']:.2f}..{ratio['max']:.2f})" if ratio["min"] != ratio["max"] else ""


def aligned(lines, nr_left):
    """Cells in columns; the first `nr_left` columns have text, the others numbers."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = []
    for line in lines:
        cells = [cell.ljust(w) if i < nr_left else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def table(rows):
    names = sorted({name for row in rows for name in row["medians"]}, key=lambda n: (n == "anyring", n))
    lines = [["case", "unit", *names, "ratio", "(min..max)", "control", "(min..max)"]]
    for row in rows:
        figures = [f"{row['medians'][n]:.1f}" if n in row["medians"] else "" for n in names]
        control = [f"{row['control']['ratio']:.2f}", spread(row["control"])] if "control" in row else ["", ""]
        lines.append([row["case"], row["unit"], *figures, f"{row['ours']['ratio']:.2f}", spread(row["ours"]),
                      *control])
    return aligned(lines, 2)


def version(command):
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    packages = {name: version(["dpkg-query", "-W", "-f", "${Version}", name]) for name in ("liburing2", "libaio1")}
    revision = version(["git", "-C", str(HERE), "describe", "--always", "--dirty"])
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "anyring": revision,
            "load before": round(os.getloadavg()[0], 1), "fio": version(["fio", "--version"]), **packages}


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 3) if isinstance(value, float) else value


def save(path, about, settings, rows):
    """A line for each row: to be looked at, and to be compared with another run's."""
    lines = ",\n".join(json.dumps(rounded(row)) for row in rows)
    path.write_text(f'{{"machine": {json.dumps(about)},\n"settings": {json.dumps(settings)},\n"rows": [\n{lines}\n]}}\n')
