/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* timeout: 180 */
/* A ring that several processes post to: one that is stopped stops nobody, and one in another namespace loses nothing. */
#include "rings.h"
#include <sched.h>

enum { STOPS = 1500, LONG_STOPS = 60, BATCH = 64 };

static struct io_uring ring;

static void send_messages(struct io_uring *own, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		io_uring_prep_msg_ring(sqe_get(own), ring.ring_fd, 1, 5, 0);
	CHECK_EQ(io_uring_submit_and_wait(own, count), count);
	for (unsigned i = 0; i < count; i++)
		CHECK_EQ(reap_any(own).res, 0);
}

static void ring_init_large(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 32768 };
	int ret = io_uring_queue_init_params(BATCH, &ring, &params);

	CHECK_EQ(ret, 0);
}

static volatile sig_atomic_t blocked;
static pid_t child;

static void go_on(int sig)
{
	(void)sig;
	blocked++;
	kill(child, SIGCONT);
}

/* At any moment, also while it posts; what is to be posted comes when it goes on at the latest. */
static void a_stopped_process_stops_nobody(void)
{
	struct sigaction action = { .sa_handler = go_on };
	struct itimerspec soon = { .it_value.tv_sec = 5 };
	struct sigevent usr1 = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	unsigned seen = 0;
	timer_t timer;

	ring_init_large();
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(timer_create(CLOCK_MONOTONIC, &usr1, &timer));
	child = fork_child();
	if (child == 0) {
		struct io_uring own;

		ring_init(&own, BATCH, 0);
		for (;;)
			send_messages(&own, BATCH);
	}
	for (unsigned i = 0; i < STOPS; i++) {
		struct io_uring_cqe *cqe;
		unsigned head, ready = 0;

		usleep(100 + i * 37 % 900);
		MUST(kill(child, SIGSTOP));
		usleep(100);
		MUST(timer_settime(timer, 0, &soon, NULL));
		nop(&ring, 9);
		submit(&ring, 1);
		MUST(timer_settime(timer, 0, &(struct itimerspec){ 0 }, NULL));
		MUST(kill(child, SIGCONT));
		io_uring_for_each_cqe(&ring, head, cqe) {
			seen += cqe->user_data == 9;
			ready++;
		}
		io_uring_cq_advance(&ring, ready);
	}
	CHECK_EQ(blocked, 0);
	MUST(kill(child, SIGKILL));
	exit_status(child);
	while (seen < STOPS)
		seen += reap_any(&ring).user_data == 9;
	io_uring_queue_exit(&ring);
}

struct counts {
	_Atomic bool stop;
	unsigned sent[2];
};

static pid_t sender(struct counts *counts, unsigned which)
{
	pid_t pid = fork_child();
	struct io_uring own;

	if (pid)
		return pid;
	ring_init(&own, BATCH, 0);
	while (!counts->stop) {
		send_messages(&own, BATCH);
		counts->sent[which] += BATCH;
		/* There is room: it is for the one who reaps to be faster. */
		while (!counts->stop && io_uring_cq_ready(&ring) > 16384)
			usleep(100);
	}
	_exit(PASS);
}

static unsigned take_all(void)
{
	unsigned ready = io_uring_cq_ready(&ring);

	io_uring_cq_advance(&ring, ready);
	return ready;
}

/* All that comes in so many microseconds. */
static unsigned take_for(unsigned microseconds)
{
	double until = now() + microseconds / 1e6;
	unsigned taken = 0;

	while (now() < until)
		taken += take_all();
	return taken;
}

/* Ids of processes mean nothing there: what one has that is stopped is not taken from it. */
static void in_another_namespace(void)
{
	struct counts *counts =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seen = 0;
	pid_t pids[2];

	CHECK(counts != MAP_FAILED);
	ring_init_large();
	pids[0] = sender(counts, 0);
	if (unshare(CLONE_NEWPID)) {
		MUST(kill(pids[0], SIGKILL));
		SKIP("this user can make no namespace");
	}
	pids[1] = sender(counts, 1);
	for (unsigned i = 0; i < LONG_STOPS; i++) {
		seen += take_for(100 + i * 37 % 900);
		MUST(kill(pids[0], SIGSTOP));
		seen += take_for(30000);
		MUST(kill(pids[0], SIGCONT));
	}
	counts->stop = true;
	for (int i = 0; i < 2; i++)
		CHECK_EQ(exit_status(pids[i]), PASS);
	io_uring_get_events(&ring);
	seen += take_all();
	CHECK_EQ(seen, counts->sent[0] + counts->sent[1]);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_stopped_process_stops_nobody),
	PART(in_another_namespace),
)
