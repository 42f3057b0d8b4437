/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings in pthread_atfork handlers, and forks in signal handlers that have interrupted a ring's call. */
#include "rings.h"
#include <pthread.h>
#include <sys/time.h>

enum { BEFORE = 1, IN_CHILD = 2, IN_PARENT = 4, FORKS = 200 };

static struct io_uring ring;
static int where, file;

/* Something that a worker does, too. */
static void use_ring(void)
{
	struct io_uring_sqe *sqe;

	CHECK_RING_WORKS(&ring);
	sqe = sqe_get(&ring);
	io_uring_prep_fsync(sqe, file, 0);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_sqe_set_data64(sqe, 2);
	submit(&ring, 1);
	REAP(&ring, 2, 0);
}

static void before(void)
{
	if (where & BEFORE)
		use_ring();
}

static void in_parent(void)
{
	if (where & IN_PARENT)
		use_ring();
}

static void in_child(void)
{
	if (where & IN_CHILD) {
		io_uring_queue_exit(&ring);
		ring_init(&ring, 8, 0);
		use_ring();
	}
}

static void fork_once(void)
{
	pid_t pid = (pid_t)MUST(fork());
	int status;

	if (pid == 0) {
		struct io_uring own;

		if (where & IN_CHILD)
			use_ring();
		ring_init(&own, 8, 0);
		CHECK_RING_WORKS(&own);
		io_uring_queue_exit(&own);
		_exit(PASS);
	}
	CHECK(MUST(waitpid(pid, &status, 0)) == pid);
	CHECK_EQ(status, 0);
	use_ring();
}

/* Handlers that are there before the first ring run while the library has its locks. */
static void handlers_use_the_ring(int here)
{
	CHECK_EQ(pthread_atfork(before, in_parent, in_child), 0);
	file = temp_file(1);
	ring_init(&ring, 8, 0);
	use_ring();
	where = here;
	for (int i = 0; i < 5; i++)
		fork_once();
	io_uring_queue_exit(&ring);
}

static void before_the_fork(void)
{
	handlers_use_the_ring(BEFORE);
}

static void in_the_child(void)
{
	handlers_use_the_ring(IN_CHILD);
}

static void in_the_parent(void)
{
	handlers_use_the_ring(IN_PARENT);
}

static void everywhere(void)
{
	handlers_use_the_ring(BEFORE | IN_CHILD | IN_PARENT);
}

static volatile sig_atomic_t forks;

static void fork_in_handler(int sig)
{
	pid_t pid = fork();
	int status;

	(void)sig;
	if (pid == 0)
		_exit(PASS);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		forks++;
}

/* The interrupted call may have any lock; `use` is what is interrupted. */
static void fork_while(void (*use)(void))
{
	struct sigaction action = { .sa_handler = fork_in_handler, .sa_flags = SA_RESTART };
	/* Again and again, but with time for a call in between. */
	struct itimerval again = { .it_value.tv_usec = 1000 };
	int seen = 0;

	file = temp_file(1);
	ring_init(&ring, 8, 0);
	MUST(sigaction(SIGALRM, &action, NULL));
	MUST(setitimer(ITIMER_REAL, &again, NULL));
	while (forks < FORKS) {
		use();
		if (forks != seen) {
			seen = forks;
			again.it_value.tv_usec = 500 + seen * 7 % 500;
			MUST(setitimer(ITIMER_REAL, &again, NULL));
		}
	}
	signal(SIGALRM, SIG_IGN);
	use_ring();
	io_uring_queue_exit(&ring);
}

static void submit_nops(void)
{
	for (int i = 0; i < 8; i++)
		nop(&ring, 1);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 8), 8);
	/* A signal may have ended the wait. */
	while (io_uring_cq_ready(&ring) < 8)
		io_uring_get_events(&ring);
	io_uring_cq_advance(&ring, 8);
}

static void forks_in_signal_handlers(void)
{
	fork_while(submit_nops);
}

/* The ring is looked up, and little else. */
static void enter_for_nothing(void)
{
	CHECK_EQ(io_uring_enter((unsigned)ring.ring_fd, 0, 0, 0, NULL), 0);
}

static void forks_while_a_ring_is_looked_up(void)
{
	fork_while(enter_for_nothing);
}

static void make_a_ring(void)
{
	struct io_uring other;

	ring_init(&other, 8, 0);
	io_uring_queue_exit(&other);
}

static void forks_while_a_ring_is_made(void)
{
	fork_while(make_a_ring);
}

TEST_PARTS(
	PART(before_the_fork),
	PART(in_the_child),
	PART(in_the_parent),
	PART(everywhere),
	PART(forks_in_signal_handlers),
	PART(forks_while_a_ring_is_looked_up),
	PART(forks_while_a_ring_is_made),
)
