/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Contexts whose submissions a thread reads, which may not have come to a request yet: ANYRING_AIO=sqthread. */
#include "aio.h"

enum { ROUNDS = 200 };

static int ends[2];

static io_context_t with_a_poll(struct iocb *iocb)
{
	io_context_t context = 0;

	if (!ends[1]) {
		MUST(pipe(ends));
		setenv("ANYRING_AIO", "sqthread", 1);
	}
	CHECK_EQ(io_setup(8, &context), 0);
	io_prep_poll(iocb, ends[0], POLLIN);
	CHECK_EQ(io_submit(context, 1, &iocb), 1);
	return context;
}

/* What never ends by itself does not keep the context. */
static void destroyed_at_once(void)
{
	struct iocb iocb;

	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(io_destroy(with_a_poll(&iocb)), 0);
}

static void cancelled_at_once(void)
{
	struct timespec soon = { .tv_sec = 5 };
	struct io_event event;
	struct iocb iocb;

	for (int i = 0; i < ROUNDS; i++) {
		io_context_t context = with_a_poll(&iocb);

		CHECK_EQ(io_cancel(context, &iocb, &event), -EINPROGRESS);
		CHECK_EQ(io_getevents(context, 1, 1, &event, &soon), 1);
		CHECK(event.obj == &iocb);
		CHECK_EQ(io_destroy(context), 0);
	}
}

TEST_PARTS(PART(destroyed_at_once), PART(cancelled_at_once))
