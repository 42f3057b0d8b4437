/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Polls: what they tell without being asked, and which events and flags they take. */
#include "rings.h"
#include <poll.h>
#include <sys/epoll.h>

/* That the other side sends no more is told as errors are. */
static void the_end_of_a_stream(void)
{
	struct io_uring ring;
	int fds[2];

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLPRI);
	submit(&ring, 1);
	io_uring_prep_poll_multishot(sqe_get(&ring), fds[0], POLLIN);
	submit(&ring, 1);
	MUST(shutdown(fds[1], SHUT_WR));
	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(&ring);
		bool repeats = result.flags & IORING_CQE_F_MORE;

		CHECK_EQ(result.res, POLLRDHUP | (repeats ? POLLIN : 0));
	}
	io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
	RUN_ONE(&ring, POLLIN | POLLRDHUP);
	io_uring_queue_exit(&ring);
}

static void level(void)
{
	struct io_uring ring;
	int fds[2];

	ring_init(&ring, 8, 0);
	MUST(pipe(fds));
	for (unsigned flags = IORING_POLL_ADD_LEVEL; flags <= (IORING_POLL_ADD_LEVEL | IORING_POLL_ADD_MULTI); flags++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_poll_add(sqe, fds[0], POLLIN);
		sqe->len = flags;
		RUN_ONE(&ring, -EINVAL);
	}
	io_uring_queue_exit(&ring);
}

static void alone(void)
{
	struct io_uring ring;
	int fds[2];

	ring_init(&ring, 8, 0);
	MUST(pipe(fds));
	io_uring_prep_poll_add(sqe_get(&ring), fds[0], EPOLLIN | EPOLLEXCLUSIVE);
	submit(&ring, 1);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(reap_any(&ring).res, POLLIN);
	io_uring_prep_poll_multishot(sqe_get(&ring), fds[0], EPOLLIN | EPOLLEXCLUSIVE);
	submit(&ring, 1);
	struct result result = reap_any(&ring);

	CHECK_EQ(result.res, POLLIN);
	CHECK_EQ(result.flags, IORING_CQE_F_MORE);
	io_uring_queue_exit(&ring);
}

/* A socket has no place to read at, also when it is read again and again. */
static void reading_at_an_offset(void)
{
	struct io_uring ring;
	int fds[2], err = 0;
	static char memory[8];
	struct io_uring_buf_ring *br;

	ring_init(&ring, 8, 0);
	br = io_uring_setup_buf_ring(&ring, 1, 1, 0, &err);
	CHECK(br != NULL);
	io_uring_buf_ring_add(br, memory, sizeof(memory), 0, 0, 0);
	io_uring_buf_ring_advance(br, 1);
	socket_pair(fds, SOCK_STREAM);
	io_uring_prep_read_multishot(sqe_get(&ring), fds[0], 0, 7, 1);
	submit(&ring, 1);
	struct result result = reap_any(&ring);

	if (result.res == -EINVAL && !is_soft(&ring))
		SKIP("this kernel has no IORING_OP_READ_MULTISHOT");
	CHECK_EQ(result.res, -ESPIPE);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(the_end_of_a_stream),
	PART(level),
	PART(alone),
	PART(reading_at_an_offset),
)
