/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests that are refused: what comes first when several things are wrong, and what it does to links. */
#include "rings.h"
#include <poll.h>

static struct io_uring_sqe *add(struct io_uring *ring, uint64_t data, unsigned flags)
{
	struct io_uring_sqe *sqe = nop(ring, data);

	io_uring_sqe_set_flags(sqe, flags);
	return sqe;
}

static void a_file_that_is_none_comes_before_a_buffer_that_is_none(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_write_fixed(sqe, 999, &ring, 1, 0, 7);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, 1);
	REAP(&ring, 1, -EBADF);
	for (int async = 0; async < 2; async++) {
		sqe = sqe_get(&ring);
		io_uring_prep_read(sqe, 999, &ring, 1, 0);
		sqe->rw_flags = RWF_HIPRI; /* of a ring that does not poll */
		io_uring_sqe_set_flags(sqe, async ? IOSQE_ASYNC : 0);
		RUN_ONE(&ring, -EBADF);
	}
	io_uring_queue_exit(&ring);
}

static void a_path_that_is_nowhere_ends_the_submission(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_mkdirat(sqe, AT_FDCWD, (const char *)8, 0700);
	io_uring_sqe_set_data64(sqe, 1);
	add(&ring, 2, 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	REAP(&ring, 1, -EFAULT);
	REAP(&ring, 2, 0);
	io_uring_queue_exit(&ring);
}

static void what_was_refused_stays_so_behind_a_drain(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	ring_init(&ring, 8, IORING_SETUP_SUBMIT_ALL);
	sqe = sqe_get(&ring);
	io_uring_prep_poll_add(sqe, fds[0], POLLIN);
	io_uring_sqe_set_data64(sqe, 1);
	add(&ring, 2, IOSQE_IO_DRAIN);
	sqe = sqe_get(&ring);
	io_uring_prep_readv(sqe, fds[0], (const struct iovec *)8, 2000, 0);
	io_uring_sqe_set_data64(sqe, 3);
	CHECK_EQ(io_uring_submit(&ring), 3);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	for (int i = 0; i < 3; i++) {
		struct result result = reap_any(&ring);

		if (result.user_data == 3)
			CHECK_EQ(result.res, -EINVAL);
	}
	io_uring_queue_exit(&ring);
}

/* Silent are those behind one that fails and has IOSQE_CQE_SKIP_SUCCESS, whatever flags they have themselves. */
static void who_failed_says_who_is_silent(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, IORING_SETUP_SUBMIT_ALL);
	add(&ring, 1, IOSQE_IO_LINK);
	add(&ring, 2, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS)->ioprio = 7;
	add(&ring, 3, 0);
	CHECK_EQ(io_uring_submit(&ring), 3);
	REAP(&ring, 1, -ECANCELED);
	REAP(&ring, 2, -EINVAL);
	REAP(&ring, 3, -ECANCELED);
	add(&ring, 4, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
	add(&ring, 5, 0)->ioprio = 7;
	add(&ring, 6, 0);
	CHECK_EQ(io_uring_submit(&ring), 3);
	REAP(&ring, 4, -ECANCELED);
	REAP(&ring, 6, 0);
	io_uring_queue_exit(&ring);
}

static void a_shutdown_that_fails_breaks_no_link(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_shutdown(sqe, fds[0], 3);
	io_uring_sqe_set_data64(sqe, 1);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	add(&ring, 2, 0);
	CHECK_EQ(io_uring_submit(&ring), 2);
	REAP(&ring, 1, -EINVAL);
	REAP(&ring, 2, 0);
	io_uring_queue_exit(&ring);
}

static void a_socket_without_a_place_breaks_no_link(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;

	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_socket_direct(sqe, AF_UNIX, SOCK_STREAM, 0, 1, 0);
	io_uring_sqe_set_data64(sqe, 1);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	add(&ring, 2, 0);
	CHECK_EQ(io_uring_submit(&ring), 2);
	REAP(&ring, 1, -ENXIO);
	REAP(&ring, 2, 0);
	io_uring_queue_exit(&ring);
}

/* A descriptor of the program's, by somebody else's rights. */
static void no_descriptor_by_a_personality(void)
{
	struct io_uring ring;
	int fds[2], who;

	CHECK_EQ(pipe(fds), 0);
	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files(&ring, fds, 1), 0);
	who = io_uring_register_personality(&ring);
	CHECK_OP(who, >, 0);
	io_uring_prep_fixed_fd_install(sqe_get(&ring), 0, 0);
	submit(&ring, 1);
	int res = reap_any(&ring).res;

	if (res == -EINVAL)
		SKIP("this kernel has no IORING_OP_FIXED_FD_INSTALL");
	CHECK_OP(res, >=, 0);
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_fixed_fd_install(sqe, 0, 0);
	sqe->personality = (unsigned short)who;
	RUN_ONE(&ring, -EPERM);
	io_uring_queue_exit(&ring);
}

/* What its SQE points at is none: as what is wrong with the SQE itself, it ends the submission. */
static void what_points_at_nothing_ends_the_submission(void)
{
	struct iovec too_long[] = { { &too_long, SIZE_MAX }, { &too_long, 4 } };
	struct msghdr message = { .msg_iov = (struct iovec *)8, .msg_iovlen = 1 };
	int file = temp_file(8), fds[2];
	struct io_uring ring;

	socket_pair(fds, SOCK_STREAM);
	ring_init(&ring, 16, 0);
	for (int round = 0; round < 24; round++) {
		int kind = round % 8;
		struct io_uring_sqe *sqe = sqe_get(&ring);

		switch (kind) {
		case 0: io_uring_prep_readv(sqe, file, too_long, 2, 0); break;
		case 1: io_uring_prep_readv(sqe, file, (struct iovec *)8, 2, 0); break;
		case 2: io_uring_prep_writev(sqe, 999, (struct iovec *)8, 1, 0); break;
		case 3: io_uring_prep_sendmsg(sqe, file, &message, 0); break;
		case 4: io_uring_prep_sendmsg(sqe, fds[0], (struct msghdr *)8, 0); break;
		case 5: io_uring_prep_recvmsg(sqe, fds[0], &message, 0); break;
		case 6: io_uring_prep_connect(sqe, file, (struct sockaddr *)8, 16); break;
		case 7: io_uring_prep_bind(sqe, file, (struct sockaddr *)8, 16); break;
		}
		io_uring_sqe_set_data64(sqe, 1);
		io_uring_sqe_set_flags(sqe, round / 8 == 1 ? IOSQE_ASYNC : round / 8 == 2 ? IOSQE_IO_DRAIN : 0);
		add(&ring, 2, 0);
		CHECK_EQ(io_uring_submit(&ring), 1);
		REAP(&ring, 1, kind ? -EFAULT : -EINVAL);
		CHECK_EQ(io_uring_submit(&ring), 1);
		REAP(&ring, 2, 0);
	}
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_file_that_is_none_comes_before_a_buffer_that_is_none),
	PART(a_path_that_is_nowhere_ends_the_submission),
	PART(what_was_refused_stays_so_behind_a_drain),
	PART(who_failed_says_who_is_silent),
	PART(a_shutdown_that_fails_breaks_no_link),
	PART(a_socket_without_a_place_breaks_no_link),
	PART(no_descriptor_by_a_personality),
	PART(what_points_at_nothing_ends_the_submission),
)
