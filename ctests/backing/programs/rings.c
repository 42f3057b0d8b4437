/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define _GNU_SOURCE
/*
 * rings [fork|alone]: makes two rings and uses them, with fork another in a child; alone: no program that it starts
 * has its stderr. Says what each was, kernel or soft, or the error; exits 1 on an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *kind_of(int fd)
{
	char path[64], target[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	return strcmp(target, "anon_inode:[io_uring]") ? "soft" : "kernel";
}

static int use_ring(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int ret = io_uring_queue_init(8, &ring, 0);

	if (ret) {
		printf("%s\n", strerrorname_np(-ret));
		fflush(stdout);
		return 1;
	}
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe) || cqe->res)
		return 1;
	printf("%s\n", kind_of(ring.ring_fd));
	fflush(stdout);
	io_uring_queue_exit(&ring);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int status = 0;

	if (!strcmp(how, "alone"))
		fcntl(STDERR_FILENO, F_SETFD, FD_CLOEXEC);
	int failed = use_ring() | use_ring();

	if (!strcmp(how, "fork")) {
		if (fork() == 0)
			_exit(use_ring());
		wait(&status);
	}
	return failed || status;
}
