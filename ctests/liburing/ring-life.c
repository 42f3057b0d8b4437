/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring's descriptor is one like others: closed by close(2), duplicated, sent, its number used again. */
#include "rings.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

static int enter(int fd, unsigned to_submit)
{
	return io_uring_enter((unsigned)fd, to_submit, 0, 0, NULL);
}

static void unmap(struct io_uring *ring)
{
	munmap(ring->sq.sqes, ring->sq.sqes_sz);
	munmap(ring->sq.ring_ptr, ring->sq.ring_sz);
	if (ring->cq.ring_ptr != ring->sq.ring_ptr)
		munmap(ring->cq.ring_ptr, ring->cq.ring_sz);
}

static void a_number_that_is_no_ring_any_more(void)
{
	struct io_uring ring;
	int pipes[2];

	ring_init(&ring, 8, 0);
	int fd = ring.ring_fd;

	MUST(close(fd));
	CHECK_EQ(enter(fd, 0), -EBADF);
	/* Rings in user space do not look at the descriptor each time that they find SQEs. */
	int submitted = 1;

	for (int i = 0; i < 100 && submitted == 1; i++) {
		nop(&ring, 1);
		submitted = io_uring_submit(&ring);
		io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
	}
	CHECK_EQ(submitted, -EBADF);
	CHECK_EQ(io_uring_register((unsigned)fd, IORING_REGISTER_PROBE, NULL, 0), -EBADF);
	/* A file, a pipe and an eventfd by this number. */
	MUST(open("/dev/null", O_RDWR));
	CHECK_EQ(enter(fd, 1), -EOPNOTSUPP);
	CHECK_EQ(io_uring_register((unsigned)fd, IORING_REGISTER_PROBE, NULL, 0), -EOPNOTSUPP);
	MUST(close(fd));
	MUST(pipe(pipes));
	CHECK_EQ(enter(fd, 0), -EOPNOTSUPP);
	CHECK_EQ(pipes[0], fd);
	unmap(&ring);
}

static void the_number_becomes_another_ring(void)
{
	struct io_uring old, new;

	ring_init(&old, 8, 0);
	nop(&old, 1);
	MUST(close(old.ring_fd));
	ring_init(&new, 16, 0);
	CHECK_EQ(new.ring_fd, old.ring_fd);
	CHECK_RING_WORKS(&new);
	CHECK_EQ(io_uring_cq_ready(&old), 0);
	unmap(&old);
	io_uring_queue_exit(&new);
}

/* What the number stands for by then is not written to when the old ring's request completes. */
static void a_file_with_the_number_of_a_ring_with_work_left(void)
{
	struct io_uring ring;
	struct pollfd wait = { .events = POLLIN };
	int pipes[2], other[2];
	char byte;

	MUST(pipe(pipes));
	ring_init(&ring, 8, 0);
	io_uring_prep_read(sqe_get(&ring), pipes[0], &byte, 1, -1);
	sqe_get(&ring)->flags |= IOSQE_ASYNC;
	ring.sq.sqes[1].opcode = IORING_OP_NOP;
	submit(&ring, 2);
	MUST(close(ring.ring_fd));
	MUST(pipe(other));
	MUST(dup2(other[1], ring.ring_fd == other[0] ? other[1] : ring.ring_fd));
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	wait.fd = other[0];
	CHECK_EQ(poll(&wait, 1, 100), 0);
	unmap(&ring);
}

static void a_hundred_thousand_closed_behind_the_librarys_back(void)
{
	struct footprint before;
	struct io_uring ring;
	int spread = 64;

	ring_init(&ring, 4, 0);
	io_uring_queue_exit(&ring);
	before = footprint();
	for (int i = 0; i < 100000; i++) {
		int ret = io_uring_queue_init(4, &ring, 0);

		CHECK_EQ(ret, 0);
		if (i % 1000 == 0)
			CHECK_RING_WORKS(&ring);
		MUST(close(ring.ring_fd));
		unmap(&ring);
	}
	/* Numbers that are not used again at once are noticed, too. */
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(io_uring_queue_init(4, &ring, 0), 0);
		int moved = (int)MUST(fcntl(ring.ring_fd, F_DUPFD_CLOEXEC, 100 + i % spread));

		CHECK_EQ(enter(moved, 0), 0);
		MUST(close(ring.ring_fd));
		MUST(close(moved));
		unmap(&ring);
	}
	for (int i = 0; i < 200; i++) {
		ring_init(&ring, 4, 0);
		io_uring_queue_exit(&ring);
	}
	CHECK_FOOTPRINT(before);
}

/* A ring that is known by a second number, and by that one alone in the end. */
static void by_another_number(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	int other = (int)MUST(fcntl(ring.ring_fd, F_DUPFD_CLOEXEC, 50));

	nop(&ring, 5);
	ring.sq.ktail[0]++;
	ring.sq.sqe_head = ring.sq.sqe_tail;
	CHECK_EQ(enter(other, 1), 1);
	REAP(&ring, 5, 0);
	CHECK_RING_WORKS(&ring);
	MUST(close(ring.ring_fd));
	ring.ring_fd = ring.enter_ring_fd = other;
	CHECK_RING_WORKS(&ring);
	/* Never used by this number until the first is closed. */
	int third = (int)MUST(dup(other));

	MUST(close(other));
	ring.ring_fd = ring.enter_ring_fd = third;
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	CHECK_EQ(enter(third, 0), -EBADF);
}

static void flags_that_the_program_sets(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	MUST(fcntl(ring.ring_fd, F_SETFL, 0));
	CHECK_RING_WORKS(&ring);
	MUST(fcntl(ring.ring_fd, F_SETFL, O_NONBLOCK));
	MUST(fcntl(ring.ring_fd, F_SETFD, FD_CLOEXEC));
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* Through a socket: in the same process, and to a child that has the ring's memory. */
static int sent(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		int ret = (int)sendmsg(socket, &message, 0);

		if (ret < 0 && errno == EINVAL)
			SKIP("this kernel sends no rings through sockets");
		return (int)MUST(ret);
	}
	CHECK_EQ(recvmsg(socket, &message, 0), 1);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void sent_through_a_socket(void)
{
	struct io_uring ring;
	int pair[2], status;

	ring_init(&ring, 8, 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sent(pair[0], ring.ring_fd);
	close(sent(pair[1], -1));
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(close(ring.ring_fd));
		ring.ring_fd = ring.enter_ring_fd = sent(pair[1], -1);
		CHECK_RING_WORKS(&ring);
		_exit(PASS);
	}
	sent(pair[0], ring.ring_fd);
	CHECK(MUST(waitpid(pid, &status, 0)) == pid);
	CHECK_EQ(status, 0);
	ring.sq.sqe_head = ring.sq.sqe_tail = *ring.sq.ktail;
	sent(pair[0], ring.ring_fd);
	MUST(close(ring.ring_fd));
	ring.ring_fd = ring.enter_ring_fd = sent(pair[1], -1);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static struct io_uring shared;
static atomic_int waiting;

static void *wait_inside(void *arg)
{
	(void)arg;
	waiting = 1;
	struct __kernel_timespec soon = { .tv_nsec = 300000000 };
	struct io_uring_getevents_arg wait = { .ts = (uintptr_t)&soon };

	return (void *)(intptr_t)io_uring_enter2((unsigned)shared.ring_fd, 0, 1,
						 IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&wait,
						 sizeof(wait));
}

/* Whoever is inside of the ring meanwhile comes out of it. */
static void closed_while_a_thread_waits(void)
{
	pthread_t thread;
	void *ret;

	for (int i = 0; i < 3; i++) {
		ring_init(&shared, 8, 0);
		waiting = 0;
		CHECK_EQ(pthread_create(&thread, NULL, wait_inside, NULL), 0);
		while (!waiting)
			usleep(100);
		usleep(20000);
		MUST(close(shared.ring_fd));
		CHECK_EQ(pthread_join(thread, &ret), 0);
		CHECK_EQ((intptr_t)ret, -ETIME);
		unmap(&shared);
	}
}

/* What requests held when their ring was closed is given back: here, the ends of sockets. */
static void requests_in_flight_at_close(void)
{
	for (int i = 0; i < 20; i++) {
		struct io_uring ring;
		struct pollfd wait = { .events = POLLIN };
		int pair[2];
		char bytes[2];

		ring_init(&ring, 8, 0);
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		io_uring_prep_recv(sqe_get(&ring), pair[0], bytes, 1, 0);
		io_uring_prep_recv(sqe_get(&ring), pair[0], bytes + 1, 1, 0);
		ring.sq.sqes[1].flags |= i & 1 ? IOSQE_ASYNC : 0;
		submit(&ring, 2);
		close(pair[0]);
		io_uring_queue_exit(&ring);
		wait.fd = pair[1];
		CHECK_EQ(poll(&wait, 1, 3000), 1);
		CHECK_EQ(read(pair[1], bytes, 1), 0);
		close(pair[1]);
	}
}

TEST_PARTS(
	PART(a_number_that_is_no_ring_any_more),
	PART(the_number_becomes_another_ring),
	PART(a_file_with_the_number_of_a_ring_with_work_left),
	PART(a_hundred_thousand_closed_behind_the_librarys_back),
	PART(by_another_number),
	PART(flags_that_the_program_sets),
	PART(sent_through_a_socket),
	PART(closed_while_a_thread_waits),
	PART(requests_in_flight_at_close),
)
