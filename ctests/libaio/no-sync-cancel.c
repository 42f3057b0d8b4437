/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Cancelling and destroying on a kernel before 6.0. */
#include "aio.h"
#include "../aio/no_sync_cancel.h"

static struct iocb iocbs[3];
static struct io_event event;
static int ends[2];

static void submit_polls(io_context_t ctx, int nr)
{
	MUST(pipe(ends));
	for (int i = 0; i < nr; i++) {
		io_prep_poll(&iocbs[i], ends[0], POLLIN);
		submit_one(ctx, &iocbs[i]);
	}
}

static void cancels_one(void)
{
	struct timespec at_once = { 0, 0 };
	char byte;

	no_sync_cancel();
	io_context_t ctx = new_context(8);

	submit_polls(ctx, 2);
	CHECK_EQ(io_cancel(ctx, &iocbs[1], &event), -EINPROGRESS);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK(event.obj == &iocbs[1]);
	CHECK_EQ(io_cancel(ctx, &iocbs[1], &event), -EINVAL);
	/* The other one still runs. */
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, &at_once), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ(event.res, POLLIN);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void destroys_in_flight(void)
{
	no_sync_cancel();
	for (int i = 0; i < 10; i++) {
		io_context_t ctx = new_context(8);

		submit_polls(ctx, 3);
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

TEST_PARTS(PART(cancels_one), PART(destroys_in_flight))
