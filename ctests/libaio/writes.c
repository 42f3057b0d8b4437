/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes to the page cache, which the kernel's aio does within io_submit. */
#include "aio.h"
#include <sys/resource.h>
#include <sys/socket.h>

enum { BATCH = 64 };

static char block[4096];

/* The data is there when the call returns, and no thread was needed for it. */
static void within_the_call(void)
{
	io_context_t ctx = new_context(8);
	int fd = new_file(0), threads = count_threads();
	char read_back[sizeof(block)];
	struct iocb iocb, *list = &iocb;
	struct io_event event;

	for (int i = 1; i <= 100; i++) {
		memset(block, i, sizeof(block));
		io_prep_pwrite(&iocb, fd, block, sizeof(block), i * 1000);
		CHECK_EQ(io_submit(ctx, 1, &list), 1);
		CHECK_EQ(pread(fd, read_back, sizeof(block), i * 1000), (ssize_t)sizeof(block));
		CHECK(!memcmp(block, read_back, sizeof(block)));
		CHECK_EQ(io_cancel(ctx, &iocb, &event), -EINVAL);
		CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
		CHECK(event.obj == &iocb);
		CHECK_EQ(event.res, sizeof(block));
	}
	CHECK_EQ(count_threads(), threads);
	CHECK_EQ(io_destroy(ctx), 0);
	close(fd);
}

/* Reads and writes of one call, each with its own result and an eventfd. */
static void among_others(void)
{
	io_context_t ctx = new_context(BATCH);
	int fd = new_file(0), efd = (int)MUST(eventfd(0, 0));
	static char buffers[BATCH][4096];
	struct iocb iocbs[BATCH], *list[BATCH];
	struct io_event events[BATCH];
	unsigned long long signals = 0;

	for (int i = 0; i < BATCH; i++) {
		memset(buffers[i], '0' + i, sizeof(buffers[i]));
		list[i] = &iocbs[i];
		if (i % 2)
			io_prep_pwrite(&iocbs[i], fd, buffers[i], (size_t)(100 + i), i * 4096LL);
		else
			io_prep_pread(&iocbs[i], fd, buffers[i], (size_t)(100 + i), i * 4096LL);
		io_set_eventfd(&iocbs[i], efd);
	}
	CHECK_EQ(io_submit(ctx, BATCH, list), BATCH);
	CHECK_EQ(io_getevents(ctx, BATCH, BATCH, events, NULL), BATCH);
	for (int i = 0; i < BATCH; i++) {
		long nr = (long)(events[i].obj - iocbs);

		CHECK_EQ(events[i].res, (unsigned long)(100 + nr));
		if (nr % 2)
			CHECK_EQ(pread(fd, buffers[nr], 1, nr * 4096), 1);
		CHECK_EQ(buffers[nr][0], nr % 2 ? '0' + nr : 'a' + nr % 26);
	}
	while (signals < BATCH) {
		unsigned long long more;

		CHECK_EQ(read(efd, &more, sizeof(more)), (ssize_t)sizeof(more));
		signals += more;
	}
	CHECK_EQ(signals, BATCH);
	CHECK_EQ(io_destroy(ctx), 0);
	close(efd);
	close(fd);
}

/* What is not done in the call is not overtaken by what is: reads of the cache and writes of other kinds. */
static void in_order(void)
{
	io_context_t ctx = new_context(8);
	int fd = new_file(0);
	static char blocks[3][4096];
	struct iovec vector = { blocks[0], sizeof(blocks[0]) };
	struct iocb iocbs[3], *list[] = { &iocbs[0], &iocbs[1], &iocbs[2] };
	struct io_event events[3];

	memset(blocks[0], '0', sizeof(blocks[0]));
	memset(blocks[1], '1', sizeof(blocks[1]));
	for (int round = 0; round < 100; round++) {
		char byte, before;

		CHECK_EQ(pread(fd, &before, 1, 0), 1);
		io_prep_pread(&iocbs[0], fd, blocks[2], sizeof(blocks[2]), 0);
		io_prep_pwritev(&iocbs[1], fd, &vector, 1, 0);
		io_prep_pwrite(&iocbs[2], fd, blocks[1], sizeof(blocks[1]), 0);
		iocbs[1].aio_rw_flags = round % 2 ? RWF_DSYNC : 0;
		CHECK_EQ(io_submit(ctx, round % 4 < 2 ? 3 : 2, list), round % 4 < 2 ? 3 : 2);
		if (round % 4 >= 2)
			CHECK_EQ(io_submit(ctx, 1, list + 2), 1);
		CHECK_EQ(io_getevents(ctx, 3, 3, events, NULL), 3);
		CHECK_EQ(pread(fd, &byte, 1, 0), 1);
		CHECK_EQ(byte, '1');
		CHECK_EQ(blocks[2][0], before);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	close(fd);
}

/* Those that fail say so in their events, those of no file in the call. */
static void that_fail(void)
{
	io_context_t ctx = new_context(8);
	int fd = new_file(0), reader;
	struct rlimit limit = { FILE_SIZE, FILE_SIZE };
	struct iocb iocb, *list = &iocb;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = (int)MUST(open(path, O_RDONLY));
	io_prep_pwrite(&iocb, fd, (void *)8, sizeof(block), 0);
	CHECK_EQ(run_one(ctx, &iocb), -EFAULT);
	signal(SIGXFSZ, SIG_IGN);
	MUST(setrlimit(RLIMIT_FSIZE, &limit));
	io_prep_pwrite(&iocb, fd, block, sizeof(block), FILE_SIZE - 96);
	CHECK_EQ(run_one(ctx, &iocb), 96);
	io_prep_pwrite(&iocb, fd, block, sizeof(block), FILE_SIZE);
	CHECK_EQ(run_one(ctx, &iocb), -EFBIG);
	io_prep_pwrite(&iocb, reader, block, sizeof(block), 0);
	CHECK_EQ(io_submit(ctx, 1, &list), -EBADF);
	MUST(close(reader));
	CHECK_EQ(io_submit(ctx, 1, &list), -EBADF);
	io_prep_pwrite(&iocb, fd, block, 0, 0);
	CHECK_EQ(run_one(ctx, &iocb), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	close(fd);
}

/* Descriptors whose writes mean something else, under the same number as one after another. */
static void elsewhere(void)
{
	io_context_t ctx = new_context(8);
	int fd = new_file(0), ends[2], appended, flags = (int)MUST(fcntl(fd, F_GETFL));
	struct iocb iocb;

	memset(block, 'x', sizeof(block));
	io_prep_pwrite(&iocb, fd, block, sizeof(block), 0);
	CHECK_EQ(run_one(ctx, &iocb), sizeof(block));
	MUST(fcntl(fd, F_SETFL, flags | O_APPEND));
	CHECK_EQ(run_one(ctx, &iocb), sizeof(block));
	CHECK_EQ(lseek(fd, 0, SEEK_END), FILE_SIZE + (off_t)sizeof(block));
	appended = new_file(O_DSYNC);
	MUST(dup2(appended, fd));
	CHECK_EQ(run_one(ctx, &iocb), sizeof(block));
	/* A pipe that is full blocks nobody but its own request. */
	MUST(pipe2(ends, O_NONBLOCK));
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	MUST(fcntl(ends[1], F_SETFL, O_WRONLY));
	MUST(dup2(ends[1], fd));
	submit_one(ctx, &iocb);
	CHECK_EQ(read(ends[0], block, sizeof(block)), (ssize_t)sizeof(block));
	CHECK_EQ(io_getevents(ctx, 1, 1, &(struct io_event){ 0 }, NULL), 1);
	CHECK_EQ(io_destroy(ctx), 0);
	close(appended);
	close(fd);
}

/* Submits writes of blocks, and leaves at once: 0 by _exit, 1 by SIGKILL, 2 by an exec. */
static void submit_and_leave(int fd, int how)
{
	static char blocks[BATCH][4096] __attribute__((aligned(4096)));
	struct iocb iocbs[BATCH], *list[BATCH];
	io_context_t ctx = new_context(BATCH);

	memset(blocks, 'x', sizeof(blocks));
	for (int i = 0; i < BATCH; i++)
		io_prep_pwrite(list[i] = &iocbs[i], fd, blocks[i], 4096, i * 4096LL);
	CHECK_EQ(io_submit(ctx, BATCH, list), BATCH);
	if (how == 1)
		kill(getpid(), SIGKILL);
	if (how == 2)
		execl("/bin/true", "true", NULL);
	_exit(0);
}

/* What io_submit took is written, whatever becomes of the process. */
static void of_a_process_that_ends(void)
{
	static const int flags[] = { 0, O_DSYNC, O_SYNC, O_APPEND | O_DSYNC };
	static char all[BATCH][4096];

	for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++)
		for (int how = 0; how < 3; how++) {
			char name[] = "kept-XXXXXX";
			int made = (int)MUST(mkstemp(name)), fd = (int)MUST(open(name, O_RDWR | flags[f]));
			pid_t child = fork_child();

			if (child == 0)
				submit_and_leave(fd, how);
			exit_status(child);
			CHECK_EQ(pread(made, all, sizeof(all), 0), (ssize_t)sizeof(all));
			for (int i = 0; i < BATCH; i++)
				CHECK(all[i][0] == 'x' && all[i][4095] == 'x');
			close(made);
			close(fd);
			unlink(name);
		}
}

static void *read_slowly(void *arg)
{
	static char chunk[30000];
	int fd = *(int *)arg;
	long all = 0;
	ssize_t n;

	while ((n = MUST(read(fd, chunk, sizeof(chunk)))) > 0)
		all += n;
	return (void *)all;
}

/* What cannot wait in the buffers of a pipe or a socket is written to its end, in one piece or in several. */
static void to_their_end(void)
{
	static char data[1000000];
	struct iovec parts[] = { { data, 100000 }, { data + 100000, 1 }, { data, 0 }, { data + 100001, 899999 } };

	for (int kind = 0; kind < 4; kind++) {
		io_context_t ctx = new_context(2);
		struct iocb iocb;
		pthread_t reader;
		void *all;
		int ends[2];

		if (kind % 2)
			MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
		else
			MUST(pipe(ends));
		if (kind / 2)
			io_prep_pwritev(&iocb, ends[1], parts, 4, 0);
		else
			io_prep_pwrite(&iocb, ends[1], data, sizeof(data), 0);
		start_thread(&reader, read_slowly, &ends[0]);
		CHECK_EQ(run_one(ctx, &iocb), (long long)sizeof(data));
		close(ends[1]);
		CHECK_EQ(pthread_join(reader, &all), 0);
		CHECK_EQ((long)all, (long)sizeof(data));
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

TEST_PARTS(PART(within_the_call), PART(among_others), PART(in_order), PART(that_fail), PART(elsewhere),
	   PART(of_a_process_that_ends), PART(to_their_end))
