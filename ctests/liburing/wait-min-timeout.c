/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two times in one wait: up to min_wait for all that were asked for, then up to ts for any. */
#include "rings.h"

#define USEC_PER_MS 1000u

static void ring_with_min_timeout(struct io_uring *ring, unsigned flags)
{
	ring_init(ring, 8, flags);
	if (!(ring->features & IORING_FEAT_MIN_TIMEOUT))
		SKIP("this kernel has no IORING_FEAT_MIN_TIMEOUT");
}

/* One of two is there when min_wait ends: that is enough, long before ts. */
static void min_wait_ends_with_what_is_there(unsigned flags)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_with_min_timeout(&ring, flags);
	nop(&ring, 1);
	read_pending(&ring, fds[0], &byte, 2);
	long long start = now_ms();

	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 2, &ts,
								  30 * USEC_PER_MS, NULL)), 2);
	long long took = now_ms() - start;

	CHECK_OP(took, >=, 29);
	CHECK_OP(took, <, 5000);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
	close(fds[0]);
	close(fds[1]);
}

static void submit_and_wait_min(void)
{
	min_wait_ends_with_what_is_there(0);
	min_wait_ends_with_what_is_there(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

/* Nothing came in min_wait: the first completion after it ends the wait. */
static void after_min_wait_the_first_one_counts(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000);

	ring_with_min_timeout(&ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	delayed(&ring, 60, 1);
	long long start = now_ms();

	CHECK_EQ(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 4, &ts, 10 * USEC_PER_MS, NULL), 1);
	CHECK_OP(now_ms() - start, >=, 59);
	CHECK_OP(now_ms() - start, <, 5000);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_queue_exit(&ring);
}

static void ts_limits_the_whole(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(50);

	ring_with_min_timeout(&ring, 0);
	long long start = now_ms();

	CHECK_EQ(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 1, &ts, 10 * USEC_PER_MS, NULL),
		 -ETIME);
	CHECK_OP(now_ms() - start, >=, 49);
	CHECK(cqe == NULL);
	io_uring_queue_exit(&ring);
}

/* Without ts there is no time at all: min_wait is not looked at. */
static void without_ts_min_wait_is_ignored(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;

	ring_with_min_timeout(&ring, 0);
	nop(&ring, 1);
	delayed(&ring, 60, 2);
	long long start = now_ms();

	CHECK_EQ(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 2, NULL, 5 * USEC_PER_MS, NULL), 2);
	CHECK_OP(now_ms() - start, >=, 59);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	io_uring_queue_exit(&ring);
}

static void wait_cqes_min(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000);

	ring_with_min_timeout(&ring, 0);
	delayed(&ring, 20, 1);
	delayed(&ring, 9000, 2);
	submit(&ring, 2);
	long long start = now_ms();

	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqes_min_timeout(&ring, &cqe, 2, &ts, 60 * USEC_PER_MS,
							    NULL)), 0);
	CHECK_OP(now_ms() - start, >=, 50);
	CHECK_OP(now_ms() - start, <, 5000);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_queue_exit(&ring);
}

/* Here min_wait is used without ts too: it always goes with the extended argument. */
static void wait_cqes_min_without_ts(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;

	ring_with_min_timeout(&ring, 0);
	nop(&ring, 1);
	delayed(&ring, 9000, 2);
	submit(&ring, 2);
	long long start = now_ms();
	int ret = io_uring_wait_cqes_min_timeout(&ring, &cqe, 2, NULL, 30 * USEC_PER_MS, NULL);

	CHECK_EQ(ret, 0);
	CHECK_OP(now_ms() - start, >=, 29);
	CHECK_OP(now_ms() - start, <, 5000);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_queue_exit(&ring);
}

static void without_the_feature_it_is_einval(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10);

	ring_init(&ring, 8, 0);
	ring.features &= ~IORING_FEAT_MIN_TIMEOUT;
	nop(&ring, 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 1, &ts, 1, NULL)),
		 -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqes_min_timeout(&ring, &cqe, 1, &ts, 1, NULL)), -EINVAL);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	io_uring_queue_exit(&ring);
}

/* The server's own answer: min_wait without a time behind it is all the time that there is. */
static void min_wait_alone_ends_the_wait(void)
{
	struct io_uring ring;
	struct io_uring_getevents_arg arg = { .min_wait_usec = 20 * USEC_PER_MS };

	ring_with_min_timeout(&ring, 0);
	delayed(&ring, 20000, 1);
	submit(&ring, 1);
	long long start = now_ms();

	CHECK_EQ(io_uring_enter2(ring.ring_fd, 0, 2, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
				 sizeof(arg)), -ETIME);
	CHECK_OP(now_ms() - start, >=, 19);
	CHECK_OP(now_ms() - start, <, 15000);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(submit_and_wait_min),
	PART(after_min_wait_the_first_one_counts),
	PART(ts_limits_the_whole),
	PART(without_ts_min_wait_is_ignored),
	PART(wait_cqes_min),
	PART(wait_cqes_min_without_ts),
	PART(without_the_feature_it_is_einval),
	PART(min_wait_alone_ends_the_wait),
)
