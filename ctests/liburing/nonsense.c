/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that writes nonsense to the rings' shared words harms nobody but itself. */
#include "rings.h"

/* What the server says stays within what there is, and the calls come back. */
static void enter_whatever_is_there(struct io_uring *ring)
{
	for (int i = 0; i < 4; i++) {
		int ret = io_uring_enter(ring->ring_fd, 100000, 0, IORING_ENTER_GETEVENTS, NULL);

		CHECK_OP(ret, <=, (int)ring->sq.ring_entries);
	}
}

static void heads_and_tails(void)
{
	static const unsigned values[] = { 0, 1, 3, 77, 0x7fffffff, 0x80000000, 0xfffffff0, UINT32_MAX };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (int word = 0; word < 4; word++) {
			struct io_uring ring;

			ring_init(&ring, 4, 0);
			nop(&ring, 1);
			submit(&ring, 1);
			unsigned *words[] = { ring.sq.khead, ring.sq.ktail, ring.cq.khead, ring.cq.ktail };

			*words[word] = values[i];
			enter_whatever_is_there(&ring);
			io_uring_queue_exit(&ring);
		}
}

static void masks_and_sizes(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, 0);
	*ring.sq.kring_mask = *ring.cq.kring_mask = UINT32_MAX;
	*ring.sq.kring_entries = 1u << 31;
	*ring.cq.kring_entries = 0;
	*ring.sq.kflags = *ring.cq.kflags = UINT32_MAX & ~IORING_CQ_EVENTFD_DISABLED;
	for (uint64_t i = 0; i < 20; i++) {
		nop(&ring, i);
		submit(&ring, 1);
		REAP(&ring, i, 0);
	}
	io_uring_queue_exit(&ring);
}

/* An index out of range is counted and ends the submission; what is behind it goes with the next. */
static void indices(void)
{
	static const unsigned bad[] = { 4, 77, 1u << 31, UINT32_MAX };
	struct io_uring ring;

	ring_init(&ring, 4, 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned at = *ring.sq.ktail & 3;

		nop(&ring, 1);
		nop(&ring, 2);
		ring.sq.array[at] = bad[i];
		CHECK_EQ(io_uring_submit(&ring), 0);
		CHECK_EQ(*ring.sq.kdropped, i + 1);
		ring.sq.array[at] = at;
		CHECK_EQ(io_uring_enter(ring.ring_fd, 2, 0, 0, NULL), 1);
		REAP(&ring, 2, 0);
	}
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* Every SQE may have any bytes. NOPs among them still complete. */
static void random_sqes(void)
{
	struct io_uring ring;
	unsigned seed = 1;

	ring_init(&ring, 8, IORING_SETUP_SUBMIT_ALL);
	for (int i = 0; i < 3000; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);
		unsigned char *bytes = (unsigned char *)sqe;

		for (size_t b = 0; b < sizeof(*sqe); b++)
			bytes[b] = (unsigned char)rand_r(&seed);
		/* nothing that exists is to be touched: no such operation, or a NOP of all flags */
		sqe->opcode = i % 2 ? IORING_OP_NOP : 200 + i % 50;
		sqe->flags &= (unsigned char)~(IOSQE_IO_DRAIN | IOSQE_CQE_SKIP_SUCCESS);
		CHECK_EQ(io_uring_submit(&ring), 1);
		(void)reap_any(&ring);
	}
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(heads_and_tails),
	PART(masks_and_sizes),
	PART(indices),
	PART(random_sqes),
)
