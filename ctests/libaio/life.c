/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The life of contexts: fork, threads that end, destruction while in use, ids that are none, leaks. */
/* timeout: 120 */
#include "aio.h"
#include <sys/syscall.h>
#include <sys/resource.h>

enum { REQUESTS = 64 };

static struct iocb iocbs[REQUESTS];
static char buffers[REQUESTS][4096];
static io_context_t shared;
static int ends[2];

static void check_works(io_context_t ctx, int fd)
{
	struct iocb iocb;

	io_prep_pread(&iocb, fd, buffers[0], 4096, 0);
	CHECK_EQ(run_one(ctx, &iocb), 4096);
}

/* A child has none of its parent's contexts, as with the kernel, and the parent does not notice. */
static void parents_context_in_child(void)
{
	struct io_event event;
	int fd = new_file(0);
	struct iocb *list = &iocbs[0];

	MUST(pipe(ends));
	shared = new_context(REQUESTS);
	io_prep_poll(&iocbs[0], ends[0], POLLIN);
	submit_one(shared, &iocbs[0]);
	pid_t child = fork_child();

	if (child == 0) {
		CHECK_EQ(io_submit(shared, 0, NULL), -EINVAL);
		CHECK_EQ(io_submit(shared, 1, &list), -EINVAL);
		CHECK_EQ(io_getevents(shared, 0, 1, &event, NULL), -EINVAL);
		CHECK_EQ(io_cancel(shared, list, &event), -EINVAL);
		CHECK_EQ(io_destroy(shared), -EINVAL);
		io_context_t own = new_context(REQUESTS);

		check_works(own, fd);
		CHECK_EQ(io_destroy(own), 0);
		exit(0);
	}
	CHECK_EQ(exit_status(child), 0);
	check_works(shared, fd);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_getevents(shared, 1, 1, &event, NULL), 1);
	CHECK_EQ(io_destroy(shared), 0);
}

static void *use_until_told(void *arg)
{
	int fd = new_file(0);

	while (!__atomic_load_n((int *)arg, __ATOMIC_RELAXED))
		check_works(shared, fd);
	return NULL;
}

/* A child that was forked while another thread was inside of the library is not stuck. */
static void fork_while_in_use(void)
{
	int stop = 0, fd = new_file(0);
	pthread_t thread;

	shared = new_context(REQUESTS);
	start_thread(&thread, use_until_told, &stop);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork_child();

		if (child == 0) {
			CHECK_EQ(io_submit(shared, 0, NULL), -EINVAL);
			check_works(new_context(REQUESTS), fd);
			_exit(0);
		}
		CHECK_EQ(exit_status(child), 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	join_thread(thread);
	CHECK_EQ(io_destroy(shared), 0);
}

static void *submit_all(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < REQUESTS; i++) {
		if (i % 2)
			io_prep_pread(&iocbs[i], fd, buffers[i], 4096, i * 4096L);
		else
			io_prep_poll(&iocbs[i], ends[0], POLLIN);
		submit_one(shared, &iocbs[i]);
	}
	return NULL;
}

/* What a thread submitted completes although the thread is gone, and is not cancelled. */
static void submitting_thread_ends(void)
{
	int fd = new_file(0), polls = 0;
	struct io_event events[REQUESTS];
	pthread_t thread;

	MUST(pipe(ends));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	shared = new_context(REQUESTS);
	start_thread(&thread, submit_all, &fd);
	join_thread(thread);
	CHECK_EQ(io_getevents(shared, REQUESTS / 2, REQUESTS / 2, events, NULL), REQUESTS / 2);
	for (int i = 0; i < REQUESTS / 2; i++)
		CHECK_EQ(events[i].res, 4096);
	usleep(20000);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	while (polls < REQUESTS / 2) {
		int got = io_getevents(shared, 1, REQUESTS, events, NULL);

		CHECK_OP(got, >=, 1);
		for (int i = 0; i < got; i++)
			CHECK(events[i].res & POLLIN);
		polls += got;
	}
	CHECK_EQ(io_destroy(shared), 0);
}

static void *wait_for_ever(void *arg)
{
	struct io_event events[2];

	*(long *)arg = io_getevents(shared, 2, 2, events, NULL);
	return NULL;
}

/* Whoever waits gets EINVAL, and what is in flight is over when io_destroy returns. */
static void destroy_in_use(void)
{
	for (int round = 0; round < 20; round++) {
		int fd = new_file(0);
		pthread_t threads[3];
		long results[3];

		MUST(pipe(ends));
		shared = new_context(REQUESTS);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		io_prep_poll(&iocbs[0], ends[0], POLLIN);
		submit_one(shared, &iocbs[0]);
		for (int i = 0; i < 3; i++)
			start_thread(&threads[i], wait_for_ever, &results[i]);
		if (round % 2)
			usleep(2000);
		memset(buffers, '#', sizeof(buffers));
		io_prep_pread(&iocbs[1], fd, buffers[1], 4096, 0);
		if (round % 3 == 0)
			submit_one(shared, &iocbs[1]);
		CHECK_EQ(io_destroy(shared), 0);
		memset(buffers, '+', sizeof(buffers));
		for (int i = 0; i < 3; i++) {
			join_thread(threads[i]);
			if (results[i] != -EINVAL)
				CHECK_OP(results[i], >, 0);
		}
		CHECK_EQ(io_destroy(shared), -EINVAL);
		usleep(1000);
		for (size_t i = 0; i < sizeof(buffers[1]); i++)
			CHECK_EQ(buffers[1][i], '+');
		close(fd);
		close(ends[0]);
		close(ends[1]);
	}
}

static void ids_that_are_none(void)
{
	static char memory[8192];
	struct io_event event;
	struct iocb *list = &iocbs[0];
	io_context_t ctx = new_context(4), ids[] = {
		NULL, (void *)1, (void *)4096, (void *)-1, (void *)-4096, (void *)0x1000000000000,
		(void *)memory, (void *)(((uintptr_t)memory + 4095) & ~4095ul), (void *)((char *)ctx + 64),
		(void *)((char *)ctx + 4096), (void *)((char *)ctx - 4096), (void *)ids_that_are_none, ctx,
	};

	CHECK_EQ(io_destroy(ctx), 0);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CHECK_EQ(ERRNO_KEPT(io_submit(ids[i], 1, &list)), -EINVAL);
		CHECK_EQ(ERRNO_KEPT(io_submit(ids[i], 0, NULL)), -EINVAL);
		CHECK_EQ(ERRNO_KEPT(io_getevents(ids[i], 0, 1, &event, NULL)), -EINVAL);
		CHECK_EQ(ERRNO_KEPT(io_cancel(ids[i], list, &event)), -EINVAL);
		CHECK_EQ(ERRNO_KEPT(io_destroy(ids[i])), -EINVAL);
	}
}

static long limit_of_the_kernel(void)
{
	FILE *file = fopen("/proc/sys/fs/aio-max-nr", "r");
	long limit = 0;

	if (!file)
		SKIP("no /proc/sys/fs/aio-max-nr");
	CHECK_EQ(fscanf(file, "%ld", &limit), 1);
	fclose(file);
	return limit;
}

/* fs.aio-max-nr is not ours: more requests than that in all. */
static void more_than_the_kernel_allows(void)
{
	enum { CONTEXTS = 20 };
	long limit = limit_of_the_kernel();
	io_context_t contexts[CONTEXTS];
	int fd = new_file(0);

	if (limit > (4 << 20) * 8L)
		SKIP("fs.aio-max-nr is %ld", limit);
	for (int i = 0; i < CONTEXTS; i++)
		contexts[i] = new_context((int)(limit / 8));
	for (int i = 0; i < CONTEXTS; i++) {
		check_works(contexts[i], fd);
		CHECK_EQ(io_destroy(contexts[i]), 0);
	}
}

static void use_and_destroy(int fd, int counter, int threaded)
{
	io_context_t ctx = new_context(8);
	struct iocb iocb, poll;

	io_prep_pread(&iocb, fd, buffers[0], 4096, 0);
	if (threaded)
		io_set_eventfd(&iocb, counter);
	CHECK_EQ(run_one(ctx, &iocb), 4096);
	/* In flight at the end. */
	io_prep_poll(&poll, ends[0], POLLIN);
	submit_one(ctx, &poll);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void nothing_leaks(void)
{
	int fd = new_file(0), counter = (int)MUST(eventfd(0, 0));

	MUST(pipe(ends));
	/* The first ones make what stays: the table, a thread's stack. */
	use_and_destroy(fd, counter, 1);
	use_and_destroy(fd, counter, 0);
	struct footprint before = footprint();

	for (int i = 0; i < 1000; i++)
		use_and_destroy(fd, counter, i % 4 == 0);
	CHECK_FOOTPRINT(before);
	CHECK_EQ(count_threads(), 1);
}

/* An iocb whose event was not taken yet is submitted again, for another file. */
static void an_iocb_again_before_its_event(void)
{
	struct iocb waits, again, *both[] = { &waits, &again };
	struct timespec soon = { .tv_nsec = 200000000 };
	struct io_event events[4];
	io_context_t context = 0;
	int first[2], second[2];
	char byte, other;

	MUST(pipe(first));
	MUST(pipe(second));
	CHECK_EQ(io_setup(8, &context), 0);
	/* A program that has looked for events before, and reaps by calls. */
	for (int i = 0; i < 2; i++)
		CHECK_EQ(io_getevents(context, 0, 4, events, NULL), 0);
	io_prep_pread(&waits, first[0], &byte, 1, 0);
	io_prep_pread(&again, 999, &other, 1, 0);
	CHECK_OP(io_submit(context, 2, both), >=, 1);
	io_prep_pread(&again, second[0], &other, 1, 0);
	CHECK_EQ(io_submit(context, 1, &both[1]), 1);
	CHECK_EQ(write(second[1], "z", 1), 1);
	/* There may be an event for the one with the bad descriptor. */
	int got = io_getevents(context, 2, 4, events, &soon);

	CHECK_OP(got, >=, 1);
	CHECK_EQ(events[got - 1].res, 1);
	CHECK(events[got - 1].obj == &again);
	CHECK_EQ(other, 'z');
	CHECK_EQ(io_destroy(context), 0);
}

/* The kernel's aio takes no descriptor: a context is to be had without any. */
static void without_a_descriptor(void)
{
	struct rlimit none = { .rlim_cur = 3, .rlim_max = 3 };
	io_context_t context = 0;

	MUST(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_EQ(io_setup(8, &context), 0);
	CHECK_EQ(io_destroy(context), 0);
}

/* The program closes all that it has not opened itself. */
static void after_everything_was_closed(void)
{
	io_context_t context = 0;
	struct iocb poll, *one = &poll;
	int ends[2];

	CHECK_EQ(io_setup(8, &context), 0);
	MUST(pipe(ends));
	io_prep_poll(&poll, ends[0], 1);
	CHECK_EQ(io_submit(context, 1, &one), 1);
	MUST(syscall(SYS_close_range, 3, ~0U, 0));
	CHECK_EQ(io_destroy(context), 0);
}

TEST_PARTS(PART(an_iocb_again_before_its_event), PART(without_a_descriptor), PART(after_everything_was_closed),
	   PART(parents_context_in_child), PART(fork_while_in_use), PART(submitting_thread_ends),
	   PART(destroy_in_use), PART(ids_that_are_none), PART(more_than_the_kernel_allows), PART(nothing_leaks))
