/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Cancelling: by a call that returns when it is done, and by request, by user_data, fd, or all. */
#include "rings.h"
#include <sys/un.h>

struct reads {
	struct io_uring ring;
	int fds[2];
	char bytes[4];
};

/* Reads of an empty pipe that wait, with user_data 0 to nr - 1. */
static void pending_reads(struct reads *r, int nr)
{
	MUST(pipe(r->fds));
	ring_init(&r->ring, 8, 0);
	for (int i = 0; i < nr; i++)
		read_pending(&r->ring, r->fds[0], &r->bytes[i], (uint64_t)i);
	submit(&r->ring, nr);
	CHECK_EQ(io_uring_cq_ready(&r->ring), 0);
}

static struct io_uring_sync_cancel_reg cancel_arg(uint64_t user_data, int fd, unsigned flags)
{
	struct io_uring_sync_cancel_reg arg = {
		.addr = user_data, .fd = fd, .flags = flags, .timeout = { -1, -1 },
	};

	return arg;
}

static void sync_by_user_data(void)
{
	struct reads r;

	pending_reads(&r, 2);
	struct io_uring_sync_cancel_reg one = cancel_arg(1, -1, 0), none = cancel_arg(5, -1, 0);

	CHECK_EQ(ERRNO_KEPT(io_uring_register_sync_cancel(&r.ring, &none)), -ENOENT);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_sync_cancel(&r.ring, &one)), 0);
	REAP(&r.ring, 1, -ECANCELED);
	CHECK_EQ(io_uring_cq_ready(&r.ring), 0);
	CHECK_EQ(write(r.fds[1], "x", 1), 1);
	REAP(&r.ring, 0, 1);
	io_uring_queue_exit(&r.ring);
}

static void sync_by_fd(void)
{
	struct reads r;

	pending_reads(&r, 3);
	struct io_uring_sync_cancel_reg all =
		cancel_arg(0, r.fds[0], IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL);

	CHECK_EQ(ERRNO_KEPT(io_uring_register_sync_cancel(&r.ring, &all)), 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(reap_any(&r.ring).res, -ECANCELED);
	io_uring_queue_exit(&r.ring);
}

static void sync_with_unknown_flags(void)
{
	struct reads r;

	pending_reads(&r, 1);
	struct io_uring_sync_cancel_reg bad = cancel_arg(0, -1, 1u << 30);

	CHECK_EQ(ERRNO_KEPT(io_uring_register_sync_cancel(&r.ring, &bad)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_sync_cancel(&r.ring, NULL)), -EINVAL);
	io_uring_queue_exit(&r.ring);
}

/* The results of the two completions: of the cancel request, and of what it met. */
static void check_cancelled(struct io_uring *ring, uint64_t victim, int cancel_res)
{
	int seen = 0;

	for (int i = 0; i < 2; i++) {
		struct result result = reap_any(ring);

		if (result.user_data == victim) {
			CHECK_EQ(result.res, -ECANCELED);
			seen |= 1;
		} else {
			CHECK_EQ(result.user_data, 100);
			CHECK_EQ(result.res, cancel_res);
			seen |= 2;
		}
	}
	CHECK_EQ(seen, 3);
}

static void by_request(void)
{
	struct reads r;
	struct io_uring_sqe *sqe;

	pending_reads(&r, 3);
	sqe = sqe_get(&r.ring);
	io_uring_prep_cancel64(sqe, 2, 0);
	io_uring_sqe_set_data64(sqe, 100);
	submit(&r.ring, 1);
	check_cancelled(&r.ring, 2, 0);
	sqe = sqe_get(&r.ring);
	io_uring_prep_cancel(sqe, (void *)1, 0);
	io_uring_sqe_set_data64(sqe, 100);
	submit(&r.ring, 1);
	check_cancelled(&r.ring, 1, 0);
	sqe = sqe_get(&r.ring);
	io_uring_prep_cancel_fd(sqe, r.fds[0], 0);
	io_uring_sqe_set_data64(sqe, 100);
	submit(&r.ring, 1);
	check_cancelled(&r.ring, 0, 0);
	io_uring_prep_cancel64(sqe_get(&r.ring), 42, 0);
	RUN_ONE(&r.ring, -ENOENT);
	io_uring_queue_exit(&r.ring);
}

static void any_request(void)
{
	struct reads r;
	int cancelled = 0, counted = 0;

	pending_reads(&r, 4);
	struct io_uring_sqe *sqe = sqe_get(&r.ring);

	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
	io_uring_sqe_set_data64(sqe, 100);
	submit(&r.ring, 1);
	for (int i = 0; i < 5; i++) {
		struct result result = reap_any(&r.ring);

		if (result.user_data == 100)
			counted = result.res;
		else
			cancelled += result.res == -ECANCELED;
	}
	CHECK_EQ(cancelled, 4);
	CHECK_EQ(counted, 4);
	io_uring_queue_exit(&r.ring);
}

static void poll_and_timeout_have_their_own(void)
{
	struct reads r;
	struct __kernel_timespec ts = ms_to_ts(20000), brief = ms_to_ts(10);
	struct io_uring_sqe *sqe;

	pending_reads(&r, 0);
	sqe = sqe_get(&r.ring);
	io_uring_prep_poll_add(sqe, r.fds[0], 1 /* POLLIN */);
	io_uring_sqe_set_data64(sqe, 7);
	sqe = sqe_get(&r.ring);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	io_uring_sqe_set_data64(sqe, 8);
	submit(&r.ring, 2);
	sqe = sqe_get(&r.ring);
	io_uring_prep_poll_remove(sqe, 7);
	io_uring_sqe_set_data64(sqe, 100);
	submit(&r.ring, 1);
	check_cancelled(&r.ring, 7, 0);
	sqe = sqe_get(&r.ring);
	io_uring_prep_timeout_update(sqe, &brief, 8, 0);
	io_uring_sqe_set_data64(sqe, 101);
	submit(&r.ring, 1);
	REAP(&r.ring, 101, 0);
	REAP(&r.ring, 8, -ETIME);
	io_uring_prep_timeout_remove(sqe_get(&r.ring), 8, 0);
	RUN_ONE(&r.ring, -ENOENT);
	io_uring_queue_exit(&r.ring);
}

/* A wait for children, which no file tells of. */
static void waiting_for_a_child(void)
{
	static siginfo_t info;
	struct __kernel_timespec soon = ms_to_ts(10);
	struct io_uring ring;
	pid_t child = (pid_t)MUST(fork());

	if (child == 0) {
		pause();
		_exit(0);
	}
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 3; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_waitid(sqe, i == 0 ? P_ALL : P_PID, i == 0 ? 0 : (id_t)child, &info,
				     i == 1 ? WSTOPPED : WEXITED, 0);
		io_uring_sqe_set_data64(sqe, 1);
		submit(&ring, 1);
		usleep(i == 0 ? 0 : 3000);
		sqe = sqe_get(&ring);
		io_uring_prep_cancel64(sqe, 1, 0);
		io_uring_sqe_set_data64(sqe, 2);
		submit(&ring, 1);
		struct result first = reap_any(&ring);

		if (first.user_data == 1 && first.res == -EINVAL) {
			MUST(kill(child, SIGKILL));
			SKIP("this kernel has no IORING_OP_WAITID");
		}
		CHECK_EQ(first.user_data, 2);
		CHECK_EQ(first.res, 1);
		REAP(&ring, 1, -ECANCELED);

		sqe = sqe_get(&ring);
		io_uring_prep_waitid(sqe, P_ALL, 0, &info, WEXITED, 0);
		io_uring_sqe_set_data64(sqe, 1);
		io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
		io_uring_prep_link_timeout(sqe_get(&ring), &soon, 0);
		submit(&ring, 2);
		REAP(&ring, 0, 1);
		REAP(&ring, 1, -ECANCELED);
	}
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
}

/* A worker waits in the call until somebody accepts: it is interrupted. */
static void a_connection_that_waits(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);
	struct io_uring ring;
	int listener = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), first = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)),
	    second = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	MUST(bind(listener, (struct sockaddr *)&address, len)); /* to a name that the kernel chooses */
	len = sizeof(address);
	MUST(getsockname(listener, (struct sockaddr *)&address, &len));
	MUST(listen(listener, 0));
	MUST(connect(first, (struct sockaddr *)&address, len));
	ring_init(&ring, 8, 0);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_connect(sqe, second, (struct sockaddr *)&address, len);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, 1);
	usleep(20000);
	sqe = sqe_get(&ring);
	io_uring_prep_cancel64(sqe, 1, 0);
	io_uring_sqe_set_data64(sqe, 2);
	submit(&ring, 1);
	REAP(&ring, 2, -EALREADY);
	REAP(&ring, 1, -EINTR);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* Each is found at once, however many there are. */
static void one_of_many(void)
{
	enum { MANY = 32768, BATCH = 1024 };
	struct __kernel_timespec later = ms_to_ts(100000);
	struct io_uring ring;
	long long begun_at;

	ring_init(&ring, BATCH, 0);
	for (int i = 0; i < MANY; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_timeout(sqe, &later, 0, 0);
		io_uring_sqe_set_data64(sqe, (uint64_t)i);
		if (i % BATCH == BATCH - 1)
			submit(&ring, BATCH);
	}
	begun_at = now_ms();
	for (int i = 0; i < MANY; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_cancel64(sqe, (uint64_t)i, 0);
		io_uring_sqe_set_data64(sqe, MANY);
		if (i % BATCH != BATCH - 1)
			continue;
		submit(&ring, BATCH);
		for (int done = 0; done < 2 * BATCH; done++) {
			struct result result = reap_any(&ring);

			CHECK_EQ(result.res, result.user_data == MANY ? 0 : -ECANCELED);
		}
	}
	CHECK_OP(now_ms() - begun_at, <, 3000);
	io_uring_queue_exit(&ring);
}

/* A file is meant, by whatever descriptor or slot of it: not a number. */
static void by_file_whatever_its_name(void)
{
	const unsigned by_fd = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
	struct reads r;
	struct io_uring_sqe *sqe;

	pending_reads(&r, 2);
	int twin = (int)MUST(dup(r.fds[0])), other[2];

	MUST(pipe(other));
	CHECK_EQ(io_uring_register_files(&r.ring, &twin, 1), 0);
	read_pending(&r.ring, twin, &r.bytes[2], 2);
	io_uring_prep_read(sqe = sqe_get(&r.ring), 0, &r.bytes[3], 1, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	submit(&r.ring, 2);
	struct io_uring_sync_cancel_reg arg = cancel_arg(0, other[0], by_fd);

	CHECK_EQ(io_uring_register_sync_cancel(&r.ring, &arg), 0);
	arg = cancel_arg(0, twin, by_fd);
	CHECK_EQ(io_uring_register_sync_cancel(&r.ring, &arg), 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(reap_any(&r.ring).res, -ECANCELED);
	/* the number is another file by now */
	read_pending(&r.ring, twin, &r.bytes[0], 5);
	submit(&r.ring, 1);
	MUST(dup2(other[0], twin));
	CHECK_EQ(io_uring_register_sync_cancel(&r.ring, &arg), 0);
	arg = cancel_arg(0, 0, by_fd | IORING_ASYNC_CANCEL_FD_FIXED);
	CHECK_EQ(io_uring_register_sync_cancel(&r.ring, &arg), 1);
	REAP(&r.ring, 5, -ECANCELED);
	io_uring_queue_exit(&r.ring);
}

/* With ANY a file has to be one, and does not matter. */
static void any_with_a_file(void)
{
	struct reads r;

	pending_reads(&r, 2);
	struct io_uring_sync_cancel_reg arg =
		cancel_arg(0, 9999, IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY);

	CHECK_EQ(io_uring_register_sync_cancel(&r.ring, &arg), -EBADF);
	arg.fd = r.fds[1];
	CHECK_EQ(io_uring_register_sync_cancel(&r.ring, &arg), 2);
	io_uring_queue_exit(&r.ring);
}

/* What has come before it was cancelled is not lost. */
static void half_done(void)
{
	struct io_uring ring;
	int fds[2];
	char buf[8];

	ring_init(&ring, 8, 0);
	socket_pair(fds, SOCK_STREAM);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_recv(sqe, fds[0], buf, sizeof(buf), MSG_WAITALL);
	io_uring_sqe_set_data64(sqe, 1);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	nop(&ring, 2);
	submit(&ring, 2);
	io_uring_prep_cancel64(sqe_get(&ring), 1, 0);
	submit(&ring, 1);
	REAP(&ring, 0, 0);
	REAP(&ring, 1, 3);
	REAP(&ring, 2, -ECANCELED);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(sync_by_user_data),
	PART(sync_by_fd),
	PART(sync_with_unknown_flags),
	PART(by_request),
	PART(any_request),
	PART(poll_and_timeout_have_their_own),
	PART(waiting_for_a_child),
	PART(a_connection_that_waits),
	PART(half_done),
	PART(one_of_many),
	PART(by_file_whatever_its_name),
	PART(any_with_a_file),
)
