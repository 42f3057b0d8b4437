/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registered files: plain, sparse, updated, tagged, allocated by the kernel. */
#include "rings.h"
#include <sys/resource.h>

/* Reads through slot `slot` and says what came: the count, or -errno. */
static int read_slot(struct io_uring *ring, int slot)
{
	unsigned char buf[32];
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_read(sqe, slot, buf, sizeof(buf), 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	CHECK_EQ(io_uring_submit(ring), 1);
	int res = reap_any(ring).res;

	CHECK(res <= 0 || has_pattern(buf, 0, (size_t)res));
	return res;
}

static void registered_files_outlive_their_fds(void)
{
	struct io_uring ring;
	int fds[2] = { temp_file(10), temp_file(20) };

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files(&ring, fds, 2)), 0);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(read_slot(&ring, 0), 10);
	CHECK_EQ(read_slot(&ring, 1), 20);
	CHECK_EQ(read_slot(&ring, 2), -EBADF);
	CHECK_EQ(io_uring_register_files(&ring, fds, 2), -EBUSY);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_files(&ring)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_files(&ring)), -ENXIO);
	CHECK_EQ(read_slot(&ring, 0), -EBADF);
	io_uring_queue_exit(&ring);
}

static void sparse_and_update(void)
{
	struct io_uring ring;
	int ten = temp_file(10), twenty = temp_file(20);
	int both[2] = { ten, twenty }, second_gone[2] = { IORING_REGISTER_FILES_SKIP, -1 };

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_sparse(&ring, 8)), 0);
	CHECK_EQ(read_slot(&ring, 3), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_update(&ring, 3, both, 2)), 2);
	CHECK_EQ(read_slot(&ring, 3), 10);
	CHECK_EQ(read_slot(&ring, 4), 20);
	CHECK_EQ(io_uring_register_files_update(&ring, 3, second_gone, 2), 2);
	CHECK_EQ(read_slot(&ring, 3), 10);
	CHECK_EQ(read_slot(&ring, 4), -EBADF);
	CHECK_EQ(io_uring_register_files_update(&ring, 7, both, 2), -EINVAL);
	CHECK_EQ(io_uring_register_files_update(&ring, 8, both, 1), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* A tag comes back as a completion when its file is let go. */
static void tags(void)
{
	struct io_uring ring;
	int fds[2] = { temp_file(10), temp_file(20) }, none = -1;
	__u64 tags[2] = { 70, 71 }, new_tag = 0;

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_tags(&ring, fds, tags, 2)), 0);
	CHECK_EQ(read_slot(&ring, 1), 20);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_update_tag(&ring, 1, &none, &new_tag, 1)), 1);
	REAP(&ring, 71, 0);
	tags[0] = 72;
	CHECK_EQ(io_uring_register_files_update_tag(&ring, 1, fds, tags, 1), 1);
	CHECK_EQ(read_slot(&ring, 1), 10);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	uint64_t sum = reap_any(&ring).user_data;

	sum += reap_any(&ring).user_data;
	CHECK_EQ(sum, 70 + 72);
	io_uring_queue_exit(&ring);
}

static int open_direct(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_openat_direct(sqe, AT_FDCWD, "/dev/zero", O_RDONLY, 0,
				    IORING_FILE_INDEX_ALLOC);
	CHECK_EQ(io_uring_submit(ring), 1);
	return reap_any(ring).res;
}

static void the_kernel_allocates_in_a_range(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 16), 0);
	CHECK_EQ(open_direct(&ring), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_file_alloc_range(&ring, 10, 2)), 0);
	CHECK_EQ(open_direct(&ring), 10);
	CHECK_EQ(open_direct(&ring), 11);
	CHECK_EQ(open_direct(&ring), -ENFILE);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_file_alloc_range(&ring, 10, 100)), -EINVAL);
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, UINT32_MAX, 2), -EOVERFLOW);
	io_uring_queue_exit(&ring);
}

static struct rlimit lower_soft_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { soft, hard };

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	return limit;
}

static rlim_t soft_limit(void)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	return limit.rlim_cur;
}

/* More files than the soft limit allows: raised once, up to the hard limit, and tried again. */
static void the_soft_limit_is_raised(void)
{
	struct io_uring ring;
	int fds[100];
	__u64 tags[100] = { 0 };
	int file = temp_file(10);

	for (int i = 0; i < 100; i++)
		fds[i] = file;
	ring_init(&ring, 8, 0);
	lower_soft_limit(50, 1000);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files(&ring, fds, 100)), 0);
	CHECK_OP(soft_limit(), >=, 100);
	CHECK_EQ(read_slot(&ring, 99), 10);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	lower_soft_limit(50, 1000);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_sparse(&ring, 100)), 0);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	lower_soft_limit(50, 1000);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_tags(&ring, fds, tags, 100)), 0);
	io_uring_queue_exit(&ring);
}

static void the_hard_limit_is_not(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	lower_soft_limit(50, 60);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_sparse(&ring, 100)), -EMFILE);
	CHECK_OP(soft_limit(), <=, 60);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static void what_is_no_file_is_refused(void)
{
	struct io_uring ring;
	int bad[2] = { temp_file(1), 9999 };

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files(&ring, bad, 2)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files(&ring, bad, 0)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files(&ring, NULL, 2)), -EFAULT);
	bad[1] = (int)MUST(open("/", O_PATH));
	CHECK_EQ(io_uring_register_files(&ring, bad, 2), -EBADF);
	CHECK_EQ(io_uring_register_files(&ring, &ring.ring_fd, 1), -EBADF);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, bad, 1), -ENXIO);
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, 0, 1), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* Slots by request: direct open into a chosen slot, update, install as an fd, close. */
static void slots_by_request(void)
{
	struct io_uring ring;
	int file = temp_file(20);
	struct io_uring_sqe *sqe;
	char byte = 1;

	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	io_uring_prep_open_direct(sqe_get(&ring), "/dev/zero", O_RDONLY, 0, 2);
	RUN_ONE(&ring, 0);
	io_uring_prep_files_update(sqe_get(&ring), &file, 1, 1);
	RUN_ONE(&ring, 1);
	CHECK_EQ(read_slot(&ring, 1), 20);
	sqe = sqe_get(&ring);
	io_uring_prep_fixed_fd_install(sqe, 2, 0);
	submit(&ring, 1);
	int fd = reap_any(&ring).res;

	CHECK_OP(fd, >=, 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(byte, 0);
	io_uring_prep_close_direct(sqe_get(&ring), 1);
	RUN_ONE(&ring, 0);
	CHECK_EQ(read_slot(&ring, 1), -EBADF);
	io_uring_queue_exit(&ring);
}

/* Slots that IORING_FILE_INDEX_ALLOC takes: behind the last one that was put in, or the last one emptied. */
static void allocation_goes_on_behind_the_last(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	CHECK_EQ(open_direct(&ring), -ENFILE); /* no table */
	CHECK_EQ(io_uring_register_files_sparse(&ring, 5), 0);
	for (int slot = 0; slot < 4; slot++)
		CHECK_EQ(open_direct(&ring), slot);
	io_uring_prep_close_direct(sqe_get(&ring), 0);
	RUN_ONE(&ring, 0);
	io_uring_prep_close_direct(sqe_get(&ring), 2);
	RUN_ONE(&ring, 0);
	CHECK_EQ(open_direct(&ring), 2);
	CHECK_EQ(open_direct(&ring), 4);
	CHECK_EQ(open_direct(&ring), 0);
	CHECK_EQ(open_direct(&ring), -ENFILE);
	io_uring_queue_exit(&ring);
}

/* A file that was replaced while a request uses it is let go with the request. */
static void a_tag_waits_for_the_last_user(void)
{
	struct io_uring ring;
	int fds[2], none = -1;
	__u64 tag = 70, new_tag = 0;
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_tags(&ring, fds, &tag, 1), 0);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_read(sqe, 0, &byte, 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	submit(&ring, 1);
	CHECK_EQ(io_uring_register_files_update_tag(&ring, 0, &none, &new_tag, 1), 1);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(write(fds[1], "1", 1), 1);
	REAP(&ring, 0, 1);
	REAP(&ring, 70, 0);
	CHECK_EQ(read_slot(&ring, 0), -EBADF);
	tag = 71;
	CHECK_EQ(io_uring_register_files_update_tag(&ring, 0, fds, &tag, 1), 1);
	io_uring_prep_close_direct(sqe_get(&ring), 0);
	submit(&ring, 1);
	REAP(&ring, 71, 0); /* what it let go comes before its own */
	REAP(&ring, 0, 0);
	CHECK_EQ(io_uring_register_files_update_tag(&ring, 0, &none, &tag, 1), -EINVAL);
	io_uring_queue_exit(&ring);
}

static void several_wait_for_one_registered_file(void)
{
	struct io_uring ring;
	int fds[2];
	char bytes[3];

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files(&ring, fds, 2), 0);
	for (int i = 0; i < 3; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, 0, bytes + i, 1, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	}
	submit(&ring, 3);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(reap_any(&ring).res, 1);
	CHECK_EQ(bytes[0] + bytes[1] + bytes[2], 'a' + 'b' + 'c');
	io_uring_queue_exit(&ring);
}

/* An update stops at what is no file, whose slot is empty then. */
static void an_update_that_fails(void)
{
	struct io_uring ring;
	int file = temp_file(10), fds[3] = { file, 9999, file }, ro[1] = { file };

	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 3), 0);
	io_uring_prep_files_update(sqe_get(&ring), ro, 1, 1);
	RUN_ONE(&ring, 1);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, fds, 3), 1);
	CHECK_EQ(read_slot(&ring, 0), 10);
	CHECK_EQ(read_slot(&ring, 1), -EBADF);
	CHECK_EQ(read_slot(&ring, 2), -EBADF);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, fds + 1, 1), -EBADF);
	CHECK_EQ(read_slot(&ring, 0), -EBADF);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, (int *)8, 1), -EFAULT);
	CHECK_EQ(io_uring_register_files_update(&ring, UINT32_MAX, fds, 2), -EOVERFLOW);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, &ring.ring_fd, 1), -EBADF);
	io_uring_prep_files_update(sqe_get(&ring), fds, 3, (int)IORING_FILE_INDEX_ALLOC);
	RUN_ONE(&ring, 1);
	CHECK_EQ(fds[0], 0);
	CHECK_EQ(fds[1], 9999);
	CHECK_EQ(read_slot(&ring, 0), 10);
	io_uring_queue_exit(&ring);
}

static void closing(void)
{
	struct io_uring ring;
	int fd = temp_file(1);
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	io_uring_prep_close_direct(sqe_get(&ring), 0);
	RUN_ONE(&ring, -ENXIO);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 2), 0);
	io_uring_prep_close_direct(sqe_get(&ring), 0);
	RUN_ONE(&ring, -EBADF);
	io_uring_prep_close_direct(sqe_get(&ring), 2);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_close_direct(sqe = sqe_get(&ring), 0);
	sqe->fd = fd; /* a slot or a descriptor, not both */
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_close(sqe_get(&ring), ring.ring_fd);
	RUN_ONE(&ring, -EBADF);
	io_uring_prep_close(sqe = sqe_get(&ring), fd);
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	RUN_ONE(&ring, 0);
	io_uring_prep_close(sqe_get(&ring), fd);
	RUN_ONE(&ring, -EBADF);
	io_uring_prep_openat_direct(sqe_get(&ring), AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(registered_files_outlive_their_fds),
	PART(sparse_and_update),
	PART(tags),
	PART(the_kernel_allocates_in_a_range),
	PART(the_soft_limit_is_raised),
	PART(the_hard_limit_is_not),
	PART(what_is_no_file_is_refused),
	PART(slots_by_request),
	PART(allocation_goes_on_behind_the_last),
	PART(a_tag_waits_for_the_last_user),
	PART(several_wait_for_one_registered_file),
	PART(an_update_that_fails),
	PART(closing),
)
