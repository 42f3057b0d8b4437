/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * change-process SECONDS [FIRST_SEED] | --seed SEED
 *
 * Submits requests of all kinds, and between that changes what the process is: rights, descriptors, limits, folder,
 * umask and signals; it forks, executes programs, has threads that end. Whatever the results are,
 * each request that was submitted has one, what was read is right, and nothing crashes, hangs or is left behind.
 */
#include "stress.h"
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { STEPS = 80, RINGS = 3, BLOCK = 4096, ENTRIES = 16, WAITING_MAX = 8, WAIT_SECONDS = 30, LINE = 'k' };

/* A ring, and how many of its requests are under way. */
struct own {
	struct io_uring ring;
	bool is_open;
	unsigned under_way;
};

static struct own rings[RINGS];
static int file, pipes[2], sockets[2];
static unsigned waiting;
/* Where reads of the file go, each one's until it has ended. */
static bool is_taken[ENTRIES];
static char blocks[ENTRIES][BLOCK];

static void take(struct own *own, const struct io_uring_cqe *cqe)
{
	HOLDS_OF(own->under_way > 0, cqe->res);
	own->under_way--;
	/* A read of the file has the block in the low bits of its data. */
	if (cqe->user_data & 0x100) {
		const char *block = blocks[cqe->user_data & 0xff];

		HOLDS_OF(cqe->res <= 0 || (block[0] == LINE && block[cqe->res - 1] == LINE), cqe->res);
		is_taken[cqe->user_data & 0xff] = false;
	}
	if (cqe->user_data & 0x200 && cqe->res >= 0)
		close(cqe->res);
	if (cqe->user_data & 0x400)
		waiting--;
}

static void reap(struct own *own)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&own->ring, &cqe) == 0) {
		take(own, cqe);
		io_uring_cqe_seen(&own->ring, cqe);
	}
}

/* Waits until all requests of a ring have ended: those that wait for a pipe get what they wait for. */
static void finish(struct own *own)
{
	struct __kernel_timespec moment = { .tv_nsec = 50000000 };
	double end = seconds_now() + WAIT_SECONDS;
	struct io_uring_cqe *cqe;

	while (own->under_way) {
		for (unsigned i = 0; i < waiting; i++)
			(void)!write(pipes[1], "x", 1);
		io_uring_submit_and_wait_timeout(&own->ring, &cqe, 1, &moment, NULL);
		reap(own);
		HOLDS_OF(seconds_now() < end, own->under_way);
	}
}

static void prepare(struct io_uring_sqe *sqe)
{
	static char byte[1];
	static struct __kernel_timespec soon = { .tv_nsec = 300000 };
	unsigned at = below(ENTRIES);

	sqe->user_data = 0;
	switch (below(10)) {
	case 0:
		io_uring_prep_nop(sqe);
		break;
	case 1:
	case 2:
		if (is_taken[at]) {
			io_uring_prep_nop(sqe);
			break;
		}
		is_taken[at] = true;
		memset(blocks[at], 0, BLOCK);
		io_uring_prep_read(sqe, file, blocks[at], BLOCK, below(4) * BLOCK);
		sqe->user_data = 0x100 | at;
		break;
	case 3:
		io_uring_prep_write(sqe, file, "kkkk", 4, below(4 * BLOCK - 4));
		break;
	case 4:
		io_uring_prep_openat(sqe, AT_FDCWD, below(2) ? "." : "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
		sqe->user_data = 0x200;
		break;
	case 5:
		io_uring_prep_timeout(sqe, &soon, 0, 0);
		break;
	case 6:
		io_uring_prep_fsync(sqe, file, 0);
		break;
	case 7:
		io_uring_prep_send(sqe, sockets[below(2)], "some", 4, MSG_DONTWAIT);
		break;
	default:
		if (waiting == WAITING_MAX) {
			io_uring_prep_nop(sqe);
			break;
		}
		waiting++;
		if (below(2))
			io_uring_prep_read(sqe, pipes[0], byte, 1, 0);
		else
			io_uring_prep_poll_add(sqe, pipes[0], POLLIN);
		sqe->user_data = 0x400;
	}
	if (below(5) == 0)
		sqe->flags |= IOSQE_ASYNC;
}

/* What is prepared is submitted, sooner or later: memory, threads or descriptors may be missing for a while. */
static void submit(struct own *own)
{
	unsigned nr = below(4) + 1;

	for (; nr; nr--) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&own->ring);

		if (!sqe)
			break;
		prepare(sqe);
		own->under_way++;
	}
	double end = seconds_now() + WAIT_SECONDS;

	while (io_uring_sq_ready(&own->ring) > 0) {
		io_uring_submit(&own->ring);
		reap(own);
		HOLDS(seconds_now() < end);
	}
}

static void open_ring(struct own *own)
{
	own->is_open = io_uring_queue_init(ENTRIES, &own->ring, below(8) ? 0 : IORING_SETUP_SQPOLL) == 0;
	own->under_way = 0;
}

static void close_ring(struct own *own)
{
	finish(own);
	io_uring_queue_exit(&own->ring);
	own->is_open = false;
}

/* By the system call, which leaves other threads as they are: only the calling one has other rights. */
static void change_rights(void)
{
	static const unsigned ids[] = { 0, 65534, 1000 };
	unsigned id = ids[below(3)];
	gid_t group = id;

	syscall(SYS_setresuid, -1, 0, -1);
	switch (below(4)) {
	case 0: syscall(SYS_setresgid, -1, id, -1); break;
	case 1: syscall(SYS_setgroups, 1, &group); break;
	case 2: syscall(SYS_setfsuid, id); break;
	default: syscall(SYS_setresuid, -1, id, -1);
	}
}

static void change_limits(void)
{
	struct rlimit limit;
	int which = below(2) ? RLIMIT_NOFILE : RLIMIT_NPROC;

	MUST(getrlimit(which, &limit));
	limit.rlim_cur = below(2) ? limit.rlim_max : which == RLIMIT_NOFILE ? 600 + below(400) : below(4);
	setrlimit(which, &limit);
}

static void change_files(void)
{
	switch (below(4)) {
	case 0: {
		/* Another number for the file: requests under way have theirs. */
		int other = dup(file);

		if (other >= 0) {
			close(file);
			file = other;
		}
		break;
	}
	case 1: {
		int fd = eventfd(0, EFD_CLOEXEC);

		if (fd >= 0 && rings[0].is_open && io_uring_register_eventfd(&rings[0].ring, fd) == 0 && below(2))
			io_uring_unregister_eventfd(&rings[0].ring);
		if (fd >= 0)
			close(fd);
		break;
	}
	case 2:
		if (rings[1].is_open && io_uring_register_files(&rings[1].ring, &file, 1) == 0 && below(2))
			io_uring_unregister_files(&rings[1].ring);
		break;
	default:
		umask(below(2) ? 022 : 077);
		(void)!chdir(below(2) ? "/" : "/tmp");
	}
}

/* In a child: the parent's rings, and one of its own. */
static void in_child(void)
{
	struct own own = { 0 };

	open_ring(&own);
	if (own.is_open) {
		struct io_uring_cqe *cqe;

		io_uring_prep_read(io_uring_get_sqe(&own.ring), file, blocks[0], BLOCK, 0);
		if (io_uring_submit(&own.ring) == 1)
			io_uring_wait_cqe(&own.ring, &cqe);
		io_uring_queue_exit(&own.ring);
	}
	for (int i = 0; i < RINGS; i++)
		if (rings[i].is_open && below(2))
			io_uring_queue_exit(&rings[i].ring);
	_exit(0);
}

static void fork_off(void)
{
	int status = 0;
	pid_t pid;

	if (below(4) == 0) {
		static char *const arguments[] = { "true", NULL };

		pid = vfork();
		if (pid == 0) {
			execv("/bin/true", arguments);
			_exit(0);
		}
	} else {
		pid = fork();
		if (pid == 0) {
			alarm(HANG_SECONDS / 2);
			in_child();
		}
	}
	if (pid < 0)
		return; /* There may be no more processes. */
	while (waitpid(pid, &status, 0) < 0)
		HOLDS_OF(errno == EINTR, errno);
	HOLDS_OF(status == 0, status);
}

static void *submit_and_end(void *own)
{
	submit(own);
	return NULL;
}

static void *end_at_once(void *arg)
{
	return arg;
}

static void have_thread(struct own *own)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, submit_and_end, own) == 0)
		pthread_join(thread, NULL);
}

static void nothing(int sig)
{
	(void)sig;
}

static void change_more(void)
{
	struct itimerspec soon = { .it_value = { 0, 200000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	switch (below(3)) {
	case 0:
		unshare(CLONE_FS);
		break;
	case 1:
		raise(SIGUSR1);
		break;
	default:
		/* A signal in the midst of what comes next. */
		if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
			timer_settime(timer, 0, &soon, NULL);
			if (rings[2].is_open)
				submit(&rings[2]);
			timer_delete(timer);
		}
	}
}

static void step(void)
{
	struct own *own = &rings[below(RINGS)];

	if (!own->is_open)
		return open_ring(own);
	switch (below(16)) {
	case 0: return change_rights();
	case 1: return change_limits();
	case 2: return change_files();
	case 3: return fork_off();
	case 4: return have_thread(own);
	case 5: return change_more();
	case 6: return close_ring(own);
	case 7: return finish(own);
	default:
		submit(own);
		reap(own);
	}
}

static void play(uint64_t seed)
{
	struct sigaction action = { .sa_handler = nothing };
	struct rlimit limit;
	pthread_t thread;

	(void)seed;
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	file = (int)MUST(open("/tmp", O_RDWR | O_TMPFILE, 0600));
	memset(blocks, LINE, sizeof(blocks));
	MUST(write(file, blocks, 4 * BLOCK));
	MUST(pipe2(pipes, O_NONBLOCK));
	/* The reading end waits. */
	MUST(fcntl(pipes[0], F_SETFL, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	/* The C library keeps the stack of a thread that has ended. */
	HOLDS(pthread_create(&thread, NULL, end_at_once, NULL) == 0 && pthread_join(thread, NULL) == 0);
	struct held before = count_held();

	for (int i = 0; i < STEPS; i++)
		step();
	/* As at the beginning, so that all can end and be counted. */
	syscall(SYS_setresuid, -1, 0, -1);
	for (int which = 0; which < 2; which++) {
		int resource = which ? RLIMIT_NOFILE : RLIMIT_NPROC;

		MUST(getrlimit(resource, &limit));
		limit.rlim_cur = limit.rlim_max;
		MUST(setrlimit(resource, &limit));
	}
	for (int i = 0; i < RINGS; i++)
		if (rings[i].is_open)
			close_ring(&rings[i]);
	check_held(&before);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, play);
}
