/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A signalfd that a ring polls or reads: signals for the thread that submits are its own, wherever it is then. */
#include "rings.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

enum how { BY_WAITING, BY_PEEKING, BY_THE_DESCRIPTOR, BY_AN_EVENTFD, WAYS };
enum { SOON_MS = 20000 };

static sigset_t usr1;

static int blocked_signalfd(void)
{
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &usr1, NULL));
	return (int)MUST(signalfd(-1, &usr1, SFD_CLOEXEC));
}

static void send_signal(bool to_thread)
{
	CHECK_EQ(to_thread ? raise(SIGUSR1) : kill(getpid(), SIGUSR1), 0);
}

static struct io_uring_cqe *get(struct io_uring *ring, enum how how, int eventfd)
{
	struct __kernel_timespec soon = ms_to_ts(SOON_MS);
	struct pollfd polled = { how == BY_AN_EVENTFD ? eventfd : ring->ring_fd, POLLIN, 0 };
	struct io_uring_cqe *cqe = NULL;

	if (how == BY_WAITING) {
		CHECK_EQ(io_uring_wait_cqe_timeout(ring, &cqe, &soon), 0);
		return cqe;
	}
	if (how != BY_PEEKING)
		CHECK_EQ(poll(&polled, 1, SOON_MS), 1);
	for (long long end = now_ms() + SOON_MS; io_uring_peek_cqe(ring, &cqe) && now_ms() < end; )
		usleep(how == BY_PEEKING ? 1000 : 0);
	CHECK(cqe != NULL);
	return cqe;
}

static void try(int fd, bool reads, bool to_thread, bool before, enum how how)
{
	struct signalfd_siginfo info = { 0 };
	struct timespec none = { 0 };
	struct io_uring ring;
	int told = (int)MUST(eventfd(0, EFD_CLOEXEC));

	ring_init(&ring, 8, 0);
	if (how == BY_AN_EVENTFD)
		CHECK_EQ(io_uring_register_eventfd(&ring, told), 0);
	if (before)
		send_signal(to_thread);
	if (reads)
		io_uring_prep_read(sqe_get(&ring), fd, &info, sizeof(info), 0);
	else
		io_uring_prep_poll_add(sqe_get(&ring), fd, POLLIN);
	submit(&ring, 1);
	if (!before) {
		usleep(5000);
		send_signal(to_thread);
	}
	struct io_uring_cqe *cqe = get(&ring, how, told);

	if (reads) {
		CHECK_EQ(cqe->res, sizeof(info));
		CHECK_EQ(info.ssi_signo, SIGUSR1);
	} else {
		CHECK_EQ(cqe->res, POLLIN);
	}
	io_uring_cqe_seen(&ring, cqe);
	/* What was read is gone. */
	CHECK_EQ(sigtimedwait(&usr1, NULL, &none), reads ? -1 : SIGUSR1);
	io_uring_queue_exit(&ring);
	close(told);
}

static void in_every_way(bool reads, bool to_thread)
{
	int fd = blocked_signalfd();

	for (int before = 0; before < 2; before++)
		for (enum how how = 0; how < WAYS; how++)
			try(fd, reads, to_thread, before, how);
}

static void a_poll_of_signals_for_the_thread(void) { in_every_way(false, true); }
static void a_poll_of_signals_for_the_process(void) { in_every_way(false, false); }
static void a_read_of_signals_for_the_thread(void) { in_every_way(true, true); }
static void a_read_of_signals_for_the_process(void) { in_every_way(true, false); }

/* It sleeps in enter before the signal comes from another thread, which has the same one for itself. */
static void *signal_the_waiting_thread(void *waiting)
{
	usleep(20000);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(pthread_kill(*(pthread_t *)waiting, SIGUSR1), 0);
	/* Its own stays until it takes it. */
	struct timespec soon = { .tv_sec = SOON_MS / 1000 };

	CHECK_EQ(sigtimedwait(&usr1, NULL, &soon), SIGUSR1);
	return NULL;
}

static void a_thread_that_sleeps_inside(void)
{
	struct signalfd_siginfo info = { 0 };
	struct io_uring ring;
	pthread_t self = pthread_self(), other;
	int fd = blocked_signalfd();

	ring_init(&ring, 8, 0);
	io_uring_prep_read(sqe_get(&ring), fd, &info, sizeof(info), 0);
	CHECK_EQ(pthread_create(&other, NULL, signal_the_waiting_thread, &self), 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	REAP(&ring, 0, (int)sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	CHECK_EQ(pthread_join(other, NULL), 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_poll_of_signals_for_the_thread),
	PART(a_poll_of_signals_for_the_process),
	PART(a_read_of_signals_for_the_thread),
	PART(a_read_of_signals_for_the_process),
	PART(a_thread_that_sleeps_inside),
)
