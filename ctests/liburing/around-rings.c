/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a process does around its rings: signals, files closed too early, vfork, policies that come later. */
#include "rings.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

static struct io_uring_sqe *sqe_tagged(struct io_uring *ring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_sqe_set_data64(sqe, user_data);
	return sqe;
}

static _Atomic pid_t strangers;
static _Thread_local bool is_ours;
static atomic_int handled;

static void note_signal(int signal)
{
	(void)signal;
	handled++;
	if (!is_ours)
		strangers = gettid();
}

/* Whatever the library runs in threads, the program's signal handlers do not run there. */
static void signals_are_the_programs(void)
{
	struct sigaction action = { .sa_handler = note_signal, .sa_flags = SA_RESTART };
	struct io_uring ring, polled;
	int ends[2], fd = temp_file(4096);
	char byte;

	is_ours = true;
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(sigaction(SIGCHLD, &action, NULL));
	MUST(pipe(ends));
	ring_init(&ring, 64, 0);
	int ret = io_uring_queue_init(8, &polled, IORING_SETUP_SQPOLL);

	if (ret != -EPERM)
		CHECK_EQ(ret, 0);
	read_pending(&ring, ends[0], &byte, 1);
	submit(&ring, 1);
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	for (int i = 0; i < 200; i++) {
		for (int n = 0; n < 8; n++)
			io_uring_prep_fsync(sqe_tagged(&ring, 2), fd, 0);
		submit(&ring, 8);
		/* While this thread takes none, another would have to. */
		pthread_sigmask(SIG_BLOCK, &usr1, NULL);
		MUST(kill(getpid(), SIGUSR1));
		MUST(kill(getpid(), SIGCHLD));
		for (int n = 0; n < 8; n++)
			REAP(&ring, 2, 0);
		if (i % 20 == 0)
			usleep(3000);
		pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	}
	CHECK_OP(handled, >=, 400);
	CHECK_EQ(strangers, 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	REAP(&ring, 1, 1);
	io_uring_queue_exit(&ring);
	if (ret == 0)
		io_uring_queue_exit(&polled);
}

/* A request keeps its file, whatever the number has become. */
static void closed_in_flight(void)
{
	struct io_uring ring;
	char byte = 0, other = 0;
	int ends[2], others[2];

	ring_init(&ring, 8, 0);
	for (int round = 0; round < 20; round++) {
		MUST(pipe(ends));
		read_pending(&ring, ends[0], &byte, 1);
		io_uring_prep_poll_add(sqe_tagged(&ring, 2), ends[0], POLLIN);
		submit(&ring, 2);
		close(ends[0]);
		MUST(pipe(others));
		CHECK_EQ(others[0], ends[0]);
		CHECK_EQ(write(others[1], "o", 1), 1);
		read_pending(&ring, others[0], &other, 3);
		submit(&ring, 1);
		REAP(&ring, 3, 1);
		CHECK_EQ(other, 'o');
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		/* Somebody still reads from the pipe: no SIGPIPE. */
		CHECK_EQ(write(ends[1], "xy", 2), 2);
		for (int i = 0; i < 2; i++) {
			struct io_uring_cqe *cqe;

			CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
			CHECK_EQ(cqe->res, cqe->user_data == 1 ? 1 : POLLIN);
			io_uring_cqe_seen(&ring, cqe);
		}
		CHECK_EQ(byte, 'x');
		close(ends[1]);
		close(others[0]);
		close(others[1]);
	}
	io_uring_queue_exit(&ring);
}

/* The same for what goes to the disk: the data is the file's that was submitted to. */
static void written_after_close(void)
{
	static char block[1 << 16];
	struct io_uring ring;
	int kept = temp_file(0), wrong = temp_file(0);

	memset(block, 'b', sizeof(block));
	ring_init(&ring, 64, 0);
	int number = (int)MUST(dup(kept));

	for (int i = 0; i < 32; i++)
		io_uring_prep_write(sqe_tagged(&ring, 1), number, block, sizeof(block), (__u64)i * sizeof(block));
	submit(&ring, 32);
	MUST(dup2(wrong, number));
	for (int i = 0; i < 32; i++)
		REAP(&ring, 1, sizeof(block));
	CHECK_EQ(lseek(kept, 0, SEEK_END), 32 * (off_t)sizeof(block));
	CHECK_EQ(lseek(wrong, 0, SEEK_END), 0);
	io_uring_queue_exit(&ring);
}

static int spawn_by_vfork(int closed)
{
	/* What the child does is the parent's to see: nothing but calls. */
	pid_t child = vfork();

	if (child == 0) {
		if (closed >= 0)
			close(closed);
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	CHECK_OP(child, >, 0);
	return exit_status(child);
}

static void vfork_in_between(void)
{
	struct io_uring ring;
	int ends[2];
	char byte;

	MUST(pipe(ends));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 20; i++) {
		read_pending(&ring, ends[0], &byte, 1);
		submit(&ring, 1);
		CHECK_EQ(spawn_by_vfork(i % 2 ? ring.ring_fd : -1), 0);
		CHECK_EQ(write(ends[1], "x", 1), 1);
		REAP(&ring, 1, 1);
		CHECK_RING_WORKS(&ring);
	}
	io_uring_queue_exit(&ring);
}

static void *submit_and_end(void *arg)
{
	nop(arg, 5);
	submit(arg, 1);
	return NULL;
}

/* Threads that come, submit and go. */
static void threads_that_end(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, submit_and_end, &ring), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		REAP(&ring, 5, 0);
	}
	io_uring_queue_exit(&ring);
}

/* From here on a call answers EPERM; whoever serves the ring may need it. */
static void forbid(const int *calls, size_t nr)
{
	struct sock_filter code[16];
	unsigned short at = 0;

	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < nr; i++)
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
							  (unsigned char)(nr - i), 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	struct sock_fprog program = { at, code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* Each request completes, be it with an error. */
static void use_with_little(struct io_uring *ring, const int *ends, int fd)
{
	struct __kernel_timespec time = { 0, 10 * 1000 * 1000 };
	struct io_uring_cqe *cqe;
	char bytes[2];
	int nr = 0, first = 0;

	io_uring_prep_timeout(sqe_tagged(ring, 1), &time, 0, 0);
	io_uring_prep_read(sqe_tagged(ring, 2), ends[0], bytes, 1, 0);
	io_uring_prep_poll_add(sqe_tagged(ring, 3), ends[0], POLLIN);
	io_uring_prep_fsync(sqe_tagged(ring, 4), fd, 0);
	io_uring_prep_read(sqe_tagged(ring, 5), fd, bytes + 1, 1, 0);
	io_uring_prep_nop(sqe_tagged(ring, 6));
	submit(ring, 6);
	CHECK_EQ(write(ends[1], "xyz", 3), 3);
	for (; nr < 6; nr++) {
		struct __kernel_timespec patience = { 3, 0 };

		CHECK_EQ(io_uring_wait_cqe_timeout(ring, &cqe, &patience), 0);
		CHECK(cqe->user_data >= 1 && cqe->user_data <= 6);
		CHECK(!(first & 1 << cqe->user_data));
		first |= 1 << cqe->user_data;
		if (cqe->user_data == 6)
			CHECK_EQ(cqe->res, 0);
		io_uring_cqe_seen(ring, cqe);
	}
}

static void calls_forbidden_later(void)
{
	static const int calls[][4] = {
		{ SYS_epoll_create1, SYS_epoll_create1, SYS_epoll_create1, SYS_epoll_create1 },
		{ SYS_epoll_ctl, SYS_epoll_ctl, SYS_epoll_ctl, SYS_epoll_ctl },
		{ SYS_epoll_pwait2, SYS_epoll_pwait2, SYS_epoll_pwait2, SYS_epoll_pwait2 },
		{ SYS_epoll_pwait, SYS_epoll_pwait, SYS_epoll_pwait, SYS_epoll_pwait },
		{ SYS_eventfd2, SYS_eventfd2, SYS_eventfd2, SYS_eventfd2 },
		{ SYS_clone, SYS_clone3, SYS_clone, SYS_clone3 },
		{ SYS_mmap, SYS_mmap, SYS_mmap, SYS_mmap },
		{ SYS_munmap, SYS_madvise, SYS_mprotect, SYS_mremap },
		{ SYS_io_setup, SYS_io_submit, SYS_io_setup, SYS_io_submit },
		{ SYS_kcmp, SYS_pidfd_open, SYS_process_vm_readv, SYS_membarrier },
		{ SYS_preadv2, SYS_pwritev2, SYS_preadv2, SYS_pwritev2 },
		{ SYS_rt_sigprocmask, SYS_sched_yield, SYS_gettid, SYS_tgkill },
		{ SYS_epoll_create1, SYS_clone, SYS_clone3, SYS_eventfd2 },
	};

	for (size_t i = 0; i < 2 * sizeof(calls) / sizeof(calls[0]); i++) {
		bool is_used = i % 2;
		pid_t child = fork_child();

		if (child == 0) {
			struct io_uring ring;
			int ends[2], fd = temp_file(4096);

			MUST(pipe(ends));
			ring_init(&ring, 16, 0);
			if (is_used)
				use_with_little(&ring, ends, fd);
			forbid(calls[i / 2], 4);
			for (int n = 0; n < 3; n++)
				use_with_little(&ring, ends, fd);
			io_uring_queue_exit(&ring);
			exit(PASS);
		}
		int status = exit_status(child);

		if (status != PASS)
			printf("without call %d, %s before\n", calls[i / 2][0], is_used ? "used" : "not used");
		CHECK_EQ(status, PASS);
	}
}

TEST_PARTS(
	PART(signals_are_the_programs),
	PART(closed_in_flight),
	PART(written_after_close),
	PART(vfork_in_between),
	PART(threads_that_end),
	PART(calls_forbidden_later),
)
