/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Flags of socket requests together: waiting for all or for nothing, looking first, O_NONBLOCK, what is unknown. */
#include "rings.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static int listener(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	*address = (struct sockaddr_in){ .sin_family = AF_INET };
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(fd, (struct sockaddr *)address, len));
	MUST(listen(fd, 16));
	MUST(getsockname(fd, (struct sockaddr *)address, &len));
	return fd;
}

/* A worker that connects a socket which does not block waits for it all the same. */
static void connecting_on_a_worker(void)
{
	struct io_uring ring;
	struct sockaddr_in address;
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	listener(&address);
	ring_init(&ring, 8, 0);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_connect(sqe, fd, (struct sockaddr *)&address, sizeof(address));
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	RUN_ONE(&ring, 0);
	io_uring_queue_exit(&ring);
}

/* An accept says whether more connections wait; one that looks first and does not wait finds none. */
static void accepting(void)
{
	struct io_uring ring;
	struct sockaddr_in address;
	int server = listener(&address);

	ring_init(&ring, 8, 0);
	for (int i = 0; i < 3; i++) {
		int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

		MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	}
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_accept(sqe, server, NULL, NULL, 0);
	sqe->ioprio = IORING_ACCEPT_DONTWAIT | IORING_ACCEPT_POLL_FIRST;
	submit(&ring, 1);
	struct result result = reap_any(&ring);

	if (result.res == -EINVAL && !is_soft(&ring))
		SKIP("this kernel's accepts do not look first");
	CHECK_EQ(result.res, -EAGAIN);
	for (int i = 0; i < 3; i++) {
		io_uring_prep_accept(sqe_get(&ring), server, NULL, NULL, 0);
		submit(&ring, 1);
		result = reap_any(&ring);
		CHECK_OP(result.res, >=, 0);
		CHECK_EQ(result.flags, i < 2 ? IORING_CQE_F_SOCK_NONEMPTY : 0);
	}
	io_uring_queue_exit(&ring);
}

/* What came with control data is a message of its own: nothing is added to it. */
static void all_of_a_message_with_control_data(void)
{
	struct io_uring ring;
	int fds[2];
	char buf[8], control[64];
	struct iovec vector = { buf, sizeof(buf) };

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	for (int i = 0; i < 2; i++) {
		struct msghdr msg = { .msg_iov = &vector, .msg_iovlen = 1 };

		msg.msg_control = control;
		msg.msg_controllen = i == 0 ? sizeof(control) : 0;
		io_uring_prep_recvmsg(sqe_get(&ring), fds[0], &msg, MSG_WAITALL);
		submit(&ring, 1);
		CHECK_EQ(write(fds[1], "abc", 3), 3);
		CHECK_EQ(io_uring_submit_and_get_events(&ring), 0);
		if (i == 1)
			CHECK_EQ(write(fds[1], "defgh", 5), 5);
		CHECK_EQ(reap_any(&ring).res, i == 0 ? 3 : 8);
	}
	io_uring_queue_exit(&ring);
}

/* All that is there of a record, without waiting: the next record is another receive's. */
static void all_without_waiting(void)
{
	struct io_uring ring;
	int fds[2];
	char buf[8];

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_SEQPACKET);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(write(fds[1], "defgh", 5), 5);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv(sqe, fds[0], buf, sizeof(buf), MSG_WAITALL | MSG_DONTWAIT);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	nop(&ring, 1);
	submit(&ring, 2);
	CHECK_EQ(reap_any(&ring).res, 3);
	REAP(&ring, 1, -ECANCELED);
	io_uring_prep_recv(sqe_get(&ring), fds[0], buf, 5, MSG_WAITALL | MSG_DONTWAIT);
	RUN_ONE(&ring, 5);
	io_uring_queue_exit(&ring);
}

static void unknown(void)
{
	struct io_uring ring;
	int fds[2], value = 0;
	struct iovec vector = { "abc", 3 };
	struct msghdr msg = { .msg_iov = &vector, .msg_iovlen = 1 };
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	for (int i = 0; i < 3; i++) {
		sqe = sqe_get(&ring);
		io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_GETSOCKOPT, fds[0], SOL_SOCKET, SO_TYPE,
				       &value, sizeof(value));
		sqe->uring_cmd_flags = i == 1 ? 0x80 : 0;
		sqe->__pad1 = i == 2;
		RUN_ONE(&ring, i == 0 ? (int)sizeof(value) : -EINVAL);
	}
	/* lengths are never negative, whoever copies them */
	msg.msg_name = &value;
	msg.msg_namelen = (socklen_t)-1;
	io_uring_prep_sendmsg(sqe_get(&ring), fds[0], &msg, MSG_WAITALL);
	RUN_ONE(&ring, -EINVAL);
	io_uring_queue_exit(&ring);
}

/* Several vectors are one datagram, also to an address. */
static void vectors_to_an_address(void)
{
	struct io_uring ring;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	struct iovec vectors[2] = { { "ab", 2 }, { "cde", 3 } };
	int to = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), from = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
	char buf[8];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(to, (struct sockaddr *)&address, len));
	MUST(getsockname(to, (struct sockaddr *)&address, &len));
	ring_init(&ring, 8, 0);
	for (unsigned nr = 2; nr <= 1025; nr += 1023) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_send(sqe, from, vectors, nr, 0);
		sqe->ioprio = IORING_SEND_VECTORIZED;
		io_uring_prep_send_set_addr(sqe, (struct sockaddr *)&address, (__u16)len);
		submit(&ring, 1);
		int res = reap_any(&ring).res;

		if (nr == 2 && res == -EINVAL && !is_soft(&ring))
			SKIP("this kernel's sends take no vectors");
		CHECK_EQ(res, nr == 2 ? 5 : -EINVAL);
	}
	CHECK_EQ(recv(to, buf, sizeof(buf), MSG_DONTWAIT), 5);
	CHECK_EQ(memcmp(buf, "abcde", 5), 0);
	io_uring_queue_exit(&ring);
}

/* What is in a registered buffer goes, what is not is refused. Kernels learn it one operation after another. */
static void by_registered_buffers(void)
{
	static char memory[4096] = "abcdefgh", other[8];
	struct iovec buffer = { memory, sizeof(memory) };
	struct iovec inside[2] = { { memory, 3 }, { memory + 5, 3 } }, outside[2] = { { memory, 3 }, { other, 3 } };
	struct io_uring ring;
	char got[8];
	int fds[2];

	tcp_pair(fds);
	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_buffers(&ring, &buffer, 1), 0);
	struct {
		const char *what;
		const void *at;
		unsigned len, how;
		int zc, res;
	} sends[] = {
		{ "send", memory, 8, 0, 0, 8 }, { "send from elsewhere", other, 8, 0, 0, -EFAULT },
		{ "vectors", inside, 2, IORING_SEND_VECTORIZED, 0, 6 },
		{ "vectors from elsewhere", outside, 2, IORING_SEND_VECTORIZED, 0, -EFAULT },
		{ "zc vectors", inside, 2, IORING_SEND_VECTORIZED, 1, 6 },
		{ "zc vectors from elsewhere", outside, 2, IORING_SEND_VECTORIZED, 1, -EFAULT },
	};
	bool knows = true;

	for (size_t i = 0; i < sizeof(sends) / sizeof(sends[0]); i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		if (sends[i].zc)
			io_uring_prep_send_zc(sqe, fds[0], sends[i].at, sends[i].len, 0, 0);
		else
			io_uring_prep_send(sqe, fds[0], sends[i].at, sends[i].len, 0);
		sqe->ioprio |= sends[i].how | IORING_RECVSEND_FIXED_BUF;
		submit(&ring, 1);
		struct result result = reap_any(&ring);

		if (result.flags & IORING_CQE_F_MORE)
			CHECK(reap_any(&ring).flags & IORING_CQE_F_NOTIF);
		if (result.res == -EINVAL && !is_soft(&ring)) {
			knows = false;
			continue;
		}
		if (result.res != sends[i].res)
			fprintf(stderr, "  %s\n", sends[i].what);
		CHECK_EQ(result.res, sends[i].res);
		if (result.res > 0) {
			CHECK_EQ(recv(fds[1], got, sizeof(got), MSG_WAITALL | (result.res < 8 ? MSG_DONTWAIT : 0)), result.res);
			CHECK_EQ(memcmp(got, result.res == 8 ? "abcdefgh" : "abcfgh", (size_t)result.res), 0);
		}
	}
	if (!knows)
		SKIP("this kernel has not all of them");
	MUST(send(fds[1], "12345678", 8, 0));
	for (int i = 0; i < 2; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_recv(sqe, fds[0], i ? memory + 100 : other, 8, 0);
		sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
		RUN_ONE(&ring, i ? 8 : -EFAULT);
	}
	CHECK_EQ(memcmp(memory + 100, "12345678", 8), 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(connecting_on_a_worker),
	PART(accepting),
	PART(all_of_a_message_with_control_data),
	PART(all_without_waiting),
	PART(unknown),
	PART(vectors_to_an_address),
	PART(by_registered_buffers),
)
