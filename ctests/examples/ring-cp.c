/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ring-cp: copy a file with io_uring.
 *
 * The file is cut into blocks, and as many blocks as the queue is deep are under
 * way at once. For each block a read is linked to the write that follows it, so
 * both go to the kernel in one submission and the write starts by itself. A
 * short read breaks the link (the write then ends with -ECANCELED), a short write
 * leaves a rest: in both cases the block goes round again with what is missing.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 4096
#define BLOCK_MAX (64u << 20)
#define PROGRESS_SECONDS 0.2

enum request { READ, WRITE };

struct block {
	unsigned char *buffer;
	struct iovec iov[2];        /* of the read and of the write */
	uint64_t offset;            /* in both files */
	unsigned size;              /* bytes to copy */
	unsigned filled, written;   /* bytes of these that have been */
	unsigned pending;           /* requests without an answer yet */
	int res[2];                 /* their answers */
	bool idle;
};

struct copy {
	struct io_uring ring;
	unsigned depth; /* blocks under way at once */
	unsigned block; /* bytes */
	bool fixed;     /* registered buffers instead of readv and writev */
	bool progress;
	const char *from_path, *to_path;
	int from, to;
	uint64_t size;  /* of the source when we started */
	uint64_t next;  /* offset of the first byte that no block has taken */
	uint64_t done;  /* bytes written */
	struct iovec memory; /* of all blocks */
	struct block *blocks;
	unsigned active; /* blocks that are not idle */
	double reported; /* when progress was last shown */
};

static double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void open_files(struct copy *copy)
{
	struct stat from, to;

	copy->from = open(copy->from_path, O_RDONLY | O_CLOEXEC);
	if (copy->from < 0 || fstat(copy->from, &from) < 0)
		err(1, "%s", copy->from_path);
	if (!S_ISREG(from.st_mode))
		errx(1, "%s: not a regular file", copy->from_path);
	copy->size = (uint64_t)from.st_size;
	copy->to = open(copy->to_path, O_WRONLY | O_CREAT | O_CLOEXEC, from.st_mode & 0777);
	if (copy->to < 0 || fstat(copy->to, &to) < 0)
		err(1, "%s", copy->to_path);
	if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
		errx(1, "%s and %s are the same file", copy->from_path, copy->to_path);
	/* only now: truncating the source would lose it */
	if (S_ISREG(to.st_mode) && ftruncate(copy->to, 0) < 0)
		err(1, "%s", copy->to_path);
}

/* One piece of memory for all blocks: registered as one buffer, it is number 0. */
static void make_blocks(struct copy *copy)
{
	size_t depth = copy->depth, block = copy->block;

	copy->memory.iov_len = depth * block;
	copy->blocks = calloc(depth, sizeof(*copy->blocks));
	if (!copy->blocks || posix_memalign(&copy->memory.iov_base, 4096, copy->memory.iov_len))
		errx(1, "no memory for %zu blocks of %zu bytes", depth, block);
	for (size_t i = 0; i < depth; i++) {
		copy->blocks[i].buffer = (unsigned char *)copy->memory.iov_base + i * block;
		copy->blocks[i].idle = true;
	}
}

/* Two requests fit for every block, so that io_uring_get_sqe() never runs dry below. */
static void make_ring(struct copy *copy)
{
	int ret = io_uring_queue_init(2 * copy->depth, &copy->ring, 0);

	if (ret < 0)
		errx(1, "cannot set up io_uring: %s", strerror(-ret));
	if (copy->fixed)
		ret = io_uring_register_buffers(&copy->ring, &copy->memory, 1);
	if (ret < 0)
		errx(1, "cannot register %zu bytes of buffers: %s%s", copy->memory.iov_len,
		     strerror(-ret), ret == -ENOMEM ? " (see ulimit -l)" : "");
}

/* Reads or writes the bytes of a block from `start` to `end`. */
static struct io_uring_sqe *queue(struct copy *copy, struct block *block, enum request request,
				  unsigned start, unsigned end)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&copy->ring);
	struct iovec *iov = &block->iov[request];
	unsigned len = end - start;
	uint64_t offset = block->offset + start;

	*iov = (struct iovec){ block->buffer + start, len };
	if (request == READ && copy->fixed)
		io_uring_prep_read_fixed(sqe, copy->from, iov->iov_base, len, offset, 0);
	else if (request == READ)
		io_uring_prep_readv(sqe, copy->from, iov, 1, offset);
	else if (copy->fixed)
		io_uring_prep_write_fixed(sqe, copy->to, iov->iov_base, len, offset, 0);
	else
		io_uring_prep_writev(sqe, copy->to, iov, 1, offset);
	/* names the block, and in the lowest bit the request */
	io_uring_sqe_set_data64(sqe, (uint64_t)(block - copy->blocks) * 2 + request);
	block->pending++;
	return sqe;
}

/* A block with bytes left over from a short write writes those; else it reads and writes the rest. */
static void queue_block(struct copy *copy, struct block *block)
{
	unsigned end = block->filled;

	if (block->filled == block->written) {
		end = block->size;
		io_uring_sqe_set_flags(queue(copy, block, READ, block->filled, end), IOSQE_IO_LINK);
	}
	queue(copy, block, WRITE, block->written, end);
}

static void start_blocks(struct copy *copy)
{
	for (unsigned i = 0; i < copy->depth && copy->next < copy->size; i++) {
		struct block *block = &copy->blocks[i];
		uint64_t left = copy->size - copy->next;

		if (!block->idle)
			continue;
		block->idle = false;
		block->offset = copy->next;
		block->size = left < copy->block ? (unsigned)left : copy->block;
		block->filled = block->written = 0;
		copy->next += block->size;
		copy->active++;
		queue_block(copy, block);
	}
}

static bool try_again(int res)
{
	return res == -EINTR || res == -EAGAIN;
}

static void settle_read(const struct copy *copy, struct block *block)
{
	unsigned long long at = block->offset + block->filled, size = copy->size;
	int res = block->res[READ];

	if (res == 0)
		errx(1, "%s: ends before %llu of its %llu bytes: it shrank while being copied",
		     copy->from_path, at + 1, size);
	if (res < 0 && !try_again(res))
		errx(1, "%s: read at %llu: %s", copy->from_path, at, strerror(-res));
	if (res > 0)
		block->filled += (unsigned)res;
}

static void settle_write(struct copy *copy, struct block *block)
{
	unsigned long long at = block->offset + block->written;
	int res = block->res[WRITE];

	if (res == 0)
		errx(1, "%s: nothing could be written at %llu", copy->to_path, at);
	if (res < 0 && res != -ECANCELED && !try_again(res))
		errx(1, "%s: write at %llu: %s", copy->to_path, at, strerror(-res));
	if (res > 0) {
		block->written += (unsigned)res;
		copy->done += (unsigned)res;
	}
}

/* All answers for a block are in: it is finished, or goes round with what is missing. */
static void settle_block(struct copy *copy, struct block *block)
{
	if (block->filled == block->written)
		settle_read(copy, block);
	settle_write(copy, block);
	block->idle = block->written == block->size;
	if (block->idle)
		copy->active--;
	else
		queue_block(copy, block);
}

static void reap(struct copy *copy)
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;

	io_uring_for_each_cqe(&copy->ring, head, cqe) {
		uint64_t data = io_uring_cqe_get_data64(cqe);
		struct block *block = &copy->blocks[data / 2];

		block->res[data % 2] = cqe->res;
		if (--block->pending == 0)
			settle_block(copy, block);
		count++;
	}
	io_uring_cq_advance(&copy->ring, count);
}

static void show_progress(struct copy *copy, bool last)
{
	double now = now_seconds();

	if (!copy->progress || (!last && now - copy->reported < PROGRESS_SECONDS))
		return;
	copy->reported = now;
	fprintf(stderr, "%3.0f%%  %llu of %llu MB%s",
		copy->size ? 100.0 * (double)copy->done / (double)copy->size : 100.0,
		(unsigned long long)(copy->done / 1000000),
		(unsigned long long)(copy->size / 1000000), last ? "\n" : "\r");
}

static void copy_blocks(struct copy *copy)
{
	start_blocks(copy);
	while (copy->active > 0) {
		int ret = io_uring_submit_and_wait(&copy->ring, 1);

		if (ret < 0 && !try_again(ret))
			errx(1, "io_uring_submit_and_wait: %s", strerror(-ret));
		reap(copy);
		start_blocks(copy);
		show_progress(copy, copy->active == 0);
	}
}

/* A file that grew meanwhile, or whose size says nothing (as in /proc), has more to read. */
static void check_end(const struct copy *copy)
{
	char byte;
	ssize_t more = pread(copy->from, &byte, 1, (off_t)copy->size);

	if (more < 0)
		err(1, "%s", copy->from_path);
	if (more > 0)
		errx(1, "%s: goes on after its %llu bytes: it grew while being copied",
		     copy->from_path, (unsigned long long)copy->size);
}

__attribute__((noreturn))
static void usage(FILE *out, int status)
{
	fputs("usage: ring-cp [options] FROM TO\n"
	      "Copies a file with io_uring and prints bytes, seconds and MB/s.\n"
	      "  -q, --depth N     blocks under way at once (default 16)\n"
	      "  -b, --block SIZE  bytes per block, with suffix K or M (default 256K)\n"
	      "  -f, --fixed       use registered buffers instead of readv and writev\n"
	      "  -p, --progress    show progress on stderr even when it is no terminal\n"
	      "  -h, --help        show this text\n", out);
	exit(status);
}

static unsigned parse_number(const char *text, const char *what, unsigned max)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10); /* too large: ULLONG_MAX */
	unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 0;

	if (*text == '-' || value == 0 || value > max >> shift || end[shift != 0] != '\0')
		errx(1, "%s: expected a number from 1 to %u, not '%s'", what, max, text);
	return (unsigned)(value << shift);
}

static void parse_options(struct copy *copy, int argc, char **argv)
{
	static const struct option names[] = {
		{ "depth", required_argument, NULL, 'q' }, { "block", required_argument, NULL, 'b' },
		{ "fixed", no_argument, NULL, 'f' },       { "progress", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },        { NULL, 0, NULL, 0 },
	};
	int name;

	copy->progress = isatty(STDERR_FILENO);
	while ((name = getopt_long(argc, argv, "q:b:fph", names, NULL)) != -1) {
		switch (name) {
		case 'q': copy->depth = parse_number(optarg, "--depth", DEPTH_MAX); break;
		case 'b': copy->block = parse_number(optarg, "--block", BLOCK_MAX); break;
		case 'f': copy->fixed = true; break;
		case 'p': copy->progress = true; break;
		case 'h': usage(stdout, 0);
		default:  usage(stderr, 2);
		}
	}
	if (argc - optind != 2)
		usage(stderr, 2);
	copy->from_path = argv[optind];
	copy->to_path = argv[optind + 1];
}

int main(int argc, char **argv)
{
	static struct copy copy = { .depth = 16, .block = 256 << 10 };

	parse_options(&copy, argc, argv);
	open_files(&copy);
	make_blocks(&copy);
	make_ring(&copy);
	double started = now_seconds();

	copy_blocks(&copy);
	check_end(&copy);
	/* some file systems report a failed write only here */
	if (close(copy.to) < 0)
		err(1, "%s", copy.to_path);
	double seconds = now_seconds() - started;

	io_uring_queue_exit(&copy.ring);
	printf("%llu bytes  %.3f seconds  %.0f MB/s\n", (unsigned long long)copy.done, seconds,
	       seconds > 0 ? (double)copy.done / seconds / 1e6 : 0.0);
	return 0;
}
