/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fields of io_uring_register's arguments that are out of range, reserved, or clash: each is told, and changes nothing. */
#include "rings.h"

static struct io_uring ring;

static long call(unsigned opcode, const void *arg, unsigned nr)
{
	return bare_register(&ring, ring.ring_fd, opcode, (void *)arg, nr);
}

/* An argument, its size or count, and the answer. */
#define REFUSED(opcode, type, nr, want, ...) \
	CHECK_EQ(call(opcode, &(type){ __VA_ARGS__ }, nr), want)

static char page[4096] __attribute__((aligned(4096)));

static void tables(void)
{
	static const unsigned opcodes[] = { IORING_REGISTER_FILES2, IORING_REGISTER_BUFFERS2 };
	const unsigned size = sizeof(struct io_uring_rsrc_register);
	const __u64 data = (uintptr_t)page;

	ring_init(&ring, 8, 0);
	for (unsigned i = 0; i < 2; i++) {
		REFUSED(opcodes[i], struct io_uring_rsrc_register, size - 1, -EINVAL, .nr = 1, .flags = 1);
		REFUSED(opcodes[i], struct io_uring_rsrc_register, size, -EINVAL, .flags = 1);
		REFUSED(opcodes[i], struct io_uring_rsrc_register, size, -EINVAL, .nr = 1, .flags = 3);
		REFUSED(opcodes[i], struct io_uring_rsrc_register, size, -EINVAL, .nr = 1, .flags = 1, .resv2 = 1);
		REFUSED(opcodes[i], struct io_uring_rsrc_register, size, -EINVAL, .nr = 1, .flags = 1, .data = data);
	}
	CHECK_EQ(call(IORING_UNREGISTER_FILES, NULL, 0), -ENXIO);
	CHECK_EQ(call(IORING_UNREGISTER_BUFFERS, NULL, 0), -ENXIO);
	io_uring_queue_exit(&ring);
}

static void updates(void)
{
	static const unsigned opcodes[] = { IORING_REGISTER_FILES_UPDATE2, IORING_REGISTER_BUFFERS_UPDATE };
	const unsigned size = sizeof(struct io_uring_rsrc_update2);
	const __u64 data = (uintptr_t)page;
	int fds[2] = { 0, 4000 };

	ring_init(&ring, 8, 0);
	for (unsigned i = 0; i < 2; i++)
		REFUSED(opcodes[i], struct io_uring_rsrc_update2, size, -ENXIO, .nr = 1, .data = data);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 4), 0);
	for (unsigned i = 0; i < 2; i++) {
		REFUSED(opcodes[i], struct io_uring_rsrc_update2, size + 8, -EINVAL, .nr = 1, .data = data);
		REFUSED(opcodes[i], struct io_uring_rsrc_update2, size, -EINVAL, .data = data);
		REFUSED(opcodes[i], struct io_uring_rsrc_update2, size, -EINVAL, .nr = 1, .data = data, .resv = 1);
		REFUSED(opcodes[i], struct io_uring_rsrc_update2, size, -EINVAL, .nr = 1, .data = data, .resv2 = 1);
		REFUSED(opcodes[i], struct io_uring_rsrc_update2, size, -EINVAL, .nr = 2, .offset = 3, .data = data);
		REFUSED(opcodes[i], struct io_uring_rsrc_update2, size, -EOVERFLOW, .nr = 2, .offset = ~0u, .data = data);
	}
	REFUSED(IORING_REGISTER_FILES_UPDATE, struct io_uring_files_update, 0, -EINVAL, .fds = (uintptr_t)fds);
	REFUSED(IORING_REGISTER_FILES_UPDATE, struct io_uring_files_update, 1, -EINVAL, .fds = (uintptr_t)fds, .resv = 1);
	REFUSED(IORING_REGISTER_FILES_UPDATE, struct io_uring_files_update, 2, 1, .fds = (uintptr_t)fds);
	CHECK_EQ(call(IORING_UNREGISTER_FILES, page, 0), -EINVAL);
	CHECK_EQ(call(IORING_UNREGISTER_BUFFERS, NULL, 1), -EINVAL);
	CHECK_EQ(call(IORING_UNREGISTER_FILES, NULL, 0), 0);
	CHECK_EQ(call(IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
	io_uring_queue_exit(&ring);
}

/* What comes before the one that cannot be is done; a tag needs something that it is for. */
static void updates_up_to_one(void)
{
	const unsigned size = sizeof(struct io_uring_rsrc_update2);
	const struct iovec vectors[] = { { page, 64 }, { NULL, 64 } }, none = { NULL, 0 };
	const int fd = -1;
	const __u64 tag = 5;

	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 4), 0);
	REFUSED(IORING_REGISTER_BUFFERS_UPDATE, struct io_uring_rsrc_update2, size, 1, .nr = 2,
		.data = (uintptr_t)vectors);
	REFUSED(IORING_REGISTER_BUFFERS_UPDATE, struct io_uring_rsrc_update2, size, -EFAULT, .nr = 1,
		.data = (uintptr_t)(vectors + 1));
	REFUSED(IORING_REGISTER_BUFFERS_UPDATE, struct io_uring_rsrc_update2, size, -EINVAL, .nr = 1,
		.data = (uintptr_t)&none, .tags = (uintptr_t)&tag);
	REFUSED(IORING_REGISTER_FILES_UPDATE2, struct io_uring_rsrc_update2, size, -EINVAL, .nr = 1,
		.data = (uintptr_t)&fd, .tags = (uintptr_t)&tag);
	io_uring_prep_write_fixed(sqe_get(&ring), temp_file(0), page, 64, 0, 0);
	RUN_ONE(&ring, 64);
	io_uring_queue_exit(&ring);
}

static void ranges(void)
{
	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	CHECK_EQ(call(IORING_REGISTER_FILE_ALLOC_RANGE, NULL, 0), -EINVAL);
	REFUSED(IORING_REGISTER_FILE_ALLOC_RANGE, struct io_uring_file_index_range, 1, -EINVAL, .len = 1);
	REFUSED(IORING_REGISTER_FILE_ALLOC_RANGE, struct io_uring_file_index_range, 0, -EINVAL, .len = 1, .resv = 1);
	REFUSED(IORING_REGISTER_FILE_ALLOC_RANGE, struct io_uring_file_index_range, 0, -EINVAL, .len = 2, .off = 3);
	REFUSED(IORING_REGISTER_FILE_ALLOC_RANGE, struct io_uring_file_index_range, 0, -EOVERFLOW, .len = 2, .off = ~0u);
	io_uring_queue_exit(&ring);
}

static void buffer_rings(void)
{
	const unsigned add = IORING_REGISTER_PBUF_RING, take = IORING_UNREGISTER_PBUF_RING;
	const __u64 at = (uintptr_t)page;

	ring_init(&ring, 8, 0);
	CHECK_EQ(call(add, NULL, 1), -EINVAL);
	REFUSED(add, struct io_uring_buf_reg, 2, -EINVAL, .ring_addr = at, .ring_entries = 8);
	REFUSED(add, struct io_uring_buf_reg, 1, -EINVAL, .ring_addr = at, .ring_entries = 8, .flags = 1 << 15);
	REFUSED(add, struct io_uring_buf_reg, 1, -EINVAL, .ring_addr = at, .ring_entries = 8, .resv = { 1 });
	REFUSED(add, struct io_uring_buf_reg, 1, -EINVAL, .ring_addr = at, .ring_entries = 7);
	REFUSED(add, struct io_uring_buf_reg, 1, -EINVAL, .ring_addr = at, .ring_entries = 65536);
	REFUSED(add, struct io_uring_buf_reg, 1, -EFAULT, .ring_entries = 8);
	REFUSED(add, struct io_uring_buf_reg, 1, -EINVAL, .ring_addr = at + 64, .ring_entries = 8);
	io_uring_prep_provide_buffers(sqe_get(&ring), page, 8, 1, 3, 0);
	RUN_ONE(&ring, 0);
	REFUSED(add, struct io_uring_buf_reg, 1, -EEXIST, .ring_addr = at, .ring_entries = 8, .bgid = 3);
	REFUSED(take, struct io_uring_buf_reg, 1, -EINVAL, .bgid = 3);
	REFUSED(take, struct io_uring_buf_reg, 1, -EINVAL, .bgid = 3, .flags = 1);
	REFUSED(take, struct io_uring_buf_reg, 1, -ENOENT, .bgid = 4);
	REFUSED(IORING_REGISTER_PBUF_STATUS, struct io_uring_buf_status, 1, -EINVAL, .buf_group = 3);
	REFUSED(IORING_REGISTER_PBUF_STATUS, struct io_uring_buf_status, 1, -ENOENT, .buf_group = 4);
	REFUSED(IORING_REGISTER_PBUF_STATUS, struct io_uring_buf_status, 1, -EINVAL, .buf_group = 4, .resv = { 1 });
	/* the list gives way when it is empty */
	io_uring_prep_remove_buffers(sqe_get(&ring), 1, 3);
	RUN_ONE(&ring, 1);
	REFUSED(add, struct io_uring_buf_reg, 1, 0, .ring_addr = at, .ring_entries = 8, .bgid = 3);
	REFUSED(take, struct io_uring_buf_reg, 1, 0, .bgid = 3);
	io_uring_queue_exit(&ring);
}

static void clones(void)
{
	const unsigned clone = IORING_REGISTER_CLONE_BUFFERS;
	const struct iovec vectors[] = { { page, 64 }, { page, 32 } };
	struct io_uring source;

	ring_init(&source, 8, 0);
	ring_init(&ring, 8, 0);
	const unsigned fd = (unsigned)source.ring_fd;

	if (io_uring_clone_buffers_offset(&ring, &source, 0, 0, 1, 0) == -EINVAL)
		SKIP("this kernel clones no parts of tables");
	REFUSED(clone, struct io_uring_clone_buffers, 1, -ENXIO, .src_fd = fd);
	CHECK_EQ(io_uring_register_buffers(&source, vectors, 2), 0);
	CHECK_EQ(call(clone, NULL, 1), -EINVAL);
	REFUSED(clone, struct io_uring_clone_buffers, 2, -EINVAL, .src_fd = fd);
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EINVAL, .src_fd = fd, .flags = 8);
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EINVAL, .src_fd = fd, .pad = { 0, 0, 1 });
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EINVAL, .src_fd = fd, .src_off = 1);
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EINVAL, .src_fd = fd, .nr = 3);
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EOVERFLOW, .src_fd = fd, .nr = 2, .src_off = 1);
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EOVERFLOW, .src_fd = fd, .nr = 2, .src_off = ~0u);
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EINVAL, .src_fd = fd, .nr = 2, .dst_off = 1 << 14);
	REFUSED(clone, struct io_uring_clone_buffers, 1, 0, .src_fd = fd, .nr = 1, .src_off = 1);
	REFUSED(clone, struct io_uring_clone_buffers, 1, -EBUSY, .src_fd = fd);
	io_uring_prep_write_fixed(sqe_get(&ring), temp_file(0), page, 32, 0, 0);
	RUN_ONE(&ring, 32);
	io_uring_queue_exit(&ring);
	io_uring_queue_exit(&source);
}

static long region(const struct io_uring_region_desc *desc, __u64 flags, __u64 reserved)
{
	struct io_uring_mem_region_reg reg = {
		.region_uptr = (uintptr_t)desc, .flags = flags, .__resv = { reserved },
	};

	return call(IORING_REGISTER_MEM_REGION, &reg, 1);
}

static void regions(void)
{
	const struct io_uring_region_desc good = {
		.user_addr = (uintptr_t)page, .size = sizeof(page), .flags = IORING_MEM_REGION_TYPE_USER,
	};
	struct io_uring_region_desc bad = good;

	ring_init(&ring, 8, 0);
	bad.user_addr = 0;
	if (region(&bad, 0, 0) == -EINVAL && !is_soft(&ring))
		SKIP("this kernel has no IORING_REGISTER_MEM_REGION");
	CHECK_EQ(region(&bad, 0, 0), -EFAULT);
	bad = good;
	CHECK_EQ(region(&good, 1 << 5, 0), -EINVAL);
	CHECK_EQ(region(&good, 0, 1), -EINVAL);
	CHECK_EQ(region(&good, IORING_MEM_REGION_REG_WAIT_ARG, 0), -EINVAL);
	bad.size = 0;
	CHECK_EQ(region(&bad, 0, 0), -EINVAL);
	bad.size = 100;
	CHECK_EQ(region(&bad, 0, 0), -EINVAL);
	bad = good;
	bad.flags |= 1 << 7;
	CHECK_EQ(region(&bad, 0, 0), -EINVAL);
	bad = good;
	bad.id = 1;
	CHECK_EQ(region(&bad, 0, 0), -EINVAL);
	CHECK_EQ(region(&good, 0, 0), 0);
	CHECK_EQ(region(&good, 0, 0), -EBUSY);
	io_uring_queue_exit(&ring);
}

static void other_rings(void)
{
	struct io_uring_rsrc_update updates[17] = { { .offset = ~0u, .data = 4000 } };
	struct io_uring_params params = { .sq_entries = 8, .flags = IORING_SETUP_SQPOLL };

	ring_init(&ring, 8, 0);
	CHECK_EQ(call(IORING_REGISTER_RING_FDS, updates, 0), -EINVAL);
	CHECK_EQ(call(IORING_REGISTER_RING_FDS, updates, 17), -EINVAL);
	updates[0].data = ring.ring_fd;
	updates[0].resv = 1;
	CHECK_EQ(call(IORING_REGISTER_RING_FDS, updates, 1), -EINVAL);
	updates[0].resv = 0;
	updates[1].resv = 1;
	CHECK_EQ(call(IORING_REGISTER_RING_FDS, updates, 2), 1);
	CHECK_EQ(updates[0].offset, 0);
	updates[0].resv = 1;
	CHECK_EQ(call(IORING_UNREGISTER_RING_FDS, updates, 1), -EINVAL);
	updates[0] = (struct io_uring_rsrc_update){ .offset = 0 };
	CHECK_EQ(call(IORING_UNREGISTER_RING_FDS, updates, 1), 1);
	CHECK_EQ(call(IORING_REGISTER_RESIZE_RINGS, &params, 1), -EINVAL);
	io_uring_queue_exit(&ring);
	ring_init(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	CHECK_EQ(call(IORING_REGISTER_RESIZE_RINGS, &params, 1), -EINVAL);
	CHECK_EQ(call(IORING_REGISTER_RESIZE_RINGS, NULL, 1), -EINVAL);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(tables),
	PART(updates),
	PART(updates_up_to_one),
	PART(ranges),
	PART(buffer_rings),
	PART(clones),
	PART(regions),
	PART(other_rings),
)
