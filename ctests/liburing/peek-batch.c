/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reaping many at once, CQ overflow, and completions marked IORING_CQE_F_SKIP. */
#include "rings.h"

enum { ENTRIES = 4, CQ_ENTRIES = 8 };

static void batch_returns_in_order_and_consumes_nothing(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqes[16] = { NULL };

	ring_init(&ring, ENTRIES, 0);
	/* 50 rounds of 3 and a CQ of 8: batches that start at every slot and wrap */
	for (uint64_t round = 0; round < 50; round++) {
		for (uint64_t i = 0; i < 3; i++)
			nop(&ring, round * 3 + i);
		submit(&ring, 3);
		CHECK_EQ(ERRNO_KEPT(io_uring_peek_batch_cqe(&ring, cqes, 2)), 2);
		CHECK_EQ(cqes[0]->user_data, round * 3);
		CHECK_EQ(cqes[1]->user_data, round * 3 + 1);
		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 16), 3);
		CHECK_EQ(cqes[2]->user_data, round * 3 + 2);
		CHECK_EQ(io_uring_cq_ready(&ring), 3);
		io_uring_cq_advance(&ring, 3);
		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 16), 0);
	}
	io_uring_queue_exit(&ring);
}

static void post(struct io_uring *ring, uint64_t first, int nr)
{
	for (int i = 0; i < nr; i++) {
		nop(ring, first + (uint64_t)i);
		submit(ring, 1);
	}
}

/* More completions than the CQ holds: the kernel keeps the rest, and a peek of an empty CQ gets them. */
static void batch_flushes_an_overflow(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqes[16];

	ring_init(&ring, ENTRIES, 0);
	CHECK(!io_uring_cq_has_overflow(&ring));
	post(&ring, 0, CQ_ENTRIES);
	CHECK(!io_uring_cq_has_overflow(&ring));
	nop(&ring, CQ_ENTRIES);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK(io_uring_cq_has_overflow(&ring));
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 16), CQ_ENTRIES);
	io_uring_cq_advance(&ring, CQ_ENTRIES);
	CHECK_EQ(ERRNO_KEPT(io_uring_peek_batch_cqe(&ring, cqes, 16)), 1);
	CHECK_EQ(cqes[0]->user_data, CQ_ENTRIES);
	CHECK(!io_uring_cq_has_overflow(&ring));
	io_uring_queue_exit(&ring);
}

static void peek_and_wait_flush_an_overflow(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;

	ring_init(&ring, ENTRIES, 0);
	post(&ring, 0, CQ_ENTRIES + 1);
	io_uring_cq_advance(&ring, CQ_ENTRIES);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, CQ_ENTRIES);
	io_uring_cqe_seen(&ring, cqe);
	post(&ring, 100, CQ_ENTRIES + 1);
	io_uring_cq_advance(&ring, CQ_ENTRIES);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 100 + CQ_ENTRIES);
	io_uring_queue_exit(&ring);
}

/* Submitting with nothing new still enters while completions wait in the kernel. */
static void submit_flushes_an_overflow(void)
{
	struct io_uring ring;

	ring_init(&ring, ENTRIES, 0);
	post(&ring, 0, CQ_ENTRIES + 1);
	io_uring_cq_advance(&ring, CQ_ENTRIES);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(io_uring_submit(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 1);
	CHECK(!io_uring_cq_has_overflow(&ring));
	io_uring_queue_exit(&ring);
}

static void overflow_loses_nothing(void)
{
	struct io_uring ring;

	ring_init(&ring, ENTRIES, 0);
	post(&ring, 0, 100);
	for (uint64_t i = 0; i < 100; i++)
		REAP(&ring, i, 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	io_uring_queue_exit(&ring);
}

/* Marks the nth waiting completion as one to skip, as the kernel does with padding. */
static void mark_skip(struct io_uring *ring, unsigned nth)
{
	unsigned slot = (*ring->cq.khead + nth) & ring->cq.ring_mask;

	ring->cq.cqes[slot].flags |= IORING_CQE_F_SKIP;
}

static void waits_consume_skipped_ones(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;

	ring_init(&ring, ENTRIES, 0);
	post(&ring, 0, 4);
	mark_skip(&ring, 0);
	mark_skip(&ring, 1);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 2);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 3);
	mark_skip(&ring, 0);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	io_uring_queue_exit(&ring);
}

/* A batch ends before one to skip, unless that is the first: the count stays a count of slots. */
static void batch_stops_at_a_skipped_one(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqes[8];

	ring_init(&ring, ENTRIES, 0);
	post(&ring, 0, 4);
	mark_skip(&ring, 2);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 8), 2);
	CHECK_EQ(cqes[0]->user_data, 0);
	CHECK_EQ(cqes[1]->user_data, 1);
	io_uring_cq_advance(&ring, 2);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 8), 1);
	CHECK_EQ(cqes[0]->user_data, 3);
	CHECK_EQ(io_uring_cq_ready(&ring), 1);
	io_uring_queue_exit(&ring);
}

static void loops_see_every_completion(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_cqe_iter iter;
	unsigned head, seen = 0;

	ring_init(&ring, ENTRIES, 0);
	post(&ring, 0, 5);
	io_uring_for_each_cqe(&ring, head, cqe) {
		CHECK_EQ(cqe->user_data, seen);
		seen++;
	}
	CHECK_EQ(seen, 5);
	iter = io_uring_cqe_iter_init(&ring);
	for (seen = 0; io_uring_cqe_iter_next(&iter, &cqe); seen++)
		CHECK_EQ(cqe->user_data, seen);
	CHECK_EQ(seen, 5);
	CHECK_EQ(io_uring_cq_ready(&ring), 5);
	io_uring_cq_advance(&ring, 5);
	iter = io_uring_cqe_iter_init(&ring);
	CHECK(!io_uring_cqe_iter_next(&iter, &cqe));
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(batch_returns_in_order_and_consumes_nothing),
	PART(batch_flushes_an_overflow),
	PART(peek_and_wait_flush_an_overflow),
	PART(submit_flushes_an_overflow),
	PART(overflow_loses_nothing),
	PART(waits_consume_skipped_ones),
	PART(batch_stops_at_a_skipped_one),
	PART(loops_see_every_completion),
)
