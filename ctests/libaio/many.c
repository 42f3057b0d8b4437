/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Many requests and many threads on one context. */
#include "aio.h"

enum { MANY = 100000, THREADS = 4, ROUNDS = 2000, BATCH = 16 };

static io_context_t shared;

/* As many as asked for are taken at least; after some more, EAGAIN until one was reaped. */
static void as_many_as_may_be(void)
{
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	struct timespec at_once = { 0, 0 };
	int ends[2], taken = 0;
	io_context_t ctx = new_context(100);

	MUST(pipe(ends));
	io_prep_poll(&iocb, ends[0], POLLIN);
	while (io_submit(ctx, 1, &list) == 1)
		taken++;
	CHECK_OP(taken, >=, 100);
	CHECK_OP(taken, <, 100000);
	CHECK_EQ(io_submit(ctx, 1, &list), -EAGAIN);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, &at_once), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ(io_submit(ctx, 1, &list), 1);
	CHECK_EQ(io_submit(ctx, 1, &list), -EAGAIN);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* Each pending until the pipe is written to: far more than a ring's queues hold. */
static void a_hundred_thousand_in_flight(void)
{
	static struct iocb iocbs[MANY], *list[MANY];
	static struct io_event events[MANY];
	static bool seen[MANY];
	struct timespec at_once = { 0, 0 };
	int ends[2], done = 0;
	io_context_t ctx = new_context(MANY);

	MUST(pipe(ends));
	for (int i = 0; i < MANY; i++) {
		io_prep_poll(&iocbs[i], ends[0], POLLIN);
		list[i] = &iocbs[i];
	}
	while (done < MANY) {
		int n = io_submit(ctx, MANY - done, list + done);

		CHECK_OP(n, >, 0);
		done += n;
	}
	CHECK_EQ(io_getevents(ctx, 0, MANY, events, &at_once), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	for (int all = 0; all < MANY;) {
		int got = io_getevents(ctx, 1, MANY, events, NULL);

		CHECK_OP(got, >, 0);
		for (int i = 0; i < got; i++) {
			CHECK(events[i].res & POLLIN);
			CHECK(!seen[events[i].obj - iocbs]);
			seen[events[i].obj - iocbs] = true;
		}
		all += got;
	}
	CHECK_EQ(io_getevents(ctx, 0, MANY, events, &at_once), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static int file_of_all;
/* An eventfd of all requests; 0: none. */
static int counter_of_all;
static long reaped[THREADS];

static void *submit_and_reap(void *arg)
{
	long me = (long)arg;
	static char buffers[THREADS][BATCH][512];
	static struct iocb iocbs[THREADS][ROUNDS][BATCH];
	struct io_event events[BATCH];

	for (int round = 0; round < ROUNDS; round++) {
		struct iocb *list[BATCH];

		for (int i = 0; i < BATCH; i++) {
			list[i] = &iocbs[me][round][i];
			io_prep_pread(list[i], file_of_all, buffers[me][i], 512, round % 100 * 512L);
			if (counter_of_all)
				io_set_eventfd(list[i], counter_of_all);
		}
		CHECK_EQ(io_submit(shared, BATCH, list), BATCH);
		int got = io_getevents(shared, BATCH / 2, BATCH, events, NULL);

		CHECK_OP(got, >=, BATCH / 2);
		for (int i = 0; i < got; i++) {
			CHECK_EQ(events[i].res, 512);
			/* Each once: its data says whether it came before. */
			CHECK(__atomic_exchange_n(&events[i].obj->data, events[i].obj, __ATOMIC_RELAXED) == NULL);
		}
		reaped[me] += got;
	}
	return NULL;
}

static void many_threads(void)
{
	pthread_t threads[THREADS];
	struct io_event events[BATCH];
	long all = 0, wanted = (long)THREADS * ROUNDS * BATCH;

	file_of_all = new_file(0);
	shared = new_context(THREADS * ROUNDS * BATCH);
	for (long i = 0; i < THREADS; i++)
		start_thread(&threads[i], submit_and_reap, (void *)i);
	for (int i = 0; i < THREADS; i++)
		join_thread(threads[i]);
	for (int i = 0; i < THREADS; i++)
		all += reaped[i];
	while (all < wanted)
		all += io_getevents(shared, 1, BATCH, events, NULL);
	CHECK_EQ(all, wanted);
	CHECK_EQ(io_getevents(shared, 0, 1, events, &(struct timespec){ 0, 0 }), 0);
	CHECK_EQ(io_destroy(shared), 0);
}

#define FIRST 4

static void *submit_first(void *arg)
{
	io_context_t ctx = arg;
	static char buffers[FIRST][512];
	struct iocb iocbs[FIRST], *list[FIRST];

	for (int i = 0; i < FIRST; i++) {
		list[i] = &iocbs[i];
		io_prep_pread(list[i], file_of_all, buffers[i], 512, 0);
	}
	CHECK_EQ(io_submit(ctx, FIRST, list), FIRST);
	return NULL;
}

/* The first submission and the first call for events, at the same time: none may be lost. */
static void first_calls_meet(void)
{
	struct io_event events[FIRST];

	file_of_all = new_file(0);
	for (int round = 0; round < 2000; round++) {
		io_context_t ctx = new_context(FIRST);
		struct timespec second = { .tv_sec = 1 };
		pthread_t thread;
		int got = 0;

		start_thread(&thread, submit_first, ctx);
		/* A little later in each round; two calls for one event settle who takes the rest. */
		for (volatile int spin = 0; spin < round % 500 * 100; spin++)
			;
		for (int call = 0; call < 2; call++)
			got += io_getevents(ctx, 0, 1, events, &(struct timespec){ 0, 0 });
		join_thread(thread);
		got += got < FIRST ? io_getevents(ctx, FIRST - got, FIRST - got, events, &second) : 0;
		CHECK_EQ(got, FIRST);
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

static void many_threads_and_an_eventfd(void)
{
	uint64_t count = 0;

	counter_of_all = (int)MUST(eventfd(0, EFD_NONBLOCK));
	many_threads();
	CHECK_EQ(read(counter_of_all, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, (uint64_t)THREADS * ROUNDS * BATCH);
}

TEST_PARTS(PART(first_calls_meet), PART(as_many_as_may_be), PART(a_hundred_thousand_in_flight), PART(many_threads),
	   PART(many_threads_and_an_eventfd))
