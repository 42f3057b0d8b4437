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

@types@

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

@inline functions@

#ifdef __cplusplus
}
#endif

#endif
