/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A static program without threads: requests that wait, and those that go to a worker. Says whether there
 * was a worker, and waits until there is none.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(const char *what, int result)
{
	printf("%s: %d\n", what, result);
	exit(1);
}

static int threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = -2;

	while (tasks && readdir(tasks))
		count++;
	closedir(tasks);
	return count;
}

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	char buffer[4096], text[8] = "";
	int pipes[2], fd = open("/proc/self/exe", O_RDONLY);

	int ret = io_uring_queue_init(8, &ring, 0);

	if (ret)
		fail("setup", ret);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			io_uring_prep_read(sqe, fd, buffer, sizeof(buffer), 0);
			sqe->flags |= IOSQE_ASYNC;
		}
		io_uring_submit_and_wait(&ring, 4);
		for (int i = 0; i < 4; i++) {
			if (io_uring_wait_cqe(&ring, &cqe) || cqe->res != sizeof(buffer))
				fail("read", cqe->res);
			io_uring_cqe_seen(&ring, cqe);
		}
		if (memcmp(buffer, "\177ELF", 4))
			fail("what was read", 0);
	}
	if (pipe(pipes))
		fail("pipe", -1);
	io_uring_prep_read(io_uring_get_sqe(&ring), pipes[0], text, sizeof(text), -1);
	io_uring_submit(&ring);
	if (write(pipes[1], "static", 6) != 6)
		fail("write", -1);
	if (io_uring_wait_cqe(&ring, &cqe) || cqe->res != 6 || strcmp(text, "static"))
		fail("read of a pipe", cqe->res);
	io_uring_cqe_seen(&ring, cqe);
	printf("%d\n", threads() > 1);
	io_uring_queue_exit(&ring);
	for (int i = 0; threads() > 1; i++) {
		if (i == 60)
			fail("threads that stay", threads());
		usleep(100000);
	}
	return 0;
}
