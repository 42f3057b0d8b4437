/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every opcode, and what io_setup and io_submit refuse, one by one. */
#include "aio.h"

static void pread_and_pwrite(void)
{
	static char buffer[8192], back[8192];
	io_context_t ctx = new_context(4);
	struct iocb iocb;
	int fd = new_file(0);

	io_prep_pread(&iocb, fd, buffer, sizeof(buffer), 4096);
	iocb.data = &ctx;
	CHECK_EQ(run_one(ctx, &iocb), 8192);
	CHECK_EQ(buffer[0], 'b');
	CHECK_EQ(buffer[8191], 'c');
	io_prep_pread(&iocb, fd, buffer, sizeof(buffer), FILE_SIZE - 100);
	CHECK_EQ(run_one(ctx, &iocb), 100);
	io_prep_pread(&iocb, fd, buffer, sizeof(buffer), FILE_SIZE + 1);
	CHECK_EQ(run_one(ctx, &iocb), 0);

	memset(buffer, '#', sizeof(buffer));
	io_prep_pwrite(&iocb, fd, buffer, sizeof(buffer), 12345);
	CHECK_EQ(run_one(ctx, &iocb), 8192);
	CHECK_EQ(pread(fd, back, sizeof(back), 12345), 8192);
	CHECK(memcmp(back, buffer, sizeof(back)) == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void vectors(void)
{
	static char one[1000], two[3000], back[4000];
	struct iovec iov[] = { { one, sizeof(one) }, { two, sizeof(two) } };
	io_context_t ctx = new_context(4);
	struct iocb iocb;
	int fd = new_file(0);

	io_prep_preadv(&iocb, fd, iov, 2, 8192 - 1000);
	CHECK_EQ(run_one(ctx, &iocb), 4000);
	CHECK_EQ(one[999], 'b');
	CHECK_EQ(two[0], 'c');
	memset(one, '1', sizeof(one));
	memset(two, '2', sizeof(two));
	io_prep_pwritev(&iocb, fd, iov, 2, 500);
	CHECK_EQ(run_one(ctx, &iocb), 4000);
	CHECK_EQ(pread(fd, back, sizeof(back), 500), 4000);
	CHECK_EQ(back[999], '1');
	CHECK_EQ(back[1000], '2');
	CHECK_EQ(back[3999], '2');
	CHECK_EQ(io_destroy(ctx), 0);
}

static void rw_flags(void)
{
	static char buffer[4096];
	struct iovec iov = { buffer, sizeof(buffer) };
	io_context_t ctx = new_context(4);
	struct iocb iocb;
	int fd = new_file(0);

	/* What was just written is cached: no wait is needed. */
	io_prep_preadv2(&iocb, fd, &iov, 1, 0, RWF_NOWAIT);
	CHECK_EQ(run_one(ctx, &iocb), 4096);
	CHECK_EQ(buffer[0], 'a');
	/* What is not cached takes one. */
	MUST(fsync(fd));
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	io_prep_preadv2(&iocb, fd, &iov, 1, FILE_SIZE / 2, RWF_NOWAIT);
	long long res = run_one(ctx, &iocb);

	/* A file system in memory keeps it. */
	CHECK(res == -EAGAIN || res == 4096);
	io_prep_pwritev2(&iocb, fd, &iov, 1, 0, RWF_DSYNC);
	CHECK_EQ(run_one(ctx, &iocb), 4096);
	io_prep_pwritev2(&iocb, fd, &iov, 1, 0, RWF_APPEND);
	CHECK_EQ(run_one(ctx, &iocb), 4096);
	CHECK_EQ(lseek(fd, 0, SEEK_END), FILE_SIZE + 4096);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void syncs(void)
{
	io_context_t ctx = new_context(4);
	struct iocb iocb, *list = &iocb;
	int fd = new_file(0);

	io_prep_fsync(&iocb, fd);
	CHECK_EQ(run_one(ctx, &iocb), 0);
	io_prep_fdsync(&iocb, fd);
	CHECK_EQ(run_one(ctx, &iocb), 0);
	CHECK_EQ(io_fsync(ctx, &iocb, NULL, fd), 1);
	struct io_event event;

	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	io_prep_fsync(&iocb, 9999);
	CHECK_EQ(io_submit(ctx, 1, &list), -EBADF);
	io_prep_fsync(&iocb, fd);
	iocb.u.c.nbytes = 1;
	CHECK_EQ(io_submit(ctx, 1, &list), -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void polls(void)
{
	io_context_t ctx = new_context(4);
	struct timespec at_once = { 0, 0 };
	struct io_event event;
	struct iocb iocb, *list = &iocb;
	int ends[2];

	MUST(pipe(ends));
	io_prep_poll(&iocb, ends[1], POLLOUT);
	CHECK_EQ(run_one(ctx, &iocb), POLLOUT);
	io_prep_poll(&iocb, ends[0], POLLIN);
	submit_one(ctx, &iocb);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, &at_once), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK(event.res & POLLIN);
	CHECK_EQ(read(ends[0], &(char){ 0 }, 1), 1);
	CHECK_EQ(io_poll(ctx, &iocb, NULL, ends[0], POLLIN), 1);
	close(ends[1]);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK(event.res & POLLHUP);
	io_prep_poll(&iocb, ends[0], 1 << 16);
	CHECK_EQ(io_submit(ctx, 1, &list), -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void direct(void)
{
	io_context_t ctx = new_context(4);
	struct iocb iocb;
	int fd = new_file(0);
	char path[64], *buffer = NULL;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int direct = open(path, O_RDWR | O_DIRECT);

	if (direct < 0)
		SKIP("no O_DIRECT here");
	CHECK_EQ(posix_memalign((void **)&buffer, 4096, 4096), 0);
	io_prep_pread(&iocb, direct, buffer, 4096, 8192);
	CHECK_EQ(run_one(ctx, &iocb), 4096);
	CHECK_EQ(buffer[0], 'c');
	memset(buffer, '#', 4096);
	io_prep_pwrite(&iocb, direct, buffer, 4096, 0);
	CHECK_EQ(run_one(ctx, &iocb), 4096);
	/* Not aligned: an event says so. */
	io_prep_pread(&iocb, direct, buffer + 1, 4096, 8192);
	CHECK_EQ(run_one(ctx, &iocb), -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void setup_errors(void)
{
	io_context_t ctx = NULL, used = (io_context_t)1;

	CHECK_EQ(ERRNO_KEPT(io_setup(0, &ctx)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_setup(-1, &ctx)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_setup(1, &used)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_setup(1, (void *)8)), -EFAULT);
	CHECK_EQ(ERRNO_KEPT(io_setup(0x7fffffff, &ctx)), -EINVAL);
	CHECK(ctx == NULL);
	CHECK_EQ(ERRNO_KEPT(io_queue_init(0, &used)), -EINVAL);
	CHECK_EQ(io_queue_init(1, &used), 0);
	CHECK_EQ(io_queue_release(used), 0);
}

static long submit_bad(io_context_t ctx, int opcode, void (*spoil)(struct iocb *))
{
	static char buffer[512];
	struct iocb iocb, *list = &iocb;

	io_prep_pread(&iocb, new_file(0), buffer, sizeof(buffer), 0);
	iocb.aio_lio_opcode = (short)opcode;
	if (spoil)
		spoil(&iocb);
	long res = ERRNO_KEPT(io_submit(ctx, 1, &list));

	close(iocb.aio_fildes);
	return res;
}

static void reserved(struct iocb *iocb) { ((uint64_t *)iocb)[6] = 1; }
static void too_long(struct iocb *iocb) { iocb->u.c.nbytes = ~0ul; }
static void negative(struct iocb *iocb) { iocb->u.c.offset = -1; }
static void closed_file(struct iocb *iocb) { iocb->aio_fildes = 9999; }
static void no_file(struct iocb *iocb) { iocb->aio_fildes = -1; }
static void closed_eventfd(struct iocb *iocb) { io_set_eventfd(iocb, 9999); }
static void no_eventfd(struct iocb *iocb) { io_set_eventfd(iocb, iocb->aio_fildes); }

static void submit_errors(void)
{
	io_context_t ctx = new_context(4);
	struct iocb *list[] = { NULL };
	struct timespec at_once = { 0, 0 };
	struct io_event event;

	CHECK_EQ(io_submit(ctx, 1, list), -EFAULT);
	CHECK_EQ(io_submit(ctx, 1, NULL), -EFAULT);
	CHECK_EQ(io_submit(ctx, -1, list), -EINVAL);
	CHECK_EQ(io_submit(ctx, 0, NULL), 0);
	CHECK_EQ(submit_bad(ctx, 6, NULL), -EINVAL);
	CHECK_EQ(submit_bad(ctx, 99, NULL), -EINVAL);
	CHECK_EQ(submit_bad(ctx, IO_CMD_PREAD, reserved), -EINVAL);
	CHECK_EQ(submit_bad(ctx, IO_CMD_PREAD, too_long), -EINVAL);
	CHECK_EQ(submit_bad(ctx, IO_CMD_PREAD, negative), -EINVAL);
	CHECK_EQ(submit_bad(ctx, IO_CMD_PREAD, closed_file), -EBADF);
	CHECK_EQ(submit_bad(ctx, IO_CMD_PWRITE, no_file), -EBADF);
	CHECK_EQ(submit_bad(ctx, IO_CMD_PREAD, closed_eventfd), -EBADF);
	CHECK_EQ(submit_bad(ctx, IO_CMD_PREAD, no_eventfd), -EINVAL);
	/* None of them left anything. */
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, &at_once), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void good_before_bad(void)
{
	static char buffer[512];
	io_context_t ctx = new_context(4);
	struct iocb good, bad, *list[] = { &good, &bad, &good };
	struct io_event events[3];
	int fd = new_file(0);

	io_prep_pread(&good, fd, buffer, sizeof(buffer), 0);
	bad = good;
	bad.aio_lio_opcode = 99;
	CHECK_EQ(io_submit(ctx, 3, list), 1);
	CHECK_EQ(io_submit(ctx, 2, list + 1), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 1, 3, events, NULL), 1);
	CHECK_EQ(events[0].res, 512);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void bad_buffers(void)
{
	io_context_t ctx = new_context(4);
	struct iocb iocb;
	int fd = new_file(0);

	io_prep_pread(&iocb, fd, (void *)64, 512, 0);
	CHECK_EQ(run_one(ctx, &iocb), -EFAULT);
	io_prep_pwrite(&iocb, fd, (void *)64, 512, 0);
	CHECK_EQ(run_one(ctx, &iocb), -EFAULT);
	CHECK_EQ(io_destroy(ctx), 0);
}

TEST_PARTS(PART(pread_and_pwrite), PART(vectors), PART(rw_flags), PART(syncs), PART(polls), PART(direct),
	   PART(setup_errors), PART(submit_errors), PART(good_before_bad), PART(bad_buffers))
