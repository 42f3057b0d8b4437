/* Poll requests, sockets, cancellation, and a provided buffer ring. */
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "old.h"

#define ENTRIES 16
#define BUFFERS 4
#define BUFFER_SIZE 64
#define GROUP 3

static void submit_one(struct io_uring *ring, struct io_uring_sqe *sqe, unsigned long long data)
{
	io_uring_sqe_set_data64(sqe, data);
	CHECK_EQ(io_uring_submit(ring), 1);
}

static void polls(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_poll_add(sqe, ends[0], POLLIN);
	submit_one(ring, sqe, 1);
	CHECK_EQ(io_uring_peek_cqe(ring, &cqe), -EAGAIN);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(reap(ring, 1), POLLIN);

	/* Another is removed, and one that is not there cannot be. */
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_poll_add(sqe, ends[0], POLLPRI);
	submit_one(ring, sqe, 2);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_poll_remove(sqe, 2);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	submit_one(ring, sqe, 3);
	CHECK_EQ(reap(ring, 2), -ECANCELED);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_poll_remove(sqe, 2);
	submit_one(ring, sqe, 4);
	CHECK_EQ(reap(ring, 4), -ENOENT);
	close(ends[0]);
	close(ends[1]);
}

static void multishot_poll(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	char byte;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	io_uring_prep_poll_multishot(sqe, ends[0], POLLIN);
	submit_one(ring, sqe, 5);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(ends[1], "x", 1), 1);
		CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
		CHECK_EQ(cqe->user_data, 5);
		CHECK_EQ(cqe->res, POLLIN);
		CHECK(cqe->flags & IORING_CQE_F_MORE);
		io_uring_cqe_seen(ring, cqe);
		CHECK_EQ(read(ends[0], &byte, 1), 1);
	}
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_cancel64(sqe, 5, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	submit_one(ring, sqe, 6);
	CHECK_EQ(reap(ring, 5), -ECANCELED);
	close(ends[0]);
	close(ends[1]);
}

static void sync_cancel(struct io_uring *ring)
{
	struct io_uring_sync_cancel_reg reg = { .addr = 7, .timeout = { -1, -1 } };
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	char byte;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	io_uring_prep_read(sqe, ends[0], &byte, 1, 0);
	submit_one(ring, sqe, 7);
	CHECK_EQ(io_uring_register_sync_cancel(ring, &reg), 0);
	CHECK_EQ(reap(ring, 7), -ECANCELED);
	close(ends[0]);
	close(ends[1]);
}

static void messages(struct io_uring *ring)
{
	char out[] = "through msghdr", in[sizeof(out)];
	struct iovec from = { out, sizeof(out) }, to = { in, sizeof(in) };
	struct msghdr send_header = { .msg_iov = &from, .msg_iovlen = 1 };
	struct msghdr recv_header = { .msg_iov = &to, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_recvmsg(sqe, pair[0], &recv_header, 0);
	submit_one(ring, sqe, 8);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_sendmsg(sqe, pair[1], &send_header, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	submit_one(ring, sqe, 9);
	CHECK_EQ(reap(ring, 8), sizeof(out));
	CHECK(memcmp(in, out, sizeof(out)) == 0);
	close(pair[0]);
	close(pair[1]);
}

/* Receive into provided buffers, and give each back: more messages than there are buffers. */
static void buffer_ring(struct io_uring *ring)
{
	static char buffers[BUFFERS][BUFFER_SIZE];
	size_t size = BUFFERS * sizeof(struct io_uring_buf);
	struct io_uring_buf_ring *br = mmap(NULL, size, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = GROUP };
	int pair[2], mask = io_uring_buf_ring_mask(BUFFERS);

	CHECK(br != MAP_FAILED);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	reg.ring_addr = (unsigned long)br;
	CHECK_EQ(io_uring_register_buf_ring(ring, &reg, 0), 0);
	io_uring_buf_ring_init(br);
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(br, buffers[i], BUFFER_SIZE, i, mask, i);
	io_uring_buf_ring_advance(br, BUFFERS);
	for (int i = 0; i < 5 * BUFFERS; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
		struct io_uring_cqe *cqe;
		char text[BUFFER_SIZE];
		int bid, length = snprintf(text, sizeof(text), "message %d", i);

		CHECK_EQ(send(pair[1], text, length, 0), length);
		io_uring_prep_recv(sqe, pair[0], NULL, BUFFER_SIZE, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
		sqe->buf_group = GROUP;
		submit_one(ring, sqe, 10);
		CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
		CHECK_EQ(cqe->res, length);
		CHECK(cqe->flags & IORING_CQE_F_BUFFER);
		bid = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		CHECK(bid < BUFFERS && memcmp(buffers[bid], text, length) == 0);
		io_uring_buf_ring_add(br, buffers[bid], BUFFER_SIZE, bid, mask, 0);
		io_uring_buf_ring_cq_advance(ring, br, 1);
	}
	CHECK_EQ(io_uring_cq_ready(ring), 0);
	CHECK_EQ(io_uring_unregister_buf_ring(ring, GROUP), 0);
	munmap(br, size);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init(ENTRIES, &ring, 0), 0);
	polls(&ring);
	multishot_poll(&ring);
	sync_cancel(&ring);
	messages(&ring);
	buffer_ring(&ring);
	io_uring_queue_exit(&ring);
	print_library();
	return 0;
}
