/* A ring in a program that is linked with -static. */
#include <liburing.h>
#include <stdio.h>

#define ENTRIES 8

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int ret = io_uring_queue_init(ENTRIES, &ring, 0);

	if (ret) {
		printf("queue_init: %d\n", ret);
		return 1;
	}
	for (unsigned i = 0; i < 2 * ENTRIES; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, i);
		ret = io_uring_submit(&ring);
		if (ret != 1) {
			printf("submit: %d\n", ret);
			return 1;
		}
		ret = io_uring_wait_cqe(&ring, &cqe);
		if (ret || cqe->res || cqe->user_data != i) {
			printf("wait_cqe of request %u: %d\n", i, ret);
			return 1;
		}
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
