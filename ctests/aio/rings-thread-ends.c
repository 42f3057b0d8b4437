/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A request's file is the one at submission, also when the thread that entered has ended. */
#include "rings.h"
#include <pthread.h>

static const unsigned modes[] = { 0, IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD, IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQWQ };

enum { MODES = sizeof(modes) / sizeof(modes[0]), REQUESTS = 32 };

static void *submit_all(void *arg)
{
	struct rings *r = arg;

	CHECK_EQ(rings_submit(r, r->tail - r->head, 0), (int)(r->tail - r->head));
	return NULL;
}

static void submit_by_a_thread(struct rings *r)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, submit_all, r), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Reads that are not in the page cache, which only the thread that submitted could go on with. */
static void reads(void)
{
	for (int round = 0; round < 4 * MODES; round++) {
		struct rings r = rings_new(REQUESTS, modes[round % MODES], false);
		int fd = data_file(0);

		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		for (int i = 0; i < REQUESTS; i++)
			rings_get(&r, IOCB_CMD_PREAD, fd)->aio_offset = 2L * i * BLOCK;
		submit_by_a_thread(&r);
		for (int i = 0; i < REQUESTS; i++) {
			struct io_event event = rings_wait(&r);
			struct iocb *iocb = (struct iocb *)(uintptr_t)event.obj;

			CHECK_EQ(event.res, BLOCK);
			CHECK_EQ(*block_of(&r, iocb), 2 * (iocb - r.iocbs));
		}
		close(fd);
		destroy(&r);
	}
}

static void a_number_that_is_used_again(void)
{
	for (int round = 0; round < 2 * MODES; round++) {
		struct rings r = rings_new(REQUESTS, modes[round % MODES], false);
		int ends[2], kept, other = (int)MUST(open("/dev/zero", O_RDONLY));

		/* Another thread looks for the file, then. */
		if (modes[round % MODES] & IOCTX_FLAG_SQTHREAD)
			continue;
		MUST(pipe(ends));
		if (round < MODES)
			rings_get(&r, IOCB_CMD_POLL, ends[0])->aio_buf = POLLIN;
		else
			rings_get(&r, IOCB_CMD_PREAD, ends[0]);
		submit_by_a_thread(&r);
		kept = (int)MUST(dup(ends[0]));
		MUST(dup2(other, ends[0]));
		usleep(20000);
		CHECK_EQ(rings_ready(&r), 0);
		CHECK_EQ(write(ends[1], "x", 1), 1);
		CHECK_EQ(rings_wait(&r).res, round < MODES ? POLLIN : 1);
		close(kept);
		destroy(&r);
	}
}

TEST_PARTS(PART(reads), PART(a_number_that_is_used_again))
