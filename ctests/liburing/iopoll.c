/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* IORING_SETUP_IOPOLL: completions are only found inside enter, and files that cannot poll are refused. */
#include "rings.h"

static void ring_iopoll(struct io_uring *ring)
{
	ring_init_or_skip(ring, 8, IORING_SETUP_IOPOLL, "IORING_SETUP_IOPOLL");
}

static void a_buffered_file_is_refused(void)
{
	struct io_uring ring;
	unsigned char buf[512];
	int fd = temp_file(sizeof(buf));

	ring_iopoll(&ring);
	io_uring_prep_read(sqe_get(&ring), fd, buf, sizeof(buf), 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(reap_any(&ring).res, -EOPNOTSUPP);
	io_uring_queue_exit(&ring);
}

static void requests_without_polling_are_refused(void)
{
	struct io_uring ring;
	int fd = temp_file(16);

	ring_iopoll(&ring);
	io_uring_prep_fsync(sqe_get(&ring), fd, 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(reap_any(&ring).res, -EINVAL);
	io_uring_queue_exit(&ring);
}

static void waiting(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL, *cqes[4];

	ring_iopoll(&ring);
	CHECK_EQ(ERRNO_KEPT(io_uring_peek_cqe(&ring, &cqe)), -EAGAIN);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 4), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit(&ring)), 0);
	nop(&ring, 1);
	nop(&ring, 2);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 4), 2);
	CHECK_EQ(cqes[1]->user_data, 2);
	io_uring_cq_advance(&ring, 2);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_buffered_file_is_refused),
	PART(requests_without_polling_are_refused),
	PART(waiting),
)
