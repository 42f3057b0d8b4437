/* runs alone: it measures times, and needs both CPUs */
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What arrives in the CQ without a call, what waits for room in it, what a fork and a destruction leave,
 * and which reads say that they came from the cache.
 */
#include "rings.h"
#include <pthread.h>

static const unsigned modes[] = { 0, IOCTX_FLAG_IOPOLL, IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD,
				  IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL };
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

/* Those that serve rings in user space end when they are idle, and are not counted. */
static int count_own_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *task;
	int n = 0;

	CHECK(dir != NULL);
	while ((task = readdir(dir))) {
		char path[300], name[32] = "";

		if (task->d_name[0] == '.')
			continue;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			continue;
		if (read(fd, name, sizeof(name) - 1) > 0)
			n += strncmp(name, "anyring-work", 12) && strncmp(name, "anyring-read", 12) &&
			     strncmp(name, "anyring-keeper", 14);
		close(fd);
	}
	closedir(dir);
	return n;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Half of the completions must be seen within a millisecond; a busy machine may delay some. */
static void without_a_call(void)
{
	enum { ROUNDS = 21 };

	for (int m = 0; m < MODES; m++) {
		if (modes[m] & IOCTX_FLAG_IOPOLL)
			continue;
		struct rings r = rings_new(8, modes[m], true);
		double took[ROUNDS];
		int pipes[2];

		MUST(pipe(pipes));
		for (int i = 0; i < ROUNDS; i++) {
			char c;

			rings_get(&r, IOCB_CMD_POLL, pipes[0])->aio_buf = POLLIN;
			CHECK_EQ(rings_submit(&r, 1, 0), 1);
			usleep(3000);
			CHECK_EQ(rings_ready(&r), 0);
			CHECK_EQ(write(pipes[1], "x", 1), 1);
			took[i] = rings_poll(&r, 1, PATIENCE_MS);
			CHECK_EQ(rings_take(&r).res, POLLIN);
			CHECK_EQ(read(pipes[0], &c, 1), 1);
		}
		qsort(took, ROUNDS, sizeof(took[0]), compare);
		printf("mode %u: median %.0f us, longest %.0f us\n", modes[m],
		       took[ROUNDS / 2] * 1e3, took[ROUNDS - 1] * 1e3);
		CHECK(took[ROUNDS / 2] < 1.0);
		destroy(&r);
	}
}

/* Reads of uncached data, submitted without a wait, arrive as well. */
static void reads_without_a_call(void)
{
	for (int m = 0; m < MODES; m++) {
		struct rings r = rings_new(16, modes[m], false);
		int fd = data_file(0);

		for (int round = 0; round < 10; round++) {
			MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
			for (int i = 0; i < 16; i++)
				rings_get(&r, IOCB_CMD_PREAD, fd)->aio_offset = i * BLOCK;
			CHECK_EQ(rings_submit(&r, 16, 0), 16);
			rings_poll(&r, 16, PATIENCE_MS);
			for (int i = 0; i < 16; i++)
				CHECK_EQ(rings_take(&r).res, BLOCK);
		}
		close(fd);
		destroy(&r);
	}
}

/* More requests than the CQ holds, before any event is taken. */
static void overflow(void)
{
	for (int m = 0; m < MODES; m++)
		for (int wraps = 0; wraps < 2; wraps++) {
			struct rings r = rings_new(4, modes[m], wraps);
			int fd = data_file(0), said = 0;
			__u64 next_data = 0, seen = 0;

			for (int i = 0; i < 12; i++) {
				struct iocb *iocb = rings_get(&r, IOCB_CMD_PREAD, fd);

				iocb->aio_data = next_data++;
				int ret = rings_submit(&r, 1, 0);

				if (ret == -EOVERFLOW) {
					said++;
					ret = io_ring_enter(r.ctx, 1, 0, 0);
				}
				CHECK_EQ(ret, 1);
				rings_await_taken(&r);
				usleep(2000);
			}
			/* As long as that lasts, it is said once. */
			for (int i = 0; i < 5000 && !said; i++) {
				said += io_ring_enter(r.ctx, 0, 0, 0) == -EOVERFLOW;
				usleep(1000);
			}
			for (int i = 0; i < 3; i++)
				said += io_ring_enter(r.ctx, 0, 0, 0) == -EOVERFLOW;
			CHECK_EQ(said, 1);
			CHECK_EQ(rings_ready(&r), wraps ? 7 : 8);
			/* All arrive when there is room, and without a call. */
			for (int i = 0; i < 12; i++) {
				rings_poll(&r, 1, PATIENCE_MS);
				struct io_event event = rings_take(&r);

				CHECK_EQ(event.res, BLOCK);
				seen |= 1u << event.data;
			}
			CHECK_EQ(seen, (1u << 12) - 1);
			usleep(2000);
			CHECK_EQ(rings_ready(&r), 0);
			close(fd);
			destroy(&r);
		}
}

/* A child uses a context of its parent's, that may have a thread there; and the parent goes on. */
static void after_fork(void)
{
	for (int m = 0; m < MODES; m++)
		for (int used = 0; used < 2; used++) {
			struct rings r = rings_new(8, modes[m], true);
			int fd = data_file(0);

			for (int i = 0; i < used; i++) {
				rings_get(&r, IOCB_CMD_PREAD, fd);
				CHECK_EQ(rings_submit(&r, 1, 0), 1);
				rings_poll(&r, 1, PATIENCE_MS);
				rings_take(&r);
			}
			pid_t pid = fork_child();

			for (int i = 0; i < 20; i++) {
				rings_get(&r, IOCB_CMD_PREAD, fd)->aio_offset = i * BLOCK;
				CHECK_EQ(rings_submit(&r, 1, 0), 1);
				rings_poll(&r, 1, PATIENCE_MS);
				CHECK_EQ(rings_take(&r).res, BLOCK);
			}
			if (pid == 0) {
				CHECK_EQ(io_destroy(r.ctx), 0);
				CHECK_EQ(count_own_threads(), 1);
				exit(PASS);
			}
			CHECK_EQ(exit_status(pid), PASS);
			close(fd);
			destroy(&r);
		}
}

static void destroyed_in_flight(void)
{
	int fd = data_file(0), pipes[2], event = (int)MUST(eventfd(0, 0));

	MUST(pipe(pipes));
	for (int warm = 0; warm < 2; warm++) {
		struct footprint before = footprint();

		for (int m = 0; m < MODES; m++) {
			struct rings r = rings_new(8, modes[m], true);

			rings_get(&r, IOCB_CMD_PREAD, pipes[0]);
			rings_get(&r, IOCB_CMD_PREAD, fd);
			rings_get(&r, IOCB_CMD_PREAD, fd);
			if (!(modes[m] & IOCTX_FLAG_IOPOLL)) {
				struct iocb *iocb = rings_get(&r, IOCB_CMD_POLL, pipes[0]);

				iocb->aio_buf = POLLIN;
				iocb->aio_flags = IOCB_FLAG_RESFD;
				iocb->aio_resfd = (__u32)event;
			}
			unsigned nr = r.tail;

			CHECK_EQ(rings_submit(&r, nr, 0), nr);
			usleep(m * 1000);
			destroy(&r);
			CHECK_EQ(count_own_threads(), 1);
		}
		/* The first round leaves what the libraries keep: the table of contexts, a cached stack. */
		if (warm)
			CHECK_FOOTPRINT(before);
	}
}

/* A thread that submitted ends; its requests go on. */
static void *submit_poll(void *arg)
{
	CHECK_EQ(rings_submit(arg, 1, 0), 1);
	return NULL;
}

static void submitter_ends(void)
{
	for (int m = 0; m < MODES; m++) {
		if (modes[m] & IOCTX_FLAG_IOPOLL)
			continue;
		struct rings r = rings_new(8, modes[m], true);
		pthread_t thread;
		int pipes[2];

		MUST(pipe(pipes));
		rings_get(&r, IOCB_CMD_POLL, pipes[0])->aio_buf = POLLIN;
		CHECK_EQ(pthread_create(&thread, NULL, submit_poll, &r), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		usleep(20000);
		CHECK_EQ(rings_ready(&r), 0);
		CHECK_EQ(write(pipes[1], "x", 1), 1);
		rings_poll(&r, 1, PATIENCE_MS);
		CHECK_EQ(rings_take(&r).res, POLLIN);
		destroy(&r);
	}
}

static long long hits_of(struct rings *r, int fd, int opcode, off_t offset, size_t len, long long want)
{
	static char buffer[BLOCKS * BLOCK];
	struct iovec iov = { buffer, len };
	struct iocb *iocb = rings_get(r, opcode, fd);

	iocb->aio_buf = (uintptr_t)buffer;
	iocb->aio_nbytes = len;
	if (opcode == IOCB_CMD_PREADV) {
		iocb->aio_buf = (uintptr_t)&iov;
		iocb->aio_nbytes = 1;
	}
	iocb->aio_offset = offset;
	CHECK_EQ(rings_submit(r, 1, 1), 1);
	struct io_event event = rings_wait(r);

	CHECK_EQ(event.res, want);
	return event.res2;
}

/* Has no page of a file be in the page cache: while somebody else is at work on one it stays. */
static void uncache(int fd, off_t size)
{
	unsigned char there[BLOCKS];
	char *pages = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	unsigned cached;

	CHECK(pages != MAP_FAILED && size <= BLOCKS * BLOCK);
	do {
		MUST(fsync(fd));
		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		MUST(mincore(pages, (size_t)size, there));
		cached = 0;
		for (off_t i = 0; i < size / BLOCK; i++)
			cached += there[i] & 1;
		usleep(cached ? 1000 : 0);
	} while (cached > 0);
	munmap(pages, (size_t)size);
}

static void cache_hits(void)
{
	static const unsigned marked[] = { IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD };
	static char back[BLOCK];

	for (int m = 0; m < 2; m++) {
		struct rings r = rings_new(8, marked[m], true);
		int fd = data_file(0), pipes[2];
		off_t end = BLOCKS * BLOCK;

		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
		for (int opcode = IOCB_CMD_PREAD; opcode <= IOCB_CMD_PREADV; opcode += 7) {
			uncache(fd, end);
			CHECK_EQ(hits_of(&r, fd, opcode, 0, BLOCK, BLOCK), 0);
			CHECK_EQ(hits_of(&r, fd, opcode, 0, BLOCK, BLOCK), IOEV_RES2_CACHEHIT);
			/* Half of it is cached, half not. */
			CHECK_EQ(hits_of(&r, fd, opcode, 0, 2 * BLOCK, 2 * BLOCK), 0);
			CHECK_EQ(hits_of(&r, fd, opcode, 0, 2 * BLOCK, 2 * BLOCK), IOEV_RES2_CACHEHIT);
			/* The end of the file. */
			CHECK_EQ(pread(fd, back, BLOCK, end - BLOCK), BLOCK);
			CHECK_EQ(hits_of(&r, fd, opcode, end - 10, BLOCK, 10), IOEV_RES2_CACHEHIT);
			CHECK_EQ(hits_of(&r, fd, opcode, end, BLOCK, 0), 0);
		}
		MUST(pipe(pipes));
		CHECK_EQ(write(pipes[1], "xy", 2), 2);
		CHECK_EQ(hits_of(&r, pipes[0], IOCB_CMD_PREAD, 0, 2, 2), 0);
		int direct = data_file(O_DIRECT);

		for (int i = 0; i < 2; i++) {
			struct iocb *iocb = rings_get(&r, IOCB_CMD_PREAD, direct);

			CHECK_EQ(iocb->aio_nbytes, BLOCK);
			CHECK_EQ(rings_submit(&r, 1, 1), 1);
			CHECK_EQ(rings_wait(&r).res2, 0);
		}
		destroy(&r);
	}
}

/* SQWQ serves a cached read within the call that submits it: no thread is there to do it later. */
static void cached_inline(void)
{
	struct rings r = rings_new(32, IOCTX_FLAG_SQWQ, false);
	int fd = data_file(0);

	for (int i = 0; i < 32; i++)
		rings_get(&r, IOCB_CMD_PREAD, fd)->aio_offset = i * BLOCK;
	CHECK_EQ(rings_submit(&r, 32, 0), 32);
	CHECK_EQ(rings_ready(&r), 32);
	CHECK_EQ(count_own_threads(), 1);
	destroy(&r);
}

TEST_PARTS(PART(without_a_call), PART(reads_without_a_call), PART(overflow), PART(after_fork),
	   PART(destroyed_in_flight), PART(submitter_ends), PART(cache_hits), PART(cached_inline))
