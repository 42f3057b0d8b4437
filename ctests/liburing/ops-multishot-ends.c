/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How multishot receives and reads end for want of buffers, at a limit of bytes, and whose turn it is meanwhile. */
#include "rings.h"
#include <sys/eventfd.h>

enum { BUFFERS = 256, BUFFER_LEN = 32, GROUP = 7 };

static char memory[BUFFERS][BUFFER_LEN];

static struct io_uring_buf_ring *buffers(struct io_uring *ring, int count)
{
	int error;
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(ring, BUFFERS, GROUP, 0, &error);

	CHECK(br != NULL);
	for (int i = 0; i < count; i++)
		io_uring_buf_ring_add(br, memory[i], BUFFER_LEN, (unsigned short)i, BUFFERS - 1, i);
	io_uring_buf_ring_advance(br, count);
	return br;
}

static void give(struct io_uring_buf_ring *br, int bid)
{
	io_uring_buf_ring_add(br, memory[bid], BUFFER_LEN, (unsigned short)bid, BUFFERS - 1, 0);
	io_uring_buf_ring_advance(br, 1);
}

static struct io_uring_sqe *receive(struct io_uring *ring, int fd, unsigned len)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_recv_multishot(sqe, fd, NULL, len, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = GROUP;
	return sqe;
}

static void expect(struct io_uring *ring, int res, bool goes_on)
{
	struct result result = reap_any(ring);

	CHECK_EQ(result.res, res);
	CHECK_EQ(!!(result.flags & IORING_CQE_F_MORE), goes_on);
}

/* The one buffer is given back each time, before anything else comes. */
static void the_last_buffer_ends_nothing(void)
{
	int kinds[4][2], eventfd_ends = (int)MUST(eventfd(0, 0));

	MUST(pipe(kinds[0]));
	socket_pair(kinds[1], SOCK_STREAM);
	tcp_pair(kinds[2]);
	kinds[3][0] = kinds[3][1] = eventfd_ends;
	for (int kind = 0; kind < 4; kind++)
		for (int receives = 0; receives < 2; receives++) {
			struct io_uring ring;

			if (receives && (kind == 0 || kind == 3))
				continue;
			ring_init(&ring, 8, 0);
			struct io_uring_buf_ring *br = buffers(&ring, 1);

			if (receives)
				receive(&ring, kinds[kind][0], 0);
			else
				io_uring_prep_read_multishot(sqe_get(&ring), kinds[kind][0], 0, -1, GROUP);
			submit(&ring, 1);
			for (int i = 0; i < 3; i++) {
				uint64_t data = 1;

				MUST(write(kinds[kind][1], &data, sizeof(data)));
				expect(&ring, sizeof(data), true);
				CHECK_EQ(io_uring_get_events(&ring), 0);
				CHECK_EQ(io_uring_cq_ready(&ring), 0);
				give(br, 0);
			}
			io_uring_queue_exit(&ring);
		}
}

static void what_has_no_room_ends_it(void)
{
	int fds[2];
	static char data[3 * BUFFER_LEN];
	struct io_uring ring;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	buffers(&ring, 2);
	io_uring_prep_read_multishot(sqe_get(&ring), fds[0], 0, -1, GROUP);
	submit(&ring, 1);
	MUST(write(fds[1], data, sizeof(data)));
	expect(&ring, BUFFER_LEN, true);
	expect(&ring, BUFFER_LEN, true);
	expect(&ring, -ENOBUFS, false);
	/* At its beginning it needs one, whether there is data or not. */
	MUST(read(fds[0], data, BUFFER_LEN));
	io_uring_prep_read_multishot(sqe_get(&ring), fds[0], 0, -1, GROUP);
	submit(&ring, 1);
	expect(&ring, -ENOBUFS, false);
	io_uring_queue_exit(&ring);
}

/* Messages are not looked for: without a buffer there is no next one. */
static void the_last_buffer_ends_a_receive_of_messages(void)
{
	int fds[2];
	struct io_uring ring;

	socket_pair(fds, SOCK_DGRAM);
	ring_init(&ring, 8, 0);
	buffers(&ring, 1);
	receive(&ring, fds[0], 0);
	submit(&ring, 1);
	MUST(send(fds[1], "1", 1, 0));
	expect(&ring, 1, true);
	expect(&ring, -ENOBUFS, false);
	io_uring_queue_exit(&ring);
}

static void a_limit_of_all_bytes(void)
{
	static char data[4096];

	for (int bundle = 0; bundle < 2; bundle++) {
		struct io_uring ring;
		int fds[2];

		socket_pair(fds, SOCK_STREAM);
		MUST(write(fds[1], data, sizeof(data)));
		ring_init(&ring, 8, 0);
		buffers(&ring, BUFFERS);
		struct io_uring_sqe *sqe = receive(&ring, fds[0], 0);

		sqe->optlen = 100;
		if (bundle)
			sqe->ioprio |= IORING_RECVSEND_BUNDLE;
		submit(&ring, 1);
		struct result first = reap_any(&ring);

		if (first.res == -EINVAL && !is_soft(&ring))
			SKIP("this kernel has no limit of a multishot receive");
		/* A bundle keeps to it, whole buffers reach it. */
		CHECK_EQ(first.res, bundle ? 96 : BUFFER_LEN);
		for (int i = 0; !bundle && i < 2; i++)
			expect(&ring, BUFFER_LEN, true);
		expect(&ring, bundle ? 4 : BUFFER_LEN, false);
		sqe = sqe_get(&ring);
		io_uring_prep_recv(sqe, fds[0], data, sizeof(data), 0);
		sqe->optlen = 100;
		RUN_ONE(&ring, -EINVAL);
		io_uring_queue_exit(&ring);
	}
}

/* On a ring that runs its work when it is entered, as the kernel says: otherwise it goes on. */
static void a_bundle_with_a_length_lets_others_go_first(void)
{
	static char data[2048];
	struct io_uring ring;
	int fds[2][2], before = -1;

	ring_init_or_skip(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN");
	buffers(&ring, BUFFERS - 1);
	for (int i = 0; i < 2; i++) {
		socket_pair(fds[i], SOCK_STREAM);
		struct io_uring_sqe *sqe = receive(&ring, fds[i][0], 128);

		sqe->ioprio |= IORING_RECVSEND_BUNDLE;
		io_uring_sqe_set_data64(sqe, (uint64_t)i);
	}
	submit(&ring, 2);
	for (int i = 0; i < 2; i++)
		MUST(write(fds[i][1], data, sizeof(data)));
	for (int left = 2 * sizeof(data); left > 0; left -= 128) {
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res, 128);
		if (left > 128)
			CHECK((int)result.user_data != before);
		before = (int)result.user_data;
	}
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(the_last_buffer_ends_nothing),
	PART(what_has_no_room_ends_it),
	PART(the_last_buffer_ends_a_receive_of_messages),
	PART(a_limit_of_all_bytes),
	PART(a_bundle_with_a_length_lets_others_go_first),
)
