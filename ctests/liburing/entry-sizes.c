/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Entries of double size, for the whole ring (SQE128, CQE32) or one by one (the mixed rings). */
#include "rings.h"

static bool addresses_step_by(struct io_uring *ring, unsigned count, size_t step)
{
	char *first = (char *)nop(ring, 0);

	for (unsigned i = 1; i < count; i++)
		if ((char *)nop(ring, i) != first + i * step)
			return false;
	return true;
}

static void big_sqes(void)
{
	struct io_uring ring;

	ring_init_or_skip(&ring, 8, IORING_SETUP_SQE128, "IORING_SETUP_SQE128");
	CHECK_EQ(ring.sq.sqes_sz, 8 * 128);
	for (int round = 0; round < 3; round++) {
		CHECK(addresses_step_by(&ring, 8, 128));
		CHECK(io_uring_get_sqe(&ring) == NULL);
		submit(&ring, 8);
		for (uint64_t i = 0; i < 8; i++)
			REAP(&ring, i, 0);
	}
	io_uring_queue_exit(&ring);
}

static void big_cqes(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqes[8], *cqe;
	unsigned head, seen;

	ring_init_or_skip(&ring, 4, IORING_SETUP_CQE32, "IORING_SETUP_CQE32");
	for (uint64_t round = 0; round < 10; round++) {
		for (uint64_t i = 0; i < 3; i++)
			nop(&ring, round * 3 + i);
		submit(&ring, 3);
		CHECK_EQ(io_uring_cq_ready(&ring), 3);
		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 8), 3);
		for (uint64_t i = 0; i < 3; i++)
			CHECK_EQ(cqes[i]->user_data, round * 3 + i);
		seen = 0;
		io_uring_for_each_cqe(&ring, head, cqe)
			CHECK_EQ(cqe->user_data, round * 3 + seen++);
		CHECK_EQ(seen, 3);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(cqe->user_data, round * 3);
		CHECK_EQ(io_uring_cqe_nr(cqe), 1); /* one slot: all slots are big */
		io_uring_cqe_seen(&ring, cqe);
		CHECK_EQ(io_uring_cq_ready(&ring), 2);
		io_uring_cq_advance(&ring, 2);
	}
	io_uring_queue_exit(&ring);
}

static void big_nop(struct io_uring *ring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = nop(ring, user_data);

	sqe->nop_flags = IORING_NOP_CQE32;
	sqe->off = user_data + 1000;  /* comes back as big_cqe[0] */
	sqe->addr = user_data + 2000; /* and big_cqe[1] */
}

static void big_cqes_carry_their_extra_words(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;

	ring_init_or_skip(&ring, 4, IORING_SETUP_CQE32, "IORING_SETUP_CQE32");
	for (uint64_t i = 0; i < 20; i++) {
		big_nop(&ring, i);
		submit(&ring, 1);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		if (i == 0 && cqe->res == -EINVAL)
			SKIP("this kernel has no IORING_NOP_CQE32");
		CHECK_EQ(cqe->user_data, i);
		CHECK_EQ(cqe->big_cqe[0], i + 1000);
		CHECK_EQ(cqe->big_cqe[1], i + 2000);
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
}

static void check_mixed_cqe(const struct io_uring_cqe *cqe, uint64_t i)
{
	CHECK_EQ(cqe->user_data, i);
	CHECK_EQ(cqe->res, 0);
	CHECK_EQ(!!(cqe->flags & IORING_CQE_F_32), i % 3 == 0);
	CHECK_EQ(io_uring_cqe_nr(cqe), i % 3 == 0 ? 2 : 1);
	if (i % 3 == 0) {
		CHECK_EQ(cqe->big_cqe[0], i + 1000);
		CHECK_EQ(cqe->big_cqe[1], i + 2000);
	}
}

static void mixed_nop(struct io_uring *ring, uint64_t i)
{
	if (i % 3 == 0)
		big_nop(ring, i);
	else
		nop(ring, i);
}

/* Sizes that do not divide the CQ: the kernel pads at its end with a completion to skip. */
static void mixed_cqes_one_by_one(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;

	ring_init_or_skip(&ring, 4, IORING_SETUP_CQE_MIXED, "IORING_SETUP_CQE_MIXED");
	for (uint64_t i = 0; i < 100; i++) {
		mixed_nop(&ring, i);
		submit(&ring, 1);
		if (i % 2)
			CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		else
			CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
		check_mixed_cqe(cqe, i);
		io_uring_cqe_seen(&ring, cqe);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
	}
	io_uring_queue_exit(&ring);
}

static unsigned reap_mixed(struct io_uring *ring, uint64_t *expected)
{
	struct io_uring_cqe_iter iter = io_uring_cqe_iter_init(ring);
	struct io_uring_cqe *cqe;
	unsigned slots = 0;

	while (io_uring_cqe_iter_next(&iter, &cqe)) {
		slots += io_uring_cqe_nr(cqe);
		if (cqe->flags & IORING_CQE_F_SKIP)
			continue;
		check_mixed_cqe(cqe, *expected);
		(*expected)++;
	}
	return slots;
}

/* The iterator hands out padding too, so that its slots can be counted. */
static void mixed_cqes_by_iterator(void)
{
	struct io_uring ring;
	uint64_t next = 0, expected = 0;

	ring_init_or_skip(&ring, 4, IORING_SETUP_CQE_MIXED, "IORING_SETUP_CQE_MIXED");
	while (expected < 300) {
		for (int i = 0; i < 4; i++)
			mixed_nop(&ring, next++);
		submit(&ring, 4);
		unsigned ready = io_uring_cq_ready(&ring), slots = reap_mixed(&ring, &expected);

		CHECK_EQ(slots, ready);
		io_uring_cq_advance(&ring, slots);
		if (io_uring_cq_has_overflow(&ring))
			CHECK_EQ(io_uring_get_events(&ring), 0);
	}
	while (io_uring_cq_ready(&ring))
		io_uring_cq_advance(&ring, reap_mixed(&ring, &expected));
	CHECK_EQ(expected, next);
	io_uring_queue_exit(&ring);
}

static void mixed_cqes_by_batch(void)
{
	struct io_uring ring;
	uint64_t next = 0, expected = 0;

	ring_init_or_skip(&ring, 8, IORING_SETUP_CQE_MIXED, "IORING_SETUP_CQE_MIXED");
	while (expected < 300) {
		struct io_uring_cqe *cqes[8];
		unsigned nr;

		while (next < expected + 5)
			mixed_nop(&ring, next++);
		CHECK_OP(io_uring_submit(&ring), >=, 0);
		nr = io_uring_peek_batch_cqe(&ring, cqes, 8);
		CHECK_OP(nr, >, 0);
		for (unsigned i = 0; i < nr; i++)
			check_mixed_cqe(cqes[i], expected++);
		/* only now: the slots of this batch stay until they are all read */
		for (unsigned i = 0; i < nr; i++)
			io_uring_cqe_seen(&ring, cqes[i]);
	}
	io_uring_queue_exit(&ring);
}

static void mixed_cqes_by_loop(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	uint64_t next = 0, expected = 0;

	ring_init_or_skip(&ring, 8, IORING_SETUP_CQE_MIXED, "IORING_SETUP_CQE_MIXED");
	while (expected < 300) {
		unsigned head, slots = 0;

		for (int i = 0; i < 5; i++)
			mixed_nop(&ring, next++);
		submit(&ring, 5);
		io_uring_for_each_cqe(&ring, head, cqe) {
			slots += io_uring_cqe_nr(cqe);
			if (!(cqe->flags & IORING_CQE_F_SKIP))
				check_mixed_cqe(cqe, expected++);
		}
		CHECK_EQ(expected, next);
		io_uring_cq_advance(&ring, slots);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
	}
	io_uring_queue_exit(&ring);
}

static struct io_uring_sqe *nop128(struct io_uring *ring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe128(ring);

	if (sqe) {
		io_uring_prep_nop128(sqe);
		io_uring_sqe_set_data64(sqe, user_data);
	}
	return sqe;
}

static void sqe128_in_a_ring_of_big_sqes(void)
{
	struct io_uring ring;

	ring_init_or_skip(&ring, 4, IORING_SETUP_SQE128, "IORING_SETUP_SQE128");
	struct io_uring_sqe *first = io_uring_get_sqe128(&ring), *second = io_uring_get_sqe128(&ring);

	CHECK(first != NULL && second != NULL);
	CHECK_EQ((char *)second - (char *)first, 128);
	io_uring_prep_nop(first);
	io_uring_prep_nop(second);
	submit(&ring, 2);
	CHECK_EQ(reap_any(&ring).res, 0);
	CHECK_EQ(reap_any(&ring).res, 0);
	io_uring_queue_exit(&ring);
}

static void sqe128_in_a_plain_ring_is_null(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, 0);
	CHECK(io_uring_get_sqe128(&ring) == NULL);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* A big one that would straddle the end of the SQ is moved to its start, behind a filler. */
static void mixed_sqes(void)
{
	struct io_uring ring;

	ring_init_or_skip(&ring, 8, IORING_SETUP_SQE_MIXED, "IORING_SETUP_SQE_MIXED");
	for (uint64_t i = 0; i < 60; i++) {
		nop(&ring, i * 3);
		CHECK(nop128(&ring, i * 3 + 1) != NULL);
		nop(&ring, i * 3 + 2);
		CHECK_OP(io_uring_submit(&ring), >=, 3);
		REAP(&ring, i * 3, 0);
		REAP(&ring, i * 3 + 1, 0);
		REAP(&ring, i * 3 + 2, 0);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
	}
	io_uring_queue_exit(&ring);
}

static void mixed_sqes_fill_the_sq(void)
{
	struct io_uring ring;

	ring_init_or_skip(&ring, 8, IORING_SETUP_SQE_MIXED, "IORING_SETUP_SQE_MIXED");
	for (uint64_t i = 0; i < 4; i++)
		CHECK(nop128(&ring, i) != NULL);
	CHECK(nop128(&ring, 4) == NULL);
	CHECK(io_uring_get_sqe(&ring) == NULL);
	CHECK_OP(io_uring_submit(&ring), >, 0);
	for (uint64_t i = 0; i < 4; i++)
		REAP(&ring, i, 0);
	io_uring_queue_exit(&ring);
}

/*
 * How a mixed SQ is laid out is the program's side of it alone, so any kernel will
 * do: the flag is set in the ring by hand, and nothing is submitted until it is
 * off again. What was laid out is then as good as plain requests to the kernel.
 */
static void big_sqes_do_not_straddle_the_end(void)
{
	struct io_uring ring;
	struct io_uring_sqe *filler, *big;

	ring_init(&ring, 8, 0);
	for (int i = 0; i < 7; i++)
		CHECK_RING_WORKS(&ring);
	unsigned flags = ring.flags;

	ring.flags |= IORING_SETUP_SQE_MIXED;
	filler = &ring.sq.sqes[7];
	filler->opcode = 0xff;
	big = io_uring_get_sqe128(&ring);
	CHECK(big == &ring.sq.sqes[0]);
	CHECK_EQ(filler->opcode, IORING_OP_NOP);
	CHECK_EQ(filler->flags, IOSQE_CQE_SKIP_SUCCESS);
	CHECK_EQ(io_uring_sq_ready(&ring), 3);
	CHECK(io_uring_get_sqe128(&ring) == &ring.sq.sqes[2]);
	CHECK(io_uring_get_sqe(&ring) == &ring.sq.sqes[4]);
	CHECK(io_uring_get_sqe128(&ring) == &ring.sq.sqes[5]);
	CHECK_EQ(io_uring_sq_space_left(&ring), 0);
	CHECK(io_uring_get_sqe128(&ring) == NULL);
	CHECK(io_uring_get_sqe(&ring) == NULL);
	ring.flags = flags;
	io_uring_queue_exit(&ring);
}

/* The SQ array may name the last slot: the other half would lie behind the SQEs. */
static void a_big_sqe_in_the_last_slot(void)
{
	struct io_uring ring;

	ring_init_or_skip(&ring, 8, IORING_SETUP_SQE_MIXED, "IORING_SETUP_SQE_MIXED");
	nop(&ring, 1);
	CHECK(nop128(&ring, 2) != NULL);
	if ((ring.flags & IORING_SETUP_NO_SQARRAY) || !ring.sq.array)
		SKIP("there is no SQ array");
	ring.sq.array[1] = 7;
	memset(&ring.sq.sqes[7], 0, sizeof(ring.sq.sqes[7]));
	io_uring_prep_nop128(&ring.sq.sqes[7]);
	ring.sq.sqes[7].user_data = 3;
	CHECK_OP(io_uring_submit(&ring), >=, 2);
	REAP(&ring, 1, 0);
	REAP(&ring, 3, -EINVAL);
	io_uring_queue_exit(&ring);
}

/* Room for the filler but not for the big one behind it: neither is taken. */
static void a_big_sqe_that_does_not_fit_takes_nothing(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, 0);
	unsigned flags = ring.flags;

	ring.flags |= IORING_SETUP_SQE_MIXED;
	for (int i = 0; i < 3; i++)
		nop(&ring, (uint64_t)i);
	CHECK_EQ(io_uring_sq_space_left(&ring), 1);
	CHECK(io_uring_get_sqe128(&ring) == NULL);
	CHECK_EQ(io_uring_sq_ready(&ring), 3);
	CHECK(io_uring_get_sqe(&ring) == &ring.sq.sqes[3]);
	ring.flags = flags;
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(big_sqes),
	PART(big_cqes),
	PART(big_cqes_carry_their_extra_words),
	PART(mixed_cqes_one_by_one),
	PART(mixed_cqes_by_iterator),
	PART(mixed_cqes_by_batch),
	PART(mixed_cqes_by_loop),
	PART(sqe128_in_a_ring_of_big_sqes),
	PART(sqe128_in_a_plain_ring_is_null),
	PART(mixed_sqes),
	PART(mixed_sqes_fill_the_sq),
	PART(big_sqes_do_not_straddle_the_end),
	PART(a_big_sqe_in_the_last_slot),
	PART(a_big_sqe_that_does_not_fit_takes_nothing),
)
