/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program of libaio's as anyone would write it: reads its own first bytes. */
#include <libaio.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	io_context_t context = 0;
	struct iocb request, *list[] = { &request };
	struct io_event event;
	char text[4];
	int fd = open(argv[argc - 1], O_RDONLY);

	if (fd < 0 || io_setup(4, &context) < 0)
		return 1;
	io_prep_pread(&request, fd, text, sizeof(text), 0);
	if (io_submit(context, 1, list) != 1 || io_getevents(context, 1, 1, &event, NULL) != 1)
		return 1;
	if (event.res != 4 || memcmp(text, "\177ELF", 4) != 0)
		return 1;
	if (io_destroy(context) != 0)
		return 1;
	puts("read through aio");
	return 0;
}
