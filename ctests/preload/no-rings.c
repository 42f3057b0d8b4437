/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where a filter forbids io_uring, as in many containers: plain contexts are on rings in user space, or
 * the kernel's own where the user will have no rings but the kernel's.
 */
#include "preload.h"
#include "../liburing/forbid.h"
#include <linux/aio_abi.h>

MODES("auto", "native", "sqthread");

static void read_something(int expected)
{
	aio_context_t context = 0;
	char text[4] = "";
	int fds[2];

	MUST(pipe(fds));
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (unsigned int)fds[0],
		.aio_buf = (uintptr_t)text, .aio_nbytes = 3,
	}, *list[] = { &request };
	struct io_event event;

	CHECK_EQ(syscall(SYS_io_setup, 4, &context), 0);
	CHECK_EQ(count_rings(), expected);
	CHECK_EQ(syscall(SYS_io_submit, context, 1L, list), 1);
	CHECK_EQ(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL), 1);
	CHECK_EQ(event.res, 3);
	CHECK(strcmp(text, "abc") == 0);
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
	CHECK_ERRNO(syscall(SYS_io_destroy, context), EINVAL);
}

static void with_error(unsigned int error)
{
	forbid(SYS_io_uring_setup, error);
	read_something(rings_expected());
}

/* A mode that was asked for by name is not replaced by another. */
static void and_none_in_user_space(unsigned int error)
{
	aio_context_t context = 0;

	setenv("ANYRING_BACKING", "kernel", 1);
	forbid(SYS_io_uring_setup, error);
	if (strcmp(mode(), "sqthread") == 0)
		CHECK_ERRNO(syscall(SYS_io_setup, 4, &context), (int)error);
	else
		read_something(0);
}

static void not_permitted(void)
{
	with_error(EPERM);
}

static void not_there(void)
{
	with_error(ENOSYS);
}

static void only_the_kernels_not_permitted(void)
{
	and_none_in_user_space(EPERM);
}

static void only_the_kernels_not_there(void)
{
	and_none_in_user_space(ENOSYS);
}

TEST_PARTS_IN_MODES(
	PART(not_permitted),
	PART(not_there),
	PART(only_the_kernels_not_permitted),
	PART(only_the_kernels_not_there),
)
