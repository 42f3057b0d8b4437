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

/* A program that closes all descriptors goes on with its context, as with the kernel's aio, which has none. */
static void closed_all_and_gone_on(void)
{
	static char blocks[3][4096] __attribute__((aligned(4096)));

	for (int kind = 0; kind < 6; kind++) {
		struct iocb iocbs[3], *list[3];
		struct io_event events[3];
		io_context_t ctx = new_context(8);

		if (kind % 2) {
			/* Used before. */
			io_prep_pread(&iocbs[0], new_file(0), blocks[0], 4096, 0);
			CHECK_EQ(run_one(ctx, &iocbs[0]), 4096);
		}
		MUST(syscall(SYS_close_range, 3, ~0U, 0));
		int fd = new_file(kind / 2 == 1 ? O_DIRECT : 0);

		if (kind / 2 == 2)
			MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		for (int round = 0; round < 4; round++) {
			memset(blocks, 0, sizeof(blocks));
			for (int i = 0; i < 3; i++)
				io_prep_pread(list[i] = &iocbs[i], fd, blocks[i], 4096, i * 4096);
			CHECK_EQ(io_submit(ctx, 3, list), 3);
			CHECK_EQ(io_getevents(ctx, 3, 3, events, NULL), 3);
			for (int i = 0; i < 3; i++) {
				CHECK_EQ(events[i].res, 4096);
				CHECK_EQ(blocks[i][4095], 'a' + i);
			}
		}
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

/* What was in flight when all was closed has its event, or says that it is over; what follows works. */
static void closed_all_in_flight(void)
{
	struct timespec soon = milliseconds(10000), at_once = { 0, 0 };
	struct io_event event;
	struct iocb poll, iocb, *list = &iocb;
	int ends[2], kept;

	for (int round = 0; round < 3; round++) {
		io_context_t ctx = new_context(8);

		MUST(pipe(ends));
		io_prep_poll(&poll, ends[0], POLLIN);
		submit_one(ctx, &poll);
		/* The program keeps a few. */
		kept = (int)MUST(dup2(ends[1], 900));
		MUST(syscall(SYS_close_range, 3, 899, 0));
		MUST(syscall(SYS_close_range, 901, ~0U, 0));
		if (round != 1) {
			io_prep_pread(&iocb, new_file(O_DIRECT), NULL, 0, 0);
			CHECK_EQ(io_submit(ctx, 1, &list), 1);
			CHECK_EQ(io_getevents(ctx, 1, 1, &event, &soon), 1);
			if (event.obj == &poll)
				CHECK_EQ((long)event.res, -ECANCELED);
		}
		if (round != 2) {
			/* SIGPIPE: nobody may hold the other end. */
			signal(SIGPIPE, SIG_IGN);
			CHECK(write(kept, "x", 1) == 1 || errno == EPIPE);
			CHECK_EQ(io_getevents(ctx, 1, 1, &event, &soon), 1);
		}
		CHECK_OP(io_getevents(ctx, 0, 1, &event, &at_once), >=, 0);
		CHECK_EQ(io_destroy(ctx), 0);
		close(kept);
	}
}

TEST_PARTS(PART(out_of_the_way), PART(closed_and_opened_again), PART(other_files_everywhere),
	   PART(other_files_while_in_flight), PART(closed_all_and_gone_on), PART(closed_all_in_flight), PART(another_context_everywhere))
