/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A child of a process of which another thread is inside of io_ring_enter(). */
#include "rings.h"
#include <pthread.h>

static const unsigned modes[] = { 0, IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD };

static void *wait_inside(void *arg)
{
	struct rings *r = arg;
	int ret;

	/* The main thread may be inside to look. */
	while ((ret = io_ring_enter(r->ctx, 0, 1, IORING_FLAG_GETEVENTS)) == -EBUSY)
		usleep(1000);
	return (void *)(intptr_t)ret;
}

/* The child has the context to itself: it submits, waits and destroys. The parent's thread goes on. */
static void inside_at_a_fork(bool child_uses_it)
{
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		struct rings r = rings_new(8, modes[m], true);
		int fd = data_file(0), pipes[2];
		pthread_t thread;
		void *ret;

		MUST(pipe(pipes));
		rings_get(&r, IOCB_CMD_POLL, pipes[0])->aio_buf = POLLIN;
		CHECK_EQ(rings_submit(&r, 1, 0), 1);
		CHECK_EQ(pthread_create(&thread, NULL, wait_inside, &r), 0);
		while (io_ring_enter(r.ctx, 0, 0, 0) != -EBUSY)
			usleep(3000);
		/* It is asleep there. */
		usleep(20000);
		pid_t child = fork_child();

		if (child == 0) {
			for (int i = 0; i < 10 && child_uses_it; i++) {
				rings_get(&r, IOCB_CMD_PREAD, fd)->aio_offset = i * BLOCK;
				CHECK_EQ(rings_submit(&r, 1, 1), 1);
				CHECK_EQ(rings_wait(&r).res, BLOCK);
			}
			CHECK_EQ(io_destroy(r.ctx), 0);
			_exit(PASS);
		}
		CHECK_EQ(exit_status(child), PASS);
		CHECK_EQ(io_ring_enter(r.ctx, 0, 0, 0), -EBUSY);
		CHECK_EQ(write(pipes[1], "x", 1), 1);
		CHECK_EQ(pthread_join(thread, &ret), 0);
		CHECK_EQ((intptr_t)ret, 0);
		CHECK_EQ(rings_take(&r).res, POLLIN);
		destroy(&r);
		close(fd);
	}
}

static void used_in_the_child(void) { inside_at_a_fork(true); }
static void destroyed_in_the_child(void) { inside_at_a_fork(false); }

TEST_PARTS(PART(used_in_the_child), PART(destroyed_in_the_child))
