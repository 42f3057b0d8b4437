/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Provided buffers of sockets: bundles of them, when multishots end with them, and those of what fails. */
#include "rings.h"

enum { BUFFERS = 4, SIZE = 8, GROUP = 1 };

static unsigned char memory[BUFFERS][SIZE];

static struct io_uring_buf_ring *ring_with_buffers(struct io_uring *ring, unsigned flags)
{
	int err = 0;

	ring_init(ring, 8, 0);
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(ring, BUFFERS, GROUP, flags, &err);

	if (err == -EINVAL)
		SKIP("this kernel has no such buffer rings");
	CHECK(br != NULL);
	for (int bid = 0; bid < BUFFERS; bid++) {
		memset(memory[bid], 'a' + bid, SIZE);
		io_uring_buf_ring_add(br, memory[bid], SIZE, (unsigned short)bid, BUFFERS - 1, bid);
	}
	io_uring_buf_ring_advance(br, BUFFERS);
	return br;
}

static void select_buffers(struct io_uring_sqe *sqe, unsigned how)
{
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, GROUP);
	sqe->ioprio |= (__u16)how;
}

static void check(struct result result, int res, int bid, unsigned flags)
{
	CHECK_EQ(result.res, res);
	CHECK_EQ(result.flags & ~(unsigned)IORING_CQE_F_SOCK_NONEMPTY,
		 IORING_CQE_F_BUFFER | (unsigned)bid << IORING_CQE_BUFFER_SHIFT | flags);
}

static unsigned head(struct io_uring *ring)
{
	uint16_t head = 0;

	CHECK_EQ(io_uring_buf_ring_head(ring, GROUP, &head), 0);
	return head;
}

/* What is wanted is sent first, whole buffers of it, and the others go behind it. */
static void sends_all_there_are(void)
{
	struct io_uring ring;
	int fds[2];
	char buf[64];

	ring_with_buffers(&ring, 0);
	socket_pair(fds, SOCK_SEQPACKET);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_send_bundle(sqe, fds[0], 20, 0);
	select_buffers(sqe, 0);
	submit(&ring, 1);
	check(reap_any(&ring), 16, 0, IORING_CQE_F_MORE);
	check(reap_any(&ring), 16, 2, 0);
	CHECK_EQ(recv(fds[1], buf, sizeof(buf), MSG_DONTWAIT), 16);
	CHECK_EQ(memcmp(buf, "aaaaaaaabbbbbbbb", 16), 0);
	CHECK_EQ(recv(fds[1], buf, sizeof(buf), MSG_DONTWAIT), 16);
	CHECK_EQ(memcmp(buf, "ccccccccdddddddd", 16), 0);
	io_uring_queue_exit(&ring);
}

/* A bundle is sent to its end, however slowly it is taken. */
static void sends_to_the_end(void)
{
	enum { LARGE = 1 << 18 };
	struct io_uring ring;
	int fds[2], err = 0, small = 4096;
	static char buf[4096], large[BUFFERS][LARGE];
	size_t total = 0, wrong = 0;

	ring_init(&ring, 8, 0);
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(&ring, BUFFERS, GROUP, 0, &err);

	CHECK(br != NULL);
	for (int bid = 0; bid < BUFFERS; bid++) {
		memset(large[bid], 'a' + bid, LARGE);
		io_uring_buf_ring_add(br, large[bid], LARGE, (unsigned short)bid, BUFFERS - 1, bid);
	}
	io_uring_buf_ring_advance(br, BUFFERS);
	socket_pair(fds, SOCK_STREAM);
	MUST(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_send_bundle(sqe, fds[0], 0, 0);
	select_buffers(sqe, 0);
	submit(&ring, 1);
	for (ssize_t n = 0; n > 0 || io_uring_cq_ready(&ring) == 0;) {
		n = recv(fds[1], buf, sizeof(buf), MSG_DONTWAIT);
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] != 'a' + (char)((total + (size_t)i) / LARGE);
		total += n > 0 ? (size_t)n : 0;
		CHECK_EQ(io_uring_get_events(&ring), 0);
	}
	struct result result = reap_any(&ring);

	if (result.res < (int)sizeof(large) && !is_soft(&ring))
		SKIP("this kernel's bundles end early at times");
	CHECK_EQ(result.res, (int)sizeof(large));
	CHECK_EQ(total, sizeof(large));
	CHECK_EQ(wrong, 0);
	CHECK_EQ(result.flags, IORING_CQE_F_BUFFER);
	CHECK_EQ(head(&ring), BUFFERS);
	io_uring_queue_exit(&ring);
}

/* The buffer of a send that fails is used up, and the CQE says so. */
static void of_a_send_that_fails(void)
{
	struct io_uring ring;
	int fds[2];

	ring_with_buffers(&ring, 0);
	socket_pair(fds, SOCK_STREAM);
	close(fds[1]);
	for (int bid = 0; bid < 2; bid++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_send(sqe, fds[0], NULL, 0, 0);
		select_buffers(sqe, 0);
		submit(&ring, 1);
		check(reap_any(&ring), -EPIPE, bid, 0);
	}
	CHECK_EQ(head(&ring), 2);
	io_uring_queue_exit(&ring);
}

/* A message goes into as many buffers as were asked for; without a length into one. */
static void receives_a_message(void)
{
	struct io_uring ring;
	int fds[2];

	ring_with_buffers(&ring, 0);
	socket_pair(fds, SOCK_DGRAM);
	for (int i = 0; i < 2; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		CHECK_EQ(send(fds[1], "a message of 18 by", 18, 0), 18);
		io_uring_prep_recv(sqe, fds[0], NULL, i == 0 ? 24 : 0, 0);
		select_buffers(sqe, IORING_RECVSEND_BUNDLE);
		submit(&ring, 1);
		check(reap_any(&ring), i == 0 ? 18 : 8, i == 0 ? 0 : 3, 0);
	}
	CHECK_EQ(memcmp(memory, "a message of 18 by", 18), 0);
	CHECK_EQ(memcmp(memory[3], "a messag", 8), 0);
	io_uring_queue_exit(&ring);
}

/* Piece by piece, a message goes on in the next buffer, and so does the one behind it. */
static void receives_messages_in_pieces(void)
{
	struct io_uring ring;
	int fds[2];

	ring_with_buffers(&ring, IOU_PBUF_RING_INC);
	socket_pair(fds, SOCK_SEQPACKET);
	CHECK_EQ(send(fds[1], "abc", 3, 0), 3);
	CHECK_EQ(send(fds[1], "defghijklm", 10, 0), 10);
	for (int i = 0; i < 2; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_recv(sqe, fds[0], NULL, 10, 0);
		select_buffers(sqe, IORING_RECVSEND_BUNDLE);
		submit(&ring, 1);
		check(reap_any(&ring), i == 0 ? 3 : 10, 0, IORING_CQE_F_BUF_MORE);
	}
	CHECK_EQ(memcmp(memory, "abcdefghijklm", 13), 0);
	io_uring_queue_exit(&ring);
}

/* A multishot that has filled the last buffer by a bundle is over, rather than told later that there is none. */
static void ends_with_the_last_buffer(void)
{
	struct io_uring ring;
	int fds[2];

	ring_with_buffers(&ring, 0);
	socket_pair(fds, SOCK_STREAM);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv_multishot(sqe, fds[0], NULL, 0, 0);
	select_buffers(sqe, IORING_RECVSEND_BUNDLE);
	submit(&ring, 1);
	for (int bid = 0; bid < BUFFERS; bid++) {
		CHECK_EQ(send(fds[1], "1234", 4, 0), 4);
		check(reap_any(&ring), 4, bid, bid < BUFFERS - 1 ? IORING_CQE_F_MORE : 0);
	}
	CHECK_EQ(send(fds[1], "1", 1, 0), 1);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* MSG_TRUNC tells of more than came: one buffer is used. */
static void a_message_that_was_cut(void)
{
	struct io_uring ring;
	int fds[2];

	ring_with_buffers(&ring, 0);
	socket_pair(fds, SOCK_DGRAM);
	for (int bid = 0; bid < 2; bid++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		CHECK_EQ(send(fds[1], "a message of 18 by", 18, 0), 18);
		io_uring_prep_recv(sqe, fds[0], NULL, 0, MSG_TRUNC);
		select_buffers(sqe, 0);
		submit(&ring, 1);
		struct result result = reap_any(&ring);

		CHECK_EQ(result.flags >> IORING_CQE_BUFFER_SHIFT, bid);
	}
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(sends_all_there_are),
	PART(sends_to_the_end),
	PART(of_a_send_that_fails),
	PART(receives_a_message),
	PART(receives_messages_in_pieces),
	PART(ends_with_the_last_buffer),
	PART(a_message_that_was_cut),
)
