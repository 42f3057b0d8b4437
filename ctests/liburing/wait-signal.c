/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signals while waiting: -EINTR is returned, and the mask holds for the time of the wait only. */
#include "rings.h"

static volatile sig_atomic_t handled;

static void on_signal(int signal)
{
	(void)signal;
	handled++;
}

/* SIGUSR1 with a handler, delivered once after `ms` milliseconds. */
static void signal_in(int ms)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec when = { .it_value.tv_nsec = ms * 1000000L };
	timer_t id;

	handled = 0;
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(timer_create(CLOCK_MONOTONIC, &event, &id));
	MUST(timer_settime(id, 0, &when, NULL));
}

static sigset_t only_usr1(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return set;
}

static void wait_cqe_returns_eintr(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;

	ring_init(&ring, 8, 0);
	signal_in(20);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), -EINTR);
	CHECK(cqe == NULL);
	CHECK_EQ(handled, 1);
	io_uring_queue_exit(&ring);
}

static void timed_waits_return_eintr(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(10000);

	ring_init(&ring, 8, 0);
	signal_in(20);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -EINTR);
	CHECK(cqe == NULL);
	signal_in(20);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), -EINTR);
	signal_in(20);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -EINTR);
	CHECK_EQ(handled, 1);
	io_uring_queue_exit(&ring);
}

/* The requests went in before the signal came: the count is the answer, and no error. */
static void interrupted_after_submitting_is_the_count(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(10000);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	read_pending(&ring, fds[0], &byte, 1);
	signal_in(20);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), 1);
	CHECK_EQ(handled, 1);
	CHECK(cqe == NULL);
	io_uring_queue_exit(&ring);
}

/* Blocked outside, let through by the mask of the wait. */
static void a_mask_lets_a_blocked_signal_in(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(10000);
	sigset_t blocked = only_usr1(), none, now;

	sigemptyset(&none);
	ring_init(&ring, 8, 0);
	MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
	signal_in(10);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, NULL, &none), -EINTR);
	CHECK_EQ(handled, 1);
	signal_in(10);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, &ts, &none), -EINTR);
	CHECK_EQ(handled, 1);
	signal_in(10);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, &none), -EINTR);
	CHECK_EQ(handled, 1);
	MUST(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1));
	io_uring_queue_exit(&ring);
}

/* Allowed outside, kept out by the mask of the wait, delivered after it. */
static void a_mask_keeps_a_signal_out(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(60);
	sigset_t usr1 = only_usr1();

	ring_init(&ring, 8, 0);
	signal_in(10);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, &ts, &usr1), -ETIME);
	CHECK_EQ(handled, 1);
	signal_in(10);
	delayed(&ring, 60, 3);
	submit(&ring, 1);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, NULL, &usr1), 0);
	CHECK_EQ(cqe->user_data, 3);
	CHECK_EQ(handled, 1);
	io_uring_queue_exit(&ring);
}

/* The same where the ring is looked after by a thread of its own. */
static void a_mask_with_a_thread_for_the_queue(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 50 };
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct __kernel_timespec ts = ms_to_ts(60), long_ts = ms_to_ts(10000);
	sigset_t usr1 = only_usr1(), none;

	sigemptyset(&none);
	CHECK_EQ(io_uring_queue_init_params(8, &ring, &params), 0);
	signal_in(10);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, &ts, &usr1), -ETIME);
	CHECK_EQ(handled, 1);
	signal_in(10);
	delayed(&ring, 60, 3);
	submit(&ring, 1);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, NULL, &usr1), 0);
	CHECK_EQ(cqe->user_data, 3);
	CHECK_EQ(handled, 1);
	io_uring_cqe_seen(&ring, cqe);
	MUST(sigprocmask(SIG_BLOCK, &usr1, NULL));
	signal_in(10);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, &long_ts, &none), -EINTR);
	CHECK_EQ(handled, 1);
	io_uring_queue_exit(&ring);
}

/* The enter call by itself takes a mask too. */
static void enter_takes_a_mask(void)
{
	struct io_uring ring;
	sigset_t blocked = only_usr1(), none;

	sigemptyset(&none);
	ring_init(&ring, 8, 0);
	MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
	signal_in(10);
	CHECK_EQ(ERRNO_KEPT(io_uring_enter(ring.ring_fd, 0, 1, IORING_ENTER_GETEVENTS, &none)),
		 -EINTR);
	CHECK_EQ(handled, 1);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(wait_cqe_returns_eintr),
	PART(timed_waits_return_eintr),
	PART(interrupted_after_submitting_is_the_count),
	PART(a_mask_lets_a_blocked_signal_in),
	PART(a_mask_keeps_a_signal_out),
	PART(a_mask_with_a_thread_for_the_queue),
	PART(enter_takes_a_mask),
)
