/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A child that shares its parent's memory closes the ring's descriptor, its own copy: the parent's ring goes on. */
#include "../../liburing/rings.h"
#include <sched.h>

static void a_child_by_vfork_closes_the_ring(void)
{
	struct io_uring ring;
	int pipes[2];
	char byte;

	ring_init(&ring, 8, 0);
	MUST(pipe(pipes));
	read_pending(&ring, pipes[0], &byte, 1);
	submit(&ring, 1);
	pid_t pid = vfork();

	if (pid == 0) {
		close(ring.ring_fd);
		_exit(PASS);
	}
	CHECK_EQ(exit_status(pid), PASS);
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	REAP(&ring, 1, 1);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* The same, with a ring's calls in the child. */
static int use_ring(void *ring)
{
	_exit(io_uring_get_events(ring) < 0 ? FAIL : PASS);
}

static void a_child_with_the_same_memory_enters_the_ring(void)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	struct io_uring ring;
	int pipes[2];
	char byte;

	ring_init(&ring, 8, 0);
	MUST(pipe(pipes));
	read_pending(&ring, pipes[0], &byte, 1);
	submit(&ring, 1);
	pid_t pid = (pid_t)MUST(clone(use_ring, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &ring));

	CHECK_EQ(exit_status(pid), PASS);
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	REAP(&ring, 1, 1);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_child_by_vfork_closes_the_ring),
	PART(a_child_with_the_same_memory_enters_the_ring),
)
