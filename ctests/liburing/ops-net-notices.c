/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Notices of sends without copying: which requests get one, when, and what it does to links. */
#include "rings.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static struct io_uring_sqe *send_zc(struct io_uring *ring, uint64_t user_data, int fd, unsigned how)
{
	static char text[16];
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_send_zc(sqe, fd, text, sizeof(text), 0, how);
	io_uring_sqe_set_data64(sqe, user_data);
	return sqe;
}

static void check(struct result result, uint64_t user_data, int res, unsigned flags)
{
	CHECK_EQ(result.user_data, user_data);
	CHECK_EQ(result.res, res);
	CHECK_EQ(result.flags, flags);
}

/* A result that another CQE follows, and that other one. */
static void check_both(struct io_uring *ring, uint64_t user_data, int res, unsigned usage)
{
	check(reap_any(ring), user_data, res, IORING_CQE_F_MORE);
	check(reap_any(ring), user_data, (int)usage, IORING_CQE_F_NOTIF);
}

/* A notice that data was copied looks like an error, and is none. */
static void links(void)
{
	struct io_uring ring;
	int fds[2], seen = 0;

	ring_init(&ring, 8, 0);
	tcp_pair(fds);
	send_zc(&ring, 1, fds[0], IORING_SEND_ZC_REPORT_USAGE)->flags |= IOSQE_IO_LINK;
	nop(&ring, 2);
	submit(&ring, 2);
	check(reap_any(&ring), 1, 16, IORING_CQE_F_MORE);
	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(&ring);

		seen |= 1 << result.user_data;
		if (result.user_data == 2)
			CHECK_EQ(result.res, 0);
		else
			check(result, 1, (int)IORING_NOTIF_USAGE_ZC_COPIED, IORING_CQE_F_NOTIF);
	}
	CHECK_EQ(seen, 1 << 1 | 1 << 2);
	io_uring_queue_exit(&ring);
}

static void behind_all_results(void)
{
	struct io_uring ring;
	int fds[2];

	ring_init(&ring, 8, 0);
	tcp_pair(fds);
	send_zc(&ring, 1, fds[0], 0);
	send_zc(&ring, 2, fds[0], 0);
	nop(&ring, 3);
	submit(&ring, 3);
	check(reap_any(&ring), 1, 16, IORING_CQE_F_MORE);
	check(reap_any(&ring), 2, 16, IORING_CQE_F_MORE);
	check(reap_any(&ring), 3, 0, 0);
	check(reap_any(&ring), 1, 0, IORING_CQE_F_NOTIF);
	check(reap_any(&ring), 2, 0, IORING_CQE_F_NOTIF);
	io_uring_queue_exit(&ring);
}

static void of_what_fails(void)
{
	struct io_uring ring;
	static char memory[64];
	struct iovec vector = { memory, sizeof(memory) };
	int fds[2], local[2];
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	tcp_pair(fds);
	socket_pair(local, SOCK_STREAM);
	CHECK_EQ(io_uring_register_buffers(&ring, &vector, 1), 0);
	send_zc(&ring, 1, -1, 0);
	submit(&ring, 1);
	check_both(&ring, 1, -EBADF, 0);
	/* not in the buffer */
	send_zc(&ring, 2, fds[0], IORING_RECVSEND_FIXED_BUF);
	submit(&ring, 1);
	check_both(&ring, 2, -EFAULT, 0);
	send_zc(&ring, 3, local[0], IORING_RECVSEND_FIXED_BUF);
	submit(&ring, 1);
	check_both(&ring, 3, -EOPNOTSUPP, 0);
	send_zc(&ring, 4, fds[0], IORING_RECVSEND_BUNDLE | IORING_SEND_ZC_REPORT_USAGE);
	submit(&ring, 1);
	check_both(&ring, 4, -EINVAL, 0);
	sqe = send_zc(&ring, 5, fds[0], 0);
	sqe->addr3 = 1;
	submit(&ring, 1);
	check(reap_any(&ring), 5, -EINVAL, 0);
	io_uring_queue_exit(&ring);
}

/* A full socket's send waits; it ends with both when it is cancelled. */
static void of_what_is_cancelled(void)
{
	struct io_uring ring;
	int fds[2], small = 4096;
	static char much[1 << 20];

	ring_init(&ring, 8, 0);
	tcp_pair(fds);
	MUST(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	MUST(setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	/* what is on its way makes room at first */
	for (int failed = 0; failed < 20; usleep(2000))
		failed = send(fds[0], much, sizeof(much), MSG_DONTWAIT) > 0 ? 0 : failed + 1;
	send_zc(&ring, 1, fds[0], IORING_SEND_ZC_REPORT_USAGE);
	submit(&ring, 1);
	io_uring_prep_cancel64(sqe_get(&ring), 1, 0);
	submit(&ring, 1);
	CHECK_EQ(reap_any(&ring).res, 0);
	check_both(&ring, 1, -ECANCELED, IORING_NOTIF_USAGE_ZC_COPIED);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(links),
	PART(behind_all_results),
	PART(of_what_fails),
	PART(of_what_is_cancelled),
)
