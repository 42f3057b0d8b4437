/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waiting with a timeout that travels in the enter call (IORING_FEAT_EXT_ARG). */
#include "rings.h"

static void wait_cqe_timeout_expires(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(30);

	ring_init(&ring, 8, 0);
	CHECK(ring.features & IORING_FEAT_EXT_ARG);
	long long start = now_ms();

	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqe_timeout(&ring, &cqe, &ts)), -ETIME);
	CHECK_OP(now_ms() - start, >=, 29);
	CHECK(cqe == NULL);
	/* no request was spent on it, and the caller's time was not changed */
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(ts.tv_nsec, 30000000);
	io_uring_queue_exit(&ring);
}

static void a_ready_completion_needs_no_wait(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000);

	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	submit(&ring, 1);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, &ts, NULL), 0);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_queue_exit(&ring);
}

static void wait_cqes_gets_all(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec limit = ms_to_ts(10000);

	ring_init(&ring, 8, 0);
	delayed(&ring, 10, 1);
	delayed(&ring, 30, 2);
	submit(&ring, 2);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &limit, NULL), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_queue_exit(&ring);
}

/* Fewer than asked for when time is up: the one that came is handed out, and that is no error. */
static void wait_cqes_hands_out_what_came(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(20);

	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	submit(&ring, 1);
	long long start = now_ms();

	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &ts, NULL), 0);
	CHECK_OP(now_ms() - start, >=, 19);
	CHECK(cqe != NULL);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_queue_exit(&ring);
}

static void submit_and_wait_timeout_returns_the_count(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000);

	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	nop(&ring, 2);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait_timeout(&ring, &cqe, 2, &ts, NULL)), 2);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	/* one is ready before the call: it submits, and the answer is 0 */
	nop(&ring, 3);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), 0);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 3);
	io_uring_queue_exit(&ring);
}

static void submitted_then_timed_out_is_a_count_without_a_cqe(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(20);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	read_pending(&ring, fds[0], &byte, 1);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), 1);
	CHECK(cqe == NULL);
	cqe = (void *)1;
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -ETIME);
	CHECK(cqe == NULL);
	io_uring_queue_exit(&ring);
}

static void without_a_time_it_waits(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;

	ring_init(&ring, 8, 0);
	delayed(&ring, 20, 7);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, NULL, NULL), 1);
	CHECK_EQ(cqe->user_data, 7);
	io_uring_cqe_seen(&ring, cqe);
	delayed(&ring, 20, 8);
	submit(&ring, 1);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, NULL), 0);
	CHECK_EQ(cqe->user_data, 8);
	io_uring_queue_exit(&ring);
}

/* ts {0, 0} is a poll that still runs what is due. */
static void a_zero_time_returns_at_once(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec zero = { 0 };

	ring_init(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &zero), -ETIME);
	CHECK(cqe == NULL);
	nop(&ring, 4);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &zero, NULL), 1);
	CHECK(cqe != NULL);
	CHECK_EQ(cqe->user_data, 4);
	io_uring_queue_exit(&ring);
}

static void wait_nr_zero_only_submits(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(10000);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	read_pending(&ring, fds[0], &byte, 1);
	long long start = now_ms();

	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 0, &ts, NULL), 1);
	CHECK_OP(now_ms() - start, <, 5000);
	CHECK(cqe == NULL);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(wait_cqe_timeout_expires),
	PART(a_ready_completion_needs_no_wait),
	PART(wait_cqes_gets_all),
	PART(wait_cqes_hands_out_what_came),
	PART(submit_and_wait_timeout_returns_the_count),
	PART(submitted_then_timed_out_is_a_count_without_a_cqe),
	PART(without_a_time_it_waits),
	PART(a_zero_time_returns_at_once),
	PART(wait_nr_zero_only_submits),
)
