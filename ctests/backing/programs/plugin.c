/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A plugin that liburing.a is linked into: makes a ring, uses it in one way, and closes it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int use_ring(const char *way, const char *file);

/* The request of a way; it is waited for, or in flight when the ring is closed. */
static int prepare(struct io_uring_sqe *sqe, const char *way, int fd, void *buffer)
{
	static struct __kernel_timespec second = { .tv_sec = 1 };
	static unsigned word;

	if (!strcmp(way, "timeout"))
		io_uring_prep_timeout(sqe, &second, 0, 0);
	else if (!strcmp(way, "futex"))
		io_uring_prep_futex_wait(sqe, &word, 0, ~0ULL, 2 /* of 32 bits */, 0);
	else
		io_uring_prep_read(sqe, fd, buffer, 4096, 0);
	if (!strcmp(way, "worker") || !strcmp(way, "in-flight"))
		sqe->flags |= IOSQE_ASYNC;
	return !strcmp(way, "worker") || !strcmp(way, "direct");
}

int use_ring(const char *way, const char *file)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	void *buffer;
	int fd = open(file, O_RDONLY | (strcmp(way, "direct") ? 0 : O_DIRECT));
	int failed = fd < 0 || posix_memalign(&buffer, 4096, 4096) || io_uring_queue_init(8, &ring, 0);

	if (failed)
		return 1;
	if (prepare(io_uring_get_sqe(&ring), way, fd, buffer))
		failed = io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_peek_cqe(&ring, &cqe) || cqe->res != 4096;
	else
		failed = io_uring_submit(&ring) != 1 || usleep(10000);
	io_uring_queue_exit(&ring);
	close(fd);
	/* What is in flight may still be written to it. */
	if (strcmp(way, "in-flight"))
		free(buffer);
	return failed;
}
