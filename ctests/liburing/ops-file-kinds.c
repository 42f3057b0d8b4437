/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* timeout: 300 */
/*
 * Each operation on each kind of file: what the kernel's rings answer, ours do, and what waits there waits here.
 * One ring of each server does an operation on all kinds at once, so that a wait is seen once an operation.
 */
#include "file-kinds.h"
#include <poll.h>
#include <sys/resource.h>

enum {
	WAITS = 1 << 30, ABSENT, DESCRIPTOR, MORE = 1 << 29,
	/* That nothing comes in so many milliseconds is a wait; where the servers differ, in so many. */
	QUIET_MS = 60, SURE_MS = 3000,
	GROUP = 7, BUFFERS = 128, BUFFER_LEN = 64,
};

static const char *servers[] = { "kernel", "soft" };
static char bytes[FILE_KINDS][256], provided[BUFFERS][BUFFER_LEN];
static struct iovec vectors[FILE_KINDS];
static struct msghdr messages[FILE_KINDS];
static struct epoll_event polled[FILE_KINDS];

#define OP(name, ...) static void name(struct io_uring_sqe *sqe, int fd, int i)                        \
{                                                                                                      \
	char *at = bytes[i];                                                                           \
	(void)at, (void)fd;                                                                            \
	vectors[i] = (struct iovec){ at, 16 };                                                         \
	messages[i] = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };                      \
	__VA_ARGS__;                                                                                   \
}

static void select_buffer(struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_flags(sqe, sqe->flags | IOSQE_BUFFER_SELECT);
	sqe->buf_group = GROUP;
}

OP(read_here, io_uring_prep_read(sqe, fd, at, 128, -1))
OP(read_at_0, io_uring_prep_read(sqe, fd, at, 128, 0))
OP(read_at_5, io_uring_prep_read(sqe, fd, at, 128, 5))
OP(read_a_byte, io_uring_prep_read(sqe, fd, at, 1, -1))
OP(read_now, io_uring_prep_read(sqe, fd, at, 128, -1); sqe->rw_flags = RWF_NOWAIT)
OP(read_selected, io_uring_prep_read(sqe, fd, NULL, 0, -1); select_buffer(sqe))
OP(readv_here, io_uring_prep_readv(sqe, fd, &vectors[i], 1, -1))
OP(read_multishot, io_uring_prep_read_multishot(sqe, fd, 0, -1, GROUP))
OP(read_multishot_at_0, io_uring_prep_read_multishot(sqe, fd, 0, 0, GROUP))
OP(write_here, io_uring_prep_write(sqe, fd, at, 8, -1))
OP(write_at_0, io_uring_prep_write(sqe, fd, at, 8, 0))
OP(writev_here, io_uring_prep_writev(sqe, fd, &vectors[i], 1, -1))
OP(splice_from, io_uring_prep_splice(sqe, fd, -1, pipe_to_write(), -1, 8, 0))
OP(splice_from_at_0, io_uring_prep_splice(sqe, fd, 0, pipe_to_write(), -1, 8, 0))
OP(splice_from_now, io_uring_prep_splice(sqe, fd, -1, pipe_to_write(), -1, 8, SPLICE_F_NONBLOCK))
OP(splice_from_to_full, io_uring_prep_splice(sqe, fd, -1, full_pipe(), -1, 8, 0))
OP(splice_from_to_full_nb, io_uring_prep_splice(sqe, fd, -1, full_nonblocking_pipe(), -1, 8, 0))
OP(splice_to, io_uring_prep_splice(sqe, pipe_with_data(), -1, fd, -1, 8, 0))
OP(splice_to_at_0, io_uring_prep_splice(sqe, pipe_with_data(), -1, fd, 0, 8, 0))
OP(splice_to_now, io_uring_prep_splice(sqe, pipe_with_data(), -1, fd, -1, 8, SPLICE_F_NONBLOCK))
OP(splice_to_from_empty, io_uring_prep_splice(sqe, empty_pipe(), -1, fd, -1, 8, 0))
OP(splice_to_from_empty_nb, io_uring_prep_splice(sqe, empty_nonblocking_pipe(), -1, fd, -1, 8, 0))
OP(splice_to_from_ended, io_uring_prep_splice(sqe, pipe_without_writer(), -1, fd, -1, 8, 0))
OP(splice_nothing, io_uring_prep_splice(sqe, fd, -1, pipe_to_write(), -1, 0, 0))
OP(splice_from_file, io_uring_prep_splice(sqe, regular(), 0, fd, -1, 8, 0))
OP(tee_from, io_uring_prep_tee(sqe, fd, pipe_to_write(), 8, 0))
OP(tee_to, io_uring_prep_tee(sqe, pipe_with_data(), fd, 8, 0))
OP(tee_to_from_empty, io_uring_prep_tee(sqe, empty_pipe(), fd, 8, 0))
OP(poll_in, io_uring_prep_poll_add(sqe, fd, POLLIN))
OP(poll_out, io_uring_prep_poll_add(sqe, fd, POLLOUT))
OP(poll_pri, io_uring_prep_poll_add(sqe, fd, POLLPRI))
OP(poll_none, io_uring_prep_poll_add(sqe, fd, 0))
OP(poll_multishot, io_uring_prep_poll_multishot(sqe, fd, POLLIN | POLLOUT))
OP(poll_multishot_pri, io_uring_prep_poll_multishot(sqe, fd, POLLPRI))
OP(recv_some, io_uring_prep_recv(sqe, fd, at, 16, 0))
OP(recv_later, io_uring_prep_recv(sqe, fd, at, 16, 0); sqe->ioprio = IORING_RECVSEND_POLL_FIRST)
OP(recv_now, io_uring_prep_recv(sqe, fd, at, 16, MSG_DONTWAIT))
OP(recv_selected, io_uring_prep_recv(sqe, fd, NULL, 0, 0); select_buffer(sqe))
OP(recv_multishot, io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0); select_buffer(sqe))
OP(recv_bundle, io_uring_prep_recv(sqe, fd, NULL, 0, 0); select_buffer(sqe); sqe->ioprio = IORING_RECVSEND_BUNDLE)
OP(recvmsg_some, io_uring_prep_recvmsg(sqe, fd, &messages[i], 0))
OP(recvmsg_multishot, io_uring_prep_recvmsg_multishot(sqe, fd, &messages[i], 0); select_buffer(sqe))
OP(recvmsg_later, io_uring_prep_recvmsg(sqe, fd, &messages[i], 0); sqe->ioprio = IORING_RECVSEND_POLL_FIRST)
OP(send_some, io_uring_prep_send(sqe, fd, at, 8, 0))
OP(send_later, io_uring_prep_send(sqe, fd, at, 8, 0); sqe->ioprio = IORING_RECVSEND_POLL_FIRST)
OP(send_selected, io_uring_prep_send(sqe, fd, NULL, 0, 0); select_buffer(sqe))
OP(sendmsg_some, io_uring_prep_sendmsg(sqe, fd, &messages[i], 0))
OP(send_zc, io_uring_prep_send_zc(sqe, fd, at, 8, 0, 0))
OP(sendmsg_zc, io_uring_prep_sendmsg_zc(sqe, fd, &messages[i], 0))
OP(accept_one, io_uring_prep_accept(sqe, fd, NULL, NULL, 0))
OP(accept_multishot, io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, 0))
OP(accept_now, io_uring_prep_accept(sqe, fd, NULL, NULL, 0); sqe->ioprio = IORING_ACCEPT_DONTWAIT)
OP(accept_later, io_uring_prep_accept(sqe, fd, NULL, NULL, 0); sqe->ioprio = IORING_ACCEPT_POLL_FIRST)
OP(connect_nowhere, io_uring_prep_connect(sqe, fd, (struct sockaddr *)at, 2))
OP(bind_nowhere, io_uring_prep_bind(sqe, fd, (struct sockaddr *)at, 2))
OP(listen_there, io_uring_prep_listen(sqe, fd, 2))
OP(shut_down, io_uring_prep_shutdown(sqe, fd, SHUT_RDWR))
OP(sync_it, io_uring_prep_fsync(sqe, fd, 0))
OP(sync_data, io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC))
OP(sync_range, io_uring_prep_sync_file_range(sqe, fd, 8, 0, 0))
OP(allocate, io_uring_prep_fallocate(sqe, fd, 0, 0, 8))
OP(truncate_it, io_uring_prep_ftruncate(sqe, fd, 8))
OP(advise, io_uring_prep_fadvise(sqe, fd, 0, 8, POSIX_FADV_WILLNEED))
OP(get_xattr, io_uring_prep_fgetxattr(sqe, fd, "user.none", at, 16))
OP(set_xattr, io_uring_prep_fsetxattr(sqe, fd, "none", at, 0, 1))
OP(wait_in_epoll, io_uring_prep_epoll_wait(sqe, fd, &polled[i], 1, 0))
OP(add_to_epoll, io_uring_prep_epoll_ctl(sqe, empty_epoll(), fd, EPOLL_CTL_ADD, &polled[i]))
OP(epoll_add_here, io_uring_prep_epoll_ctl(sqe, fd, counted_eventfd(), EPOLL_CTL_ADD, &polled[i]))
OP(command, io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SIOCINQ, fd, 0, 0, NULL, 0))
OP(message_ring, io_uring_prep_msg_ring(sqe, fd, 1, 2, 0))
OP(close_it, io_uring_prep_close(sqe, fd))

#define ROW(op) { #op, op }
static const struct operation {
	const char *name;
	void (*prepare)(struct io_uring_sqe *sqe, int fd, int i);
} operations[] = {
	ROW(read_here), ROW(read_at_0), ROW(read_at_5), ROW(read_a_byte), ROW(read_now),
	ROW(read_selected), ROW(readv_here), ROW(read_multishot), ROW(read_multishot_at_0), ROW(write_here),
	ROW(write_at_0), ROW(writev_here), ROW(splice_from), ROW(splice_from_at_0),
	ROW(splice_from_now), ROW(splice_from_to_full), ROW(splice_from_to_full_nb), ROW(splice_to),
	ROW(splice_to_at_0), ROW(splice_to_now), ROW(splice_to_from_empty), ROW(splice_to_from_empty_nb),
	ROW(splice_to_from_ended), ROW(splice_nothing), ROW(splice_from_file), ROW(tee_from), ROW(tee_to),
	ROW(tee_to_from_empty), ROW(poll_in), ROW(poll_out), ROW(poll_pri), ROW(poll_none), ROW(poll_multishot),
	ROW(poll_multishot_pri), ROW(recv_some), ROW(recv_later), ROW(recv_now), ROW(recv_selected),
	ROW(recv_multishot), ROW(recv_bundle), ROW(recvmsg_some), ROW(recvmsg_multishot), ROW(recvmsg_later),
	ROW(send_some), ROW(send_later), ROW(send_selected), ROW(sendmsg_some), ROW(send_zc), ROW(sendmsg_zc),
	ROW(accept_one), ROW(accept_multishot), ROW(accept_now), ROW(accept_later), ROW(connect_nowhere),
	ROW(bind_nowhere), ROW(listen_there), ROW(shut_down), ROW(sync_it), ROW(sync_data), ROW(sync_range),
	ROW(allocate), ROW(truncate_it), ROW(advise), ROW(get_xattr), ROW(set_xattr), ROW(wait_in_epoll),
	ROW(add_to_epoll), ROW(epoll_add_here), ROW(command), ROW(message_ring), ROW(close_it),
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/*
 * Left out, each for a reason: parts of the operations' and of the files' names.
 *   A pipe that the program has used splice(2) on looks like one that a SPLICE of ours was for.
 *   The kernel never ends a READ_MULTISHOT of an inotify that blocks.
 *   Its first writes to a terminal are interrupted by its own work.
 *   Commands are those of sockets.
 *   With IOSQE_ASYNC it waits for a multishot's file, or ends after one CQE, as the file is ready or knows RWF_NOWAIT.
 */
static const struct { const char *operation, *kind; unsigned flags; } left_out[] = {
	{ "read_now", "spliced_pipe", 0 }, { "read_multishot", "inotify_with_event", 0 }, { "write", "pty", 0 },
	{ "command", "dev_null", 0 }, { "command", "dev_fuse", 0 }, { "multishot", "", IOSQE_ASYNC },
};

static bool is_left_out(const char *operation, const char *kind, unsigned flags)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strstr(operation, left_out[i].operation) && strstr(kind, left_out[i].kind) &&
		    (flags & left_out[i].flags) == left_out[i].flags)
			return true;
	return false;
}

struct side {
	struct io_uring ring;
	int answers[FILE_KINDS];
	int missing;
};

static void set_up(struct side *side, const char *server, const struct operation *op, unsigned flags)
{
	int error;

	MUST(setenv("ANYRING_BACKING", server, 1));
	ring_init(&side->ring, 128, IORING_SETUP_SUBMIT_ALL);
	struct io_uring_buf_ring *ring = io_uring_setup_buf_ring(&side->ring, BUFFERS, GROUP, 0, &error);

	CHECK(ring != NULL);
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(ring, provided[i], BUFFER_LEN, (unsigned short)i, BUFFERS - 1, i);
	io_uring_buf_ring_advance(ring, BUFFERS);
	side->missing = 0;
	for (int i = 0; i < FILE_KINDS; i++) {
		int fd = is_left_out(op->name, file_kinds[i].name, flags) ? -1 : file_kinds[i].make();

		side->answers[i] = fd < 0 ? ABSENT : WAITS;
		if (fd < 0)
			continue;
		struct io_uring_sqe *sqe = sqe_get(&side->ring);

		op->prepare(sqe, fd, i);
		io_uring_sqe_set_data64(sqe, (uint64_t)i);
		io_uring_sqe_set_flags(sqe, sqe->flags | flags);
		side->missing++;
	}
	submit(&side->ring, side->missing);
}

/* Takes what comes until all have answered, or nothing has for some time. */
static void take(struct side *side, int quiet_ms)
{
	struct __kernel_timespec quiet = ms_to_ts(quiet_ms);
	struct io_uring_cqe *cqe;

	while (side->missing > 0) {
		int ret = io_uring_wait_cqe_timeout(&side->ring, &cqe, &quiet);

		if (ret == -ETIME)
			return;
		if (ret == -EINTR)
			continue;
		CHECK_EQ(ret, 0);
		int *answer = &side->answers[cqe->user_data];

		if (*answer == WAITS) {
			side->missing--;
			*answer = cqe->res + (cqe->flags & IORING_CQE_F_MORE ? MORE : 0);
		}
		io_uring_cqe_seen(&side->ring, cqe);
	}
}

static void print_answer(const char *server, int answer)
{
	const char *name = errno_text(answer);

	if (answer == WAITS)
		fprintf(stderr, " %s waits", server);
	else if (name)
		fprintf(stderr, " %s -%s", server, name);
	else
		fprintf(stderr, " %s %d%s", server, answer & ~MORE, answer > 0 && answer & MORE ? " more" : "");
}

static bool differ(const struct side sides[2])
{
	return memcmp(sides[0].answers, sides[1].answers, sizeof(sides[0].answers)) != 0;
}

/* How many kinds of files are answered differently. */
static int compare(const struct operation *op, unsigned flags)
{
	static struct side sides[2];
	int differences = 0;

	for (int i = 0; i < 2; i++)
		set_up(&sides[i], servers[i], op, flags);
	for (int i = 0; i < 2; i++)
		take(&sides[i], QUIET_MS);
	/* A busy machine is not a wait. */
	for (int i = 0; i < 2 && differ(sides); i++)
		take(&sides[i], SURE_MS);
	for (int i = 0; i < FILE_KINDS; i++) {
		if (sides[0].answers[i] == sides[1].answers[i])
			continue;
		fprintf(stderr, "  %s%s of %s:", op->name, flags & IOSQE_ASYNC ? " by a worker" : "", file_kinds[i].name);
		for (int side = 0; side < 2; side++)
			print_answer(servers[side], sides[side].answers[i]);
		fputc('\n', stderr);
		differences++;
	}
	return differences;
}

static void compare_all(unsigned flags)
{
	struct rlimit many = { 4096, 4096 };
	const char *only = getenv("ONLY");
	int differences = 0;

	alarm(140);
	unsetenv("ANYRING_BACKING");
	if (!kernel_serves())
		SKIP("there is no ring of the kernel's to compare with");
	setrlimit(RLIMIT_NOFILE, &many);
	/* The kernel sends it to who submits a write, we do not. */
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < OPERATIONS; i++) {
		if (only && !strstr(operations[i].name, only))
			continue;
		pid_t pid = fork_child();

		if (pid == 0)
			exit(compare(&operations[i], flags));
		int status = exit_status(pid);

		CHECK_OP(status, <, 128);
		differences += status;
	}
	CHECK_EQ(differences, 0);
}

static void each_operation_on_each_kind_of_file(void)
{
	compare_all(0);
}

static void each_operation_by_a_worker_on_each_kind_of_file(void)
{
	compare_all(IOSQE_ASYNC);
}

TEST_PARTS(
	PART(each_operation_on_each_kind_of_file),
	PART(each_operation_by_a_worker_on_each_kind_of_file),
)
