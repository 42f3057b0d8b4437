/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where no thread can be made, as at a limit of processes, requests end, and waits for them end in time. */
#include "aio.h"
#include "../liburing/allow-no-threads.h"

/* A terminal, which cannot be asked to write only what it need not wait for. */
static int terminal(void)
{
	char name[64];
	int ours = posix_openpt(O_RDWR | O_NOCTTY);

	if (ours < 0 || grantpt(ours) || unlockpt(ours) || ptsname_r(ours, name, sizeof(name)))
		SKIP("no terminal");
	return (int)MUST(open(name, O_RDWR | O_NOCTTY));
}

static void a_terminal_is_written_to(void)
{
	static char text[] = "hello\n";
	struct iocb iocb;
	int fd = terminal();

	allow_no_threads();
	io_context_t ctx = new_context(8);

	for (int i = 0; i < 3; i++) {
		io_prep_pwrite(&iocb, fd, text, sizeof(text) - 1, 0);
		CHECK_EQ(run_one(ctx, &iocb), sizeof(text) - 1);
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

static void a_pipe_is_read(void)
{
	struct timespec soon = milliseconds(50);
	struct io_event event;
	struct iocb iocb;
	char byte;
	int fds[2];

	MUST(pipe(fds));
	allow_no_threads();
	io_context_t ctx = new_context(8);

	io_prep_pread(&iocb, fds[0], &byte, 1, 0);
	/* Natively io_submit() waits. */
	if (getenv("ANYRING_AIO") && !strcmp(getenv("ANYRING_AIO"), "native"))
		CHECK_EQ(write(fds[1], "x", 1), 1);
	submit_one(ctx, &iocb);
	int there = io_getevents(ctx, 1, 1, &event, &soon);

	if (there == 0) {
		CHECK_EQ(write(fds[1], "x", 1), 1);
		there = io_getevents(ctx, 1, 1, &event, NULL);
	}
	CHECK_EQ(there, 1);
	CHECK_EQ((long)event.res, 1);
	CHECK_EQ(io_destroy(ctx), 0);
}

TEST_PARTS(
	PART(a_terminal_is_written_to),
	PART(a_pipe_is_read),
)
