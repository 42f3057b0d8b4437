/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What io_uring_register and _enter answer by themselves, without the library's checks, to odd arguments. */
#include "rings.h"

static long call(struct io_uring *ring, unsigned opcode, void *arg, unsigned nr)
{
	return bare_register(ring, ring->ring_fd, opcode, arg, nr);
}

/* A mask may be of any size: what CPUs there are not is not looked at. */
static void a_huge_cpu_mask(void)
{
	struct io_uring ring;
	unsigned char mask[4096] = { 1 };

	ring_init(&ring, 8, 0);
	CHECK_EQ(call(&ring, IORING_REGISTER_IOWQ_AFF, mask, 0xffffffff), 0);
	CHECK_EQ(call(&ring, IORING_REGISTER_IOWQ_AFF, (void *)8, 0x80000000), -EFAULT);
	CHECK_EQ(call(&ring, IORING_UNREGISTER_IOWQ_AFF, NULL, 0), 0);
	io_uring_queue_exit(&ring);
}

static void a_region_needs_an_argument(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	long ret = call(&ring, IORING_REGISTER_MEM_REGION, (void *)8, 1);

	if (ret == -EINVAL)
		SKIP("this kernel has no IORING_REGISTER_MEM_REGION");
	CHECK_EQ(ret, -EFAULT);
	CHECK_EQ(call(&ring, IORING_REGISTER_MEM_REGION, NULL, 1), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* That there is no such slot comes before what the descriptor is. */
static void slots_of_registered_rings(void)
{
	struct io_uring ring;
	struct io_uring_rsrc_update update = { .offset = 16, .data = (__u64)temp_file(1) };

	ring_init(&ring, 8, 0);
	CHECK_EQ(call(&ring, IORING_REGISTER_RING_FDS, &update, 1), -EINVAL);
	update.offset = 15;
	CHECK_EQ(call(&ring, IORING_REGISTER_RING_FDS, &update, 1), -EOPNOTSUPP);
	io_uring_queue_exit(&ring);
}

/* A slot that nothing was registered in, for a thread that has a ring. */
static void empty_slots_of_registered_rings(void)
{
	struct io_uring ring;
	struct io_uring_clone_buffers clone = { .flags = IORING_REGISTER_SRC_REGISTERED };
	const unsigned registered = IORING_REGISTER_USE_REGISTERED_RING;

	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_enter(0, 0, 0, IORING_ENTER_REGISTERED_RING, NULL), -EBADF);
	CHECK_EQ(io_uring_enter(16, 0, 0, IORING_ENTER_REGISTERED_RING, NULL), -EINVAL);
	CHECK_EQ(io_uring_enter(0, 0, 0, IORING_ENTER_REGISTERED_RING | 1u << 30, NULL), -EINVAL);
	CHECK_EQ(io_uring_register(0, IORING_REGISTER_PROBE | registered, NULL, 0), -EBADF);
	CHECK_EQ(io_uring_register(16, IORING_REGISTER_PROBE | registered, NULL, 0), -EINVAL);
	CHECK_EQ(io_uring_register(0, 1000 | registered, NULL, 0), -EINVAL);
	long ret = call(&ring, IORING_REGISTER_CLONE_BUFFERS, &clone, 1);

	if (ret != -EINVAL) /* a kernel that has it */
		CHECK_EQ(ret, -EBADF);
	io_uring_queue_exit(&ring);
}

/* The time of a synchronous cancel is any number: what is negative is past. */
static void odd_times_of_a_cancel(void)
{
	static const struct __kernel_timespec times[] = { { -5, 5 }, { 0, -1 }, { 1, 2000000000 } };
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct io_uring_sync_cancel_reg reg = { .addr = 5, .timeout = times[i] };

		CHECK_EQ(call(&ring, IORING_REGISTER_SYNC_CANCEL, &reg, 1), -ENOENT);
		read_pending(&ring, fds[0], &byte, 5);
		submit(&ring, 1);
		CHECK_EQ(call(&ring, IORING_REGISTER_SYNC_CANCEL, &reg, 1), 0);
		REAP(&ring, 5, -ECANCELED);
	}
	io_uring_queue_exit(&ring);
}

/* The answer to a query fills all of the room that there is: behind it are zeros, also after an error. */
static void room_of_a_query(void)
{
	struct io_uring ring;
	unsigned char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_query_hdr hdr = { .query_data = (uintptr_t)pages, .size = 1000 };

	MUST(mprotect(pages + 4096, 4096, PROT_NONE));
	memset(pages, 0xee, 4096);
	ring_init(&ring, 8, 0);
	long ret = call(&ring, IORING_REGISTER_QUERY, &hdr, 0);

	if (ret == -EINVAL)
		SKIP("this kernel has no IORING_REGISTER_QUERY");
	CHECK_EQ(ret, 0);
	CHECK_OP(hdr.size, <, 1000);
	CHECK_EQ(pages[hdr.size] | pages[999], 0);
	CHECK_EQ(pages[1000], 0xee);
	hdr = (struct io_uring_query_hdr){ .query_data = (uintptr_t)pages + 1000, .size = 8, .query_op = 999 };
	CHECK_EQ(call(&ring, IORING_REGISTER_QUERY, &hdr, 0), 0);
	CHECK_EQ(hdr.result, -EOPNOTSUPP);
	CHECK_EQ(pages[1007], 0);
	CHECK_EQ(pages[1008], 0xee);
	hdr = (struct io_uring_query_hdr){ .query_data = (uintptr_t)pages + 4000, .size = 97 };
	CHECK_EQ(call(&ring, IORING_REGISTER_QUERY, &hdr, 0), -EFAULT);
	hdr = (struct io_uring_query_hdr){ .query_op = 999, .size = 8 };
	CHECK_EQ(call(&ring, IORING_REGISTER_QUERY, &hdr, 0), -EFAULT);
	hdr = (struct io_uring_query_hdr){ .query_op = 999 };
	CHECK_EQ(call(&ring, IORING_REGISTER_QUERY, &hdr, 0), 0);
	CHECK_EQ(hdr.result, -EOPNOTSUPP);
	io_uring_queue_exit(&ring);
}

/* Also where there is nothing to wait for. */
static void the_size_of_an_argument_of_enter(void)
{
	const unsigned waits = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	struct io_uring_getevents_arg arg = { 0 };
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	submit(&ring, 1);
	CHECK_EQ(io_uring_enter2(ring.ring_fd, 0, 1, waits, &arg, sizeof(arg)), 0);
	CHECK_EQ(io_uring_enter2(ring.ring_fd, 0, 1, waits, &arg, sizeof(arg) + 8), -EINVAL);
	CHECK_EQ(io_uring_enter2(ring.ring_fd, 0, 0, waits, &arg, 8), -EINVAL);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_huge_cpu_mask),
	PART(a_region_needs_an_argument),
	PART(slots_of_registered_rings),
	PART(empty_slots_of_registered_rings),
	PART(odd_times_of_a_cancel),
	PART(room_of_a_query),
	PART(the_size_of_an_argument_of_enter),
)
