/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests that wait for something: poll, epoll, futexes, children; and messages between rings. */
#include "rings.h"
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <pthread.h>
#include <sys/epoll.h>

#ifndef FUTEX2_SIZE_U32
#define FUTEX2_SIZE_U32 2
#endif

static void poll_once(void)
{
	struct io_uring ring;
	int fds[2];

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
	submit(&ring, 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(reap_any(&ring).res, POLLIN);
	io_uring_prep_poll_add(sqe_get(&ring), fds[1], POLLOUT);
	RUN_ONE(&ring, POLLOUT);
	io_uring_queue_exit(&ring);
}

static void poll_repeatedly(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_poll_multishot(sqe, fds[0], POLLIN);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, 1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(fds[1], "x", 1), 1);
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res & POLLIN, POLLIN);
		CHECK(result.flags & IORING_CQE_F_MORE);
		CHECK_EQ(read(fds[0], &byte, 1), 1);
	}
	sqe = sqe_get(&ring);
	io_uring_prep_poll_update(sqe, 1, 9, 0, IORING_POLL_UPDATE_USER_DATA);
	io_uring_sqe_set_data64(sqe, 2);
	submit(&ring, 1);
	REAP(&ring, 2, 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(reap_any(&ring).user_data, 9);
	io_uring_queue_exit(&ring);
}

static void epoll(void)
{
	struct io_uring ring;
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 42 }, out[2] = { 0 };
	int fds[2], epfd = (int)MUST(epoll_create1(0));

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	io_uring_prep_epoll_ctl(sqe_get(&ring), epfd, fds[0], EPOLL_CTL_ADD, &event);
	RUN_ONE(&ring, 0);
	CHECK_EQ(epoll_wait(epfd, out, 2, 0), 0);
	io_uring_prep_epoll_wait(sqe_get(&ring), epfd, out, 2, 0);
	submit(&ring, 1);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	int res = reap_any(&ring).res;

	if (res == -EINVAL)
		SKIP("this kernel has no IORING_OP_EPOLL_WAIT");
	CHECK_EQ(res, 1);
	CHECK_EQ(out[0].data.u32, 42);
	CHECK_EQ(out[0].events, EPOLLIN);
	io_uring_queue_exit(&ring);
}

static void futexes(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	uint32_t word = 7;

	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_futex_wait(sqe, &word, 7, FUTEX_BITSET_MATCH_ANY, FUTEX2_SIZE_U32, 0);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, 1);
	struct io_uring_cqe *cqe;

	if (io_uring_peek_cqe(&ring, &cqe) == 0 && cqe->res == -EINVAL)
		SKIP("this kernel has no futex requests");
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	sqe = sqe_get(&ring);
	io_uring_prep_futex_wake(sqe, &word, 1, FUTEX_BITSET_MATCH_ANY, FUTEX2_SIZE_U32, 0);
	io_uring_sqe_set_data64(sqe, 2);
	submit(&ring, 1);
	uint64_t sum = 0;

	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res, result.user_data == 1 ? 0 : 1);
		sum += result.user_data;
	}
	CHECK_EQ(sum, 3);
	/* another value than expected: no wait */
	io_uring_prep_futex_wait(sqe_get(&ring), &word, 8, FUTEX_BITSET_MATCH_ANY, FUTEX2_SIZE_U32, 0);
	RUN_ONE(&ring, -EAGAIN);
	io_uring_queue_exit(&ring);
}

static void one_of_several_futexes(void)
{
	struct io_uring ring;
	uint32_t words[2] = { 1, 2 };
	struct futex_waitv waitv[2] = {
		{ .val = 1, .uaddr = (uintptr_t)&words[0], .flags = FUTEX2_SIZE_U32 },
		{ .val = 2, .uaddr = (uintptr_t)&words[1], .flags = FUTEX2_SIZE_U32 },
	};
	struct io_uring_cqe *cqe;

	ring_init(&ring, 8, 0);
	io_uring_prep_futex_waitv(sqe_get(&ring), waitv, 2, 0);
	submit(&ring, 1);
	if (io_uring_peek_cqe(&ring, &cqe) == 0 && cqe->res == -EINVAL)
		SKIP("this kernel has no futex requests");
	MUST(syscall(SYS_futex, &words[1], FUTEX_WAKE, 1, NULL, NULL, 0));
	CHECK_EQ(reap_any(&ring).res, 1); /* the index of the one that was woken */
	io_uring_queue_exit(&ring);
}

static void a_child_that_exits(void)
{
	struct io_uring ring;
	siginfo_t info = { 0 };
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(read(fds[0], &byte, 1) == 1 ? 33 : 34);
	io_uring_prep_waitid(sqe_get(&ring), P_PID, (id_t)pid, &info, WEXITED, 0);
	submit(&ring, 1);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	int res = reap_any(&ring).res;

	if (res == -EINVAL)
		SKIP("this kernel has no IORING_OP_WAITID");
	CHECK_EQ(res, 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 33);
	CHECK_EQ(waitpid(pid, NULL, 0), -1);
	io_uring_queue_exit(&ring);
}

static void children_and_cancels(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	siginfo_t info = { 0 };

	ring_init(&ring, 8, 0);
	io_uring_prep_waitid(sqe_get(&ring), P_PID, (id_t)getpid(), &info, WEXITED, 0);
	submit(&ring, 1);
	int res = reap_any(&ring).res;

	if (res == -EINVAL)
		SKIP("this kernel has no IORING_OP_WAITID");
	CHECK_EQ(res, -ECHILD);
	io_uring_prep_waitid(sqe_get(&ring), P_PID, (id_t)getpid(), &info, 0, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_waitid(sqe_get(&ring), P_PID, (id_t)getpid(), &info, WEXITED, 1);
	RUN_ONE(&ring, -EINVAL);
	pid_t pid = fork_child();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	io_uring_prep_waitid(sqe_get(&ring), P_PID, (id_t)pid, &info, WEXITED | WNOHANG, 0);
	RUN_ONE(&ring, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_waitid(sqe, P_PID, (id_t)pid, &info, WEXITED, 0);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	sqe = sqe_get(&ring);
	io_uring_prep_cancel64(sqe, 1, 0);
	io_uring_sqe_set_data64(sqe, 2);
	submit(&ring, 1);
	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(&ring);

		/* The kernel answers with the number of those that it found. */
		CHECK_EQ(result.res, result.user_data == 1 ? -ECANCELED : 1);
	}
	MUST(kill(pid, SIGKILL));
	io_uring_prep_waitid(sqe_get(&ring), P_PID, (id_t)pid, &info, WEXITED, 0);
	RUN_ONE(&ring, 0);
	CHECK_EQ(info.si_status, SIGKILL);
	io_uring_queue_exit(&ring);
}

static void a_message_to_another_ring(void)
{
	struct io_uring from, to;
	struct result result;

	ring_init(&from, 8, 0);
	ring_init(&to, 8, 0);
	io_uring_prep_msg_ring(sqe_get(&from), to.ring_fd, 123, 0xfeedface, 0);
	RUN_ONE(&from, 0);
	REAP(&to, 0xfeedface, 123);
	io_uring_prep_msg_ring_cqe_flags(sqe_get(&from), to.ring_fd, 1, 2, 0, 0x40000);
	submit(&from, 1);
	if (reap_any(&from).res == 0) { /* kernels since 6.3 */
		result = reap_any(&to);
		CHECK_EQ(result.flags, 0x40000);
		CHECK_EQ(result.user_data, 2);
	}
	io_uring_queue_exit(&from);
	io_uring_queue_exit(&to);
}

static void a_file_to_another_ring(void)
{
	struct io_uring from, to;
	int file = temp_file(20);
	unsigned char buf[32];

	ring_init(&from, 8, 0);
	ring_init(&to, 8, 0);
	CHECK_EQ(io_uring_register_files(&from, &file, 1), 0);
	CHECK_EQ(io_uring_register_files_sparse(&to, 4), 0);
	io_uring_prep_msg_ring_fd(sqe_get(&from), to.ring_fd, 0, 2, 77, 0);
	RUN_ONE(&from, 0);
	REAP(&to, 77, 0);
	struct io_uring_sqe *sqe = sqe_get(&to);

	io_uring_prep_read(sqe, 2, buf, sizeof(buf), 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	RUN_ONE(&to, 20);
	CHECK(has_pattern(buf, 0, 20));
	io_uring_prep_msg_ring_fd_alloc(sqe_get(&from), to.ring_fd, 0, 78, 0);
	submit(&from, 1);
	int slot = reap_any(&from).res;

	CHECK(slot >= 0 && slot < 4 && slot != 2);
	REAP(&to, 78, slot);
	io_uring_queue_exit(&from);
	io_uring_queue_exit(&to);
}

/* The ring itself can be polled: a ring in epoll, as event loops do it. */
static void a_ring_is_pollable(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	struct pollfd pfd = { .fd = ring.ring_fd, .events = POLLIN };

	CHECK_EQ(poll(&pfd, 1, 0), 0);
	nop(&ring, 1);
	submit(&ring, 1);
	CHECK_EQ(poll(&pfd, 1, 1000), 1);
	CHECK(pfd.revents & POLLIN);
	REAP(&ring, 1, 0);
	/* A ring in user space sees a moment later that everything was taken. */
	for (int i = 0; i < 10 && poll(&pfd, 1, 0); i++)
		usleep(1000);
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	io_uring_queue_exit(&ring);
}

static void *write_later(void *arg)
{
	usleep(20000);
	CHECK_EQ(MUST(write(*(int *)arg, "x", 1)), 1);
	return NULL;
}

/* A program that sleeps in poll() on the ring is woken for each completion, and sleeps in between. */
static void a_loop_on_the_ring_sleeps(void)
{
	enum { EVENTS = 5 };
	struct io_uring ring;
	int ends[2], woken = 0;
	char byte;

	MUST(pipe(ends));
	ring_init(&ring, 8, 0);
	struct pollfd pfd = { .fd = ring.ring_fd, .events = POLLIN };
	for (int i = 0; i < EVENTS; i++) {
		struct io_uring_cqe *cqe;
		pthread_t writer;

		io_uring_prep_read(sqe_get(&ring), ends[0], &byte, 1, 0);
		submit(&ring, 1);
		CHECK_EQ(pthread_create(&writer, NULL, write_later, &ends[1]), 0);
		while (io_uring_peek_cqe(&ring, &cqe)) {
			CHECK_EQ(poll(&pfd, 1, 5000), 1);
			woken++;
		}
		CHECK_EQ(cqe->res, 1);
		io_uring_cqe_seen(&ring, cqe);
		CHECK_EQ(pthread_join(writer, NULL), 0);
	}
	/* Many more would be a loop that spins for 20 ms at a time. */
	CHECK_OP(woken, <, EVENTS * 100);
	io_uring_queue_exit(&ring);
}

/* What a file waits for comes also to a program that only looks. */
static void completions_come_without_a_call(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = { .tv_nsec = 10000000 };
	int ends[2];

	MUST(pipe(ends));
	ring_init(&ring, 8, 0);
	io_uring_prep_poll_add(sqe_get(&ring), ends[0], POLLIN);
	io_uring_prep_timeout(sqe_get(&ring), &ts, 0, 0);
	submit(&ring, 2);
	CHECK_EQ(MUST(write(ends[1], "x", 1)), 1);
	for (int i = 0; i < 1000 && io_uring_cq_ready(&ring) < 2; i++)
		usleep(1000);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->res, POLLIN);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(poll_once),
	PART(poll_repeatedly),
	PART(epoll),
	PART(futexes),
	PART(one_of_several_futexes),
	PART(a_child_that_exits),
	PART(children_and_cancels),
	PART(a_message_to_another_ring),
	PART(a_file_to_another_ring),
	PART(a_ring_is_pollable),
	PART(a_loop_on_the_ring_sleeps),
	PART(completions_come_without_a_call),
)
