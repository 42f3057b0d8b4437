/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define _GNU_SOURCE
/*
 * mixed: makes a ring of the kernel's that permits nothing to be registered, and tries to; again beside a ring in user
 * space; and then with a descriptor that is not open, and one of no ring. Says the errors.
 */
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int try_to_register(int fd)
{
	int ret = io_uring_register((unsigned int)fd, IORING_REGISTER_EVENTFD, &fd, 1);

	printf("%s\n", strerrorname_np(-ret));
	return ret;
}

int main(void)
{
	struct io_uring_restriction only_nops = { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP };
	struct io_uring kernels, soft;

	setenv("ANYRING_BACKING", "kernel", 1);
	if (io_uring_queue_init(4, &kernels, IORING_SETUP_R_DISABLED) ||
	    io_uring_register_restrictions(&kernels, &only_nops, 1) || io_uring_enable_rings(&kernels))
		return 1;
	try_to_register(kernels.ring_fd);
	setenv("ANYRING_BACKING", "soft", 1);
	if (io_uring_queue_init(4, &soft, 0))
		return 1;
	try_to_register(kernels.ring_fd);
	try_to_register(1 << 20);
	try_to_register(STDOUT_FILENO);
	return 0;
}
