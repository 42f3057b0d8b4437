"""What all benchmarks share: taking turns, medians, ratios, the table."""
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


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


def interleave(contestants, measure, rounds):
    """Rounds of all contestants, forth and back (A B C, C B A, B C A, ...): drift and place meet all alike."""
    samples = {contestant: [] for contestant in contestants}
    for contestant in contestants:
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


def table(rows):
    names = sorted({name for row in rows for name in row["medians"]}, key=lambda n: n == "anyring")
    lines = [["case", "unit", *names, "ratio", "(min..max)", "control", "(min..max)"]]
    for row in rows:
        figures = [f"{row['medians'][n]:.1f}" if n in row["medians"] else "" for n in names]
        control = [f"{row['control']['ratio']:.2f}", spread(row["control"])] if "control" in row else ["", ""]
        lines.append([row["case"], row["unit"], *figures, f"{row['ours']['ratio']:.2f}", spread(row["ours"]),
                      *control])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = []
    for line in lines:
        cells = [cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    debian = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "liburing2"], capture_output=True, text=True)
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "liburing2": debian.stdout}


def save(path, rows, settings):
    path.write_text(json.dumps({"machine": machine(), "settings": settings, "rows": rows}, indent=1) + "\n")
