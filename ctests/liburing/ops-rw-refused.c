/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads and writes that are refused: which of two errors comes first, and what stays as it was. */
#include "rings.h"
#include <sys/eventfd.h>
#include <sys/mman.h>

enum { RO, WO, DIRECTORY, PIPE_R, PIPE_W, SOCKET, EVENT, EVENT_NONBLOCK, MEMFD };
#define UNKNOWN 0x80000000

static char buf[4096];
static struct iovec vectors[3] = {{buf, 7}, {buf + 100, 50}, {(void *)8, 50}};

static int make(unsigned kind, int others[2])
{
	int fd;

	others[0] = -1;
	switch (kind) {
	case RO:
		return temp_file(100);
	case WO:
		fd = temp_file(100);
		others[0] = fd;
		snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
		return MUST(open(buf, O_WRONLY));
	case DIRECTORY:
		return MUST(open(".", O_RDONLY | O_DIRECTORY));
	case MEMFD:
		return MUST(memfd_create("rings", 0));
	case PIPE_R:
	case PIPE_W:
		MUST(pipe(others));
		fd = others[kind == PIPE_W];
		others[0] = others[kind == PIPE_R];
		return fd;
	case SOCKET:
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, others));
		return others[1];
	default:
		return MUST(eventfd(1, kind == EVENT ? 0 : EFD_NONBLOCK));
	}
}

/* IORING_OP_READ or _WRITE of `len` bytes at `off`. */
static int refused(unsigned kind, bool writes, unsigned len, uint64_t off, unsigned flags, bool async)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	int others[2], fd = make(kind, others), res;

	ring_init(&ring, 4, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_rw(writes ? IORING_OP_WRITE : IORING_OP_READ, sqe, fd, buf, len, off);
	sqe->rw_flags = (int)flags;
	io_uring_sqe_set_flags(sqe, async ? IOSQE_ASYNC : 0);
	submit(&ring, 1);
	res = reap_any(&ring).res;
	io_uring_queue_exit(&ring);
	close(fd);
	if (others[0] >= 0)
		close(others[0]);
	return res;
}

static void which_comes_first(void)
{
	static const struct {
		unsigned kind;
		bool writes;
		unsigned len;
		uint64_t off;
		unsigned flags;
		int expected;
	} cases[] = {
		/* How the file was opened comes before what flags ask for. */
		{WO, false, 8, 0, RWF_HIPRI, -EBADF},
		{PIPE_R, true, 8, 0, RWF_HIPRI, -EBADF},
		{PIPE_W, false, 8, 0, RWF_HIPRI, -EBADF},
		{DIRECTORY, true, 8, 0, UNKNOWN, -EBADF},
		{RO, false, 8, 0, RWF_HIPRI, -EINVAL},
		/* Flags come before the offset, and before that there is nothing to do. */
		{SOCKET, true, 8, 5, UNKNOWN, -EOPNOTSUPP},
		{SOCKET, false, 0, 0, UNKNOWN, -EOPNOTSUPP},
		{PIPE_R, false, 8, 0, UNKNOWN, -EOPNOTSUPP},
		{PIPE_W, true, 0, 0, UNKNOWN, -EOPNOTSUPP},
		{RO, false, 0, 0, UNKNOWN, -EOPNOTSUPP},
		{EVENT, false, 0, 0, 0, -EINVAL},
		{EVENT, true, 0, 0, 0, 0},
		{DIRECTORY, false, 0, 0, 0, 0},
		{DIRECTORY, false, 0, 0, RWF_NOWAIT, -EOPNOTSUPP},
		/* Not every filesystem can do without waiting. */
		{MEMFD, false, 8, 0, RWF_NOWAIT, -EOPNOTSUPP},
		{MEMFD, false, 0, 0, RWF_NOWAIT, -EOPNOTSUPP},
		{MEMFD, true, 8, 0, RWF_NOWAIT, -EOPNOTSUPP},
		{MEMFD, true, 0, 0, RWF_NOWAIT, -EOPNOTSUPP},
		/* What knows no flags does not look at them. */
		{DIRECTORY, false, 8, 0, RWF_DSYNC, -EISDIR},
		{EVENT, true, 1, 0, RWF_DSYNC, -EINVAL},
		{EVENT, true, 8, 0, RWF_DSYNC, 8},
		{EVENT, true, 8, 0, RWF_NOWAIT, -EAGAIN},
		{EVENT_NONBLOCK, true, 8, 0, RWF_NOWAIT, 8},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int async = 0; async < 2; async++)
			CHECK_EQ(refused(cases[i].kind, cases[i].writes, cases[i].len, cases[i].off, cases[i].flags, async),
				 cases[i].expected);
}

/* A vector that is nowhere, at the file's position: what went before counts, the position stays. */
static void a_position_stays(void)
{
	struct io_uring ring;
	int fd = temp_file(200);

	ring_init(&ring, 4, 0);
	for (int flags = 0; flags <= RWF_APPEND; flags += RWF_APPEND) {
		CHECK_EQ(lseek(fd, 10, SEEK_SET), 10);
		io_uring_prep_writev2(sqe_get(&ring), fd, vectors, 3, -1, flags);
		RUN_ONE(&ring, 57);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	}
	io_uring_prep_readv(sqe_get(&ring), fd, vectors, 3, -1);
	RUN_ONE(&ring, 57);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	io_uring_queue_exit(&ring);
}

/* Nothing written to a socket is a message, and an error after shutdown(2). */
static void nothing_is_sent(void)
{
	struct io_uring ring;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	socket_pair(fds, SOCK_DGRAM);
	ring_init(&ring, 4, 0);
	io_uring_prep_write(sqe_get(&ring), fds[0], buf, 0, 0);
	RUN_ONE(&ring, 0);
	CHECK_EQ(recv(fds[1], buf, 1, MSG_DONTWAIT), 0);
	CHECK_EQ(recv(fds[1], buf, 1, MSG_DONTWAIT), -1);
	MUST(shutdown(fds[0], SHUT_WR));
	io_uring_prep_write(sqe_get(&ring), fds[0], buf, 0, 0);
	RUN_ONE(&ring, -EPIPE);
	io_uring_queue_exit(&ring);
}

/* RWF_NOWAIT goes on working for a pipe that data was spliced through. */
static void after_a_splice(void)
{
	struct io_uring ring;
	int from[2], to[2];

	MUST(pipe(from));
	MUST(pipe(to));
	MUST(write(from[1], "abcd", 4));
	ring_init(&ring, 4, 0);
	io_uring_prep_splice(sqe_get(&ring), from[0], -1, to[1], -1, 2, 0);
	RUN_ONE(&ring, 2);
	for (int async = 0; async < 2; async++) {
		static const int expected[] = {2, -EAGAIN};

		for (int i = 0; i < 2; i++) {
			struct io_uring_sqe *sqe = sqe_get(&ring);

			io_uring_prep_read(sqe, from[0], buf, 8, 0);
			sqe->rw_flags = RWF_NOWAIT;
			io_uring_sqe_set_flags(sqe, async ? IOSQE_ASYNC : 0);
			RUN_ONE(&ring, expected[i]);
		}
		MUST(write(from[1], "ef", 2));
	}
	io_uring_queue_exit(&ring);
}

static int selecting(struct io_uring *ring, unsigned opcode, int fd, unsigned len, unsigned ioprio, unsigned group)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_rw(opcode, sqe, fd, NULL, len, 0);
	sqe->ioprio = (uint16_t)ioprio;
	sqe->buf_group = (uint16_t)group;
	io_uring_sqe_set_flags(sqe, group ? IOSQE_BUFFER_SELECT : 0);
	submit(ring, 1);
	return reap_any(ring).res;
}

/* A file that is none, or no socket, comes before a buffer that is not there and before waiting. */
static void files_before_buffers(void)
{
	struct io_uring ring;
	int fds[2], file = temp_file(1);

	socket_pair(fds, SOCK_STREAM);
	ring_init(&ring, 4, 0);
	CHECK_EQ(selecting(&ring, IORING_OP_READ, 999, 8, 0, 1), -EBADF);
	CHECK_EQ(selecting(&ring, IORING_OP_READ, file, 8, 0, 1), -ENOBUFS);
	CHECK_EQ(selecting(&ring, IORING_OP_RECV, 999, 8, 0, 1), -EBADF);
	CHECK_EQ(selecting(&ring, IORING_OP_RECV, file, 8, 0, 1), -ENOTSOCK);
	CHECK_EQ(selecting(&ring, IORING_OP_RECV, 999, 8, IORING_RECVSEND_POLL_FIRST, 0), -EBADF);
	CHECK_EQ(selecting(&ring, IORING_OP_SEND, 999, 8, 0, 1), -EBADF);
	CHECK_EQ(selecting(&ring, IORING_OP_SEND, file, 8, 0, 1), -ENOTSOCK);
	CHECK_EQ(selecting(&ring, IORING_OP_SEND, file, 8, IORING_RECVSEND_POLL_FIRST, 0), -ENOTSOCK);
	CHECK_EQ(selecting(&ring, IORING_OP_SEND, fds[0], 0, 0, 1), -ENOENT);
	io_uring_prep_provide_buffers(sqe_get(&ring), buf, 64, 1, 1, 0);
	RUN_ONE(&ring, 0);
	CHECK_EQ(selecting(&ring, IORING_OP_READ, 999, 8, 0, 1), -EBADF);
	CHECK_EQ(selecting(&ring, IORING_OP_SEND, fds[0], 0, 0, 1), 64);
	CHECK_EQ(selecting(&ring, IORING_OP_SEND, fds[0], 0, 0, 1), -ENOBUFS);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(which_comes_first),
	PART(a_position_stays),
	PART(nothing_is_sent),
	PART(after_a_splice),
	PART(files_before_buffers),
)
