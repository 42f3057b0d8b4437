/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The program closes descriptors that it does not know, among them those of its rings. */
#include "rings.h"
#include <sys/resource.h>
#include <sys/syscall.h>

enum { LIMIT = 1024 };

static const unsigned modes[] = { 0, IOCTX_FLAG_IOPOLL, IOCTX_FLAG_SQWQ, IOCTX_FLAG_SQTHREAD,
				  IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL };
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static void out_of_the_way(void)
{
	for (int m = 0; m < MODES; m++) {
		int before = next_fd(), event = (int)MUST(eventfd(0, 0)), pipes[2], after = next_fd();
		struct rings r = rings_new(8, modes[m], true);

		CHECK_EQ(next_fd(), after);
		MUST(pipe(pipes));
		after = next_fd();
		if (!(modes[m] & IOCTX_FLAG_IOPOLL)) {
			struct iocb *iocb = rings_get(&r, IOCB_CMD_POLL, pipes[0]);

			iocb->aio_buf = POLLIN;
			iocb->aio_flags = IOCB_FLAG_RESFD;
			iocb->aio_resfd = (__u32)event;
			CHECK_EQ(rings_submit(&r, 1, 0), 1);
			usleep(10000);
		}
		CHECK_EQ(next_fd(), after);
		destroy(&r);
		close(event);
		close(pipes[0]);
		close(pipes[1]);
		CHECK_EQ(next_fd(), before);
	}
}

static int submit_a_read(struct rings *r)
{
	int pipes[2];

	MUST(pipe(pipes));
	rings_get(r, IOCB_CMD_PREAD, pipes[0]);
	return rings_submit(r, 1, 0);
}

/* Nothing of what is in flight is to be had any more, and nobody spins for it. */
static void closed_in_flight(unsigned mode)
{
	struct rings r = rings_new(8, mode, true);

	CHECK_EQ(submit_a_read(&r), 1);
	usleep(10000);
	MUST(syscall(SYS_close_range, 3, ~0U, 0));
	clock_t used = clock();

	/* Who sleeps on a ring looks every five seconds; who polls has done so for one of them. */
	usleep(5200000);
	CHECK(clock() - used < 2 * CLOCKS_PER_SEC);
	CHECK_EQ(io_destroy(r.ctx), 0);
}

static void closed_beside_a_reaper(void) { closed_in_flight(0); }
static void closed_beside_a_thread(void) { closed_in_flight(IOCTX_FLAG_SQTHREAD); }
static void closed_beside_a_poller(void) { closed_in_flight(IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL); }

static void other_files_everywhere(void)
{
	struct rlimit limit = { .rlim_cur = LIMIT, .rlim_max = LIMIT };

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	for (int m = 0; m < MODES; m++) {
		struct rings r = rings_new(8, modes[m], true);
		int fd = data_file(0);
		char byte;

		/* In user space, what is in flight holds a descriptor of its file, too. */
		if (kernel_serves())
			CHECK_EQ(submit_a_read(&r), 1);
		usleep(10000);
		for (int i = 3; i < LIMIT; i++)
			if (i != fd)
				MUST(dup2(fd, i));
		CHECK_EQ(io_destroy(r.ctx), 0);
		for (int i = 3; i < LIMIT; i++) {
			CHECK_EQ(pread(i, &byte, 1, 0), 1);
			close(i);
		}
	}
}

TEST_PARTS(PART(out_of_the_way), PART(closed_beside_a_reaper), PART(closed_beside_a_thread),
	   PART(closed_beside_a_poller), PART(other_files_everywhere))
