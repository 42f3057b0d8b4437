/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Operations that wait: for files, times, futexes, children, other rings. */
#include "inject.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { ENTRIES = 16 };
/* FUTEX2_SIZE_U32 | FUTEX2_PRIVATE, which older headers do not have. */
#define PRIVATE_U32 (2 | 128)

static void polls(void)
{
	struct io_uring ring;
	int fds[2];

	MUST(pipe(fds));
	if (open_ring(&ring, ENTRIES, 0)) {
		OP(&ring, POLLOUT, io_uring_prep_poll_add(sqe, fds[1], POLLOUT));
		io_uring_queue_exit(&ring);
	}
	close(fds[0]);
	close(fds[1]);
}

static void late_polls(void)
{
	struct io_uring ring;
	int fds[2];

	MUST(pipe(fds));
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_sqe *sqe = new_sqe(&ring);

		io_uring_prep_poll_multishot(sqe, fds[0], POLLIN);
		sqe->user_data = 1;
		submit_all(&ring);
		MUST(write(fds[1], "x", 1));
		struct completion cqe = take_cqe(&ring);

		RIGHT(cqe.res, POLLIN);
		if (cqe.flags & IORING_CQE_F_MORE) {
			io_uring_prep_poll_update(new_sqe(&ring), 1, 2, 0, IORING_POLL_UPDATE_USER_DATA);
			io_uring_prep_poll_remove(new_sqe(&ring), 2);
			submit_all(&ring);
			/* Two answers, and the poll's end unless it could be neither updated nor removed. */
			for (int ends = 0; ends < 2;) {
				cqe = take_cqe(&ring);
				HOLDS(cqe.res >= 0 || cqe.res == -ECANCELED || cqe.res == -EALREADY || has_failed());
				ends += cqe.user_data == 0;
			}
		}
		io_uring_queue_exit(&ring);
	}
	close(fds[0]);
	close(fds[1]);
}

static void timeouts(void)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 }, late = { .tv_sec = 1000 };
	struct io_uring ring;

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	OP(&ring, -ETIME, io_uring_prep_timeout(sqe, &soon, 0, 0));
	struct io_uring_sqe *sqe = new_sqe(&ring);

	io_uring_prep_timeout(sqe, &late, 0, 0);
	sqe->user_data = 5;
	submit_all(&ring);
	io_uring_prep_timeout_update(new_sqe(&ring), &soon, 5, 0);
	submit_all(&ring);
	int left = 2;

	/* Where the first was refused, so is the change. */
	while (left-- > 0) {
		struct completion cqe = take_cqe(&ring);

		if (cqe.user_data == 0 && cqe.res < 0)
			break;
	}
	if (left >= 0) {
		sqe = new_sqe(&ring);
		io_uring_prep_timeout_remove(sqe, 5, 0);
		submit_all(&ring);
		take_cqe(&ring);
	}
	io_uring_queue_exit(&ring);
}

static void link_timeouts(void)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_sqe *sqe = new_sqe(&ring);

		io_uring_prep_read(sqe, fds[0], &byte, 1, 0);
		sqe->flags |= IOSQE_IO_LINK;
		io_uring_prep_link_timeout(new_sqe(&ring), &soon, 0);
		submit_all(&ring);
		for (int i = 0; i < 2; i++)
			HOLDS(take_cqe(&ring).res < 0);
		io_uring_queue_exit(&ring);
	}
	close(fds[0]);
	close(fds[1]);
}

static void cancels_with(unsigned sqe_flags)
{
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	if (open_ring(&ring, ENTRIES, 0)) {
		struct io_uring_sqe *sqe = new_sqe(&ring);
		int reads = 1, res = -EALREADY;

		io_uring_prep_read(sqe, fds[0], &byte, 1, 0);
		sqe->user_data = 9;
		sqe->flags |= sqe_flags;
		submit_all(&ring);
		/* A cancellation may fail for want of something: then it is tried again. */
		for (int i = 0; i < 3 && reads; i++) {
			io_uring_prep_cancel64(new_sqe(&ring), 9, 0);
			submit_all(&ring);
			struct completion cqe = take_cqe(&ring);

			if (cqe.user_data == 9) {
				reads--;
				cqe = take_cqe(&ring);
			}
			res = cqe.res;
			if (res == 0 || res == -EALREADY || res == -ENOENT)
				break;
			HOLDS(has_failed());
		}
		if (reads && (res == 0 || res == -EALREADY))
			HOLDS(take_cqe(&ring).res < 0);
		io_uring_queue_exit(&ring);
	}
	close(fds[0]);
	close(fds[1]);
}

static void cancels(void)
{
	cancels_with(0);
}

static void cancels_of_workers(void)
{
	cancels_with(IOSQE_ASYNC);
}

static void *wake_futex(void *word)
{
	/* Until the library has come to wait and has gone. */
	while (atomic_load((atomic_uint *)word) != 2) {
		syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX);
		usleep(200);
	}
	return NULL;
}

static void futexes(void)
{
	static atomic_uint word;
	struct io_uring ring;
	struct futex_waitv vector = { .uaddr = (uintptr_t)&word, .val = 0, .flags = PRIVATE_U32 };
	pthread_t thread;

	atomic_store(&word, 0);
	if (!open_ring(&ring, ENTRIES, 0))
		return;
	OP(&ring, 0, io_uring_prep_futex_wake(sqe, (uint32_t *)&word, 1, FUTEX_BITSET_MATCH_ANY, PRIVATE_U32, 0));
	OP(&ring, -EAGAIN, io_uring_prep_futex_wait(sqe, (uint32_t *)&word, 1, FUTEX_BITSET_MATCH_ANY, PRIVATE_U32, 0));
	HOLDS(pthread_create(&thread, NULL, wake_futex, &word) == 0);
	OP(&ring, 0, io_uring_prep_futex_wait(sqe, (uint32_t *)&word, 0, FUTEX_BITSET_MATCH_ANY, PRIVATE_U32, 0));
	OP(&ring, 0, io_uring_prep_futex_waitv(sqe, &vector, 1, 0));
	atomic_store(&word, 2);
	pthread_join(thread, NULL);
	io_uring_queue_exit(&ring);
}

static void children(void)
{
	struct io_uring ring;
	siginfo_t info = { 0 };

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		_exit(3);
	if (OP(&ring, 0, io_uring_prep_waitid(sqe, P_PID, (id_t)pid, &info, WEXITED, 0)) == 0)
		HOLDS(info.si_status == 3);
	else
		waitpid(pid, NULL, 0);
	io_uring_queue_exit(&ring);
}

static void epolls(void)
{
	struct io_uring ring;
	struct epoll_event event = { .events = EPOLLIN }, found[1];
	int fds[2], epoll = (int)MUST(epoll_create1(0));

	MUST(pipe(fds));
	MUST(write(fds[1], "x", 1));
	if (open_ring(&ring, ENTRIES, 0)) {
		if (OP(&ring, 0, io_uring_prep_epoll_ctl(sqe, epoll, fds[0], EPOLL_CTL_ADD, &event)) == 0)
			OP(&ring, 1, io_uring_prep_epoll_wait(sqe, epoll, found, 1, 0));
		io_uring_queue_exit(&ring);
	}
	close(epoll);
	close(fds[0]);
	close(fds[1]);
}

static void ring_messages(void)
{
	struct io_uring ring, other;
	int fd = 0, slots[2] = { -1, -1 };

	if (!open_ring(&ring, ENTRIES, 0))
		return;
	if (open_ring(&other, ENTRIES, 0)) {
		if (OP(&ring, 0, io_uring_prep_msg_ring(sqe, other.ring_fd, 11, 12, 0)) == 0)
			RIGHT(take_cqe(&other).res, 11);
		if (RIGHT(io_uring_register_files(&ring, &fd, 1), 0) &&
		    RIGHT(io_uring_register_files(&other, slots, 2), 0) &&
		    OP(&ring, 0, io_uring_prep_msg_ring_fd_alloc(sqe, other.ring_fd, 0, 13, 0)) == 0)
			HOLDS(take_cqe(&other).user_data == 13);
		io_uring_queue_exit(&other);
	}
	io_uring_queue_exit(&ring);
}

/* Requests of 128 bytes, which not every kernel has. */
static void mixed_sizes(void)
{
	struct io_uring ring;
	struct io_uring_probe *probe;

	if (io_uring_queue_init(ENTRIES, &ring, IORING_SETUP_SQE_MIXED) < 0)
		return;
	probe = io_uring_get_probe_ring(&ring);
	if (probe && io_uring_opcode_supported(probe, IORING_OP_NOP128)) {
		io_uring_prep_nop128(io_uring_get_sqe128(&ring));
		note_opcode(IORING_OP_NOP128);
		RIGHT(run_one(&ring), 0);
		io_uring_prep_uring_cmd128(io_uring_get_sqe128(&ring), 0, 0);
		note_opcode(IORING_OP_URING_CMD128);
		HOLDS(run_one(&ring) < 0);
	}
	io_uring_free_probe(probe);
	io_uring_queue_exit(&ring);
}

const struct scenario event_scenarios[] = {
	SCENARIO(polls), SCENARIO(late_polls), SCENARIO(timeouts), SCENARIO(link_timeouts), SCENARIO(cancels),
	SCENARIO(cancels_of_workers), SCENARIO(futexes), SCENARIO(children), SCENARIO(epolls), SCENARIO(ring_messages),
	SCENARIO(mixed_sizes), SCENARIOS_END,
};
