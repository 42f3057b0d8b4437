/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * both [FILE [write]]: opens a file, if there is one, to read and write or to write only, then makes a ring of
 * liburing's and a context of libaio's.
 */
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct io_uring ring;
	io_context_t context = NULL;
	int flags = argc > 2 ? O_WRONLY | O_CLOEXEC : O_RDWR;
	int fd = argc > 1 ? open(argv[1], flags | O_CREAT, 0600) : -1;
	int made = io_uring_queue_init(8, &ring, 0), set_up = io_setup(8, &context);

	printf("%d %d %d\n", fd, made, set_up);
	return made || set_up;
}
