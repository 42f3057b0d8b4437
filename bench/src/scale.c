/*
 * What many requests in flight, many rings and a first use cost.
 *
 *	scale inflight N	nanoseconds to arm and to cancel each of N timeouts
 *	scale rings N		nanoseconds for each NOP on N rings in turn, each set up before
 *	scale first 0		nanoseconds from setting a ring up to its first completion, by a worker
 */
#define _GNU_SOURCE
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "scale: %s\n", what);
		exit(1);
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void reap(struct io_uring *ring, unsigned nr)
{
	struct io_uring_cqe *cqe;

	for (unsigned i = 0; i < nr; i++) {
		check(!io_uring_wait_cqe(ring, &cqe), "io_uring_wait_cqe");
		io_uring_cqe_seen(ring, cqe);
	}
}

static double in_flight(unsigned nr)
{
	struct __kernel_timespec hour = { .tv_sec = 3600 };
	struct io_uring ring;
	double start;

	check(!io_uring_queue_init(nr, &ring, 0), "io_uring_queue_init");
	start = now();
	for (unsigned i = 0; i < nr; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		io_uring_prep_timeout(sqe, &hour, 0, 0);
		io_uring_sqe_set_data64(sqe, i);
	}
	check(io_uring_submit(&ring) == (int)nr, "io_uring_submit");
	for (unsigned i = 0; i < nr; i++) {
		io_uring_prep_timeout_remove(io_uring_get_sqe(&ring), i, 0);
		if (i % 64 == 63 || i + 1 == nr) {
			unsigned batch = i % 64 + 1;

			check(io_uring_submit(&ring) == (int)batch, "io_uring_submit");
			reap(&ring, 2 * batch);
		}
	}
	return (now() - start) / nr;
}

static double rings(unsigned nr)
{
	enum { TURNS = 20 };
	struct io_uring *ring = calloc(nr, sizeof(*ring));
	double start;

	for (unsigned i = 0; i < nr; i++)
		check(!io_uring_queue_init(8, &ring[i], 0), "io_uring_queue_init");
	start = now();
	for (unsigned i = 0; i < nr * TURNS; i++) {
		io_uring_prep_nop(io_uring_get_sqe(&ring[i % nr]));
		check(io_uring_submit(&ring[i % nr]) == 1, "io_uring_submit");
		reap(&ring[i % nr], 1);
	}
	return (now() - start) / (nr * TURNS);
}

static double first(void)
{
	int fd = memfd_create("first", MFD_CLOEXEC);
	struct io_uring ring;
	double start = now();

	check(!io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
	io_uring_prep_fsync(io_uring_get_sqe(&ring), fd, 0);
	check(io_uring_submit(&ring) == 1, "io_uring_submit");
	reap(&ring, 1);
	return now() - start;
}

int main(int argc, char **argv)
{
	check(argc == 3, "usage: scale inflight|rings|first N");
	unsigned nr = (unsigned)atoi(argv[2]);

	if (!strcmp(argv[1], "inflight"))
		printf("%.1f\n", in_flight(nr));
	else if (!strcmp(argv[1], "rings"))
		printf("%.1f\n", rings(nr));
	else
		printf("%.1f\n", first());
	return 0;
}
