#!/usr/bin/env -S python3 -B
"""Programs built with the system's older liburing run on ours, as they are.

They are compiled against the headers in /usr/include, linked with the system's library, and run
three times: on that library, which says whether the programs are right; on ours by LD_LIBRARY_PATH;
on ours by LD_PRELOAD. Each prints the liburing that it was loaded with.
"""
import os
import subprocess
import sys
from pathlib import Path

from contract import C, HERE, STAGE, WARNINGS, finish, work_dir

OURS = STAGE / "lib/liburing.so.2"
SECONDS = 20
WAYS = {
    "on the system's library": {},
    "with LD_LIBRARY_PATH": {"LD_LIBRARY_PATH": str(STAGE / "lib")},
    "with LD_PRELOAD": {"LD_PRELOAD": str(OURS)},
}


def build(source, work):
    program = work / source.stem
    command = [*C, *WARNINGS, "-O2", str(source), "-o", str(program), "-luring"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{source.name} does not compile with the system's liburing:\n{done.stdout}")
    return program


def run(program, settings):
    env = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
    try:
        done = subprocess.run([str(program)], env=env | settings, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as late:
        return ["timed out", *(late.stdout or b"").decode().splitlines()]
    lines = done.stdout.splitlines()
    loaded = {Path(line.split()[1]).resolve() for line in lines if line.startswith("library: ")}
    if done.returncode:
        return [f"exit code {done.returncode}", *lines]
    if settings and loaded != {OURS.resolve()}:
        return [f"ran with {loaded}"]
    if not settings and (not loaded or OURS.resolve() in loaded):
        return [f"ran with {loaded}"]
    return []


def main():
    if not Path("/usr/include/liburing.h").exists():
        print("the system has no liburing-dev")
        sys.exit(77)
    work, problems = work_dir(), []
    sources = sorted((HERE / "programs").glob("old-*.c"))
    if not sources:
        sys.exit("programs/ holds no old-*.c")
    for source in sources:
        program = build(source, work)
        for way, settings in WAYS.items():
            problems += [f"{source.stem} {way}: {line}" for line in run(program, settings)]
    finish(problems, f"{len(sources)} programs")


if __name__ == "__main__":
    main()
