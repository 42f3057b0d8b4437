/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Timeouts at a time of another clock, and fields of timeouts that are refused. */
#include "rings.h"

static struct io_uring ring;

static struct __kernel_timespec at(clockid_t clock, int ms)
{
	struct timespec now;

	MUST(clock_gettime(clock, &now));
	long long ns = now.tv_nsec + ms * 1000000LL + 1000000000LL;

	return (struct __kernel_timespec){ now.tv_sec - 1 + ns / 1000000000, ns % 1000000000 };
}

static void times_of_clocks(void)
{
	static const struct { clockid_t clock; unsigned flag; } clocks[] = {
		{ CLOCK_MONOTONIC, 0 }, { CLOCK_BOOTTIME, IORING_TIMEOUT_BOOTTIME },
		{ CLOCK_REALTIME, IORING_TIMEOUT_REALTIME },
	};

	ring_init(&ring, 8, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct __kernel_timespec soon, past = at(clocks[i].clock, -500);
		struct __kernel_timespec relative = ms_to_ts(40);
		const unsigned absolute = clocks[i].flag | IORING_TIMEOUT_ABS;
		long long start;

		io_uring_prep_timeout(sqe_get(&ring), &past, 0, absolute);
		RUN_ONE(&ring, -ETIME);
		start = now_ms();
		soon = at(clocks[i].clock, 40);
		io_uring_prep_timeout(sqe_get(&ring), &soon, 0, absolute);
		RUN_ONE(&ring, -ETIME);
		CHECK_OP(now_ms() - start, >=, 38);
		start = now_ms();
		io_uring_prep_timeout(sqe_get(&ring), &relative, 0, clocks[i].flag);
		RUN_ONE(&ring, -ETIME);
		CHECK_OP(now_ms() - start, >=, 38);
	}
	io_uring_queue_exit(&ring);
}

/* A timeout that gets another time, relative or absolute, keeps its clock. */
static void another_time(void)
{
	struct __kernel_timespec late = at(CLOCK_REALTIME, 100000), soon = at(CLOCK_REALTIME, 30), relative = ms_to_ts(1);
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	for (int absolute = 0; absolute < 2; absolute++) {
		struct __kernel_timespec *next = absolute ? &soon : &relative;

		sqe = sqe_get(&ring);
		io_uring_prep_timeout(sqe, &late, 0, IORING_TIMEOUT_ABS | IORING_TIMEOUT_REALTIME);
		sqe->user_data = 1;
		submit(&ring, 1);
		sqe = sqe_get(&ring);
		io_uring_prep_timeout_update(sqe, next, 1, absolute ? IORING_TIMEOUT_ABS : 0);
		sqe->user_data = 2;
		submit(&ring, 1);
		struct result first = reap_any(&ring), second = reap_any(&ring);

		CHECK_EQ(first.user_data + second.user_data, 3);
		CHECK_EQ(first.user_data == 1 ? first.res : second.res, -ETIME);
		CHECK_EQ(first.user_data == 2 ? first.res : second.res, 0);
	}
	io_uring_queue_exit(&ring);
}

static void refused(void)
{
	const unsigned both = IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME;
	struct __kernel_timespec ts = ms_to_ts(10), negative = { -1, 0 }, odd = { 0, -1 };
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	io_uring_prep_timeout(sqe_get(&ring), &ts, 0, both);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout(sqe_get(&ring), &ts, 0, 1u << 20);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout(sqe_get(&ring), &negative, 0, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout(sqe_get(&ring), &odd, 0, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout(sqe_get(&ring), NULL, 0, 0);
	RUN_ONE(&ring, -EFAULT);
	sqe = sqe_get(&ring);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	sqe->len = 2;
	RUN_ONE(&ring, -EINVAL);
	sqe = sqe_get(&ring);
	io_uring_prep_timeout(sqe, &ts, 0, IORING_TIMEOUT_MULTISHOT | IORING_TIMEOUT_ABS);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_link_timeout(sqe_get(&ring), &ts, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout_remove(sqe_get(&ring), 5, 1u << 20);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout_update(sqe_get(&ring), &ts, 5, IORING_TIMEOUT_BOOTTIME);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout_update(sqe_get(&ring), &ts, 5, IORING_TIMEOUT_REALTIME);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout_update(sqe_get(&ring), &ts, 5, IORING_LINK_TIMEOUT_UPDATE | IORING_TIMEOUT_REALTIME);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout_update(sqe_get(&ring), &negative, 5, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_timeout_update(sqe_get(&ring), &ts, 5, 0);
	RUN_ONE(&ring, -ENOENT);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(PART(times_of_clocks), PART(another_time), PART(refused))
