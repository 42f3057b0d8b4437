/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sockets: made, bound, connected and used by requests; multishot receives; zero-copy sends. */
#include "rings.h"
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>

enum { BUFFERS = 8, BUFFER_SIZE = 512, GROUP = 1 };

static unsigned char memory[BUFFERS][BUFFER_SIZE];

static struct sockaddr_in loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int listener(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	*address = loopback();
	MUST(bind(fd, (struct sockaddr *)address, len));
	MUST(listen(fd, 16));
	MUST(getsockname(fd, (struct sockaddr *)address, &len));
	return fd;
}

/* Results of the two requests with user_data 0 and 1, in that order. */
static void reap_two(struct io_uring *ring, int results[2])
{
	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(ring);

		CHECK_OP(result.user_data, <, 2);
		results[result.user_data] = result.res;
	}
}

static void connect_pair(struct io_uring *ring, int fds[2])
{
	struct sockaddr_in address, peer = { 0 };
	socklen_t len = sizeof(peer);
	int results[2], server = listener(&address), client;

	io_uring_prep_socket(sqe_get(ring), AF_INET, SOCK_STREAM, 0, 0);
	submit(ring, 1);
	client = reap_any(ring).res;
	CHECK_OP(client, >=, 0);
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_accept(sqe, server, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, 0);
	sqe = sqe_get(ring);
	io_uring_prep_connect(sqe, client, (struct sockaddr *)&address, sizeof(address));
	io_uring_sqe_set_data64(sqe, 1);
	submit(ring, 2);
	reap_two(ring, results);
	CHECK_OP(results[0], >=, 0);
	CHECK_EQ(results[1], 0);
	CHECK_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	CHECK_EQ(fcntl(results[0], F_GETFD), FD_CLOEXEC);
	fds[0] = client;
	fds[1] = results[0];
	close(server);
}

static void accept_connect_send_recv(void)
{
	struct io_uring ring;
	int fds[2], results[2];
	char buf[16] = { 0 };

	ring_init(&ring, 8, 0);
	connect_pair(&ring, fds);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv(sqe, fds[1], buf, sizeof(buf), 0);
	io_uring_sqe_set_data64(sqe, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_send(sqe, fds[0], "hello", 5, MSG_NOSIGNAL);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, 2);
	reap_two(&ring, results);
	CHECK_EQ(results[0], 5);
	CHECK_EQ(results[1], 5);
	CHECK_EQ(memcmp(buf, "hello", 5), 0);
	io_uring_prep_shutdown(sqe_get(&ring), fds[0], SHUT_WR);
	RUN_ONE(&ring, 0);
	io_uring_prep_recv(sqe_get(&ring), fds[1], buf, sizeof(buf), 0);
	RUN_ONE(&ring, 0);
	io_uring_queue_exit(&ring);
}

static void messages(void)
{
	struct io_uring ring;
	int fds[2];
	char a[2] = { 0 }, b[8] = { 0 };
	struct iovec out[2] = { { "mes", 3 }, { "sage", 4 } }, in[2] = { { a, 2 }, { b, 8 } };
	struct msghdr send = { .msg_iov = out, .msg_iovlen = 2 };
	struct msghdr recv = { .msg_iov = in, .msg_iovlen = 2 };

	socket_pair(fds, SOCK_DGRAM);
	ring_init(&ring, 8, 0);
	io_uring_prep_sendmsg(sqe_get(&ring), fds[0], &send, 0);
	RUN_ONE(&ring, 7);
	io_uring_prep_recvmsg(sqe_get(&ring), fds[1], &recv, 0);
	RUN_ONE(&ring, 7);
	CHECK_EQ(memcmp(a, "me", 2), 0);
	CHECK_EQ(memcmp(b, "ssage", 5), 0);
	io_uring_queue_exit(&ring);
}

static void bind_and_listen(void)
{
	struct io_uring ring;
	struct sockaddr_in address = loopback(), bound = { 0 };
	socklen_t len = sizeof(bound);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1, value = 0;

	ring_init(&ring, 8, 0);
	io_uring_prep_bind(sqe_get(&ring), fd, (struct sockaddr *)&address, sizeof(address));
	submit(&ring, 1);
	int res = reap_any(&ring).res;

	if (res == -EINVAL)
		SKIP("this kernel has no IORING_OP_BIND");
	CHECK_EQ(res, 0);
	io_uring_prep_listen(sqe_get(&ring), fd, 4);
	RUN_ONE(&ring, 0);
	MUST(getsockname(fd, (struct sockaddr *)&bound, &len));
	CHECK(bound.sin_port != 0);
	int client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(connect(client, (struct sockaddr *)&bound, sizeof(bound)));
	io_uring_prep_cmd_sock(sqe_get(&ring), SOCKET_URING_OP_SETSOCKOPT, fd, SOL_SOCKET,
			       SO_KEEPALIVE, &one, sizeof(one));
	RUN_ONE(&ring, 0);
	io_uring_prep_cmd_sock(sqe_get(&ring), SOCKET_URING_OP_GETSOCKOPT, fd, SOL_SOCKET,
			       SO_KEEPALIVE, &value, sizeof(value));
	RUN_ONE(&ring, (int)sizeof(value));
	CHECK_EQ(value, 1);
	io_uring_queue_exit(&ring);
}

static void multishot_accept(void)
{
	struct io_uring ring;
	struct sockaddr_in address;
	int server = listener(&address);

	ring_init(&ring, 8, 0);
	io_uring_prep_multishot_accept(sqe_get(&ring), server, NULL, NULL, 0);
	submit(&ring, 1);
	for (int i = 0; i < 3; i++) {
		int client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

		MUST(connect(client, (struct sockaddr *)&address, sizeof(address)));
		struct result result = reap_any(&ring);

		CHECK_OP(result.res, >=, 0);
		CHECK(result.flags & IORING_CQE_F_MORE);
		close(result.res);
		close(client);
	}
	io_uring_queue_exit(&ring);
}

static struct io_uring_buf_ring *ring_with_buffers(struct io_uring *ring)
{
	int err = 0;

	ring_init(ring, 16, 0);
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(ring, BUFFERS, GROUP, 0, &err);

	CHECK(br != NULL);
	for (int bid = 0; bid < BUFFERS; bid++)
		io_uring_buf_ring_add(br, memory[bid], BUFFER_SIZE, (unsigned short)bid,
				      io_uring_buf_ring_mask(BUFFERS), bid);
	io_uring_buf_ring_advance(br, BUFFERS);
	return br;
}

static void select_buffers(struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, GROUP);
}

static void multishot_recv(void)
{
	struct io_uring ring;
	int fds[2];

	ring_with_buffers(&ring);
	socket_pair(fds, SOCK_STREAM);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv_multishot(sqe, fds[0], NULL, 0, 0);
	select_buffers(sqe);
	submit(&ring, 1);
	for (int i = 0; i < BUFFERS; i++) {
		char text[8];
		int len = snprintf(text, sizeof(text), "no %d", i);

		CHECK_EQ(write(fds[1], text, (size_t)len), len);
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res, len);
		CHECK(result.flags & IORING_CQE_F_MORE);
		CHECK_EQ(result.flags >> IORING_CQE_BUFFER_SHIFT, i);
		CHECK_EQ(memcmp(memory[i], text, (size_t)len), 0);
	}
	/* out of buffers: the request ends */
	CHECK_EQ(write(fds[1], "x", 1), 1);
	struct result last = reap_any(&ring);

	CHECK_EQ(last.res, -ENOBUFS);
	CHECK(!(last.flags & IORING_CQE_F_MORE));
	io_uring_queue_exit(&ring);
}

static void multishot_read(void)
{
	struct io_uring ring;
	int fds[2];

	MUST(pipe(fds));
	ring_with_buffers(&ring);
	io_uring_prep_read_multishot(sqe_get(&ring), fds[0], 0, 0, GROUP);
	submit(&ring, 1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(fds[1], "abc", 3), 3);
		struct result result = reap_any(&ring);

		if (i == 0 && result.res == -EINVAL)
			SKIP("this kernel has no IORING_OP_READ_MULTISHOT");
		CHECK_EQ(result.res, 3);
		CHECK(result.flags & IORING_CQE_F_MORE);
		CHECK_EQ(result.flags >> IORING_CQE_BUFFER_SHIFT, i);
		CHECK_EQ(memcmp(memory[i], "abc", 3), 0);
	}
	io_uring_queue_exit(&ring);
}

/* A datagram with the sender's address and its arrival time as control data. */
static void send_datagram(const struct sockaddr_in *address, const char *text)
{
	struct sockaddr_in from = loopback();
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(bind(fd, (struct sockaddr *)&from, sizeof(from)));
	MUST(sendto(fd, text, strlen(text), 0, (const struct sockaddr *)address, sizeof(*address)));
	close(fd);
}

static void check_datagram(void *buf, int len, struct msghdr *msg, const char *text)
{
	struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buf, len, msg);

	CHECK(out != NULL);
	CHECK(io_uring_recvmsg_validate(buf, (int)sizeof(*out) - 1, msg) == NULL);
	CHECK_EQ(out->namelen, sizeof(struct sockaddr_in));
	const struct sockaddr_in *name = io_uring_recvmsg_name(out);

	CHECK_EQ(name->sin_family, AF_INET);
	CHECK_EQ(name->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	CHECK_EQ(io_uring_recvmsg_payload_length(out, len, msg), strlen(text));
	CHECK_EQ(memcmp(io_uring_recvmsg_payload(out, msg), text, strlen(text)), 0);
	struct cmsghdr *cmsg = io_uring_recvmsg_cmsg_firsthdr(out, msg);

	CHECK(cmsg != NULL);
	CHECK_EQ(cmsg->cmsg_level, SOL_SOCKET);
	CHECK_EQ(cmsg->cmsg_type, SO_TIMESTAMP);
	CHECK(io_uring_recvmsg_cmsg_nexthdr(out, msg, cmsg) == NULL);
}

/* What is too short for the header, the address and the control data has no payload. */
static void recvmsg_buffers_that_are_too_short(void)
{
	unsigned char buf[128] = { 0 };
	struct io_uring_recvmsg_out *out = (void *)buf;
	struct msghdr msg = { .msg_namelen = 40, .msg_controllen = 30 };
	int front = (int)sizeof(*out) + 40 + 30;

	for (int len = -2; len <= front; len++)
		CHECK_EQ(io_uring_recvmsg_payload_length(out, len, &msg), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length(out, front + 5, &msg), 5);
	msg.msg_controllen = SIZE_MAX;
	CHECK_EQ(io_uring_recvmsg_payload_length(out, sizeof(buf), &msg), 0);
	msg = (struct msghdr){ 0 };
	CHECK_EQ(io_uring_recvmsg_payload_length(out, -1, &msg), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length(out, INT_MIN, &msg), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length(out, sizeof(*out) + 1, &msg), 1);
}

static void multishot_recvmsg(void)
{
	struct io_uring ring;
	struct sockaddr_in address = loopback();
	socklen_t len = sizeof(address);
	struct msghdr msg = { .msg_namelen = sizeof(struct sockaddr_in), .msg_controllen = 64 };
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;

	MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	MUST(getsockname(fd, (struct sockaddr *)&address, &len));
	MUST(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)));
	ring_with_buffers(&ring);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recvmsg_multishot(sqe, fd, &msg, 0);
	select_buffers(sqe);
	submit(&ring, 1);
	for (int i = 0; i < 2; i++) {
		const char *text = i ? "second datagram" : "first";

		send_datagram(&address, text);
		struct result result = reap_any(&ring);

		CHECK_OP(result.res, >, (int)sizeof(struct io_uring_recvmsg_out));
		CHECK(result.flags & IORING_CQE_F_MORE);
		check_datagram(memory[result.flags >> IORING_CQE_BUFFER_SHIFT], result.res, &msg, text);
	}
	io_uring_queue_exit(&ring);
}

/* Two completions: the result, which says that another follows, and the notice that the buffer is free. */
static void check_zero_copy(struct io_uring *ring, int len)
{
	CHECK_EQ(io_uring_submit(ring), 1);
	struct result first = reap_any(ring);

	if (first.res == -EINVAL || first.res == -EOPNOTSUPP)
		SKIP("no zero-copy sends here");
	CHECK_EQ(first.res, len);
	CHECK(first.flags & IORING_CQE_F_MORE);
	struct result second = reap_any(ring);

	CHECK(second.flags & IORING_CQE_F_NOTIF);
	CHECK_EQ(second.user_data, first.user_data);
}

static void zero_copy(void)
{
	struct io_uring ring;
	int fds[2];
	static char text[4096];
	struct iovec iov = { text, 100 }, registered = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;

	memset(text, 'z', sizeof(text));
	ring_init(&ring, 8, 0);
	connect_pair(&ring, fds);
	io_uring_prep_send_zc(sqe_get(&ring), fds[0], text, 200, 0, 0);
	check_zero_copy(&ring, 200);
	sqe = sqe_get(&ring);
	io_uring_prep_sendmsg_zc(sqe, fds[0], &msg, 0);
	check_zero_copy(&ring, 100);
	CHECK_EQ(io_uring_register_buffers(&ring, &registered, 1), 0);
	io_uring_prep_send_zc_fixed(sqe_get(&ring), fds[0], text + 50, 300, 0, 0, 0);
	check_zero_copy(&ring, 300);
	CHECK_EQ(recv(fds[1], text, 600, MSG_WAITALL), 600);
	CHECK_EQ(text[599], 'z');
	io_uring_queue_exit(&ring);
}

static void a_datagram_with_an_address(void)
{
	struct io_uring ring;
	struct sockaddr_in address = loopback();
	socklen_t len = sizeof(address);
	int to = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), from = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
	char buf[8] = { 0 };

	MUST(bind(to, (struct sockaddr *)&address, sizeof(address)));
	MUST(getsockname(to, (struct sockaddr *)&address, &len));
	ring_init(&ring, 8, 0);
	io_uring_prep_sendto(sqe_get(&ring), from, "one", 3, 0, (struct sockaddr *)&address, len);
	RUN_ONE(&ring, 3);
	CHECK_EQ(recv(to, buf, sizeof(buf), 0), 3);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_send(sqe, from, "four", 4, 0);
	io_uring_prep_send_set_addr(sqe, (struct sockaddr *)&address, (__u16)len);
	RUN_ONE(&ring, 4);
	CHECK_EQ(recv(to, buf, sizeof(buf), 0), 4);
	CHECK_EQ(memcmp(buf, "four", 4), 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(accept_connect_send_recv),
	PART(messages),
	PART(bind_and_listen),
	PART(multishot_accept),
	PART(multishot_recv),
	PART(multishot_read),
	PART(multishot_recvmsg),
	PART(recvmsg_buffers_that_are_too_short),
	PART(zero_copy),
	PART(a_datagram_with_an_address),
)
