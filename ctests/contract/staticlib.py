#!/usr/bin/env -S python3 -B
"""The static libraries: a program linked with -static runs, and no other name is global."""
import subprocess

from contract import BUILD, C, HERE, compile, errors, finish, output, work_dir
from symbols import WEAK, expected

# Hidden: bound when a program is linked, or to nothing.
HIDDEN = {"anyring_maps"}


def name_problems(archive, want):
    have = {line.split()[0] for line in output(["nm", "-gP", "--defined-only", archive]).splitlines()
            if len(line.split()) > 1}
    yield from (f"missing symbol {name}" for name in sorted(want - have))
    yield from (f"global symbol {name} is too many" for name in sorted(have - want))
    undefined = output(["nm", "-uP", archive]).split("\n")
    weak = {name for _, name in WEAK} | HIDDEN
    for name, kind in (line.split()[:2] for line in undefined if len(line.split()) > 1):
        if name != "_GLOBAL_OFFSET_TABLE_" and not (kind == "w" and name in weak):
            yield f"undefined symbol {name}"


def run_problems(archive, work):
    program = work / f"static-{archive.stem}"
    messages = compile(C, HERE / "programs/static.c", archive, "-static", "-Wl,--fatal-warnings", "-o",
                       program)
    if messages:
        return errors(messages)
    done = subprocess.run([str(program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.splitlines() + [f"exit code {done.returncode}"] if done.returncode else []


def main():
    work, problems = work_dir(), []
    for library in ("liburing", "liburing-ffi"):
        archive, want = BUILD / f"{library}.a", set(expected(f"{library}.so.2")[0])
        found = [*name_problems(archive, want), *run_problems(archive, work)]
        problems += [f"{archive.name}: {problem}" for problem in found]
    finish(problems, "liburing.a and liburing-ffi.a")


if __name__ == "__main__":
    main()
