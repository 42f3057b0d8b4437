/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings in memory that the program or the library brings (IORING_SETUP_NO_MMAP). */
#include "rings.h"

#define PAGE 4096ul

static bool is_mapped(void *page)
{
	unsigned char in_core;

	return mincore(page, PAGE, &in_core) == 0;
}

static void *pages(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static int init_mem_or_skip(unsigned entries, struct io_uring *ring, struct io_uring_params *p,
			    void *memory, size_t size)
{
	int ret = ERRNO_KEPT(io_uring_queue_init_mem(entries, ring, p, memory, size));

	if (ret == -EINVAL)
		SKIP("this kernel does not support IORING_SETUP_NO_MMAP");
	return ret;
}

static void wrap_around(struct io_uring *ring, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		nop(ring, 1);
		nop(ring, 2);
		nop(ring, 3);
		submit(ring, 3);
		REAP(ring, 1, 0);
		REAP(ring, 2, 0);
		REAP(ring, 3, 0);
	}
}

static void memory_of_the_program(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };
	char *memory = pages(16 * PAGE);
	int used = init_mem_or_skip(8, &ring, &p, memory, 16 * PAGE);

	CHECK_OP(used, >=, 8 * 64 + 16 * 16);
	CHECK_OP(used, <=, (int)(16 * PAGE));
	CHECK_EQ(used % PAGE, 0);
	CHECK(p.flags & IORING_SETUP_NO_MMAP);
	CHECK(ring.flags & IORING_SETUP_NO_MMAP);
	CHECK((char *)ring.sq.sqes >= memory && (char *)ring.sq.sqes < memory + used);
	CHECK((char *)ring.cq.cqes >= memory && (char *)ring.cq.cqes < memory + used);
	CHECK((char *)ring.sq.khead >= memory && (char *)ring.sq.khead < memory + used);
	wrap_around(&ring, 20);
	io_uring_queue_exit(&ring);
	for (size_t i = 0; i < 16; i++)
		CHECK(is_mapped(memory + i * PAGE));
}

/* Two rings side by side in one block: the second starts where the first says that it ends. */
static void two_rings_in_one_block(void)
{
	struct io_uring a, b;
	struct io_uring_params pa = { 0 }, pb = { 0 };
	char *memory = pages(64 * PAGE);
	int used = init_mem_or_skip(64, &a, &pa, memory, 64 * PAGE);

	CHECK_OP(used, >=, 64 * 64 + 128 * 16);
	int used_b = init_mem_or_skip(64, &b, &pb, memory + used, 64 * PAGE - (size_t)used);

	CHECK_EQ(used_b, used);
	for (int i = 0; i < 50; i++) {
		nop(&a, 1);
		nop(&b, 2);
		submit(&a, 1);
		submit(&b, 1);
		REAP(&b, 2, 0);
		REAP(&a, 1, 0);
	}
	io_uring_queue_exit(&a);
	CHECK_RING_WORKS(&b);
	io_uring_queue_exit(&b);
}

static void a_block_too_small_is_enomem(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };
	char *memory = pages(PAGE);
	struct footprint before = ring_footprint();

	CHECK_EQ(init_mem_or_skip(256, &ring, &p, memory, PAGE), -ENOMEM);
	CHECK_FOOTPRINT(before);
	CHECK(is_mapped(memory));
}

static void the_size_can_be_asked_for(void)
{
	static const unsigned entries[] = { 1, 8, 64, 256, 1024 };

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		struct io_uring ring;
		struct io_uring_params p = { 0 }, q = { 0 };
		ssize_t size = ERRNO_KEPT(io_uring_memory_size(entries[i], 0));

		CHECK_OP(size, >=, entries[i] * (64 + 2 * 16));
		CHECK_EQ(io_uring_memory_size_params(entries[i], &q), size);
		size_t block = ((size_t)size + PAGE - 1) & ~(PAGE - 1);
		char *memory = pages(block);
		int used = init_mem_or_skip(entries[i], &ring, &p, memory, block);

		CHECK_OP(used, >, 0);
		CHECK_OP(used, <=, (int)block);
		CHECK_RING_WORKS(&ring);
		io_uring_queue_exit(&ring);
		MUST(munmap(memory, block));
	}
}

static void memory_size_knows_the_flags(void)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 4096 };
	ssize_t plain = io_uring_memory_size(64, 0);

	CHECK_OP(io_uring_memory_size(64, IORING_SETUP_SQE128), >=, plain + 64 * 64);
	CHECK_OP(io_uring_memory_size(64, IORING_SETUP_CQE32), >=, plain + 128 * 16 - (ssize_t)PAGE);
	CHECK_OP(io_uring_memory_size_params(64, &p), >=, 4096 * 16);
	CHECK_EQ(io_uring_memory_size(0, 0), -EINVAL);
	CHECK_EQ(io_uring_memory_size(40000, 0), -EINVAL);
	CHECK_EQ(io_uring_memory_size(40000, IORING_SETUP_CLAMP), io_uring_memory_size(32768, 0));
}

static void big_entries_in_own_memory(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32 };
	char *memory = pages(16 * PAGE);
	int used = init_mem_or_skip(16, &ring, &p, memory, 16 * PAGE);

	CHECK_OP(used, >=, 16 * 128 + 32 * 32);
	wrap_around(&ring, 30);
	io_uring_queue_exit(&ring);
}

/* A small ring fits in pages that the library maps; queue_exit takes those away again. */
static void memory_of_the_library(void)
{
	struct footprint before = ring_footprint();
	struct io_uring ring;
	int ret = ERRNO_KEPT(io_uring_queue_init(8, &ring, IORING_SETUP_NO_MMAP));

	if (ret == -EINVAL)
		SKIP("this kernel does not support IORING_SETUP_NO_MMAP");
	CHECK_EQ(ret, 0);
	wrap_around(&ring, 20);
	void *sqes = ring.sq.sqes;

	CHECK(is_mapped(sqes));
	io_uring_queue_exit(&ring);
	CHECK(!is_mapped(sqes));
	CHECK_FOOTPRINT(before);
}

/*
 * SQEs of more than a page: in a huge page, or where there is none in ordinary ones.
 * Only a kernel that takes no ordinary pages from the program either may refuse.
 */
static void more_than_a_page(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };
	char *memory = pages(16 * PAGE);
	bool takes_pages = init_mem_or_skip(256, &ring, &p, memory, 16 * PAGE) > 0;

	if (takes_pages)
		io_uring_queue_exit(&ring);
	struct footprint before = ring_footprint();

	for (int i = 0; i < 10; i++) {
		int ret = ERRNO_KEPT(io_uring_queue_init(256, &ring, IORING_SETUP_NO_MMAP));

		CHECK(ret == 0 || (!takes_pages && ret == -ENOMEM));
		if (ret == 0) {
			wrap_around(&ring, 200);
			io_uring_queue_exit(&ring);
		}
	}
	CHECK_FOOTPRINT(before);
}

static void registered_fd_only(void)
{
	struct footprint before = ring_footprint();
	int next = next_fd();
	struct io_uring ring;
	struct io_uring_params p = {
		.flags = IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY,
	};
	int ret = ERRNO_KEPT(io_uring_queue_init_params(8, &ring, &p));

	if (ret == -EINVAL)
		SKIP("this kernel does not support IORING_SETUP_REGISTERED_FD_ONLY");
	CHECK_EQ(ret, 0);
	CHECK_EQ(ring.ring_fd, -1);
	/* None of those that the program counts on getting. */
	CHECK_EQ(next_fd(), next);
	wrap_around(&ring, 20);
	struct io_uring_probe *probe = io_uring_get_probe_ring(&ring);

	CHECK(probe != NULL);
	io_uring_free_probe(probe);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	CHECK_EQ(io_uring_register_ring_fd(&ring), -EEXIST);
	CHECK_EQ(io_uring_close_ring_fd(&ring), -EBADF);
	io_uring_queue_exit(&ring);
	CHECK_FOOTPRINT(before);
}

static void registered_fd_only_repeats(void)
{
	for (int i = 0; i < 40; i++) {
		struct io_uring ring;
		int ret = io_uring_queue_init(8, &ring, IORING_SETUP_NO_MMAP |
					      IORING_SETUP_REGISTERED_FD_ONLY);

		if (ret == -EINVAL && i == 0)
			SKIP("this kernel does not support IORING_SETUP_REGISTERED_FD_ONLY");
		CHECK_EQ(ret, 0);
		io_uring_queue_exit(&ring);
	}
}

static void registered_fd_only_needs_no_mmap(void)
{
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init(8, &ring, IORING_SETUP_REGISTERED_FD_ONLY), -EINVAL);
}

TEST_PARTS(
	PART(memory_of_the_program),
	PART(two_rings_in_one_block),
	PART(a_block_too_small_is_enomem),
	PART(the_size_can_be_asked_for),
	PART(memory_size_knows_the_flags),
	PART(big_entries_in_own_memory),
	PART(memory_of_the_library),
	PART(more_than_a_page),
	PART(registered_fd_only),
	PART(registered_fd_only_repeats),
	PART(registered_fd_only_needs_no_mmap),
)
