"""What the contract checks share: the data beside them, the staged install, and the compilers."""
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
STAGE = BUILD / "stage"
C = [*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11"]
CXX = [*shlex.split(os.environ.get("CXX", "c++")), "-std=gnu++17"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
INCLUDES = """#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <liburing.h>
#include <liburing/io_uring/query.h>
#include <liburing/io_uring/bpf_filter.h>
"""


def rows(name):
    """A .tsv file as a list of dicts; lines that start with # are comments."""
    lines = [line for line in (HERE / name).read_text().splitlines() if line and line[0] != "#"]
    columns = lines[0].split("\t")
    table = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines[1:]]
    if not table:
        sys.exit(f"{name} holds no rows")
    return table


def work_dir():
    """A directory in build/ for what this check generates."""
    if not (STAGE / "include/liburing.h").exists():
        sys.exit("build/stage is missing: run `make stage` first")
    path = BUILD / "contract" / Path(sys.argv[0]).stem
    path.mkdir(parents=True, exist_ok=True)
    return path


def compile(compiler, source, *arguments):
    """The compiler's messages; empty if it found nothing to say."""
    command = [*compiler, *WARNINGS, "-I", str(STAGE / "include"), str(source), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode and not done.stdout:
        return f"{shlex.join(command)}: exit code {done.returncode}\n"
    return done.stdout if done.returncode else ""


def errors(messages):
    """The error lines of a compiler's messages."""
    return [line for line in messages.splitlines() if re.search(r"error: |undefined reference", line)] or (
        messages.splitlines())


def output(command):
    """Standard output of a command that must succeed."""
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def finish(problems, checked):
    """Print the problems and exit 1, or say what was checked and exit 0."""
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"{len(problems)} problems")
    print(f"{checked}: all as expected")
