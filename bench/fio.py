"""fio's own jobs over its engines and ours."""
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass

import harness

# Cases (workload, data, depth), rounds, and milliseconds of each sample.
DEPTHS = (1, 8, 32, 128, 256)
WORKLOADS = (("randread", "cached"), ("randread", "uncached"), ("randread", "direct"),
             ("randwrite", "buffered"), ("randwrite", "direct"),
             ("seqread", "cached"), ("seqread", "uncached"), ("seqread", "direct"))
EFFORT = {
    "quick": ((("randread", "cached", 1), ("randread", "cached", 32),
               ("randread", "uncached", 32), ("randread", "direct", 32), ("randwrite", "direct", 32)), 3, 150),
    "full": (tuple((*workload, depth) for workload in WORKLOADS for depth in DEPTHS), 3, 350),
}
BLOCK = {"randread": "4k", "randwrite": "4k", "seqread": "64k"}
PERCENTILES = (50, 90, 99, 99.9)
# What fio needs to start and to end, seconds.
OVERHEAD = 0.4


@dataclass(frozen=True)
class Engine:
    """A contestant: fio's options for it, and what must be true of a process that runs it."""
    name: str
    options: tuple
    ring: bool          # has an io_uring
    kernel_aio: bool    # has a context of the kernel's aio
    libraries: tuple = ()
    preload: str = ""
    depth: bool = True  # keeps more than one request in flight


def engines(bench):
    external = bench.build / "libanyring-fio.so"
    if not external.exists():
        raise SystemExit(f"bench: {external} is missing: run `make fio`")
    ours = f"--ioengine=external:{external}"
    preload = str(bench.stage / "lib/libanyring-preload.so")
    system = harness.directory_of_system_library("libaio1", "libaio.so.1")
    return [
        Engine("psync", ("--ioengine=psync",), False, False, depth=False),
        Engine("libaio", ("--ioengine=libaio",), False, True, (system,)),
        Engine("posixaio", ("--ioengine=posixaio",), False, False),
        Engine("io_uring", ("--ioengine=io_uring",), True, False),
        Engine("anyring uring", (ours, "--api=uring"), True, False, (str(external),)),
        Engine("anyring aio-ring, sqwq", (ours, "--api=aio-ring", "--sqwq"), True, False, (str(external),)),
        Engine("libaio on anyring", ("--ioengine=libaio",), True, False, (preload,), preload),
    ]


# What ours are compared with, per contestant: the best at that depth of these.
PEERS = {
    "anyring uring": ("libaio", "posixaio", "io_uring"),
    "anyring aio-ring, sqwq": ("libaio", "posixaio", "io_uring"),
    "libaio on anyring": ("libaio",),
}


@dataclass(frozen=True)
class Case:
    workload: str
    data: str
    depth: int
    milliseconds: int

    @property
    def name(self):
        return f"{self.workload} {BLOCK[self.workload]}, {self.data}, depth {self.depth}"

    @property
    def side(self):
        return "write" if self.workload == "randwrite" else "read"

    def options(self, path):
        limits = [f"--runtime={self.milliseconds}ms"]
        # What is to come from the disk is read once: then it is cached, or would have to be dropped again.
        if self.data != "uncached":
            limits.append("--time_based")
        return [
            "--name=bench", f"--filename={path}", f"--size={path.stat().st_size}", f"--iodepth={self.depth}",
            f"--rw={'read' if self.workload == 'seqread' else self.workload}", f"--bs={BLOCK[self.workload]}",
            f"--direct={int(self.data == 'direct')}", f"--invalidate={int(self.data == 'uncached')}", *limits,
        ]


def file_for(case, scratch):
    if case.side == "write":
        return harness.random_file(scratch / "written.data", 256 << 20)
    if case.workload == "seqread" and case.data != "cached":
        return harness.random_file(scratch / "long.data", 1 << 30)
    return harness.random_file(scratch / "cached.data", 256 << 20)


def environment(engine):
    return dict(os.environ, LD_PRELOAD=engine.preload) if engine.preload else dict(os.environ)


def run_fio(engine, options):
    """fio's report on its one job, and the resources that the process and its workers used."""
    command = ["fio", *engine.options, "--output-format=json", "--eta=never", *options]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, env=environment(engine), stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode:
        raise RuntimeError(f"{engine.name}: {' '.join(command)}:\n{text}")
    job = json.JSONDecoder().raw_decode(text[text.index("{"):])[0]["jobs"][0]
    if job["error"]:
        raise RuntimeError(f"{engine.name}: error {job['error']}:\n{text}")
    return job, used


def start_up_seconds():
    """CPU time of a fio that does one request: it is no request's."""
    engine = Engine("psync", ("--ioengine=psync",), False, False)
    options = ["--name=bench", "--filename=/etc/passwd", "--size=512", "--bs=512", "--rw=read", "--number_ios=1"]
    return statistics.median(cpu_seconds(run_fio(engine, options)[1]) for _ in range(3))


def cpu_seconds(used: resource.struct_rusage):
    return used.ru_utime + used.ru_stime


def microseconds(latency):
    figures = {"mean": latency["mean"] / 1e3}
    for percent in PERCENTILES if "percentile" in latency else ():
        figures[f"p{percent:g}"] = latency["percentile"][f"{percent:.6f}"] / 1e3
    return figures


def check_source(case, engine, side, used):
    """Whether the data came from where the case says: by the blocks that the process had read from the disk."""
    share = used.ru_inblock * 512 / side["io_bytes"]
    if case.side == "read" and (share > 0.1 if case.data == "cached" else share < 0.9):
        raise RuntimeError(f"{engine.name}, {case.name}: {share:.0%} of the data came from the disk")


def sample(engine, case, path, start_up):
    if case.data in ("cached", "buffered"):
        harness.warm(path)
    job, used = run_fio(engine, ["--lat_percentiles=1", "--clat_percentiles=1",
                                 "--percentile_list=" + ":".join(f"{p:g}" for p in PERCENTILES),
                                 *case.options(path)])
    side = job[case.side]
    check_source(case, engine, side, used)
    if case.side == "write":
        # Not to be written back during the next sample.
        with open(path, "rb") as data:
            os.fsync(data.fileno())
    return {
        "iops": side["iops"], "slat_us": side["slat_ns"]["mean"] / 1e3, "clat_us": microseconds(side["clat_ns"]),
        "lat_us": microseconds(side["lat_ns"]),
        "cpu_us": max(cpu_seconds(used) - start_up, 0) / side["total_ios"] * 1e6,
    }


def maps_and_files(pid):
    maps = open(f"/proc/{pid}/maps").read()
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            pass
    return maps, links


def prove(engine, path):
    """Looks into a running fio: which libraries it has mapped, who serves it."""
    command = ["fio", *engine.options, "--name=proof", f"--filename={path}", "--size=1m", "--rw=randread",
               "--iodepth=4", "--time_based", "--runtime=10", "--thread", "--eta=never"]
    process = subprocess.Popen(command, env=environment(engine), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = None
    try:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
            maps, links = maps_and_files(process.pid)
            # The job runs once its file is open; engines have set up by then.
            if str(path) not in links:
                continue
            ring, kernel_aio = "anon_inode:[io_uring]" in links, "/[aio]" in maps
            missing = [library for library in engine.libraries
                       if not any(os.path.realpath(library) in line for line in maps.split("\n"))]
            found = f"io_uring: {ring}, kernel aio: {kernel_aio}, not mapped: {missing}"
            stray = "libanyring" in maps and "anyring" not in engine.name
            if ring == engine.ring and kernel_aio == engine.kernel_aio and not missing and not stray:
                return
        raise RuntimeError(f"{engine.name} is not what runs: {found or 'fio did not start'}")
    finally:
        process.kill()
        process.wait()


def measured(bench, contestants, case, rounds, start_up):
    path = file_for(case, bench.scratch)
    samples = harness.interleave(contestants, lambda engine: sample(engine, case, path, start_up), rounds,
                                 warm_up=False)
    taken = {engine.name: values for engine, values in samples.items()}
    iops = {name: [value["iops"] for value in values] for name, values in taken.items()}
    medians = {name: statistics.median(values) for name, values in iops.items()}
    ours = {}
    for name, peers in PEERS.items():
        best = max(peers, key=medians.get)
        ours[name] = {"peer": best, **harness.ratio_of(iops[name], iops[best])}
    return [{"case": case.name, "workload": case.workload, "block": BLOCK[case.workload], "data": case.data,
             "depth": case.depth, "unit": "IO/s", "medians": medians, "ours": ours, "samples": taken}]


def steps(bench):
    cases, rounds, milliseconds = EFFORT[bench.effort]
    contestants = engines(bench)
    proof_path = bench.scratch / "cached.data"
    harness.random_file(proof_path, 256 << 20)
    state = {}

    def prepare():
        if not state:
            for engine in contestants:
                prove(engine, proof_path)
            state["start-up"] = start_up_seconds()
        return []

    def measure(case):
        prepare()
        return measured(bench, contestants, case, rounds, state["start-up"])

    yield harness.Step("fio: what runs is what is said to run", 5, prepare)
    for given in cases:
        case = Case(*given, milliseconds)
        yield harness.Step(f"fio: {case.name}", len(contestants) * rounds * (OVERHEAD + milliseconds / 1000),
                           lambda case=case: measure(case))


def spread(ratio):
    return f"{ratio['ratio']:.2f} ({ratio['min']:.2f}..{ratio['max']:.2f})"


def iops_table(rows):
    names = list(rows[0]["medians"])
    lines = [["case", *names, *(f"{name} / best peer" for name in PEERS)]]
    for row in rows:
        ratios = [f"{spread(ratio)} {ratio['peer']}" for ratio in row["ours"].values()]
        lines.append([row["case"], *(f"{row['medians'][name] / 1e3:.1f}" for name in names), *ratios])
    return lines


def detail_table(rows, depth):
    lines = [["case", "engine", "slat", "clat p50", "p99", "lat p50", "p99", "p99.9", "CPU us/IO"]]
    for row in (row for row in rows if row["depth"] == depth):
        for name, values in row["samples"].items():
            def middle(*keys, values=values):
                figures = values
                for key in keys:
                    figures = [figure[key] for figure in figures]
                return f"{statistics.median(figures):.1f}"
            lines.append([row["case"], name, middle("slat_us"), middle("clat_us", "p50"), middle("clat_us", "p99"),
                          middle("lat_us", "p50"), middle("lat_us", "p99"), middle("lat_us", "p99.9"),
                          middle("cpu_us")])
    return lines


def report(rows):
    text = ("fio, thousands of I/Os per second; ratio to the best peer at that depth of libaio, posixaio and io_uring,"
            f" and of libaio under the preload library to libaio\n{harness.aligned(iops_table(rows), 1)}")
    depth = 32 if any(row["depth"] == 32 for row in rows) else rows[-1]["depth"]
    return (f"{text}\n\nfio at depth {depth}, microseconds (psync and posixaio: see bench/README.md)\n"
            f"{harness.aligned(detail_table(rows, depth), 2)}")
