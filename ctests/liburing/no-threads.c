/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where no thread can be made, as at a limit of processes, requests go on, and the program is told of them. */
#include "rings.h"
#include "allow-no-threads.h"
#include <poll.h>
#include <sys/eventfd.h>

/* How a program learns that there is a CQE. */
enum how { BY_WAITING, BY_PEEKING, BY_POLLING, BY_EVENTFD, WAYS };

static void wait_until_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&pollfd, 1, 10000), 1);
}

static struct result learn(struct io_uring *ring, enum how how, int eventfd)
{
	struct io_uring_cqe *cqe = NULL;

	switch (how) {
	case BY_WAITING:
		CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
		break;
	case BY_PEEKING:
		for (int i = 0; i < 2000 && io_uring_peek_cqe(ring, &cqe); i++)
			usleep(5000);
		break;
	default:
		wait_until_readable(how == BY_POLLING ? ring->ring_fd : eventfd);
		CHECK_EQ(io_uring_peek_cqe(ring, &cqe), 0);
	}
	CHECK(cqe != NULL);
	struct result result = { cqe->user_data, cqe->res, cqe->flags };

	io_uring_cqe_seen(ring, cqe);
	return result;
}

/* Nothing is there. Readiness may be left from before, but not for long. */
static void sleep_unready(struct io_uring *ring)
{
	struct pollfd pollfd = { .fd = ring->ring_fd, .events = POLLIN };
	struct io_uring_cqe *cqe;

	for (int looks = 0; poll(&pollfd, 1, 20) == 1; looks++) {
		CHECK_EQ(io_uring_peek_cqe(ring, &cqe), -EAGAIN);
		CHECK_OP(looks, <, 3);
	}
	CHECK_EQ(io_uring_cq_ready(ring), 0);
}

/* Submits `prep`, lets it wait, makes its file ready, and sees how it ends, in each way. */
static void goes_on(void (*prep)(struct io_uring_sqe *, int), int expected)
{
	allow_no_threads();
	for (enum how how = 0; how < WAYS; how++) {
		struct io_uring ring;
		int fds[2], told = (int)MUST(eventfd(0, EFD_NONBLOCK));

		ring_init(&ring, 8, 0);
		socket_pair(fds, SOCK_STREAM);
		if (how == BY_EVENTFD)
			CHECK_EQ(io_uring_register_eventfd(&ring, told), 0);
		/* Twice: what was armed is armed again. */
		for (int i = 0; i < 2; i++) {
			char byte;
			uint64_t count;

			prep(sqe_get(&ring), fds[0]);
			submit(&ring, 1);
			sleep_unready(&ring);
			CHECK_EQ(write(fds[1], "x", 1), 1);
			CHECK_EQ(learn(&ring, how, told).res, expected);
			(void)!recv(fds[0], &byte, 1, MSG_DONTWAIT);
			(void)!read(told, &count, sizeof(count));
		}
		CHECK_RING_WORKS(&ring);
		io_uring_queue_exit(&ring);
		close(told);
		close(fds[0]);
		close(fds[1]);
	}
}

static void prep_recv(struct io_uring_sqe *sqe, int fd)
{
	static char byte;

	io_uring_prep_recv(sqe, fd, &byte, 1, 0);
}

static void a_receive_goes_on(void)
{
	goes_on(prep_recv, 1);
}

static void prep_poll(struct io_uring_sqe *sqe, int fd)
{
	io_uring_prep_poll_add(sqe, fd, POLLIN);
}

static void a_poll_goes_on(void)
{
	goes_on(prep_poll, POLLIN);
}

static void prep_timeout(struct io_uring_sqe *sqe, int fd)
{
	static struct __kernel_timespec time = { .tv_nsec = 300000000 };

	(void)fd;
	io_uring_prep_timeout(sqe, &time, 0, 0);
}

static void a_timeout_goes_on(void)
{
	goes_on(prep_timeout, -ETIME);
}

static void what_is_complete_is_told_of(void)
{
	struct io_uring ring;

	allow_no_threads();
	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	submit(&ring, 1);
	wait_until_readable(ring.ring_fd);
	REAP(&ring, 1, 0);
	io_uring_queue_exit(&ring);
}

/* Polled for, again and again, without spinning. */
static void an_event_loop_sleeps(void)
{
	struct rusage use;
	struct io_uring ring;
	int fds[2];

	allow_no_threads();
	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	for (int i = 0; i < 20; i++) {
		prep_recv(sqe_get(&ring), fds[0]);
		submit(&ring, 1);
		sleep_unready(&ring);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(learn(&ring, BY_POLLING, -1).res, 1);
	}
	getrusage(RUSAGE_SELF, &use);
	CHECK_EQ(use.ru_utime.tv_sec + use.ru_stime.tv_sec, 0);
	io_uring_queue_exit(&ring);
}

/* A listening socket that blocks is accepted from by a worker, where one can be had. */
static void connections_are_accepted(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	struct io_uring ring;
	int server = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	allow_no_threads();
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(server, (struct sockaddr *)&address, len));
	MUST(listen(server, 8));
	MUST(getsockname(server, (struct sockaddr *)&address, &len));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 3; i++) {
		int client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

		io_uring_prep_accept(sqe_get(&ring), server, NULL, NULL, 0);
		submit(&ring, 1);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		MUST(connect(client, (struct sockaddr *)&address, len));
		CHECK_OP(reap_any(&ring).res, >=, 0);
		CHECK_EQ(fcntl(server, F_GETFL) & O_NONBLOCK, 0);
	}
	io_uring_queue_exit(&ring);
}

/* Descriptors and memory that stand in for the thread go with the ring. */
static void nothing_is_left(void)
{
	int fds[2], before;

	allow_no_threads();
	socket_pair(fds, SOCK_STREAM);
	before = count_fds();
	for (int i = 0; i < 50; i++) {
		struct io_uring ring;

		ring_init(&ring, 8, 0);
		prep_recv(sqe_get(&ring), fds[0]);
		prep_timeout(sqe_get(&ring), -1);
		submit(&ring, 2);
		io_uring_queue_exit(&ring);
	}
	/* The kernel closes rings late. */
	for (int i = 0; i < 500 && count_fds() != before; i++)
		usleep(10000);
	CHECK_EQ(count_fds(), before);
}

TEST_PARTS(
	PART(a_receive_goes_on),
	PART(a_poll_goes_on),
	PART(a_timeout_goes_on),
	PART(what_is_complete_is_told_of),
	PART(an_event_loop_sleeps),
	PART(connections_are_accepted),
	PART(nothing_is_left),
)
