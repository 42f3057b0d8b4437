/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process whose first thread has ended by pthread_exit: the others go on with rings. */
#include "rings.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

static struct io_uring older;

static void wait_until_it_has_ended(void)
{
	char state = 0;

	while (state != 'Z') {
		FILE *stat = fopen("/proc/self/stat", "r");

		CHECK(stat != NULL);
		CHECK_EQ(fscanf(stat, "%*d %*s %c", &state), 1);
		fclose(stat);
		usleep(1000);
	}
}

static void use(struct io_uring *ring)
{
	char bytes[2][8] = { { 0 } };
	struct iovec vector[] = { { bytes[0], 8 }, { bytes[1], 8 } };
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct io_uring_cqe *cqe;
	int file = temp_file(16), copy = (int)MUST(dup(file));

	CHECK_EQ(io_uring_wait_cqe_timeout(ring, &cqe, &soon), -ETIME);
	for (int is_async = 0; is_async < 2; is_async++) {
		io_uring_prep_readv(sqe_get(ring), file, vector, 2, 0);
		ring->sq.sqes[(ring->sq.sqe_tail - 1) & (ring->sq.ring_entries - 1)].flags =
			is_async ? IOSQE_ASYNC : 0;
		RUN_ONE(ring, 16);
	}
	/* By its file: descriptors are compared. */
	io_uring_prep_poll_add(sqe_get(ring), (int)MUST(eventfd(0, 0)), POLLIN);
	submit(ring, 1);
	io_uring_prep_cancel_fd(sqe_get(ring), copy, 0);
	RUN_ONE(ring, -ENOENT);
	io_uring_prep_timeout(sqe_get(ring), &soon, 0, 0);
	RUN_ONE(ring, -ETIME);
}

static void *go_on(void *arg)
{
	struct io_uring ring;

	(void)arg;
	wait_until_it_has_ended();
	use(&older);
	ring_init(&ring, 8, 0);
	use(&ring);
	io_uring_queue_exit(&ring);
	io_uring_queue_exit(&older);
	exit(PASS);
}

static void the_others_go_on(void)
{
	pthread_t thread;

	ring_init(&older, 8, 0);
	CHECK_EQ(pthread_create(&thread, NULL, go_on, NULL), 0);
	pthread_exit(NULL);
}

TEST_PARTS(
	PART(the_others_go_on),
)
