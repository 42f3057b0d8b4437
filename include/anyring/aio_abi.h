/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The SQ/CQ rings of 2018 for Linux aio, served by anyring's libaio: link with -laio.
 *
 * struct iocb and struct io_event are those of <libaio.h> when that was included before, else those of
 * <linux/aio_abi.h>; they are the same bytes.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef ANYRING_AIO_ABI_H
#define ANYRING_AIO_ABI_H

#include <stddef.h>
#include <linux/types.h>
#ifndef __LIBAIO_H
#include <linux/aio_abi.h>
#endif
#include "../liburing/barrier.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct io_context *io_context_t;

/* The number of io_setup2(2) in the kernel that had it. Today x86-64 has another call there. */
#define AIO_RING_NR_SETUP2 335

/* The number of io_ring_enter(2) in the kernel that had it. */
#define AIO_RING_NR_ENTER 336

/* The completion ring. The header takes 32 bytes. */
struct aio_cq_ring {
	/* Written by the application: the next event that it takes. */
	__u32 head;
	/* Written by the server: behind the last event. */
	__u32 tail;
	/* Entries in `events`: twice the SQ's. */
	__u32 nr_events;
	/* 0. */
	__u32 pad[5];
	/* The events. */
	struct io_event events[];
};

/* The submission ring: indices into the array of requests. The header takes 64 bytes. */
struct aio_sq_ring {
	/* Written by the server: the next entry that it takes. */
	__u32 head;
	/* Written by the application: behind the last entry that it filled in. */
	__u32 tail;
	/* Entries in `array` and in the array of requests. */
	__u32 nr_events;
	/* With `IOCTX_FLAG_SQTHREAD`: the CPU that the thread runs on; `AIO_RING_ANY_CPU`. */
	__u16 sq_thread_cpu;
	/* With `IOCTX_FLAG_SQPOLL`, written by the server: `AIO_SQ_NEED_WAKEUP`. */
	__u16 kflags;
	/* Address of the array of requests, of 64 bytes each. */
	__u64 iocbs;
	/* 0. */
	__u64 pad[5];
	/* Indices of requests. */
	__u32 array[];
};

/* Rings that the library mapped, for anyring_aio_get() and its kin. Heads and tails run freely. */
struct anyring_aio {
	/* The context. */
	io_context_t ctx;
	/* The SQ ring. */
	struct aio_sq_ring *sq;
	/* Its entries. */
	__u32 *sq_array;
	/* The CQ ring. */
	struct aio_cq_ring *cq;
	/* Its events. */
	struct io_event *cq_events;
	/* The requests, `nr_events` of them. */
	struct iocb *iocbs;
	/* Entries of the SQ, a power of two; the CQ has twice as many. */
	unsigned int nr_events;
	/* `IOCTX_FLAG_*`. */
	unsigned int flags;
	/* Behind the last request that was taken. */
	unsigned int sq_tail;
	/* Behind the last that was submitted. */
	unsigned int sq_submitted;
	/* The mapping that all of it is in. */
	void *memory;
	/* Its bytes. */
	size_t mapped;
};

/* Completions are polled for: waits end with the number of events that they ask for. */
#define IOCTX_FLAG_IOPOLL 1U

/* The context has an SQ and a CQ ring. */
#define IOCTX_FLAG_SCQRING 2U

/* The requests' buffers at setup are the only ones that will be used. */
#define IOCTX_FLAG_FIXEDBUFS 4U

/* A thread takes requests from the SQ. */
#define IOCTX_FLAG_SQTHREAD 8U

/* Requests that would block run beside each other; errors arrive as events. */
#define IOCTX_FLAG_SQWQ 16U

/* With `IOCTX_FLAG_SQTHREAD`: the thread polls the SQ. */
#define IOCTX_FLAG_SQPOLL 32U

/* io_ring_enter: submit. Not needed: it submits when `to_submit` is not 0. */
#define IORING_FLAG_SUBMIT 1U

/* io_ring_enter: wait. Not needed: it waits when `min_complete` is not 0. */
#define IORING_FLAG_GETEVENTS 2U

/* In `aio_sq_ring.kflags`: the polling thread sleeps, io_ring_enter() wakes it. */
#define AIO_SQ_NEED_WAKEUP 1U

/* In `aio_sq_ring.sq_thread_cpu`: the thread may run on any CPU. */
#define AIO_RING_ANY_CPU 65535U

/* In `io_event.res2`: a buffered read was served from the page cache. */
#define IOEV_RES2_CACHEHIT 1U

/*
 * Makes a context with rings that the application allocated, and stores it at `ctxp`, where 0 must
 * stand. Without IOCTX_FLAG_SCQRING it is one for io_submit() and the rings are NULL. 0; -EINVAL,
 * -EFAULT or -EAGAIN; or why the library has no ring: what io_uring_setup(2) answers.
 */
int io_setup2(unsigned int nr_events, unsigned int flags, struct aio_sq_ring *sq_ring,
	struct aio_cq_ring *cq_ring, io_context_t *ctxp);

/*
 * Submits up to `to_submit` entries of the context's SQ ring, and waits for an event when
 * `min_complete` is not 0 (for that many when the context is polled). `flags` may say
 * IORING_FLAG_SUBMIT and IORING_FLAG_GETEVENTS; the two numbers decide. Answers how many entries
 * were submitted; -EINVAL, -EBUSY when another thread is inside, -EOVERFLOW once when events had to
 * wait for room, or the first entry's error.
 */
int io_ring_enter(io_context_t ctx, unsigned int to_submit, unsigned int min_complete,
	unsigned int flags);

/*
 * Makes a context of `depth` requests (rounded up to a power of two) with rings that the library maps,
 * and stores both at `aio`, for anyring_aio_get() and its kin. `flags` are IOCTX_FLAG_*, without
 * IOCTX_FLAG_FIXEDBUFS: io_setup2() takes such buffers from requests. 0 or -errno, as io_setup2().
 */
int anyring_aio_init(unsigned int depth, unsigned int flags, struct anyring_aio *aio);

/* Ends what anyring_aio_init() made, as io_destroy(), and unmaps the rings. 0 or -EINVAL. */
int anyring_aio_exit(struct anyring_aio *aio);

/*
 * Puts request `index` of `aio->iocbs` into the SQ and returns it, to be filled in and submitted.
 * With IOCTX_FLAG_FIXEDBUFS the index is the buffer's. NULL when the SQ is full: submit first.
 */
static inline struct iocb *anyring_aio_get_index(struct anyring_aio *aio,
	unsigned int index)
{
	unsigned int tail = aio->sq_tail;
	unsigned int head = io_uring_smp_load_acquire(&aio->sq->head);
	if (tail - head >= aio->nr_events || index >= aio->nr_events) {
		return NULL;
	}
	aio->sq_array[tail & (aio->nr_events - 1)] = index;
	aio->sq_tail = tail + 1;
	return &aio->iocbs[index];
}

/*
 * Takes a request, to be filled in and submitted. It may be filled in anew when it comes round, which
 * is after it was submitted; tell requests apart by their data. NULL when the SQ is full: submit
 * first.
 */
static inline struct iocb *anyring_aio_get(struct anyring_aio *aio)
{
	return anyring_aio_get_index(aio, aio->sq_tail & (aio->nr_events - 1));
}

/*
 * Submits the requests that were taken and, when `min_complete` is not 0, waits for an event.
 * Returns how many went out, or -errno. With IOCTX_FLAG_SQPOLL it makes no call unless the thread
 * sleeps or there is something to wait for.
 */
static inline int anyring_aio_submit(struct anyring_aio *aio,
	unsigned int min_complete)
{
	unsigned int tail = aio->sq_tail;
	/* Entries and requests must be complete for whoever sees the tail. */
	io_uring_smp_store_release(&aio->sq->tail, tail);
	unsigned int to_submit = tail - aio->sq_submitted;
	unsigned int flags = 0;
	if ((aio->flags & IOCTX_FLAG_SQPOLL) != 0) {
		aio->sq_submitted = tail;
		/* The tail must be visible before the flag is read: see the thread's way to sleep. */
		io_uring_smp_mb();
		if (min_complete == 0 && (IO_URING_READ_ONCE(aio->sq->kflags) & AIO_SQ_NEED_WAKEUP) == 0) {
			return (int)to_submit;
		}
	}
	if (to_submit == 0 && min_complete == 0) {
		return 0;
	}
	flags |= IORING_FLAG_SUBMIT;
	if (min_complete != 0) {
		flags |= IORING_FLAG_GETEVENTS;
	}
	int ret = io_ring_enter(aio->ctx, to_submit, min_complete, flags);
	if (ret >= 0 && (aio->flags & IOCTX_FLAG_SQPOLL) == 0) {
		to_submit = (unsigned int)ret;
		aio->sq_submitted = aio->sq_submitted + to_submit;
	}
	return ret;
}

/* The oldest event; NULL when there is none. It stays until anyring_aio_seen(). */
static inline struct io_event *anyring_aio_peek(struct anyring_aio *aio)
{
	unsigned int head = IO_URING_READ_ONCE(aio->cq->head);
	/* Pairs with the server's release: events before the tail are complete. */
	if (head == io_uring_smp_load_acquire(&aio->cq->tail)) {
		return NULL;
	}
	return &aio->cq_events[head & ((aio->nr_events * 2) - 1)];
}

/* Gives the oldest `nr` events back; they are gone. */
static inline void anyring_aio_seen(struct anyring_aio *aio, unsigned int nr)
{
	unsigned int head = IO_URING_READ_ONCE(aio->cq->head);
	/* They must have been read before their places are used again. */
	io_uring_smp_store_release(&aio->cq->head, head + nr);
}

/* How many events are there. */
static inline unsigned int anyring_aio_ready(struct anyring_aio *aio)
{
	unsigned int head = IO_URING_READ_ONCE(aio->cq->head);
	return io_uring_smp_load_acquire(&aio->cq->tail) - head;
}

#ifdef __cplusplus
}
#endif

#endif
