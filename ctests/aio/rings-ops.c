/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every operation, in every mode, with both conventions of indices, around the rings several times. */
#include "rings.h"

static const unsigned modes[] = {
	0,
	IOCTX_FLAG_IOPOLL,
	IOCTX_FLAG_SQWQ,
	IOCTX_FLAG_SQTHREAD,
	IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQWQ,
	IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL,
	IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL | IOCTX_FLAG_IOPOLL,
};

static const struct { unsigned nr; bool wraps; } shapes[] = {
	{ 1, false }, { 8, false }, { 8, true }, { 9, true }, { 2, true },
};

static void check_event(struct io_event event, const struct iocb *iocb, __u64 data, long long res)
{
	CHECK_EQ(event.res, res);
	CHECK_EQ(event.data, data);
	CHECK_EQ(event.obj, (uintptr_t)iocb);
}

static void one(struct rings *r, struct iocb *iocb, long long res)
{
	static __u64 data = 1000;

	iocb->aio_data = ++data;
	CHECK_EQ(rings_submit(r, 1, 1), 1);
	check_event(rings_wait(r), iocb, data, res);
}

static void reads_and_writes(struct rings *r, int fd)
{
	for (unsigned i = 0; i < 5 * r->nr; i++) {
		unsigned block = i % BLOCKS;
		struct iocb *iocb = rings_get(r, IOCB_CMD_PREAD, fd);

		iocb->aio_offset = block * BLOCK;
		memset(block_of(r, iocb), 0xff, BLOCK);
		one(r, iocb, BLOCK);
		CHECK_EQ(block_of(r, iocb)[0], (char)block);
		CHECK_EQ(block_of(r, iocb)[BLOCK - 1], (char)block);

		iocb = rings_get(r, IOCB_CMD_PWRITE, fd);
		iocb->aio_offset = BLOCKS * BLOCK;
		memset(block_of(r, iocb), (int)i, BLOCK);
		one(r, iocb, BLOCK);
		static char back[BLOCK] __attribute__((aligned(BLOCK)));
		CHECK_EQ(pread(fd, back, BLOCK, BLOCKS * BLOCK), BLOCK);
		CHECK_EQ(back[99], (char)i);
	}
}

static void vectors(struct rings *r, int fd)
{
	char a[100], b[200];
	struct iovec iov[2] = { { a, sizeof(a) }, { b, sizeof(b) } };

	for (int i = 0; i < 3; i++) {
		struct iocb *iocb = rings_get(r, IOCB_CMD_PREADV, fd);

		iocb->aio_buf = (uintptr_t)iov;
		iocb->aio_nbytes = 2;
		iocb->aio_offset = 7 * BLOCK;
		memset(b, 0, sizeof(b));
		one(r, iocb, sizeof(a) + sizeof(b));
		CHECK_EQ(b[199], 7);

		iocb = rings_get(r, IOCB_CMD_PWRITEV, fd);
		iocb->aio_buf = (uintptr_t)iov;
		iocb->aio_nbytes = 2;
		iocb->aio_offset = 100 * BLOCK;
		one(r, iocb, sizeof(a) + sizeof(b));
	}
}

static void at_the_end(struct rings *r, int fd)
{
	struct iocb *iocb = rings_get(r, IOCB_CMD_PREAD, fd);

	iocb->aio_offset = BLOCKS * BLOCK - 10;
	MUST(ftruncate(fd, BLOCKS * BLOCK));
	one(r, iocb, 10);
	iocb = rings_get(r, IOCB_CMD_PREAD, fd);
	iocb->aio_offset = BLOCKS * BLOCK;
	one(r, iocb, 0);
}

static void others(struct rings *r, int fd)
{
	int pipes[2], events = (int)MUST(eventfd(0, EFD_NONBLOCK));
	uint64_t count;

	MUST(pipe(pipes));
	one(r, rings_get(r, IOCB_CMD_FSYNC, fd), 0);
	one(r, rings_get(r, IOCB_CMD_FDSYNC, fd), 0);
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	struct iocb *iocb = rings_get(r, IOCB_CMD_POLL, pipes[0]);

	iocb->aio_buf = POLLIN;
	one(r, iocb, POLLIN);

	iocb = rings_get(r, IOCB_CMD_PREAD, fd);
	iocb->aio_flags = IOCB_FLAG_RESFD;
	iocb->aio_resfd = (__u32)events;
	one(r, iocb, BLOCK);
	/* The signal follows the event. */
	struct pollfd pollfd = { .fd = events, .events = POLLIN };

	CHECK_EQ(poll(&pollfd, 1, 1000), 1);
	CHECK_EQ(read(events, &count, 8), 8);
	CHECK_EQ(count, 1);
	close(events);
	close(pipes[0]);
	close(pipes[1]);
}

static void full_rings(struct rings *r, int fd)
{
	unsigned fill = r->wraps ? r->nr - 1 : r->nr;

	for (int round = 0; round < 5; round++) {
		for (unsigned i = 0; i < fill; i++) {
			struct iocb *iocb = rings_get(r, IOCB_CMD_PREAD, fd);

			iocb->aio_offset = (i % BLOCKS) * BLOCK;
			iocb->aio_data = i;
		}
		CHECK_EQ(rings_submit(r, fill, 1), fill);
		for (unsigned i = 0; i < fill; i++)
			CHECK_EQ(rings_wait(r).res, BLOCK);
		CHECK_EQ(__atomic_load_n(&r->sq->head, __ATOMIC_ACQUIRE), r->tail);
	}
}

static void every_mode(void)
{
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
			struct rings r = rings_new(shapes[s].nr, modes[m], shapes[s].wraps);
			int fd = data_file(0);

			reads_and_writes(&r, fd);
			vectors(&r, fd);
			at_the_end(&r, fd);
			if (!(modes[m] & IOCTX_FLAG_IOPOLL))
				others(&r, fd);
			full_rings(&r, fd);
			close(fd);
			destroy(&r);
		}
}

static void direct(void)
{
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		struct rings r = rings_new(8, modes[m], false);
		int fd = data_file(O_DIRECT);

		reads_and_writes(&r, fd);
		full_rings(&r, fd);
		close(fd);
		destroy(&r);
	}
}

static void fixed_buffers(void)
{
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		struct rings r = rings_new(8, modes[m] | IOCTX_FLAG_FIXEDBUFS, true);
		int fd = data_file(0);

		reads_and_writes(&r, fd);
		full_rings(&r, fd);
		close(fd);
		destroy(&r);
	}
}

static void free_indices_pass_zero(void)
{
	/* 2^32 entries take too long; a context that has seen some thousand wraps must not mind. */
	struct rings r = rings_new(2, 0, false);
	int fd = data_file(0);

	for (int i = 0; i < 70000; i++) {
		rings_get(&r, IOCB_CMD_PREAD, fd)->aio_nbytes = 1;
		CHECK_EQ(rings_submit(&r, 1, 1), 1);
		CHECK_EQ(rings_wait(&r).res, 1);
	}
	CHECK_EQ(r.sq->head, 70000);
	CHECK_EQ(r.cq->tail, 70000);
	close(fd);
	destroy(&r);
}

TEST_PARTS(PART(every_mode), PART(direct), PART(fixed_buffers), PART(free_indices_pass_zero))
