/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Opens of a FIFO wait for its other end, perhaps for ever: nobody else has to wait for them, and nothing of them stays
 * when their ring is closed, or when the last is complete. Where there can be no thread to wait in, they are answered.
 */
#include "rings.h"
#include <sys/resource.h>
#include <sys/stat.h>

/* More than there are workers for what a disk is waited for. */
enum { OPENS = 6, LATER = 100, PATIENCE = 20 };

static void make_fifo(void)
{
	/* Each part has its own. */
	unlink("fifo");
	MUST(mkfifo("fifo", 0600));
}

static void open_fifo(struct io_uring *ring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_openat(sqe, AT_FDCWD, "fifo", O_RDONLY | O_CLOEXEC, 0);
	io_uring_sqe_set_data64(sqe, user_data);
	sqe->flags |= IOSQE_ASYNC;
}

static void open_fifos(struct io_uring *ring)
{
	for (int i = 0; i < OPENS; i++)
		open_fifo(ring, (uint64_t)i);
	submit(ring, OPENS);
}

/* What only workers do. */
static void works(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = sqe_get(ring);
	int fd = (int)MUST(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));

	io_uring_prep_fsync(sqe, fd, 0);
	sqe->flags |= IOSQE_ASYNC;
	submit(ring, 1);
	CHECK_EQ(reap_any(ring).res, 0);
	sqe = sqe_get(ring);
	io_uring_prep_openat(sqe, AT_FDCWD, "file", O_RDWR | O_TRUNC | O_CLOEXEC, 0);
	sqe->flags |= IOSQE_ASYNC;
	submit(ring, 1);
	int opened = reap_any(ring).res;

	CHECK_OP(opened, >=, 0);
	sqe = sqe_get(ring);
	io_uring_prep_unlink(sqe, "file", 0);
	submit(ring, 1);
	CHECK_EQ(reap_any(ring).res, 0);
	close(opened);
	close(fd);
}

static void wait_for_threads(int count)
{
	double start = now();

	while (count_threads() > count) {
		CHECK_OP(now() - start, <, PATIENCE);
		usleep(1000);
	}
}

static void others_go_on(void)
{
	struct io_uring stuck, other;

	make_fifo();
	ring_init(&stuck, 16, 0);
	ring_init(&other, 8, 0);
	open_fifos(&stuck);
	works(&other);
	works(&stuck);
	int writer = (int)MUST(open("fifo", O_WRONLY | O_CLOEXEC));

	for (int i = 0; i < OPENS; i++)
		CHECK_OP(reap_any(&stuck).res, >=, 0);
	close(writer);
	io_uring_queue_exit(&other);
	io_uring_queue_exit(&stuck);
}

/* In one call with what waits for ever. */
static void in_the_same_call(void)
{
	struct io_uring ring;
	struct statx status;

	make_fifo();
	ring_init(&ring, 16, 0);
	for (int i = 0; i < OPENS; i++)
		open_fifo(&ring, (uint64_t)i);
	for (int i = 0; i < OPENS; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_statx(sqe, AT_FDCWD, "fifo", 0, STATX_MODE, &status);
		io_uring_sqe_set_data64(sqe, LATER);
	}
	submit(&ring, 2 * OPENS);
	for (int i = 0; i < OPENS; i++)
		REAP(&ring, LATER, 0);
	CHECK(S_ISFIFO(status.stx_mode));
	int writer = (int)MUST(open("fifo", O_WRONLY | O_CLOEXEC));

	for (int i = 0; i < OPENS; i++)
		CHECK_OP(reap_any(&ring).res, >=, 0);
	close(writer);
	io_uring_queue_exit(&ring);
}

static void gone_with_their_ring(void)
{
	struct io_uring ring, other;
	int threads = count_threads();

	make_fifo();
	for (int i = 0; i < 5; i++) {
		ring_init(&ring, 16, 0);
		open_fifos(&ring);
		usleep(i * 5000);
		io_uring_queue_exit(&ring);
	}
	ring_init(&other, 8, 0);
	works(&other);
	io_uring_queue_exit(&other);
	wait_for_threads(threads);
}

static void gone_with_their_ring_beside_another(void)
{
	struct io_uring ring, other;
	int threads = count_threads();

	make_fifo();
	ring_init(&other, 8, 0);
	ring_init(&ring, 16, 0);
	open_fifos(&ring);
	usleep(20000);
	io_uring_queue_exit(&ring);
	if (is_soft(&other))
		wait_for_threads(threads);
	works(&other);
	io_uring_queue_exit(&other);
}

/* Once all is complete, what it was done by has ended, also while the ring is open. */
static void nothing_lingers(void)
{
	static struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct io_uring ring;
	struct statx status;
	int threads = count_threads();

	ring_init(&ring, 8, 0);
	if (!is_soft(&ring))
		SKIP("the kernel's workers are its own");
	for (int i = 0; i < 10; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS);
		sqe->flags |= IOSQE_IO_LINK;
		sqe = sqe_get(&ring);
		io_uring_prep_statx(sqe, AT_FDCWD, ".", 0, STATX_MODE, &status);
		sqe->flags |= i & 1 ? IOSQE_ASYNC : 0;
		submit(&ring, 2);
		CHECK_EQ(reap_any(&ring).res, -ETIME);
		CHECK_EQ(reap_any(&ring).res, 0);
	}
	wait_for_threads(threads);
	/* A chain that never comes to it. */
	int fds[2];
	char byte;

	MUST(pipe(fds));
	struct io_uring_sqe *sqe = sqe_get(&ring);

	io_uring_prep_read(sqe, fds[0], &byte, 1, 0);
	sqe->flags |= IOSQE_IO_LINK;
	io_uring_prep_statx(sqe_get(&ring), AT_FDCWD, ".", 0, STATX_MODE, &status);
	submit(&ring, 2);
	CHECK_OP(count_threads(), >, threads);
	io_uring_prep_cancel(sqe_get(&ring), NULL, IORING_ASYNC_CANCEL_ANY);
	submit(&ring, 1);
	for (int i = 0; i < 3; i++)
		reap_any(&ring);
	wait_for_threads(threads);
	io_uring_queue_exit(&ring);
}

static void without_threads(void)
{
	static struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct rlimit none = { 0, 0 };
	struct io_uring ring;
	struct statx status;

	if (geteuid() == 0) {
		MUST(chmod(".", 0777));
		MUST(setgid(65534));
		MUST(setuid(65534));
	}
	make_fifo();
	ring_init(&ring, 16, 0);
	if (!is_soft(&ring))
		SKIP("the kernel cancels what it has no worker for");
	MUST(setrlimit(RLIMIT_NPROC, &none));
	for (int i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS);
		sqe->flags |= i & 1 ? IOSQE_IO_LINK : 0;
		sqe = sqe_get(&ring);
		io_uring_prep_statx(sqe, AT_FDCWD, "fifo", 0, STATX_MODE, &status);
		io_uring_sqe_set_data64(sqe, LATER);
		sqe->flags |= i & 2 ? IOSQE_ASYNC : 0;
		submit(&ring, 2);
		for (int j = 0; j < 2; j++) {
			struct result result = reap_any(&ring);

			CHECK_EQ(result.res, result.user_data == LATER ? 0 : -ETIME);
		}
	}
	open_fifo(&ring, 1);
	submit(&ring, 1);
	REAP(&ring, 1, -EAGAIN);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(PART(others_go_on), PART(in_the_same_call), PART(gone_with_their_ring),
	   PART(gone_with_their_ring_beside_another), PART(nothing_lingers), PART(without_threads))
