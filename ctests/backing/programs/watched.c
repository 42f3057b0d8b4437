/* A ring with a poll on a pipe that is empty until the end, entered for NOPs meanwhile. */
#include <liburing.h>
#include <stdio.h>
#include <unistd.h>

enum { POLL = 1, NOP = 2, ENTERS = 3200 };

static void submit(struct io_uring *ring, unsigned int wanted)
{
	if (io_uring_submit_and_wait(ring, wanted) != 1)
		_exit(1);
}

static void nop(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, NOP);
	submit(ring, 1);
}

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int ends[2], enters = 0;

	if (pipe(ends) || io_uring_queue_init(8, &ring, 0))
		return 1;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_poll_add(sqe, ends[0], 1 /* POLLIN */);
	io_uring_sqe_set_data64(sqe, POLL);
	submit(&ring, 0);
	for (int i = 0; i < ENTERS; i++) {
		nop(&ring);
		if (io_uring_peek_cqe(&ring, &cqe) || cqe->user_data != NOP)
			return 2;
		io_uring_cqe_seen(&ring, cqe);
	}
	if (write(ends[1], "x", 1) != 1)
		return 1;
	/* What waits for its file gets its turn although there is always something else. */
	for (unsigned long long which = NOP; which != POLL; enters++) {
		nop(&ring);
		if (io_uring_peek_cqe(&ring, &cqe) || enters > ENTERS)
			return 3;
		which = cqe->user_data;
		io_uring_cqe_seen(&ring, cqe);
	}
	printf("%d enters\n", enters);
	io_uring_queue_exit(&ring);
	return 0;
}
