/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Operations on files and their contents, and on paths. */
#include "inject.h"
#include <linux/stat.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { ENTRIES = 16, BLOCK = 4096 };

/* A new file of four blocks, each filled with a letter. */
static int new_file(int flags)
{
	char block[BLOCK];
	int fd;

	unlink("data");
	fd = (int)MUST(open("data", O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < 4; i++) {
		memset(block, 'a' + i, BLOCK);
		MUST(pwrite(fd, block, BLOCK, i * BLOCK));
	}
	if (flags) {
		MUST(fsync(fd));
		close(fd);
		fd = open("data", O_RDWR | flags);
	}
	return fd;
}

static void check_read(int res, const char *block, char letter)
{
	HOLDS(res <= 0 || (block[0] == letter && block[res - 1] == letter));
}

static void reads_on(int file_flags, unsigned sqe_flags)
{
	struct io_uring ring;
	char *block = pages(2 * BLOCK);
	struct iovec vector[2] = { { block, BLOCK }, { block + BLOCK, BLOCK } };
	int fd = new_file(file_flags);

	if (fd >= 0 && open_ring(&ring, ENTRIES, 0)) {
		check_read(OP(&ring, BLOCK, (io_uring_prep_read(sqe, fd, block, BLOCK, 0), sqe->flags |= sqe_flags)),
			   block, 'a');
		OP(&ring, 2 * BLOCK, (io_uring_prep_readv(sqe, fd, vector, 2, BLOCK), sqe->flags |= sqe_flags));
		OP(&ring, BLOCK, (io_uring_prep_read(sqe, fd, block, BLOCK, (__u64)-1), sqe->flags |= sqe_flags));
		OP(&ring, 0, (io_uring_prep_read(sqe, fd, block, BLOCK, 1 << 20), sqe->flags |= sqe_flags));
		io_uring_queue_exit(&ring);
	}
	if (fd >= 0)
		close(fd);
	munmap(block, 2 * BLOCK);
}

static void reads(void)
{
	reads_on(0, 0);
}

static void reads_by_worker(void)
{
	reads_on(0, IOSQE_ASYNC);
}

static void reads_direct(void)
{
	reads_on(O_DIRECT, 0);
}

/* What the page cache does not have is read ahead. */
static void reads_uncached(void)
{
	int fd = new_file(0);

	MUST(fsync(fd));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	struct io_uring ring;
	char block[4][BLOCK];

	if (open_ring(&ring, ENTRIES, 0)) {
		for (int i = 0; i < 4; i++) {
			struct io_uring_sqe *sqe = new_sqe(&ring);

			io_uring_prep_read(sqe, fd, block[i], BLOCK, (__u64)i * BLOCK);
			sqe->user_data = (__u64)i;
		}
		submit_all(&ring);
		for (int i = 0; i < 4; i++) {
			struct completion cqe = take_cqe(&ring);

			if (RIGHT(cqe.res, BLOCK))
				check_read(BLOCK, block[cqe.user_data], (char)('a' + cqe.user_data));
		}
		io_uring_queue_exit(&ring);
	}
	close(fd);
}

static void writes_on(int file_flags)
{
	struct io_uring ring;
	char *block = pages(2 * BLOCK), found[BLOCK];
	struct iovec vector[2] = { { block, BLOCK }, { block + BLOCK, BLOCK } };
	int fd = new_file(file_flags);

	memset(block, 'w', 2 * BLOCK);
	if (fd >= 0 && open_ring(&ring, ENTRIES, 0)) {
		if (OP(&ring, BLOCK, io_uring_prep_write(sqe, fd, block, BLOCK, 0)) == BLOCK && !file_flags) {
			MUST(pread(fd, found, BLOCK, 0));
			HOLDS(memcmp(found, block, BLOCK) == 0);
		}
		OP(&ring, 2 * BLOCK, io_uring_prep_writev(sqe, fd, vector, 2, BLOCK));
		OP(&ring, BLOCK, io_uring_prep_write(sqe, fd, block, BLOCK, (__u64)-1));
		OP(&ring, 2 * BLOCK, io_uring_prep_writev2(sqe, fd, vector, 2, 0, RWF_DSYNC));
		io_uring_queue_exit(&ring);
	}
	if (fd >= 0)
		close(fd);
	munmap(block, 2 * BLOCK);
}

static void writes(void)
{
	writes_on(0);
}

static void writes_direct(void)
{
	writes_on(O_DIRECT);
}

static void fixed_buffers(void)
{
	struct io_uring ring;
	char *block = pages(2 * BLOCK);
	struct iovec buffer = { block, 2 * BLOCK }, part = { block, BLOCK };
	int fd = new_file(0);

	if (open_ring(&ring, ENTRIES, 0)) {
		if (RIGHT(io_uring_register_buffers(&ring, &buffer, 1), 0)) {
			check_read(OP(&ring, BLOCK, io_uring_prep_read_fixed(sqe, fd, block, BLOCK, 0, 0)), block, 'a');
			OP(&ring, BLOCK, io_uring_prep_write_fixed(sqe, fd, block, BLOCK, BLOCK, 0));
			OP(&ring, BLOCK, io_uring_prep_readv_fixed(sqe, fd, &part, 1, 0, 0, 0));
			OP(&ring, BLOCK, io_uring_prep_writev_fixed(sqe, fd, &part, 1, 0, 0, 0));
			RIGHT(io_uring_unregister_buffers(&ring), 0);
		}
		io_uring_queue_exit(&ring);
	}
	close(fd);
	munmap(block, 2 * BLOCK);
}

static void fixed_files(void)
{
	struct io_uring ring;
	char block[BLOCK];
	int fd = new_file(0), files[4] = { fd, -1, -1, -1 }, slot = 2;

	if (open_ring(&ring, ENTRIES, 0)) {
		if (RIGHT(io_uring_register_files(&ring, files, 4), 0)) {
			check_read(OP(&ring, BLOCK, (io_uring_prep_read(sqe, 0, block, BLOCK, 0),
						     sqe->flags |= IOSQE_FIXED_FILE)), block, 'a');
			OP(&ring, 1, io_uring_prep_files_update(sqe, &fd, 1, 1));
			OP(&ring, 0, io_uring_prep_openat_direct(sqe, AT_FDCWD, "data", O_RDONLY, 0, (unsigned)slot));
			OP(&ring, 0, io_uring_prep_close_direct(sqe, (unsigned)slot));
			int installed = OP(&ring, ANY, io_uring_prep_fixed_fd_install(sqe, 0, 0));

			if (installed >= 0)
				close(installed);
			RIGHT(io_uring_unregister_files(&ring), 0);
		}
		io_uring_queue_exit(&ring);
	}
	close(fd);
}

static void contents(void)
{
	struct io_uring ring;
	char *memory = pages(BLOCK);
	int fd = new_file(0);

	if (open_ring(&ring, ENTRIES, 0)) {
		OP(&ring, 0, io_uring_prep_fsync(sqe, fd, 0));
		OP(&ring, 0, io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC));
		OP(&ring, 0, io_uring_prep_sync_file_range(sqe, fd, BLOCK, 0, SYNC_FILE_RANGE_WRITE));
		OP(&ring, 0, io_uring_prep_fallocate(sqe, fd, 0, 0, 8 * BLOCK));
		OP(&ring, 0, io_uring_prep_ftruncate(sqe, fd, 2 * BLOCK));
		OP(&ring, 0, io_uring_prep_fadvise(sqe, fd, 0, BLOCK, POSIX_FADV_WILLNEED));
		OP(&ring, 0, io_uring_prep_madvise(sqe, memory, BLOCK, MADV_DONTNEED));
		io_uring_queue_exit(&ring);
	}
	close(fd);
	munmap(memory, BLOCK);
}

static void opens(void)
{
	struct io_uring ring;
	struct open_how how = { .flags = O_RDWR };
	struct statx status;
	int fd = new_file(0), opened;

	close(fd);
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	opened = OP(&ring, ANY, io_uring_prep_openat(sqe, AT_FDCWD, "data", O_RDONLY, 0));
	if (opened >= 0 && OP(&ring, 0, io_uring_prep_close(sqe, opened)) != 0)
		close(opened);
	opened = OP(&ring, ANY, io_uring_prep_openat2(sqe, AT_FDCWD, "data", &how));
	if (opened >= 0)
		close(opened);
	OP(&ring, -ENOENT, io_uring_prep_openat(sqe, AT_FDCWD, "missing", O_RDONLY, 0));
	if (OP(&ring, 0, io_uring_prep_statx(sqe, AT_FDCWD, "data", 0, STATX_SIZE, &status)) == 0)
		HOLDS(status.stx_size == 4 * BLOCK);
	io_uring_queue_exit(&ring);
}

const struct scenario file_scenarios[] = {
	SCENARIO(reads), SCENARIO(reads_by_worker), SCENARIO(reads_direct), SCENARIO(reads_uncached), SCENARIO(writes),
	SCENARIO(writes_direct), SCENARIO(fixed_buffers), SCENARIO(fixed_files), SCENARIO(contents), SCENARIO(opens),
	SCENARIOS_END,
};

static void names(void)
{
	struct io_uring ring;

	rmdir("folder");
	unlink("link");
	unlink("symbolic");
	unlink("renamed");
	close(new_file(0));
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	if (OP(&ring, 0, io_uring_prep_mkdirat(sqe, AT_FDCWD, "folder", 0700)) == 0)
		OP(&ring, 0, io_uring_prep_unlinkat(sqe, AT_FDCWD, "folder", AT_REMOVEDIR));
	OP(&ring, 0, io_uring_prep_symlinkat(sqe, "data", AT_FDCWD, "symbolic"));
	if (OP(&ring, 0, io_uring_prep_linkat(sqe, AT_FDCWD, "data", AT_FDCWD, "link", 0)) == 0)
		OP(&ring, 0, io_uring_prep_renameat(sqe, AT_FDCWD, "link", AT_FDCWD, "renamed", 0));
	io_uring_queue_exit(&ring);
}

static void attributes(void)
{
	struct io_uring ring;
	char value[8];
	int fd = new_file(0);

	if (setxattr("data", "user.probe", "p", 1, 0) == 0 && open_ring(&ring, ENTRIES, 0)) {
		OP(&ring, 0, io_uring_prep_setxattr(sqe, "user.one", "value", "data", 0, 5));
		OP(&ring, 0, io_uring_prep_fsetxattr(sqe, fd, "user.two", "value", 0, 5));
		OP(&ring, 1, io_uring_prep_getxattr(sqe, "user.probe", value, "data", sizeof(value)));
		OP(&ring, 1, io_uring_prep_fgetxattr(sqe, fd, "user.probe", value, sizeof(value)));
		io_uring_queue_exit(&ring);
	}
	close(fd);
}

const struct scenario path_scenarios[] = { SCENARIO(names), SCENARIO(attributes), SCENARIOS_END };
