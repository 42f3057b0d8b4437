/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Destroying a context, also while a thread is inside, on a kernel before 6.0. */
#include "rings.h"
#include "no_sync_cancel.h"
#include <pthread.h>

static const unsigned modes[] = { 0, IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD };

static void *wait_inside(void *arg)
{
	struct rings *r = arg;

	return (void *)(intptr_t)io_ring_enter(r->ctx, 0, 1, IORING_FLAG_GETEVENTS);
}

static void *submit_inside(void *arg)
{
	return (void *)(intptr_t)rings_submit(arg, 1, 1);
}

static void destroyed(void *(*inside)(void *))
{
	no_sync_cancel();
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		struct rings r = rings_new(8, modes[m], true);
		int pipes[2];
		pthread_t thread;
		void *ret;

		MUST(pipe(pipes));
		rings_get(&r, IOCB_CMD_POLL, pipes[0])->aio_buf = POLLIN;
		if (inside != submit_inside)
			CHECK_EQ(rings_submit(&r, 1, 0), 1);
		if (inside) {
			CHECK_EQ(pthread_create(&thread, NULL, inside, &r), 0);
			usleep(50000);
		}
		CHECK_EQ(io_destroy(r.ctx), 0);
		if (inside) {
			CHECK_EQ(pthread_join(thread, &ret), 0);
			/* What is cancelled is an event, which may come before the end of the context is seen. */
			if (inside != submit_inside || (intptr_t)ret != 1)
				CHECK_EQ((intptr_t)ret, -EINVAL);
		}
	}
}

static void in_flight(void) { destroyed(NULL); }
static void while_inside(void) { destroyed(wait_inside); }
static void while_submitting(void) { destroyed(submit_inside); }

TEST_PARTS(PART(in_flight), PART(while_inside), PART(while_submitting))
