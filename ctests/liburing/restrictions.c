/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings that start disabled, and what they may then be restricted to. */
#include "rings.h"

static void disabled_until_enabled(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, IORING_SETUP_R_DISABLED);
	nop(&ring, 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit(&ring)), -EBADFD);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_enable_rings(&ring)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_enable_rings(&ring)), -EBADFD);
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	io_uring_queue_exit(&ring);
}

static void allow(struct io_uring_restriction *res, unsigned kind, unsigned what)
{
	memset(res, 0, sizeof(*res));
	res->opcode = (__u16)kind;
	res->sqe_op = (__u8)what; /* the same byte holds a register opcode or SQE flags */
}

static void only_allowed_requests(void)
{
	struct io_uring ring;
	struct io_uring_restriction res[2];
	char byte;

	ring_init(&ring, 8, IORING_SETUP_R_DISABLED);
	allow(&res[0], IORING_RESTRICTION_SQE_OP, IORING_OP_NOP);
	allow(&res[1], IORING_RESTRICTION_REGISTER_OP, IORING_REGISTER_PROBE);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_restrictions(&ring, res, 2)), 0);
	CHECK_EQ(io_uring_register_restrictions(&ring, res, 2), -EBUSY);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	CHECK_RING_WORKS(&ring);
	io_uring_prep_read(sqe_get(&ring), 0, &byte, 1, 0);
	submit(&ring, 1);
	CHECK_EQ(reap_any(&ring).res, -EACCES);
	struct io_uring_probe *probe = io_uring_get_probe_ring(&ring);

	CHECK(probe != NULL);
	io_uring_free_probe(probe);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_sparse(&ring, 1)), -EACCES);
	io_uring_queue_exit(&ring);
}

static void only_allowed_flags(void)
{
	struct io_uring ring;
	struct io_uring_restriction res[3];

	ring_init(&ring, 8, IORING_SETUP_R_DISABLED);
	allow(&res[0], IORING_RESTRICTION_SQE_OP, IORING_OP_NOP);
	allow(&res[1], IORING_RESTRICTION_SQE_FLAGS_REQUIRED, IOSQE_ASYNC);
	allow(&res[2], IORING_RESTRICTION_SQE_FLAGS_ALLOWED, IOSQE_IO_LINK);
	CHECK_EQ(io_uring_register_restrictions(&ring, res, 3), 0);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	nop(&ring, 1);
	submit(&ring, 1);
	REAP(&ring, 1, -EACCES);
	io_uring_sqe_set_flags(nop(&ring, 2), IOSQE_ASYNC);
	submit(&ring, 1);
	REAP(&ring, 2, 0);
	io_uring_sqe_set_flags(nop(&ring, 3), IOSQE_ASYNC | IOSQE_IO_DRAIN);
	submit(&ring, 1);
	REAP(&ring, 3, -EACCES);
	io_uring_queue_exit(&ring);
}

static void too_late_for_restrictions(void)
{
	struct io_uring ring;
	struct io_uring_restriction res;

	ring_init(&ring, 8, 0);
	allow(&res, IORING_RESTRICTION_SQE_OP, IORING_OP_NOP);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_restrictions(&ring, &res, 1)), -EBADFD);
	CHECK_EQ(ERRNO_KEPT(io_uring_enable_rings(&ring)), -EBADFD);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static void unknown_restrictions_are_einval(void)
{
	struct io_uring ring;
	struct io_uring_restriction res;

	ring_init(&ring, 8, IORING_SETUP_R_DISABLED);
	allow(&res, 77, 0);
	CHECK_EQ(io_uring_register_restrictions(&ring, &res, 1), -EINVAL);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(disabled_until_enabled),
	PART(only_allowed_requests),
	PART(only_allowed_flags),
	PART(too_late_for_restrictions),
	PART(unknown_restrictions_are_einval),
)
