/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Operations on sockets, pipes and provided buffers. */
#include "inject.h"
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ENTRIES = 16, PART = 64, BUFFERS = 4, GROUP = 1 };

static void pair(int fds[2])
{
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void tcp_pair(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int server = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(server, (struct sockaddr *)&address, len));
	MUST(listen(server, 1));
	MUST(getsockname(server, (struct sockaddr *)&address, &len));
	fds[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(fds[0], (struct sockaddr *)&address, len));
	fds[1] = (int)MUST(accept(server, NULL, NULL));
	close(server);
}

static void connections(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct io_uring ring;
	int server, client, made;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	server = OP(&ring, ANY, io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0));
	if (server >= 0 && OP(&ring, 0, io_uring_prep_bind(sqe, server, (void *)&address, sizeof(address))) == 0 &&
	    OP(&ring, 0, io_uring_prep_listen(sqe, server, 4)) == 0) {
		socklen_t len = sizeof(address);

		MUST(getsockname(server, (struct sockaddr *)&address, &len));
		client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
		if (OP(&ring, 0, io_uring_prep_connect(sqe, client, (void *)&address, len)) == 0) {
			made = OP(&ring, ANY, io_uring_prep_accept(sqe, server, NULL, NULL, SOCK_CLOEXEC));
			OP(&ring, 0, io_uring_prep_shutdown(sqe, client, SHUT_WR));
			if (made >= 0)
				close(made);
		}
		close(client);
	}
	if (server >= 0)
		close(server);
	io_uring_queue_exit(&ring);
}

static void messages(void)
{
	struct io_uring ring;
	char out[PART] = "message", in[PART];
	struct iovec from = { out, PART }, to = { in, PART };
	struct msghdr sent = { .msg_iov = &from, .msg_iovlen = 1 }, received = { .msg_iov = &to, .msg_iovlen = 1 };
	int fds[2];

	tcp_pair(fds);
	if (open_ring(&ring, ENTRIES, 0)) {
		if (OP(&ring, PART, io_uring_prep_send(sqe, fds[0], out, PART, 0)) == PART &&
		    OP(&ring, PART, io_uring_prep_recv(sqe, fds[1], in, PART, 0)) == PART)
			HOLDS(memcmp(in, out, PART) == 0);
		if (OP(&ring, PART, io_uring_prep_sendmsg(sqe, fds[0], &sent, 0)) == PART)
			OP(&ring, ANY, io_uring_prep_recvmsg(sqe, fds[1], &received, 0));
		OP(&ring, PART, io_uring_prep_send_zc(sqe, fds[0], out, PART, 0, 0));
		OP(&ring, PART, io_uring_prep_sendmsg_zc(sqe, fds[0], &sent, 0));
		io_uring_queue_exit(&ring);
	}
	close_both(fds);
}

/* Receives and sends that wait until the other side comes. */
static void late_messages(void)
{
	struct io_uring ring;
	char in[PART];
	struct iovec to = { in, PART };
	struct msghdr received = { .msg_iov = &to, .msg_iovlen = 1 };
	int fds[2];

	pair(fds);
	if (open_ring(&ring, ENTRIES, 0)) {
		io_uring_prep_recv(new_sqe(&ring), fds[1], in, PART / 2, MSG_WAITALL);
		io_uring_prep_recvmsg(new_sqe(&ring), fds[1], &received, 0);
		submit_all(&ring);
		for (int i = 0; i < 4; i++)
			MUST(send(fds[0], in, PART / 4, 0));
		shutdown(fds[0], SHUT_WR);
		for (int i = 0; i < 2; i++)
			RIGHT(take_cqe(&ring).res, ANY);
		io_uring_queue_exit(&ring);
	}
	close_both(fds);
}

static void commands(void)
{
	struct io_uring ring;
	int fds[2], value = 1, size = 1 << 16;
	struct sockaddr_in address;

	tcp_pair(fds);
	MUST(send(fds[1], "12345", 5, 0));
	if (open_ring(&ring, ENTRIES, 0)) {
		OP(&ring, ANY, io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SIOCINQ, fds[0], 0, 0, NULL, 0));
		OP(&ring, ANY, io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SIOCOUTQ, fds[0], 0, 0, NULL, 0));
		OP(&ring, sizeof(value), io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_GETSOCKOPT, fds[0], SOL_SOCKET,
								SO_TYPE, &value, sizeof(value)));
		OP(&ring, 0, io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SETSOCKOPT, fds[0], SOL_SOCKET, SO_RCVBUF,
						    &size, sizeof(size)));
		socklen_t len = sizeof(address);
		struct io_uring_sqe *sqe = new_sqe(&ring);

		io_uring_prep_cmd_getsockname(sqe, fds[0], (void *)&address, &len, 0);
		int res = run_one(&ring);

		HOLDS(res == 0 || res == -EOPNOTSUPP || has_failed());
		io_uring_queue_exit(&ring);
	}
	close_both(fds);
}

static struct io_uring_buf_ring *buffer_ring(struct io_uring *ring, char *memory, unsigned flags)
{
	int ret = 0;
	struct io_uring_buf_ring *buffers = io_uring_setup_buf_ring(ring, BUFFERS, GROUP, flags, &ret);

	if (!RIGHT(ret, 0) || !buffers)
		return NULL;
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(buffers, memory + i * PART, PART, (unsigned short)i, BUFFERS - 1, i);
	io_uring_buf_ring_advance(buffers, BUFFERS);
	return buffers;
}

/* Receives in buffers of a ring until there are none, in one request. */
static void multishot_receives(void)
{
	struct io_uring ring;
	char *memory = pages(4096);
	int fds[2];

	pair(fds);
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_buf_ring *buffers = buffer_ring(&ring, memory, 0);

		if (buffers) {
			struct io_uring_sqe *sqe = new_sqe(&ring);

			io_uring_prep_recv_multishot(sqe, fds[1], NULL, 0, 0);
			sqe->flags |= IOSQE_BUFFER_SELECT;
			sqe->buf_group = GROUP;
			submit_all(&ring);
			MUST(send(fds[0], memory, PART + 1, 0));
			shutdown(fds[0], SHUT_WR);
			struct completion cqe;

			do
				RIGHT((cqe = take_cqe(&ring)).res, ANY);
			while (cqe.flags & IORING_CQE_F_MORE);
			RIGHT(AGAIN(io_uring_free_buf_ring(&ring, buffers, BUFFERS, GROUP)), 0);
		}
		io_uring_queue_exit(&ring);
	}
	close_both(fds);
	munmap(memory, 4096);
}

/* Several buffers by one request. */
static void bundles(void)
{
	struct io_uring ring;
	char *memory = pages(4096);
	int fds[2];

	pair(fds);
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_buf_ring *buffers = buffer_ring(&ring, memory, 0);

		if (buffers) {
			OP(&ring, ANY, (io_uring_prep_send_bundle(sqe, fds[0], 0, 0), sqe->flags |= IOSQE_BUFFER_SELECT,
					sqe->buf_group = GROUP));
			MUST(send(fds[1], memory, PART * 2, 0));
			for (int i = 0; i < BUFFERS; i++)
				io_uring_buf_ring_add(buffers, memory + i * PART, PART, (unsigned short)i, BUFFERS - 1, i);
			io_uring_buf_ring_advance(buffers, BUFFERS);
			OP(&ring, ANY, (io_uring_prep_recv(sqe, fds[0], NULL, 0, 0),
					sqe->ioprio |= IORING_RECVSEND_BUNDLE, sqe->flags |= IOSQE_BUFFER_SELECT,
					sqe->buf_group = GROUP));
			RIGHT(AGAIN(io_uring_free_buf_ring(&ring, buffers, BUFFERS, GROUP)), 0);
		}
		io_uring_queue_exit(&ring);
	}
	close_both(fds);
	munmap(memory, 4096);
}

/* The older way to give buffers. */
static void provided(void)
{
	struct io_uring ring;
	char memory[BUFFERS * PART];
	int fds[2];

	pair(fds);
	if (open_ring(&ring, ENTRIES, 0)) {
		if (OP(&ring, ANY, io_uring_prep_provide_buffers(sqe, memory, PART, BUFFERS, GROUP, 0)) >= 0) {
			MUST(send(fds[0], "x", 1, 0));
			OP(&ring, 1, (io_uring_prep_recv(sqe, fds[1], NULL, PART, 0),
				      sqe->flags |= IOSQE_BUFFER_SELECT, sqe->buf_group = GROUP));
			OP(&ring, ANY, io_uring_prep_remove_buffers(sqe, BUFFERS, GROUP));
		}
		io_uring_queue_exit(&ring);
	}
	close_both(fds);
}

static void multishot_accepts(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);
	struct io_uring ring;
	int server = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), clients[2];

	MUST(bind(server, (struct sockaddr *)&address, len));
	MUST(listen(server, 4));
	len = sizeof(address);
	MUST(getsockname(server, (struct sockaddr *)&address, &len));
	if (open_ring(&ring, ENTRIES, 0)) {
		bool goes_on = true;

		io_uring_prep_multishot_accept(new_sqe(&ring), server, NULL, NULL, 0);
		submit_all(&ring);
		for (int i = 0; i < 2; i++) {
			clients[i] = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
			MUST(connect(clients[i], (struct sockaddr *)&address, len));
			if (goes_on) {
				struct completion cqe = take_cqe(&ring);

				if (RIGHT(cqe.res, ANY))
					close(cqe.res);
				goes_on = cqe.flags & IORING_CQE_F_MORE;
			}
		}
		/* What was accepted and not taken is closed with the ring. */
		io_uring_queue_exit(&ring);
		close_both(clients);
	}
	close(server);
}

static void pipes(void)
{
	struct io_uring ring;
	int first[2] = { -1, -1 }, second[2];
	char byte = 0;

	MUST(pipe(second));
	if (open_ring(&ring, ENTRIES, 0)) {
		if (OP(&ring, 0, io_uring_prep_pipe(sqe, first, 0)) == 0) {
			MUST(write(first[1], "spliced", 7));
			OP(&ring, ANY, io_uring_prep_tee(sqe, first[0], second[1], 3, 0));
			OP(&ring, ANY, io_uring_prep_splice(sqe, first[0], -1, second[1], -1, 7, 0));
			OP(&ring, ANY, io_uring_prep_write(sqe, first[1], "y", 1, 0));
			OP(&ring, ANY, io_uring_prep_read(sqe, second[0], &byte, 1, 0));
			close_both(first);
		}
		io_uring_queue_exit(&ring);
	}
	close_both(second);
}

static void multishot_reads(void)
{
	struct io_uring ring;
	char *memory = pages(4096);
	int fds[2];

	MUST(pipe(fds));
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_buf_ring *buffers = buffer_ring(&ring, memory, IOU_PBUF_RING_INC);

		if (buffers) {
			io_uring_prep_read_multishot(new_sqe(&ring), fds[0], 0, 0, GROUP);
			submit_all(&ring);
			MUST(write(fds[1], "some", 4));
			struct completion cqe = take_cqe(&ring);

			RIGHT(cqe.res, 4);
			close(fds[1]);
			fds[1] = -1;
			while (cqe.flags & IORING_CQE_F_MORE)
				RIGHT((cqe = take_cqe(&ring)).res, ANY);
			RIGHT(AGAIN(io_uring_free_buf_ring(&ring, buffers, BUFFERS, GROUP)), 0);
		}
		io_uring_queue_exit(&ring);
	}
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
	munmap(memory, 4096);
}

const struct scenario socket_scenarios[] = {
	SCENARIO(connections), SCENARIO(messages), SCENARIO(late_messages), SCENARIO(commands),
	SCENARIO(multishot_receives), SCENARIO(bundles), SCENARIO(provided), SCENARIO(multishot_accepts), SCENARIO(pipes),
	SCENARIO(multishot_reads), SCENARIOS_END,
};
