/*
 * One case of the liburing micro-benchmarks, as a user of the library would write it. Compiled once
 * against each contestant's headers and library; only what both have is used.
 *
 *	uring nop BATCH OPS
 *	uring read DEPTH OPS FILE [direct]
 *	uring setup 0 OPS
 *
 * Prints nanoseconds per operation and the path of the liburing.so that did the work.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loaded.h"

#define BLOCK 4096u

static void die(const char *what, int error)
{
	fprintf(stderr, "uring: %s: %s\n", what, strerror(error));
	exit(1);
}

static void set_up(struct io_uring *ring, unsigned int entries)
{
	int ret = io_uring_queue_init(entries, ring, 0);

	if (ret < 0)
		die("io_uring_queue_init", -ret);
}

static void reap(struct io_uring *ring, unsigned int expected)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;

	io_uring_for_each_cqe(ring, head, cqe) {
		if (cqe->res < 0)
			die("completion", -cqe->res);
		seen++;
	}
	if (seen < expected)
		die("too few completions", EIO);
	io_uring_cq_advance(ring, seen);
}

static void nops(unsigned int batch, unsigned long ops)
{
	struct io_uring ring;

	set_up(&ring, batch);
	for (unsigned long done = 0; done < ops; done += batch) {
		for (unsigned int i = 0; i < batch; i++)
			io_uring_prep_nop(io_uring_get_sqe(&ring));
		int ret = io_uring_submit_and_wait(&ring, batch);
		if (ret != (int)batch)
			die("io_uring_submit_and_wait", ret < 0 ? -ret : EIO);
		reap(&ring, batch);
	}
	io_uring_queue_exit(&ring);
}

/* Random blocks, depth of them in flight. What was read is not looked at, so buffers are taken in turn. */
static void reads(unsigned int depth, unsigned long ops, const char *path, int flags)
{
	struct io_uring ring;
	struct stat st;
	uint64_t seed = 88172645463325252u;
	int fd = open(path, O_RDONLY | flags);

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path, errno);
	set_up(&ring, depth);
	char *buffers = aligned_alloc(BLOCK, (size_t)depth * BLOCK);
	uint64_t blocks = (uint64_t)st.st_size / BLOCK;
	unsigned long submitted = 0, done = 0;
	unsigned int in_flight = 0;

	while (done < ops) {
		while (in_flight < depth && submitted < ops) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
			unsigned int slot = (unsigned int)(submitted % depth);

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			io_uring_prep_read(sqe, fd, buffers + (size_t)slot * BLOCK, BLOCK,
					   seed % blocks * BLOCK);
			io_uring_sqe_set_data64(sqe, slot);
			submitted++;
			in_flight++;
		}
		int ret = io_uring_submit_and_wait(&ring, 1);
		if (ret < 0)
			die("io_uring_submit_and_wait", -ret);

		struct io_uring_cqe *cqe;
		unsigned int head, seen = 0;

		io_uring_for_each_cqe(&ring, head, cqe) {
			if (cqe->res != (int)BLOCK)
				die("read", cqe->res < 0 ? -cqe->res : EIO);
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
		in_flight -= seen;
		done += seen;
	}
	free(buffers);
	close(fd);
	io_uring_queue_exit(&ring);
}

static void setups(unsigned long ops)
{
	for (unsigned long i = 0; i < ops; i++) {
		struct io_uring ring;

		set_up(&ring, 32);
		io_uring_queue_exit(&ring);
	}
}

/* A function of its own for callgrind, which counts inside it: start-up and printing vary, this does not. */
__attribute__((noinline)) int run_case(const char *name, unsigned int batch, unsigned long ops,
				       const char *path, int flags);

int run_case(const char *name, unsigned int batch, unsigned long ops, const char *path, int flags)
{
	if (!strcmp(name, "nop"))
		nops(batch, ops);
	else if (!strcmp(name, "read") && path)
		reads(batch, ops, path, flags);
	else if (!strcmp(name, "setup"))
		setups(ops);
	else
		return 2;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: uring nop|read|setup BATCH OPS [FILE [direct]]\n");
		return 2;
	}
	unsigned int batch = (unsigned int)atoi(argv[2]);
	unsigned long ops = strtoul(argv[3], NULL, 10);
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (run_case(argv[1], batch, ops, argv[4], argc > 5 ? O_DIRECT : 0))
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &end);
	double ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);

	printf("%.2f ", ns / (double)ops);
	print_library("liburing.so");
	return 0;
}
