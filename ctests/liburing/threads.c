/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One ring between two threads, and one between two processes. */
#include "rings.h"
#include <pthread.h>

enum { REQUESTS = 20000 };

static void *reap_all(void *arg)
{
	struct io_uring *ring = arg;
	static unsigned char seen[REQUESTS];
	uintptr_t count = 0;

	for (int i = 0; i < REQUESTS; i++) {
		struct io_uring_cqe *cqe = NULL;

		if (io_uring_wait_cqe(ring, &cqe) != 0 || cqe->user_data >= REQUESTS)
			break;
		count += !seen[cqe->user_data]++ && cqe->res == 0;
		io_uring_cqe_seen(ring, cqe);
	}
	return (void *)count;
}

static void one_submits_the_other_reaps(void)
{
	struct io_uring ring;
	pthread_t reaper;
	void *count;

	ring_init(&ring, 64, 0);
	CHECK_EQ(pthread_create(&reaper, NULL, reap_all, &ring), 0);
	for (uint64_t i = 0; i < REQUESTS; i++) {
		nop(&ring, i);
		if (i % 16 == 15)
			CHECK_EQ(io_uring_submit(&ring), 16);
	}
	CHECK_EQ(pthread_join(reaper, &count), 0);
	CHECK_EQ((uintptr_t)count, REQUESTS);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	io_uring_queue_exit(&ring);
}

static void *ring_of_its_own(void *arg)
{
	struct io_uring ring;

	(void)arg;
	for (int i = 0; i < 20; i++) {
		ring_init(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
		for (int j = 0; j < 20; j++)
			CHECK_RING_WORKS(&ring);
		io_uring_queue_exit(&ring);
	}
	return NULL;
}

static void each_has_its_own(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ring_of_its_own, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void *submit_from_here(void *arg)
{
	struct io_uring *ring = arg;

	nop(ring, 1);
	return (void *)(intptr_t)io_uring_submit(ring);
}

/* A ring for one issuer refuses another thread's submissions. */
static void a_single_issuer_is_one_thread(void)
{
	struct io_uring ring;
	pthread_t other;
	void *ret;

	ring_init(&ring, 8, IORING_SETUP_SINGLE_ISSUER);
	CHECK_EQ(pthread_create(&other, NULL, submit_from_here, &ring), 0);
	CHECK_EQ(pthread_join(other, &ret), 0);
	CHECK_EQ((intptr_t)ret, -EEXIST);
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	io_uring_queue_exit(&ring);
}

/* A child shares the ring's memory: both use it, one after the other, and both leave it. */
static void parent_and_child_share_a_ring(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	CHECK_RING_WORKS(&ring);
	pid_t pid = fork_child();

	if (pid == 0) {
		CHECK_RING_WORKS(&ring);
		nop(&ring, 55);
		submit(&ring, 1);
		io_uring_queue_exit(&ring);
		_exit(PASS);
	}
	CHECK_EQ(exit_status(pid), PASS);
	/* the child's SQE count is its own memory, the ring's head and tail are shared */
	REAP(&ring, 55, 0);
	ring.sq.sqe_head = ring.sq.sqe_tail = *ring.sq.ktail;
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static bool is_mapped(void *page)
{
	unsigned char in_core;

	return mincore((void *)((uintptr_t)page & ~4095ul), 4096, &in_core) == 0;
}

static void a_ring_kept_from_the_child(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_ring_dontfork(&ring)), 0);
	pid_t pid = fork_child();

	if (pid == 0) {
		bool gone = !is_mapped(ring.sq.sqes) && !is_mapped(ring.cq.ring_ptr) &&
			    !is_mapped(ring.sq.ring_ptr);

		_exit(gone ? PASS : FAIL);
	}
	CHECK_EQ(exit_status(pid), PASS);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static void dontfork_needs_a_ring(void)
{
	struct io_uring ring;

	memset(&ring, 0, sizeof(ring));
	CHECK_EQ(ERRNO_KEPT(io_uring_ring_dontfork(&ring)), -EINVAL);
}

struct waiter {
	struct io_uring *ring;
	unsigned wanted;
	unsigned ready_then; /* how many there were when the wait ended */
	pthread_t thread;
};

static void *wait_for_some(void *arg)
{
	struct waiter *waiter = arg;
	int ret = io_uring_enter(waiter->ring->ring_fd, 0, waiter->wanted, IORING_ENTER_GETEVENTS, NULL);

	waiter->ready_then = ret == 0 ? io_uring_cq_ready(waiter->ring) : 0;
	return NULL;
}

/* Each waiter wakes at its own count; one that serves the others' files hands that on when it goes. */
static void waiters_of_different_counts(void)
{
	struct io_uring ring;
	struct waiter waiters[4];
	char bytes[4];
	int fds[2];

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 4; i++)
		read_pending(&ring, fds[0], &bytes[i], (uint64_t)i);
	submit(&ring, 4);
	for (unsigned i = 0; i < 4; i++) {
		waiters[i] = (struct waiter){ .ring = &ring, .wanted = i + 1 };
		CHECK_EQ(pthread_create(&waiters[i].thread, NULL, wait_for_some, &waiters[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		usleep(20000);
		CHECK_EQ(write(fds[1], "x", 1), 1);
	}
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(pthread_join(waiters[i].thread, NULL), 0);
		CHECK_OP(waiters[i].ready_then, >=, waiters[i].wanted);
	}
	CHECK_EQ(io_uring_cq_ready(&ring), 4);
	io_uring_queue_exit(&ring);
	close(fds[0]);
	close(fds[1]);
}

/* Who waits for what would block does it by itself, where there is nothing else to look at meanwhile. */
static void a_waiter_does_its_own_work(void)
{
	struct __kernel_timespec late = ms_to_ts(10000);
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int fd = temp_file(4096), threads;

	ring_init(&ring, 8, 0);
	nop(&ring, 0);
	submit(&ring, 1);
	REAP(&ring, 0, 0);
	threads = count_threads();
	for (int i = 0; i < 10; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		/* What is linked to it goes on as well. */
		io_uring_prep_fsync(sqe, fd, 0);
		sqe->flags |= IOSQE_IO_LINK;
		nop(&ring, 1);
		CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 2);
		CHECK_EQ(reap_any(&ring).res, 0);
		CHECK_EQ(reap_any(&ring).res, 0);
	}
	if (is_soft(&ring))
		CHECK_EQ(count_threads(), threads);
	/* With a time to keep it would not be done in time. */
	io_uring_prep_fsync(sqe_get(&ring), fd, 0);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &late, NULL), 1);
	CHECK_EQ(reap_any(&ring).res, 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	close(fd);
}

TEST_PARTS(
	PART(a_waiter_does_its_own_work),
	PART(waiters_of_different_counts),
	PART(one_submits_the_other_reaps),
	PART(each_has_its_own),
	PART(a_single_issuer_is_one_thread),
	PART(parent_and_child_share_a_ring),
	PART(a_ring_kept_from_the_child),
	PART(dontfork_needs_a_ring),
)
