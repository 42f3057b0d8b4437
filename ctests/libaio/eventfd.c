/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Eventfds that requests signal: exact counts, several at a time, after the event is there. */
#include "aio.h"

enum { REQUESTS = 96, EVENTFDS = 5 };

static char buffers[REQUESTS][4096];
static struct iocb iocbs[REQUESTS];

static uint64_t count_of(int eventfd)
{
	uint64_t count = 0;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* Waits until the eventfds have counted `wanted` together; what each did is in `counts`. */
static void count_all(const int *eventfds, uint64_t *counts, uint64_t wanted)
{
	for (uint64_t all = 0; all < wanted;) {
		struct pollfd polls[EVENTFDS];

		for (int i = 0; i < EVENTFDS; i++)
			polls[i] = (struct pollfd){ .fd = eventfds[i], .events = POLLIN };
		MUST(poll(polls, EVENTFDS, -1));
		for (int i = 0; i < EVENTFDS; i++) {
			uint64_t count = polls[i].revents ? count_of(eventfds[i]) : 0;

			counts[i] += count;
			all += count;
		}
	}
}

static void several_with_exact_counts(void)
{
	int eventfds[EVENTFDS], fd = new_file(0);
	uint64_t counts[EVENTFDS] = { 0 };
	struct io_event events[REQUESTS];
	io_context_t ctx = new_context(REQUESTS);

	for (int i = 0; i < EVENTFDS; i++)
		eventfds[i] = (int)MUST(eventfd(0, EFD_NONBLOCK));
	for (int i = 0; i < REQUESTS; i++) {
		struct iocb *iocb = &iocbs[i];

		io_prep_pread(iocb, fd, buffers[i], 4096, i * 4096L);
		/* One request in six has none. */
		if (i % 6 != 5)
			io_set_eventfd(iocb, eventfds[i % 6]);
		submit_one(ctx, iocb);
	}
	count_all(eventfds, counts, REQUESTS / 6 * EVENTFDS);
	CHECK_EQ(io_getevents(ctx, REQUESTS, REQUESTS, events, NULL), REQUESTS);
	for (int i = 0; i < EVENTFDS; i++) {
		CHECK_EQ(counts[i], REQUESTS / 6);
		CHECK_EQ(count_of(eventfds[i]), 0);
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

/* As many events as the eventfd has counted can be had without waiting. */
static void event_before_signal(void)
{
	int counter = (int)MUST(eventfd(0, 0)), fd = new_file(0);
	struct timespec at_once = { 0, 0 };
	struct io_event events[REQUESTS];
	struct iocb *list[REQUESTS];
	io_context_t ctx = new_context(REQUESTS);

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < REQUESTS; i++) {
			io_prep_pread(&iocbs[i], fd, buffers[i], 4096, i * 4096L);
			io_set_eventfd(&iocbs[i], counter);
			list[i] = &iocbs[i];
		}
		if (round % 5 == 0)
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		CHECK_EQ(io_submit(ctx, REQUESTS, list), REQUESTS);
		for (uint64_t all = 0; all < REQUESTS;) {
			uint64_t count = count_of(counter);

			all += count;
			CHECK_EQ(io_getevents(ctx, 0, (long)count, events, &at_once), count);
			for (uint64_t i = 0; i < count; i++)
				CHECK_EQ(events[i].res, 4096);
		}
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

static void failures_signal_too(void)
{
	int counter = (int)MUST(eventfd(0, 0)), fd = new_file(0);
	struct io_event event;
	struct iocb iocb;
	io_context_t ctx = new_context(2);

	io_prep_pread(&iocb, fd, (void *)64, 4096, 0);
	io_set_eventfd(&iocb, counter);
	submit_one(ctx, &iocb);
	CHECK_EQ(count_of(counter), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ((long)event.res, -EFAULT);
	CHECK_EQ(io_destroy(ctx), 0);
}

static struct iocb poll_iocb;
static io_context_t shared;

static void *submit_and_end(void *arg)
{
	(void)arg;
	submit_one(shared, &poll_iocb);
	return NULL;
}

/* Nobody is in any call of the library when it must be signalled, and who submitted is gone. */
static void submitting_thread_has_ended(void)
{
	int counter = (int)MUST(eventfd(0, 0)), ends[2];
	struct io_event event;
	pthread_t thread;

	shared = new_context(2);
	MUST(pipe(ends));
	io_prep_poll(&poll_iocb, ends[0], POLLIN);
	io_set_eventfd(&poll_iocb, counter);
	start_thread(&thread, submit_and_end, NULL);
	join_thread(thread);
	usleep(20000);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(count_of(counter), 1);
	CHECK_EQ(io_getevents(shared, 1, 1, &event, NULL), 1);
	CHECK(event.res & POLLIN);
	CHECK_EQ(io_destroy(shared), 0);
}

static void *wait_for_two(void *arg)
{
	struct io_event events[2];

	CHECK_EQ(io_getevents(*(io_context_t *)arg, 2, 2, events, NULL), 2);
	return NULL;
}

/* A thread that waits for two events does not delay the first one's signal. */
static void signalled_while_others_wait(void)
{
	int counter = (int)MUST(eventfd(0, 0)), ends[2], fd = new_file(0);
	struct iocb iocb;
	pthread_t thread;

	shared = new_context(2);
	MUST(pipe(ends));
	io_prep_poll(&poll_iocb, ends[0], POLLIN);
	io_set_eventfd(&poll_iocb, counter);
	submit_one(shared, &poll_iocb);
	start_thread(&thread, wait_for_two, &shared);
	usleep(20000);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(count_of(counter), 1);
	io_prep_pread(&iocb, fd, buffers[0], 4096, 0);
	submit_one(shared, &iocb);
	join_thread(thread);
	CHECK_EQ(io_destroy(shared), 0);
}

/* Nor if it waits since before there was a request with an eventfd. */
static void signalled_while_others_waited_before(void)
{
	int counter = (int)MUST(eventfd(0, 0)), fd = new_file(0);
	struct io_event event;
	struct iocb iocb;
	pthread_t thread;

	shared = new_context(2);
	CHECK_EQ(io_getevents(shared, 0, 1, &event, &(struct timespec){ 0, 0 }), 0);
	start_thread(&thread, wait_for_two, &shared);
	usleep(20000);
	io_prep_pread(&iocb, fd, buffers[0], 4096, 0);
	io_set_eventfd(&iocb, counter);
	submit_one(shared, &iocb);
	CHECK_EQ(count_of(counter), 1);
	submit_one(shared, &iocb);
	join_thread(thread);
	CHECK_EQ(io_destroy(shared), 0);
}

TEST_PARTS(PART(several_with_exact_counts), PART(event_before_signal), PART(failures_signal_too),
	   PART(submitting_thread_has_ended), PART(signalled_while_others_wait),
	   PART(signalled_while_others_waited_before))
