#!/bin/bash
# liburing 2.3 (Debian 2.3-3) on Linux 6.18: a READ with IOSQE_ASYNC is of the file that has the number when a worker of the
# kernel begins with it, not of the one that had it when io_uring_submit() returned. A program that closes a descriptor
# behind such a request, and gets the number again, reads another file: here in about half of the tries. Without the flag
# none does.
# Guessed: the file is taken hold of at submission, as it is without the flag.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get download -qq liburing2=2.3-3 liburing-dev=2.3-3 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
cat > async.c << 'PROGRAM'
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <unistd.h>

enum { TRIES = 4000, NUMBER = 20 };

static int file(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	return fd >= 0 && write(fd, text, 1) == 1 ? fd : -1;
}

static int read_others(struct io_uring *ring, int before, int after, unsigned flags)
{
	int others = 0;

	for (int i = 0; i < TRIES; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
		struct io_uring_cqe *cqe;
		char byte = 0;

		dup2(before, NUMBER);
		io_uring_prep_read(sqe, NUMBER, &byte, 1, 0);
		sqe->flags |= flags;
		io_uring_submit(ring);
		dup2(after, NUMBER);
		if (io_uring_wait_cqe(ring, &cqe) || cqe->res != 1)
			return -1;
		others += byte == 'B';
		io_uring_cqe_seen(ring, cqe);
	}
	return others;
}

int main(void)
{
	int before = file("before", "A"), after = file("after", "B");
	struct io_uring ring;

	if (before < 0 || after < 0 || io_uring_queue_init(8, &ring, 0))
		return 2;
	printf("%d %d\n", read_others(&ring, before, after, 0), read_others(&ring, before, after, IOSQE_ASYNC));
	return 0;
}
PROGRAM
library=root/usr/lib/$(gcc -print-multiarch)
gcc -w -Iroot/usr/include async.c -o async -L"$library" -luring
read -r plain async <<< "$(LD_LIBRARY_PATH=$library ./async)"
echo "of 4000 reads were of the file that got the number afterwards: $plain, with IOSQE_ASYNC $async"
[ "$plain" = 0 ] && [ "$async" -gt 0 ]
