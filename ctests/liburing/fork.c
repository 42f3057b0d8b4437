/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings and processes: a ring made before a fork serves the parent, the child, and both at once. */
#include "rings.h"
#include <pthread.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

enum { FORKS = 40, THREADS = 3 };

static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int exit_of(pid_t pid)
{
	int status;

	CHECK(MUST(waitpid(pid, &status, 0)) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + status;
}

static void forget_sqes(struct io_uring *ring)
{
	/* Another process has submitted since: this one's counts are of before. */
	ring->sq.sqe_head = ring->sq.sqe_tail = *ring->sq.ktail;
}

/* Registered files, too, are the child's as much as the parent's. */
static void child_uses(pid_t (*make_child)(void))
{
	struct io_uring ring;
	int pipes[2], files[1];
	char byte = 0;

	ring_init(&ring, 8, 0);
	MUST(pipe(pipes));
	files[0] = pipes[1];
	CHECK_EQ(io_uring_register_files(&ring, files, 1), 0);
	CHECK_RING_WORKS(&ring);
	pid_t pid = make_child();

	if (pid == 0) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_write(sqe, 0, "c", 1, -1);
		sqe->flags |= IOSQE_FIXED_FILE;
		io_uring_sqe_set_data64(sqe, 7);
		submit(&ring, 1);
		REAP(&ring, 7, 1);
		_exit(PASS);
	}
	CHECK_EQ(exit_of(pid), PASS);
	forget_sqes(&ring);
	CHECK_EQ(read(pipes[0], &byte, 1), 1);
	CHECK_EQ(byte, 'c');
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

static void a_child_uses_its_parents_ring(void)
{
	child_uses(fork);
}

static void a_child_that_the_c_library_does_not_know_of(void)
{
	child_uses(raw_fork);
}

/* As a server of several processes does it: one makes the ring, one submits, one waits. */
static void made_submitted_and_reaped_in_three_processes(void)
{
	struct io_uring ring;
	int pipes[2], go = (int)MUST(eventfd(0, 0));
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t one = 1;

	CHECK(memory != MAP_FAILED);
	ring_init(&ring, 8, 0);
	MUST(pipe(pipes));
	pid_t submitter = (pid_t)MUST(fork());

	if (submitter == 0) {
		io_uring_prep_read(sqe_get(&ring), pipes[0], memory, 16, -1);
		submit(&ring, 1);
		CHECK_EQ(write(go, &one, 8), 8);
		pause();
		_exit(FAIL);
	}
	CHECK_EQ(read(go, &one, 8), 8);
	pid_t reaper = (pid_t)MUST(fork());

	if (reaper == 0) {
		REAP(&ring, 0, 5);
		_exit(memcmp(memory, "hello", 5) ? FAIL : PASS);
	}
	usleep(20000);
	CHECK_EQ(write(pipes[1], "hello", 5), 5);
	CHECK_EQ(exit_of(reaper), PASS);
	MUST(kill(submitter, SIGKILL));
	exit_of(submitter);
	forget_sqes(&ring);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* What the parent has in flight is completed once, for the parent; the child is no reader of its pipe. */
static void requests_in_flight_are_the_parents(void)
{
	struct io_uring ring;
	int pipes[2];
	char bytes[4];

	ring_init(&ring, 8, 0);
	MUST(pipe(pipes));
	io_uring_prep_read(sqe_get(&ring), pipes[0], bytes, sizeof(bytes), -1);
	submit(&ring, 1);
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		nop(&ring, 3);
		submit(&ring, 1);
		REAP(&ring, 3, 0);
		close(pipes[0]);
		close(pipes[1]);
		usleep(50000);
		_exit(io_uring_cq_ready(&ring) <= 1 ? PASS : FAIL);
	}
	usleep(20000);
	CHECK_EQ(write(pipes[1], "abc", 3), 3);
	CHECK_EQ(exit_of(pid), PASS);
	forget_sqes(&ring);
	REAP(&ring, 0, 3);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* A descriptor that only a request of the parent's holds does not live on in the child. */
static void a_child_keeps_no_file_of_the_parents_requests(void)
{
	struct io_uring ring;
	int pair[2];
	char byte;

	ring_init(&ring, 8, 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	io_uring_prep_recv(sqe_get(&ring), pair[0], &byte, 1, 0);
	submit(&ring, 1);
	close(pair[0]);
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		close(pair[1]);
		io_uring_queue_exit(&ring);
		pause();
	}
	usleep(20000);
	io_uring_queue_exit(&ring);
	/* The last reader is gone, when the cancelled request is. */
	struct pollfd wait = { .fd = pair[1], .events = POLLIN };

	CHECK_EQ(poll(&wait, 1, 2000), 1);
	CHECK_EQ(read(pair[1], &byte, 1), 0);
	MUST(kill(pid, SIGKILL));
	exit_of(pid);
}

static atomic_bool stop;

static void *submit_all_the_time(void *arg)
{
	struct io_uring ring;
	char buffer[4096];
	int fd = (int)MUST(open("/proc/self/exe", O_RDONLY));

	(void)arg;
	ring_init(&ring, 8, 0);
	while (!stop) {
		for (int i = 0; i < 4; i++) {
			struct io_uring_sqe *sqe = sqe_get(&ring);

			io_uring_prep_read(sqe, fd, buffer, sizeof(buffer), 0);
			sqe->flags |= IOSQE_ASYNC;
		}
		CHECK_EQ(io_uring_submit_and_wait(&ring, 4), 4);
		io_uring_cq_advance(&ring, 4);
	}
	io_uring_queue_exit(&ring);
	close(fd);
	return NULL;
}

/* Whatever other threads have locked at that moment is free in the child. */
static void forks_while_threads_submit(void)
{
	pthread_t threads[THREADS];
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, submit_all_the_time, NULL), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = i % 4 ? fork() : raw_fork();

		if (pid == 0) {
			struct io_uring own;

			alarm(10);
			CHECK_RING_WORKS(&ring);
			ring_init(&own, 8, 0);
			nop(&own, 1)->flags |= IOSQE_ASYNC;
			submit(&own, 1);
			REAP(&own, 1, 0);
			io_uring_queue_exit(&own);
			_exit(PASS);
		}
		CHECK_EQ(exit_of(pid), PASS);
		forget_sqes(&ring);
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	io_uring_queue_exit(&ring);
}

/* Killed at any moment, and not yet waited for: the others go on. */
static void a_killed_process_holds_nothing_back(void)
{
	for (int i = 0; i < FORKS; i++) {
		struct io_uring ring;
		siginfo_t dead;

		ring_init(&ring, 8, 0);
		pid_t pid = (pid_t)MUST(fork());

		if (pid == 0) {
			for (;;) {
				nop(&ring, 9);
				io_uring_submit(&ring);
				io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
			}
		}
		usleep((useconds_t)(1000 + i * 37));
		MUST(kill(pid, SIGKILL));
		MUST(waitid(P_PID, (id_t)pid, &dead, WEXITED | WNOWAIT));
		/* It may have filled an SQE and not submitted it. */
		forget_sqes(&ring);
		io_uring_enter((unsigned)ring.ring_fd, 8, 0, 0, NULL);
		io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
		CHECK_RING_WORKS(&ring);
		io_uring_queue_exit(&ring);
		exit_of(pid);
	}
}

static void two_processes_submit_at_once(void)
{
	enum { EACH = 2000 };
	struct io_uring ring;
	unsigned *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seen = 0;

	CHECK(turn != MAP_FAILED);
	ring_init(&ring, 64, 0);
	pid_t pid = (pid_t)MUST(fork());
	unsigned me = pid == 0;

	/* They take turns at filling the SQ, as programs must, but both have it submitted at any time. */
	for (int i = 0; i < EACH; i++) {
		while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != me)
			io_uring_enter((unsigned)ring.ring_fd, 1, 0, 0, NULL);
		forget_sqes(&ring);
		nop(&ring, 1);
		__atomic_store_n(ring.sq.ktail, *ring.sq.ktail + 1, __ATOMIC_RELEASE);
		io_uring_enter((unsigned)ring.ring_fd, 1, 0, 0, NULL);
		if (!me) {
			unsigned ready = io_uring_cq_ready(&ring);

			seen += ready;
			io_uring_cq_advance(&ring, ready);
		}
		__atomic_store_n(turn, !me, __ATOMIC_RELEASE);
	}
	if (me)
		_exit(PASS);
	CHECK_EQ(exit_of(pid), PASS);
	io_uring_enter((unsigned)ring.ring_fd, 64, 0, 0, NULL);
	seen += io_uring_cq_ready(&ring);
	CHECK_EQ(seen, 2 * EACH);
	io_uring_queue_exit(&ring);
}

static void exit_with_requests_in_flight(void)
{
	pid_t pid = (pid_t)MUST(fork());
	int status;

	if (pid == 0) {
		struct io_uring ring;
		int pipes[2];
		static char bytes[2];

		ring_init(&ring, 8, 0);
		MUST(pipe(pipes));
		io_uring_prep_read(sqe_get(&ring), pipes[0], bytes, 1, -1);
		io_uring_prep_read(sqe_get(&ring), pipes[0], bytes + 1, 1, -1);
		ring.sq.sqes[1].flags |= IOSQE_ASYNC;
		submit(&ring, 2);
		exit(3);
	}
	CHECK(MUST(waitpid(pid, &status, 0)) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void exec_closes_the_ring(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	nop(&ring, 1)->flags |= IOSQE_ASYNC;
	submit(&ring, 1);
	pid_t pid = (pid_t)MUST(vfork());

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "ls -l /proc/$$/fd | grep -E 'anon_inode' && exit 1; exit 0", NULL);
		_exit(127);
	}
	CHECK_EQ(exit_of(pid), 0);
	REAP(&ring, 1, 0);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* A pipe that the parent's splice reads from has no reader any more once the parent is through with it. */
static void a_child_keeps_no_end_of_a_splice(void)
{
	struct io_uring ring;
	int from[2], to[2], go[2];
	char byte;

	ring_init(&ring, 8, 0);
	if (!is_soft(&ring))
		SKIP("the kernel's requests are the ring's, which the child has as well");
	MUST(pipe(from));
	MUST(pipe(to));
	MUST(pipe(go));
	signal(SIGPIPE, SIG_IGN);
	io_uring_prep_splice(sqe_get(&ring), from[0], -1, to[1], -1, 100, 0);
	submit(&ring, 1);
	pid_t pid = fork_child();

	if (pid == 0) {
		close(from[0]);
		close(from[1]);
		close(go[1]);
		_exit(read(go[0], &byte, 1) == 1 ? PASS : FAIL);
	}
	io_uring_queue_exit(&ring);
	close(from[0]);
	for (int i = 0; i < 100 && write(from[1], "x", 1) == 1; i++)
		usleep(10000);
	CHECK_EQ(write(from[1], "x", 1), -1);
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(exit_of(pid), PASS);
}

/* What a worker has done during the fork goes on afterwards: with a link that closes a descriptor. */
static void a_link_goes_on_behind_the_fork(void)
{
	enum { ROUNDS = 300 };
	struct io_uring ring;
	int file = temp_file(1);

	ring_init(&ring, 8, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		int fd = (int)MUST(dup(file));
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_fsync(sqe, file, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC | IOSQE_IO_LINK);
		io_uring_prep_close(sqe_get(&ring), fd);
		submit(&ring, 2);
		pid_t pid = (pid_t)MUST(fork());

		if (pid == 0)
			_exit(PASS);
		CHECK_EQ(exit_of(pid), PASS);
		CHECK_EQ(reap_any(&ring).res, 0);
		CHECK_EQ(reap_any(&ring).res, 0);
	}
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_child_uses_its_parents_ring),
	PART(a_child_that_the_c_library_does_not_know_of),
	PART(made_submitted_and_reaped_in_three_processes),
	PART(requests_in_flight_are_the_parents),
	PART(a_child_keeps_no_file_of_the_parents_requests),
	PART(forks_while_threads_submit),
	PART(a_killed_process_holds_nothing_back),
	PART(two_processes_submit_at_once),
	PART(exit_with_requests_in_flight),
	PART(exec_closes_the_ring),
	PART(a_link_goes_on_behind_the_fork),
	PART(a_child_keeps_no_end_of_a_splice),
)
