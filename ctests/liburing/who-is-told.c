/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whoever waits is told, however it waits and whoever waits beside it: in enter, by the ring's descriptor, for a time. */
#include "rings.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>

static struct io_uring ring;

static bool is_readable(void)
{
	struct pollfd file = { .fd = ring.ring_fd, .events = POLLIN };

	return MUST(poll(&file, 1, 2000)) == 1;
}

static int wait_for(unsigned nr, sigset_t *mask)
{
	return io_uring_enter((unsigned)ring.ring_fd, 0, nr, IORING_ENTER_GETEVENTS, mask);
}

/* A poll of a pipe, which is ready from now on. */
static void poll_that_completes(void)
{
	int ends[2];

	MUST(pipe(ends));
	io_uring_prep_poll_add(sqe_get(&ring), ends[0], POLLIN);
	submit(&ring, 1);
	usleep(20000);
	CHECK_EQ(write(ends[1], "x", 1), 1);
}

static void of_what_is_left_by_enter(void)
{
	ring_init(&ring, 8, 0);
	for (uint64_t i = 0; i < 3; i++)
		nop(&ring, i);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 3);
	reap_any(&ring);
	CHECK(is_readable());
	io_uring_queue_exit(&ring);
}

static void of_what_came_before_a_refusal(void)
{
	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	nop(&ring, 2)->opcode = 250;
	nop(&ring, 3);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	CHECK(is_readable());
	io_uring_queue_exit(&ring);
}

/* As event loops do that are told of changes only: each CQE is one, also while others are not taken. */
static void of_each_change(void)
{
	enum { TIMES = 4 };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int loop = MUST(epoll_create1(0)), file = temp_file(1);
	char byte;

	ring_init(&ring, 16, 0);
	MUST(epoll_ctl(loop, EPOLL_CTL_ADD, ring.ring_fd, &event));
	for (unsigned i = 0; i < TIMES; i++) {
		poll_that_completes();
		CHECK_EQ(MUST(epoll_wait(loop, &event, 1, 2000)), 1);
		nop(&ring, i);
		submit(&ring, 1);
		CHECK_EQ(MUST(epoll_wait(loop, &event, 1, 2000)), 1);
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, file, &byte, 1, 0);
		sqe->flags = IOSQE_ASYNC;
		submit(&ring, 1);
		CHECK_EQ(MUST(epoll_wait(loop, &event, 1, 2000)), 1);
		CHECK_EQ(io_uring_cq_ready(&ring), 3 * (i + 1));
	}
	io_uring_queue_exit(&ring);
	MUST(close(file));
	MUST(close(loop));
}

static void *waits_for_five(void *arg)
{
	(void)arg;
	wait_for(5, NULL);
	return NULL;
}

static void while_another_waits_for_more(void)
{
	pthread_t thread;

	ring_init(&ring, 8, 0);
	CHECK_EQ(pthread_create(&thread, NULL, waits_for_five, NULL), 0);
	usleep(50000);
	poll_that_completes();
	CHECK(is_readable());
	for (uint64_t i = 0; i < 4; i++)
		nop(&ring, i);
	submit(&ring, 4);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	io_uring_queue_exit(&ring);
}

static void after_a_sleeper_was_killed(void)
{
	ring_init(&ring, 8, 0);
	pid_t child = fork_child();

	if (child == 0) {
		wait_for(1, NULL);
		_exit(FAIL);
	}
	usleep(100000);
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
	poll_that_completes();
	CHECK(is_readable());
	io_uring_queue_exit(&ring);
}

/* Two processes wait for one CQE each. */
static void each_of_two_processes(bool masked)
{
	enum { ROUNDS = 10 };
	atomic_int *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct io_uring other;
	sigset_t none;

	CHECK((void *)done != MAP_FAILED);
	sigemptyset(&none);
	ring_init(&ring, 8, 0);
	ring_init(&other, 8, 0);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t children[2];

		*done = 0;
		for (int i = 0; i < 2; i++) {
			children[i] = fork_child();
			if (children[i])
				continue;
			if (!masked) {
				int ends[2];

				MUST(pipe(ends));
				/* Not both at once. */
				usleep((unsigned)i * 10000);
				ring.sq.sqe_head = ring.sq.sqe_tail = *ring.sq.ktail;
				io_uring_prep_poll_add(sqe_get(&ring), ends[0], POLLIN);
				submit(&ring, 1);
			}
			wait_for(1, masked ? &none : NULL);
			(*done)++;
			_exit(PASS);
		}
		usleep(40000);
		for (uint64_t i = 0; i < 2; i++)
			io_uring_prep_msg_ring(sqe_get(&other), ring.ring_fd, 1, i, 0);
		submit(&other, 2);
		for (int i = 0; i < 2; i++)
			CHECK_EQ(reap_any(&other).res, 0);
		for (int i = 0; i < 2000 && *done < 2; i++)
			usleep(1000);
		CHECK_EQ(*done, 2);
		for (int i = 0; i < 2; i++)
			MUST(waitpid(children[i], NULL, 0));
		io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
	}
	io_uring_queue_exit(&other);
	io_uring_queue_exit(&ring);
}

static void each_of_two_processes_that_wait(void)
{
	each_of_two_processes(false);
	each_of_two_processes(true);
}

static void *waits_masked(void *arg)
{
	atomic_int *done = arg;
	sigset_t none;

	sigemptyset(&none);
	wait_for(1, &none);
	(*done)++;
	return NULL;
}

static void each_of_three_masked_threads(void)
{
	enum { ROUNDS = 30, THREADS = 3 };

	ring_init(&ring, 8, 0);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		atomic_int done = 0;

		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, waits_masked, &done), 0);
		usleep(5000);
		for (uint64_t i = 0; i < THREADS; i++)
			nop(&ring, i);
		submit(&ring, THREADS);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
		CHECK_EQ(done, THREADS);
		io_uring_cq_advance(&ring, THREADS);
	}
	io_uring_queue_exit(&ring);
}

/* While the program sleeps for a socket, a worker comes to a timeout that is linked. */
static void a_timeout_that_begins_meanwhile(void)
{
	struct __kernel_timespec time = { .tv_nsec = 100000000 };
	int file = temp_file(1), ends[2];
	struct io_uring_sqe *sqe;
	double start = now();
	char byte;

	ring_init(&ring, 8, 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	io_uring_prep_recv(sqe_get(&ring), ends[0], &byte, 1, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_fsync(sqe, file, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS | IOSQE_ASYNC);
	io_uring_prep_timeout(sqe_get(&ring), &time, 0, 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 3);
	CHECK_EQ(reap_any(&ring).res, -ETIME);
	CHECK_OP(now() - start, <, 20);
	io_uring_queue_exit(&ring);
}

static void *submits_a_timeout(void *arg)
{
	static struct __kernel_timespec time = { .tv_nsec = 50000000 };

	(void)arg;
	usleep(50000);
	io_uring_prep_timeout(sqe_get(&ring), &time, 0, 0);
	submit(&ring, 1);
	return NULL;
}

static void a_timeout_of_another_thread(void)
{
	double start = now();
	pthread_t thread;
	int ends[2];
	char byte;

	ring_init(&ring, 8, 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	io_uring_prep_recv(sqe_get(&ring), ends[0], &byte, 1, 0);
	submit(&ring, 1);
	CHECK_EQ(pthread_create(&thread, NULL, submits_a_timeout, NULL), 0);
	CHECK_EQ(reap_any(&ring).res, -ETIME);
	CHECK_OP(now() - start, <, 20);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(of_what_is_left_by_enter),
	PART(of_what_came_before_a_refusal),
	PART(of_each_change),
	PART(while_another_waits_for_more),
	PART(after_a_sleeper_was_killed),
	PART(each_of_two_processes_that_wait),
	PART(each_of_three_masked_threads),
	PART(a_timeout_that_begins_meanwhile),
	PART(a_timeout_of_another_thread),
)
