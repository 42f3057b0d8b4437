/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signal handlers that use a context that their thread is inside of, and that jump out of it. */
#include "aio.h"
#include <setjmp.h>
#include <time.h>

enum { BATCH = 8, CALLS = 400, SECONDS = 20 };

static io_context_t ctx;
static int fd, ends[2];
static char blocks[BATCH][4096], handlers_block[4096];
static volatile long calls, submitted, taken, wrong;

static void take(struct io_event *events, int got)
{
	for (int i = 0; i < got; i++)
		wrong += (long long)events[i].res != (events[i].data ? 512 : 4096);
	if (got > 0)
		taken += got;
}

/* Sends SIGUSR2 again and again. */
static void repeat(long nanoseconds)
{
	static timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec times = { { 0, nanoseconds }, { 0, nanoseconds } };

	if (nanoseconds)
		MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	MUST(timer_settime(timer, 0, &times, NULL));
}

static void handle(void (*handler)(int), int number)
{
	struct sigaction action = { .sa_handler = handler };

	MUST(sigaction(number, &action, NULL));
}

static void submit_and_take(int number)
{
	struct io_event events[BATCH];
	struct iocb iocb, *list = &iocb;
	struct timespec at_once = { 0, 0 };

	(void)number;
	io_prep_pread(&iocb, fd, handlers_block, 512, 0);
	iocb.data = handlers_block;
	int ret = io_submit(ctx, 1, &list);

	if (ret == 1)
		submitted++;
	else
		wrong += ret != -EAGAIN;
	/* Every other time it waits for one: its own is there at least. */
	take(events, io_getevents(ctx, ret == 1 && calls % 2, BATCH, events, ret == 1 && calls % 2 ? NULL : &at_once));
	calls++;
}

/* Whatever the handler has interrupted, each request has one event. */
static void on_the_same_context(void)
{
	struct timespec at_once = { 0, 0 };
	struct iocb iocbs[BATCH], *list[BATCH];
	struct io_event events[BATCH];
	long start = now_ms();

	fd = new_file(0);
	ctx = new_context(512);
	handle(submit_and_take, SIGUSR2);
	repeat(250000);
	while (calls < CALLS && now_ms() - start < SECONDS * 1000) {
		for (int i = 0; i < BATCH; i++) {
			if (i % 2)
				io_prep_pread(list[i] = &iocbs[i], fd, blocks[i], 4096, i * 4096);
			else
				io_prep_pwrite(list[i] = &iocbs[i], fd, blocks[i], 4096, i * 4096);
			iocbs[i].data = NULL;
		}
		int ret = io_submit(ctx, BATCH, list);

		if (ret > 0)
			__atomic_fetch_add(&submitted, ret, __ATOMIC_RELAXED);
		int got = io_getevents(ctx, 0, BATCH, events, &at_once);

		for (int i = 0; i < got; i++)
			if ((long long)events[i].res != (events[i].data ? 512 : 4096))
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		if (got > 0)
			__atomic_fetch_add(&taken, got, __ATOMIC_RELAXED);
	}
	repeat(0);
	CHECK_OP(calls, >=, CALLS);
	CHECK_EQ(wrong, 0);
	while (taken < submitted) {
		struct timespec second = milliseconds(2000);
		int got = io_getevents(ctx, 1, BATCH, events, &second);

		CHECK_OP(got, >, 0);
		take(events, got);
	}
	CHECK_EQ(wrong, 0);
	CHECK_EQ(io_getevents(ctx, 0, BATCH, events, &at_once), 0);
	CHECK_EQ(taken, submitted);
	CHECK_EQ(io_destroy(ctx), 0);
}

static sigjmp_buf place;

static void jump(int number)
{
	(void)number;
	siglongjmp(place, 1);
}

static void *kill_main(void *arg)
{
	usleep(20000);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

/* Leaves a wait for `min_nr` events by a jump. */
static void wait_and_jump(long min_nr)
{
	static struct io_event events[4];
	static pthread_t self, killer;

	self = pthread_self();
	handle(jump, SIGUSR1);
	if (sigsetjmp(place, 1) == 0) {
		start_thread(&killer, kill_main, &self);
		io_getevents(ctx, min_nr, 4, events, NULL);
		CHECK(!"returned");
	}
	join_thread(killer);
}

static void jumped_out(void)
{
	struct iocb iocb, poll;
	struct io_event event;
	uint64_t count;
	int counter = (int)MUST(eventfd(0, 0));

	fd = new_file(0);
	MUST(pipe(ends));
	for (int round = 0; round < 6; round++) {
		ctx = new_context(8);
		io_prep_poll(&poll, ends[0], POLLIN);
		submit_one(ctx, &poll);
		for (int i = 0; i <= round % 3; i++)
			wait_and_jump(1 + round % 3);
		io_prep_pread(&iocb, fd, blocks[0], 4096, 0);
		if (round > 2) {
			/* For whoever reaps by itself when it is told. */
			io_set_eventfd(&iocb, counter);
			submit_one(ctx, &iocb);
			CHECK_EQ(read(counter, &count, sizeof(count)), sizeof(count));
			CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
			CHECK_EQ(event.res, 4096);
		} else {
			CHECK_EQ(run_one(ctx, &iocb), 4096);
		}
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

static void *wait_and_end(void *arg)
{
	(void)arg;
	wait_and_jump(1);
	return NULL;
}

/* By a thread that is gone, and by one that does not come back to the library. */
static void jumped_out_elsewhere(void)
{
	pthread_t thread;
	struct iocb poll;
	long start;

	MUST(pipe(ends));
	ctx = new_context(8);
	io_prep_poll(&poll, ends[0], POLLIN);
	submit_one(ctx, &poll);
	start_thread(&thread, wait_and_end, NULL);
	join_thread(thread);
	start = now_ms();
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_OP(now_ms() - start, <, 20000);
}

TEST_PARTS(PART(on_the_same_context), PART(jumped_out), PART(jumped_out_elsewhere))
