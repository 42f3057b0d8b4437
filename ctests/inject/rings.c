/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings of every kind: made, waited on, overflowing, kept while nobody is inside, shared with a child. */
#include "inject.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { ENTRIES = 8 };

static const struct __kernel_timespec TEN_MS = { .tv_nsec = 10000000 };

static void nops_on(unsigned flags)
{
	struct io_uring ring;

	if (!open_ring(&ring, ENTRIES, flags))
		return;
	for (int i = 0; i < 3; i++)
		OP(&ring, 0, io_uring_prep_nop(sqe));
	io_uring_queue_exit(&ring);
}

static void plain(void)
{
	nops_on(0);
}

static void sq_thread(void)
{
	nops_on(IORING_SETUP_SQPOLL);
}

static void big_entries(void)
{
	nops_on(IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
}

static void deferred(void)
{
	nops_on(IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER);
}

static void no_array(void)
{
	nops_on(IORING_SETUP_NO_SQARRAY | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL);
}

static void own_memory(void)
{
	struct io_uring ring = { 0 };
	struct io_uring_params p = { 0 };
	size_t size = 1 << 21;
	void *memory = pages(size);

	if (RIGHT(io_uring_queue_init_mem(ENTRIES, &ring, &p, memory, size), ANY)) {
		OP(&ring, 0, io_uring_prep_nop(sqe));
		io_uring_queue_exit(&ring);
	}
	munmap(memory, size);
}

static void disabled(void)
{
	struct io_uring_restriction allowed[] = {
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
	};
	struct io_uring ring;

	if (!open_ring(&ring, ENTRIES, IORING_SETUP_R_DISABLED))
		return;
	bool restricts = RIGHT(io_uring_register_restrictions(&ring, allowed, 2), 0);

	if (AGAIN(io_uring_enable_rings(&ring)) == 0) {
		OP(&ring, 0, io_uring_prep_nop(sqe));
		if (restricts)
			OP(&ring, -EACCES, io_uring_prep_read(sqe, 0, NULL, 0, 0));
	}
	io_uring_queue_exit(&ring);
}

static void polled(void)
{
	struct io_uring ring;
	char *block = pages(4096);
	int fd = open("polled", O_RDWR | O_CREAT | O_DIRECT | O_TRUNC, 0600);

	if (fd >= 0 && ftruncate(fd, 4096) == 0 && open_ring(&ring, ENTRIES, IORING_SETUP_IOPOLL)) {
		struct io_uring_sqe *sqe = new_sqe(&ring);

		/* Not every file of every kernel can be polled so. */
		io_uring_prep_read(sqe, fd, block, 4096, 0);
		int res = run_one(&ring);

		HOLDS(res == 4096 || res == -EOPNOTSUPP || has_failed());
		io_uring_queue_exit(&ring);
	}
	if (fd >= 0)
		close(fd);
	munmap(block, 4096);
}

/* More completions than there is room for. */
static void overflow(void)
{
	enum { ROUNDS = 6 };
	struct io_uring ring;

	if (!open_ring(&ring, 4, 0))
		return;
	for (int i = 0; i < ROUNDS * 4; i++) {
		io_uring_prep_nop(new_sqe(&ring));
		if (i % 4 == 3)
			submit_all(&ring);
	}
	for (int i = 0; i < ROUNDS * 4; i++)
		HOLDS(take_cqe(&ring).res == 0);
	io_uring_queue_exit(&ring);
}

static void links_and_drains(void)
{
	struct io_uring ring;

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	for (int i = 0; i < 6; i++) {
		struct io_uring_sqe *sqe = new_sqe(&ring);

		io_uring_prep_nop(sqe);
		sqe->flags = i < 2 ? IOSQE_IO_LINK : i == 3 ? IOSQE_IO_DRAIN : i == 4 ? IOSQE_ASYNC : 0;
	}
	submit_all(&ring);
	for (int i = 0; i < 6; i++)
		RIGHT(take_cqe(&ring).res, 0);
	io_uring_queue_exit(&ring);
}

static void *write_later(void *fd)
{
	usleep(2000);
	MUST(write(*(int *)fd, "x", 1));
	return NULL;
}

/* What completes while nobody is inside: poll(2) on the ring's descriptor says so. */
static void unattended(void)
{
	struct io_uring ring;
	int pipes[2];
	char byte = 0;
	pthread_t thread;

	MUST(pipe(pipes));
	if (open_ring(&ring, ENTRIES, 0)) {
		struct pollfd file = { .fd = ring.ring_fd, .events = POLLIN };

		io_uring_prep_read(new_sqe(&ring), pipes[0], &byte, 1, 0);
		submit_all(&ring);
		HOLDS(pthread_create(&thread, NULL, write_later, &pipes[1]) == 0);
		/* Whatever fails, the result or an error comes. */
		HOLDS(MUST(poll(&file, 1, -1)) == 1);
		struct completion cqe = take_cqe(&ring);

		HOLDS(!RIGHT(cqe.res, 1) || byte == 'x');
		pthread_join(thread, NULL);
		io_uring_queue_exit(&ring);
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* Every way to wait. */
static void waits(void)
{
	struct __kernel_timespec wait = TEN_MS;
	struct io_uring_cqe *cqe = NULL;
	struct io_uring ring;
	sigset_t mask;
	int ret;

	sigemptyset(&mask);
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	RIGHT(io_uring_wait_cqe_timeout(&ring, &cqe, &wait), -ETIME);
	RIGHT(io_uring_wait_cqes(&ring, &cqe, 2, &wait, &mask), -ETIME);
	io_uring_prep_nop(new_sqe(&ring));
	ret = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &wait, NULL);
	RIGHT(ret, 1);
	ret = io_uring_submit_and_wait_min_timeout(&ring, &cqe, 2, &wait, 100, NULL);
	HOLDS(ret >= 0 || ret == -ETIME || has_failed());
	submit_all(&ring);
	HOLDS(take_cqe(&ring).res == 0);
	RIGHT(io_uring_get_events(&ring), 0);
	RIGHT(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	io_uring_queue_exit(&ring);
}

/* A child uses its parent's ring, and one of its own. */
static void forks(void)
{
	struct io_uring ring;
	int pipes[2], status;
	char byte;

	MUST(pipe(pipes));
	if (open_ring(&ring, ENTRIES, 0)) {
		io_uring_prep_read(new_sqe(&ring), pipes[0], &byte, 1, 0);
		submit_all(&ring);
		pid_t pid = (pid_t)MUST(fork());

		if (pid == 0) {
			nops_on(0);
			io_uring_queue_exit(&ring);
			_exit(0);
		}
		MUST(waitpid(pid, &status, 0));
		HOLDS(status == 0);
		MUST(write(pipes[1], "x", 1));
		RIGHT(take_cqe(&ring).res, 1);
		io_uring_queue_exit(&ring);
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* A ring is closed while requests wait for files, times and workers. */
static void closed_busy(void)
{
	struct __kernel_timespec long_time = { .tv_sec = 1000 };
	struct io_uring ring;
	int pipes[2];
	char byte[2];

	MUST(pipe(pipes));
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_sqe *sqe;

		io_uring_prep_read(new_sqe(&ring), pipes[0], &byte[0], 1, 0);
		sqe = new_sqe(&ring);
		io_uring_prep_read(sqe, pipes[0], &byte[1], 1, 0);
		sqe->flags = IOSQE_ASYNC;
		io_uring_prep_timeout(new_sqe(&ring), &long_time, 0, 0);
		io_uring_prep_poll_multishot(new_sqe(&ring), pipes[0], POLLIN);
		submit_all(&ring);
		io_uring_queue_exit(&ring);
	}
	close(pipes[0]);
	close(pipes[1]);
}

static void *nops_in_thread(void *ring)
{
	struct io_uring own;

	if (open_ring(&own, ENTRIES, 0)) {
		OP(&own, ANY, io_uring_prep_msg_ring(sqe, ((struct io_uring *)ring)->ring_fd, 7, 42, 0));
		io_uring_queue_exit(&own);
	}
	return NULL;
}

static void two_threads(void)
{
	struct io_uring ring;
	pthread_t thread;

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	HOLDS(pthread_create(&thread, NULL, nops_in_thread, &ring) == 0);
	OP(&ring, ANY, io_uring_prep_nop(sqe));
	pthread_join(thread, NULL);
	io_uring_queue_exit(&ring);
}

const struct scenario ring_scenarios[] = {
	SCENARIO(plain), SCENARIO(sq_thread), SCENARIO(big_entries), SCENARIO(deferred), SCENARIO(no_array),
	SCENARIO(own_memory), SCENARIO(disabled), SCENARIO(polled), SCENARIO(overflow), SCENARIO(links_and_drains),
	SCENARIO(unattended), SCENARIO(waits), SCENARIO(forks), SCENARIO(closed_busy), SCENARIO(two_threads),
	SCENARIOS_END,
};
