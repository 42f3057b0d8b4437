/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests on files and paths, each checked against what the ordinary system calls then see. */
#include "rings.h"
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static void write_then_read(void)
{
	struct io_uring ring;
	int fd = temp_file(0);
	unsigned char out[3000], in[3000] = { 0 };
	struct iovec iov_out[2] = { { out, 1000 }, { out + 1000, 2000 } };
	struct iovec iov_in[2] = { { in, 2500 }, { in + 2500, 500 } };

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)(i * 7 + i / 251);
	ring_init(&ring, 8, 0);
	io_uring_prep_writev(sqe_get(&ring), fd, iov_out, 2, 0);
	RUN_ONE(&ring, 3000);
	io_uring_prep_readv(sqe_get(&ring), fd, iov_in, 2, 0);
	RUN_ONE(&ring, 3000);
	CHECK(has_pattern(in, 0, 3000));
	io_uring_prep_write(sqe_get(&ring), fd, "tail", 4, 3000);
	RUN_ONE(&ring, 4);
	io_uring_prep_read(sqe_get(&ring), fd, in, sizeof(in), 2990);
	RUN_ONE(&ring, 14);
	CHECK_EQ(memcmp(in + 10, "tail", 4), 0);
	io_uring_prep_writev2(sqe_get(&ring), fd, iov_out, 1, 3004, RWF_DSYNC);
	RUN_ONE(&ring, 1000);
	io_uring_prep_readv2(sqe_get(&ring), fd, iov_in, 2, 3004, 0);
	RUN_ONE(&ring, 1000);
	/* at the current position, as read(2) */
	MUST(lseek(fd, 3000, SEEK_SET));
	io_uring_prep_read(sqe_get(&ring), fd, in, 4, -1);
	RUN_ONE(&ring, 4);
	CHECK_EQ(memcmp(in, "tail", 4), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3004);
	io_uring_queue_exit(&ring);
}

static void size_and_space(void)
{
	struct io_uring ring;
	struct stat st;
	int fd = temp_file(100);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	ring_init(&ring, 8, 0);
	io_uring_prep_fallocate(sqe_get(&ring), fd, 0, 0, 10000);
	RUN_ONE(&ring, 0);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, 10000);
	io_uring_prep_ftruncate(sqe_get(&ring), fd, 50);
	submit(&ring, 1);
	int res = reap_any(&ring).res;

	if (res != -EINVAL) { /* kernels before 6.9 */
		CHECK_EQ(res, 0);
		MUST(fstat(fd, &st));
		CHECK_EQ(st.st_size, 50);
	}
	io_uring_prep_fsync(sqe_get(&ring), fd, IORING_FSYNC_DATASYNC);
	RUN_ONE(&ring, 0);
	io_uring_prep_sync_file_range(sqe_get(&ring), fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	RUN_ONE(&ring, 0);
	io_uring_prep_fadvise(sqe_get(&ring), fd, 0, 50, POSIX_FADV_WILLNEED);
	RUN_ONE(&ring, 0);
	memset(page, 1, 4096);
	io_uring_prep_madvise(sqe_get(&ring), page, 4096, MADV_DONTNEED);
	RUN_ONE(&ring, 0);
	CHECK_EQ(*(char *)page, 0);
	io_uring_queue_exit(&ring);
}

static void open_stat_close(void)
{
	struct io_uring ring;
	struct statx stx;
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS };

	memset(&stx, 0, sizeof(stx));
	ring_init(&ring, 8, 0);
	io_uring_prep_openat(sqe_get(&ring), AT_FDCWD, "/proc/self/exe", O_RDONLY, 0);
	submit(&ring, 1);
	int fd = reap_any(&ring).res;

	CHECK_OP(fd, >=, 0);
	io_uring_prep_statx(sqe_get(&ring), fd, "", AT_EMPTY_PATH, STATX_SIZE, &stx);
	RUN_ONE(&ring, 0);
	struct stat st;

	MUST(fstat(fd, &st));
	CHECK_EQ(stx.stx_size, st.st_size);
	io_uring_prep_close(sqe_get(&ring), fd);
	RUN_ONE(&ring, 0);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	io_uring_prep_openat2(sqe_get(&ring), AT_FDCWD, "/proc/self/exe", &how);
	RUN_ONE(&ring, -ELOOP);
	io_uring_prep_open(sqe_get(&ring), "/dev/null", O_WRONLY, 0);
	submit(&ring, 1);
	fd = reap_any(&ring).res;
	CHECK_OP(fd, >=, 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	io_uring_queue_exit(&ring);
}

static void names(void)
{
	struct io_uring ring;
	char dir[4096], target[4096] = { 0 };
	struct stat st;
	int dfd;

	temp_dir(dir, sizeof(dir));
	dfd = (int)MUST(open(dir, O_RDONLY | O_DIRECTORY));
	MUST(fchdir(dfd));
	ring_init(&ring, 8, 0);
	io_uring_prep_mkdirat(sqe_get(&ring), dfd, "sub", 0700);
	RUN_ONE(&ring, 0);
	io_uring_prep_mkdir(sqe_get(&ring), "sub", 0700);
	RUN_ONE(&ring, -EEXIST);
	io_uring_prep_openat(sqe_get(&ring), dfd, "sub/a", O_CREAT | O_WRONLY, 0600);
	submit(&ring, 1);
	MUST(close(reap_any(&ring).res));
	io_uring_prep_linkat(sqe_get(&ring), dfd, "sub/a", dfd, "b", 0);
	RUN_ONE(&ring, 0);
	MUST(stat("b", &st));
	CHECK_EQ(st.st_nlink, 2);
	io_uring_prep_renameat(sqe_get(&ring), dfd, "b", dfd, "c", 0);
	RUN_ONE(&ring, 0);
	io_uring_prep_rename(sqe_get(&ring), "c", "d");
	RUN_ONE(&ring, 0);
	io_uring_prep_symlinkat(sqe_get(&ring), "d", dfd, "e");
	RUN_ONE(&ring, 0);
	CHECK_EQ(readlink("e", target, sizeof(target)), 1);
	CHECK_EQ(target[0], 'd');
	io_uring_prep_unlink(sqe_get(&ring), "e", 0);
	RUN_ONE(&ring, 0);
	io_uring_prep_unlinkat(sqe_get(&ring), dfd, "d", 0);
	RUN_ONE(&ring, 0);
	io_uring_prep_unlinkat(sqe_get(&ring), dfd, "sub/a", 0);
	RUN_ONE(&ring, 0);
	io_uring_prep_unlinkat(sqe_get(&ring), dfd, "sub", AT_REMOVEDIR);
	RUN_ONE(&ring, 0);
	MUST(rmdir(dir)); /* nothing is left in it */
	io_uring_queue_exit(&ring);
}

static void extended_attributes(void)
{
	struct io_uring ring;
	char value[16] = { 0 }, path[64];
	int fd = temp_file(0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ring_init(&ring, 8, 0);
	io_uring_prep_fsetxattr(sqe_get(&ring), fd, "user.one", "1st", 0, 3);
	submit(&ring, 1);
	int res = reap_any(&ring).res;

	if (res == -EOPNOTSUPP)
		SKIP("this filesystem has no user attributes");
	CHECK_EQ(res, 0);
	CHECK_EQ(fgetxattr(fd, "user.one", value, sizeof(value)), 3);
	io_uring_prep_fgetxattr(sqe_get(&ring), fd, "user.one", value, sizeof(value));
	RUN_ONE(&ring, 3);
	CHECK_EQ(memcmp(value, "1st", 3), 0);
	io_uring_prep_setxattr(sqe_get(&ring), "user.two", "second", path, XATTR_CREATE, 6);
	RUN_ONE(&ring, 0);
	io_uring_prep_getxattr(sqe_get(&ring), "user.two", value, path, sizeof(value));
	RUN_ONE(&ring, 6);
	CHECK_EQ(memcmp(value, "second", 6), 0);
	io_uring_prep_fsetxattr(sqe_get(&ring), fd, "user.two", "x", XATTR_CREATE, 1);
	RUN_ONE(&ring, -EEXIST);
	io_uring_queue_exit(&ring);
}

static void splice_and_tee(void)
{
	struct io_uring ring;
	int from = temp_file(500), to = temp_file(0), a[2], b[2];
	unsigned char buf[500];

	MUST(pipe(a));
	MUST(pipe(b));
	ring_init(&ring, 8, 0);
	io_uring_prep_splice(sqe_get(&ring), from, 100, a[1], -1, 400, 0);
	RUN_ONE(&ring, 400);
	io_uring_prep_tee(sqe_get(&ring), a[0], b[1], 400, 0);
	RUN_ONE(&ring, 400);
	io_uring_prep_splice(sqe_get(&ring), a[0], -1, to, 0, 400, 0);
	RUN_ONE(&ring, 400);
	CHECK_EQ(pread(to, buf, sizeof(buf), 0), 400);
	CHECK(has_pattern(buf, 100, 400));
	CHECK_EQ(read(b[0], buf, sizeof(buf)), 400);
	CHECK(has_pattern(buf, 100, 400));
	io_uring_queue_exit(&ring);
}

static void pipes(void)
{
	struct io_uring ring;
	int fds[2] = { -1, -1 };
	char byte = 0;

	ring_init(&ring, 8, 0);
	io_uring_prep_pipe(sqe_get(&ring), fds, O_CLOEXEC);
	submit(&ring, 1);
	int res = reap_any(&ring).res;

	if (res == -EINVAL)
		SKIP("this kernel has no IORING_OP_PIPE");
	CHECK_EQ(res, 0);
	CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(fds[1], "p", 1), 1);
	CHECK_EQ(read(fds[0], &byte, 1), 1);
	CHECK_EQ(byte, 'p');
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	io_uring_prep_pipe_direct(sqe_get(&ring), fds, 0, 1);
	RUN_ONE(&ring, 0);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_write(sqe, 2, "q", 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	RUN_ONE(&ring, 1);
	sqe = sqe_get(&ring);
	io_uring_prep_read(sqe, 1, &byte, 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	RUN_ONE(&ring, 1);
	CHECK_EQ(byte, 'q');
	io_uring_queue_exit(&ring);
}

/* An empty pipe is waited for, and does not keep other requests from being done; nonsense is not. */
static void splices_that_wait(void)
{
	struct io_uring ring;
	int to = temp_file(0), in[2], out[2];
	char buf[8];

	MUST(pipe(in));
	MUST(pipe(out));
	ring_init(&ring, 16, 0);
	for (uint64_t i = 1; i <= 8; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		if (i % 2)
			io_uring_prep_splice(sqe, in[0], -1, out[1], -1, 1, 0);
		else
			io_uring_prep_splice(sqe, in[0], -1, to, (int64_t)i / 2 - 1, 1, 0);
		io_uring_sqe_set_data64(sqe, i);
	}
	submit(&ring, 8);
	io_uring_prep_fsync(sqe_get(&ring), to, 0);
	RUN_ONE(&ring, 0);
	CHECK_EQ(write(in[1], "abcdefgh", 8), 8);
	for (int i = 1; i <= 8; i++)
		CHECK_EQ(reap_any(&ring).res, 1);
	CHECK_EQ(read(out[0], buf, sizeof(buf)), 4);
	CHECK_EQ(lseek(to, 0, SEEK_END), 4);
	io_uring_prep_splice(sqe_get(&ring), in[0], 0, to, 0, 1, 0);
	RUN_ONE(&ring, -ESPIPE);
	io_uring_prep_splice(sqe_get(&ring), in[1], -1, to, 0, 1, 0);
	RUN_ONE(&ring, -EBADF);
	io_uring_prep_splice(sqe_get(&ring), to, 0, to, 0, 1, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_splice(sqe_get(&ring), in[0], -1, out[1], -1, 1, SPLICE_F_NONBLOCK);
	RUN_ONE(&ring, -EAGAIN);
	io_uring_prep_tee(sqe_get(&ring), in[0], to, 1, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_queue_exit(&ring);
}

/* Opening a pipe by its name does not wait for the other end. */
static void opening_a_fifo(void)
{
	struct io_uring ring;
	char dir[4096], path[4200];

	temp_dir(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	MUST(mkfifo(path, 0600));
	ring_init(&ring, 8, 0);
	io_uring_prep_openat(sqe_get(&ring), AT_FDCWD, path, O_WRONLY, 0);
	RUN_ONE(&ring, -ENXIO);
	io_uring_prep_openat(sqe_get(&ring), AT_FDCWD, path, O_RDONLY, 0);
	submit(&ring, 1);
	int fd = reap_any(&ring).res;

	CHECK_OP(fd, >=, 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	MUST(unlink(path));
	MUST(rmdir(dir));
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(write_then_read),
	PART(size_and_space),
	PART(open_stat_close),
	PART(names),
	PART(extended_attributes),
	PART(splice_and_tee),
	PART(splices_that_wait),
	PART(opening_a_fifo),
	PART(pipes),
)
