/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * checked [alone]: a correct program, for tools that look for mistakes: reads on workers, a poll, a timeout, sockets, rings that
 * are resized, a child that submits unless it is to be alone. Descriptors are closed by an exec, and all are given
 * back. Says "fine".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024 };

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	printf("%s\n", what);
	fflush(stdout);
	_exit(1);
}

/* Which descriptors are open: those that an exec closes as 1, others as 2. */
static void look_at_descriptors(char *open)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		int flags = fcntl(fd, F_GETFD);

		open[fd] = flags < 0 ? 0 : flags & FD_CLOEXEC ? 1 : 2;
	}
}

static int take(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	check(!io_uring_wait_cqe(ring, &cqe), "wait_cqe");
	int res = cqe->res;

	io_uring_cqe_seen(ring, cqe);
	return res;
}

static void read_on_workers(struct io_uring *ring)
{
	char *blocks[4];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		blocks[i] = malloc(4096);
		io_uring_prep_read(sqe, fd, blocks[i], 4096, 0);
		sqe->flags |= IOSQE_ASYNC;
	}
	check(io_uring_submit_and_wait(ring, 4) == 4, "submit_and_wait");
	for (int i = 0; i < 4; i++)
		check(take(ring) == 4096, "a read");
	for (int i = 0; i < 4; i++) {
		/* Uninitialised bytes would be complained of here. */
		check(!memcmp(blocks[i], "\177ELF", 4), "what was read");
		free(blocks[i]);
	}
	close(fd);
}

static void wait_for_files_and_time(struct io_uring *ring)
{
	struct __kernel_timespec soon = { .tv_nsec = 1500000 };
	char text[8];
	int ends[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
	io_uring_prep_timeout(io_uring_get_sqe(ring), &soon, 0, 0);
	check(io_uring_submit(ring) == 1 && take(ring) == -ETIME, "a timeout");
	io_uring_prep_poll_add(io_uring_get_sqe(ring), ends[0], POLLIN);
	check(io_uring_submit(ring) == 1, "submit");
	io_uring_prep_send(io_uring_get_sqe(ring), ends[1], "checked", 8, 0);
	check(io_uring_submit(ring) == 1, "submit");
	check(take(ring) + take(ring) == 8 + POLLIN, "a poll and a send");
	for (int i = 0; i < 2; i++) {
		io_uring_prep_recv(io_uring_get_sqe(ring), ends[0], text, sizeof(text), 0);
		check(io_uring_submit(ring) == 1, "submit");
		if (i == 1)
			check(write(ends[1], "waited", 7) == 7, "write");
		check(take(ring) == 8 - i, "a receive");
		check(!strcmp(text, i ? "waited" : "checked"), "what was received");
	}
	close(ends[0]);
	close(ends[1]);
}

static void have_a_child_submit(struct io_uring *ring)
{
	int status;

	fflush(stdout);
	pid_t child = fork();

	if (child == 0) {
		io_uring_prep_nop(io_uring_get_sqe(ring));
		_exit(io_uring_submit(ring) != 1);
	}
	check(waitpid(child, &status, 0) == child && status == 0, "a child");
	check(take(ring) == 0, "its request");
}

static void resize(void)
{
	struct io_uring ring;
	struct io_uring_params params = { .sq_entries = 16, .cq_entries = 64, .flags = IORING_SETUP_CQSIZE };

	check(!io_uring_queue_init(4, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN), "queue_init");
	check(!io_uring_resize_rings(&ring, &params), "resize_rings");
	for (int i = 0; i < 16; i++)
		io_uring_prep_nop(io_uring_get_sqe(&ring));
	check(io_uring_submit(&ring) == 16, "submit");
	for (int i = 0; i < 16; i++)
		check(take(&ring) == 0, "a nop");
	io_uring_queue_exit(&ring);
}

int main(int argc, char **argv)
{
	static char before[DESCRIPTORS], meanwhile[DESCRIPTORS], after[DESCRIPTORS];
	struct io_uring ring;
	bool forks = argc < 2 || strcmp(argv[1], "alone");

	look_at_descriptors(before);
	check(!io_uring_queue_init(8, &ring, 0), "queue_init");
	read_on_workers(&ring);
	wait_for_files_and_time(&ring);
	if (forks)
		have_a_child_submit(&ring);
	resize();
	look_at_descriptors(meanwhile);
	io_uring_queue_exit(&ring);
	/* Threads of the C library, as under ThreadSanitizer, are not waited for. */
	for (int looks = 0; looks < 100; looks++) {
		look_at_descriptors(after);
		if (!memcmp(before, after, sizeof(before)))
			break;
		usleep(10000);
	}
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		check(before[fd] || meanwhile[fd] != 2, "a descriptor that an exec does not close");
	check(!memcmp(before, after, sizeof(before)), "a descriptor that stays");
	printf("fine\n");
	return 0;
}
