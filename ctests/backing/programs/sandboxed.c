/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sandboxed FILE: a ring's reads and writes of a file, through the page cache and around it, of a pipe, and registered
 * files, as a sandbox may hinder them. Exits with the number of the line that did not go as it should.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096 };

#define MUST_BE(value, expected)                                                                  \
	do {                                                                                      \
		int got = (int)(value);                                                           \
		if (got != (expected)) {                                                          \
			fprintf(stderr, "line %d: %s is %d\n", __LINE__, #value, got);            \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

static struct io_uring ring;

static int result(void)
{
	struct io_uring_cqe *cqe;

	MUST_BE(io_uring_submit_and_wait(&ring, 1), 1);
	MUST_BE(io_uring_peek_cqe(&ring, &cqe), 0);
	int res = cqe->res;

	io_uring_cqe_seen(&ring, cqe);
	return res;
}

static int read_block(int fd, void *data, unsigned long long offset)
{
	io_uring_prep_read(io_uring_get_sqe(&ring), fd, data, BLOCK, offset);
	return result();
}

static int write_block(int fd, const void *data, unsigned long long offset)
{
	io_uring_prep_write(io_uring_get_sqe(&ring), fd, data, BLOCK, offset);
	return result();
}

/* Written at an offset and at the position, and read back. */
static void of_file(int fd, char *data, char *back)
{
	memset(data, 'a', BLOCK);
	MUST_BE(write_block(fd, data, BLOCK), BLOCK);
	memset(data, 'b', BLOCK);
	MUST_BE(lseek(fd, 0, SEEK_SET), 0);
	MUST_BE(write_block(fd, data, -1ull), BLOCK);
	MUST_BE(lseek(fd, 0, SEEK_CUR), BLOCK);
	MUST_BE(read_block(fd, back, -1ull), BLOCK);
	MUST_BE(back[0] == 'a' && back[BLOCK - 1] == 'a', 1);
	MUST_BE(read_block(fd, back, 0), BLOCK);
	MUST_BE(memcmp(data, back, BLOCK), 0);
}

int main(int argc, char **argv)
{
	char *data = aligned_alloc(BLOCK, BLOCK), *back = aligned_alloc(BLOCK, BLOCK);
	int cached = open(argv[argc - 1], O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
	int direct = open(argv[argc - 1], O_RDWR | O_DIRECT);

	MUST_BE(io_uring_queue_init(8, &ring, 0), 0);
	of_file(cached, data, back);
	if (direct >= 0)
		of_file(direct, data, back);
	MUST_BE(pipe(ends), 0);
	MUST_BE(write_block(ends[1], data, 0), BLOCK);
	MUST_BE(read_block(ends[0], back, 0), BLOCK);
	MUST_BE(memcmp(data, back, BLOCK), 0);
	MUST_BE(io_uring_register_files(&ring, &cached, 1), 0);
	io_uring_prep_read(io_uring_get_sqe(&ring), 0, back, BLOCK, 0);
	ring.sq.sqes[(ring.sq.sqe_tail - 1) & ring.sq.ring_mask].flags = IOSQE_FIXED_FILE;
	MUST_BE(result(), BLOCK);
	io_uring_queue_exit(&ring);
	return 0;
}
