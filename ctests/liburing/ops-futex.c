/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Futexes: who is woken, how many, what is refused, and what cancels a wait. */
#include "rings.h"
#include <linux/futex.h>
#include <pthread.h>

#ifndef FUTEX2_SIZE_U32
#define FUTEX2_SIZE_U32 2
#define FUTEX2_PRIVATE 128
#endif

enum { OWN = FUTEX2_SIZE_U32 | FUTEX2_PRIVATE, SHARED = FUTEX2_SIZE_U32, BUSY = 200 };
#define ANY 0xffffffffull

static struct io_uring ring;
static uint32_t words[64];

static void begin(void)
{
	struct io_uring_probe *probe = io_uring_get_probe();

	CHECK(probe != NULL);
	if (!io_uring_opcode_supported(probe, IORING_OP_FUTEX_WAITV))
		SKIP("this kernel has no futex operations");
	io_uring_free_probe(probe);
	ring_init(&ring, 64, 0);
}

static void end(void)
{
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static struct io_uring_sqe *prep_wait(uint32_t *word, uint64_t value, uint64_t mask, unsigned flags, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_futex_wait(sqe, word, value, mask, flags, 0);
	io_uring_sqe_set_data64(sqe, user_data);
	return sqe;
}

static struct io_uring_sqe *prep_wake(uint32_t *word, uint64_t nr, uint64_t mask, unsigned flags)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_futex_wake(sqe, word, nr, mask, flags, 0);
	io_uring_sqe_set_data64(sqe, 99);
	return sqe;
}

static struct io_uring_sqe *prep_waitv(struct futex_waitv *wanted, unsigned nr, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_futex_waitv(sqe, wanted, nr, 0);
	io_uring_sqe_set_data64(sqe, user_data);
	return sqe;
}

static long wake(uint32_t *word, int nr, unsigned mask, int private)
{
	return MUST(syscall(SYS_futex, word, FUTEX_WAKE_BITSET | private, nr, NULL, NULL, mask));
}

static void check_nothing(void)
{
	struct io_uring_cqe *cqe;
	struct __kernel_timespec brief = ms_to_ts(2);

	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &brief), -ETIME);
}

static void as_many_as_wait(void)
{
	begin();
	for (int i = 1; i <= 5; i++)
		prep_wait(words, 0, ANY, OWN, (uint64_t)i);
	submit(&ring, 5);
	CHECK_EQ(wake(words, 1, ANY, FUTEX_PRIVATE_FLAG), 1);
	REAP(&ring, 1, 0);
	check_nothing();
	CHECK_EQ(wake(words, 2, ANY, 0), 0); /* a shared one has another name */
	CHECK_EQ(wake(words, 2, ANY, FUTEX_PRIVATE_FLAG), 2);
	struct result first = reap_any(&ring), second = reap_any(&ring);

	CHECK_EQ(first.user_data + second.user_data, 2 + 3);
	prep_wake(words, 0, ANY, OWN);
	RUN_ONE(&ring, 0);
	prep_wake(words, 10, ANY, OWN);
	submit(&ring, 1);
	REAP(&ring, 99, 2);
	CHECK_EQ(reap_any(&ring).res + reap_any(&ring).res, 0);
	prep_wake(words, 10, ANY, OWN);
	RUN_ONE(&ring, 0);
	end();
}

static void wakes_and_waits_in_one_submission(void)
{
	begin();
	prep_wait(words, 0, ANY, SHARED, 1);
	prep_wake(words, 3, ANY, SHARED);
	submit(&ring, 2);
	REAP(&ring, 99, 1);
	REAP(&ring, 1, 0);
	end();
}

static void by_mask(void)
{
	begin();
	for (int i = 0; i < 4; i++)
		prep_wait(words, 0, 1ull << i, OWN, (uint64_t)i);
	submit(&ring, 4);
	CHECK_EQ(wake(words, 10, 2, FUTEX_PRIVATE_FLAG), 1);
	REAP(&ring, 1, 0);
	CHECK_EQ(wake(words, 10, 6, FUTEX_PRIVATE_FLAG), 1);
	REAP(&ring, 2, 0);
	io_uring_prep_cancel64(sqe_get(&ring), 0, 0);
	RUN_ONE(&ring, 1);
	REAP(&ring, 0, -ECANCELED);
	CHECK_EQ(wake(words, 10, 1, FUTEX_PRIVATE_FLAG), 0);
	CHECK_EQ(wake(words, 10, 8, FUTEX_PRIVATE_FLAG), 1);
	REAP(&ring, 3, 0);
	end();
}

static void refused(void)
{
	struct io_uring_sqe *sqe;

	begin();
	prep_wait(words, 1, ANY, OWN, 1);
	RUN_ONE(&ring, -EAGAIN);
	prep_wait(words, 0, 0, OWN, 1);
	RUN_ONE(&ring, -EINVAL);
	prep_wait(words, 0, ANY + 1, OWN, 1);
	RUN_ONE(&ring, -EINVAL);
	prep_wait(words, 1ull << 32, ANY, OWN, 1);
	RUN_ONE(&ring, -EINVAL);
	for (unsigned size = 0; size < 4; size++) {
		if (size == FUTEX2_SIZE_U32)
			continue;
		prep_wait(words, 0, ANY, size, 1);
		RUN_ONE(&ring, -EINVAL);
	}
	prep_wait(words, 0, ANY, OWN | 0x10, 1);
	RUN_ONE(&ring, -EINVAL);
	prep_wait((uint32_t *)((char *)words + 1), 0, ANY, OWN, 1);
	RUN_ONE(&ring, -EINVAL);
	prep_wait(NULL, 0, ANY, OWN, 1);
	RUN_ONE(&ring, -EFAULT);
	prep_wait((uint32_t *)0x1000, 0, ANY, SHARED, 1);
	RUN_ONE(&ring, -EFAULT);
	sqe = prep_wait(words, 0, ANY, OWN, 1);
	sqe->futex_flags = 1;
	RUN_ONE(&ring, -EINVAL);
	sqe = prep_wait(words, 0, ANY, OWN, 1);
	sqe->len = 1;
	RUN_ONE(&ring, -EINVAL);
	prep_wake(words, 1, 0, OWN);
	RUN_ONE(&ring, -EINVAL);
	prep_wake(words, 1ull << 32, ANY, OWN);
	RUN_ONE(&ring, -EINVAL);
	prep_wake((uint32_t *)((char *)words + 2), 1, ANY, OWN);
	RUN_ONE(&ring, -EINVAL);
	end();
}

static void cancelled(void)
{
	struct io_uring_sync_cancel_reg sync = { .addr = 1, .timeout = { -1, -1 } };
	struct __kernel_timespec soon = ms_to_ts(10);

	begin();
	prep_wait(words, 0, ANY, OWN, 1);
	submit(&ring, 1);
	for (int i = 0; i < 2; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_cancel64(sqe, 1, 0);
		io_uring_sqe_set_data64(sqe, (uint64_t)(2 + i));
	}
	prep_wake(words, 1, ANY, OWN);
	submit(&ring, 3);
	REAP(&ring, 2, 1);
	REAP(&ring, 3, -ENOENT);
	REAP(&ring, 99, 0);
	REAP(&ring, 1, -ECANCELED);

	io_uring_sqe_set_flags(prep_wait(words, 0, ANY, OWN, 1), IOSQE_IO_LINK);
	io_uring_prep_link_timeout(sqe_get(&ring), &soon, 0);
	submit(&ring, 2);
	REAP(&ring, 0, 1);
	REAP(&ring, 1, -ECANCELED);

	prep_wait(words, 0, ANY, OWN, 1);
	submit(&ring, 1);
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &sync), 1);
	REAP(&ring, 1, -ECANCELED);

	end();
}

/* What still waits goes with the ring, as soon as that is taken down. A look that comes too early wakes it. */
static void gone_with_the_ring(void)
{
	long found = 1;

	for (unsigned delay = 1000; found && delay < 5000000; delay *= 2) {
		begin();
		prep_wait(words, 0, ANY, OWN, 1);
		prep_wait(words, 0, 4, OWN, 1);
		submit(&ring, 2);
		end();
		usleep(delay);
		found = wake(words, 10, ANY, FUTEX_PRIVATE_FLAG);
	}
	CHECK_EQ(found, 0);
}

static void any_of_several(void)
{
	struct futex_waitv wanted[129] = { 0 };
	struct __kernel_timespec soon = ms_to_ts(10);

	begin();
	for (int i = 0; i < 129; i++)
		wanted[i] = (struct futex_waitv){ .uaddr = (uintptr_t)&words[i % 64], .flags = OWN };
	prep_waitv(wanted, 0, 1);
	RUN_ONE(&ring, -EINVAL);
	prep_waitv(wanted, 129, 1);
	RUN_ONE(&ring, -EINVAL);
	prep_waitv((struct futex_waitv *)0x1000, 1, 1);
	RUN_ONE(&ring, -EFAULT);
	wanted[1].val = 1;
	prep_waitv(wanted, 3, 1);
	RUN_ONE(&ring, -EAGAIN);
	wanted[1].val = 0;
	wanted[1].flags = 0;
	prep_waitv(wanted, 3, 1);
	RUN_ONE(&ring, -EINVAL);
	wanted[1].flags = SHARED;
	for (int i = 0; i < 3; i++) {
		prep_waitv(wanted, 3, 1);
		submit(&ring, 1);
		CHECK_EQ(wake(&words[i], 1, ANY, i == 1 ? 0 : FUTEX_PRIVATE_FLAG), 1);
		REAP(&ring, 1, i);
	}
	prep_waitv(wanted, 128, 1);
	submit(&ring, 1);
	io_uring_prep_cancel64(sqe_get(&ring), 1, 0);
	RUN_ONE(&ring, 1);
	REAP(&ring, 1, -ECANCELED);
	prep_waitv(wanted, 64, 1);
	submit(&ring, 1);
	CHECK_EQ(wake(&words[63], 1, ANY, FUTEX_PRIVATE_FLAG), 1);
	REAP(&ring, 1, 63);
	io_uring_sqe_set_flags(prep_waitv(wanted, 3, 1), IOSQE_IO_LINK);
	io_uring_prep_link_timeout(sqe_get(&ring), &soon, 0);
	submit(&ring, 2);
	REAP(&ring, 0, 1);
	REAP(&ring, 1, -ECANCELED);
	end();
}

/* As make(1) leaves them to what it starts. */
static void cancelled_where_the_c_librarys_signals_are_ignored(void)
{
	struct {
		void (*handler)(int);
		unsigned long rest[3];
	} ignore = { SIG_IGN, { 0 } };

	MUST(syscall(SYS_rt_sigaction, 32, &ignore, NULL, 8));
	cancelled();
}

/* Another thread changes the word and wakes, at any time: each change is seen, each wake-up counts. */
static uint32_t turns;
static long woken;

static void *change(void *unused)
{
	for (uint32_t i = 1; i <= BUSY; i++) {
		while (__atomic_load_n(&turns, __ATOMIC_ACQUIRE) != 2 * i - 1)
			;
		__atomic_store_n(&turns, 2 * i, __ATOMIC_RELEASE);
		woken += wake(&turns, 1, ANY, FUTEX_PRIVATE_FLAG);
	}
	return unused;
}

static void races(void)
{
	pthread_t thread;
	long slept = 0;

	begin();
	CHECK_EQ(pthread_create(&thread, NULL, change, NULL), 0);
	for (uint32_t i = 1; i <= BUSY; i++) {
		__atomic_store_n(&turns, 2 * i - 1, __ATOMIC_RELEASE);
		prep_wait(&turns, 2 * i - 1, ANY, OWN, 1);
		submit(&ring, 1);
		struct result result = reap_any(&ring);

		CHECK(result.res == 0 || result.res == -EAGAIN);
		slept += result.res == 0;
		/* It may have been the wake-up of the turn before. */
		while (__atomic_load_n(&turns, __ATOMIC_ACQUIRE) != 2 * i)
			sched_yield();
	}
	pthread_join(thread, NULL);
	CHECK_EQ(slept, woken);
	end();
}

/* Cancelled and woken at the same time: it is one of them. */
static void *wake_again_and_again(void *unused)
{
	for (int i = 0; i < 2000; i++)
		woken += wake(words, 1, ANY, FUTEX_PRIVATE_FLAG);
	__atomic_store_n(&turns, 1, __ATOMIC_RELEASE);
	return unused;
}

static void woken_or_cancelled(void)
{
	pthread_t thread;
	long slept = 0;

	begin();
	CHECK_EQ(pthread_create(&thread, NULL, wake_again_and_again, NULL), 0);
	while (!__atomic_load_n(&turns, __ATOMIC_ACQUIRE)) {
		prep_wait(words, 0, ANY, OWN, 1);
		submit(&ring, 1);
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_cancel64(sqe, 1, 0);
		io_uring_sqe_set_data64(sqe, 2);
		submit(&ring, 1);
		for (int i = 0; i < 2; i++) {
			struct result result = reap_any(&ring);

			if (result.user_data == 1) {
				CHECK(result.res == 0 || result.res == -ECANCELED);
				slept += result.res == 0;
			}
		}
	}
	pthread_join(thread, NULL);
	CHECK_EQ(slept, woken);
	end();
}

/* Whoever cancels everything is told of each. Links go on. */
static void counted_with_everything(void)
{
	begin();
	for (int i = 1; i <= 3; i++)
		prep_wait(words, 0, ANY, OWN, (uint64_t)i)->flags |= i < 3 ? 0 : IOSQE_IO_LINK;
	nop(&ring, 4);
	submit(&ring, 4);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
	io_uring_sqe_set_data64(sqe, 99);
	submit(&ring, 1);
	for (int i = 0; i < 5; i++) {
		struct result result = reap_any(&ring);
		bool is_link = result.user_data == 4;

		CHECK_EQ(result.res, is_link ? 0 : result.user_data == 99 ? 3 : -ECANCELED);
	}
	end();
}

static void waits_keep_no_memory(void)
{
	enum { WARM = 500, ROUNDS = 3000, FUTEXES = 8, SLACK_KIB = 512 };
	struct futex_waitv wanted[FUTEXES];
	long before = 0;

	begin();
	for (unsigned i = 0; i < FUTEXES; i++)
		wanted[i] = (struct futex_waitv) { .uaddr = (uintptr_t)&words[i], .flags = OWN };
	for (unsigned round = 0; round < WARM + ROUNDS; round++) {
		if (round == WARM)
			before = rss_kib();
		if (round % 2)
			prep_waitv(wanted, FUTEXES, 1);
		else
			prep_wait(&words[round % FUTEXES], 0, ANY, OWN, 2);
		submit(&ring, 1);
		prep_wake(&words[round % FUTEXES], 1, ANY, OWN);
		submit(&ring, 1);
		for (int i = 0; i < 2; i++) {
			struct result one = reap_any(&ring);

			CHECK_EQ(one.res, one.user_data == 99 ? 1 : one.user_data == 1 ? (int)(round % FUTEXES) : 0);
		}
	}
	CHECK_OP(rss_kib(), <, before + SLACK_KIB);
	end();
}

TEST_PARTS(
	PART(as_many_as_wait),
	PART(wakes_and_waits_in_one_submission),
	PART(by_mask),
	PART(refused),
	PART(cancelled),
	PART(gone_with_the_ring),
	PART(cancelled_where_the_c_librarys_signals_are_ignored),
	PART(counted_with_everything),
	PART(any_of_several),
	PART(races),
	PART(woken_or_cancelled),
	PART(waits_keep_no_memory),
)
