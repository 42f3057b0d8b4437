/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* <libaio.h>'s inline functions, and the helpers of <anyring/aio_abi.h> beside them. */
#include "../liburing/check.h"
#include <libaio.h>
#include <anyring/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>

static int called;

static void callback(io_context_t ctx, struct iocb *iocb, long res, long res2)
{
	(void)ctx;
	CHECK_EQ(res2, 0);
	CHECK(iocb != NULL);
	called += (int)res;
}

static int scratch(void)
{
	char name[] = "helpers-XXXXXX";
	int fd = (int)MUST(mkstemp(name));

	MUST(unlink(name));
	return fd;
}

static void prepared(io_context_t ctx, struct iocb *iocb, long res)
{
	struct io_event event;

	iocb->data = iocb;
	CHECK_EQ(io_submit(ctx, 1, &iocb), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ((long)event.res, res);
	CHECK(event.obj == iocb && event.data == iocb);
}

static void prep_functions(void)
{
	io_context_t ctx = NULL;
	struct iocb iocb;
	char out[8] = "abcdefg", in[8] = "";
	struct iovec iov[2] = { { in, 3 }, { in + 3, 5 } };
	int fd = scratch(), pipes[2], events = (int)MUST(eventfd(0, EFD_NONBLOCK));
	uint64_t count;

	CHECK_EQ(io_setup(8, &ctx), 0);
	memset(&iocb, 0xff, sizeof(iocb));
	io_prep_pwrite(&iocb, fd, out, 8, 100);
	prepared(ctx, &iocb, 8);
	io_prep_pread(&iocb, fd, in, 8, 100);
	prepared(ctx, &iocb, 8);
	CHECK_EQ(strcmp(in, out), 0);
	io_prep_pwritev(&iocb, fd, iov, 2, 200);
	prepared(ctx, &iocb, 8);
	io_prep_pwritev2(&iocb, fd, iov, 2, 208, RWF_DSYNC);
	prepared(ctx, &iocb, 8);
	memset(in, 0, 8);
	io_prep_preadv(&iocb, fd, iov, 2, 200);
	prepared(ctx, &iocb, 8);
	CHECK_EQ(strcmp(in, out), 0);
	io_prep_preadv2(&iocb, fd, iov, 2, 208, RWF_NOWAIT);
	io_set_eventfd(&iocb, events);
	prepared(ctx, &iocb, 8);
	CHECK_EQ(read(events, &count, 8), 8);
	io_prep_fsync(&iocb, fd);
	prepared(ctx, &iocb, 0);
	io_prep_fdsync(&iocb, fd);
	prepared(ctx, &iocb, 0);
	MUST(pipe(pipes));
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	io_prep_poll(&iocb, pipes[0], POLLIN);
	prepared(ctx, &iocb, POLLIN);

	CHECK_EQ(io_poll(ctx, &iocb, callback, pipes[0], POLLIN), 1);
	while (called == 0)
		CHECK_EQ(io_queue_run(ctx), 0);
	CHECK_EQ(called, POLLIN);
	CHECK_EQ(io_fsync(ctx, &iocb, callback, fd), 1);
	CHECK_EQ(io_fdsync(ctx, &iocb, callback, fd), 1);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void mapped_rings(void)
{
	static const unsigned modes[] = { 0, IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD,
					  IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL };
	int fd = scratch();
	char out[4], in[64][4];

	for (int i = 0; i < 64; i++) {
		memset(out, i, 4);
		CHECK_EQ(pwrite(fd, out, 4, i * 4), 4);
	}
	for (int m = 0; m < 4; m++) {
		struct anyring_aio aio;

		CHECK_EQ(anyring_aio_init(0, modes[m], &aio), -EINVAL);
		CHECK_EQ(anyring_aio_init(5, modes[m], &aio), 0);
		CHECK_EQ(aio.nr_events, 8);
		memset(in, 0xff, sizeof(in));
		for (int i = 0; i < 64; i++) {
			struct iocb *iocb;
			struct io_event *event;

			while (!(iocb = anyring_aio_get(&aio)))
				CHECK_OP(anyring_aio_submit(&aio, 0), >=, 0);
			io_prep_pread(iocb, fd, in[i], 4, i * 4);
			iocb->data = (void *)(intptr_t)i;
			CHECK_EQ(anyring_aio_submit(&aio, 1), 1);
			event = anyring_aio_peek(&aio);
			CHECK(event != NULL);
			CHECK_EQ(anyring_aio_ready(&aio), 1);
			CHECK_EQ(event->res, 4);
			CHECK_EQ((intptr_t)event->data, i);
			anyring_aio_seen(&aio, 1);
			CHECK(anyring_aio_peek(&aio) == NULL);
			CHECK_EQ(in[i][3], i);
		}
		for (int i = 0; i < 8; i++)
			CHECK(anyring_aio_get(&aio) != NULL);
		CHECK(anyring_aio_get(&aio) == NULL);
		CHECK_EQ(anyring_aio_exit(&aio), 0);
	}
}

TEST_PARTS(PART(prep_functions), PART(mapped_rings))
