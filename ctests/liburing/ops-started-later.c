/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Operations that start after what they are linked to: what they make and change is the submitting thread's, also where
 * that has descriptors of its own.
 */
#include "rings.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

static struct io_uring ring;
static int gate[2];

/* A request that what is prepared next waits for. */
static void close_gate(void)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_poll_add(sqe, gate[0], POLLIN);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sqe->user_data = 1;
}

/* Submits, opens the gate, and answers what the request behind it answered. */
static int result_behind_gate(struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;
	char byte = 0;

	sqe->user_data = 2;
	submit(&ring, 2);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK_EQ(write(gate[1], &byte, 1), 1);
	REAP(&ring, 1, POLLIN);
	CHECK_EQ(read(gate[0], &byte, 1), 1);
	struct result last = reap_any(&ring);

	CHECK_EQ(last.user_data, 2);
	return last.res;
}

static struct io_uring_sqe *behind_gate(void)
{
	close_gate();
	return sqe_get(&ring);
}

/* The write end of a pipe that was made. */
static int make_pipe(void)
{
	struct io_uring_sqe *sqe = behind_gate();
	int ends[2] = { -1, -1 };
	char byte = 0;

	io_uring_prep_pipe(sqe, ends, O_CLOEXEC | O_NONBLOCK);
	int res = result_behind_gate(sqe);

	if (res == -EINVAL && !is_soft(&ring))
		SKIP("this kernel has no IORING_OP_PIPE");
	CHECK_EQ(res, 0);
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(read(ends[0], &byte, 1), -1);
	CHECK_EQ(errno, EAGAIN);
	return ends[1];
}

static void watch(int fd)
{
	struct io_uring_sqe *sqe = behind_gate();
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = 77 }, seen;
	int epoll = (int)MUST(epoll_create1(0));

	io_uring_prep_epoll_ctl(sqe, epoll, fd, EPOLL_CTL_ADD, &event);
	CHECK_EQ(result_behind_gate(sqe), 0);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 1);
	CHECK_EQ(seen.data.u64, 77);
	sqe = behind_gate();
	io_uring_prep_epoll_ctl(sqe, epoll, fd, EPOLL_CTL_ADD, &event);
	CHECK_EQ(result_behind_gate(sqe), -EEXIST);
	close(epoll);
}

static void install(int fd)
{
	struct io_uring_sqe *sqe;
	int slots[2] = { fd, 4000 };

	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	sqe = behind_gate();
	io_uring_prep_files_update(sqe, slots, 2, IORING_FILE_INDEX_ALLOC);
	CHECK_EQ(result_behind_gate(sqe), 1);
	CHECK_EQ(slots[0], 0);
	CHECK_EQ(slots[1], 4000);
	sqe = sqe_get(&ring);
	io_uring_prep_write(sqe, 0, "y", 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	RUN_ONE(&ring, 1);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
}

static void listen_at(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, bound;
	socklen_t size = sizeof(bound);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), listens = 0;
	struct io_uring_sqe *sqe = behind_gate();

	io_uring_prep_bind(sqe, fd, (struct sockaddr *)&address, sizeof(address));
	CHECK_EQ(result_behind_gate(sqe), 0);
	MUST(getsockname(fd, (struct sockaddr *)&bound, &size));
	CHECK_EQ(bound.sin_addr.s_addr, address.sin_addr.s_addr);
	CHECK(bound.sin_port != 0);
	sqe = behind_gate();
	io_uring_prep_listen(sqe, fd, 1);
	CHECK_EQ(result_behind_gate(sqe), 0);
	size = sizeof(listens);
	MUST(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size));
	CHECK_EQ(listens, 1);
	close(fd);
}

static void ask(void)
{
	int fds[2], type = 0;
	struct io_uring_sqe *sqe;

	tcp_pair(fds);
	sqe = behind_gate();
	io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_GETSOCKOPT, fds[0], SOL_SOCKET, SO_TYPE, &type, sizeof(type));
	CHECK_EQ(result_behind_gate(sqe), sizeof(type));
	CHECK_EQ(type, SOCK_STREAM);
	sqe = behind_gate();
	io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SIOCOUTQ, fds[0], 0, 0, NULL, 0);
	CHECK_EQ(result_behind_gate(sqe), 0);
	close(fds[0]);
	close(fds[1]);
}

static int all(void)
{
	int fd;

	MUST(pipe(gate));
	ring_init(&ring, 8, 0);
	fd = make_pipe();
	watch(fd);
	install(fd);
	listen_at();
	ask();
	io_uring_queue_exit(&ring);
	return fd;
}

static void for_a_process(void)
{
	all();
}

static void *alone(void *fd)
{
	MUST(unshare(CLONE_FILES));
	*(int *)fd = all();
	return NULL;
}

static void for_a_thread_with_its_own_descriptors(void)
{
	pthread_t thread;
	int fd = -1;

	CHECK_EQ(pthread_create(&thread, NULL, alone, &fd), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_OP(fd, >=, 0);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	CHECK_EQ(errno, EBADF);
}

TEST_PARTS(
	PART(for_a_process),
	PART(for_a_thread_with_its_own_descriptors),
)
