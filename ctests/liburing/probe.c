/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the kernel can do: the probe, the query interface, the library's version. */
#include "rings.h"

/* Each opcode of the probe against the kernel itself, asked by hand. */
static void check_probe(struct io_uring_probe *probe, struct io_uring *ring)
{
	char raw[sizeof(*probe) + 256 * sizeof(probe->ops[0])] = { 0 };
	const struct io_uring_probe *truth = (const void *)raw;

	CHECK_EQ(bare_register(ring, ring->ring_fd, IORING_REGISTER_PROBE, raw, 256), 0);
	CHECK_EQ(probe->last_op, truth->last_op);
	CHECK_EQ(probe->ops_len, truth->ops_len);
	for (int op = 0; op < 256; op++) {
		bool supported = op < truth->ops_len &&
				 (truth->ops[op].flags & IO_URING_OP_SUPPORTED);

		CHECK_EQ(!!io_uring_opcode_supported(probe, op), supported);
	}
	CHECK(io_uring_opcode_supported(probe, IORING_OP_NOP));
	CHECK(!io_uring_opcode_supported(probe, 255));
}

static void get_probe(void)
{
	struct io_uring ring;
	int fds;

	ring_init(&ring, 2, 0);
	fds = count_fds();
	errno = 4444;
	struct io_uring_probe *probe = io_uring_get_probe();

	CHECK(probe != NULL);
	CHECK_EQ(errno, 4444);
	check_probe(probe, &ring);
	io_uring_free_probe(probe);
	probe = io_uring_get_probe_ring(&ring);
	CHECK(probe != NULL);
	check_probe(probe, &ring);
	io_uring_free_probe(probe);
	io_uring_free_probe(NULL);
	CHECK_EQ(count_fds(), fds);
	io_uring_queue_exit(&ring);
}

static void probes_do_not_leak(void)
{
	struct footprint before = ring_footprint();

	for (int i = 0; i < 200; i++) {
		struct io_uring_probe *probe = io_uring_get_probe();

		CHECK(probe != NULL);
		io_uring_free_probe(probe);
	}
	CHECK_FOOTPRINT(before);
}

/* There are programs that free a probe themselves: plocate does. */
static void a_probe_may_be_freed_by_free(void)
{
	struct footprint before = ring_footprint();

	for (int i = 0; i < 200; i++) {
		struct io_uring_probe *probe = io_uring_get_probe();

		CHECK(probe != NULL);
		free(probe);
	}
	CHECK_FOOTPRINT(before);
}

static void register_probe(void)
{
	struct io_uring ring;
	char raw[sizeof(struct io_uring_probe) + 4 * sizeof(struct io_uring_probe_op)] = { 0 };
	struct io_uring_probe *probe = (void *)raw;

	ring_init(&ring, 2, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_probe(&ring, probe, 4)), 0);
	CHECK_EQ(probe->ops_len, 4);
	CHECK_EQ(probe->ops[3].op, 3);
	CHECK_EQ(io_uring_register_probe(&ring, probe, 4), -EINVAL); /* it has to come zeroed */
	CHECK_EQ(ERRNO_KEPT(io_uring_register_probe(&ring, NULL, 4)), -EINVAL);
	io_uring_queue_exit(&ring);
}

static void get_probe_of_a_bad_ring_is_null(void)
{
	struct io_uring ring;

	ring_init(&ring, 2, 0);
	io_uring_queue_exit(&ring);
	ring.ring_fd = ring.enter_ring_fd = -1;
	CHECK(io_uring_get_probe_ring(&ring) == NULL);
}

static void query(void)
{
	struct io_uring_query_opcode opcodes = { 0 };
	struct io_uring_query_hdr hdr = {
		.query_data = (uintptr_t)&opcodes,
		.query_op = IO_URING_QUERY_OPCODES,
		.size = sizeof(opcodes),
	};
	int ret = ERRNO_KEPT(io_uring_register_query(&hdr));

	if (ret == -EINVAL)
		SKIP("this kernel has no IORING_REGISTER_QUERY");
	CHECK_EQ(ret, 0);
	CHECK_EQ(hdr.result, 0);
	struct io_uring_probe *probe = io_uring_get_probe();

	CHECK(probe != NULL);
	CHECK_EQ(opcodes.nr_request_opcodes, probe->last_op + 1u);
	CHECK_OP(opcodes.nr_register_opcodes, >, IORING_REGISTER_QUERY);
	CHECK(opcodes.feature_flags & IORING_FEAT_EXT_ARG);
	CHECK(opcodes.ring_setup_flags & IORING_SETUP_SQPOLL);
	io_uring_free_probe(probe);
	hdr.query_op = 0xffff;
	CHECK_EQ(io_uring_register_query(&hdr), 0);
	CHECK_EQ(hdr.result, -EOPNOTSUPP);
}

/* The head in front of the rings, for a program that brings their memory. */
static void query_the_rings_head(void)
{
	struct io_uring_query_scq head = { 0 };
	struct io_uring_query_hdr hdr = {
		.query_data = (uintptr_t)&head,
		.query_op = IO_URING_QUERY_SCQ,
		.size = sizeof(head),
	};
	struct io_uring_params params = { 0 };
	int ret = io_uring_register_query(&hdr);
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init_params(2, &ring, &params), 0);
	if (!is_soft(&ring) && (ret == -EINVAL || hdr.result == -EOPNOTSUPP))
		SKIP("this kernel has no IO_URING_QUERY_SCQ");
	CHECK_EQ(ret, 0);
	CHECK_EQ(hdr.result, 0);
	CHECK_EQ(hdr.size, sizeof(head));
	CHECK_EQ(head.hdr_size, params.cq_off.cqes);
	CHECK_EQ(params.sq_off.array % head.hdr_alignment, 0);
	io_uring_queue_exit(&ring);
}

static void version(void)
{
	CHECK_EQ(io_uring_major_version(), IO_URING_VERSION_MAJOR);
	CHECK_EQ(io_uring_minor_version(), IO_URING_VERSION_MINOR);
	CHECK_EQ(io_uring_major_version(), 2);
	CHECK_EQ(io_uring_minor_version(), 15);
	CHECK(!IO_URING_CHECK_VERSION(2, 15));
	CHECK(!IO_URING_CHECK_VERSION(2, 4));
	CHECK(IO_URING_CHECK_VERSION(2, 16));
}

/* True when the library is OLDER than what is asked for. Programs rely on that. */
static void check_version_is_true_for_an_older_library(void)
{
	CHECK(!io_uring_check_version(2, 15));
	CHECK(!io_uring_check_version(2, 14));
	CHECK(!io_uring_check_version(2, 0));
	CHECK(!io_uring_check_version(1, 99));
	CHECK(!io_uring_check_version(0, 0));
	CHECK(io_uring_check_version(2, 16));
	CHECK(io_uring_check_version(3, 0));
	CHECK(io_uring_check_version(3, 15));
}

TEST_PARTS(
	PART(get_probe),
	PART(probes_do_not_leak),
	PART(a_probe_may_be_freed_by_free),
	PART(register_probe),
	PART(get_probe_of_a_bad_ring_is_null),
	PART(query),
	PART(query_the_rings_head),
	PART(version),
	PART(check_version_is_true_for_an_older_library),
)
