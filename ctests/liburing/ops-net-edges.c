/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sockets at the edges: closed in flight, partial receives, bundles, notices of failed sends, bad arguments. */
#include "rings.h"
#include <arpa/inet.h>
#include <netinet/in.h>

enum { BUFFERS = 4, BUFFER_SIZE = 8, GROUP = 1 };

static unsigned char memory[BUFFERS][BUFFER_SIZE];

static void fill(struct io_uring *ring)
{
	int err = 0;
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(ring, BUFFERS, GROUP, 0, &err);

	CHECK(br != NULL);
	for (int bid = 0; bid < BUFFERS; bid++)
		io_uring_buf_ring_add(br, memory[bid], BUFFER_SIZE, (unsigned short)bid, BUFFERS - 1, bid);
	io_uring_buf_ring_advance(br, BUFFERS);
}

static void select_buffers(struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, GROUP);
}

/* A request keeps its file: neither is it moved to what gets the descriptor next, nor does it end. */
static void closed_in_flight(void)
{
	struct io_uring ring;
	int fds[2], others[2];
	char buf[8] = { 0 };

	ring_init(&ring, 8, 0);
	for (int round = 0; round < 3; round++) {
		tcp_pair(fds);
		socket_pair(others, SOCK_STREAM);
		io_uring_prep_recv(sqe_get(&ring), fds[0], buf, sizeof(buf), 0);
		submit(&ring, 1);
		MUST(dup2(others[0], fds[0]));
		CHECK_EQ(write(others[1], "wrong", 5), 5);
		CHECK_EQ(write(fds[1], "right", 5), 5);
		CHECK_EQ(reap_any(&ring).res, 5);
		CHECK_EQ(memcmp(buf, "right", 5), 0);
		/* the request was all that kept it open */
		CHECK_OP(recv(fds[1], buf, 1, 0), <=, 0);
		io_uring_prep_recv(sqe_get(&ring), fds[0], buf, sizeof(buf), 0);
		RUN_ONE(&ring, 5);
		CHECK_EQ(memcmp(buf, "wrong", 5), 0);
		close(fds[0]);
		close(fds[1]);
		close(others[0]);
		close(others[1]);
	}
	io_uring_queue_exit(&ring);
}

/* Both ends of one socket wait at the same time, many times over. */
static void both_directions(void)
{
	struct io_uring ring;
	int fds[2];
	char a[1], b[1];

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	for (int i = 0; i < 50; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_recv(sqe, fds[0], a, 1, 0);
		sqe = sqe_get(&ring);
		io_uring_prep_recv(sqe, fds[0], b, 1, 0);
		submit(&ring, 2);
		CHECK_EQ(write(fds[1], "xy", 2), 2);
		CHECK_EQ(reap_any(&ring).res, 1);
		CHECK_EQ(reap_any(&ring).res, 1);
		CHECK_EQ(a[0] + b[0], 'x' + 'y');
	}
	io_uring_queue_exit(&ring);
}

static void all_or_a_broken_link(void)
{
	struct io_uring ring;
	int fds[2];
	char buf[8] = { 0 };

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	io_uring_prep_recv(sqe_get(&ring), fds[0], buf, 6, MSG_WAITALL);
	submit(&ring, 1);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(io_uring_submit_and_get_events(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(write(fds[1], "def", 3), 3);
	CHECK_EQ(reap_any(&ring).res, 6);
	CHECK_EQ(memcmp(buf, "abcdef", 6), 0);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv(sqe, fds[0], buf, 6, MSG_WAITALL);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sqe = sqe_get(&ring);
	io_uring_prep_nop(sqe);
	submit(&ring, 2);
	CHECK_EQ(write(fds[1], "gh", 2), 2);
	close(fds[1]);
	CHECK_EQ(reap_any(&ring).res, 2);
	CHECK_EQ(reap_any(&ring).res, -ECANCELED);
	io_uring_queue_exit(&ring);
}

static void not_waiting(void)
{
	struct io_uring ring;
	int fds[2];
	char buf[8];

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	io_uring_prep_recv(sqe_get(&ring), fds[0], buf, 6, MSG_DONTWAIT);
	RUN_ONE(&ring, -EAGAIN);
	/* O_NONBLOCK is for system calls: a request waits */
	MUST(fcntl(fds[0], F_SETFL, O_RDWR | O_NONBLOCK));
	io_uring_prep_recv(sqe_get(&ring), fds[0], buf, 6, 0);
	submit(&ring, 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(reap_any(&ring).res, 1);
	io_uring_queue_exit(&ring);
}

static void end_of_a_multishot(void)
{
	struct io_uring ring;
	int fds[2];

	ring_init(&ring, 8, 0);
	fill(&ring);
	socket_pair(fds, SOCK_STREAM);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv_multishot(sqe, fds[0], NULL, 0, 0);
	select_buffers(sqe);
	submit(&ring, 1);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK(reap_any(&ring).flags & IORING_CQE_F_MORE);
	close(fds[1]);
	struct result last = reap_any(&ring);

	CHECK_EQ(last.res, 0);
	CHECK(!(last.flags & (IORING_CQE_F_MORE | IORING_CQE_F_BUFFER)));
	/* without a buffer group, or with a flag that contradicts it */
	io_uring_prep_recv_multishot(sqe_get(&ring), fds[0], NULL, 0, 0);
	RUN_ONE(&ring, -EINVAL);
	sqe = sqe_get(&ring);
	io_uring_prep_recv_multishot(sqe, fds[0], NULL, 0, MSG_WAITALL);
	select_buffers(sqe);
	RUN_ONE(&ring, -EINVAL);
	io_uring_queue_exit(&ring);
}

static void a_bundle(void)
{
	struct io_uring ring;
	int fds[2];
	char buf[64];

	ring_init(&ring, 8, 0);
	fill(&ring);
	socket_pair(fds, SOCK_STREAM);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	memset(memory, 'b', sizeof(memory));
	io_uring_prep_send_bundle(sqe, fds[0], 0, 0);
	select_buffers(sqe);
	submit(&ring, 1);
	struct result result = reap_any(&ring);

	if (result.res == -EINVAL)
		SKIP("this kernel has no bundles");
	CHECK_EQ(result.res, (int)sizeof(memory));
	CHECK(result.flags & IORING_CQE_F_BUFFER);
	CHECK_EQ(result.flags >> IORING_CQE_BUFFER_SHIFT, 0);
	CHECK_EQ(recv(fds[1], buf, sizeof(buf), 0), sizeof(memory));
	sqe = sqe_get(&ring);
	io_uring_prep_send_bundle(sqe, fds[0], 0, 0);
	select_buffers(sqe);
	RUN_ONE(&ring, -ENOBUFS);
	io_uring_queue_exit(&ring);
}

static void check_notice(struct io_uring *ring, int res, int notice)
{
	CHECK_EQ(io_uring_submit(ring), 1);
	struct result first = reap_any(ring);

	CHECK_EQ(first.res, res);
	CHECK_EQ(first.flags, IORING_CQE_F_MORE);
	struct result second = reap_any(ring);

	CHECK_EQ(second.res, notice);
	CHECK_EQ(second.flags, IORING_CQE_F_NOTIF);
}

static void notices(void)
{
	struct io_uring ring;
	int local[2], fds[2];

	ring_init(&ring, 8, 0);
	tcp_pair(fds);
	socket_pair(local, SOCK_STREAM);
	io_uring_prep_send_zc(sqe_get(&ring), fds[0], "abc", 3, 0, IORING_SEND_ZC_REPORT_USAGE);
	check_notice(&ring, 3, (int)IORING_NOTIF_USAGE_ZC_COPIED);
	io_uring_prep_send_zc(sqe_get(&ring), local[0], "abc", 3, 0, 0);
	check_notice(&ring, -EOPNOTSUPP, 0);
	MUST(shutdown(fds[0], SHUT_WR));
	io_uring_prep_send_zc(sqe_get(&ring), fds[0], "abc", 3, 0, 0);
	check_notice(&ring, -EPIPE, 0);
	/* no signal comes with it */
	io_uring_prep_send(sqe_get(&ring), fds[0], "abc", 3, 0);
	RUN_ONE(&ring, -EPIPE);
	io_uring_queue_exit(&ring);
}

static void refused(void)
{
	struct io_uring ring;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fds[2], file = temp_file(10), fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
	char buf[4];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ring_init(&ring, 8, 0);
	tcp_pair(fds);
	io_uring_prep_connect(sqe_get(&ring), fd, (struct sockaddr *)&address, sizeof(address));
	RUN_ONE(&ring, -ECONNREFUSED);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	io_uring_prep_accept(sqe_get(&ring), fd, NULL, NULL, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_recv(sqe_get(&ring), file, buf, sizeof(buf), 0);
	RUN_ONE(&ring, -ENOTSOCK);
	io_uring_prep_shutdown(sqe_get(&ring), file, SHUT_WR);
	RUN_ONE(&ring, -ENOTSOCK);
	io_uring_prep_send(sqe_get(&ring), fds[0], (void *)8, 4, 0);
	RUN_ONE(&ring, -EFAULT);
	io_uring_prep_recvmsg(sqe_get(&ring), fds[0], (void *)8, 0);
	RUN_ONE(&ring, -EFAULT);
	io_uring_prep_read_multishot(sqe_get(&ring), file, 0, 0, GROUP);
	RUN_ONE(&ring, -EBADFD);
	io_uring_queue_exit(&ring);
}

static void buffers_by_request(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	io_uring_prep_provide_buffers(sqe_get(&ring), memory, BUFFER_SIZE, 0, 9, 0);
	RUN_ONE(&ring, -E2BIG);
	io_uring_prep_provide_buffers(sqe_get(&ring), memory, BUFFER_SIZE, 10, 9, 65530);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_remove_buffers(sqe_get(&ring), 1, 9);
	RUN_ONE(&ring, -ENOENT);
	io_uring_prep_provide_buffers(sqe_get(&ring), memory, BUFFER_SIZE, BUFFERS, 9, 0);
	RUN_ONE(&ring, 0);
	io_uring_prep_remove_buffers(sqe_get(&ring), 2, 9);
	RUN_ONE(&ring, 2);
	fill(&ring);
	io_uring_prep_provide_buffers(sqe_get(&ring), memory, BUFFER_SIZE, BUFFERS, GROUP, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_queue_exit(&ring);
}

static int datagram_socket(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));

	*address = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	MUST(bind(fd, (struct sockaddr *)address, length));
	MUST(getsockname(fd, (struct sockaddr *)address, &length));
	return fd;
}

/* Where a send goes is up to what the address was when it was submitted. */
static void the_address_of_a_provided_buffer(void)
{
	struct __kernel_timespec soon = { .tv_nsec = 20000000 };
	struct sockaddr_in first, second, own, address;
	int a = datagram_socket(&first), b = datagram_socket(&second), from = datagram_socket(&own);
	static char data[8] = "data";
	char got[16];
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	io_uring_prep_provide_buffers(sqe_get(&ring), data, sizeof(data), 1, 7, 0);
	RUN_ONE(&ring, 0);
	address = first;
	sqe = sqe_get(&ring);
	io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = sqe_get(&ring);
	io_uring_prep_sendto(sqe, from, NULL, 0, 0, (struct sockaddr *)&address, sizeof(address));
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 7;
	submit(&ring, 2);
	address = second;
	CHECK_EQ(reap_any(&ring).res, -ETIME);
	CHECK_EQ(reap_any(&ring).res, sizeof(data));
	CHECK_EQ(recv(a, got, sizeof(got), 0), sizeof(data));
	CHECK_EQ(recv(b, got, sizeof(got), 0), -1);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(the_address_of_a_provided_buffer),
	PART(closed_in_flight),
	PART(both_directions),
	PART(all_or_a_broken_link),
	PART(not_waiting),
	PART(end_of_a_multishot),
	PART(a_bundle),
	PART(notices),
	PART(refused),
	PART(buffers_by_request),
)
