/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Waiting as on a kernel without IORING_FEAT_EXT_ARG: timeouts go as requests of
 * the library's own, which the caller must never see. The feature bit is
 * cleared in the ring, which is what the library decides by. The answers are the
 * same as with the feature: the library's own request is in no count.
 */
#include "rings.h"

static void ring_without_ext_arg(struct io_uring *ring, unsigned entries)
{
	ring_init(ring, entries, 0);
	ring->features &= ~IORING_FEAT_EXT_ARG;
}

static void timing_out_is_etime(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(30);

	ring_without_ext_arg(&ring, 8);
	for (int i = 0; i < 3; i++) {
		long long start = now_ms();

		CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqe_timeout(&ring, &cqe, &ts)), -ETIME);
		CHECK_OP(now_ms() - start, >=, 29);
		CHECK(cqe == NULL);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
	}
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 3, &ts, NULL), -ETIME);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -ETIME);
	CHECK(cqe == NULL);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* The wait submits, which is no answer to it. */
static void timing_out_with_something_prepared(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(30);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_without_ext_arg(&ring, 8);
	read_pending(&ring, fds[0], &byte, 7);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK(cqe == NULL);
	read_pending(&ring, fds[0], &byte, 8);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &ts, NULL), -ETIME);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	CHECK(cqe != NULL);
	CHECK_EQ(cqe->res, 1);
	io_uring_queue_exit(&ring);
}

static void a_ready_completion_is_returned(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000);

	ring_without_ext_arg(&ring, 8);
	nop(&ring, 1);
	submit(&ring, 1);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
}

/* The answer comes well before the limit, and the request that kept time ends unseen. */
static void a_completion_ends_the_wait(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec limit = ms_to_ts(10000);

	ring_without_ext_arg(&ring, 8);
	for (uint64_t i = 0; i < 20; i++) {
		long long start = now_ms();

		delayed(&ring, 5, i);
		submit(&ring, 1);

		CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &limit), 0);
		CHECK(cqe != NULL);
		CHECK_EQ(cqe->user_data, i);
		CHECK_EQ(cqe->res, 8);
		CHECK_OP(now_ms() - start, <, 5000);
		io_uring_cqe_seen(&ring, cqe);
	}
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK(cqe == NULL);
	io_uring_queue_exit(&ring);
}

static void wait_cqes_gets_all(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec limit = ms_to_ts(10000);

	ring_without_ext_arg(&ring, 8);
	delayed(&ring, 10, 1);
	delayed(&ring, 30, 2);
	submit(&ring, 2);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &limit, NULL), 0);
	CHECK(cqe != NULL);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_OP(io_uring_cq_ready(&ring), >=, 2);
	io_uring_cqe_seen(&ring, cqe);
	REAP(&ring, 2, 8);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	io_uring_queue_exit(&ring);
}

static void submit_and_wait_timeout_submits(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000), brief = ms_to_ts(20);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_without_ext_arg(&ring, 8);
	nop(&ring, 1);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), 1);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	/* submitted, then out of time: a count and no CQE, as with the feature */
	read_pending(&ring, fds[0], &byte, 2);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &brief, NULL), 1);
	CHECK(cqe == NULL);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	REAP(&ring, 2, 1);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	io_uring_queue_exit(&ring);
}

/* No slot is left for the timeout request: what fills the SQ has to go first. */
static void a_full_sq_is_submitted_first(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(30);
	int fds[2];
	char byte[4];

	MUST(pipe(fds));
	ring_without_ext_arg(&ring, 4);
	for (uint64_t i = 0; i < 4; i++)
		read_pending(&ring, fds[0], &byte[i], i);
	CHECK(io_uring_get_sqe(&ring) == NULL);
	int ret = io_uring_wait_cqe_timeout(&ring, &cqe, &ts);

	CHECK(cqe == NULL);
	CHECK_EQ(ret, -ETIME);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(write(fds[1], "wxyz", 4), 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(reap_any(&ring).res, 1);
	io_uring_queue_exit(&ring);
}

/* Its user_data is what marks the library's request. With the feature that value is the program's. */
static void the_mark_is_the_programs_own_with_the_feature(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	nop(&ring, LIBURING_UDATA_TIMEOUT);
	submit(&ring, 1);
	REAP(&ring, LIBURING_UDATA_TIMEOUT, 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(timing_out_is_etime),
	PART(timing_out_with_something_prepared),
	PART(a_ready_completion_is_returned),
	PART(a_completion_ends_the_wait),
	PART(wait_cqes_gets_all),
	PART(submit_and_wait_timeout_submits),
	PART(a_full_sq_is_submitted_first),
	PART(the_mark_is_the_programs_own_with_the_feature),
)
