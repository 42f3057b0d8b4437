/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading and writing of every kind of file: what waits, what is short, what breaks a link. */
#include "rings.h"
#include <pty.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <termios.h>

static char buf[1 << 16];

static int read_of(struct io_uring *ring, int fd, void *to, unsigned len, uint64_t off)
{
	io_uring_prep_read(sqe_get(ring), fd, to, len, off);
	submit(ring, 1);
	return reap_any(ring).res;
}

/* A stream has no offset: whatever the request has is not looked at, except by sockets. */
static void streams_have_no_offset(void)
{
	struct io_uring ring;
	int fds[2], pair[2], event = (int)MUST(eventfd(5, 0));

	ring_init(&ring, 8, 0);
	MUST(pipe(fds));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	io_uring_prep_write(sqe_get(&ring), fds[1], "abc", 3, 0);
	RUN_ONE(&ring, 3);
	CHECK_EQ(read_of(&ring, fds[0], buf, 2, 0), 2);
	CHECK_EQ(read_of(&ring, fds[0], buf, 2, 77), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_EQ(read_of(&ring, event, buf, 8, 77), 8);
	io_uring_prep_write(sqe_get(&ring), pair[1], "abc", 3, 0);
	RUN_ONE(&ring, 3);
	CHECK_EQ(read_of(&ring, pair[0], buf, 8, 5), -ESPIPE);
	CHECK_EQ(read_of(&ring, pair[0], buf, 2, 0), 2);
	CHECK_EQ(read_of(&ring, pair[0], buf, 8, -1), 1);
	io_uring_queue_exit(&ring);
}

/* Each with the position: the file's own, which goes on with what was read. */
static void the_files_position(void)
{
	struct io_uring ring;
	int fd = temp_file(100);

	ring_init(&ring, 8, 0);
	for (int i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, fd, buf, 30, -1);
		io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
		io_uring_sqe_set_data64(sqe, (uint64_t)i + 1);
	}
	submit(&ring, 4);
	REAP(&ring, 1, 30);
	REAP(&ring, 2, 30);
	REAP(&ring, 3, 30);
	REAP(&ring, 4, 10);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 100);
	CHECK_EQ(read_of(&ring, fd, buf, 10, -2), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* What is not there yet is waited for, even when the file does not block. */
static void waits_for(int fd, int writer, const char *bytes, size_t len)
{
	struct io_uring ring;
	struct __kernel_timespec brief = ms_to_ts(20);
	struct io_uring_cqe *cqe;

	ring_init(&ring, 8, 0);
	io_uring_prep_read(sqe_get(&ring), fd, buf, 16, 0);
	submit(&ring, 1);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &brief), -ETIME);
	CHECK_EQ(write(writer, bytes, len), len);
	CHECK_EQ(reap_any(&ring).res, len);
	CHECK_EQ(memcmp(buf, bytes, len), 0);
	io_uring_queue_exit(&ring);
}

static void what_waits(void)
{
	int fds[2], pair[2], controller, terminal, event = (int)MUST(eventfd(0, EFD_NONBLOCK));
	struct termios modes;
	uint64_t five = 5;

	MUST(pipe(fds));
	waits_for(fds[0], fds[1], "abc", 3);
	MUST(pipe2(fds, O_NONBLOCK));
	waits_for(fds[0], fds[1], "abc", 3);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
	waits_for(pair[0], pair[1], "abc", 3);
	waits_for(event, event, (char *)&five, 8);
	MUST(openpty(&controller, &terminal, NULL, NULL, NULL));
	MUST(tcgetattr(terminal, &modes));
	modes.c_lflag &= ~(tcflag_t)ECHO;
	MUST(tcsetattr(terminal, TCSANOW, &modes));
	waits_for(terminal, controller, "ab\n", 3);
	MUST(fcntl(terminal, F_SETFL, O_RDWR | O_NONBLOCK));
	waits_for(terminal, controller, "ab\n", 3);
}

static void at_once_or_not_at_all(void)
{
	struct io_uring ring;
	int fds[2], notify = (int)MUST(inotify_init());

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (unsigned flags = 0; flags <= IOSQE_ASYNC; flags += IOSQE_ASYNC) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, fds[0], buf, 8, 0);
		sqe->rw_flags = RWF_NOWAIT;
		io_uring_sqe_set_flags(sqe, flags);
		RUN_ONE(&ring, -EAGAIN);
	}
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_read(sqe, notify, buf, 8, 0);
	sqe->rw_flags = RWF_NOWAIT;
	RUN_ONE(&ring, -EOPNOTSUPP);
	io_uring_queue_exit(&ring);
}

/* A pipe takes what it has room for; a worker's try does not wait for more. */
static void a_short_write(void)
{
	struct io_uring ring;
	int fds[2];

	MUST(pipe(fds));
	int room = (int)MUST(fcntl(fds[1], F_GETPIPE_SZ));
	char *data = calloc(1, 2 * (size_t)room);

	ring_init(&ring, 8, 0);
	for (unsigned flags = 0; flags <= IOSQE_ASYNC; flags += IOSQE_ASYNC) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_write(sqe, fds[1], data, 2 * (unsigned)room, 0);
		io_uring_sqe_set_flags(sqe, flags);
		RUN_ONE(&ring, room);
		CHECK_EQ(read(fds[0], data, 2 * (size_t)room), room);
	}
	free(data);
	io_uring_queue_exit(&ring);
}

/* Runs what was prepared as the head of a link; returns what the NOP behind it answers. */
static int behind(struct io_uring *ring, struct io_uring_sqe *sqe, int expected)
{
	io_uring_sqe_set_flags(sqe, sqe->flags | IOSQE_IO_LINK);
	io_uring_sqe_set_data64(sqe, 1);
	nop(ring, 2);
	submit(ring, 2);
	REAP(ring, 1, expected);
	struct result result = reap_any(ring);

	CHECK_EQ(result.user_data, 2);
	return result.res;
}

static void less_than_wanted_breaks_a_link(void)
{
	struct io_uring ring;
	int fd = temp_file(100), fds[2];
	struct iovec iov[2] = { { buf, 60 }, { buf + 60, 60 } };
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	MUST(pipe(fds));
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 100, 0);
	CHECK_EQ(behind(&ring, sqe, 100), 0);
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 100, 1);
	CHECK_EQ(behind(&ring, sqe, 99), -ECANCELED);
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 100, 1);
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	CHECK_EQ(behind(&ring, sqe, 99), -ECANCELED);
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 100, 100);
	CHECK_EQ(behind(&ring, sqe, 0), -ECANCELED);
	io_uring_prep_readv(sqe = sqe_get(&ring), fd, iov, 2, 0);
	CHECK_EQ(behind(&ring, sqe, 100), -ECANCELED);
	CHECK_EQ(write(fds[1], "abcdef", 6), 6);
	io_uring_prep_read(sqe = sqe_get(&ring), fds[0], buf, 4, 0);
	CHECK_EQ(behind(&ring, sqe, 4), 0);
	io_uring_prep_read(sqe = sqe_get(&ring), fds[0], buf, 4, 0);
	CHECK_EQ(behind(&ring, sqe, 2), -ECANCELED);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	io_uring_prep_splice(sqe = sqe_get(&ring), fds[0], -1, fd, 0, 10, 0);
	CHECK_EQ(behind(&ring, sqe, 3), -ECANCELED);
	io_uring_queue_exit(&ring);
}

static void refusals(void)
{
	struct io_uring ring;
	int fd = temp_file(100), dir = (int)MUST(open("/", O_RDONLY | O_DIRECTORY));
	struct iovec iov[1025];
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	for (int i = 0; i < 1025; i++)
		iov[i] = (struct iovec){ buf + i, 1 };
	io_uring_prep_readv(sqe_get(&ring), fd, iov, 1024, 0);
	RUN_ONE(&ring, 100);
	io_uring_prep_readv(sqe_get(&ring), fd, iov, 1025, 0);
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_readv(sqe_get(&ring), fd, (struct iovec *)8, 1, 0);
	RUN_ONE(&ring, -EFAULT);
	io_uring_prep_readv(sqe_get(&ring), fd, (struct iovec *)8, 0, 0);
	RUN_ONE(&ring, 0);
	iov[0].iov_len = (size_t)-1;
	io_uring_prep_readv(sqe_get(&ring), fd, iov, 2, 0);
	RUN_ONE(&ring, -EINVAL);
	iov[0].iov_len = 10;
	iov[1].iov_base = (void *)8;
	io_uring_prep_readv(sqe_get(&ring), fd, iov, 2, 0);
	RUN_ONE(&ring, 10);
	CHECK_EQ(read_of(&ring, fd, (void *)8, 10, 0), -EFAULT);
	CHECK_EQ(read_of(&ring, fd, NULL, 0, 0), 0);
	CHECK_EQ(read_of(&ring, dir, buf, 10, 0), -EISDIR);
	CHECK_EQ(read_of(&ring, 9999, buf, 10, 0), -EBADF);
	io_uring_prep_write(sqe_get(&ring), dir, buf, 10, 0);
	RUN_ONE(&ring, -EBADF);
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 10, 0);
	sqe->rw_flags = RWF_HIPRI; /* of a ring that does not poll */
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 10, 0);
	sqe->rw_flags = 1 << 20;
	RUN_ONE(&ring, -EOPNOTSUPP);
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 10, 0);
	sqe->ioprio = 2 << 13 | 4; /* best effort */
	RUN_ONE(&ring, 10);
	io_uring_prep_read(sqe = sqe_get(&ring), fd, buf, 10, 0);
	sqe->ioprio = 4 << 13; /* no class */
	RUN_ONE(&ring, -EINVAL);
	io_uring_queue_exit(&ring);
}

/* What an SQE points at may change once it was submitted, although it waits for its turn. */
static void submitted_requests_are_stable(void)
{
	struct io_uring ring;
	int fds[2], more[2], fd = temp_file(10);
	struct iovec iov = { (void *)"xyz", 3 };
	char path[] = "/dev/null";

	MUST(pipe(fds));
	MUST(pipe(more));
	ring_init(&ring, 8, 0);
	io_uring_prep_read(sqe_get(&ring), more[0], buf, 1, 0);
	ring.sq.sqes[0].flags = IOSQE_IO_LINK;
	io_uring_prep_writev(sqe_get(&ring), fds[1], &iov, 1, 0);
	ring.sq.sqes[1].flags = IOSQE_IO_LINK;
	io_uring_prep_openat(sqe_get(&ring), fd, path, O_RDWR, 0);
	submit(&ring, 3);
	iov.iov_base = NULL;
	memset(path, 'x', sizeof(path));
	CHECK_EQ(write(more[1], "1", 1), 1);
	REAP(&ring, 0, 1);
	REAP(&ring, 0, 3);
	int null = reap_any(&ring).res;

	CHECK_OP(null, >=, 0);
	CHECK_EQ(write(null, "1", 1), 1);
	CHECK_EQ(read(fds[0], buf, 10), 3);
	CHECK_EQ(memcmp(buf, "xyz", 3), 0);
	io_uring_queue_exit(&ring);
}

/* A request keeps its file although the program closes its own descriptor, and uses the number again. */
static void a_request_keeps_its_file(void)
{
	struct io_uring ring;
	int fds[2], other[2];

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	io_uring_prep_read(sqe_get(&ring), fds[0], buf, 4, 0);
	submit(&ring, 1);
	MUST(pipe(other));
	MUST(dup2(other[0], fds[0]));
	CHECK_EQ(write(fds[1], "kept", 4), 4);
	CHECK_EQ(reap_any(&ring).res, 4);
	CHECK_EQ(memcmp(buf, "kept", 4), 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(streams_have_no_offset),
	PART(the_files_position),
	PART(what_waits),
	PART(at_once_or_not_at_all),
	PART(a_short_write),
	PART(less_than_wanted_breaks_a_link),
	PART(refusals),
	PART(submitted_requests_are_stable),
	PART(a_request_keeps_its_file),
)
