/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* NOPs that have a file or a buffer, and those that complete later: flags that liburing.h does not name. */
#include "rings.h"

enum { NOP_FILE = 1 << 1, NOP_FIXED_FILE = 1 << 2, NOP_FIXED_BUFFER = 1 << 3, NOP_LATER = 1 << 4 };

static struct io_uring_sqe *nop_with(struct io_uring *ring, uint64_t user_data, unsigned flags, int fd)
{
	struct io_uring_sqe *sqe = nop(ring, user_data);

	sqe->nop_flags = flags;
	sqe->fd = fd;
	return sqe;
}

static void skip_without(struct io_uring *ring)
{
	nop_with(ring, 0, NOP_LATER, 0);
	submit(ring, 1);
	if (reap_any(ring).res == -EINVAL && !is_soft(ring))
		SKIP("this kernel has no such NOPs");
}

static void a_file(void)
{
	struct io_uring ring;
	int fd = (int)MUST(dup(0));

	ring_init(&ring, 8, 0);
	skip_without(&ring);
	CHECK_EQ(io_uring_register_files(&ring, &fd, 1), 0);
	nop_with(&ring, 0, NOP_FILE, fd);
	RUN_ONE(&ring, 0);
	nop_with(&ring, 0, NOP_FILE, 4000);
	RUN_ONE(&ring, -EBADF);
	nop_with(&ring, 0, NOP_FILE, -1);
	RUN_ONE(&ring, -EBADF);
	nop_with(&ring, 0, NOP_FILE | NOP_FIXED_FILE, 0);
	RUN_ONE(&ring, 0);
	nop_with(&ring, 0, NOP_FILE | NOP_FIXED_FILE, 1);
	RUN_ONE(&ring, -EBADF);
	io_uring_sqe_set_flags(nop_with(&ring, 0, NOP_FILE, 0), IOSQE_FIXED_FILE);
	RUN_ONE(&ring, 0);
	nop_with(&ring, 0, NOP_FILE | IORING_NOP_INJECT_RESULT, 0)->len = 7;
	RUN_ONE(&ring, 7);
	/* alone it says nothing */
	nop_with(&ring, 0, NOP_FIXED_FILE, 99);
	RUN_ONE(&ring, 0);
	io_uring_queue_exit(&ring);
}

static void a_buffer(void)
{
	struct io_uring ring;
	static char memory[64];
	struct iovec vector = { memory, sizeof(memory) };

	ring_init(&ring, 8, 0);
	skip_without(&ring);
	nop_with(&ring, 0, NOP_FIXED_BUFFER, 0);
	RUN_ONE(&ring, -EFAULT);
	CHECK_EQ(io_uring_register_buffers(&ring, &vector, 1), 0);
	nop_with(&ring, 0, NOP_FIXED_BUFFER, 0);
	RUN_ONE(&ring, 0);
	nop_with(&ring, 0, NOP_FIXED_BUFFER, 0)->buf_index = 1;
	RUN_ONE(&ring, -EFAULT);
	io_uring_queue_exit(&ring);
}

static void later(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	skip_without(&ring);
	io_uring_sqe_set_flags(nop_with(&ring, 1, NOP_LATER, 0), IOSQE_IO_LINK);
	nop(&ring, 2);
	submit(&ring, 2);
	REAP(&ring, 1, 0);
	REAP(&ring, 2, 0);
	nop_with(&ring, 1, NOP_LATER | IORING_NOP_INJECT_RESULT, 0)->len = 9;
	nop(&ring, 2);
	submit(&ring, 2);
	REAP(&ring, 2, 0);
	REAP(&ring, 1, 9);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_file),
	PART(a_buffer),
	PART(later),
)
