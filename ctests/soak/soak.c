/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * soak SECONDS [THREADS]: mixed operations, cancels, descriptors that come and go, forks, for as long as told.
 *
 * Each thread plays scenes by turns, on rings of its own; every result and all data are checked. At the end, when
 * everything is quiet, the process has as many descriptors and threads as at the start, and no more memory than
 * after the first rounds.
 */
#include "../liburing/rings.h"
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum { BLOCK = 4096, BLOCKS = 256, DEPTH = 32, MAX_THREADS = 16 };
/* So many scenes fill heaps and caches; the checked heap's line of what was freed, of 8192 pieces, takes the most. */
enum { FIRST_ROUNDS = 6000 };
/* What a heap may have kept beyond what the first rounds needed, in KiB. */
enum { RSS_SLACK_KIB = 4096 };

static int file_of_all;
static pid_t process;
static atomic_long rounds;
static atomic_bool stop;

struct player {
	pthread_t thread;
	unsigned seed;
};

static unsigned dice(struct player *player, unsigned sides)
{
	return (unsigned)rand_r(&player->seed) % sides;
}

static void fill(unsigned char *block, unsigned number)
{
	for (unsigned i = 0; i < BLOCK; i++)
		block[i] = (unsigned char)(number * 7 + i / 64);
}

static void check_block(const unsigned char *block, unsigned number)
{
	for (unsigned i = 0; i < BLOCK; i++)
		CHECK_EQ(block[i], (unsigned char)(number * 7 + i / 64));
}

/* A read that found no memory, which was seen once: says what there is to know about it, and whether it is so again. */
static void read_again(struct io_uring *ring, int fd, void *to, uint64_t offset)
{
	FILE *maps = fopen("/proc/thread-self/maps", "r");
	char line[512];

	fprintf(stderr, "READ of descriptor %d at %llu to %p: -EFAULT, in %s %d of %d, thread %d\n", fd,
		(unsigned long long)offset, to, getpid() == process ? "process" : "child", getpid(), process,
		gettid());
	while (maps && fgets(line, sizeof(line), maps))
		fputs(line, stderr);
	if (maps)
		fclose(maps);
	io_uring_prep_read(sqe_get(ring), fd, to, BLOCK, offset);
	CHECK_EQ(io_uring_submit_and_wait(ring, 1), 1);
	fprintf(stderr, "the same once more: %d\n", reap_any(ring).res);
}

/* Reads at random, some of them by workers; each block says which it is. */
static void read_blocks(struct player *player)
{
	static __thread unsigned char blocks[DEPTH][BLOCK];
	unsigned numbers[DEPTH];
	struct io_uring ring;
	int failed = -1;

	ring_init(&ring, DEPTH, 0);
	for (unsigned i = 0; i < DEPTH; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		numbers[i] = dice(player, BLOCKS);
		io_uring_prep_read(sqe, file_of_all, blocks[i], BLOCK, numbers[i] * (uint64_t)BLOCK);
		sqe->user_data = i;
		if (!dice(player, 4))
			sqe->flags |= IOSQE_ASYNC;
	}
	CHECK_EQ(io_uring_submit_and_wait(&ring, DEPTH), DEPTH);
	for (unsigned i = 0; i < DEPTH; i++) {
		struct result one = reap_any(&ring);
		if (one.res == -EFAULT) {
			failed = (int)one.user_data;
			continue;
		}
		CHECK_EQ(one.res, BLOCK);
		check_block(blocks[one.user_data], numbers[one.user_data]);
	}
	if (failed >= 0)
		read_again(&ring, file_of_all, blocks[failed], numbers[failed] * (uint64_t)BLOCK);
	CHECK_EQ(failed, -1);
	io_uring_queue_exit(&ring);
}

/* A write, a sync and a read of the same, linked, on a file that goes away. */
static void write_and_read(struct player *player)
{
	unsigned char out[BLOCK], in[BLOCK];
	unsigned number = dice(player, BLOCKS);
	int fd = (int)MUST(memfd_create("soak", MFD_CLOEXEC));
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	fill(out, number);
	ring_init(&ring, 4, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_write(sqe, fd, out, BLOCK, 0);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = sqe_get(&ring);
	io_uring_prep_fsync(sqe, fd, 0);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = sqe_get(&ring);
	io_uring_prep_read(sqe, fd, in, BLOCK, 0);
	submit(&ring, 3);
	for (int i = 0; i < 3; i++) {
		int res = reap_any(&ring).res;

		if (res == -EFAULT && i == 2)
			read_again(&ring, fd, in, 0);
		CHECK_OP(res, >=, 0);
	}
	check_block(in, number);
	MUST(close(fd));
	io_uring_queue_exit(&ring);
}

/* A receive that waits while the program closes its descriptor still gets what was sent. */
static void receive_late(struct player *player)
{
	int ends[2];
	char out[64], in[64];
	struct io_uring ring;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	ring_init(&ring, 4, 0);
	memset(out, (int)dice(player, 256), sizeof(out));
	io_uring_prep_recv(sqe_get(&ring), ends[0], in, sizeof(in), 0);
	submit(&ring, 1);
	if (dice(player, 2)) {
		MUST(close(ends[0]));
		ends[0] = -1;
	}
	CHECK_EQ(MUST(write(ends[1], out, sizeof(out))), sizeof(out));
	CHECK_EQ(reap_any(&ring).res, sizeof(in));
	CHECK(!memcmp(in, out, sizeof(in)));
	if (ends[0] >= 0)
		MUST(close(ends[0]));
	MUST(close(ends[1]));
	io_uring_queue_exit(&ring);
}

/* Polls, reads and timeouts that nothing ends: some are cancelled, the rest the ring takes along. */
static void cancel_some(struct player *player)
{
	struct __kernel_timespec hour = { .tv_sec = 3600 };
	int ends[2];
	char byte;
	unsigned cancelled = dice(player, DEPTH);
	struct io_uring ring;

	MUST(pipe2(ends, O_CLOEXEC));
	ring_init(&ring, 2 * DEPTH, 0);
	for (unsigned i = 0; i < DEPTH; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		if (i % 3 == 0)
			io_uring_prep_poll_add(sqe, ends[0], POLLIN);
		else if (i % 3 == 1)
			io_uring_prep_read(sqe, ends[0], &byte, 1, 0);
		else
			io_uring_prep_timeout(sqe, &hour, 0, 0);
		sqe->user_data = i + 1;
	}
	submit(&ring, DEPTH);
	for (unsigned i = 0; i < cancelled; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_cancel64(sqe, i + 1, 0);
		sqe->user_data = 0;
	}
	if (cancelled)
		submit(&ring, (int)cancelled);
	for (unsigned i = 0; i < 2 * cancelled; i++) {
		struct result one = reap_any(&ring);

		CHECK_EQ(one.res, one.user_data ? -ECANCELED : 0);
	}
	io_uring_queue_exit(&ring);
	MUST(close(ends[0]));
	MUST(close(ends[1]));
}

/* More completions than the ring has room for: none is lost, they come in order. */
static void overflow(struct player *player)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 8 };
	unsigned batches = 1 + dice(player, 8);
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init_params(4, &ring, &params), 0);
	for (unsigned i = 0; i < batches * 4; i++) {
		nop(&ring, i);
		if (i % 4 == 3)
			submit(&ring, 4);
	}
	for (unsigned i = 0; i < batches * 4; i++)
		CHECK_EQ(reap_any(&ring).user_data, i);
	io_uring_queue_exit(&ring);
}

/* A connection accepted, one message there and back, all by the ring. */
static void connect_and_echo(struct player *player)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int server = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int client = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	char out[128], in[128];
	int accepted = -1;
	struct io_uring ring;

	memset(out, (int)dice(player, 256), sizeof(out));
	MUST(bind(server, (struct sockaddr *)&address, sizeof(address)));
	MUST(listen(server, 1));
	MUST(getsockname(server, (struct sockaddr *)&address, &length));
	ring_init(&ring, 8, 0);
	io_uring_prep_accept(sqe_get(&ring), server, NULL, NULL, SOCK_CLOEXEC);
	ring.sq.sqes[0].user_data = 1;
	io_uring_prep_connect(sqe_get(&ring), client, (struct sockaddr *)&address, sizeof(address));
	ring.sq.sqes[1].user_data = 2;
	submit(&ring, 2);
	for (int i = 0; i < 2; i++) {
		struct result one = reap_any(&ring);

		CHECK_OP(one.res, >=, 0);
		if (one.user_data == 1)
			accepted = one.res;
	}
	io_uring_prep_recv(sqe_get(&ring), accepted, in, sizeof(in), MSG_WAITALL);
	io_uring_prep_send(sqe_get(&ring), client, out, sizeof(out), 0);
	submit(&ring, 2);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(reap_any(&ring).res, sizeof(out));
	CHECK(!memcmp(in, out, sizeof(in)));
	io_uring_prep_close(sqe_get(&ring), accepted);
	io_uring_prep_close(sqe_get(&ring), client);
	submit(&ring, 2);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(reap_any(&ring).res, 0);
	io_uring_queue_exit(&ring);
	MUST(close(server));
}

/* A child has rings of its own, and one that its parent made. */
static void fork_and_read(struct player *player)
{
	struct io_uring shared;
	int status;
	pid_t child;

	ring_init(&shared, 8, 0);
	child = (pid_t)MUST(fork());
	if (!child) {
		nop(&shared, 5);
		CHECK_EQ(io_uring_submit(&shared), 1);
		CHECK_EQ(reap_any(&shared).user_data, 5);
		read_blocks(player);
		cancel_some(player);
		_exit(PASS);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, PASS);
	io_uring_queue_exit(&shared);
}

/* Many rings at a time, each used once. */
static void many_rings(struct player *player)
{
	struct io_uring rings[16];
	unsigned nr = 1 + dice(player, 16);

	for (unsigned i = 0; i < nr; i++)
		ring_init(&rings[i], 4, 0);
	for (unsigned i = 0; i < nr; i++) {
		nop(&rings[i], i);
		submit(&rings[i], 1);
	}
	for (unsigned i = 0; i < nr; i++) {
		CHECK_EQ(reap_any(&rings[i]).user_data, i);
		io_uring_queue_exit(&rings[i]);
	}
}

static void (*const scenes[])(struct player *) = {
	read_blocks, write_and_read, receive_late, cancel_some, overflow, connect_and_echo, many_rings,
};

static void *play(void *arg)
{
	struct player *player = arg;

	while (!stop) {
		/* Forks are dear; one in a hundred scenes. */
		if (!dice(player, 100))
			fork_and_read(player);
		else
			scenes[dice(player, sizeof(scenes) / sizeof(*scenes))](player);
		rounds++;
	}
	return NULL;
}

static long entries(const char *folder)
{
	DIR *dir = opendir(folder);
	long count = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void play_for(struct player *players, int threads, int seconds)
{
	stop = false;
	for (int i = 0; i < threads; i++)
		CHECK_EQ(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
	for (int i = 0; i < seconds; i++) {
		sleep(1);
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r%d of %d s, %ld scenes, %ld KiB ", i + 1, seconds, (long)rounds, rss_kib());
	}
	stop = true;
	for (int i = 0; i < threads; i++)
		CHECK_EQ(pthread_join(players[i].thread, NULL), 0);
	/* Threads that serve rings linger. */
	for (int i = 0; i < 100 && entries("/proc/self/task") > 3; i++)
		usleep(100000);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5, threads = argc > 2 ? atoi(argv[2]) : 4;
	struct player players[MAX_THREADS];
	unsigned char block[BLOCK];
	long fds, tasks, rss;

	process = getpid();
	CHECK(threads > 0 && threads <= MAX_THREADS && seconds > 0);
	file_of_all = (int)MUST(memfd_create("blocks", MFD_CLOEXEC));
	for (unsigned i = 0; i < BLOCKS; i++) {
		fill(block, i);
		CHECK_EQ(MUST(write(file_of_all, block, BLOCK)), BLOCK);
	}
	for (int i = 0; i < threads; i++)
		players[i].seed = (unsigned)i + 1;
	fds = entries("/proc/self/fd");
	tasks = entries("/proc/self/task");
	do
		play_for(players, threads, seconds > 20 ? 10 : 2);
	while (rounds < FIRST_ROUNDS);
	rss = rss_kib();
	play_for(players, threads, seconds);
	printf("%ld scenes; descriptors %ld, then %ld; threads %ld, then %ld; KiB %ld, then %ld\n", (long)rounds, fds - 3,
	       entries("/proc/self/fd") - 3, tasks - 2, entries("/proc/self/task") - 2, rss, rss_kib());
	CHECK_EQ(entries("/proc/self/fd"), fds);
	CHECK_EQ(entries("/proc/self/task"), tasks);
	CHECK_OP(rss_kib(), <, rss + RSS_SLACK_KIB);
	return PASS;
}
