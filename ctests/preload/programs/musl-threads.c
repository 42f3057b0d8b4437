/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * close() of a file in a thread that is to be cancelled, which closes it or is cancelled there; then a read with the
 * calls of aio. Prints what happened.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *closes(void *fd)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cancel(pthread_self());
	if (close(*(int *)fd) == 0)
		printf("closed ");
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	close(-1);
	printf("not ");
	return NULL;
}

static int read_by_aio(void)
{
	aio_context_t context = 0;
	char bytes[4] = "";
	int fd = open("/proc/self/exe", O_RDONLY);
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (unsigned int)fd,
				.aio_buf = (uintptr_t)bytes, .aio_nbytes = 4 }, *list[] = { &request };
	struct io_event event = { 0 };

	if (syscall(SYS_io_setup, 4, &context) || syscall(SYS_io_submit, context, 1L, list) != 1 ||
	    syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) != 1 || syscall(SYS_io_destroy, context))
		return -1;
	return event.res == 4 && bytes[1] == 'E' ? 0 : -1;
}

int main(void)
{
	pthread_t thread;
	void *result = NULL;
	int fd = open("/dev/null", O_RDONLY);

	if (pthread_create(&thread, NULL, closes, &fd) || pthread_join(thread, &result))
		return 1;
	printf("%s ", result == PTHREAD_CANCELED ? "cancelled" : "ended");
	puts(read_by_aio() ? "no events" : "read");
	return 0;
}
