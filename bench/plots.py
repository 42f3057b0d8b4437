#!/usr/bin/env python3
"""Draws the results of a run: plots.py DIR [svg|png] reads DIR/results.json and writes DIR/*.svg.

Needs matplotlib (bench/requirements.txt; `make bench` has it in build/bench/venv).
"""
import json
import math
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator  # noqa: E402

# One colour and mark for each contestant, in every plot; ours are the warm ones.
STYLE = {
    "psync": ("#7f7f7f", "s"), "libaio": ("#1f5f8b", "v"), "posixaio": ("#9ac4e0", "^"), "io_uring": ("#2a9d8f", "D"),
    "anyring uring": ("#d1495b", "o"), "anyring aio-ring, sqwq": ("#edae49", "P"), "libaio on anyring": ("#8f2d56", "X"),
    "preadv2": ("#444444", "v"), "pool": ("#e9c46a", "P"),
    "epoll": ("#7f7f7f", "s"), "Debian's liburing": ("#2a9d8f", "D"), "anyring": ("#d1495b", "o"),
}
OURS = ("anyring uring", "anyring aio-ring, sqwq", "libaio on anyring")
GRAY = "#666666"

plt.rcParams.update({
    "font.size": 9, "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e4e4",
    "axes.axisbelow": True, "svg.hashsalt": "anyring", "svg.fonttype": "path", "figure.dpi": 110,
})


def of_family(rows, family):
    return [row for row in rows if row["family"] == family]


def by_workload(rows):
    """A figure with a line of panels for each workload, and (panel, title, rows by depth, is first) of each."""
    lines = {}
    for row in rows:
        lines.setdefault((row["workload"], row["block"]), {}).setdefault(row["data"], []).append(row)
    columns = max(len(line) for line in lines.values())
    figure, axes = plt.subplots(len(lines), columns, figsize=(max(3.7 * columns, 7), 2.8 * len(lines) + 0.9),
                                squeeze=False)
    panels = []
    for ((workload, block), line), places in zip(lines.items(), axes):
        for panel, (data, own) in zip(places, line.items()):
            panels.append((panel, f"{workload} {block}, {data}", own, panel is places[0]))
            panel.set_title(panels[-1][1])
        for unused in places[len(line):]:
            unused.set_axis_off()
    return figure, panels


def finish(figure, title, note, path, handles=(), columns=4):
    """Title above, legend and what it was measured on below."""
    height = figure.get_figheight()
    figure.text(0.01, 1 - 0.08 / height, title, va="top", fontsize=12, fontweight="bold")
    below = 0.3 + (0.22 * -(-len(handles) // columns) if handles else 0)
    figure.text(0.01, 0.06 / height, note, fontsize=7.5, color=GRAY, va="bottom")
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=columns, frameon=False,
                      bbox_to_anchor=(0.5, 0.22 / height))
    figure.tight_layout(rect=(0, below / height, 1, 1 - 0.38 / height))
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def handle(name, line=True):
    color, marker = STYLE[name]
    return Line2D([], [], color=color, marker=marker, markersize=6, linewidth=2 if line else 0, label=name)


def depth_axis(axes, depths):
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(depths))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    margin = 1.3 if len(depths) > 1 else 4
    axes.set_xlim(min(depths) / margin, max(depths) * margin)
    axes.set_xlabel("I/Os in flight (iodepth)")


def times_axis(axis, low, high):
    """A logarithmic axis of ratios."""
    scales = ((2.2, (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8)),
              (8, (0.2, 0.33, 0.5, 0.75, 1, 1.5, 2, 3, 5)),
              (float("inf"), (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)))
    marks = next(marks for range_, marks in scales if high / low <= range_)
    ticks = [mark for mark in marks if low <= mark <= high]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))


def iops(rows, note, path):
    figure, panels = by_workload(rows)
    names = list(rows[0]["medians"])
    for panel, _, own, is_first in panels:
        depths = [row["depth"] for row in own]
        for name in names:
            color, marker = STYLE[name]
            taken = [[s["iops"] / 1e3 for s in row["samples"][name]] for row in own]
            middle = [statistics.median(values) for values in taken]
            panel.fill_between(depths, [min(v) for v in taken], [max(v) for v in taken], color=color, alpha=0.13,
                               linewidth=0)
            panel.plot(depths, middle, color=color, marker=marker, markersize=5,
                       linewidth=2 if name in OURS else 1.4, zorder=3 if name in OURS else 2)
        panel.set_ylim(bottom=0)
        depth_axis(panel, depths)
        panel.set_ylabel("thousand I/Os per second" if is_first else "")
    finish(figure, "fio: I/Os per second over depth (higher is better)",
           f"{note}  Lines: medians; bands: least to greatest. psync has one request in flight at any iodepth.", path,
           [handle(name) for name in names])


def ratios(rows, note, path):
    figure, panels = by_workload(rows)
    for panel, _, own, is_first in panels:
        depths = [row["depth"] for row in own]
        panel.axhline(1, color="black", linewidth=1)
        for number, name in enumerate(OURS):
            color, marker = STYLE[name]
            found = [row["ours"][name] for row in own]
            # Beside each other, so that the spreads can be told apart.
            places = [depth * 2 ** (0.16 * (number - 1)) for depth in depths]
            middle = [r["ratio"] for r in found]
            panel.errorbar(places, middle, yerr=[[max(0, r["ratio"] - r["min"]) for r in found],
                                                 [max(0, r["max"] - r["ratio"]) for r in found]],
                           color=color, marker=marker, markersize=5, linewidth=1.6, elinewidth=1, capsize=2)
        # The same in all panels but those that need more.
        low = min(0.5, *(r["min"] for row in own for r in row["ours"].values())) * 0.9
        high = max(2.0, *(r["max"] for row in own for r in row["ours"].values())) * 1.1
        panel.set_yscale("log")
        panel.set_ylim(low, high)
        times_axis(panel.yaxis, low, high)
        depth_axis(panel, depths)
        panel.set_ylabel("ours ÷ best peer" if is_first else "")
    finish(figure, "fio: I/Os per second, ours beside the best peer at each depth (above 1× is better)",
           f"{note}  Peers: libaio, posixaio and io_uring, not psync, which has no depth; libaio on anyring beside libaio. "
           "Bars: least to greatest. The scales differ.", path, [handle(name) for name in OURS])


MARKS = (("p50", "o"), ("p90", "d"), ("p99", "s"), ("p99.9", "|"))


def marked(panel, place, latencies, color):
    """The medians of the rounds' percentiles, on one line."""
    middle = {key: statistics.median(figures[key] for figures in latencies) for key, _ in MARKS}
    panel.plot([middle["p50"], middle["p99.9"]], [place, place], color=color, linewidth=2, alpha=0.45)
    for key, marker in MARKS:
        panel.plot(middle[key], place, marker=marker, color=color, markersize=10 if marker == "|" else 6,
                   markeredgewidth=2 if marker == "|" else 0.5)


def latency_axis(panel):
    """Logarithmic, with the more marks the less it spans."""
    panel.set_xscale("log")
    low, high = panel.get_xlim()
    decades = math.log10(high / low)
    marks = (1, 2, 5) if decades < 1 else (1, 3) if decades < 2.5 else (1,)
    panel.xaxis.set_major_locator(LogLocator(subs=marks))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(
        lambda value, _: f"{value / 1000:g} ms" if value >= 1000 else f"{value:g} µs"))
    panel.set_xlabel("latency, logarithmic")


def mark_handles():
    return [Line2D([], [], color=GRAY, marker=marker, linewidth=0, label=key, markersize=10 if marker == "|" else 6,
                   markeredgewidth=2 if marker == "|" else 0.5) for key, marker in MARKS]


def one_line_each(panel, names, show_names=True):
    panel.set_yticks(range(len(names)), [name if show_names else "" for name in reversed(names)])
    panel.set_ylim(-0.6, len(names) - 0.4)
    panel.grid(axis="y", visible=False)


def latency(rows, note, path, depth):
    figure, panels = by_workload([row for row in rows if row["depth"] == depth])
    names = list(rows[0]["medians"])
    for panel, _, (row,), is_first in panels:
        for place, name in enumerate(reversed(names)):
            marked(panel, place, [sample["lat_us"] for sample in row["samples"][name]], STYLE[name][0])
        latency_axis(panel)
        one_line_each(panel, names, is_first)
    finish(figure, f"fio: latency at iodepth {depth}, from submission to completion (left is better)",
           f"{note}  Medians of the rounds. psync has one request in flight: its latency is that of depth 1.", path,
           mark_handles())


def dots(panel, entries, xlabel):
    """Ratios with their spread, one below another; the first entry on top. Entries: label, ratio, colour."""
    panel.axvline(1, color="black", linewidth=1)
    for place, (_, ratio, color) in enumerate(reversed(entries)):
        panel.plot([ratio["min"], ratio["max"]], [place, place], color=color, linewidth=2.5, alpha=0.4,
                   solid_capstyle="round")
        panel.plot(ratio["ratio"], place, "o", color=color, markersize=6)
    one_line_each(panel, [label for label, _, _ in entries])
    panel.set_xscale("log")
    low = min(0.8, *(ratio["min"] for _, ratio, _ in entries)) * 0.92
    high = max(1.25, *(ratio["max"] for _, ratio, _ in entries)) * 1.08
    panel.set_xlim(low, high)
    times_axis(panel.xaxis, low, high)
    panel.set_xlabel(xlabel)


def aio(rows, note, path):
    libaio = [row for row in rows if row["peer"] == "native" and row["unit"] == "reads/s"]
    rings = [row for row in rows if row["peer"] == "io_uring"]
    modes = list(dict.fromkeys(row["case"].split(", ")[1] for row in rings))
    rings.sort(key=lambda row: (", cached" not in row["case"], modes.index(row["case"].split(", ")[1])))
    groups = [(title, [(row["case"].split(", ", 1)[1], row["ours"],
                        STYLE["anyring uring"][0]) for row in own], label)
              for title, own, label in (
                  ("libaio ÷ the kernel's aio", libaio, "reads per second, ours ÷ native"),
                  ("rings of 2018 ÷ bare io_uring", rings, "reads per second, ours ÷ io_uring")) if own]
    most = max(len(entries) for _, entries, _ in groups)
    figure, axes = plt.subplots(1, len(groups), figsize=(5.6 * len(groups), 0.24 * most + 1.5), squeeze=False)
    for panel, (title, entries, label) in zip(axes.flat, groups):
        dots(panel, entries, label)
        panel.set_title(title)
    finish(figure, "4 KiB reads at random through our libaio and aio rings (right of 1× is better)",
           f"{note}  Dots: medians; lines: least to greatest of the rounds.", path)


def uring(rows, note, path):
    timed = [row for row in rows if row["unit"] == "ns/op"]
    counted = [row for row in rows if row["unit"] == "instructions/op"]
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 0.42 * len(timed) + 1.7))
    entries = []
    for row in timed:
        entries += [(row["case"], row["ours"], STYLE["anyring"][0]),
                    ("", row["control"], STYLE["Debian's liburing"][0])]
    dots(axes[0], entries, "time per operation ÷ Debian's")
    axes[0].set_title("time")
    dots(axes[1], [(row["case"], row["ours"], STYLE["anyring"][0]) for row in counted],
         "user-space instructions per operation ÷ Debian's")
    axes[1].set_title("instructions")
    handles = [Line2D([], [], color=STYLE[name][0], marker="o", linewidth=2.5, alpha=0.8, label=label) for name, label in
               (("anyring", "anyring"), ("Debian's liburing", "control: Debian's against itself, the noise"))]
    finish(figure, "liburing: ours beside Debian's (left of 1× is better)",
           f"{note}  Dots: medians; lines: least to greatest of the rounds.", path, handles)


def echo(row, note, path):
    names = [name for name in row["samples"] if name in STYLE]
    figure, (rates, waits) = plt.subplots(1, 2, figsize=(10.4, 3.0))
    for place, name in enumerate(reversed(names)):
        color = STYLE[name][0]
        taken = [s["messages"] / 1e3 for s in row["samples"][name]]
        middle = statistics.median(taken)
        rates.barh(place, middle, color=color, height=0.6,
                   xerr=[[middle - min(taken)], [max(taken) - middle]], error_kw={"elinewidth": 1, "capsize": 3})
        marked(waits, place, row["samples"][name], color)
    rates.set_title("messages")
    rates.set_xlabel("thousand messages per second")
    waits.set_title("latency")
    latency_axis(waits)
    rates.grid(axis="y", visible=False)
    one_line_each(rates, names)
    one_line_each(waits, names, show_names=False)
    finish(figure, row["case"],
           f"{note}  Bars and marks: medians of the rounds; whiskers: least to greatest.", path, mark_handles())


# What a ring in user space is measured beside, in the order of the legend.
BESIDE = {"io_uring": "the kernel's io_uring", "preadv2": "a loop of preadv2", "epoll": "an epoll loop",
          "pool": "a pool of threads", "posixaio": "glibc's POSIX AIO"}


def soft(rows, note, path):
    figure, panel = plt.subplots(figsize=(10.4, 0.44 * len(rows) + 1.9))
    panel.axvline(1, color="black", linewidth=1)
    spans = []
    for place, row in enumerate(reversed(rows)):
        peers = [peer for peer in BESIDE if peer in row["ours"]]
        for at, peer in enumerate(peers):
            ratio, (color, marker) = row["ours"][peer], STYLE[peer]
            height = place + 0.15 * ((len(peers) - 1) / 2 - at)
            panel.plot([ratio["min"], ratio["max"]], [height, height], color=color, linewidth=2, alpha=0.4)
            panel.plot(ratio["ratio"], height, marker, color=color, markersize=6)
            spans += [ratio["min"], ratio["max"]]
    one_line_each(panel, [row["case"] for row in rows])
    panel.set_xscale("log")
    low, high = min(0.5, *spans) * 0.9, max(2, *spans) * 1.1
    panel.set_xlim(low, high)
    times_axis(panel.xaxis, low, high)
    panel.set_xlabel("how many times as fast a ring in user space is")
    there = [peer for peer in BESIDE if any(peer in row["ours"] for row in rows)]
    handles = [Line2D([], [], color=STYLE[peer][0], marker=STYLE[peer][1], linewidth=2, label=BESIDE[peer]) for peer in there]
    finish(figure, "Rings in user space (right of 1× is better)",
           f"{note}  Marks: medians; lines: least to greatest of the rounds.", path, handles, len(handles))


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["svg"], ["png"]):
        raise SystemExit(__doc__.split("\n")[0])
    where, kind = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "svg"
    results = json.loads((where / "results.json").read_text())
    about, rows = results["machine"], results["rows"]
    machine = f"{about['cpu']}, {about['cpus']} CPUs, Linux {about['kernel'].split('-')[0]}"
    debian = {name: about[name].split("-")[0] for name in ("liburing2", "libaio1")}
    drawn = []

    def draw(name, plot, own, beside, *more):
        if own:
            path = where / f"{name}.{kind}"
            plot(own, f"{machine}, {beside}.", path, *more)
            drawn.append(path)

    fio = of_family(rows, "fio")
    if fio:
        depths = sorted({row["depth"] for row in fio})
        draw("fio-iops", iops, fio, about["fio"])
        draw("fio-ratio", ratios, fio, about["fio"])
        draw("fio-latency", latency, fio, about["fio"], 32 if 32 in depths else depths[-1])
    liburing = f"Debian's liburing {debian['liburing2']}"
    draw("liburing", uring, [row for row in of_family(rows, "liburing") if row["unit"] != "bytes"], liburing)
    draw("aio", aio, of_family(rows, "aio"), f"Debian's libaio {debian['libaio1']}")
    for row in of_family(rows, "echo"):
        draw("echo", echo, row, liburing)
    draw("soft", soft, of_family(rows, "soft"), "the same program on each")
    print("plots:", *drawn)


if __name__ == "__main__":
    main()
