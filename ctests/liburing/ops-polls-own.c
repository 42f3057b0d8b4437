/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Polls of what the ring itself signals: they end, once, whether they repeat or not. */
#include "rings.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum what { RING, EVENTFD, EPOLL_OF_RING, EPOLL_OF_EVENTFD, EPOLL_OF_EPOLL, WHATS };

struct own {
	struct io_uring ring;
	int eventfd;
	/* What is polled. */
	int fd;
};

static int epoll_of(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = (int)MUST(epoll_create1(0));

	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	return epoll;
}

static void own_init(struct own *own, enum what what)
{
	ring_init(&own->ring, 64, 0);
	own->eventfd = (int)MUST(eventfd(0, EFD_NONBLOCK));
	if (what == EVENTFD || what == EPOLL_OF_EVENTFD)
		CHECK_EQ(io_uring_register_eventfd(&own->ring, own->eventfd), 0);
	switch (what) {
	case RING:
		own->fd = own->ring.ring_fd;
		break;
	case EVENTFD:
		own->fd = own->eventfd;
		break;
	case EPOLL_OF_RING:
		own->fd = epoll_of(own->ring.ring_fd);
		break;
	case EPOLL_OF_EVENTFD:
		own->fd = epoll_of(own->eventfd);
		break;
	default:
		own->fd = epoll_of(epoll_of(own->ring.ring_fd));
	}
}

static void submit_poll(struct own *own, bool repeats)
{
	struct io_uring_sqe *sqe = sqe_get(&own->ring);

	if (repeats)
		io_uring_prep_poll_multishot(sqe, own->fd, POLLIN);
	else
		io_uring_prep_poll_add(sqe, own->fd, POLLIN);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&own->ring, 1);
}

static void submit_other(struct io_uring *ring, bool later)
{
	struct __kernel_timespec time = ms_to_ts(10);
	struct io_uring_sqe *sqe = sqe_get(ring);

	if (later)
		io_uring_prep_timeout(sqe, &time, 0, IORING_TIMEOUT_ETIME_SUCCESS);
	else
		io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 2);
	submit(ring, 1);
}

static void check_nothing_else(struct io_uring *ring)
{
	struct __kernel_timespec time = ms_to_ts(30);
	struct io_uring_cqe *cqe;

	CHECK_EQ(io_uring_wait_cqe_timeout(ring, &cqe, &time), -ETIME);
}

/* Another CQE makes it ready, and then it is over. */
static void it_ends(enum what what, bool repeats, bool later)
{
	struct own own;

	own_init(&own, what);
	submit_poll(&own, repeats);
	submit_other(&own.ring, later);
	CHECK_EQ(reap_any(&own.ring).user_data, 2);
	struct result result = reap_any(&own.ring);

	CHECK_EQ(result.user_data, 1);
	CHECK_EQ(result.res, POLLIN);
	CHECK_EQ(result.flags & IORING_CQE_F_MORE, 0);
	for (int i = 0; i < 2; i++) {
		check_nothing_else(&own.ring);
		submit_other(&own.ring, later);
		CHECK_EQ(reap_any(&own.ring).user_data, 2);
	}
	check_nothing_else(&own.ring);
	io_uring_queue_exit(&own.ring);
}

static void each_ends(bool repeats)
{
	for (enum what what = 0; what < WHATS; what++) {
		it_ends(what, repeats, false);
		it_ends(what, repeats, true);
	}
}

static void polls_end(void)
{
	each_ends(false);
}

static void polls_that_repeat_end(void)
{
	each_ends(true);
}

/* Nobody comes in to take them. */
static void unattended(void)
{
	for (enum what what = 0; what < WHATS; what++) {
		struct own own;

		own_init(&own, what);
		submit_poll(&own, true);
		submit_other(&own.ring, true);
		for (int i = 0; i < 1000 && io_uring_cq_ready(&own.ring) < 2; i++)
			usleep(10000);
		usleep(20000);
		CHECK_EQ(io_uring_cq_ready(&own.ring), 2);
		io_uring_queue_exit(&own.ring);
	}
}

/* The program's own signals do not end it. */
static void signals_of_the_program_are_told_of(void)
{
	struct own own;
	uint64_t one = 1;

	own_init(&own, EPOLL_OF_EVENTFD);
	CHECK_EQ(io_uring_unregister_eventfd(&own.ring), 0);
	submit_poll(&own, true);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(own.eventfd, &one, sizeof(one)), sizeof(one));
		struct result result = reap_any(&own.ring);

		CHECK_EQ(result.user_data, 1);
		CHECK_EQ(result.flags & IORING_CQE_F_MORE, IORING_CQE_F_MORE);
	}
	io_uring_queue_exit(&own.ring);
}

TEST_PARTS(
	PART(polls_end),
	PART(polls_that_repeat_end),
	PART(unattended),
	PART(signals_of_the_program_are_told_of),
)
