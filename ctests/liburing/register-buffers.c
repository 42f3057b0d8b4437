/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registered buffers: plain, sparse, updated, tagged, cloned from another ring. */
#include "rings.h"
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <pthread.h>

enum { BUFFER = 4096 };

static unsigned char memory[4][BUFFER];

static struct iovec iov_of(int i)
{
	return (struct iovec){ memory[i], BUFFER };
}

static int read_into(struct io_uring *ring, int fd, int buffer, unsigned char *where, unsigned len)
{
	memset(memory, 0, sizeof(memory));
	io_uring_prep_read_fixed(sqe_get(ring), fd, where, len, 0, buffer);
	CHECK_EQ(io_uring_submit(ring), 1);
	int res = reap_any(ring).res;

	CHECK(res <= 0 || has_pattern(where, 0, (size_t)res));
	return res;
}

static void reads_and_writes(void)
{
	struct io_uring ring;
	struct iovec iov[2] = { iov_of(0), iov_of(1) };
	int from = temp_file(1000), to = temp_file(0);

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers(&ring, iov, 2)), 0);
	CHECK_EQ(read_into(&ring, from, 0, memory[0] + 100, 1000), 1000);
	io_uring_prep_write_fixed(sqe_get(&ring), to, memory[0] + 100, 1000, 0, 0);
	RUN_ONE(&ring, 1000);
	CHECK_EQ(pread(to, memory[3], 1000, 0), 1000);
	CHECK(has_pattern(memory[3], 0, 1000));
	/* outside of the buffer that was named */
	CHECK_EQ(read_into(&ring, from, 0, memory[1], 10), -EFAULT);
	CHECK_EQ(read_into(&ring, from, 2, memory[1], 10), -EFAULT);
	CHECK_EQ(io_uring_register_buffers(&ring, iov, 2), -EBUSY);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_buffers(&ring)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_buffers(&ring)), -ENXIO);
	io_uring_queue_exit(&ring);
}

static void vectors_of_a_registered_buffer(void)
{
	struct io_uring ring;
	struct iovec iov = iov_of(0);
	struct iovec parts[2] = { { memory[0], 300 }, { memory[0] + 2000, 700 } };
	int from = temp_file(1000), to = temp_file(0);

	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1), 0);
	io_uring_prep_readv_fixed(sqe_get(&ring), from, parts, 2, 0, 0, 0);
	submit(&ring, 1);
	int res = reap_any(&ring).res;

	if (res == -EINVAL)
		SKIP("this kernel has no IORING_OP_READV_FIXED");
	CHECK_EQ(res, 1000);
	CHECK(has_pattern(memory[0], 0, 300));
	CHECK(has_pattern(memory[0] + 2000, 300, 700));
	io_uring_prep_writev_fixed(sqe_get(&ring), to, parts, 2, 0, 0, 0);
	RUN_ONE(&ring, 1000);
	CHECK_EQ(pread(to, memory[3], 1000, 0), 1000);
	CHECK(has_pattern(memory[3], 0, 1000));
	io_uring_queue_exit(&ring);
}

static void sparse_and_update(void)
{
	struct io_uring ring;
	struct iovec iov[2] = { iov_of(0), iov_of(1) };
	int from = temp_file(50);

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers_sparse(&ring, 4)), 0);
	CHECK_EQ(read_into(&ring, from, 2, memory[0], 50), -EFAULT);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers_update_tag(&ring, 2, iov, NULL, 2)), 2);
	CHECK_EQ(read_into(&ring, from, 2, memory[0], 50), 50);
	CHECK_EQ(read_into(&ring, from, 3, memory[1], 50), 50);
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 3, iov, NULL, 2), -EINVAL);
	io_uring_queue_exit(&ring);
}

static void tags(void)
{
	struct io_uring ring;
	struct iovec iov[2] = { iov_of(0), iov_of(1) };
	__u64 tags[2] = { 50, 51 }, next = 52;

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers_tags(&ring, iov, tags, 2)), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 0, iov, &next, 1), 1);
	REAP(&ring, 50, 0);
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	uint64_t sum = reap_any(&ring).user_data;

	sum += reap_any(&ring).user_data;
	CHECK_EQ(sum, 51 + 52);
	io_uring_queue_exit(&ring);
}

static void what_is_no_memory_is_refused(void)
{
	struct io_uring ring;
	struct iovec iov = { (void *)0x1000, BUFFER }, huge = { memory, (size_t)1 << 40 };

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers(&ring, &iov, 1)), -EFAULT);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers(&ring, &huge, 1)), -EFAULT);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers(&ring, &iov, 0)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers(&ring, NULL, 1)), -EFAULT);
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 0, &iov, NULL, 1), -ENXIO);
	io_uring_queue_exit(&ring);
}

static void rings_for_cloning(struct io_uring *src, struct io_uring *dst)
{
	struct iovec iov[4] = { iov_of(0), iov_of(1), iov_of(2), iov_of(3) };

	ring_init(src, 8, 0);
	ring_init(dst, 8, 0);
	CHECK_EQ(io_uring_register_buffers(src, iov, 4), 0);
}

static void clone_all(void)
{
	struct io_uring src, dst;
	int from = temp_file(50);

	rings_for_cloning(&src, &dst);
	int ret = ERRNO_KEPT(io_uring_clone_buffers(&dst, &src));

	if (ret == -EINVAL)
		SKIP("this kernel does not clone buffers");
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_unregister_buffers(&src), 0);
	io_uring_queue_exit(&src);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(read_into(&dst, from, i, memory[i], 50), 50);
	io_uring_queue_exit(&dst);
}

static void clone_some(void)
{
	struct io_uring src, dst;
	int from = temp_file(50);

	rings_for_cloning(&src, &dst);
	int ret = ERRNO_KEPT(io_uring_clone_buffers_offset(&dst, &src, 1, 2, 2, 0));

	if (ret == -EINVAL)
		SKIP("this kernel does not clone buffers at an offset");
	CHECK_EQ(ret, 0);
	CHECK_EQ(read_into(&dst, from, 0, memory[2], 50), -EFAULT);
	CHECK_EQ(read_into(&dst, from, 1, memory[2], 50), 50);
	CHECK_EQ(read_into(&dst, from, 2, memory[3], 50), 50);
	/* there are buffers already: only as a replacement */
	CHECK_EQ(io_uring_clone_buffers(&dst, &src), -EBUSY);
	CHECK_EQ(io_uring_clone_buffers_offset(&dst, &src, 0, 0, 1, 0), -EBUSY);
	CHECK_EQ(io_uring_clone_buffers_offset(&dst, &src, 0, 0, 1, IORING_REGISTER_DST_REPLACE), 0);
	CHECK_EQ(read_into(&dst, from, 0, memory[0], 50), 50);
	CHECK_EQ(read_into(&dst, from, 1, memory[2], 50), 50);
	CHECK_EQ(__io_uring_clone_buffers_offset(&dst, &src, 0, 3, 1, IORING_REGISTER_DST_REPLACE), 0);
	CHECK_EQ(read_into(&dst, from, 0, memory[3], 50), 50);
	io_uring_queue_exit(&src);
	io_uring_queue_exit(&dst);
}

/* Rings whose descriptors are registered and closed are named by their slot. */
static void clone_between_rings_without_an_fd(void)
{
	struct io_uring src, dst;
	int from = temp_file(50);

	rings_for_cloning(&src, &dst);
	CHECK_EQ(io_uring_register_ring_fd(&src), 1);
	CHECK_EQ(io_uring_register_ring_fd(&dst), 1);
	CHECK_EQ(io_uring_close_ring_fd(&src), 1);
	CHECK_EQ(io_uring_close_ring_fd(&dst), 1);
	int ret = ERRNO_KEPT(io_uring_clone_buffers(&dst, &src));

	if (ret == -EINVAL)
		SKIP("this kernel does not clone buffers");
	CHECK_EQ(ret, 0);
	CHECK_EQ(read_into(&dst, from, 3, memory[3], 50), 50);
	io_uring_queue_exit(&src);
	io_uring_queue_exit(&dst);
}

static void clone_from_nothing(void)
{
	struct io_uring src, dst;

	ring_init(&src, 8, 0);
	ring_init(&dst, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_clone_buffers(&dst, &src)), -ENXIO);
	CHECK_EQ(__io_uring_clone_buffers(&dst, &src, 1u << 30), -EINVAL);
	io_uring_queue_exit(&src);
	io_uring_queue_exit(&dst);
}

/* What a clone replaces is let go, the last one first. */
static void a_clone_that_replaces(void)
{
	struct io_uring src, dst;
	__u64 tags[3] = { 70, 71, 72 };
	struct iovec iov[3] = { { memory[0], BUFFER }, { memory[1], BUFFER }, { memory[2], BUFFER } };

	ring_init(&src, 8, 0);
	ring_init(&dst, 8, 0);
	CHECK_EQ(io_uring_register_buffers(&src, iov, 2), 0);
	CHECK_EQ(io_uring_register_buffers_tags(&dst, iov, tags, 3), 0);
	int ret = io_uring_clone_buffers_offset(&dst, &src, 1, 0, 2, IORING_REGISTER_DST_REPLACE);

	if (ret == -EINVAL)
		SKIP("this kernel does not clone buffers in place of others");
	CHECK_EQ(ret, 0);
	REAP(&dst, 72, 0);
	REAP(&dst, 71, 0);
	CHECK_EQ(io_uring_unregister_buffers(&dst), 0);
	REAP(&dst, 70, 0);
	io_uring_queue_exit(&src);
	io_uring_queue_exit(&dst);
}

static void *clone_from_another_thread(void *src)
{
	struct io_uring dst;

	ring_init(&dst, 8, 0);
	long ret = io_uring_clone_buffers(&dst, src);

	io_uring_queue_exit(&dst);
	return (void *)ret;
}

/* A ring of one thread gives its buffers to no other thread's. */
static void clone_from_a_single_issuer(void)
{
	struct io_uring src, dst;
	struct iovec iov = { memory[0], BUFFER };
	pthread_t thread;
	void *ret;

	ring_init_or_skip(&src, 8, IORING_SETUP_SINGLE_ISSUER, "IORING_SETUP_SINGLE_ISSUER");
	ring_init(&dst, 8, 0);
	CHECK_EQ(io_uring_register_buffers(&src, &iov, 1), 0);
	if (io_uring_clone_buffers(&dst, &src) == -EINVAL)
		SKIP("this kernel does not clone buffers");
	CHECK_EQ(pthread_create(&thread, NULL, clone_from_another_thread, &src), 0);
	CHECK_EQ(pthread_join(thread, &ret), 0);
	CHECK_EQ((long)ret, -EEXIST);
	io_uring_queue_exit(&src);
	io_uring_queue_exit(&dst);
}

/* PROCMAP_QUERY, since Linux 6.11. */
static bool tells_of_mappings(void *at)
{
	uint64_t query[13] = { sizeof(query), 0, (uintptr_t)at };
	int fd = (int)MUST(open("/proc/self/maps", O_RDONLY));
	bool tells = ioctl(fd, 0xc0686611, query) == 0;

	close(fd);
	return tells;
}

/* A file's memory that is written back cannot be pinned; that of one in memory can, and so can a copy. */
static void memory_of_a_file(void)
{
	struct io_uring ring;
	int files[2] = { temp_file(8192), (int)MUST(syscall(SYS_memfd_create, "m", 0)) };
	struct statfs status;

	MUST(fstatfs(files[0], &status));
	if (status.f_type == 0x01021994 /* tmpfs */)
		SKIP("files are in memory here");
	MUST(ftruncate(files[1], 8192));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 4; i++) {
		void *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, i < 2 ? MAP_SHARED : MAP_PRIVATE, files[i % 2], 0);
		struct iovec buffer = { at, 8192 };

		CHECK(at != MAP_FAILED);
		int ret = io_uring_register_buffers(&ring, &buffer, 1);

		if (i == 0 && ret == 0 && is_soft(&ring) && !tells_of_mappings(at))
			SKIP("this kernel does not tell what a mapping is");
		CHECK_EQ(ret, i == 0 ? -EFAULT : 0);
		if (ret == 0)
			CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	}
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(reads_and_writes),
	PART(vectors_of_a_registered_buffer),
	PART(sparse_and_update),
	PART(tags),
	PART(what_is_no_memory_is_refused),
	PART(clone_all),
	PART(clone_some),
	PART(clone_between_rings_without_an_fd),
	PART(clone_from_nothing),
	PART(a_clone_that_replaces),
	PART(clone_from_a_single_issuer),
	PART(memory_of_a_file),
)
