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
    with open(path, "rb") as data:
        while data.read(1 << 20):
            pass


def interleave(contestants, measure, rounds):
    """Rounds of all contestants, forth and back (A B, B A, ...), so that drift meets all alike."""
    samples = {contestant: [] for contestant in contestants}
    for contestant in contestants:
        measure(contestant)
    for number in range(rounds):
        for contestant in contestants if number % 2 == 0 else reversed(contestants):
            samples[contestant].append(measure(contestant))
    return samples


def compare(case, unit, samples, peer, ours, label):
    """A row: each one's median and range, and the ratio round by round."""
    ratios = [a / b for a, b in zip(samples[ours], samples[peer])]
    return {
        "case": case, "unit": unit, "peer": label(peer),
        "medians": {label(c): statistics.median(values) for c, values in samples.items()},
        "samples": {label(c): values for c, values in samples.items()},
        "ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios),
    }


def exact(case, unit, values, peer, ours):
    """A row of figures that do not vary."""
    ratio = values[ours] / values[peer]
    return {"case": case, "unit": unit, "peer": peer, "medians": values,
            "ratio": ratio, "ratio_min": ratio, "ratio_max": ratio}


def table(rows):
    names = sorted({name for row in rows for name in row["medians"]}, key=lambda n: n == "anyring")
    lines = [["case", "unit", *names, "ratio", "(min..max)"]]
    for row in rows:
        figures = [f"{row['medians'][n]:.1f}" if n in row["medians"] else "" for n in names]
        spread = "" if row["ratio_min"] == row["ratio_max"] else f"({row['ratio_min']:.2f}..{row['ratio_max']:.2f})"
        lines.append([row["case"], row["unit"], *figures, f"{row['ratio']:.2f}", spread])
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
