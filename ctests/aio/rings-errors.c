/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The documented errors of io_setup2() and io_ring_enter(), one by one. */
#include "rings.h"
#include <pthread.h>

int io_submit(io_context_t ctx, long nr, struct iocb **ios);
int io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *t);
int io_cancel(io_context_t ctx, struct iocb *iocb, struct io_event *event);

static int setup(unsigned nr, unsigned flags, void *sq, void *cq)
{
	io_context_t ctx = NULL;
	int ret = io_setup2(nr, flags, sq, cq, &ctx);

	CHECK_EQ(ctx == NULL, ret != 0);
	if (ret == 0)
		CHECK_EQ(io_destroy(ctx), 0);
	return ret;
}

static void setup_errors(void)
{
	struct rings r = rings_prepare(8, 0, true);
	io_context_t taken = (io_context_t)&r;

	CHECK_EQ(setup(8, 64 | IOCTX_FLAG_SCQRING, r.sq, r.cq), -EINVAL);
	CHECK_EQ(setup(0, IOCTX_FLAG_SCQRING, r.sq, r.cq), -EINVAL);
	CHECK_EQ(io_setup2(8, IOCTX_FLAG_SCQRING, r.sq, r.cq, &taken), -EINVAL);
	CHECK_EQ(io_setup2(8, IOCTX_FLAG_SCQRING, r.sq, r.cq, NULL), -EFAULT);
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, (char *)r.sq + 64, r.cq), -EINVAL);
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, r.sq, (char *)r.cq + 64), -EINVAL);
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, NULL, r.cq), -EFAULT);
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, r.sq, NULL), -EFAULT);
	r.sq->iocbs += 64;
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, r.sq, r.cq), -EINVAL);
	r.sq->iocbs -= 64;
	CHECK_EQ(setup(8, IOCTX_FLAG_FIXEDBUFS, NULL, NULL), -EINVAL);
	CHECK_EQ(setup(8, IOCTX_FLAG_SQTHREAD, NULL, NULL), -EINVAL);
	CHECK_EQ(setup(8, IOCTX_FLAG_SQWQ, NULL, NULL), -EINVAL);
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING | IOCTX_FLAG_SQPOLL, r.sq, r.cq), -EINVAL);
	r.sq->nr_events = 7;
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, r.sq, r.cq), -EFAULT);
	r.sq->nr_events = 8;
	r.cq->nr_events = 8;
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, r.sq, r.cq), -EFAULT);
	r.cq->nr_events = 16;
	CHECK_EQ(setup(1 << 30, IOCTX_FLAG_SCQRING, r.sq, r.cq), -EAGAIN);

	r.iocbs[3].aio_buf = 0;
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING | IOCTX_FLAG_FIXEDBUFS, r.sq, r.cq), -EFAULT);
	r.iocbs[3].aio_buf = (uintptr_t)r.buffers;
	r.iocbs[3].aio_nbytes = (4 << 20) + 1;
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING | IOCTX_FLAG_FIXEDBUFS, r.sq, r.cq), -EFAULT);

	r.sq->head = r.sq->tail = r.cq->head = r.cq->tail = 5;
	CHECK_EQ(setup(8, IOCTX_FLAG_SCQRING, r.sq, r.cq), 0);
	CHECK_EQ(r.sq->head + r.sq->tail + r.cq->head + r.cq->tail, 0);
}

static void plain_contexts(void)
{
	io_context_t ctx = NULL;
	char byte;
	int fd = data_file(0);
	struct iocb iocb = { .aio_fildes = (__u32)fd, .aio_buf = (uintptr_t)&byte, .aio_nbytes = 1 };
	struct iocb *ios = &iocb;
	struct io_event event;

	CHECK_EQ(io_setup2(4, 0, NULL, NULL, &ctx), 0);
	CHECK_EQ(io_submit(ctx, 1, &ios), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ(event.res, 1);
	CHECK_EQ(io_ring_enter(ctx, 1, 0, 0), -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void unknown_context(void)
{
	struct rings r = rings_new(4, 0, true);
	struct iocb *ios = rings_get(&r, IOCB_CMD_PREAD, 0);
	struct io_event event;
	io_context_t gone = r.ctx;

	CHECK_EQ(io_submit(r.ctx, 1, &ios), -EINVAL);
	CHECK_EQ(io_getevents(r.ctx, 0, 1, &event, NULL), -EINVAL);
	CHECK_EQ(io_cancel(r.ctx, ios, &event), -EINVAL);
	CHECK_EQ(io_ring_enter(NULL, 1, 0, 0), -EINVAL);
	CHECK_EQ(io_ring_enter((io_context_t)&r, 1, 0, 0), -EINVAL);
	destroy(&r);
	CHECK_EQ(io_ring_enter(gone, 1, 0, 0), -EINVAL);
	CHECK_EQ(io_destroy(gone), -EINVAL);
}

/* The second of three requests is wrong: the call submits one, then says why, then goes on. */
static void returned(struct rings *r, int fd, void (*spoil)(struct iocb *), int errnum)
{
	unsigned start = r->sq->head;

	rings_get(r, IOCB_CMD_PREAD, fd);
	struct iocb *wrong = rings_get(r, IOCB_CMD_PREAD, fd);
	rings_get(r, IOCB_CMD_PREAD, fd);
	spoil(wrong);
	CHECK_EQ(rings_submit(r, 3, 1), 1);
	CHECK_EQ(rings_wait(r).res, BLOCK);
	CHECK_EQ(r->sq->head, next(r, start, r->nr));
	CHECK_EQ(io_ring_enter(r->ctx, 2, 0, 0), -errnum);
	CHECK_EQ(io_ring_enter(r->ctx, 1, 0, 0), -errnum);
	CHECK_EQ(r->sq->head, next(r, start, r->nr));
	CHECK_EQ(rings_ready(r), 0);
	wrong->aio_lio_opcode = IOCB_CMD_PREAD;
	wrong->aio_fildes = (__u32)fd;
	wrong->aio_offset = wrong->aio_reserved2 = 0;
	wrong->aio_flags = 0;
	wrong->aio_buf = (uintptr_t)block_of(r, wrong);
	CHECK_EQ(io_ring_enter(r->ctx, 2, 1, 0), 2);
	CHECK_EQ(rings_wait(r).res, BLOCK);
	CHECK_EQ(rings_wait(r).res, BLOCK);
}

static void bad_opcode(struct iocb *iocb) { iocb->aio_lio_opcode = 99; }
static void bad_file(struct iocb *iocb) { iocb->aio_fildes = 9999; }
static void bad_offset(struct iocb *iocb) { iocb->aio_offset = -1; }
static void bad_reserved(struct iocb *iocb) { iocb->aio_reserved2 = 1; }
static void bad_eventfd(struct iocb *iocb)
{
	iocb->aio_flags = IOCB_FLAG_RESFD;
	iocb->aio_resfd = 9999;
}
static void outside(struct iocb *iocb) { iocb->aio_buf += 1; }

static void errors_are_returned(void)
{
	struct rings r = rings_new(16, 0, false);
	int fd = data_file(0);

	returned(&r, fd, bad_opcode, EINVAL);
	returned(&r, fd, bad_file, EBADF);
	returned(&r, fd, bad_offset, EINVAL);
	returned(&r, fd, bad_reserved, EINVAL);
	returned(&r, fd, bad_eventfd, EBADF);
	destroy(&r);
	r = rings_new(16, IOCTX_FLAG_FIXEDBUFS, false);
	returned(&r, fd, outside, EFAULT);
	rings_get(&r, IOCB_CMD_PREADV, fd);
	CHECK_EQ(rings_submit(&r, 1, 0), -EINVAL);
	destroy(&r);
}

static void errors_are_events(void)
{
	static const unsigned modes[] = { IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD };
	void (*spoils[])(struct iocb *) = { bad_opcode, bad_file, bad_offset, bad_eventfd };
	const int errors[] = { EINVAL, EBADF, EINVAL, EBADF };
	int fd = data_file(0);

	for (int m = 0; m < 2; m++)
		for (int i = 0; i < 4; i++) {
			struct rings r = rings_new(8, modes[m], true);
			struct iocb *wrong = rings_get(&r, IOCB_CMD_PREAD, fd);

			wrong->aio_data = 77;
			spoils[i](wrong);
			rings_get(&r, IOCB_CMD_PREAD, fd);
			CHECK_EQ(rings_submit(&r, 2, 1), 2);
			for (int n = 0; n < 2; n++) {
				struct io_event event = rings_wait(&r);

				CHECK_EQ(event.res, event.data == 77 ? -errors[i] : BLOCK);
				if (event.data == 77)
					CHECK_EQ(event.obj, (uintptr_t)wrong);
			}
			destroy(&r);
		}
}

static void polled_restrictions(void)
{
	struct rings r = rings_new(8, IOCTX_FLAG_IOPOLL, true);
	int fd = data_file(0);
	static const int opcodes[] = { IOCB_CMD_FSYNC, IOCB_CMD_FDSYNC, IOCB_CMD_POLL };

	for (int i = 0; i < 3; i++) {
		struct iocb *iocb = rings_get(&r, opcodes[i], fd);

		CHECK_EQ(rings_submit(&r, 1, 0), -EINVAL);
		CHECK_EQ(r.sq->head, (unsigned)i);
		/* Corrected in place. */
		iocb->aio_lio_opcode = IOCB_CMD_PREAD;
		iocb->aio_buf = (uintptr_t)r.buffers;
		iocb->aio_nbytes = 1;
		CHECK_EQ(io_ring_enter(r.ctx, 1, 1, 0), 1);
		CHECK_EQ(rings_wait(&r).res, 1);
	}
	struct iocb *iocb = rings_get(&r, IOCB_CMD_PREAD, fd);

	iocb->aio_flags = IOCB_FLAG_RESFD;
	iocb->aio_resfd = (__u32)MUST(eventfd(0, 0));
	CHECK_EQ(rings_submit(&r, 1, 0), -EINVAL);
	destroy(&r);
}

static void index_out_of_range(void)
{
	struct rings r = rings_new(8, 0, true);
	int fd = data_file(0);

	rings_get(&r, IOCB_CMD_PREAD, fd);
	rings_get(&r, IOCB_CMD_PREAD, fd);
	rings_get(&r, IOCB_CMD_PREAD, fd);
	r.sq->array[1] = 8;
	CHECK_EQ(rings_submit(&r, 3, 1), 3);
	CHECK_EQ(rings_wait(&r).obj, (uintptr_t)&r.iocbs[0]);
	CHECK_EQ(rings_wait(&r).obj, (uintptr_t)&r.iocbs[2]);
	CHECK_EQ(r.sq->head, 3);
	usleep(5000);
	CHECK_EQ(rings_ready(&r), 0);
	destroy(&r);
}

static void *wait_inside(void *arg)
{
	struct rings *r = arg;

	return (void *)(intptr_t)io_ring_enter(r->ctx, 0, 1, IORING_FLAG_GETEVENTS);
}

/* Another thread is inside, waiting for a pipe; destroying the context ends its wait as well. */
static void busy(void)
{
	static const unsigned modes[] = { 0, IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD };

	for (int m = 0; m < 3; m++) {
		struct rings r = rings_new(8, modes[m], true);
		pthread_t thread;
		int pipes[2];
		void *ret;

		MUST(pipe(pipes));
		rings_get(&r, IOCB_CMD_POLL, pipes[0])->aio_buf = POLLIN;
		CHECK_EQ(rings_submit(&r, 1, 0), 1);
		CHECK_EQ(pthread_create(&thread, NULL, wait_inside, &r), 0);
		usleep(50000);
		CHECK_EQ(io_ring_enter(r.ctx, 0, 1, 0), -EBUSY);
		CHECK_EQ(io_ring_enter(r.ctx, 1, 0, 0), -EBUSY);
		CHECK_EQ(write(pipes[1], "x", 1), 1);
		CHECK_EQ(pthread_join(thread, &ret), 0);
		CHECK_EQ((intptr_t)ret, 0);
		CHECK_EQ(rings_take(&r).res, POLLIN);

		CHECK_EQ(read(pipes[0], &ret, 1), 1);
		rings_get(&r, IOCB_CMD_POLL, pipes[0])->aio_buf = POLLIN;
		CHECK_EQ(rings_submit(&r, 1, 0), 1);
		CHECK_EQ(pthread_create(&thread, NULL, wait_inside, &r), 0);
		usleep(50000);
		destroy(&r);
		CHECK_EQ(pthread_join(thread, &ret), 0);
		CHECK_EQ((intptr_t)ret, -EINVAL);
	}
}

TEST_PARTS(PART(setup_errors), PART(plain_contexts), PART(unknown_context), PART(errors_are_returned),
	   PART(errors_are_events), PART(polled_restrictions), PART(index_out_of_range), PART(busy))
