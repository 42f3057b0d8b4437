/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring that the program set up by the raw call, then handed to io_uring_queue_mmap. */
#include "rings.h"

static int raw_setup(unsigned entries, struct io_uring_params *p)
{
	int fd = ERRNO_KEPT(io_uring_setup(entries, p));

	if (fd == -EINVAL && p->flags)
		SKIP("this kernel does not know setup flags 0x%x", p->flags);
	CHECK_OP(fd, >=, 0);
	return fd;
}

static void rounds_in_order(struct io_uring *ring, int rounds)
{
	for (int round = 0; round < rounds; round++) {
		for (uint64_t i = 0; i < 3; i++)
			nop(ring, i);
		submit(ring, 3);
		for (uint64_t i = 0; i < 3; i++)
			REAP(ring, i, 0);
	}
}

/* With an SQ array: it must map every slot to itself, or request 0 goes out each time. */
static void with_an_sq_array(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };
	int fd = raw_setup(4, &p);

	memset(&ring, 0xaa, sizeof(ring));
	CHECK_EQ(ERRNO_KEPT(io_uring_queue_mmap(fd, &p, &ring)), 0);
	CHECK_EQ(ring.ring_fd, fd);
	CHECK_EQ(ring.enter_ring_fd, fd);
	CHECK_EQ(ring.features, p.features);
	CHECK_EQ(ring.flags, 0);
	CHECK_EQ(ring.sq.ring_entries, 4);
	CHECK_EQ(ring.cq.ring_entries, 8);
	CHECK(ring.sq.array != NULL);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(ring.sq.array[i], i);
	rounds_in_order(&ring, 20);
	CHECK_EQ(*ring.sq.kdropped, 0);
	io_uring_queue_exit(&ring);
}

static void without_an_sq_array(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .flags = IORING_SETUP_NO_SQARRAY };
	int fd = raw_setup(4, &p);

	CHECK_EQ(io_uring_queue_mmap(fd, &p, &ring), 0);
	CHECK(ring.sq.array == NULL);
	rounds_in_order(&ring, 20);
	io_uring_queue_exit(&ring);
}

static void queue_init_shows_how_it_was_set_up(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };

	CHECK_EQ(io_uring_queue_init_params(8, &ring, &p), 0);
	CHECK_EQ(ring.flags, p.flags);
	CHECK_EQ(!!(p.flags & IORING_SETUP_NO_SQARRAY), ring.sq.array == NULL);
	CHECK_EQ(p.sq_entries, 8);
	CHECK_EQ(p.cq_entries, 16);
	CHECK_EQ(ring.features, p.features);
	/* every pointer and copy that code compiled against older headers reads */
	CHECK_EQ(*ring.sq.kring_mask, 7);
	CHECK_EQ(*ring.sq.kring_entries, 8);
	CHECK_EQ(ring.sq.ring_mask, 7);
	CHECK_EQ(ring.sq.ring_entries, 8);
	CHECK_EQ(*ring.cq.kring_mask, 15);
	CHECK_EQ(*ring.cq.kring_entries, 16);
	CHECK_EQ(ring.cq.ring_mask, 15);
	CHECK_EQ(ring.cq.ring_entries, 16);
	CHECK_EQ(*ring.cq.koverflow, 0);
	CHECK_EQ(*ring.cq.kflags, 0);
	CHECK_EQ(*ring.sq.khead, 0);
	CHECK_EQ(*ring.sq.ktail, 0);
	CHECK_EQ(ring.sq.sqes_sz, 8 * 64);
	if (p.features & IORING_FEAT_SINGLE_MMAP) {
		CHECK(ring.sq.ring_ptr == ring.cq.ring_ptr);
		CHECK_EQ(ring.sq.ring_sz, ring.cq.ring_sz);
	}
	io_uring_queue_exit(&ring);
}

/* SQ and CQ mapped by themselves, as for kernels without the single mapping. */
static void separate_mappings(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };
	struct footprint before = ring_footprint();
	int fd = raw_setup(4, &p);

	p.features &= ~IORING_FEAT_SINGLE_MMAP;
	CHECK_EQ(io_uring_queue_mmap(fd, &p, &ring), 0);
	CHECK(ring.sq.ring_ptr != ring.cq.ring_ptr);
	rounds_in_order(&ring, 10);
	io_uring_queue_exit(&ring);
	CHECK_FOOTPRINT(before);
}

static void a_bad_fd_maps_nothing(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };
	struct footprint before = ring_footprint();
	int fd = raw_setup(4, &p);

	CHECK_EQ(ERRNO_KEPT(io_uring_queue_mmap(-1, &p, &ring)), -EBADF);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_queue_mmap(fd, &p, &ring)), -EBADF);
	CHECK_FOOTPRINT(before);
}

static void cq_size(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 64 };

	CHECK_EQ(io_uring_queue_init_params(8, &ring, &p), 0);
	CHECK_EQ(ring.cq.ring_entries, 64);
	for (uint64_t i = 0; i < 64; i++) {
		nop(&ring, i);
		submit(&ring, 1);
	}
	CHECK_EQ(io_uring_cq_ready(&ring), 64);
	CHECK(!io_uring_cq_has_overflow(&ring));
	for (uint64_t i = 0; i < 64; i++)
		REAP(&ring, i, 0);
	io_uring_queue_exit(&ring);
}

/* Entries that are no power of two are rounded up by the kernel. */
static void entries_are_rounded_up(void)
{
	struct io_uring ring;

	ring_init(&ring, 5, 0);
	CHECK_EQ(ring.sq.ring_entries, 8);
	for (int i = 0; i < 8; i++)
		nop(&ring, 0);
	CHECK(io_uring_get_sqe(&ring) == NULL);
	submit(&ring, 8);
	io_uring_queue_exit(&ring);
}

/* SQEs come zeroed, all but user_data; the program may have scribbled over them before. */
static void get_sqe_clears(void)
{
	struct io_uring ring;

	ring_init(&ring, 2, 0);
	memset(ring.sq.sqes, 0xff, 2 * sizeof(struct io_uring_sqe));
	struct io_uring_sqe *sqe = sqe_get(&ring);

	CHECK_EQ(sqe->flags, 0);
	CHECK_EQ(sqe->ioprio, 0);
	CHECK_EQ(sqe->rw_flags, 0);
	CHECK_EQ(sqe->buf_index, 0);
	CHECK_EQ(sqe->personality, 0);
	CHECK_EQ(sqe->file_index, 0);
	CHECK_EQ(sqe->addr3, 0);
	CHECK_EQ(sqe->__pad2[0], 0);
	CHECK_EQ(sqe->user_data, UINT64_MAX);
	io_uring_queue_exit(&ring);
}

/* The SQ is reused from its start at every submit: the tail never wraps. */
static void rewind_of_the_sq(void)
{
	struct io_uring ring;

	ring_init_or_skip(&ring, 4, IORING_SETUP_SQ_REWIND | IORING_SETUP_NO_SQARRAY,
			  "IORING_SETUP_SQ_REWIND");
	for (int round = 0; round < 10; round++) {
		struct io_uring_sqe *first = nop(&ring, 1);

		CHECK(first == ring.sq.sqes);
		nop(&ring, 2);
		nop(&ring, 3);
		submit(&ring, 3);
		CHECK_EQ(ring.sq.sqe_tail, 0);
		CHECK_EQ(io_uring_sq_ready(&ring), 0);
		CHECK_EQ(io_uring_sq_space_left(&ring), 4);
		REAP(&ring, 1, 0);
		REAP(&ring, 2, 0);
		REAP(&ring, 3, 0);
	}
	for (uint64_t i = 0; i < 4; i++)
		nop(&ring, i);
	CHECK(io_uring_get_sqe(&ring) == NULL);
	submit(&ring, 4);
	for (uint64_t i = 0; i < 4; i++)
		REAP(&ring, i, 0);
	io_uring_queue_exit(&ring);
}

/* The same, seen from the program's side only, which any kernel allows: the flag is set by hand. */
static void a_rewound_sq_leaves_the_ring_tail(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, 0);
	unsigned flags = ring.flags, ktail = *ring.sq.ktail;

	ring.flags |= IORING_SETUP_SQ_REWIND;
	nop(&ring, 1);
	nop(&ring, 2);
	CHECK_EQ(io_uring_sq_ready(&ring), 2);
	CHECK_EQ(io_uring_submit(&ring), 0); /* this kernel goes by the ring's tail */
	CHECK_EQ(ring.sq.sqe_tail, 0);
	CHECK_EQ(*ring.sq.ktail, ktail);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(io_uring_sq_space_left(&ring), 4);
	CHECK(io_uring_get_sqe(&ring) == ring.sq.sqes);
	ring.sq.sqe_tail = 0;
	ring.flags = flags;
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(with_an_sq_array),
	PART(without_an_sq_array),
	PART(queue_init_shows_how_it_was_set_up),
	PART(separate_mappings),
	PART(a_bad_fd_maps_nothing),
	PART(cq_size),
	PART(entries_are_rounded_up),
	PART(get_sqe_clears),
	PART(rewind_of_the_sq),
	PART(a_rewound_sq_leaves_the_ring_tail),
)
