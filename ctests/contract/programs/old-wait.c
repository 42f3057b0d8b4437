/* The ways to submit and to wait, and timeouts. */
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "old.h"

#define ENTRIES 8
#define MS 1000000LL

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MS + now.tv_nsec;
}

static struct __kernel_timespec after(long long ns)
{
	return (struct __kernel_timespec){ .tv_sec = ns / (1000 * MS), .tv_nsec = ns % (1000 * MS) };
}

static void queue_nop(struct io_uring *ring, unsigned long long data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	CHECK(sqe);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, data);
}

static void submit_variants(struct io_uring *ring)
{
	struct io_uring_cqe *cqe, *cqes[ENTRIES];
	unsigned head, seen = 0;

	CHECK_EQ(io_uring_submit(ring), 0);
	CHECK_EQ(io_uring_peek_cqe(ring, &cqe), -EAGAIN);
	CHECK_EQ(io_uring_sq_space_left(ring), ENTRIES);
	for (int i = 0; i < ENTRIES; i++)
		queue_nop(ring, i);
	CHECK(!io_uring_get_sqe(ring));
	CHECK_EQ(io_uring_sq_ready(ring), ENTRIES);
	CHECK_EQ(io_uring_submit(ring), ENTRIES);
	CHECK_EQ(io_uring_cq_ready(ring), ENTRIES);
	CHECK_EQ(io_uring_peek_batch_cqe(ring, cqes, 3), 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(cqes[i]->user_data, i);
	io_uring_cq_advance(ring, 3);
	io_uring_for_each_cqe(ring, head, cqe) {
		CHECK_EQ(cqe->user_data, 3 + seen);
		seen++;
	}
	CHECK_EQ(seen, ENTRIES - 3);
	io_uring_cq_advance(ring, seen);

	queue_nop(ring, 1);
	queue_nop(ring, 2);
	CHECK_EQ(io_uring_submit_and_wait(ring, 2), 2);
	CHECK_EQ(io_uring_wait_cqe_nr(ring, &cqe, 2), 0);
	CHECK_EQ(reap(ring, 1), 0);
	CHECK_EQ(reap(ring, 2), 0);
	queue_nop(ring, 3);
	CHECK_EQ(io_uring_submit_and_get_events(ring), 1);
	CHECK_EQ(io_uring_get_events(ring), 0);
	CHECK_EQ(reap(ring, 3), 0);
}

static void wait_timeouts(struct io_uring *ring)
{
	struct __kernel_timespec ts = after(20 * MS);
	struct io_uring_cqe *cqe = NULL;
	long long start = now_ns();

	CHECK_EQ(io_uring_wait_cqe_timeout(ring, &cqe, &ts), -ETIME);
	CHECK(now_ns() - start >= 20 * MS);
	start = now_ns();
	CHECK_EQ(io_uring_wait_cqes(ring, &cqe, 2, &ts, NULL), -ETIME);
	CHECK(now_ns() - start >= 20 * MS);
	CHECK_EQ(io_uring_submit_and_wait_timeout(ring, &cqe, 1, &ts, NULL), -ETIME);
	queue_nop(ring, 7);
	CHECK_EQ(io_uring_submit_and_wait_timeout(ring, &cqe, 1, &ts, NULL), 1);
	CHECK(cqe);
	CHECK_EQ(reap(ring, 7), 0);
	queue_nop(ring, 8);
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(io_uring_wait_cqes(ring, &cqe, 1, &ts, NULL), 0);
	CHECK_EQ(reap(ring, 8), 0);
}

static void timeout_requests(struct io_uring *ring)
{
	struct __kernel_timespec soon = after(10 * MS), late = after(10000 * MS);
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	long long start = now_ns();

	io_uring_prep_timeout(sqe, &soon, 0, 0);
	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(reap(ring, 1), -ETIME);
	CHECK(now_ns() - start >= 10 * MS);

	sqe = io_uring_get_sqe(ring);
	io_uring_prep_timeout(sqe, &late, 0, 0);
	io_uring_sqe_set_data64(sqe, 2);
	CHECK_EQ(io_uring_submit(ring), 1);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_timeout_update(sqe, &soon, 2, 0);
	io_uring_sqe_set_data64(sqe, 3);
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(reap(ring, 3), 0);
	CHECK_EQ(reap(ring, 2), -ETIME);

	sqe = io_uring_get_sqe(ring);
	io_uring_prep_timeout_remove(sqe, 99, 0);
	io_uring_sqe_set_data64(sqe, 4);
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(reap(ring, 4), -ENOENT);
}

static void link_timeout(struct io_uring *ring)
{
	struct __kernel_timespec soon = after(10 * MS);
	struct io_uring_sqe *sqe;
	char byte;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_read(sqe, ends[0], &byte, 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	io_uring_sqe_set_data64(sqe, 5);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_link_timeout(sqe, &soon, 0);
	io_uring_sqe_set_data64(sqe, 5);
	CHECK_EQ(io_uring_submit(ring), 2);
	/* The read is cancelled and the timeout expired; which comes first is open. */
	CHECK_EQ(reap(ring, 5) + reap(ring, 5), -ECANCELED - ETIME);
	close(ends[0]);
	close(ends[1]);
}

static void registered_ring_and_eventfd(struct io_uring *ring)
{
	int event = eventfd(0, EFD_NONBLOCK);
	eventfd_t count;

	CHECK(event >= 0);
	CHECK_EQ(io_uring_register_ring_fd(ring), 1);
	CHECK_EQ(io_uring_register_eventfd(ring, event), 0);
	CHECK(io_uring_cq_eventfd_enabled(ring));
	queue_nop(ring, 6);
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(eventfd_read(event, &count), 0);
	CHECK_EQ(io_uring_cq_eventfd_toggle(ring, false), 0);
	queue_nop(ring, 7);
	CHECK_EQ(io_uring_submit_and_wait(ring, 2), 1);
	CHECK_EQ(eventfd_read(event, &count), -1);
	CHECK_EQ(reap(ring, 6), 0);
	CHECK_EQ(reap(ring, 7), 0);
	CHECK_EQ(io_uring_unregister_eventfd(ring), 0);
	CHECK_EQ(io_uring_unregister_ring_fd(ring), 1);
	close(event);
}

static void probe(void)
{
	struct io_uring_probe *probe = io_uring_get_probe();

	CHECK(probe);
	CHECK(io_uring_opcode_supported(probe, IORING_OP_READ));
	CHECK(!io_uring_opcode_supported(probe, 255));
	io_uring_free_probe(probe);
}

int main(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 4 * ENTRIES };
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init_params(ENTRIES, &ring, &params), 0);
	CHECK_EQ(params.cq_entries, 4 * ENTRIES);
	submit_variants(&ring);
	wait_timeouts(&ring);
	timeout_requests(&ring);
	link_timeout(&ring);
	registered_ring_and_eventfd(&ring);
	io_uring_queue_exit(&ring);
	probe();
	print_library();
	return 0;
}
