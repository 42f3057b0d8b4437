/*
 * Random 4 KiB reads without a ring: what rings served in user space are compared with.
 *
 *	reads preadv2|posixaio|pool DEPTH OPS FILE [direct]
 *
 * preadv2 reads one after another; posixaio is glibc's; pool is threads that take reads from a queue, as many as
 * may be in flight but 16 at the most. Prints nanoseconds per read.
 */
#define _GNU_SOURCE
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096u
enum { MAX_THREADS = 16 };

static int fd;
static uint64_t blocks, seed = 88172645463325252u;

static void die(const char *what)
{
	fprintf(stderr, "reads: %s: %s\n", what, strerror(errno));
	exit(1);
}

static off_t next_offset(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (off_t)(seed % blocks * BLOCK);
}

static void read_block(char *buffer, off_t offset)
{
	struct iovec iovec = { buffer, BLOCK };

	if (preadv2(fd, &iovec, 1, offset, 0) != (ssize_t)BLOCK)
		die("preadv2");
}

static void one_by_one(char *buffers, unsigned depth, unsigned long ops)
{
	for (unsigned long i = 0; i < ops; i++)
		read_block(buffers + i % depth * BLOCK, next_offset());
}

static void posix_aio(char *buffers, unsigned depth, unsigned long ops)
{
	struct aiocb *requests = calloc(depth, sizeof(*requests));
	unsigned long submitted = 0, done = 0;

	for (unsigned i = 0; i < depth; i++)
		requests[i] = (struct aiocb){ .aio_fildes = fd, .aio_nbytes = BLOCK,
					      .aio_buf = buffers + (size_t)i * BLOCK };
	while (done < ops) {
		struct aiocb *request = &requests[submitted % depth];

		/* The oldest is the one whose place is next. */
		if (submitted == ops || submitted - done == depth) {
			const struct aiocb *oldest = &requests[done % depth];

			while (aio_error(oldest) == EINPROGRESS)
				aio_suspend(&oldest, 1, NULL);
			if (aio_return((struct aiocb *)oldest) != (ssize_t)BLOCK)
				die("aio_read");
			done++;
			continue;
		}
		request->aio_offset = next_offset();
		if (aio_read(request))
			die("aio_read");
		submitted++;
	}
	free(requests);
}

/* A queue as programs have it: a mutex, two conditions. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t work, completion;
	off_t *offsets;
	char *buffers;
	unsigned long submitted, taken, done, ops;
	unsigned depth;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER,
	    .completion = PTHREAD_COND_INITIALIZER };

static void *worker(void *unused)
{
	pthread_mutex_lock(&queue.lock);
	while (queue.taken < queue.ops) {
		if (queue.taken == queue.submitted) {
			pthread_cond_wait(&queue.work, &queue.lock);
			continue;
		}
		unsigned slot = (unsigned)(queue.taken++ % queue.depth);
		off_t offset = queue.offsets[slot];

		pthread_mutex_unlock(&queue.lock);
		read_block(queue.buffers + (size_t)slot * BLOCK, offset);
		pthread_mutex_lock(&queue.lock);
		queue.done++;
		pthread_cond_signal(&queue.completion);
	}
	pthread_cond_broadcast(&queue.work);
	pthread_mutex_unlock(&queue.lock);
	return unused;
}

static void thread_pool(char *buffers, unsigned depth, unsigned long ops)
{
	unsigned nr = depth < MAX_THREADS ? depth : MAX_THREADS;
	pthread_t threads[MAX_THREADS];

	queue.offsets = calloc(depth, sizeof(*queue.offsets));
	queue.buffers = buffers;
	queue.depth = depth;
	queue.ops = ops;
	for (unsigned i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, worker, NULL))
			die("pthread_create");
	pthread_mutex_lock(&queue.lock);
	while (queue.done < ops) {
		if (queue.submitted < ops && queue.submitted - queue.done < depth) {
			queue.offsets[queue.submitted % depth] = next_offset();
			queue.submitted++;
			pthread_cond_signal(&queue.work);
		} else {
			pthread_cond_wait(&queue.completion, &queue.lock);
		}
	}
	pthread_mutex_unlock(&queue.lock);
	for (unsigned i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct stat st;

	if (argc < 5) {
		fprintf(stderr, "usage: reads preadv2|posixaio|pool DEPTH OPS FILE [direct]\n");
		return 2;
	}
	unsigned depth = (unsigned)atoi(argv[2]);
	unsigned long ops = strtoul(argv[3], NULL, 10);
	char *buffers = aligned_alloc(BLOCK, (size_t)depth * BLOCK);

	fd = open(argv[4], O_RDONLY | (argc > 5 ? O_DIRECT : 0));
	if (fd < 0 || fstat(fd, &st) < 0)
		die(argv[4]);
	blocks = (uint64_t)st.st_size / BLOCK;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (!strcmp(argv[1], "preadv2"))
		one_by_one(buffers, depth, ops);
	else if (!strcmp(argv[1], "posixaio"))
		posix_aio(buffers, depth, ops);
	else
		thread_pool(buffers, depth, ops);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.2f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
			 (double)ops);
	return 0;
}
