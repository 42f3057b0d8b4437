/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests that depend on each other: links, drains, link timeouts, timeouts, silent success. */
#include "rings.h"
#include <poll.h>

static struct io_uring_sqe *flagged_nop(struct io_uring *ring, uint64_t data, unsigned flags)
{
	struct io_uring_sqe *sqe = nop(ring, data);

	io_uring_sqe_set_flags(sqe, flags);
	return sqe;
}

static void fails_with(struct io_uring_sqe *sqe, int res)
{
	sqe->nop_flags = IORING_NOP_INJECT_RESULT;
	sqe->len = (__u32)res;
}

static void a_chain_runs_in_order(void)
{
	struct io_uring ring;
	int fd = temp_file(0);
	char buf[4] = { 0 };
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_write(sqe, fd, "link", 4, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	io_uring_sqe_set_data64(sqe, 1);
	sqe = sqe_get(&ring);
	io_uring_prep_read(sqe, fd, buf, 4, 0);
	io_uring_sqe_set_data64(sqe, 2);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	REAP(&ring, 1, 4);
	REAP(&ring, 2, 4);
	CHECK_EQ(memcmp(buf, "link", 4), 0);
	io_uring_queue_exit(&ring);
}

static void a_failure_ends_the_chain(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	fails_with(flagged_nop(&ring, 1, IOSQE_IO_LINK), -ENOSPC);
	flagged_nop(&ring, 2, IOSQE_IO_LINK);
	nop(&ring, 3);
	nop(&ring, 4); /* outside of the chain */
	submit(&ring, 4);
	int results[5] = { 0 };

	for (int i = 0; i < 4; i++) {
		struct result result = reap_any(&ring);

		results[result.user_data] = result.res;
	}
	if (results[1] == 0)
		SKIP("this kernel has no IORING_NOP_INJECT_RESULT");
	CHECK_EQ(results[1], -ENOSPC);
	CHECK_EQ(results[2], -ECANCELED);
	CHECK_EQ(results[3], -ECANCELED);
	CHECK_EQ(results[4], 0);
	/* a hard link goes on after a failure */
	fails_with(flagged_nop(&ring, 1, IOSQE_IO_HARDLINK), -ENOSPC);
	nop(&ring, 2);
	submit(&ring, 2);
	REAP(&ring, 1, -ENOSPC);
	REAP(&ring, 2, 0);
	io_uring_queue_exit(&ring);
}

static void a_link_timeout_cancels(void)
{
	struct io_uring ring;
	struct __kernel_timespec ts = ms_to_ts(20);
	int fds[2], results[3] = { 0 };
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	read_pending(&ring, fds[0], &byte, 1);
	ring.sq.sqes[0].flags = IOSQE_IO_LINK;
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_link_timeout(sqe, &ts, 0);
	io_uring_sqe_set_data64(sqe, 2);
	submit(&ring, 2);
	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(&ring);

		results[result.user_data] = result.res;
	}
	CHECK_EQ(results[1], -ECANCELED);
	CHECK_EQ(results[2], -ETIME);
	io_uring_queue_exit(&ring);
}

static void a_drain_waits_for_all_before_it(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	delayed(&ring, 30, 1);
	flagged_nop(&ring, 2, IOSQE_IO_DRAIN);
	nop(&ring, 3);
	submit(&ring, 3);
	REAP(&ring, 1, 8);
	REAP(&ring, 2, 0);
	REAP(&ring, 3, 0);
	io_uring_queue_exit(&ring);
}

static void success_without_a_completion(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	flagged_nop(&ring, 1, IOSQE_CQE_SKIP_SUCCESS);
	nop(&ring, 2);
	submit(&ring, 2);
	REAP(&ring, 2, 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_close(sqe, -1);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	RUN_ONE(&ring, -EBADF);
	io_uring_queue_exit(&ring);
}

static void timeouts(void)
{
	struct io_uring ring;
	struct __kernel_timespec brief = ms_to_ts(30), endless = ms_to_ts(100000);
	struct io_uring_sqe *sqe;
	long long start = now_ms();

	ring_init(&ring, 8, 0);
	io_uring_prep_timeout(sqe_get(&ring), &brief, 0, 0);
	RUN_ONE(&ring, -ETIME);
	CHECK_OP(now_ms() - start, >=, 29);
	io_uring_prep_timeout(sqe_get(&ring), &brief, 0, IORING_TIMEOUT_ETIME_SUCCESS);
	RUN_ONE(&ring, -ETIME);
	/* ends when so many others have completed */
	sqe = sqe_get(&ring);
	io_uring_prep_timeout(sqe, &endless, 2, 0);
	io_uring_sqe_set_data64(sqe, 5);
	nop(&ring, 6);
	nop(&ring, 7);
	submit(&ring, 3);
	REAP(&ring, 6, 0);
	REAP(&ring, 7, 0);
	REAP(&ring, 5, 0);
	io_uring_queue_exit(&ring);
}

static void a_timeout_that_repeats(void)
{
	struct io_uring ring;
	struct __kernel_timespec ts = ms_to_ts(5);
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_timeout(sqe, &ts, 3, IORING_TIMEOUT_MULTISHOT);
	submit(&ring, 1);
	for (int i = 0; i < 3; i++) {
		struct result result = reap_any(&ring);

		if (i == 0 && result.res == -EINVAL)
			SKIP("this kernel has no IORING_TIMEOUT_MULTISHOT");
		CHECK_EQ(result.res, -ETIME);
		CHECK_EQ(!!(result.flags & IORING_CQE_F_MORE), i < 2);
	}
	io_uring_queue_exit(&ring);
}

/* Once a request has asked to have no completion, nothing can wait for all before it. */
static void no_drain_without_completions(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	flagged_nop(&ring, 1, IOSQE_IO_DRAIN);
	flagged_nop(&ring, 2, IOSQE_CQE_SKIP_SUCCESS);
	flagged_nop(&ring, 3, IOSQE_IO_DRAIN);
	submit(&ring, 3);
	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res, result.user_data == 3 ? -EOPNOTSUPP : 0);
	}
	flagged_nop(&ring, 4, IOSQE_IO_DRAIN | IOSQE_CQE_SKIP_SUCCESS);
	submit(&ring, 1);
	REAP(&ring, 4, -EOPNOTSUPP);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* Nobody promises it, but the later of two writes to a place is the later one, also for who waits for them. */
static void writes_stay_in_order(void)
{
	enum { ROUNDS = 100, LENGTH = 65536 };
	static char blocks[2][LENGTH];
	int fd = temp_file(LENGTH), overtaken = 0;
	struct io_uring ring;

	memset(blocks[0], 'a', LENGTH);
	memset(blocks[1], 'b', LENGTH);
	ring_init(&ring, 8, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		char byte;

		MUST(ftruncate(fd, 0));
		for (int i = 0; i < 2; i++)
			io_uring_prep_write(sqe_get(&ring), fd, blocks[i], LENGTH, 0);
		CHECK_EQ(io_uring_submit_and_wait(&ring, round % 3), 2);
		for (int i = 0; i < 2; i++)
			CHECK_EQ(reap_any(&ring).res, LENGTH);
		CHECK_EQ(pread(fd, &byte, 1, 0), 1);
		overtaken += byte == 'a';
	}
	CHECK_EQ(overtaken, 0);
	io_uring_queue_exit(&ring);
	close(fd);
}

/* Within one submission a descriptor is closed and becomes another file, which who comes later reads. */
static void a_number_that_becomes_another_file(unsigned close_flags)
{
	enum { READS = 6, LATER = 3 };
	struct io_uring ring;
	int fd = temp_file(0), other = temp_file(0);
	char bytes[READS];

	CHECK_EQ(MUST(pwrite(fd, "o", 1, 0)), 1);
	CHECK_EQ(MUST(pwrite(other, "n", 1, 0)), 1);
	ring_init(&ring, 16, 0);
	CHECK_EQ(io_uring_register_files(&ring, &other, 1), 0);
	for (unsigned i = 0; i < READS; i++) {
		struct io_uring_sqe *sqe;

		if (i == LATER) {
			sqe = sqe_get(&ring);
			io_uring_prep_close(sqe, fd);
			io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK | close_flags);
			io_uring_sqe_set_data64(sqe, 100);
			sqe = sqe_get(&ring);
			io_uring_prep_fixed_fd_install(sqe, 0, 0);
			sqe->flags |= IOSQE_IO_LINK;
			io_uring_sqe_set_data64(sqe, 101);
		}
		sqe = sqe_get(&ring);
		io_uring_prep_read(sqe, fd, &bytes[i], 1, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC | (i >= LATER && i < READS - 1 ? IOSQE_IO_LINK : 0));
		io_uring_sqe_set_data64(sqe, i);
	}
	CHECK_EQ(io_uring_submit_and_wait(&ring, READS + 2), READS + 2);
	for (unsigned i = 0; i < READS + 2; i++) {
		struct result one = reap_any(&ring);

		/* The kernel looks for the file when a worker begins. */
		if (one.user_data < LATER && !is_soft(&ring))
			continue;
		CHECK_EQ(one.res, one.user_data == 100 ? 0 : one.user_data == 101 ? fd : 1);
		if (one.user_data < READS)
			CHECK_EQ(bytes[one.user_data], one.user_data < LATER ? 'o' : 'n');
	}
	io_uring_queue_exit(&ring);
	close(fd);
	close(other);
}

static void a_number_is_another_file_behind_close(void)
{
	a_number_that_becomes_another_file(0);
	a_number_that_becomes_another_file(IOSQE_ASYNC);
}

/* All CQEs count for a timeout that ends with a number of them: of links that are cancelled, of requests that go on. */
static void what_a_timeout_counts(void)
{
	struct __kernel_timespec long_time = { .tv_sec = 20 };
	struct io_uring_sqe *sqe;
	struct io_uring ring, other;
	int ends[2];

	ring_init(&ring, 8, 0);
	ring_init(&other, 8, 0);
	io_uring_prep_timeout(sqe_get(&ring), &long_time, 2, 0);
	submit(&ring, 1);
	sqe = sqe_get(&ring);
	io_uring_prep_read(sqe, -1, NULL, 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	nop(&ring, 2);
	submit(&ring, 2);
	CHECK_EQ(reap_any(&ring).res, -EBADF);
	CHECK_EQ(reap_any(&ring).res, -ECANCELED);
	CHECK_EQ(reap_any(&ring).res, 0);
	io_uring_prep_timeout(sqe_get(&ring), &long_time, 1, 0);
	submit(&ring, 1);
	io_uring_prep_msg_ring(sqe_get(&other), ring.ring_fd, 7, 3, 0);
	submit(&other, 1);
	CHECK_EQ(reap_any(&ring).res, 7);
	CHECK_EQ(reap_any(&ring).res, 0);
	MUST(pipe(ends));
	io_uring_prep_poll_multishot(sqe_get(&ring), ends[0], POLLIN);
	io_uring_prep_timeout(sqe_get(&ring), &long_time, 1, 0);
	submit(&ring, 2);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(reap_any(&ring).res, POLLIN);
	CHECK_EQ(reap_any(&ring).res, 0);
	io_uring_queue_exit(&other);
	io_uring_queue_exit(&ring);
}

/* Each time that a timeout repeats ends the waits for CQEs. */
static void a_repeating_timeout_ends_waits(void)
{
	struct __kernel_timespec period = { .tv_nsec = 50000000 };
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	io_uring_prep_timeout(sqe_get(&ring), &period, 0, IORING_TIMEOUT_MULTISHOT);
	submit(&ring, 1);
	CHECK_EQ(io_uring_enter((unsigned)ring.ring_fd, 0, 8, IORING_ENTER_GETEVENTS, NULL), 0);
	CHECK_OP(io_uring_cq_ready(&ring), <, 8);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(writes_stay_in_order),
	PART(what_a_timeout_counts),
	PART(a_repeating_timeout_ends_waits),
	PART(a_number_is_another_file_behind_close),
	PART(a_chain_runs_in_order),
	PART(a_failure_ends_the_chain),
	PART(a_link_timeout_cancels),
	PART(a_drain_waits_for_all_before_it),
	PART(success_without_a_completion),
	PART(timeouts),
	PART(a_timeout_that_repeats),
	PART(no_drain_without_completions),
)
