/*
 * The same random 4 KiB reads over each way to submit them. Compiled three times: -DBARE with liburing,
 * -DRINGS with the aio rings of 2018, neither with libaio; each as a user of that interface would.
 *
 *	aio DEPTH OPS FILE MODE
 *
 * MODE: `direct` opens with O_DIRECT, `uncached` drops the file from the page cache first, `cached`
 * neither. For the rings, +sqthread, +sqpoll or +sqwq may follow; for liburing, +sqpoll.
 *
 * Prints operations per second, microseconds per call that submits (0 where there is none), and the path
 * of the library that did the work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#ifdef BARE
#include <liburing.h>
#define LIBRARY "liburing.so"
#else
#include <libaio.h>
#define LIBRARY "libaio.so"
#endif
#ifdef RINGS
#include <anyring/aio_abi.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loaded.h"

#define BLOCK 4096u

static uint64_t seed = 88172645463325252u, blocks;
static char *buffers;
static unsigned int *idle, nr_idle;
static double submitting;
static unsigned long calls;

static void die(const char *what, int error)
{
	fprintf(stderr, "aio: %s: %s\n", what, strerror(error));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t next_offset(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % blocks * BLOCK;
}

static inline void completed(unsigned int slot, long res)
{
	if (res != (long)BLOCK)
		die("read", res < 0 ? (int)-res : EIO);
	idle[nr_idle++] = slot;
}

#if defined(BARE)
static void run(unsigned int depth, unsigned long ops, int fd, const char *mode)
{
	bool polls = strstr(mode, "+sqpoll");
	struct io_uring ring;
	unsigned long submitted = 0, done = 0;
	int ret = io_uring_queue_init(depth, &ring, polls ? IORING_SETUP_SQPOLL : 0);

	if (ret < 0)
		die("io_uring_queue_init", -ret);
	while (done < ops) {
		while (nr_idle > 0 && submitted < ops) {
			unsigned int slot = idle[--nr_idle];
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			/* The thread that polls has not taken the last ones yet. */
			if (!sqe) {
				idle[nr_idle++] = slot;
				break;
			}
			io_uring_prep_read(sqe, fd, buffers + (size_t)slot * BLOCK, BLOCK, next_offset());
			io_uring_sqe_set_data64(sqe, slot);
			submitted++;
		}
		double start = now();

		/* A polled ring is only looked at: what is there comes without a call. */
		ret = polls ? io_uring_submit(&ring) : io_uring_submit_and_wait(&ring, 1);
		submitting += now() - start;
		calls++;
		if (ret < 0)
			die("io_uring_submit_and_wait", -ret);
		struct io_uring_cqe *cqe;
		unsigned int head, seen = 0;

		io_uring_for_each_cqe(&ring, head, cqe) {
			completed((unsigned int)cqe->user_data, cqe->res);
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
		done += seen;
	}
	io_uring_queue_exit(&ring);
}
#elif defined(RINGS)
static unsigned int flags_of(const char *mode)
{
	unsigned int flags = 0;

	if (strstr(mode, "+sqthread"))
		flags = IOCTX_FLAG_SQTHREAD;
	else if (strstr(mode, "+sqpoll"))
		flags = IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL;
	else if (strstr(mode, "+sqwq"))
		flags = IOCTX_FLAG_SQWQ;
	return flags;
}

static void run(unsigned int depth, unsigned long ops, int fd, const char *mode)
{
	struct anyring_aio aio;
	unsigned int flags = flags_of(mode);
	unsigned long submitted = 0, done = 0;
	int ret = anyring_aio_init(depth, flags, &aio);

	if (ret < 0)
		die("anyring_aio_init", -ret);
	while (done < ops) {
		while (nr_idle > 0 && submitted < ops) {
			unsigned int slot = idle[--nr_idle];
			struct iocb *request = anyring_aio_get(&aio);

			if (!request)
				die("anyring_aio_get", EAGAIN);
			io_prep_pread(request, fd, buffers + (size_t)slot * BLOCK, BLOCK,
				      (long long)next_offset());
			request->data = (void *)(uintptr_t)slot;
			submitted++;
		}
		/* A polled ring is only looked at: what is there comes without a call. */
		unsigned int wait = flags & IOCTX_FLAG_SQPOLL ? 0 : 1;
		double start = now();

		ret = anyring_aio_submit(&aio, wait);
		submitting += now() - start;
		calls++;
		if (ret < 0)
			die("anyring_aio_submit", -ret);
		unsigned int ready = anyring_aio_ready(&aio);

		for (unsigned int i = 0; i < ready; i++) {
			struct io_event *event = anyring_aio_peek(&aio);

			completed((unsigned int)(uintptr_t)event->data, (long)event->res);
			anyring_aio_seen(&aio, 1);
		}
		done += ready;
	}
	anyring_aio_exit(&aio);
}
#else
static void run(unsigned int depth, unsigned long ops, int fd, const char *mode)
{
	io_context_t context = NULL;
	struct iocb *requests = calloc(depth, sizeof(*requests)), **batch = calloc(depth, sizeof(*batch));
	struct io_event *events = calloc(depth, sizeof(*events));
	unsigned long submitted = 0, done = 0;
	int ret = io_setup((int)depth, &context);

	(void)mode;
	if (ret < 0)
		die("io_setup", -ret);
	while (done < ops) {
		long nr = 0;

		while (nr_idle > 0 && submitted < ops) {
			unsigned int slot = idle[--nr_idle];

			io_prep_pread(&requests[slot], fd, buffers + (size_t)slot * BLOCK, BLOCK,
				      (long long)next_offset());
			requests[slot].data = (void *)(uintptr_t)slot;
			batch[nr++] = &requests[slot];
			submitted++;
		}
		for (long out = 0; out < nr; out += ret) {
			double start = now();

			ret = io_submit(context, nr - out, batch + out);
			submitting += now() - start;
			calls++;
			if (ret < 0)
				die("io_submit", -ret);
		}
		ret = io_getevents(context, 1, depth, events, NULL);
		if (ret < 0)
			die("io_getevents", -ret);
		for (int i = 0; i < ret; i++)
			completed((unsigned int)(uintptr_t)events[i].data, (long)events[i].res);
		done += (unsigned long)ret;
	}
	io_destroy(context);
	free(events);
	free(batch);
	free(requests);
}
#endif

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: aio DEPTH OPS FILE MODE\n");
		return 2;
	}
	unsigned int depth = (unsigned int)atoi(argv[1]);
	unsigned long ops = strtoul(argv[2], NULL, 10);
	const char *path = argv[3], *mode = argv[4];
	struct stat status;
	int fd = open(path, O_RDONLY | (strncmp(mode, "direct", 6) ? 0 : O_DIRECT));

	if (fd < 0 || fstat(fd, &status) < 0)
		die(path, errno);
	if (!strncmp(mode, "uncached", 8)) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	}
	blocks = (uint64_t)status.st_size / BLOCK;
	buffers = aligned_alloc(BLOCK, (size_t)depth * BLOCK);
	idle = calloc(depth, sizeof(*idle));
	for (nr_idle = 0; nr_idle < depth; nr_idle++)
		idle[nr_idle] = nr_idle;

	double start = now();

	run(depth, ops, fd, mode);
	double seconds = now() - start;

	printf("%.1f %.3f ", (double)ops / seconds, calls ? submitting / (double)calls * 1e6 : 0);
	print_library(LIBRARY);
	return 0;
}
