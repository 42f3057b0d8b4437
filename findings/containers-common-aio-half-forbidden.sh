#!/bin/bash
# containers-common 0.50.1 (Debian golang-github-containers-common 0.50.1+ds1-4), podman's default seccomp profile: io_setup,
# io_submit, io_getevents, io_cancel and io_destroy are allowed, io_pgetevents alone is EPERM, so that a program on
# libaio works until it waits under a signal mask. io_uring_setup, which it does not name, answers ENOSYS, as an old
# kernel would, not EPERM: software that says "forbidden here" for EPERM says "kernel too old" under podman.
# Guessed: all of aio is allowed or none; EPERM for io_uring.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get download -qq golang-github-containers-common=0.50.1+ds1-4 2> /dev/null
dpkg -x ./*.deb root
cat > ask.py << 'PROGRAM'
import json

profile = json.load(open("root/usr/share/containers/seccomp.json"))
for call in ("io_submit", "io_getevents", "io_pgetevents", "io_uring_setup"):
    rules = [rule for rule in profile["syscalls"] if call in rule["names"]]
    answers = {rule.get("errno") or rule["action"] for rule in rules} or {profile["defaultErrno"]}
    print(call, *sorted(answers))
PROGRAM
seen=$(python3 ask.py)
echo "$seen"
[ "$seen" = "io_submit SCMP_ACT_ALLOW
io_getevents SCMP_ACT_ALLOW
io_pgetevents EPERM
io_uring_setup ENOSYS" ]
