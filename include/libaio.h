/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The libaio 0.3.113 API, served by anyring.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef __LIBAIO_H
#define __LIBAIO_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/select.h> /* knows sigset_t in every dialect */
#include <sys/types.h>
#include <sys/uio.h>
#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr;
struct timespec;

/* A context: made by io_setup() or io_queue_init(), and looked behind by nobody. */
typedef struct io_context *io_context_t;

/* `iocb.aio_lio_opcode`. */
enum io_iocb_cmd {
	/* pread(2). */
	IO_CMD_PREAD = 0,
	/* pwrite(2). */
	IO_CMD_PWRITE = 1,
	/* fsync(2). */
	IO_CMD_FSYNC = 2,
	/* fdatasync(2). */
	IO_CMD_FDSYNC = 3,
	/* poll(2) on one file, once. */
	IO_CMD_POLL = 5,
	/* Nothing; no kernel serves it. */
	IO_CMD_NOOP = 6,
	/* preadv(2). */
	IO_CMD_PREADV = 7,
	/* pwritev(2). */
	IO_CMD_PWRITEV = 8,
};

/* Reads and writes, and what all requests have in common. */
struct io_iocb_common {
	/* The data. */
	void *buf;
	/* Its bytes. */
	unsigned long nbytes;
	/* Position in the file. */
	__s64 offset;
	/* 0. */
	__s64 reserved;
	/* Whether `resfd` is an eventfd to signal. */
	unsigned int flags;
	/* That eventfd. */
	unsigned int resfd;
};

/* Vectored reads and writes. */
struct io_iocb_vector {
	/* The pieces of data. */
	const struct iovec *vec;
	/* How many. */
	unsigned long nr;
	/* Position in the file. */
	__s64 offset;
};

/* Polls. */
struct io_iocb_poll {
	/* `POLL*`. */
	int events;
};

/* Socket addresses; no request uses them. */
struct io_iocb_sockaddr {
	/* The address. */
	struct sockaddr *addr;
	/* Its bytes. */
	unsigned long len;
};

/* A request. */
struct iocb {
	/* Comes back in the event. */
	void *data;
	/* 0. */
	unsigned int key;
	/* `RWF_*`. */
	unsigned int aio_rw_flags;
	/* `IO_CMD_*`. */
	int16_t aio_lio_opcode;
	/* I/O priority. */
	int16_t aio_reqprio;
	/* The file. */
	int aio_fildes;
	/* The operation's own. */
	union {
		/* Reads and writes. */
		struct io_iocb_common c;
		/* Vectored reads and writes. */
		struct io_iocb_vector v;
		/* Polls. */
		struct io_iocb_poll poll;
		/* Socket addresses. */
		struct io_iocb_sockaddr saddr;
	} u;
};

/* A completion. */
struct io_event {
	/* The request's `data`. */
	void *data;
	/* The request. */
	struct iocb *obj;
	/* Bytes, poll events, 0, or -errno. */
	unsigned long res;
	/* 0; flags of rings. */
	unsigned long res2;
};

/* What io_queue_run() calls for an event; io_set_callback() stores it in the request. */
typedef void (*io_callback_t)(io_context_t ctx, struct iocb *iocb, long res, long res2);

/*
 * All return -errno on failure. Requests may be reused as soon as they were submitted, their buffers
 * when the event has come.
 */
int io_setup(int maxevents, io_context_t *ctxp);
int io_destroy(io_context_t ctx);
int io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int io_cancel(io_context_t ctx, struct iocb *iocb, struct io_event *evt);
int io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events,
		 struct timespec *timeout);
int io_pgetevents(io_context_t ctx, long min_nr, long nr, struct io_event *events,
		  struct timespec *timeout, sigset_t *sigmask);

int io_queue_init(int maxevents, io_context_t *ctxp);
int io_queue_release(io_context_t ctx);
int io_queue_wait(io_context_t ctx, struct timespec *timeout);
int io_queue_run(io_context_t ctx);

/* Sets all of a request but its operation's own part, which becomes 0. */
static inline void anyring_iocb_init(struct iocb *iocb, int fd, int opcode)
{
	iocb->data = NULL;
	iocb->key = 0;
	iocb->aio_rw_flags = 0;
	iocb->aio_lio_opcode = (short)opcode;
	iocb->aio_reqprio = 0;
	iocb->aio_fildes = fd;
	iocb->u.c.buf = NULL;
	iocb->u.c.nbytes = 0;
	iocb->u.c.offset = 0;
	iocb->u.c.reserved = 0;
	iocb->u.c.flags = 0;
	iocb->u.c.resfd = 0;
}

/* Names the function that io_queue_run() calls for the request's event. Prepare the request first. */
static inline void io_set_callback(struct iocb *iocb, io_callback_t cb)
{
	iocb->data = (void *)cb;
}

/* pread(2) of `count` bytes at `offset` into `buf`. */
static inline void io_prep_pread(struct iocb *iocb, int fd, void *buf, size_t count,
	__s64 offset)
{
	anyring_iocb_init(iocb, fd, IO_CMD_PREAD);
	iocb->u.c.buf = buf;
	iocb->u.c.nbytes = (unsigned long)count;
	iocb->u.c.offset = offset;
}

/* pwrite(2) of `count` bytes at `offset` from `buf`. */
static inline void io_prep_pwrite(struct iocb *iocb, int fd, void *buf, size_t count,
	__s64 offset)
{
	anyring_iocb_init(iocb, fd, IO_CMD_PWRITE);
	iocb->u.c.buf = buf;
	iocb->u.c.nbytes = (unsigned long)count;
	iocb->u.c.offset = offset;
}

/* preadv(2) at `offset` into `iovcnt` pieces. */
static inline void io_prep_preadv(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt,
	__s64 offset)
{
	anyring_iocb_init(iocb, fd, IO_CMD_PREADV);
	iocb->u.c.buf = (void *)iov;
	iocb->u.c.nbytes = (unsigned long)iovcnt;
	iocb->u.c.offset = offset;
}

/* pwritev(2) at `offset` from `iovcnt` pieces. */
static inline void io_prep_pwritev(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt,
	__s64 offset)
{
	anyring_iocb_init(iocb, fd, IO_CMD_PWRITEV);
	iocb->u.c.buf = (void *)iov;
	iocb->u.c.nbytes = (unsigned long)iovcnt;
	iocb->u.c.offset = offset;
}

/* preadv2(2): io_prep_preadv() with `RWF_*` flags. */
static inline void io_prep_preadv2(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt,
	__s64 offset, int flags)
{
	io_prep_preadv(iocb, fd, iov, iovcnt, offset);
	iocb->aio_rw_flags = (unsigned int)flags;
}

/* pwritev2(2): io_prep_pwritev() with `RWF_*` flags. */
static inline void io_prep_pwritev2(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt,
	__s64 offset, int flags)
{
	io_prep_pwritev(iocb, fd, iov, iovcnt, offset);
	iocb->aio_rw_flags = (unsigned int)flags;
}

/* Waits for one of `events` (`POLL*`), once. */
static inline void io_prep_poll(struct iocb *iocb, int fd, int events)
{
	anyring_iocb_init(iocb, fd, IO_CMD_POLL);
	iocb->u.poll.events = events;
}

/* fsync(2). */
static inline void io_prep_fsync(struct iocb *iocb, int fd)
{
	anyring_iocb_init(iocb, fd, IO_CMD_FSYNC);
}

/* fdatasync(2). */
static inline void io_prep_fdsync(struct iocb *iocb, int fd)
{
	anyring_iocb_init(iocb, fd, IO_CMD_FDSYNC);
}

/* Submits a request for one of `events`, with a callback. What io_submit() answers. */
static inline int io_poll(io_context_t ctx, struct iocb *iocb, io_callback_t cb, int fd,
	int events)
{
	struct iocb *one = iocb;
	io_prep_poll(iocb, fd, events);
	io_set_callback(iocb, cb);
	return io_submit(ctx, 1, &one);
}

/* Submits an fsync(2), with a callback. What io_submit() answers. */
static inline int io_fsync(io_context_t ctx, struct iocb *iocb, io_callback_t cb,
	int fd)
{
	struct iocb *one = iocb;
	io_prep_fsync(iocb, fd);
	io_set_callback(iocb, cb);
	return io_submit(ctx, 1, &one);
}

/* Submits an fdatasync(2), with a callback. What io_submit() answers. */
static inline int io_fdsync(io_context_t ctx, struct iocb *iocb, io_callback_t cb,
	int fd)
{
	struct iocb *one = iocb;
	io_prep_fdsync(iocb, fd);
	io_set_callback(iocb, cb);
	return io_submit(ctx, 1, &one);
}

/* Signals `eventfd` when the request's event is there. Prepare the request first. */
static inline void io_set_eventfd(struct iocb *iocb, int eventfd)
{
	iocb->u.c.flags |= 1;
	iocb->u.c.resfd = (unsigned int)eventfd;
}

#ifdef __cplusplus
}
#endif

#endif
