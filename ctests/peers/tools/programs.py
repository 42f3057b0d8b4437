"""Running other people's programs, each in a process group of its own, on a library of our choice."""
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PEERS = ROOT / "build" / "peers"
OURS = ROOT / "build" / "stage" / "lib"
SONAME = "liburing.so.2"

PASS, FAIL, SKIP, TIMEOUT = "pass", "fail", "skip", "timeout"
SKIP_CODE = 77


def outcome_of(code):
    """What an exit code means; None stands for a program that had to be killed."""
    return {0: PASS, SKIP_CODE: SKIP, None: TIMEOUT}.get(code, FAIL)


def resolve(program, soname, env):
    """The file that the dynamic loader would take for `soname`, or None if the program needs none."""
    listed = subprocess.run([program], env=env | {"LD_TRACE_LOADED_OBJECTS": "1"}, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    for line in listed.splitlines():
        words = line.split()
        if words[:2] == [soname, "=>"]:
            return Path(words[2])
    return None


def wait_for(process, seconds):
    """Whether the process ended in time. It stays a zombie, so its group's ID is still its own."""
    pidfd = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(pidfd)


def run_in_scratch(command, env, seconds, parent, files=()):
    """Run in a new directory below `parent` that has links to `files`: (exit code or None, output)."""
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=parent))
    try:
        for file in files:
            (scratch / file.name).symlink_to(file)
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(command, cwd=scratch, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            in_time = wait_for(process, seconds)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            out.seek(0)
            output = out.read().decode(errors="replace")
            if not in_time:
                return None, f"{output}killed after {seconds} s\n"
            if process.returncode < 0:
                output += f"killed by {signal.strsignal(-process.returncode)}\n"
            return process.returncode, output
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def need(*tools):
    """Ends the test as skipped if one of `tools` (command names) is missing."""
    missing = [tool for tool in tools if not find_tool(tool)]
    if missing:
        print(f"not installed: {' '.join(missing)}")
        sys.exit(SKIP_CODE)
    if not (OURS / SONAME).exists():
        sys.exit(f"{OURS / SONAME} is missing; run `make stage` first")


def find_tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def environment(library):
    """For a program to use the library in directory `library`, or the system's if that is None."""
    env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    env["LC_ALL"] = "C.UTF-8"
    return env if library is None else env | {"LD_LIBRARY_PATH": str(library)}


def check_output(command, library, cwd):
    """What the program prints. Ends the test as failed, with all that was printed, if it fails."""
    done = subprocess.run(list(map(str, command)), env=environment(library), cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))} failed ({done.returncode}) on "
                 f"{library or 'the system library'}:\n{done.stdout}{done.stderr}")
    return done.stdout


def assert_served_by(library, command, cwd):
    """Runs `command` under strace: it must load its liburing from `library` and enter io_uring with it."""
    log = Path(cwd) / "strace.log"
    check_output(["strace", "-f", "-qq", "-o", log, "-e", "trace=open,openat,io_uring_enter", *command],
                 library, cwd)
    calls = log.read_text(errors="replace")
    log.unlink()
    loaded = {Path(p) for p in re.findall(rf'open\w*\(.*"([^"]*/{re.escape(SONAME)})".*\) = \d', calls)}
    if loaded != {library / SONAME}:
        sys.exit(f"{shlex.join(map(str, command))} loaded {loaded or 'no liburing'}, not {library / SONAME}")
    entered = len(re.findall(r"io_uring_enter\(.*\) = \d", calls))
    if not entered:
        sys.exit(f"{shlex.join(map(str, command))} never entered io_uring")
    return entered
