/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kernel's aio by system calls, beside the library's: what it answers is right. */
#ifndef CTESTS_LIBAIO_NATIVE_H
#define CTESTS_LIBAIO_NATIVE_H

#include "aio.h"

struct calls {
	const char *name;
	int (*setup)(int, io_context_t *);
	int (*destroy)(io_context_t);
	int (*submit)(io_context_t, long, struct iocb **);
	int (*getevents)(io_context_t, long, long, struct io_event *, struct timespec *);
	int (*cancel)(io_context_t, struct iocb *, struct io_event *);
};

#define NATIVE_CALL(...) ({                                                     \
	long native_ret = syscall(__VA_ARGS__);                                 \
	(int)(native_ret < 0 ? -errno : native_ret);                            \
})

static inline int native_setup(int nr, io_context_t *ctx)
{
	return NATIVE_CALL(SYS_io_setup, nr, ctx);
}

static inline int native_destroy(io_context_t ctx)
{
	return NATIVE_CALL(SYS_io_destroy, ctx);
}

static inline int native_submit(io_context_t ctx, long nr, struct iocb **list)
{
	return NATIVE_CALL(SYS_io_submit, ctx, nr, list);
}

static inline int native_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events,
				   struct timespec *timeout)
{
	return NATIVE_CALL(SYS_io_getevents, ctx, min_nr, nr, events, timeout);
}

static inline int native_cancel(io_context_t ctx, struct iocb *iocb, struct io_event *event)
{
	return NATIVE_CALL(SYS_io_cancel, ctx, iocb, event);
}

static const struct calls native_calls = { "the kernel's", native_setup, native_destroy, native_submit,
	native_getevents, native_cancel };
static const struct calls our_calls = { "ours", io_setup, io_destroy, io_submit, io_getevents, io_cancel };

/* What becomes of a request. */
struct outcome {
	int submitted, got;
	long long res;
};

static inline struct outcome outcome_of(const struct calls *calls, struct iocb *iocb, long wait_ms)
{
	struct outcome outcome = { 0 };
	struct io_event event = { .res = 0 };
	struct timespec wait = milliseconds(wait_ms);
	io_context_t ctx = NULL;

	CHECK_EQ(calls->setup(8, &ctx), 0);
	outcome.submitted = calls->submit(ctx, 1, &iocb);
	/* What the kernel has to do for a ring of before interrupts a wait. */
	if (outcome.submitted == 1)
		while ((outcome.got = calls->getevents(ctx, 1, 1, &event, &wait)) == -EINTR)
			;
	outcome.res = (long long)event.res;
	CHECK_EQ(calls->destroy(ctx), 0);
	return outcome;
}

/* Compares what was `native` with what is `ours`; whether they are alike. */
static inline bool same_outcome(const char *what, struct outcome native, struct outcome ours)
{
	if (native.submitted == ours.submitted && native.got == ours.got && native.res == ours.res)
		return true;
	fprintf(stderr, "  %s: the kernel's io_submit %d, %d event, res %lld; ours %d, %d, %lld\n", what,
		native.submitted, native.got, native.res, ours.submitted, ours.got, ours.res);
	return false;
}

#endif
