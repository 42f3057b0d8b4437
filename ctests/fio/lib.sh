# shellcheck shell=bash
# What the tests of the fio engine share. Each runs in an empty directory of its own; TMPDIR names it.

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
engine=${FIO_ENGINE:-$root/build/libanyring-fio.so}
fio=${FIO:-fio}
# shellcheck disable=SC2034
apis=(uring aio-ring)
failures=0

skip() {
    echo "$*"
    exit 77
}

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# The test's verdict, at its end.
finish() {
    ((failures == 0)) || {
        echo "$failures checks failed"
        exit 1
    }
    exit 0
}

need() {
    command -v "$1" >/dev/null || skip "$1 is missing"
}

need "$fio"
need python3
[[ -r $engine ]] || {
    echo "$engine is missing: run \`make fio\` first"
    exit 1
}
cd "${TMPDIR:?}" || exit 1

# Runs one job on the engine, under what stands in `wrapper`; messages go to `log`, the result to `out`.
# A job that hangs is killed.
job() {
    timeout -k 5 "${job_seconds:-40}" "${wrapper[@]}" "$fio" --name=job "${files[@]}" --size=4m --bs=4k \
        --iodepth=16 --invalidate=0 --output-format=json "--ioengine=external:$engine" "$@" 2>&1 >out | cat >log
    return "${PIPESTATUS[0]}"
}
wrapper=()
files=(--filename=data)

# An expression over the result: `j` is the first job, `jobs` all of them.
value() {
    python3 -c '
import json, sys
text = open("out").read()
jobs = json.JSONDecoder().raw_decode(text[text.index("{"):])[0]["jobs"]
j = jobs[0]
print(eval(sys.argv[1]))' "$1"
}

# check DESCRIPTION EXPRESSION: the expression must be true of the result.
check() {
    local got
    got=$(value "$2" 2>&1) || true
    [[ $got == True ]] || fail "$1: not so: $2 ($got)"
}

# The job must end well; the rest are its options.
passes() {
    local status=0
    job "$@" || status=$?
    if ((status)); then
        fail "ends with $status: $*"
        tail -n 5 log
        grep err= out || true
        return 1
    fi
}

# refuses CAUSE OPTION...: the job must end with an error, and fio must say the cause (a regular expression).
refuses() {
    local cause=$1 status=0
    shift
    job "$@" || status=$?
    if ((status == 0 || status >= 124)); then
        fail "ends with $status instead of an error: $*"
    elif ! grep -qsE "$cause" log out; then
        fail "does not say '$cause': $*"
        tail -n 5 log
        grep err= out || true
    fi
}

# trace_requests OPTION...: runs the job and writes what the kernel was asked to do to `trace`: lines with
# an opcode and flags. Needs tracefs; 1 where there is none.
trace_requests() {
    local events instance=anyring.$$ status=0
    mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || return 1
    events=/sys/kernel/tracing/instances/$instance
    mkdir "$events" 2>/dev/null || return 1
    # shellcheck disable=SC2064
    trap "rmdir '$events'" EXIT
    echo 1 >"$events/options/event-fork"
    echo 16384 >"$events/buffer_size_kb"
    (
        # Nobody else's requests: first the process, then the events.
        echo "$BASHPID" >"$events/set_event_pid"
        echo 1 >"$events/events/io_uring/io_uring_submit_req/enable"
        echo 1 >"$events/events/io_uring/io_uring_create/enable"
        passes "$@"
    ) || status=1
    cp "$events/trace" trace
    rmdir "$events"
    trap - EXIT
    ((status == 0)) || failures=$((failures + 1))
}

# How many requests of the trace match the expression.
requests() {
    grep io_uring_submit_req trace | grep -cE "$1" || true
}
