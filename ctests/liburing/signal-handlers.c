/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* timeout: 180 */
/* Signal handlers that use rings of their own, whatever of the library their thread is inside of. */
#include "rings.h"
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

/* As <linux/futex.h> has them since Linux 6.7: a word of 32 bits, of this process. */
enum { WORD = 2 | 128, HANDLERS = 3000, BATCH = 16 };

static struct io_uring ring, other;
static volatile sig_atomic_t handled;
static int file, event;
static void (*use_in_handler)(void);

static void submit_and_reap(struct io_uring *of, unsigned count)
{
	struct io_uring_cqe *cqe;

	CHECK_EQ(io_uring_submit(of), count);
	while (count > 0) {
		int ret = io_uring_wait_cqe(of, &cqe);

		if (ret == -EINTR)
			continue;
		CHECK_EQ(ret, 0);
		if (cqe->res < 0 && cqe->res != -ECANCELED && cqe->res != -ETIME)
			CHECK_EQ(cqe->res, 0);
		io_uring_cqe_seen(of, cqe);
		count--;
	}
}

/* What workers, the keeper, the heap and threads that wait for futexes have to do with. */
static void use_other_ring(void)
{
	static char bytes[4096];
	static uint32_t word;
	struct __kernel_timespec soon = { .tv_nsec = 1000 };

	io_uring_prep_nop(sqe_get(&other));
	io_uring_prep_fsync(sqe_get(&other), file, 0);
	io_uring_prep_read(sqe_get(&other), file, bytes, sizeof(bytes), 0);
	io_uring_prep_timeout(sqe_get(&other), &soon, 0, 0);
	if (handled % 16 == 0) {
		io_uring_prep_futex_wait(sqe_get(&other), &word, 0, FUTEX_BITSET_MATCH_ANY, WORD, 0);
		other.sq.sqes[(other.sq.sqe_tail - 1) & (other.sq.ring_entries - 1)].user_data = 5;
		io_uring_prep_cancel64(sqe_get(&other), 5, 0);
	}
	submit_and_reap(&other, handled % 16 ? 4 : 6);
	/* Something stays that the keeper is to see to, or ends with the next. */
	io_uring_prep_poll_add(sqe_get(&other), event, POLLIN);
	other.sq.sqes[(other.sq.sqe_tail - 1) & (other.sq.ring_entries - 1)].user_data = 6;
	CHECK_EQ(io_uring_submit(&other), 1);
	io_uring_prep_cancel64(sqe_get(&other), 6, 0);
	submit_and_reap(&other, 1);
	struct io_uring_cqe *cqe;

	while (io_uring_wait_cqe(&other, &cqe) == -EINTR)
		;
	io_uring_cqe_seen(&other, cqe);
}

static void make_a_ring(void)
{
	struct io_uring own;

	ring_init(&own, 4, 0);
	io_uring_prep_nop(sqe_get(&own));
	submit_and_reap(&own, 1);
	io_uring_queue_exit(&own);
}

static void handle(int sig)
{
	(void)sig;
	use_in_handler();
	handled++;
}

static void use_ring(unsigned round)
{
	static char bytes[BATCH][4096];
	static uint32_t word;
	struct __kernel_timespec hour = { .tv_sec = 3600 };

	for (int i = 0; i < BATCH; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		if (round % 3 == 0)
			io_uring_prep_timeout(sqe, &hour, 0, 0);
		else if (round % 3 == 1)
			io_uring_prep_poll_add(sqe, event, POLLIN);
		else if (i % 4 == 0)
			io_uring_prep_futex_wait(sqe, &word, 0, FUTEX_BITSET_MATCH_ANY, WORD, 0);
		else
			io_uring_prep_poll_add(sqe, event, POLLIN);
		sqe->user_data = 77;
	}
	io_uring_prep_cancel64(sqe_get(&ring), 77, IORING_ASYNC_CANCEL_ALL);
	submit_and_reap(&ring, BATCH + 1);
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	for (int i = 0; i < BATCH; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, file, bytes[i], 4096, 0);
		sqe->flags |= i % 2 ? IOSQE_ASYNC : 0;
	}
	submit_and_reap(&ring, BATCH);
}

static void interrupt_while(void (*use)(void))
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct sigevent usr1 = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec again = { .it_value.tv_nsec = 300000 };
	timer_t timer;
	int seen = 0;
	unsigned round = 0;

	file = temp_file(4096);
	event = (int)MUST(eventfd(0, 0));
	ring_init(&ring, 64, 0);
	ring_init(&other, 64, 0);
	io_uring_prep_futex_wait(sqe_get(&ring), NULL, 0, 0, 0, 0);
	submit(&ring, 1);
	reap_any(&ring);
	use_in_handler = use;
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(timer_create(CLOCK_MONOTONIC, &usr1, &timer));
	MUST(timer_settime(timer, 0, &again, NULL));
	while (handled < HANDLERS) {
		use_ring(round++);
		/* Each a moment later, so that calls come through between two. */
		if (handled != seen) {
			seen = handled;
			again.it_value.tv_nsec = 20000 + seen * 7000 % 500000;
			MUST(timer_settime(timer, 0, &again, NULL));
		}
	}
	signal(SIGUSR1, SIG_IGN);
	CHECK_RING_WORKS(&ring);
	CHECK_RING_WORKS(&other);
	io_uring_queue_exit(&ring);
	io_uring_queue_exit(&other);
}

static void a_handler_uses_another_ring(void)
{
	interrupt_while(use_other_ring);
}

static void a_handler_makes_a_ring(void)
{
	interrupt_while(make_a_ring);
}

TEST_PARTS(
	PART(a_handler_uses_another_ring),
	PART(a_handler_makes_a_ring),
)
