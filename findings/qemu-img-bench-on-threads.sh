#!/bin/bash
# qemu-img 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1): `bench -i io_uring` where io_uring is forbidden, as in most
# containers, measures the thread pool instead and ends with success. One line on stderr says so; the figure on stdout
# looks like any other, so that scripts that keep stdout compare io_uring with itself under two names.
# Guessed: an error, as fio has it for an engine that it cannot set up.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
version=$(qemu-img --version | head -n 1)
[[ $version == *"1:10.0.2+ds-2+deb13u1~bpo12+1"* ]] || { echo "needs that qemu-utils; found: $version"; exit 2; }
cat > without.c << 'PROGRAM'
/* Runs a command whose io_uring_setup(2) answers EPERM, as container runtimes have it. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 2;
	execvp(argv[1], argv + 1);
	return 2;
}
PROGRAM
gcc -Wall without.c -o without
truncate -s 4M image
status=0
./without qemu-img bench -f raw -i io_uring -c 100 -d 4 image > out 2> err || status=$?
cat out err
[ "$status" = 0 ] && grep -q '^Run completed in' out && grep -q 'falling back to thread pool' err
