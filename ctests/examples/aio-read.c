/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reads a file's blocks in random order with libaio, as a database would: buffered, many at a time.
 * Prints how fast, and a checksum of what was read that tells whether two runs read the same.
 *
 * usage: aio-read [-d depth] [-b block size] [-n blocks] FILE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct options {
	const char *path;
	unsigned int depth;
	size_t block;
	unsigned long count;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "aio-read: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The same for any order of the blocks, so that completions may come in any. */
static uint64_t checksum(const char *data, size_t size, uint64_t offset)
{
	uint64_t sum = offset * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t word;

		memcpy(&word, data + i, 8);
		sum = (sum ^ word) * 0x100000001b3u;
	}
	return sum;
}

/* Keeps `depth` reads in flight until all blocks were read; returns the sum of their checksums. */
static uint64_t read_blocks(io_context_t context, int fd, uint64_t blocks, const struct options *o)
{
	struct iocb *requests = calloc(o->depth, sizeof(*requests));
	struct iocb **idle = calloc(o->depth, sizeof(*idle));
	struct io_event *events = calloc(o->depth, sizeof(*events));
	char *buffers = NULL;
	uint64_t sum = 0, seed = 88172645463325252u;
	unsigned long submitted = 0, done = 0;
	unsigned int nr_idle = o->depth;

	if (!requests || !idle || !events || posix_memalign((void **)&buffers, 4096, o->depth * o->block))
		die("memory", ENOMEM);
	for (unsigned int i = 0; i < o->depth; i++)
		idle[i] = &requests[i];

	while (done < o->count) {
		unsigned int batch = nr_idle;

		if (batch > o->count - submitted)
			batch = (unsigned int)(o->count - submitted);
		for (unsigned int i = 0; i < batch; i++) {
			struct iocb *request = idle[nr_idle - batch + i];
			size_t slot = (size_t)(request - requests);

			io_prep_pread(request, fd, buffers + slot * o->block, o->block,
				      (long long)(next_random(&seed) % blocks * o->block));
		}
		while (batch > 0) {
			int ret = io_submit(context, batch, idle + nr_idle - batch);

			if (ret < 0)
				die("io_submit", -ret);
			/* What was not taken stays idle, at the end of the list, and goes again. */
			memmove(idle + nr_idle - batch, idle + nr_idle - batch + ret,
				(batch - (unsigned int)ret) * sizeof(*idle));
			nr_idle -= (unsigned int)ret;
			batch -= (unsigned int)ret;
			submitted += (unsigned int)ret;
		}
		int got = io_getevents(context, 1, o->depth, events, NULL);

		if (got < 0)
			die("io_getevents", -got);
		for (int i = 0; i < got; i++) {
			struct iocb *request = events[i].obj;
			long long offset = request->u.c.offset;

			if ((long)events[i].res < 0)
				die("read", -(int)events[i].res);
			if (events[i].res != o->block)
				die("read", EIO);
			sum += checksum(request->u.c.buf, o->block, (uint64_t)offset);
			idle[nr_idle++] = request;
		}
		done += (unsigned int)got;
	}
	free(buffers);
	free(events);
	free(idle);
	free(requests);
	return sum;
}

static struct options parse(int argc, char **argv)
{
	struct options o = { .depth = 32, .block = 4096, .count = 20000 };
	int option;

	while ((option = getopt(argc, argv, "d:b:n:")) != -1) {
		unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (value == 0 || (option == 'd' && value > 4096))
			die("option value", EINVAL);
		if (option == 'd')
			o.depth = (unsigned int)value;
		else if (option == 'b')
			o.block = value;
		else if (option == 'n')
			o.count = value;
		else
			exit(2);
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: aio-read [-d depth] [-b block size] [-n blocks] FILE\n");
		exit(2);
	}
	o.path = argv[optind];
	return o;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	io_context_t context = NULL;
	struct timespec start, end;
	struct stat status;
	int fd = open(o.path, O_RDONLY);

	if (fd < 0 || fstat(fd, &status) < 0)
		die(o.path, errno);
	if ((size_t)status.st_size < o.block)
		die(o.path, EINVAL);
	/* Random reads: reading ahead would only fetch what nobody asked for. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);

	int ret = io_setup((int)o.depth, &context);

	if (ret < 0)
		die("io_setup", -ret);
	clock_gettime(CLOCK_MONOTONIC, &start);
	uint64_t sum = read_blocks(context, fd, (uint64_t)status.st_size / o.block, &o);
	clock_gettime(CLOCK_MONOTONIC, &end);
	io_destroy(context);
	close(fd);

	double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;

	printf("%lu reads  %.3f seconds  %.0f IOPS  checksum %016llx\n", o.count, seconds,
	       (double)o.count / seconds, (unsigned long long)sum);
	return 0;
}
