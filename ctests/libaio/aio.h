/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of libaio have in common. */
#ifndef CTESTS_LIBAIO_AIO_H
#define CTESTS_LIBAIO_AIO_H

#include "../liburing/check.h"
#include <libaio.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define FILE_SIZE (1 << 20)

static inline io_context_t new_context(int nr_events)
{
	io_context_t ctx = NULL;

	CHECK_EQ(io_setup(nr_events, &ctx), 0);
	CHECK(ctx != NULL);
	return ctx;
}

/* A file of FILE_SIZE bytes, each 'a' to 'z' by its page. It has no name. */
static inline int new_file(int flags)
{
	static char data[FILE_SIZE];
	char name[] = "data-XXXXXX";
	int writer = (int)MUST(mkstemp(name));

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)('a' + i / 4096 % 26);
	CHECK_EQ(write(writer, data, sizeof(data)), FILE_SIZE);
	int fd = (int)MUST(open(name, O_RDWR | flags));

	close(writer);
	unlink(name);
	return fd;
}

/* Submits one request and returns its event's result. */
static inline long long run_one(io_context_t ctx, struct iocb *iocb)
{
	struct io_event event = { .res = 4444 };

	CHECK_EQ(io_submit(ctx, 1, &iocb), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK(event.obj == iocb);
	CHECK(event.data == iocb->data);
	CHECK_EQ(event.res2, 0);
	return (long long)event.res;
}

static inline void submit_one(io_context_t ctx, struct iocb *iocb)
{
	CHECK_EQ(io_submit(ctx, 1, &iocb), 1);
}

static inline struct timespec milliseconds(long n)
{
	return (struct timespec){ .tv_sec = n / 1000, .tv_nsec = n % 1000 * 1000000 };
}

static inline long now_ms(void)
{
	struct timespec ts;

	MUST(clock_gettime(CLOCK_MONOTONIC, &ts));
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline void start_thread(pthread_t *thread, void *(*main)(void *), void *arg)
{
	CHECK_EQ(pthread_create(thread, NULL, main, arg), 0);
}

static inline void join_thread(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

#endif
