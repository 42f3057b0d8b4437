/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What cancels a request that a worker is about to hand back: none is lost, and nothing of it stays open. */
#include "rings.h"

enum { ROUNDS = 2000, BATCH = 8, CANCELS = 100 };

static char bytes[BATCH][8];

/* Linux 6.18 loses one now and then itself. A ring of its own for each round has new workers. */
static void soft_ring(struct io_uring *ring)
{
	ring_init(ring, 32, 0);
	if (!is_soft(ring))
		SKIP("the kernel's workers lose some");
}

/* Takes `nr` completions, as many as there are requests. One that does not come hangs the test. */
static void reap_all(struct io_uring *ring, int nr, void (*check)(struct result))
{
	for (int i = 0; i < nr; i++)
		check(reap_any(ring));
}

static void is_cancelled(struct result result)
{
	if (result.user_data >= CANCELS)
		CHECK(result.res >= 0 || result.res == -EALREADY);
	else
		CHECK(result.res == -ECANCELED || result.res == -EINTR);
}

static void prep_read(struct io_uring_sqe *sqe, int fd, int i)
{
	io_uring_prep_read(sqe, fd, bytes[i], sizeof(bytes[i]), 0);
}

static void prep_accept(struct io_uring_sqe *sqe, int fd, int i)
{
	(void)i;
	io_uring_prep_accept(sqe, fd, NULL, NULL, 0);
}

static void submit_async(struct io_uring *ring, int fd, void (*prep)(struct io_uring_sqe *, int, int))
{
	for (int i = 0; i < BATCH; i++) {
		struct io_uring_sqe *sqe = sqe_get(ring);

		prep(sqe, fd, i);
		sqe->flags |= IOSQE_ASYNC;
		io_uring_sqe_set_data64(sqe, (uint64_t)i);
	}
	submit(ring, BATCH);
}

static void prep_waitid(struct io_uring_sqe *sqe, int fd, int i)
{
	static siginfo_t infos[BATCH];

	(void)fd;
	io_uring_prep_waitid(sqe, P_ALL, 0, &infos[i], WEXITED, 0);
}

/* Cancels each at once, `ROUNDS` times. */
static void cancel_again_and_again(int fd, void (*prep)(struct io_uring_sqe *, int, int))
{
	for (int round = 0; round < ROUNDS; round++) {
		struct io_uring ring;

		soft_ring(&ring);
		submit_async(&ring, fd, prep);
		for (int i = 0; i < BATCH; i++) {
			struct io_uring_sqe *sqe = sqe_get(&ring);

			io_uring_prep_cancel64(sqe, (uint64_t)i, 0);
			io_uring_sqe_set_data64(sqe, (uint64_t)(CANCELS + i));
		}
		submit(&ring, BATCH);
		reap_all(&ring, 2 * BATCH, is_cancelled);
		io_uring_queue_exit(&ring);
	}
}

static void reads_of_a_pipe_end(void)
{
	int fds[2];

	MUST(pipe(fds));
	cancel_again_and_again(fds[0], prep_read);
}

static void accepts_end(void)
{
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(listen(fd, 1));
	cancel_again_and_again(fd, prep_accept);
}

/* The system call itself waits there. */
static void waits_for_children_end(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		for (;;)
			pause();
	}
	cancel_again_and_again(-1, prep_waitid);
	MUST(kill(pid, SIGKILL));
}

static void is_timed_out(struct result result)
{
	if (result.user_data < CANCELS)
		CHECK(result.res == -ECANCELED || result.res == -EINTR);
}

/* A link timeout that passes while a worker has the read ends it as well. */
static void link_timeouts_end_reads(void)
{
	struct io_uring ring;
	int fds[2];

	MUST(pipe(fds));
	soft_ring(&ring);
	for (int round = 0; round < ROUNDS; round++) {
		struct __kernel_timespec time = { .tv_nsec = round % 50 * 1000 };

		for (int i = 0; i < BATCH; i++) {
			struct io_uring_sqe *sqe = sqe_get(&ring);

			prep_read(sqe, fds[0], i);
			sqe->flags |= IOSQE_ASYNC | IOSQE_IO_LINK;
			io_uring_sqe_set_data64(sqe, (uint64_t)i);
			sqe = sqe_get(&ring);
			io_uring_prep_link_timeout(sqe, &time, 0);
			io_uring_sqe_set_data64(sqe, (uint64_t)(CANCELS + i));
		}
		submit(&ring, 2 * BATCH);
		reap_all(&ring, 2 * BATCH, is_timed_out);
	}
	io_uring_queue_exit(&ring);
}

/* A ring that is closed meanwhile gives up what holds its requests' files. */
static void closed_rings_leave_nothing_open(void)
{
	int fds[2], before;

	MUST(pipe(fds));
	signal(SIGPIPE, SIG_IGN);
	before = count_fds();
	for (int round = 0; round < ROUNDS; round++) {
		struct io_uring ring;

		ring_init(&ring, 32, 0);
		submit_async(&ring, fds[0], prep_read);
		io_uring_queue_exit(&ring);
	}
	for (int i = 0; i < 1000 && count_fds() != before; i++)
		usleep(10000);
	CHECK_EQ(count_fds(), before);
	close(fds[0]);
	/* The kernel closes rings late. */
	for (int i = 0; i < 1000 && write(fds[1], "x", 1) == 1; i++)
		usleep(10000);
	CHECK_EQ(write(fds[1], "x", 1), -1);
	CHECK_EQ(errno, EPIPE);
}

TEST_PARTS(
	PART(reads_of_a_pipe_end),
	PART(accepts_end),
	PART(waits_for_children_end),
	PART(link_timeouts_end_reads),
	PART(closed_rings_leave_nothing_open),
)
