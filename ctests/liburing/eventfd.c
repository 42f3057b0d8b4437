/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Completions announced on an eventfd: always, only asynchronous ones, or switched off for a while. */
#include "rings.h"
#include <sys/epoll.h>
#include <poll.h>
#include <sys/eventfd.h>

static uint64_t announced(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int ring_with_eventfd(struct io_uring *ring)
{
	int fd = (int)MUST(eventfd(0, EFD_NONBLOCK));

	ring_init(ring, 8, 0);
	return fd;
}

static void every_completion_is_announced(void)
{
	struct io_uring ring;
	int fd = ring_with_eventfd(&ring), other = (int)MUST(eventfd(0, EFD_NONBLOCK));

	CHECK_EQ(ERRNO_KEPT(io_uring_register_eventfd(&ring, fd)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_eventfd(&ring, other)), -EBUSY);
	CHECK_EQ(announced(fd), 0);
	CHECK_RING_WORKS(&ring);
	CHECK_OP(announced(fd), >=, 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_eventfd(&ring)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_eventfd(&ring)), -ENXIO);
	CHECK_RING_WORKS(&ring);
	CHECK_EQ(announced(fd), 0);
	io_uring_queue_exit(&ring);
}

static void async_ones_only(void)
{
	struct io_uring ring;
	int fd = ring_with_eventfd(&ring), fds[2];
	char byte;

	MUST(pipe(fds));
	CHECK_EQ(ERRNO_KEPT(io_uring_register_eventfd_async(&ring, fd)), 0);
	CHECK_RING_WORKS(&ring);
	CHECK_EQ(announced(fd), 0);
	io_uring_sqe_set_flags(nop(&ring, 1), IOSQE_ASYNC);
	submit(&ring, 1);
	REAP(&ring, 1, 0);
	/* the completion is posted before the announcement */
	for (int i = 0; i < 1000 && !(byte = (char)announced(fd)); i++)
		usleep(1000);
	CHECK_OP(byte, >=, 1);
	io_uring_queue_exit(&ring);
}

static void switched_off_and_on(void)
{
	struct io_uring ring;
	int fd = ring_with_eventfd(&ring);

	CHECK_EQ(io_uring_register_eventfd(&ring, fd), 0);
	CHECK(io_uring_cq_eventfd_enabled(&ring));
	CHECK_EQ(ERRNO_KEPT(io_uring_cq_eventfd_toggle(&ring, false)), 0);
	CHECK(!io_uring_cq_eventfd_enabled(&ring));
	CHECK_RING_WORKS(&ring);
	CHECK_EQ(announced(fd), 0);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, false), 0);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, true), 0);
	CHECK(io_uring_cq_eventfd_enabled(&ring));
	CHECK_RING_WORKS(&ring);
	CHECK_OP(announced(fd), >=, 1);
	io_uring_queue_exit(&ring);
}

/* A CQ without a flags word (kernels before 5.8): always on, and there is nothing to switch. */
static void without_a_flags_word(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	unsigned *kflags = ring.cq.kflags;

	ring.cq.kflags = NULL;
	CHECK(io_uring_cq_eventfd_enabled(&ring));
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, true), 0);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, false), -EOPNOTSUPP);
	ring.cq.kflags = kflags;
	io_uring_queue_exit(&ring);
}

static void what_is_no_eventfd_is_refused(void)
{
	struct io_uring ring;
	int file = temp_file(0);

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_eventfd(&ring, -1)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_eventfd(&ring, file)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_eventfd_async(&ring, file)), -EINVAL);
	CHECK_EQ(io_uring_register_eventfd(&ring, ring.ring_fd), -EINVAL);
	CHECK_EQ(io_uring_register_eventfd(&ring, (int)MUST(epoll_create1(0))), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* Completions are the submitting thread's to post: it is told to come in. */
static void completions_that_wait_for_the_program(void)
{
	static const unsigned flags[] = { 0, IORING_SETUP_TASKRUN_FLAG };

	for (int i = 0; i < 2; i++) {
		struct io_uring ring;
		struct io_uring_cqe *cqe;
		uint64_t one = 1;
		int file = (int)MUST(eventfd(0, 0)), told = (int)MUST(eventfd(0, EFD_NONBLOCK));
		struct pollfd polled[2] = { { told, POLLIN, 0 } };

		ring_init_or_skip(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | flags[i],
				  "DEFER_TASKRUN");
		CHECK_EQ(io_uring_register_eventfd(&ring, told), 0);
		polled[1] = (struct pollfd){ ring.ring_fd, POLLIN, 0 };
		io_uring_prep_poll_add(sqe_get(&ring), file, POLLIN);
		submit(&ring, 1);
		CHECK_EQ(poll(polled, 2, 0), 0);
		MUST(write(file, &one, sizeof(one)));
		CHECK_EQ(poll(polled, 1, 20000), 1);
		CHECK_EQ(poll(polled + 1, 1, 20000), 1);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		/* The flag has a peek go in. */
		CHECK_EQ(flags[i] ? io_uring_peek_cqe(&ring, &cqe) : io_uring_get_events(&ring), 0);
		CHECK_EQ(io_uring_cq_ready(&ring), 1);
		REAP(&ring, 0, POLLIN);
		/* Who waits inside is woken. */
		read_pending(&ring, file, &one, 1);
		ring.sq.sqes[(ring.sq.sqe_tail - 1) & *ring.sq.kring_mask].len = sizeof(one);
		MUST(read(file, &one, sizeof(one)));
		delayed(&ring, 5, 2);
		CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 2);
		REAP(&ring, 2, 8);
		MUST(write(file, &one, sizeof(one)));
		REAP(&ring, 1, 8);
		io_uring_queue_exit(&ring);
	}
}

TEST_PARTS(
	PART(every_completion_is_announced),
	PART(async_ones_only),
	PART(switched_off_and_on),
	PART(without_a_flags_word),
	PART(what_is_no_eventfd_is_refused),
	PART(completions_that_wait_for_the_program),
)
