/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whoever waits sleeps: for more than there is, and for what another thread has in hand. */
#include "rings.h"
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>

enum { PIPES = 8, MANY_SWITCHES = 1000 };

static int pipes[PIPES][2];

/* How often the process has gone to sleep. */
static long switches(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_nvcsw;
}

static void prepare_reads(struct io_uring *ring, unsigned flags)
{
	static char bytes[PIPES];

	ring_init(ring, 32, flags);
	for (int i = 0; i < PIPES; i++) {
		MUST(pipe(pipes[i]));
		read_pending(ring, pipes[i][0], &bytes[i], (uint64_t)i);
	}
}

/* Fills all pipes but some, and those after half a second, if at all. */
static pid_t writer(int at_first, int afterwards)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		for (int i = 0; i < at_first + afterwards; i++) {
			usleep(i == at_first ? 500000 : 2000);
			CHECK_EQ(write(pipes[i][1], "x", 1), 1);
		}
		_exit(PASS);
	}
	return pid;
}

static void fewer_than_wanted_until_a_time(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec time = ms_to_ts(1000);

	prepare_reads(&ring, 0);
	submit(&ring, PIPES);
	pid_t pid = writer(PIPES - 2, 0);
	long before = switches();

	/* Those that are there are no error. */
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, PIPES, &time, NULL), 0);
	CHECK_OP(switches() - before, <, MANY_SWITCHES);
	CHECK_EQ(exit_status(pid), PASS);
	CHECK_EQ(io_uring_cq_ready(&ring), PIPES - 2);
	io_uring_queue_exit(&ring);
}

static void wait_for_all(unsigned flags)
{
	struct io_uring ring;

	prepare_reads(&ring, flags);
	pid_t pid = writer(PIPES - 1, 1);
	long before = switches();

	CHECK_EQ(io_uring_submit_and_wait(&ring, PIPES), PIPES);
	CHECK_OP(switches() - before, <, MANY_SWITCHES);
	CHECK_EQ(exit_status(pid), PASS);
	CHECK_EQ(io_uring_cq_ready(&ring), PIPES);
	io_uring_queue_exit(&ring);
}

static void all_at_last(void)
{
	wait_for_all(0);
}

static void all_at_last_for_a_single_issuer(void)
{
	wait_for_all(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

/* Seconds that the thread has run which keeps rings that nobody is inside of. */
static double keepers_time(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	double time = 0;

	CHECK(tasks != NULL);
	while ((task = readdir(tasks))) {
		char path[300], name[64] = "";
		unsigned long long run = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		if (!(file = fopen(path, "r")))
			continue;
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
		snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", task->d_name);
		if (!strstr(name, "keeper") || !(file = fopen(path, "r")))
			continue;
		if (fscanf(file, "%llu", &run) == 1)
			time += (double)run / 1e9;
		fclose(file);
	}
	closedir(tasks);
	return time;
}

static void *write_later(void *fd)
{
	usleep(3000);
	CHECK_EQ(write(*(int *)fd, "x", 1), 1);
	return NULL;
}

/* A thread has the ring for long, with what it copies; a poll that becomes ready meanwhile is completed afterwards. */
static void a_ring_that_somebody_has(void)
{
	enum { LEN = 32 << 20, READS = 4, ROUNDS = 10 };
	int fd = temp_file(0), fds[2];
	char *data = malloc(LEN), byte;
	struct io_uring ring;
	double submitting = 0;

	CHECK(data != NULL);
	memset(data, 'd', LEN);
	CHECK_EQ(write(fd, data, LEN), LEN);
	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t thread;

		io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
		submit(&ring, 1);
		usleep(5000);
		for (int i = 0; i < READS; i++)
			io_uring_prep_read(sqe_get(&ring), fd, data, LEN, 0);
		CHECK_EQ(pthread_create(&thread, NULL, write_later, &fds[1]), 0);
		double start = now();

		submit(&ring, READS);
		submitting += now() - start;
		CHECK_EQ(pthread_join(thread, NULL), 0);
		for (int i = 0; i < READS + 1; i++)
			CHECK_OP(reap_any(&ring).res, >, 0);
		CHECK_EQ(read(fds[0], &byte, 1), 1);
	}
	double kept = keepers_time();

	if (kept >= submitting / 10)
		fprintf(stderr, "  %.1f ms of %.1f\n", kept * 1e3, submitting * 1e3);
	CHECK(kept < submitting / 10);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(fewer_than_wanted_until_a_time),
	PART(all_at_last),
	PART(all_at_last_for_a_single_issuer),
	PART(a_ring_that_somebody_has),
)
