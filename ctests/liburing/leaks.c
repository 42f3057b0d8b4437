/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings that come and go, and limits that are reached: descriptors and mappings stay what they were. */
#include "rings.h"
#include <pwd.h>
#include <sys/resource.h>

static const unsigned ring_kinds[] = {
	0,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	IORING_SETUP_R_DISABLED,
	IORING_SETUP_NO_MMAP,
};

static void a_thousand_rings(void)
{
	struct footprint before = ring_footprint();

	for (unsigned i = 0; i < 1000; i++) {
		struct io_uring ring;
		unsigned flags = ring_kinds[i % 5];
		int ret = io_uring_queue_init(4 << i % 3, &ring, flags);

		if (ret == -EINVAL && flags & IORING_SETUP_NO_MMAP)
			continue;
		CHECK_EQ(ret, 0);
		if (!(flags & IORING_SETUP_R_DISABLED))
			CHECK_RING_WORKS(&ring);
		io_uring_queue_exit(&ring);
	}
	CHECK_FOOTPRINT(before);
}

static void rings_that_exit_with_work_left(void)
{
	struct footprint before = ring_footprint();

	for (int i = 0; i < 50; i++) {
		struct io_uring ring;
		int fds[2];
		char byte;

		MUST(pipe(fds));
		ring_init(&ring, 8, 0);
		read_pending(&ring, fds[0], &byte, 1);
		nop(&ring, 2);
		submit(&ring, 2);
		nop(&ring, 3);
		io_uring_queue_exit(&ring);
		close(fds[0]);
		close(fds[1]);
	}
	CHECK_FOOTPRINT(before);
}

static void sixty_four_at_once(void)
{
	static struct io_uring rings[64];
	struct footprint before = ring_footprint();

	for (int i = 0; i < 64; i++)
		ring_init(&rings[i], 8, 0);
	/* Rings in user space have a descriptor that the program does not see. */
	CHECK_EQ(count_fds(), before.fds + 64 * (is_soft(&rings[0]) ? 2 : 1));
	for (int i = 0; i < 64; i++)
		CHECK_RING_WORKS(&rings[i]);
	for (int i = 63; i >= 0; i--)
		io_uring_queue_exit(&rings[i]);
	CHECK_FOOTPRINT(before);
}

/* Every setup that needs a descriptor says -EMFILE, and unmaps what it had mapped. */
static void no_descriptor_left(void)
{
	struct rlimit old, full;
	struct footprint before;
	struct io_uring ring;
	struct io_uring_params p = { 0 };

	MUST(getrlimit(RLIMIT_NOFILE, &old));
	before = ring_footprint();
	int next = (int)MUST(dup(0));

	close(next);
	full = (struct rlimit){ (rlim_t)next, old.rlim_max };
	MUST(setrlimit(RLIMIT_NOFILE, &full));
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(8, &ring, 0)), -EMFILE);
		CHECK_EQ(ERRNO_KEPT(io_uring_queue_init_params(8, &ring, &p)), -EMFILE);
		CHECK_OP(ERRNO_KEPT(io_uring_queue_init(8, &ring, IORING_SETUP_NO_MMAP)), <, 0);
		CHECK(io_uring_get_probe() == NULL);
	}
	MUST(setrlimit(RLIMIT_NOFILE, &old));
	CHECK_FOOTPRINT(before);
	ring_init(&ring, 8, 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* Address space at its end: the mapping fails after the ring exists, which must then be closed. */
static void no_address_space_left(void)
{
	struct io_uring ring;
	struct rlimit old, none;
	struct footprint before = ring_footprint();

	MUST(getrlimit(RLIMIT_AS, &old));
	none = (struct rlimit){ 4096, old.rlim_max };
	MUST(setrlimit(RLIMIT_AS, &none));
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(8, &ring, 0)), -ENOMEM);
		CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(4096, &ring, 0)), -ENOMEM);
	}
	MUST(setrlimit(RLIMIT_AS, &old));
	CHECK_FOOTPRINT(before);
}

static void become_nobody(void)
{
	const struct passwd *nobody;

	if (geteuid() != 0)
		return;
	nobody = getpwnam("nobody");
	if (!nobody)
		SKIP("root is exempt from the limit, and there is no user nobody");
	MUST(setgid(nobody->pw_gid));
	MUST(setuid(nobody->pw_uid));
}

static void limit_locked_memory(rlim_t bytes)
{
	struct rlimit limit = { bytes, 64 << 10 };

	MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* Kernels differ in whether the rings themselves count: the bare call tells. */
static void no_memory_to_lock_for_the_ring(void)
{
	struct io_uring ring;
	struct io_uring_params p = { 0 };

	ring_init(&ring, 8, 0);
	if (is_soft(&ring))
		SKIP("rings in user space lock no memory");
	io_uring_queue_exit(&ring);
	become_nobody();
	limit_locked_memory(0);
	struct footprint before = footprint();
	int fd = (int)syscall(__NR_io_uring_setup, 8, &p), expected = fd < 0 ? -errno : 0;

	if (expected == 0)
		close(fd);
	CHECK(expected == 0 || expected == -ENOMEM || expected == -EPERM);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(8, &ring, 0)), expected);
		if (expected == 0)
			io_uring_queue_exit(&ring);
	}
	CHECK_FOOTPRINT(before);
}

/* Memory of rings that are gone is given back a little later, and counts until then. */
static int init_when_there_is_room(struct io_uring *ring)
{
	int ret = io_uring_queue_init(8, ring, 0);

	for (int i = 0; i < 500 && ret == -ENOMEM; i++) {
		usleep(10000);
		ret = io_uring_queue_init(8, ring, 0);
	}
	return ret;
}

static void no_memory_to_lock_for_buffers(void)
{
	struct io_uring ring;
	size_t size = 4 << 20;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	struct iovec iov = { memory, size };
	__u64 tag = 1;

	CHECK(memory != MAP_FAILED);
	become_nobody();
	limit_locked_memory(64 << 10);
	struct footprint before = footprint();
	int ret = init_when_there_is_room(&ring);

	if (ret == -EPERM)
		SKIP("io_uring is not for unprivileged users here");
	CHECK_EQ(ret, 0);
	if (is_soft(&ring))
		SKIP("rings in user space lock no memory");
	struct footprint with_ring = footprint();

	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers(&ring, &iov, 1)), -ENOMEM);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers_tags(&ring, &iov, &tag, 1)), -ENOMEM);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers_sparse(&ring, 1)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buffers_update_tag(&ring, 0, &iov, NULL, 1)), -ENOMEM);
	CHECK_FOOTPRINT(with_ring);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	CHECK_FOOTPRINT(before);
}

TEST_PARTS(
	PART(a_thousand_rings),
	PART(rings_that_exit_with_work_left),
	PART(sixty_four_at_once),
	PART(no_descriptor_left),
	PART(no_address_space_left),
	PART(no_memory_to_lock_for_the_ring),
	PART(no_memory_to_lock_for_buffers),
)
