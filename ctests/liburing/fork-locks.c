/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* timeout: 180 */
/* Forks beside threads that use each thing that is locked: a child finds all of it free, and in order. */
#include "rings.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* As <linux/futex.h> has them since Linux 6.7: a word of 32 bits, of this process. */
enum { WORD = 2 | 128, FORKS = 150, NOPS = 8 };

static struct io_uring shared;
static atomic_bool stop;
static atomic_uint rounds;
static int file;

/* Takes NOPS requests through a ring, which workers do. */
static void use_workers(struct io_uring *ring)
{
	for (int i = 0; i < NOPS; i++) {
		struct io_uring_sqe *sqe = sqe_get(ring);

		io_uring_prep_fsync(sqe, file, 0);
		sqe->flags |= IOSQE_ASYNC;
	}
	CHECK_EQ(io_uring_submit_and_wait(ring, NOPS), NOPS);
	for (int i = 0; i < NOPS; i++)
		CHECK_EQ(reap_any(ring).res, 0);
}

/* Where workers run changes all the time, and they move there. */
static void move_workers(struct io_uring *ring)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(rounds % 2, &cpus);
	io_uring_register_iowq_aff(ring, sizeof(cpus), &cpus);
	use_workers(ring);
}

/* Rings come and go, and threads know them by a slot. */
static void register_rings(struct io_uring *ring)
{
	struct io_uring other;

	(void)ring;
	ring_init(&other, 4, 0);
	CHECK_EQ(io_uring_register_ring_fd(&other), 1);
	CHECK_RING_WORKS(&other);
	CHECK_EQ(io_uring_unregister_ring_fd(&other), 1);
	io_uring_queue_exit(&other);
}

/* Threads wait for a futex and are called back. */
static void wait_for_futexes(struct io_uring *ring)
{
	static uint32_t word;
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_futex_wait(sqe, &word, 0, FUTEX_BITSET_MATCH_ANY, WORD, 0);
	io_uring_sqe_set_data64(sqe, 1);
	io_uring_prep_cancel64(sqe_get(ring), 1, 0);
	CHECK_EQ(io_uring_submit_and_wait(ring, 2), 2);
	reap_any(ring);
	reap_any(ring);
}

/* Something is under way in a ring that nobody is inside of. */
static void leave_to_the_keeper(struct io_uring *ring)
{
	struct __kernel_timespec soon = { .tv_nsec = 100000 };

	io_uring_prep_timeout(sqe_get(ring), &soon, 0, 0);
	CHECK_EQ(io_uring_submit(ring), 1);
	while (io_uring_cq_ready(ring) == 0)
		sched_yield();
	REAP(ring, 0, -ETIME);
}

/* The page cache has none of it. */
static void read_ahead(struct io_uring *ring)
{
	static _Thread_local char bytes[NOPS][4096];

	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	for (int i = 0; i < NOPS; i++)
		io_uring_prep_read(sqe_get(ring), file, bytes[i], 4096, (unsigned long long)i * 4096);
	CHECK_EQ(io_uring_submit_and_wait(ring, NOPS), NOPS);
	for (int i = 0; i < NOPS; i++)
		CHECK_EQ(reap_any(ring).res, 4096);
}

static void *use_all_the_time(void *use)
{
	struct io_uring ring;

	ring_init(&ring, 32, 0);
	while (!stop) {
		((void (*)(struct io_uring *))use)(&ring);
		rounds++;
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

static void use_everything(void (*use)(struct io_uring *))
{
	struct io_uring ring;

	ring_init(&ring, 32, 0);
	use(&ring);
	use_workers(&ring);
	io_uring_queue_exit(&ring);
	_exit(PASS);
}

static void fork_beside(void (*use)(struct io_uring *))
{
	pthread_t thread;

	file = temp_file(NOPS * 4096);
	fsync(file);
	CHECK_EQ(pthread_create(&thread, NULL, use_all_the_time, (void *)use), 0);
	while (rounds == 0)
		sched_yield();
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork_child();

		if (pid == 0) {
			alarm(30);
			use_everything(use);
		}
		CHECK_EQ(exit_status(pid), PASS);
	}
	stop = true;
	pthread_join(thread, NULL);
}

static void workers_that_move(void)
{
	fork_beside(move_workers);
}

static void rings_that_are_registered(void)
{
	fork_beside(register_rings);
}

static void waits_for_futexes(void)
{
	struct io_uring ring;
	uint32_t word = 1;

	ring_init(&ring, 4, 0);
	io_uring_prep_futex_wait(sqe_get(&ring), &word, 0, FUTEX_BITSET_MATCH_ANY,
				 WORD, 0);
	submit(&ring, 1);
	if (reap_any(&ring).res == -EINVAL)
		SKIP("this kernel's rings wait for no futex");
	io_uring_queue_exit(&ring);
	fork_beside(wait_for_futexes);
}

static void rings_that_are_kept(void)
{
	fork_beside(leave_to_the_keeper);
}

static void reads_of_what_is_not_cached(void)
{
	fork_beside(read_ahead);
}

/* Operations look descriptors up while a fork goes through all rings. */
static void *close_all_the_time(void *arg)
{
	(void)arg;
	while (!stop) {
		for (int i = 0; i < 32; i++)
			io_uring_prep_close(sqe_get(&shared), (int)MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)));
		CHECK_EQ(io_uring_submit_and_wait(&shared, 32), 32);
		io_uring_cq_advance(&shared, 32);
		rounds++;
	}
	return NULL;
}

static void what_was_registered_is_the_childs(void)
{
	pthread_t thread;

	file = temp_file(1);
	ring_init(&shared, 64, 0);
	CHECK_EQ(io_uring_register_files(&shared, &file, 1), 0);
	CHECK_EQ(pthread_create(&thread, NULL, close_all_the_time, NULL), 0);
	while (rounds == 0)
		sched_yield();
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork_child();

		if (pid == 0)
			_exit(io_uring_unregister_files(&shared) == 0 ? PASS : FAIL);
		CHECK_EQ(exit_status(pid), PASS);
		/* What the child has done to a kernel's ring is done. */
		if (!is_soft(&shared) && i == 0)
			break;
	}
	stop = true;
	pthread_join(thread, NULL);
	io_uring_queue_exit(&shared);
}

TEST_PARTS(
	PART(workers_that_move),
	PART(rings_that_are_registered),
	PART(waits_for_futexes),
	PART(rings_that_are_kept),
	PART(reads_of_what_is_not_cached),
	PART(what_was_registered_is_the_childs),
)
