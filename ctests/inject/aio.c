/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libaio, and the rings of 2018. */
#include "inject.h"
#include <libaio.h>
#include <anyring/aio_abi.h>
#include <sys/eventfd.h>
#include <time.h>

enum { BLOCK = 4096, DEPTH = 8 };

static int new_file(int flags)
{
	char block[BLOCK];
	int fd = (int)MUST(open("aio", O_RDWR | O_CREAT | O_TRUNC, 0600));

	memset(block, 'q', BLOCK);
	for (int i = 0; i < 4; i++)
		MUST(pwrite(fd, block, BLOCK, i * BLOCK));
	MUST(fsync(fd));
	if (flags) {
		close(fd);
		fd = open("aio", O_RDWR | flags);
	}
	return fd;
}

/* Submits one request and takes its event; a failure may keep it back once. */
static long run(io_context_t ctx, struct iocb *iocb)
{
	struct io_event event = { 0 };

	if (AGAIN(io_submit(ctx, 1, &iocb)) != 1) {
		HOLDS(has_failed());
		return -EAGAIN;
	}
	HOLDS(AGAIN(io_getevents(ctx, 1, 1, &event, NULL)) == 1);
	HOLDS(event.obj == iocb);
	return (long)event.res;
}

static void transfers_on(int flags)
{
	io_context_t ctx = NULL;
	struct iocb iocb;
	char *block = pages(BLOCK);
	struct iovec vector = { block, BLOCK };
	int fd = new_file(flags);

	if (fd >= 0 && RIGHT(io_setup(DEPTH, &ctx), 0)) {
		io_prep_pread(&iocb, fd, block, BLOCK, 0);
		if (RIGHT(run(ctx, &iocb), BLOCK))
			HOLDS(block[0] == 'q' && block[BLOCK - 1] == 'q');
		io_prep_pwrite(&iocb, fd, block, BLOCK, BLOCK);
		RIGHT(run(ctx, &iocb), BLOCK);
		io_prep_preadv(&iocb, fd, &vector, 1, 0);
		RIGHT(run(ctx, &iocb), BLOCK);
		io_prep_pwritev(&iocb, fd, &vector, 1, 0);
		RIGHT(run(ctx, &iocb), BLOCK);
		io_prep_fsync(&iocb, fd);
		RIGHT(run(ctx, &iocb), 0);
		io_prep_fdsync(&iocb, fd);
		RIGHT(run(ctx, &iocb), 0);
		HOLDS(AGAIN(io_destroy(ctx)) == 0);
	}
	if (fd >= 0)
		close(fd);
	munmap(block, BLOCK);
}

static void aio_buffered(void)
{
	transfers_on(0);
}

static void aio_direct(void)
{
	transfers_on(O_DIRECT);
}

static void aio_polls(void)
{
	io_context_t ctx = NULL;
	struct iocb iocb;
	struct io_event event;
	struct timespec soon = { .tv_nsec = 1000000 };
	int fds[2];

	MUST(pipe(fds));
	if (RIGHT(io_setup(DEPTH, &ctx), 0)) {
		struct iocb *list = &iocb;

		io_prep_poll(&iocb, fds[0], 1);
		if (AGAIN(io_submit(ctx, 1, &list)) == 1) {
			int early = io_getevents(ctx, 1, 1, &event, &soon);

			/* The event is early only when it tells an error. */
			HOLDS(early == 0 || has_failed());
			MUST(write(fds[1], "x", 1));
			if (early != 1)
				HOLDS(AGAIN(io_getevents(ctx, 1, 1, &event, NULL)) == 1);
		}
		HOLDS(AGAIN(io_destroy(ctx)) == 0);
	}
	close(fds[0]);
	close(fds[1]);
}

static void aio_cancels(void)
{
	io_context_t ctx = NULL;
	struct iocb iocb;
	struct io_event event;
	int fds[2];

	MUST(pipe(fds));
	if (RIGHT(io_setup(DEPTH, &ctx), 0)) {
		struct iocb *list = &iocb;

		io_prep_poll(&iocb, fds[0], 1);
		if (AGAIN(io_submit(ctx, 1, &list)) == 1) {
			int ret = io_cancel(ctx, &iocb, &event);

			HOLDS(ret == 0 || ret == -EINPROGRESS || has_failed());
		}
		HOLDS(AGAIN(io_destroy(ctx)) == 0);
	}
	close(fds[0]);
	close(fds[1]);
}

/* With an eventfd, as programs with loops have it; what is in flight is ended by io_destroy. */
static void aio_eventfd(void)
{
	io_context_t ctx = NULL;
	struct iocb iocb, late;
	struct iocb *list[2] = { &iocb, &late };
	struct io_event events[2];
	char block[BLOCK];
	int fd = new_file(0), event_fd = (int)MUST(eventfd(0, 0)), fds[2];
	uint64_t count;

	MUST(pipe(fds));
	if (RIGHT(io_setup(DEPTH, &ctx), 0)) {
		io_prep_pread(&iocb, fd, block, BLOCK, 0);
		io_set_eventfd(&iocb, event_fd);
		io_prep_poll(&late, fds[0], 1);
		int ret = (int)AGAIN(io_submit(ctx, 2, list));

		if (RIGHT(ret, ANY) && ret > 0) {
			HOLDS(read(event_fd, &count, sizeof(count)) == sizeof(count));
			HOLDS(AGAIN(io_getevents(ctx, 1, 2, events, NULL)) >= 1);
		}
		HOLDS(AGAIN(io_destroy(ctx)) == 0);
	}
	close(fd);
	close(event_fd);
	close(fds[0]);
	close(fds[1]);
}

static void rings_with(unsigned flags)
{
	struct anyring_aio aio;
	int fd = new_file(0);

	if (RIGHT(anyring_aio_init(DEPTH, flags, &aio), 0)) {
		struct iocb *iocb = anyring_aio_get(&aio);
		char *block = pages(BLOCK);

		HOLDS(iocb != NULL);
		io_prep_pread(iocb, fd, block, BLOCK, 0);
		struct io_event *event = NULL;

		/* Whatever fails, a request that was taken has its event. */
		for (int errors = 0; !event;) {
			int ret = anyring_aio_submit(&aio, 1);

			event = anyring_aio_peek(&aio);
			HOLDS(event || (ret <= 0 && may_fail_again(&errors)));
		}
		RIGHT((long)event->res, BLOCK);
		anyring_aio_seen(&aio, 1);
		anyring_aio_exit(&aio);
		munmap(block, BLOCK);
	}
	close(fd);
}

/* What is in flight is ended by anyring_aio_exit. */
static void rings_left_with(unsigned flags)
{
	struct anyring_aio aio;
	int fds[2];

	MUST(pipe(fds));
	if (RIGHT(anyring_aio_init(DEPTH, flags, &aio), 0)) {
		for (int i = 0; i < 3; i++)
			io_prep_poll(anyring_aio_get(&aio), fds[0], 1);
		RIGHT(anyring_aio_submit(&aio, 0), ANY);
		anyring_aio_exit(&aio);
	}
	close(fds[0]);
	close(fds[1]);
}

static void rings_2018(void)
{
	rings_with(0);
}

static void rings_2018_thread(void)
{
	rings_with(IOCTX_FLAG_SQTHREAD);
}

static void rings_2018_polling(void)
{
	rings_with(IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL);
}

static void rings_2018_workers(void)
{
	rings_with(IOCTX_FLAG_SQWQ);
}

static void rings_2018_left(void)
{
	rings_left_with(0);
}

static void rings_2018_thread_left(void)
{
	rings_left_with(IOCTX_FLAG_SQTHREAD);
}

static void use_aio(void)
{
	io_context_t ctx = NULL;
	struct iocb iocb;
	struct io_event event;
	struct iocb *list = &iocb;
	int fds[2];

	MUST(pipe(fds));
	HOLDS(io_setup(DEPTH, &ctx) == 0);
	io_prep_poll(&iocb, fds[0], 1);
	HOLDS(io_submit(ctx, 1, &list) == 1);
	MUST(write(fds[1], "x", 1));
	HOLDS(io_getevents(ctx, 1, 1, &event, NULL) == 1);
	io_prep_fsync(&iocb, 0);
	if (io_submit(ctx, 1, &list) == 1)
		HOLDS(io_getevents(ctx, 1, 1, &event, NULL) == 1);
	HOLDS(io_destroy(ctx) == 0);
	close(fds[0]);
	close(fds[1]);
}

#define AIO_SCENARIO(fn) { #fn, fn, use_aio }

const struct scenario aio_scenarios[] = {
	AIO_SCENARIO(aio_buffered), AIO_SCENARIO(aio_direct), AIO_SCENARIO(aio_polls), AIO_SCENARIO(aio_cancels), AIO_SCENARIO(aio_eventfd),
	AIO_SCENARIO(rings_2018), AIO_SCENARIO(rings_2018_thread), AIO_SCENARIO(rings_2018_polling),
	AIO_SCENARIO(rings_2018_workers), AIO_SCENARIO(rings_2018_left), AIO_SCENARIO(rings_2018_thread_left),
	SCENARIOS_END,
};
