/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * setuid DIRECTORY: as root, which then gives up its rights, in a process with workers: afterwards a file
 * that only root may open is refused to requests, too. It is made in DIRECTORY.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 65534 };
static struct io_uring ring;
static char path[4096];

/* Through a worker. */
static int open_by_ring(struct io_uring *on)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(on);
	struct io_uring_cqe *cqe;

	io_uring_prep_openat(sqe, AT_FDCWD, path, O_RDONLY, 0);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_submit(on);
	if (io_uring_wait_cqe(on, &cqe))
		exit(2);
	int result = cqe->res;

	io_uring_cqe_seen(on, cqe);
	return result;
}

/* One thread gives up its rights, the others keep theirs: as raw system calls do it. */
static void *thread_without_rights(void *arg)
{
	struct io_uring own;

	(void)arg;
	if (syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) || syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) ||
	    io_uring_queue_init(8, &own, 0))
		exit(2);
	for (int i = 0; i < 20; i++) {
		int result = open_by_ring(&own);

		if (result >= 0) {
			printf("a thread without rights opened the file\n");
			exit(1);
		}
	}
	io_uring_queue_exit(&own);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	snprintf(path, sizeof(path), "%s/secret", argc > 1 ? argv[1] : ".");
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || io_uring_queue_init(8, &ring, 0))
		return 2;
	for (int i = 0; i < 20; i++) {
		int result = open_by_ring(&ring);

		if (result < 0) {
			printf("root could not open: %d\n", result);
			return 1;
		}
		close(result);
	}
	pthread_create(&thread, NULL, thread_without_rights, NULL);
	pthread_join(thread, NULL);
	int result = open_by_ring(&ring);

	if (result < 0) {
		printf("root cannot open it any more: %d\n", result);
		return 1;
	}
	/* Every thread of the process has to take part, our workers too. */
	alarm(10);
	if (setgid(NOBODY) || setuid(NOBODY))
		return 2;
	result = open_by_ring(&ring);
	if (result >= 0) {
		printf("opened after setuid\n");
		return 1;
	}
	io_uring_queue_exit(&ring);
	return 0;
}
