/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ring contexts as the programs of 2018 made them, with either convention of indices. */
#ifndef CTESTS_AIO_RINGS_H
#define CTESTS_AIO_RINGS_H

#include "../liburing/check.h"
#include <anyring/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>

int io_destroy(io_context_t ctx);

/* Whoever takes longer, on a busy machine, does not come at all. */
enum { BLOCK = 4096, BLOCKS = 64, PATIENCE_MS = 20000 };

struct rings {
	unsigned nr, flags;
	bool wraps;
	io_context_t ctx;
	struct aio_sq_ring *sq;
	struct aio_cq_ring *cq;
	struct iocb *iocbs;
	char *buffers; /* a block for each request */
	unsigned tail, head;
};

static inline void *pages(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* All but the call of io_setup2(). */
static inline struct rings rings_prepare(unsigned nr, unsigned flags, bool wraps)
{
	struct rings r = { .nr = nr, .flags = flags | IOCTX_FLAG_SCQRING, .wraps = wraps };

	r.sq = pages(sizeof(*r.sq) + nr * sizeof(__u32));
	r.cq = pages(sizeof(*r.cq) + 2 * nr * sizeof(struct io_event));
	r.iocbs = pages(nr * sizeof(struct iocb));
	r.buffers = pages((size_t)nr * BLOCK);
	r.sq->nr_events = nr;
	r.sq->sq_thread_cpu = AIO_RING_ANY_CPU;
	r.sq->iocbs = (uintptr_t)r.iocbs;
	r.cq->nr_events = 2 * nr;
	for (unsigned i = 0; i < nr; i++) {
		r.iocbs[i].aio_buf = (uintptr_t)(r.buffers + (size_t)i * BLOCK);
		r.iocbs[i].aio_nbytes = BLOCK;
	}
	return r;
}

static inline int rings_setup(struct rings *r)
{
	return io_setup2(r->nr, r->flags, r->sq, r->cq, &r->ctx);
}

static inline struct rings rings_new(unsigned nr, unsigned flags, bool wraps)
{
	struct rings r = rings_prepare(nr, flags, wraps);

	CHECK_EQ(rings_setup(&r), 0);
	return r;
}

static inline unsigned next(const struct rings *r, unsigned at, unsigned length)
{
	return r->wraps ? (at + 1) % length : at + 1;
}

static inline unsigned place(const struct rings *r, unsigned at, unsigned length)
{
	return r->wraps ? at : at & (length - 1);
}

/* The next request, cleared but for its block, and put into the SQ. */
static inline struct iocb *rings_get(struct rings *r, int opcode, int fd)
{
	unsigned at = place(r, r->tail, r->nr);
	struct iocb *iocb = &r->iocbs[at];

	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_lio_opcode = (__u16)opcode;
	iocb->aio_fildes = (__u32)fd;
	if (opcode == IOCB_CMD_PREAD || opcode == IOCB_CMD_PWRITE) {
		iocb->aio_buf = (uintptr_t)(r->buffers + (size_t)at * BLOCK);
		iocb->aio_nbytes = BLOCK;
	}
	r->sq->array[at] = at;
	r->tail = next(r, r->tail, r->nr);
	return iocb;
}

static inline char *block_of(const struct rings *r, const struct iocb *iocb)
{
	return r->buffers + (size_t)(iocb - r->iocbs) * BLOCK;
}

/* Shows the server what was got, without a call. */
static inline void rings_publish(struct rings *r)
{
	__atomic_store_n(&r->sq->tail, r->tail, __ATOMIC_RELEASE);
}

static inline int rings_submit(struct rings *r, unsigned nr, unsigned min_complete)
{
	rings_publish(r);
	return io_ring_enter(r->ctx, nr, min_complete, IORING_FLAG_SUBMIT);
}

static inline unsigned rings_ready(const struct rings *r)
{
	unsigned tail = __atomic_load_n(&r->cq->tail, __ATOMIC_ACQUIRE);

	return r->wraps ? (tail + 2 * r->nr - r->head) % (2 * r->nr) : tail - r->head;
}

/* The oldest event, which must be there. */
static inline struct io_event rings_take(struct rings *r)
{
	CHECK_OP(rings_ready(r), >, 0);
	struct io_event event = r->cq->events[place(r, r->head, 2 * r->nr)];

	r->head = next(r, r->head, 2 * r->nr);
	__atomic_store_n(&r->cq->head, r->head, __ATOMIC_RELEASE);
	return event;
}

/* The same, waiting for it inside of io_ring_enter(). */
static inline struct io_event rings_wait(struct rings *r)
{
	if (rings_ready(r) == 0)
		CHECK_EQ(io_ring_enter(r->ctx, 0, 1, IORING_FLAG_GETEVENTS), 0);
	return rings_take(r);
}

static inline double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/*
 * Looks at the CQ without a call of the library's until `nr` events are there; how long it took. It
 * sleeps between two looks, so that it is not this loop that keeps the threads from a CPU.
 */
static inline double rings_poll(const struct rings *r, unsigned nr, double limit_ms)
{
	double start = now_ms();

	while (rings_ready(r) < nr && now_ms() - start < limit_ms)
		usleep(20);
	CHECK_OP(rings_ready(r), >=, nr);
	return now_ms() - start;
}

/* Waits until the server has taken what is in the SQ: only then is there room for more. */
static inline void rings_await_taken(const struct rings *r)
{
	double start = now_ms();

	while (__atomic_load_n(&r->sq->head, __ATOMIC_ACQUIRE) != r->tail && now_ms() - start < PATIENCE_MS)
		usleep(20);
	CHECK_EQ(__atomic_load_n(&r->sq->head, __ATOMIC_ACQUIRE), r->tail);
}

/* An unlinked file of BLOCKS blocks; each is filled with its number. */
static inline int data_file(int extra_flags)
{
	char name[] = "data-XXXXXX", block[BLOCK];
	int fd = (int)MUST(mkstemp(name)), opened;

	for (int i = 0; i < BLOCKS; i++) {
		memset(block, i, sizeof(block));
		CHECK_EQ(pwrite(fd, block, BLOCK, (off_t)i * BLOCK), BLOCK);
	}
	MUST(fsync(fd));
	opened = (int)MUST(open(name, O_RDWR | extra_flags));
	close(fd);
	MUST(unlink(name));
	return opened;
}

static inline void destroy(struct rings *r)
{
	CHECK_EQ(io_destroy(r->ctx), 0);
	munmap(r->sq, sizeof(*r->sq) + r->nr * sizeof(__u32));
	munmap(r->cq, sizeof(*r->cq) + 2 * r->nr * sizeof(struct io_event));
	munmap(r->iocbs, r->nr * sizeof(struct iocb));
	munmap(r->buffers, (size_t)r->nr * BLOCK);
}

#endif
