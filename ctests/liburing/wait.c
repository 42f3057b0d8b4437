/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waiting without a timeout: what each call returns and leaves in cqe, in every kind of ring. */
#include "rings.h"

static const unsigned ring_kinds[] = {
	0,
	IORING_SETUP_COOP_TASKRUN,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_NO_SQARRAY,
	IORING_SETUP_CQE32,
	IORING_SETUP_SQE128,
};

#define EVERY_KIND(body) do {                                                   \
	for (size_t k = 0; k < sizeof(ring_kinds) / sizeof(ring_kinds[0]); k++) { \
		struct io_uring ring;                                           \
		ring_init(&ring, 8, ring_kinds[k]);                             \
		body(&ring);                                                    \
		io_uring_queue_exit(&ring);                                     \
	}                                                                       \
} while (0)

static void submit_counts(struct io_uring *ring)
{
	CHECK_EQ(ERRNO_KEPT(io_uring_submit(ring)), 0);
	nop(ring, 1);
	nop(ring, 2);
	nop(ring, 3);
	CHECK_EQ(io_uring_sq_ready(ring), 3);
	CHECK_EQ(io_uring_sq_space_left(ring), 5);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit(ring)), 3);
	CHECK_EQ(io_uring_sq_ready(ring), 0);
	REAP(ring, 1, 0);
	REAP(ring, 2, 0);
	REAP(ring, 3, 0);
	CHECK_EQ(io_uring_submit(ring), 0);
}

static void submit_returns_the_count(void)
{
	EVERY_KIND(submit_counts);
}

static void submit_and_wait_kind(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;

	nop(ring, 1);
	nop(ring, 2);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait(ring, 2)), 2);
	CHECK_EQ(io_uring_cq_ready(ring), 2);
	/* both are there: nothing to submit and nothing to wait for */
	CHECK_EQ(io_uring_submit_and_wait(ring, 2), 0);
	CHECK_EQ(io_uring_wait_cqe_nr(ring, &cqe, 2), 0);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_cq_advance(ring, 1);
	REAP(ring, 2, 0);
	CHECK_EQ(io_uring_cq_ready(ring), 0);
}

static void submit_and_wait(void)
{
	EVERY_KIND(submit_and_wait_kind);
}

static void wait_for_later_kind(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;
	long long start = now_ms();

	delayed(ring, 30, 5);
	submit(ring, 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqe(ring, &cqe)), 0);
	CHECK_OP(now_ms() - start, >=, 29);
	CHECK_EQ(cqe->user_data, 5);
	CHECK_EQ(cqe->res, 8);
	io_uring_cqe_seen(ring, cqe);
}

static void wait_cqe_sleeps_until_one_comes(void)
{
	EVERY_KIND(wait_for_later_kind);
}

static void wait_nr_kind(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;

	delayed(ring, 30, 2);
	delayed(ring, 10, 1);
	submit(ring, 2);
	CHECK_EQ(io_uring_wait_cqe_nr(ring, &cqe, 2), 0);
	CHECK_EQ(io_uring_cq_ready(ring), 2);
	CHECK_EQ(cqe->user_data, 1);
	/* without a timeout or a mask, wait_cqes is the same wait */
	CHECK_EQ(io_uring_wait_cqes(ring, &cqe, 2, NULL, NULL), 0);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_cq_advance(ring, 1);
	REAP(ring, 2, 8);
}

static void wait_nr(void)
{
	EVERY_KIND(wait_nr_kind);
}

static void empty_kind(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = (void *)1;

	CHECK_EQ(ERRNO_KEPT(io_uring_peek_cqe(ring, &cqe)), -EAGAIN);
	CHECK(cqe == NULL);
	cqe = (void *)1;
	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqe_nr(ring, &cqe, 0)), -EAGAIN);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_peek_batch_cqe(ring, &cqe, 1), 0);
	CHECK_EQ(io_uring_cq_ready(ring), 0);
}

static void an_empty_ring_says_eagain(void)
{
	EVERY_KIND(empty_kind);
}

static void peek_kind(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;

	nop(ring, 9);
	/* peeking submits nothing */
	CHECK_EQ(io_uring_peek_cqe(ring, &cqe), -EAGAIN);
	CHECK_EQ(io_uring_sq_ready(ring), 1);
	CHECK_EQ(io_uring_submit_and_get_events(ring), 1);
	CHECK_EQ(io_uring_peek_cqe(ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 9);
	/* and consumes nothing */
	CHECK_EQ(io_uring_peek_cqe(ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 9);
	io_uring_cqe_seen(ring, cqe);
	CHECK_EQ(io_uring_peek_cqe(ring, &cqe), -EAGAIN);
}

static void peek(void)
{
	EVERY_KIND(peek_kind);
}

/* The completion of a DEFER_TASKRUN ring is only posted inside enter: peek must go there. */
static void peek_runs_deferred_work(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	int fds[2];
	char byte = 0;

	MUST(pipe(fds));
	ring_init(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			    IORING_SETUP_TASKRUN_FLAG);
	read_pending(&ring, fds[0], &byte, 3);
	submit(&ring, 1);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 3);
	CHECK_EQ(cqe->res, 1);
	io_uring_queue_exit(&ring);
}

static void get_events_runs_deferred_work(void)
{
	struct io_uring ring;
	int fds[2];
	char byte = 0;

	MUST(pipe(fds));
	ring_init(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	read_pending(&ring, fds[0], &byte, 3);
	submit(&ring, 1);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_get_events(&ring)), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 1);
	REAP(&ring, 3, 1);
	io_uring_queue_exit(&ring);
}

/* What the raw call with count 0 returned is what a program without the wrapper would see. */
static void submit_and_wait_for_more_than_are_coming_needs_them_all(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	delayed(&ring, 20, 2);
	long long start = now_ms();

	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	CHECK_OP(now_ms() - start, >=, 19);
	REAP(&ring, 1, 0);
	REAP(&ring, 2, 8);
	io_uring_queue_exit(&ring);
}

/* An SQE that the kernel refuses outright stops the submission; the rest stays for the next one. */
static void leftovers_go_again(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	sqe_get(&ring)->opcode = 0xff;
	nop(&ring, 3);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	REAP(&ring, 1, 0);
	CHECK_EQ(reap_any(&ring).res, -EINVAL);
	REAP(&ring, 3, 0);
	io_uring_queue_exit(&ring);
}

/* IORING_SQ_TASKRUN says that entering the ring has something to do: not after that was done. */
static void nothing_is_left_to_run(void)
{
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init_or_skip(&ring, 8, IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, "IORING_SETUP_TASKRUN_FLAG");
	read_pending(&ring, fds[0], &byte, 1);
	submit(&ring, 1);
	CHECK_EQ(write(fds[1], "1", 1), 1);
	CHECK_EQ(io_uring_enter(ring.ring_fd, 0, 1, IORING_ENTER_GETEVENTS, NULL), 0);
	REAP(&ring, 1, 1);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	CHECK_EQ(IO_URING_READ_ONCE(*ring.sq.kflags) & IORING_SQ_TASKRUN, 0);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(submit_returns_the_count),
	PART(submit_and_wait),
	PART(wait_cqe_sleeps_until_one_comes),
	PART(wait_nr),
	PART(an_empty_ring_says_eagain),
	PART(peek),
	PART(peek_runs_deferred_work),
	PART(get_events_runs_deferred_work),
	PART(submit_and_wait_for_more_than_are_coming_needs_them_all),
	PART(leftovers_go_again),
	PART(nothing_is_left_to_run),
)
