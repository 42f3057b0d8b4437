/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Accepts that wait for one socket: the first that was submitted gets the first connection. */
#include "rings.h"

enum { ACCEPTS = 8 };

static int listener(struct sockaddr_in *address, int flags)
{
	socklen_t len = sizeof(*address);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | flags, 0));

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	MUST(bind(fd, (struct sockaddr *)address, len));
	MUST(listen(fd, ACCEPTS));
	MUST(getsockname(fd, (struct sockaddr *)address, &len));
	return fd;
}

static void accept_on(struct io_uring *ring, int fd, uint64_t data)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_accept(sqe, fd, NULL, NULL, 0);
	io_uring_sqe_set_data64(sqe, data);
	submit(ring, 1);
}

static void connect_to(const struct sockaddr_in *address)
{
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(connect(fd, (const struct sockaddr *)address, sizeof(*address)));
}

static void expect_accept(struct io_uring *ring, uint64_t data)
{
	struct result result = reap_any(ring);

	CHECK_EQ(result.user_data, data);
	CHECK_OP(result.res, >=, 0);
}

static void in_order(int flags, bool at_once)
{
	struct sockaddr_in address;
	struct io_uring ring;
	int fd = listener(&address, flags);

	ring_init(&ring, ACCEPTS, 0);
	for (uint64_t i = 1; i <= ACCEPTS; i++)
		accept_on(&ring, fd, i);
	for (uint64_t i = 1; i <= ACCEPTS; i++) {
		connect_to(&address);
		if (!at_once)
			expect_accept(&ring, i);
	}
	for (uint64_t i = 1; at_once && i <= ACCEPTS; i++)
		expect_accept(&ring, i);
	io_uring_queue_exit(&ring);
}

static void connections_one_by_one(void) { in_order(0, false); in_order(SOCK_NONBLOCK, false); }
static void connections_at_once(void) { in_order(0, true); in_order(SOCK_NONBLOCK, true); }

/* One that is cancelled, the first or another, holds nobody up. */
static void what_is_cancelled(void)
{
	for (uint64_t which = 1; which <= 3; which++) {
		struct sockaddr_in address;
		struct io_uring ring;
		int fd = listener(&address, 0);

		ring_init(&ring, 8, 0);
		for (uint64_t i = 1; i <= 3; i++)
			accept_on(&ring, fd, i);
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_cancel64(sqe, which, 0);
		io_uring_sqe_set_data64(sqe, 9);
		submit(&ring, 1);
		REAP(&ring, 9, 0);
		REAP(&ring, which, -ECANCELED);
		for (uint64_t i = 1; i <= 3; i++) {
			if (i == which)
				continue;
			connect_to(&address);
			expect_accept(&ring, i);
		}
		io_uring_queue_exit(&ring);
	}
}

/* Each socket has a line of its own; a ring that is closed ends all of them. */
static void two_sockets(void)
{
	struct sockaddr_in addresses[2];
	struct io_uring ring;
	int fds[2], before = count_fds();

	for (int i = 0; i < 2; i++)
		fds[i] = listener(&addresses[i], 0);
	ring_init(&ring, 16, 0);
	for (uint64_t i = 0; i < 8; i++)
		accept_on(&ring, fds[i % 2], i);
	connect_to(&addresses[1]);
	expect_accept(&ring, 1);
	connect_to(&addresses[0]);
	expect_accept(&ring, 0);
	connect_to(&addresses[1]);
	expect_accept(&ring, 3);
	io_uring_queue_exit(&ring);
	/* The sockets, and both ends of three connections. */
	for (int i = 0; i < 100 && count_fds() != before + 8; i++)
		usleep(50000);
	CHECK_EQ(count_fds(), before + 8);
}

static void after_a_time(void)
{
	struct __kernel_timespec soon = ms_to_ts(5);
	struct sockaddr_in address;
	struct io_uring ring;
	int fd = listener(&address, 0);

	ring_init(&ring, 8, 0);
	accept_on(&ring, fd, 1);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_accept(sqe, fd, NULL, NULL, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	io_uring_sqe_set_data64(sqe, 2);
	sqe = sqe_get(&ring);
	io_uring_prep_link_timeout(sqe, &soon, 0);
	io_uring_sqe_set_data64(sqe, 3);
	submit(&ring, 2);
	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res, result.user_data == 2 ? -ECANCELED : -ETIME);
	}
	connect_to(&address);
	expect_accept(&ring, 1);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(connections_one_by_one),
	PART(connections_at_once),
	PART(what_is_cancelled),
	PART(two_sockets),
	PART(after_a_time),
)
