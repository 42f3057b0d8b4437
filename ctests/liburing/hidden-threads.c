/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the kernel needs no thread for leaves none in a program of one thread: several may not make a user namespace. */
#include "rings.h"
#include <linux/futex.h>
#include <sched.h>

static int count_threads_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return count_entries(path);
}

/* Whether a process has one thread within some seconds. */
static bool comes_to_one_thread(pid_t pid)
{
	for (int i = 0; i < 500 && count_threads_of(pid) > 1; i++)
		usleep(10000);
	return count_threads_of(pid) == 1;
}

/* Seconds until the process has one thread. */
static double until_one_thread(void)
{
	double start = now();

	while (count_threads() > 1 && now() - start < 5)
		usleep(1000);
	return now() - start;
}

/* A busy machine ends a thread late now and then, but not always. */
static void one_thread_soon_after(struct io_uring *ring, void (*work)(struct io_uring *, int), int fd)
{
	enum { TRIES = 20 };
	double least = 5;

	for (int i = 0; i < TRIES && least > 0.1; i++) {
		work(ring, fd);
		double took = until_one_thread();

		least = took < least ? took : least;
	}
	CHECK(least < 0.1);
}

static void read_cached(struct io_uring *ring, int fd)
{
	static char bytes[64];

	io_uring_prep_read(sqe_get(ring), fd, bytes, sizeof(bytes), 0);
	RUN_ONE(ring, sizeof(bytes));
}

static void none_is_left_by_a_cached_read(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	one_thread_soon_after(&ring, read_cached, temp_file(4096));
	io_uring_queue_exit(&ring);
}

static void read_uncached(struct io_uring *ring, int fd)
{
	MUST(fdatasync(fd));
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	read_cached(ring, fd);
}

static void none_is_left_by_a_read_from_the_disk(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	one_thread_soon_after(&ring, read_uncached, temp_file(4096));
	io_uring_queue_exit(&ring);
}

static void wait_for_a_futex(struct io_uring *ring, int fd)
{
	enum { OWN_U32 = 2 | 128 }; /* FUTEX2_SIZE_U32 | FUTEX2_PRIVATE */
	static uint32_t word;

	(void)fd;
	io_uring_prep_futex_wait(sqe_get(ring), &word, 0, FUTEX_BITSET_MATCH_ANY, OWN_U32, 0);
	submit(ring, 1);
	while (syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) != 1)
		usleep(100);
	CHECK_EQ(reap_any(ring).res, 0);
}

static void none_is_left_by_a_wait_for_a_futex(void)
{
	struct io_uring ring;
	struct io_uring_probe *probe = io_uring_get_probe();

	CHECK(probe != NULL);
	if (!io_uring_opcode_supported(probe, IORING_OP_FUTEX_WAIT))
		SKIP("this kernel has no futex operations");
	io_uring_free_probe(probe);
	ring_init(&ring, 8, 0);
	one_thread_soon_after(&ring, wait_for_a_futex, -1);
	io_uring_queue_exit(&ring);
}

static void run_nop(struct io_uring *ring, int fd)
{
	(void)fd;
	CHECK_RING_WORKS(ring);
}

static void none_is_left_by_a_nop(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	one_thread_soon_after(&ring, run_nop, -1);
	io_uring_queue_exit(&ring);
}

/* A read that waited outside, and was answered inside. */
static void none_is_left_by_a_read_that_has_waited(void)
{
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 10; i++) {
		read_pending(&ring, fds[0], &byte, 1);
		submit(&ring, 1);
		usleep(i * 1000);
		pid_t pid = fork_child();

		if (pid == 0) {
			usleep(20000);
			_exit(write(fds[1], "x", 1) != 1);
		}
		REAP(&ring, 1, 1);
		CHECK_EQ(exit_status(pid), 0);
		CHECK(comes_to_one_thread(getpid()));
	}
	io_uring_queue_exit(&ring);
}

/* Whoever waits inside serves the ring, and nobody else has to. */
static void none_is_there_while_the_only_one_waits(void)
{
	int fds[2];

	MUST(pipe(fds));
	pid_t pid = fork_child();

	if (pid == 0) {
		struct io_uring ring;
		struct io_uring_cqe *cqe;
		struct __kernel_timespec soon = ms_to_ts(20);
		char byte;

		ring_init(&ring, 8, 0);
		read_pending(&ring, fds[0], &byte, 1);
		submit(&ring, 1);
		CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &soon), -ETIME);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		_exit(PASS);
	}
	usleep(200000);
	CHECK(comes_to_one_thread(pid));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(exit_status(pid), PASS);
}

static void a_user_namespace_can_be_made(void)
{
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) ? SKIPPED : PASS);
	if (exit_status(pid) == SKIPPED)
		SKIP("user namespaces are not to be had");
	for (int try = 0; try < 20; try++) {
		pid = fork_child();
		if (pid == 0) {
			struct io_uring ring;

			ring_init(&ring, 8, 0);
			read_cached(&ring, temp_file(4096));
			usleep(30000);
			_exit(unshare(CLONE_NEWUSER) ? FAIL : PASS);
		}
		if (exit_status(pid) == PASS)
			return;
	}
	CHECK(!"not once in twenty times");
}

TEST_PARTS(
	PART(none_is_left_by_a_cached_read),
	PART(none_is_left_by_a_read_from_the_disk),
	PART(none_is_left_by_a_wait_for_a_futex),
	PART(none_is_left_by_a_nop),
	PART(none_is_left_by_a_read_that_has_waited),
	PART(none_is_there_while_the_only_one_waits),
	PART(a_user_namespace_can_be_made),
)
