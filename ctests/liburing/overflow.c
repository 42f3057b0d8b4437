/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* More completions than the CQ has room for: none is lost, and they stay in order. */
#include "rings.h"

static void ring_with_cq(struct io_uring *ring, unsigned entries, unsigned flags)
{
	struct io_uring_params p = { .flags = flags | IORING_SETUP_CQSIZE, .cq_entries = entries };

	CHECK_EQ(io_uring_queue_init_params(entries, ring, &p), 0);
	CHECK_EQ(p.cq_entries, entries);
}

static void submit_nops(struct io_uring *ring, uint64_t *next, int count)
{
	for (int i = 0; i < count; i++)
		nop(ring, (*next)++);
	submit(ring, count);
}

static void in_order(unsigned flags)
{
	struct io_uring ring;
	uint64_t next = 0;

	ring_with_cq(&ring, 4, flags);
	for (int i = 0; i < 5; i++)
		submit_nops(&ring, &next, 4);
	CHECK_EQ(io_uring_cq_ready(&ring), 4);
	CHECK(io_uring_cq_has_overflow(&ring));
	CHECK_EQ(*ring.cq.koverflow, 0);
	for (uint64_t i = 0; i < next; i++)
		REAP(&ring, i, 0);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK(!io_uring_cq_has_overflow(&ring));
	io_uring_queue_exit(&ring);
}

static void nothing_is_lost(void)
{
	in_order(0);
	in_order(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	in_order(IORING_SETUP_CQE32);
}

/* What comes later goes behind those that wait, although there is room. */
static void later_ones_do_not_overtake(void)
{
	struct io_uring ring;
	uint64_t next = 0;

	ring_with_cq(&ring, 4, 0);
	submit_nops(&ring, &next, 4);
	submit_nops(&ring, &next, 2);
	io_uring_cq_advance(&ring, 3);
	nop(&ring, next++);
	ring.sq.sqe_head = *ring.sq.ktail = ring.sq.sqe_tail;
	CHECK_EQ(io_uring_enter(ring.ring_fd, 1, 0, 0, NULL), 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 1);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 4);
	for (uint64_t i = 3; i < next; i++)
		REAP(&ring, i, 0);
	io_uring_queue_exit(&ring);
}

/* A wait for more than the CQ holds is one for as many as it holds. */
static void waiting_for_more_than_there_is_room_for(void)
{
	struct io_uring ring;
	uint64_t next = 0;

	ring_with_cq(&ring, 4, 0);
	submit_nops(&ring, &next, 4);
	for (int i = 0; i < 3; i++)
		nop(&ring, next++);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 7), 3);
	for (uint64_t i = 0; i < next; i++)
		REAP(&ring, i, 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(nothing_is_lost),
	PART(later_ones_do_not_overtake),
	PART(waiting_for_more_than_there_is_room_for),
)
