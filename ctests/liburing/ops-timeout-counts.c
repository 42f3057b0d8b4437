/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a timeout with a number of completions counts. */
#include "rings.h"

static struct __kernel_timespec long_time = { .tv_sec = 3600 };

static void timeout(struct io_uring *ring, unsigned count)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_timeout(sqe, &long_time, count, 0);
	io_uring_sqe_set_data64(sqe, 9);
}

/* What is complete in the same submission counts, also if it came before the timeout. */
static void what_came_before_it_in_the_same_submission(void)
{
	static const unsigned flags[] = { 0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

	for (int i = 0; i < 2; i++) {
		struct io_uring ring;
		char byte;
		int file = temp_file(1);

		ring_init_or_skip(&ring, 8, flags[i], "DEFER_TASKRUN");
		nop(&ring, 1);
		timeout(&ring, 1);
		submit(&ring, 2);
		REAP(&ring, 1, 0);
		REAP(&ring, 9, 0);
		read_pending(&ring, file, &byte, 1);
		nop(&ring, 2);
		timeout(&ring, 3);
		submit(&ring, 3);
		REAP(&ring, 1, 1);
		REAP(&ring, 2, 0);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		nop(&ring, 3);
		submit(&ring, 1);
		REAP(&ring, 3, 0);
		REAP(&ring, 9, 0);
		io_uring_queue_exit(&ring);
	}
}

static void what_was_submitted_before_it_does_not_count(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	submit(&ring, 1);
	timeout(&ring, 1);
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	nop(&ring, 2);
	submit(&ring, 1);
	REAP(&ring, 2, 0);
	REAP(&ring, 9, 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(what_came_before_it_in_the_same_submission),
	PART(what_was_submitted_before_it_does_not_count),
)
