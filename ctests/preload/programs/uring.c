/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program of liburing's as anyone would write it: reads its own first bytes. */
#include <liburing.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	char text[4];
	int fd = open(argv[argc - 1], O_RDONLY);

	if (fd < 0 || io_uring_queue_init(4, &ring, 0) < 0)
		return 1;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_read(sqe, fd, text, sizeof(text), 0);
	if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res != 4)
		return 1;
	if (memcmp(text, "\177ELF", 4) != 0)
		return 1;
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
	puts("read through io_uring");
	return 0;
}
