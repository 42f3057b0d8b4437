/*
 * The echo server on a ring, with what liburing 2.3 has. Compiled once against each contestant's headers.
 * Prints its port and the path of the liburing.so that it runs on, serves until it is killed.
 */
#define _GNU_SOURCE
#include <liburing.h>

#include "echo.h"
#include "loaded.h"

#define ENTRIES 256

enum { ACCEPT, RECEIVE, SEND };

struct connection {
	char message[MESSAGE_MAX];
	unsigned int length;
};

static struct io_uring ring;
static struct connection connections[CONNECTIONS_MAX];

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		int ret = io_uring_submit(&ring);

		if (ret < 0)
			die("io_uring_submit", -ret);
		sqe = io_uring_get_sqe(&ring);
	}
	return sqe;
}

static void tag(struct io_uring_sqe *sqe, int kind, int fd)
{
	io_uring_sqe_set_data64(sqe, (__u64)kind << 32 | (__u32)fd);
}

static void accept_next(int listener)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_accept(sqe, listener, NULL, NULL, 0);
	tag(sqe, ACCEPT, listener);
}

static void receive(int fd)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_recv(sqe, fd, connections[fd].message, MESSAGE_MAX, 0);
	tag(sqe, RECEIVE, fd);
}

static void send_back(int fd, unsigned int length)
{
	struct io_uring_sqe *sqe = next_sqe();

	connections[fd].length = length;
	io_uring_prep_send(sqe, fd, connections[fd].message, length, MSG_NOSIGNAL);
	tag(sqe, SEND, fd);
}

static void completed(int kind, int fd, int res)
{
	switch (kind) {
	case ACCEPT:
		if (res < 0)
			die("accept", -res);
		send_at_once(res);
		receive(res);
		accept_next(fd);
		break;
	case RECEIVE:
		if (res <= 0)
			close(fd);
		else
			send_back(fd, (unsigned int)res);
		break;
	default:
		/* One message at a time is under way on a connection, so it always finds room. */
		if (res != (int)connections[fd].length)
			die("send", res < 0 ? -res : EIO);
		receive(fd);
	}
}

int main(void)
{
	int listener = listen_on_loopback(0);
	int ret = io_uring_queue_init(ENTRIES, &ring, 0);

	if (ret < 0)
		die("io_uring_queue_init", -ret);
	accept_next(listener);
	print_library("liburing.so");
	fflush(stdout);
	for (;;) {
		struct io_uring_cqe *cqe;
		unsigned int head, seen = 0;

		ret = io_uring_submit_and_wait(&ring, 1);
		if (ret < 0)
			die("io_uring_submit_and_wait", -ret);
		io_uring_for_each_cqe(&ring, head, cqe) {
			completed((int)(cqe->user_data >> 32), (int)(__u32)cqe->user_data, cqe->res);
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
	}
}
