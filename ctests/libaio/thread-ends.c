/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A request's file, vector and eventfd are those at submission: also when the thread that submitted has ended, and the
 * program has closed them, or uses their numbers and memory for others.
 */
#include "aio.h"

enum { REQUESTS = 64, BLOCK = 4096, FAR = 16384 };

static io_context_t ctx;
static struct iocb iocbs[REQUESTS], *list[REQUESTS];
static struct iovec vectors[REQUESTS];
static char blocks[REQUESTS][BLOCK];
static int ends[2];

/* Calls io_submit in a thread that ends. */
static void *submit_list(void *nr)
{
	CHECK_EQ(io_submit(ctx, (long)nr, list), (int)(long)nr);
	return NULL;
}

static void submit_by_a_thread(long nr)
{
	pthread_t thread;

	for (int i = 0; i < nr; i++)
		list[i] = &iocbs[i];
	start_thread(&thread, submit_list, (void *)nr);
	join_thread(thread);
}

static struct io_event one_event(void)
{
	struct timespec soon = milliseconds(10000);
	struct io_event event;

	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &soon), 1);
	return event;
}

/* A file that is not in the page cache, of blocks that lie apart. */
static int far_file(void)
{
	char name[] = "far-XXXXXX", block[BLOCK];
	int fd = (int)MUST(mkstemp(name));

	for (int i = 0; i < REQUESTS; i++) {
		memset(block, 'A' + i % 50, sizeof(block));
		CHECK_EQ(pwrite(fd, block, BLOCK, i * FAR), BLOCK);
	}
	MUST(fsync(fd));
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	unlink(name);
	return fd;
}

static void check_reads(void)
{
	for (int i = 0; i < REQUESTS; i++)
		CHECK_EQ(one_event().res, BLOCK);
	for (int i = 0; i < REQUESTS; i++)
		for (int k = 0; k < BLOCK; k += 512)
			CHECK_EQ(blocks[i][k], 'A' + i % 50);
}

static void reads(void)
{
	for (int round = 0; round < 8; round++) {
		int fd = far_file(), other;

		ctx = new_context(REQUESTS);
		memset(blocks, 0, sizeof(blocks));
		for (int i = 0; i < REQUESTS; i++) {
			vectors[i] = (struct iovec){ blocks[i], BLOCK };
			if (round % 2)
				io_prep_preadv(&iocbs[i], fd, &vectors[i], 1, i * FAR);
			else
				io_prep_pread(&iocbs[i], fd, blocks[i], BLOCK, i * FAR);
		}
		submit_by_a_thread(REQUESTS);
		memset(vectors, 0, sizeof(vectors));
		other = (int)MUST(open("/dev/zero", O_RDONLY));
		if (round % 4 < 2)
			MUST(dup2(other, fd));
		check_reads();
		CHECK_EQ(io_destroy(ctx), 0);
		close(other);
		close(fd);
	}
}

static void writes(void)
{
	char name[] = "written-XXXXXX", byte;
	int made = (int)MUST(mkstemp(name)), fd = (int)MUST(open(name, O_RDWR | O_DSYNC)), other = new_file(0);

	ctx = new_context(REQUESTS);
	memset(blocks, '!', sizeof(blocks));
	for (int i = 0; i < REQUESTS; i++)
		io_prep_pwrite(&iocbs[i], fd, blocks[i], BLOCK, i * BLOCK);
	submit_by_a_thread(REQUESTS);
	MUST(dup2(other, fd));
	for (int i = 0; i < REQUESTS; i++) {
		CHECK_EQ(one_event().res, BLOCK);
		CHECK_EQ(pread(made, &byte, 1, i * BLOCK), 1);
		CHECK_EQ(byte, '!');
		CHECK_EQ(pread(other, &byte, 1, i * BLOCK), 1);
		CHECK(byte != '!');
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

/* The number of what a request waits for becomes another file's. */
static void replace(int fd, int other)
{
	MUST(dup(fd));
	MUST(dup2(other, fd));
}

static void waiting_poll(void)
{
	ctx = new_context(1);
	MUST(pipe(ends));
	io_prep_poll(&iocbs[0], ends[0], POLLIN);
	submit_by_a_thread(1);
	replace(ends[0], (int)MUST(eventfd(0, 0)));
	CHECK_EQ(io_getevents(ctx, 0, 1, &(struct io_event){ 0 }, &(struct timespec){ 0, 0 }), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(one_event().res, POLLIN);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* Into memory that the vector named when it was submitted. */
static void waiting_read(bool is_vectored)
{
	static char other[BLOCK];
	struct timespec at_once = { 0, 0 };

	ctx = new_context(1);
	MUST(pipe(ends));
	memset(blocks, 0, sizeof(blocks));
	vectors[0] = (struct iovec){ blocks[0], BLOCK };
	if (is_vectored)
		io_prep_preadv(&iocbs[0], ends[0], vectors, 1, 0);
	else
		io_prep_pread(&iocbs[0], ends[0], blocks[0], BLOCK, 0);
	submit_by_a_thread(1);
	vectors[0].iov_base = other;
	replace(ends[0], (int)MUST(open("/dev/zero", O_RDWR)));
	CHECK_EQ(io_getevents(ctx, 0, 1, &(struct io_event){ 0 }, &at_once), 0);
	CHECK_EQ(write(ends[1], "pipe", 4), 4);
	CHECK_EQ(one_event().res, 4);
	CHECK(!memcmp(blocks[0], "pipe", 4));
	CHECK_EQ(other[0], 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void waiting_reads(void)
{
	waiting_read(false);
	waiting_read(true);
}

static void waiting_write(void)
{
	char byte;
	int other;

	ctx = new_context(1);
	MUST(pipe(ends));
	MUST(fcntl(ends[1], F_SETFL, O_NONBLOCK));
	while (write(ends[1], blocks, BLOCK) > 0)
		;
	MUST(fcntl(ends[1], F_SETFL, 0));
	memset(blocks[1], 'w', BLOCK);
	io_prep_pwrite(&iocbs[0], ends[1], blocks[1], 64, 0);
	submit_by_a_thread(1);
	/* Its end of the pipe is open as long as the request is in flight. */
	other = new_file(0);
	MUST(dup2(other, ends[1]));
	CHECK_EQ(io_getevents(ctx, 0, 1, &(struct io_event){ 0 }, &(struct timespec){ 0, 0 }), 0);
	for (int i = 0; i < 65536 / BLOCK; i++)
		CHECK_EQ(read(ends[0], blocks, BLOCK), BLOCK);
	CHECK_EQ(one_event().res, 64);
	CHECK_EQ(read(ends[0], blocks, BLOCK), 64);
	CHECK_EQ(blocks[0][63], 'w');
	CHECK_EQ(pread(other, &byte, 1, 0), 1);
	CHECK_EQ(byte, 'a');
	/* And no longer. */
	CHECK_EQ(read(ends[0], blocks, BLOCK), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void eventfd_with_another_number(void)
{
	int counter = (int)MUST(eventfd(0, 0)), other = (int)MUST(eventfd(0, 0)), kept = (int)MUST(dup(counter));
	struct pollfd polled = { .fd = other, .events = POLLIN };
	uint64_t count;

	for (int round = 0; round < 3; round++) {
		ctx = new_context(2);
		MUST(pipe(ends));
		for (int i = 0; i < 2; i++) {
			io_prep_poll(&iocbs[i], ends[0], POLLIN);
			io_set_eventfd(&iocbs[i], counter);
		}
		submit_by_a_thread(2);
		if (round == 1)
			close(counter);
		else
			MUST(dup2(other, counter));
		CHECK_EQ(write(ends[1], "x", 1), 1);
		for (count = 0; count < 2;) {
			uint64_t more;

			CHECK_EQ(read(kept, &more, sizeof(more)), sizeof(more));
			count += more;
		}
		CHECK_EQ(poll(&polled, 1, 0), 0);
		CHECK_EQ(one_event().res, POLLIN);
		CHECK_EQ(one_event().res, POLLIN);
		MUST(dup2(kept, counter));
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

static void *submit_and_exit(void *arg)
{
	(void)arg;
	CHECK_EQ(io_submit(ctx, REQUESTS, list), REQUESTS);
	pthread_exit(NULL);
}

/* Many threads one after another, that have the same place in memory. */
static void one_after_another(void)
{
	int fd = far_file();

	for (int round = 0; round < 20; round++) {
		pthread_t thread;

		ctx = new_context(REQUESTS);
		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		for (int i = 0; i < REQUESTS; i++)
			io_prep_pread(list[i] = &iocbs[i], fd, blocks[i], BLOCK, i * FAR);
		start_thread(&thread, submit_and_exit, NULL);
		join_thread(thread);
		check_reads();
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

TEST_PARTS(PART(reads), PART(writes), PART(waiting_poll), PART(waiting_reads), PART(waiting_write),
	   PART(eventfd_with_another_number), PART(one_after_another))
