/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waiting for events and not waiting; signals; cancelling; callbacks. */
#include "aio.h"

enum { REQUESTS = 8 };

static struct iocb iocbs[REQUESTS];
static char buffers[REQUESTS][4096];
static int ends[2];

/* A request that completes when somebody writes to the pipe. */
static void submit_poll(io_context_t ctx, struct iocb *iocb)
{
	if (!ends[1])
		MUST(pipe(ends));
	io_prep_poll(iocb, ends[0], POLLIN);
	submit_one(ctx, iocb);
}

static void submit_reads(io_context_t ctx, int fd, int n)
{
	for (int i = 0; i < n; i++) {
		io_prep_pread(&iocbs[i], fd, buffers[i], 4096, i * 4096L);
		submit_one(ctx, &iocbs[i]);
	}
}

static void numbers(void)
{
	static const struct { long min_nr, nr; int want; } table[] = {
		{ -1, 1, -EINVAL }, { 2, 1, -EINVAL }, { 1, -1, -EINVAL }, { 0, 0, 0 },
		{ 1, 1, 1 }, { 0, 2, 2 }, { 2, 3, 3 }, { 2, 2, 2 },
	};
	struct timespec at_once = { 0, 0 };
	struct io_event events[REQUESTS];
	io_context_t ctx = new_context(REQUESTS);

	submit_reads(ctx, new_file(0), REQUESTS);
	usleep(100000);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK_EQ(ERRNO_KEPT(io_getevents(ctx, table[i].min_nr, table[i].nr, events, NULL)),
			 table[i].want);
	CHECK_EQ(io_getevents(ctx, 0, REQUESTS, events, &at_once), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void timeouts(void)
{
	struct timespec at_once = { 0, 0 }, soon = milliseconds(50), later = milliseconds(20000);
	struct io_event events[2];
	io_context_t ctx = new_context(REQUESTS);
	long start, took = 40;

	submit_poll(ctx, &iocbs[0]);
	/* Others may keep this thread from a CPU: once it is quick. */
	for (int i = 0; i < 50 && took >= 40; i++) {
		start = now_ms();
		CHECK_EQ(io_getevents(ctx, 1, 1, events, &at_once), 0);
		took = now_ms() - start;
	}
	CHECK_OP(took, <, 40);
	start = now_ms();
	CHECK_EQ(io_getevents(ctx, 1, 1, events, &soon), 0);
	CHECK_OP(now_ms() - start, >=, 49);
	CHECK_OP(now_ms() - start, <, 5000);
	CHECK_EQ(soon.tv_nsec, 50000000);
	/* Fewer than min_nr when the time is over. */
	submit_reads(ctx, new_file(0), 1);
	usleep(50000);
	CHECK_EQ(io_getevents(ctx, 2, 2, events, &soon), 1);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_getevents(ctx, 1, 2, events, &later), 1);
	CHECK_OP(now_ms() - start, <, 15000);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* io_getevents for none and a time: a buffered write has completed when it returns, as in the kernel. */
static void none_wanted_and_a_time(void)
{
	struct timespec long_time = milliseconds(20000);
	struct io_event event;
	io_context_t ctx = new_context(REQUESTS);
	int fd = new_file(0);
	long start = now_ms();

	for (int i = 0; i < 200; i++) {
		io_prep_pwrite(&iocbs[0], fd, buffers[0], 4096, i * 4096L);
		submit_one(ctx, &iocbs[0]);
		CHECK_EQ(io_getevents(ctx, 0, 1, &event, &long_time), 1);
	}
	/* Nothing that the kernel would have completed is there. */
	submit_poll(ctx, &iocbs[1]);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, &long_time), 0);
	CHECK_OP(now_ms() - start, <, 15000);
	CHECK_EQ(io_destroy(ctx), 0);
}

static volatile int signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static void *kill_main(void *arg)
{
	usleep(50000);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	pthread_t killer, self = pthread_self();
	struct io_event events[2];
	io_context_t ctx = new_context(REQUESTS);

	MUST(sigaction(SIGUSR1, &action, NULL));
	submit_poll(ctx, &iocbs[0]);
	start_thread(&killer, kill_main, &self);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), -EINTR);
	join_thread(killer);
	CHECK_EQ(signals, 1);
	/* With an event there already, that is the answer. */
	submit_reads(ctx, new_file(0), 2);
	start_thread(&killer, kill_main, &self);
	CHECK_OP(io_getevents(ctx, 3, 3, (struct io_event[3]){ 0 }, NULL), >, 0);
	join_thread(killer);
	CHECK_EQ(signals, 2);
	CHECK_EQ(io_destroy(ctx), 0);
}

struct victim {
	pthread_t thread;
	int data;
};

static void *write_and_kill(void *arg)
{
	struct victim *victim = arg;

	usleep(30000);
	CHECK_EQ(write(victim->data, "12", 2), 2);
	usleep(30000);
	pthread_kill(victim->thread, SIGUSR1);
	return NULL;
}

/* Events that come during the wait are its answer when a signal ends it before there are enough. */
static void interrupted_with_fewer(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct io_event events[3];
	struct iocb *reads[3];
	char bytes[3];
	int data[2];

	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(pipe(data));
	for (int round = 0; round < 5; round++) {
		struct victim self = { pthread_self(), data[1] };
		io_context_t ctx = new_context(REQUESTS);
		pthread_t killer;

		for (int i = 0; i < 3; i++) {
			reads[i] = &iocbs[i];
			io_prep_pread(reads[i], data[0], &bytes[i], 1, 0);
		}
		CHECK_EQ(io_submit(ctx, 3, reads), 3);
		start_thread(&killer, write_and_kill, &self);
		CHECK_EQ(io_getevents(ctx, 3, 3, events, NULL), 2);
		join_thread(killer);
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

static io_context_t shared;

struct waiter {
	long min_nr;
	int got;
	pthread_t thread;
};

static void *wait_for_events(void *arg)
{
	struct io_event events[REQUESTS];
	struct waiter *waiter = arg;

	int got = io_getevents(shared, waiter->min_nr, waiter->min_nr, events, NULL);

	__atomic_store_n(&waiter->got, got, __ATOMIC_RELEASE);
	return NULL;
}

static int waited(struct waiter *waiter, long limit_ms)
{
	long start = now_ms();
	int got;

	while ((got = __atomic_load_n(&waiter->got, __ATOMIC_ACQUIRE)) == 0 && now_ms() - start < limit_ms)
		usleep(200);
	return got;
}

/* No event is left while somebody waits for one, whatever others want who came before, or come just now. */
static void fewer_wanted_than_by_others(void)
{
	static char bytes[2 * REQUESTS];
	struct timespec at_once = { 0, 0 };
	struct iocb *reads[REQUESTS];
	struct io_event event;
	int data[2];

	MUST(pipe(data));
	for (int round = 0; round < 24; round++) {
		struct waiter many = { .min_nr = 5 }, one = { .min_nr = 1 };

		shared = new_context(REQUESTS);
		for (int i = 0; i < 6; i++) {
			reads[i] = &iocbs[i];
			io_prep_pread(reads[i], data[0], &bytes[i], 1, 0);
		}
		CHECK_EQ(io_submit(shared, 6, reads), 6);
		start_thread(&many.thread, wait_for_events, &many);
		usleep(round % 4 * 3000);
		start_thread(&one.thread, wait_for_events, &one);
		usleep(round % 3 * 3000);
		CHECK_EQ(write(data[1], "1", 1), 1);
		/* The one who waits for several may have taken it. */
		if (round % 2 && waited(&one, 100) == 0)
			CHECK_EQ(io_getevents(shared, 0, 1, &event, &at_once), 0);
		CHECK_EQ(write(data[1], "23456", 5), 5);
		CHECK_EQ(waited(&one, 2000), 1);
		CHECK_EQ(waited(&many, 2000), 5);
		join_thread(one.thread);
		join_thread(many.thread);
		CHECK_EQ(io_destroy(shared), 0);
	}
}

static void signal_mask(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct timespec soon = milliseconds(30);
	struct io_event event;
	sigset_t blocked, open, now;
	io_context_t ctx = new_context(REQUESTS);

	MUST(sigaction(SIGUSR1, &action, NULL));
	sigemptyset(&open);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
	submit_poll(ctx, &iocbs[0]);
	raise(SIGUSR1);
	/* Blocked by the thread's own mask, and by the one that was given. */
	CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, &soon, NULL), 0);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, &soon, &blocked), 0);
	CHECK_EQ(signals, 0);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, NULL, &open), -EINTR);
	CHECK_EQ(signals, 1);
	MUST(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, NULL, &open), 1);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* A signal that is pending comes under the mask that is given, also when nothing is waited for. */
static void pending_signal(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct io_event event;
	sigset_t blocked, open;
	io_context_t ctx = new_context(REQUESTS);

	MUST(sigaction(SIGUSR1, &action, NULL));
	sigemptyset(&open);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
	submit_reads(ctx, new_file(0), 1);
	/* The event is there: as long as there is one, that is the answer. */
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	submit_reads(ctx, new_file(0), 1);
	raise(SIGUSR1);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, NULL, &open), 1);
	CHECK_EQ(signals, 1);
	raise(SIGUSR1);
	CHECK_EQ(io_pgetevents(ctx, 0, 1, &event, NULL, &open), -EINTR);
	CHECK_EQ(signals, 2);
	raise(SIGUSR1);
	CHECK_EQ(io_pgetevents(ctx, 0, 0, &event, NULL, &open), -EINTR);
	CHECK_EQ(signals, 3);
	CHECK_EQ(io_pgetevents(ctx, 0, 1, &event, NULL, (sigset_t *)8192), -EFAULT);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void cancelling(void)
{
	struct io_event event = { .res = 4444 };
	struct timespec soon = milliseconds(1000), at_once = { 0, 0 };
	io_context_t ctx = new_context(REQUESTS);
	int fd = new_file(0);

	submit_poll(ctx, &iocbs[0]);
	submit_poll(ctx, &iocbs[1]);
	CHECK_EQ(ERRNO_KEPT(io_cancel(ctx, &iocbs[0], &event)), -EINPROGRESS);
	CHECK_EQ(event.res, 4444);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &soon), 1);
	CHECK(event.obj == &iocbs[0]);
	/* It is not in flight any more; a request that completed; one that never was. */
	CHECK_EQ(io_cancel(ctx, &iocbs[0], &event), -EINVAL);
	io_prep_pread(&iocbs[2], fd, buffers[0], 4096, 0);
	CHECK_EQ(run_one(ctx, &iocbs[2]), 4096);
	CHECK_EQ(io_cancel(ctx, &iocbs[2], &event), -EINVAL);
	CHECK_EQ(io_cancel(ctx, &iocbs[3], &event), -EINVAL);
	CHECK_EQ(io_cancel(ctx, NULL, &event), -EFAULT);
	CHECK_EQ(io_cancel((io_context_t)4096, &iocbs[1], &event), -EINVAL);
	/* The other one still runs. */
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &at_once), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &soon), 1);
	CHECK(event.obj == &iocbs[1]);
	CHECK(event.res & POLLIN);
	CHECK_EQ(io_destroy(ctx), 0);
}

static int callbacks;

static void called_back(io_context_t ctx, struct iocb *iocb, long res, long res2)
{
	CHECK(ctx != NULL);
	CHECK_EQ(iocb - iocbs, callbacks);
	CHECK_EQ(res, 4096);
	CHECK_EQ(res2, 0);
	callbacks++;
}

static void callback_queue(void)
{
	struct timespec soon = milliseconds(50);
	int fd = new_file(0);
	io_context_t ctx;

	CHECK_EQ(io_queue_init(REQUESTS, &ctx), 0);
	CHECK_EQ(io_queue_wait(ctx, &soon), 0);
	CHECK_EQ(io_queue_run(ctx), 0);
	for (int i = 0; i < REQUESTS; i++) {
		io_prep_pread(&iocbs[i], fd, buffers[i], 4096, 0);
		io_set_callback(&iocbs[i], called_back);
		submit_one(ctx, &iocbs[i]);
		while (callbacks == i)
			CHECK_EQ(io_queue_run(ctx), 0);
	}
	CHECK_EQ(callbacks, REQUESTS);
	CHECK_EQ(io_queue_release(ctx), 0);
}

TEST_PARTS(PART(numbers), PART(timeouts), PART(none_wanted_and_a_time), PART(interrupted), PART(interrupted_with_fewer),
	   PART(signal_mask), PART(pending_signal),
	   PART(fewer_wanted_than_by_others), PART(cancelling), PART(callback_queue))
