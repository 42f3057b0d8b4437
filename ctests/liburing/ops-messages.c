/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sockets that keep messages apart, and the end of those that do not: what receives make of them. */
#include "rings.h"

enum { BUFFERS = 16, BUFFER_SIZE = 64, GROUP = 7, HEAD = sizeof(struct io_uring_recvmsg_out) + 16 };

static char memory[BUFFERS][BUFFER_SIZE], data[512];
static struct io_uring ring;
static int fds[2];
static struct msghdr header;

static void begin(int type)
{
	ring_init(&ring, 32, 0);
	MUST(socketpair(AF_UNIX, type, 0, fds));
	io_uring_prep_provide_buffers(sqe_get(&ring), memory, BUFFER_SIZE, BUFFERS, GROUP, 0);
	RUN_ONE(&ring, 0);
}

static void end(void)
{
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	MUST(close(fds[0]));
	MUST(close(fds[1]));
}

static void multishot(bool with_header)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	header = (struct msghdr){ .msg_namelen = 16 };
	if (with_header)
		io_uring_prep_recvmsg_multishot(sqe, fds[0], &header, 0);
	else
		io_uring_prep_recv_multishot(sqe, fds[0], NULL, 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = GROUP;
	submit(&ring, 1);
}

static void send_messages(int nr)
{
	for (int i = 0; i < nr; i++)
		CHECK_EQ(send(fds[1], data, (size_t)(4 + i), 0), 4 + i);
}

static void check_more(int res, bool goes_on)
{
	struct result result = reap_any(&ring);

	CHECK_EQ(result.res, res);
	CHECK_EQ(!!(result.flags & IORING_CQE_F_MORE), goes_on);
	CHECK_EQ(!!(result.flags & IORING_CQE_F_BUFFER), res != 0);
}

static void several_messages(int type, bool with_header, bool are_there)
{
	int head = with_header ? HEAD : 0;
	struct io_uring_cqe *cqe;

	begin(type);
	if (are_there)
		send_messages(4);
	multishot(with_header);
	if (!are_there)
		send_messages(4);
	/* All of them come with the first. */
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 4);
	for (int i = 0; i < 4; i++)
		check_more(head + 4 + i, true);
	/* One without data is the last. */
	CHECK_EQ(send(fds[1], data, 0, 0), 0);
	check_more(head, false);
	end();
}

static void one_by_one(void)
{
	for (int i = 0; i < 4; i++) {
		several_messages(SOCK_DGRAM, i & 1, i & 2);
		several_messages(SOCK_SEQPACKET, i & 1, i & 2);
	}
}

static void the_end_of_a_stream(void)
{
	begin(SOCK_STREAM);
	multishot(true);
	send_messages(1);
	check_more(HEAD + 4, true);
	MUST(shutdown(fds[1], SHUT_WR));
	check_more(HEAD, false);
	end();

	begin(SOCK_STREAM);
	multishot(false);
	send_messages(1);
	MUST(shutdown(fds[1], SHUT_WR));
	check_more(4, true);
	check_more(0, false);
	end();

	/* The end comes with the last data. */
	begin(SOCK_STREAM);
	send_messages(1);
	MUST(shutdown(fds[1], SHUT_WR));
	multishot(false);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	check_more(4, true);
	check_more(0, false);
	end();
}

/* MSG_WAITALL means that of a stream or a sequence; a datagram is whole as it is, and too short breaks links. */
static void wait_for_all(int type, bool with_header, int first, int second)
{
	static struct iovec vector = { data, 100 };
	struct io_uring_sqe *sqe;

	begin(type);
	sqe = sqe_get(&ring);
	header = (struct msghdr){ .msg_iov = &vector, .msg_iovlen = 1 };
	if (with_header)
		io_uring_prep_recvmsg(sqe, fds[0], &header, MSG_WAITALL);
	else
		io_uring_prep_recv(sqe, fds[0], data, 100, MSG_WAITALL);
	io_uring_sqe_set_data64(sqe, 1);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	nop(&ring, 2);
	submit(&ring, 2);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(send(fds[1], data, 20, 0), 20);
	REAP(&ring, 1, first);
	REAP(&ring, 2, second);
	end();
}

static void all_of_it(void)
{
	for (int i = 0; i < 2; i++) {
		wait_for_all(SOCK_STREAM, i, 100, 0);
		wait_for_all(SOCK_SEQPACKET, i, 100, 0);
		wait_for_all(SOCK_DGRAM, i, 20, -ECANCELED);
	}
}

/* Of a bundle: no more than was asked for, and nothing beyond its buffers. */
static void prep_bundle(unsigned len, int flags)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv(sqe, fds[0], NULL, len, flags);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = GROUP;
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
}

static void bundle_begin(int type)
{
	int err = 0;

	ring_init(&ring, 32, 0);
	struct io_uring_buf_ring *buffers = io_uring_setup_buf_ring(&ring, BUFFERS, GROUP, 0, &err);

	if (!buffers)
		SKIP("this kernel has no buffer rings");
	memset(memory, 0, sizeof(memory));
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(buffers, memory[i], 8, (unsigned short)i, BUFFERS - 1, i);
	io_uring_buf_ring_advance(buffers, BUFFERS);
	MUST(socketpair(AF_UNIX, type, 0, fds));
	memset(data, 'x', sizeof(data));
}

static void bundles(void)
{
	/* Less than a buffer, and more than some of them but not all of the next. */
	static const unsigned wanted[] = { 1, 7, 9, 12, 17 }, got[] = { 1, 7, 8, 8, 16 };

	for (int i = 0; i < 5; i++) {
		bundle_begin(SOCK_STREAM);
		CHECK_EQ(send(fds[1], data, 40, 0), 40);
		prep_bundle(wanted[i], 0);
		RUN_ONE(&ring, (int)got[i]);
		CHECK_EQ(memory[(got[i] + 7) / 8 - 1][(got[i] - 1) % 8], 'x');
		CHECK_EQ(memory[(got[i] + 7) / 8][0], 0);
		end();
	}

	bundle_begin(SOCK_DGRAM);
	CHECK_EQ(send(fds[1], data, 20, 0), 20);
	prep_bundle(0, 0);
	RUN_ONE(&ring, 8);
	end();

	/* All of it, across buffers; without a length, what comes first. */
	bundle_begin(SOCK_STREAM);
	prep_bundle(20, MSG_WAITALL);
	submit(&ring, 1);
	CHECK_EQ(send(fds[1], data, 10, 0), 10);
	usleep(2000);
	CHECK_EQ(send(fds[1], data, 6, 0), 6);
	CHECK_EQ(reap_any(&ring).res, 16);
	for (int i = 0; i < BUFFERS; i++)
		for (int at = 0; at < BUFFER_SIZE; at++)
			CHECK_EQ(memory[i][at], i < 2 && at < 8 ? 'x' : 0);
	end();
	bundle_begin(SOCK_STREAM);
	CHECK_EQ(send(fds[1], data, 10, 0), 10);
	prep_bundle(0, MSG_WAITALL);
	RUN_ONE(&ring, 10);
	end();
}

/* What was only looked at is still there. */
static void looked_at_only(void)
{
	begin(SOCK_STREAM);
	send_messages(1);
	io_uring_prep_recv(sqe_get(&ring), fds[0], data, 64, MSG_PEEK);
	submit(&ring, 1);
	struct result result = reap_any(&ring);

	CHECK_EQ(result.res, 4);
	CHECK_EQ(result.flags, IORING_CQE_F_SOCK_NONEMPTY);
	io_uring_prep_recv(sqe_get(&ring), fds[0], data, 64, 0);
	submit(&ring, 1);
	result = reap_any(&ring);
	CHECK_EQ(result.res, 4);
	CHECK_EQ(result.flags, 0);
	end();
}

TEST_PARTS(
	PART(one_by_one),
	PART(the_end_of_a_stream),
	PART(all_of_it),
	PART(bundles),
	PART(looked_at_only),
)
