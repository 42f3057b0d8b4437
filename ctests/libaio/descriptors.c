/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kernel's aio has no descriptor: ours is out of the program's way, and what is not ours is left alone. */
#include "aio.h"
#include <sys/resource.h>

enum { LIMIT = 1024 };

static char byte;

/* All numbers from 3 on are the program's from now on, and are one file. */
static int take_all_numbers(void)
{
	struct rlimit limit = { .rlim_cur = LIMIT, .rlim_max = LIMIT };
	int fd = new_file(0);

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 3; i < LIMIT; i++)
		if (i != fd)
			MUST(dup2(fd, i));
	return fd;
}

static void check_all_numbers(void)
{
	for (int i = 3; i < LIMIT; i++)
		CHECK_EQ(pread(i, &byte, 1, 0), 1);
}

/* As with the kernel's aio, the program gets the lowest ones. */
static void out_of_the_way(void)
{
	int before = next_fd();
	io_context_t ctx = new_context(8);
	struct iocb iocb;

	CHECK_EQ(next_fd(), before);
	io_prep_pread(&iocb, new_file(0), &byte, 1, 0);
	CHECK_EQ(run_one(ctx, &iocb), 1);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* A daemon closes what it does not know, and goes on with files of its own at these numbers. */
static void closed_and_opened_again(void)
{
	io_context_t ctx = new_context(8);
	struct iocb iocb;

	for (int i = 3; i < LIMIT; i++)
		close(i);
	int fd = (int)MUST(dup(new_file(0)));

	CHECK_EQ(fd, 3);
	io_prep_pwrite(&iocb, fd, &byte, 1, 0);
	CHECK_EQ(run_one(ctx, &iocb), 1);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
}

static void other_files_everywhere(void)
{
	io_context_t ctx = new_context(8);

	take_all_numbers();
	CHECK_EQ(io_destroy(ctx), 0);
	check_all_numbers();
}

static void other_files_while_in_flight(void)
{
	io_context_t ctx = new_context(8);
	struct iocb poll;
	int ends[2];

	if (!kernel_serves())
		SKIP("in user space, what is in flight holds a descriptor of its file, too");
	MUST(pipe(ends));
	io_prep_poll(&poll, ends[0], POLLIN);
	submit_one(ctx, &poll);
	take_all_numbers();
	CHECK_EQ(io_destroy(ctx), 0);
	check_all_numbers();
}

/* One that was made afterwards may have the number now. */
static void another_context_everywhere(void)
{
	struct rlimit limit = { .rlim_cur = LIMIT, .rlim_max = LIMIT };
	io_context_t lost = new_context(8), ctx;
	struct iocb poll;
	struct io_event event;
	int ends[2];

	if (!kernel_serves())
		SKIP("in user space, a ring has other descriptors, too");
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 3; i < LIMIT; i++)
		close(i);
	ctx = new_context(8);
	MUST(pipe(ends));
	io_prep_poll(&poll, ends[0], POLLIN);
	submit_one(ctx, &poll);
	CHECK_EQ(io_destroy(lost), 0);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, &(struct timespec){ 0, 0 }), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ(event.res, POLLIN);
	CHECK_EQ(io_destroy(ctx), 0);
}

TEST_PARTS(PART(out_of_the_way), PART(closed_and_opened_again), PART(other_files_everywhere),
	   PART(other_files_while_in_flight), PART(another_context_everywhere))
