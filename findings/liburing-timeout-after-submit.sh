#!/bin/bash
# liburing 2.3 (Debian 2.3-3) on Linux 6.18: io_uring_submit_and_wait_timeout() whose time runs out answers -ETIME only if
# it had nothing to submit. If it has submitted something, it answers how much, and the pointer to the CQE is NULL: a
# program that looks at the sign alone goes on with no CQE. The crate io-uring shows the same (Ok(1), then ETIME).
# Guessed: -ETIME in both cases, as io_uring_wait_cqe_timeout() has it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get download -qq liburing2=2.3-3 liburing-dev=2.3-3 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
cat > wait.c << 'PROGRAM'
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static int wait_for_one(struct io_uring *ring, struct io_uring_cqe **cqe)
{
	struct __kernel_timespec time = { .tv_nsec = 10000000 };

	*cqe = (struct io_uring_cqe *)ring;
	return io_uring_submit_and_wait_timeout(ring, cqe, 1, &time, NULL);
}

int main(void)
{
	struct io_uring_cqe *first, *second;
	struct io_uring ring;
	int ends[2];

	if (pipe(ends) || io_uring_queue_init(4, &ring, 0))
		return 2;
	io_uring_prep_poll_add(io_uring_get_sqe(&ring), ends[0], POLLIN);
	int with = wait_for_one(&ring, &first), without = wait_for_one(&ring, &second);
	printf("one submitted: %d, CQE %s; none: %d\n", with, first ? "set" : "NULL", without);
	return 0;
}
PROGRAM
library=root/usr/lib/$(gcc -print-multiarch)
gcc -w -Iroot/usr/include wait.c -o wait -L"$library" -luring
seen=$(LD_LIBRARY_PATH=$library ./wait)
echo "$seen"
[ "$seen" = "one submitted: 1, CQE NULL; none: -62" ]
