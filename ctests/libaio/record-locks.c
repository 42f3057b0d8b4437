/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Record locks (F_SETLK) that the process has on a file stay when it reads, writes and syncs that by io_submit. Another
 * process tells. */
#include "aio.h"

static char data[FILE_SIZE];

static bool is_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK);
	return exit_status(pid) == 1;
}

static void prepare(struct iocb *iocb, int fd, int operation)
{
	static struct iovec vector = { data, 65536 };

	switch (operation) {
	case 0:
		io_prep_pread(iocb, fd, data, 4096, 0);
		break;
	case 1:
		io_prep_pread(iocb, fd, data, 65536, 0);
		break;
	case 2:
		io_prep_preadv(iocb, fd, &vector, 1, 262144);
		break;
	case 3:
		io_prep_pwrite(iocb, fd, data, 4096, 0);
		break;
	case 4:
		io_prep_fdsync(iocb, fd);
		break;
	default:
		io_prep_fsync(iocb, fd);
	}
}

static void each_operation(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = new_file(0);
	io_context_t ctx = new_context(64);

	MUST(fcntl(fd, F_SETLK, &lock));
	for (int operation = 0; operation < 6; operation++) {
		struct iocb iocbs[2], *list[2] = { &iocbs[0], &iocbs[1] };
		struct io_event events[2];

		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		/* Two: nobody waits for one alone. */
		for (int i = 0; i < 2; i++)
			prepare(&iocbs[i], fd, operation);
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		CHECK_EQ(io_getevents(ctx, 2, 2, events, NULL), 2);
		if (!is_locked(fd))
			fprintf(stderr, "  lost by operation %d\n", operation);
		CHECK(is_locked(fd));
	}
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK(is_locked(fd));
}

TEST_PARTS(PART(each_operation))
