/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Growing and shrinking a ring that is in use (IORING_REGISTER_RESIZE_RINGS). */
#include "rings.h"

#define DEFERRED (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

static int resize(struct io_uring *ring, unsigned sq_entries, unsigned cq_entries)
{
	struct io_uring_params p = {
		.sq_entries = sq_entries,
		.cq_entries = cq_entries,
		.flags = cq_entries ? IORING_SETUP_CQSIZE : 0,
	};
	int ret = ERRNO_KEPT(io_uring_resize_rings(ring, &p));

	CHECK_EQ(p.flags, 0);
	return ret;
}

static void resize_or_skip(struct io_uring *ring, unsigned sq_entries, unsigned cq_entries)
{
	int ret = resize(ring, sq_entries, cq_entries);

	if (ret == -EINVAL)
		SKIP("this kernel does not resize rings");
	CHECK_EQ(ret, 0);
}

static void fill_and_reap(struct io_uring *ring, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		nop(ring, i);
	CHECK(nr < ring->sq.ring_entries || io_uring_get_sqe(ring) == NULL);
	CHECK_EQ(io_uring_submit_and_wait(ring, nr), nr);
	for (unsigned i = 0; i < nr; i++)
		REAP(ring, i, 0);
}

static void growing(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, DEFERRED);
	fill_and_reap(&ring, 4);
	resize_or_skip(&ring, 64, 256);
	CHECK_EQ(ring.sq.ring_entries, 64);
	CHECK_EQ(ring.sq.ring_mask, 63);
	CHECK_EQ(*ring.sq.kring_entries, 64);
	CHECK_EQ(ring.cq.ring_entries, 256);
	CHECK_EQ(ring.cq.ring_mask, 255);
	CHECK_EQ(*ring.cq.kring_mask, 255);
	CHECK(ring.flags & IORING_SETUP_DEFER_TASKRUN);
	for (int i = 0; i < 5; i++)
		fill_and_reap(&ring, 64);
	io_uring_queue_exit(&ring);
}

static void shrinking(void)
{
	struct io_uring ring;

	ring_init(&ring, 64, DEFERRED);
	fill_and_reap(&ring, 64);
	resize_or_skip(&ring, 8, 16);
	CHECK_EQ(ring.sq.ring_entries, 8);
	CHECK_EQ(ring.cq.ring_entries, 16);
	for (int i = 0; i < 5; i++)
		fill_and_reap(&ring, 8);
	io_uring_queue_exit(&ring);
}

static void requests_in_flight_come_back(void)
{
	struct io_uring ring;
	int fds[2];
	char bytes[3];

	MUST(pipe(fds));
	ring_init(&ring, 4, DEFERRED);
	for (uint64_t i = 0; i < 3; i++)
		read_pending(&ring, fds[0], &bytes[i], i);
	submit(&ring, 3);
	resize_or_skip(&ring, 32, 64);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	uint64_t seen = 0;

	for (int i = 0; i < 3; i++) {
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res, 1);
		seen |= 1u << result.user_data;
	}
	CHECK_EQ(seen, 7);
	io_uring_queue_exit(&ring);
}

static void unreaped_completions_move_along(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, DEFERRED);
	for (int i = 0; i < 5; i++)
		fill_and_reap(&ring, 4); /* away from slot 0 */
	nop(&ring, 10);
	nop(&ring, 11);
	nop(&ring, 12);
	submit(&ring, 3);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 3);
	resize_or_skip(&ring, 16, 128);
	CHECK_EQ(io_uring_cq_ready(&ring), 3);
	REAP(&ring, 10, 0);
	REAP(&ring, 11, 0);
	REAP(&ring, 12, 0);
	fill_and_reap(&ring, 16);
	io_uring_queue_exit(&ring);
}

/* SQEs that were taken but not yet submitted keep their place. */
static void unsubmitted_requests_move_along(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, DEFERRED);
	for (int i = 0; i < 3; i++)
		fill_and_reap(&ring, 3);
	nop(&ring, 20);
	nop(&ring, 21);
	unsigned ready = io_uring_sq_ready(&ring);

	CHECK_EQ(ready, 2);
	resize_or_skip(&ring, 16, 32);
	CHECK_EQ(io_uring_sq_ready(&ring), 2);
	CHECK_EQ(io_uring_sq_space_left(&ring), 14);
	io_uring_queue_exit(&ring);
}

static void the_old_rings_are_unmapped(void)
{
	struct io_uring ring;
	struct footprint before = ring_footprint();

	ring_init(&ring, 4, DEFERRED);
	for (unsigned i = 0; i < 20; i++) {
		resize_or_skip(&ring, i % 2 ? 4 : 512, 0);
		CHECK_RING_WORKS(&ring);
	}
	io_uring_queue_exit(&ring);
	CHECK_FOOTPRINT(before);
}

/* The answer to one resize is what the next is asked with: the rings are mapped as large as they are. */
static void with_the_params_of_the_last_time(void)
{
	static const unsigned sizes[] = { 512, 1024, 8, 64, 2, 4096, 16 };
	struct io_uring ring;
	struct io_uring_params p = { 0 };
	struct footprint before = ring_footprint();

	ring_init(&ring, 8, DEFERRED);
	resize_or_skip(&ring, 128, 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		p.sq_entries = sizes[i];
		CHECK_EQ(ERRNO_KEPT(io_uring_resize_rings(&ring, &p)), 0);
		CHECK_EQ(p.sq_entries, sizes[i]);
		CHECK_OP((char *)&ring.sq.array[sizes[i]], <=, (char *)ring.sq.ring_ptr + ring.sq.ring_sz);
		CHECK_OP(ring.sq.ring_sz, <, 64 + 2 * sizes[i] * sizeof(struct io_uring_cqe) + sizes[i] * 4 + 64);
		fill_and_reap(&ring, sizes[i]);
	}
	io_uring_queue_exit(&ring);
	CHECK_FOOTPRINT(before);
}

static void without_deferred_work_it_is_refused(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .sq_entries = 32 };
	struct footprint before = ring_footprint();

	ring_init(&ring, 4, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_resize_rings(&ring, &p)), -EINVAL);
	CHECK_EQ(ring.sq.ring_entries, 4);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	CHECK_FOOTPRINT(before);
}

static void in_memory_of_the_program_it_is_refused(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .sq_entries = 32 };

	ring_init_or_skip(&ring, 4, DEFERRED | IORING_SETUP_NO_MMAP, "IORING_SETUP_NO_MMAP");
	CHECK_EQ(ERRNO_KEPT(io_uring_resize_rings(&ring, &p)), -EINVAL);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* The library could not map what it got. */
static void without_its_descriptor_it_is_refused(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .sq_entries = 32 };

	ring_init(&ring, 4, DEFERRED);
	if (io_uring_register_ring_fd(&ring) != 1)
		SKIP("this kernel registers no rings");
	CHECK_EQ(io_uring_close_ring_fd(&ring), 1);
	nop(&ring, 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_resize_rings(&ring, &p)), -EBADF);
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(growing),
	PART(shrinking),
	PART(requests_in_flight_come_back),
	PART(unreaped_completions_move_along),
	PART(unsubmitted_requests_move_along),
	PART(with_the_params_of_the_last_time),
	PART(the_old_rings_are_unmapped),
	PART(without_deferred_work_it_is_refused),
	PART(in_memory_of_the_program_it_is_refused),
	PART(without_its_descriptor_it_is_refused),
)
