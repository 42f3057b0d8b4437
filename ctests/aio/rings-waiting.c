/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A caller that waits inside is woken, whoever else waits for the same ring. */
#include "rings.h"
#include <pthread.h>

enum { ROUNDS = 300, LATEST_MS = 20000 };

static struct rings r;
static unsigned go, back;

static void wait_until(const unsigned *word, unsigned value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
		usleep(20);
}

static void *wait_inside(void *arg)
{
	(void)arg;
	for (unsigned i = 1; i <= ROUNDS; i++) {
		wait_until(&go, i);
		while (rings_ready(&r) == 0)
			CHECK_EQ(io_ring_enter(r.ctx, 0, 1, IORING_FLAG_GETEVENTS), 0);
		CHECK_EQ(rings_take(&r).res, 1);
		__atomic_store_n(&back, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* The thread that delivers while nobody is inside waits since before: a request is in flight all the time. */
static void beside_the_reaper(unsigned mode)
{
	int pipes[2], idle[2];
	pthread_t thread;

	MUST(pipe(pipes));
	MUST(pipe(idle));
	r = rings_new(8, mode, true);
	go = back = 0;
	rings_get(&r, IOCB_CMD_POLL, idle[0])->aio_buf = POLLIN;
	CHECK_EQ(rings_submit(&r, 1, 0), 1);
	CHECK_EQ(pthread_create(&thread, NULL, wait_inside, NULL), 0);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		rings_get(&r, IOCB_CMD_PREAD, pipes[0])->aio_nbytes = 1;
		CHECK_EQ(rings_submit(&r, 1, 0), 1);
		__atomic_store_n(&go, i, __ATOMIC_RELEASE);
		/* Before, while and after the reaper is patient. */
		usleep(50 + i * 37 % 800);
		double start = now_ms();

		CHECK_EQ(write(pipes[1], "x", 1), 1);
		while (__atomic_load_n(&back, __ATOMIC_ACQUIRE) != i) {
			CHECK(now_ms() - start < LATEST_MS);
			usleep(20);
		}
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	destroy(&r);
}

static void plain(void) { beside_the_reaper(0); }
static void queued(void) { beside_the_reaper(IOCTX_FLAG_SQWQ); }
static void threaded(void) { beside_the_reaper(IOCTX_FLAG_SQTHREAD); }

TEST_PARTS(PART(plain), PART(queued), PART(threaded))
