/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory that runs out (RLIMIT_AS): where a program decides how much there is of something, it is told, nothing of what
 * it has begun is lost, and all goes on with what comes back.
 */
#include "rings.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { ENTRIES = 256, SPARE_KIB = 3000, MOST = 400000 };

static struct io_uring ring;

/* No more than that from now on; a negative number: as much as there is. */
static void allow(long kib)
{
	struct rlimit limit;
	long pages;
	FILE *statm = fopen("/proc/self/statm", "r");

	CHECK(statm != NULL);
	CHECK_EQ(fscanf(statm, "%ld", &pages), 1);
	fclose(statm);
	MUST(getrlimit(RLIMIT_AS, &limit));
	limit.rlim_cur = kib < 0 ? limit.rlim_max : (rlim_t)pages * (rlim_t)getpagesize() + (rlim_t)kib * 1024;
	MUST(setrlimit(RLIMIT_AS, &limit));
}

static void begin(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = ENTRIES };

	CHECK_EQ(io_uring_queue_init_params(ENTRIES, &ring, &params), 0);
	if (!is_soft(&ring))
		SKIP("the kernel's memory has no such limit");
	CHECK_RING_WORKS(&ring);
	allow(SPARE_KIB);
}

/* Submits what `prepare` makes until there is no memory; returns how many were taken. */
static unsigned submit_until_refused(void (*prepare)(struct io_uring_sqe *, unsigned))
{
	unsigned taken = 0, made = 0;
	int ret = 0;

	while (ret >= 0) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		CHECK_OP(taken, <, MOST);
		if (sqe) {
			prepare(sqe, made);
			io_uring_sqe_set_data64(sqe, ++made);
			continue;
		}
		ret = io_uring_submit(&ring);
		if (ret > 0)
			taken += (unsigned)ret;
	}
	CHECK_EQ(ret, -EAGAIN);
	/* The others stand where they were. */
	CHECK_EQ(io_uring_sq_ready(&ring), made - taken);
	CHECK_EQ(io_uring_submit(&ring), -EAGAIN);
	return taken;
}

/* All that were taken complete, each once. */
static void reap_each_once(unsigned taken, int res)
{
	static bool seen[MOST];
	unsigned reaped = 0;

	while (reaped < taken) {
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_OP(cqe->user_data, >, 0);
		CHECK_OP(cqe->user_data, <=, taken);
		CHECK(!seen[cqe->user_data - 1]);
		seen[cqe->user_data - 1] = true;
		CHECK_EQ(cqe->res, res);
		io_uring_cqe_seen(&ring, cqe);
		reaped++;
	}
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(*ring.cq.koverflow, 0);
}

/* Without an SQE, for which there is no memory. */
static void cancel_all(void)
{
	struct io_uring_sync_cancel_reg all = {
		.flags = IORING_ASYNC_CANCEL_ANY, .timeout = { .tv_sec = -1, .tv_nsec = -1 },
	};

	CHECK_OP(io_uring_register_sync_cancel(&ring, &all), >=, 0);
}

/* What stands in the submission ring is taken once there is memory again. */
static void go_on(void)
{
	unsigned left = io_uring_sq_ready(&ring);

	allow(-1);
	CHECK_EQ(io_uring_submit(&ring), left);
	io_uring_queue_exit(&ring);
	ring_init(&ring, 8, 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static void in_flight(void (*prepare)(struct io_uring_sqe *, unsigned), unsigned least)
{
	begin();
	unsigned taken = submit_until_refused(prepare);

	CHECK_OP(taken, >, least);
	cancel_all();
	reap_each_once(taken, -ECANCELED);
	go_on();
}

static void prepare_timeout(struct io_uring_sqe *sqe, unsigned number)
{
	static struct __kernel_timespec times[7];

	times[number % 7].tv_sec = 1000 + number % 7;
	io_uring_prep_timeout(sqe, &times[number % 7], 0, 0);
}

static void timeouts(void)
{
	in_flight(prepare_timeout, 1000);
}

static void prepare_poll(struct io_uring_sqe *sqe, unsigned number)
{
	static int fd = -1;

	if (number == 0)
		fd = (int)MUST(eventfd(0, EFD_CLOEXEC));
	io_uring_prep_poll_add(sqe, fd, POLLIN);
}

static void polls(void)
{
	in_flight(prepare_poll, 1000);
}

static void prepare_read(struct io_uring_sqe *sqe, unsigned number)
{
	static int pipes[2];
	static char byte;
	static struct iovec vector[1024];

	if (number == 0) {
		MUST(pipe(pipes));
		for (int i = 0; i < 1024; i++)
			vector[i] = (struct iovec){ &byte, 1 };
	}
	io_uring_prep_readv(sqe, pipes[0], vector, 1024, -1);
}

/* 16 KiB for each, which are copied. */
static void vectors(void)
{
	struct io_uring_cqe *cqe;
	unsigned starved = 0;

	begin();
	for (unsigned i = 0; i < 4000 && !starved; i++) {
		prepare_read(sqe_get(&ring), i);
		int ret = io_uring_submit(&ring);

		CHECK(ret == 1 || ret == -EAGAIN);
		starved += ret == -EAGAIN;
		while (!io_uring_peek_cqe(&ring, &cqe)) {
			CHECK_EQ(cqe->res, -ENOMEM);
			io_uring_cqe_seen(&ring, cqe);
			starved++;
		}
	}
	CHECK_OP(starved, >, 0);
	allow(-1);
	io_uring_queue_exit(&ring);
}

static void prepare_nop(struct io_uring_sqe *sqe, unsigned number)
{
	(void)number;
	io_uring_prep_nop(sqe);
}

/* They complete at once, and nobody takes their CQEs. */
static void completions(void)
{
	begin();
	unsigned taken = submit_until_refused(prepare_nop);

	CHECK_OP(taken, >, ENTRIES);
	reap_each_once(taken, 0);
	go_on();
}

static void prepare_behind_a_drain(struct io_uring_sqe *sqe, unsigned number)
{
	if (number == 0) {
		prepare_timeout(sqe, number);
		return;
	}
	io_uring_prep_nop(sqe);
	if (number == 1)
		sqe->flags |= IOSQE_IO_DRAIN;
}

static void requests_behind_a_drain(void)
{
	begin();
	unsigned taken = submit_until_refused(prepare_behind_a_drain);
	struct result first;

	cancel_all();
	first = reap_any(&ring);
	CHECK_EQ(first.user_data, 1);
	for (unsigned i = 2; i <= taken; i++)
		CHECK_EQ(reap_any(&ring).user_data, i);
	go_on();
}

static void provided_buffers(void)
{
	static char bytes[1 << 16];
	unsigned groups = 0;
	int res = 0;

	begin();
	for (; res == 0 && groups < 200; groups++) {
		io_uring_prep_provide_buffers(sqe_get(&ring), bytes, 1, 65535, (int)groups, 0);
		CHECK_EQ(io_uring_submit(&ring), 1);
		res = reap_any(&ring).res;
	}
	CHECK_EQ(res, -ENOMEM);
	for (unsigned i = 0; i + 1 < groups; i++) {
		io_uring_prep_remove_buffers(sqe_get(&ring), 65535, (int)i);
		int submitted = io_uring_submit(&ring);

		if (submitted == -EAGAIN) {
			allow(-1);
			submitted = io_uring_submit(&ring);
		}
		CHECK_EQ(submitted, 1);
		CHECK_EQ(reap_any(&ring).res, 65535);
	}
	allow(-1);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static int provide(unsigned group, int count)
{
	static char bytes[1 << 16];

	io_uring_prep_provide_buffers(sqe_get(&ring), bytes, 1, count, (int)group, 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	return reap_any(&ring).res;
}

static int take_back(unsigned group)
{
	io_uring_prep_remove_buffers(sqe_get(&ring), 65535, (int)group);
	CHECK_EQ(io_uring_submit(&ring), 1);
	return reap_any(&ring).res;
}

/* A group has 65,535: more are left out, and an error when there is room for none. */
static void a_full_group(void)
{
	ring_init(&ring, 8, 0);
	CHECK_EQ(provide(1, 65535), 0);
	CHECK_EQ(provide(1, 1), -EOVERFLOW);
	CHECK_EQ(take_back(1), 65535);
	CHECK_EQ(provide(2, 65536), 0);
	CHECK_EQ(take_back(2), 65535);
	CHECK_EQ(take_back(2), 0);
	CHECK_EQ(provide(3, 60000), 0);
	CHECK_EQ(provide(3, 10000), 0);
	CHECK_EQ(provide(3, 10000), -EOVERFLOW);
	CHECK_EQ(take_back(3), 65535);
	io_uring_queue_exit(&ring);
}

static void registered_files(void)
{
	struct rlimit limit;
	unsigned count = 16384;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_cur < count)
		SKIP("so many files cannot be had");
	begin();
	allow(64);
	CHECK_EQ(io_uring_register_files_sparse(&ring, count), -ENOMEM);
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 16384), -ENOMEM);
	allow(-1);
	CHECK_EQ(io_uring_register_files_sparse(&ring, count), 0);
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 16384), 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static void rings_of_a_process(void)
{
	enum { RINGS = 4000 };
	static struct io_uring rings[RINGS];
	unsigned made = 0;
	int ret = 0;

	begin();
	while (ret == 0 && made < RINGS) {
		ret = io_uring_queue_init(1024, &rings[made], 0);
		made += ret == 0;
	}
	CHECK_EQ(ret, -ENOMEM);
	while (made > 0)
		io_uring_queue_exit(&rings[--made]);
	CHECK_EQ(io_uring_queue_init(8, &rings[0], 0), 0);
	CHECK_RING_WORKS(&rings[0]);
	io_uring_queue_exit(&rings[0]);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(timeouts),
	PART(polls),
	PART(vectors),
	PART(completions),
	PART(requests_behind_a_drain),
	PART(provided_buffers),
	PART(a_full_group),
	PART(registered_files),
	PART(rings_of_a_process),
)
