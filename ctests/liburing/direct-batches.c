/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Batches of reads that bypass the page cache, waited for all at once, while other things happen. */
#include "rings.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>

enum { DEPTH = 32, BLOCK = 4096 };

static struct io_uring ring;
static char (*blocks)[BLOCK];
static int fd;

static void begin(void)
{
	/* Not in TMPDIR: that may be in memory, where O_DIRECT is refused. */
	char name[] = "./direct-XXXXXX";

	blocks = mmap(NULL, DEPTH * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(blocks != MAP_FAILED);
	int made = (int)MUST(mkstemp(name));

	for (int i = 0; i < DEPTH; i++) {
		memset(blocks[i], i + 1, BLOCK);
		CHECK_EQ(write(made, blocks[i], BLOCK), BLOCK);
	}
	MUST(fsync(made));
	memset(blocks, 0, DEPTH * BLOCK);
	fd = open(name, O_RDONLY | O_DIRECT);
	unlink(name);
	close(made);
	if (fd < 0)
		SKIP("no O_DIRECT here");
	ring_init(&ring, 64, 0);
}

static void prepare(void)
{
	for (int i = 0; i < DEPTH; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, fd, blocks[i], BLOCK, (__u64)i * BLOCK);
		io_uring_sqe_set_data64(sqe, (__u64)i);
	}
}

static void check_and_end(int others)
{
	for (int i = 0; i < DEPTH + others; i++) {
		struct result result = reap_any(&ring);

		if (result.user_data >= DEPTH)
			continue;
		CHECK_EQ(result.res, BLOCK);
		CHECK_EQ(blocks[result.user_data][BLOCK - 1], (char)(result.user_data + 1));
	}
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	close(fd);
}

static void all_at_once(void)
{
	begin();
	for (int round = 0; round < 20; round++) {
		prepare();
		CHECK_EQ(io_uring_submit_and_wait(&ring, DEPTH), DEPTH);
		CHECK_EQ(io_uring_cq_ready(&ring), DEPTH);
		if (round < 19)
			io_uring_cq_advance(&ring, DEPTH);
	}
	check_and_end(0);
}

static void *submit_one_more(void *unused)
{
	usleep(20000);
	nop(&ring, 99);
	submit(&ring, 1);
	return unused;
}

/* What another thread submits counts, too. */
static void one_more_than_there_are(void)
{
	pthread_t thread;

	begin();
	prepare();
	submit(&ring, DEPTH);
	CHECK_EQ(pthread_create(&thread, NULL, submit_one_more, NULL), 0);
	CHECK_EQ(io_uring_enter((unsigned)ring.ring_fd, 0, DEPTH + 1, IORING_ENTER_GETEVENTS, NULL), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), DEPTH + 1);
	pthread_join(thread, NULL);
	check_and_end(1);
}

/* A wait that ends with fewer leaves a descriptor that tells of them. */
static void fewer_in_time(void)
{
	struct __kernel_timespec soon = ms_to_ts(50);
	struct pollfd pollfd = { .events = POLLIN };
	struct io_uring_cqe *cqe;

	begin();
	pollfd.fd = ring.ring_fd;
	prepare();
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, DEPTH + 1, &soon, NULL), DEPTH);
	CHECK_EQ(io_uring_cq_ready(&ring), DEPTH);
	CHECK_EQ(poll(&pollfd, 1, 1000), 1);
	check_and_end(0);
}

/* A close behind them in the same batch leaves them their file; the number is another one's afterwards. */
static void closed_in_the_same_batch(void)
{
	struct io_uring_sqe *sqe;
	int zero;

	for (int round = 0; round < 20; round++) {
		begin();
		prepare();
		sqe = sqe_get(&ring);
		io_uring_prep_close(sqe, fd);
		io_uring_sqe_set_data64(sqe, DEPTH);
		sqe->flags |= round % 2 ? IOSQE_ASYNC : 0;
		for (int i = 0; i < DEPTH / 2; i++)
			nop(&ring, DEPTH);
		submit(&ring, DEPTH + 1 + DEPTH / 2);
		if (round % 2 == 0) {
			zero = (int)MUST(open("/dev/zero", O_RDONLY));
			CHECK_EQ(zero, fd);
		}
		check_and_end(1 + DEPTH / 2);
	}
}

/* Who sees that its SQEs were taken may close the file. */
static void closed_when_they_were_taken(void)
{
	begin();
	io_uring_queue_exit(&ring);
	ring_init(&ring, 64, IORING_SETUP_SQPOLL);
	prepare();
	CHECK_EQ(io_uring_submit(&ring), DEPTH);
	while (io_uring_sq_ready(&ring) > 0)
		sched_yield();
	MUST(close(fd));
	fd = (int)MUST(open("/dev/zero", O_RDONLY));
	check_and_end(0);
}

/* Its flags may change between two calls, and the descriptor be another file's. */
static void now_direct_now_not(void)
{
	char *unaligned;
	int flags;

	begin();
	unaligned = blocks[0] + 1;
	flags = (int)MUST(fcntl(fd, F_GETFL));
	for (int round = 0; round < 40; round++) {
		bool direct = round % 3 == 0;

		MUST(fcntl(fd, F_SETFL, direct ? flags : flags & ~O_DIRECT));
		io_uring_prep_read(sqe_get(&ring), fd, direct ? blocks[0] : unaligned, 512, 512);
		submit(&ring, 1);
		CHECK_EQ(reap_any(&ring).res, 512);
		CHECK_EQ(direct ? blocks[0][511] : unaligned[511], 1);
	}
	MUST(fcntl(fd, F_SETFL, flags));
	prepare();
	submit(&ring, DEPTH);
	check_and_end(0);
}

/* To end what the kernel has for them takes it some time, which is not the program's. */
static void ended_at_once(void)
{
	enum { TRIES = 40 };
	long long took = LLONG_MAX;

	begin();
	/* Others may keep this thread from a CPU: once it is quick. */
	for (int i = 0; i < TRIES && took >= 20; i++) {
		prepare();
		CHECK_EQ(io_uring_submit_and_wait(&ring, DEPTH), DEPTH);
		long long start = now_ms();

		io_uring_queue_exit(&ring);
		took = now_ms() - start;
		ring_init(&ring, 64, 0);
	}
	CHECK_OP(took, <, 20);
	prepare();
	submit(&ring, DEPTH);
	check_and_end(0);
}

TEST_PARTS(PART(all_at_once), PART(one_more_than_there_are), PART(fewer_in_time),
	   PART(closed_in_the_same_batch), PART(closed_when_they_were_taken), PART(now_direct_now_not),
	   PART(ended_at_once))
