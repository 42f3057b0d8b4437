/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Completions announced on an eventfd: always, only asynchronous ones, or switched off for a while. */
#include "rings.h"
#include <sys/epoll.h>
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

TEST_PARTS(
	PART(every_completion_is_announced),
	PART(async_ones_only),
	PART(switched_off_and_on),
	PART(without_a_flags_word),
	PART(what_is_no_eventfd_is_refused),
)
