/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs that make io_uring's calls through syscall(): a ring of their own making works. */
#include "preload.h"
#include <linux/io_uring.h>
#include <sys/mman.h>

MODES(NULL, "auto");

static char *mapped(int fd, size_t size, off_t offset)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static unsigned int *field(char *ring, unsigned int offset)
{
	return (unsigned int *)(void *)(ring + offset);
}

static void nops(void)
{
	enum { NOPS = 3 };
	struct io_uring_params params = { 0 };
	int fd = (int)MUST(syscall(SYS_io_uring_setup, GARBAGE(8), &params));
	char *sq = mapped(fd, params.sq_off.array + params.sq_entries * 4, IORING_OFF_SQ_RING);
	char *cq = mapped(fd, params.cq_off.cqes + params.cq_entries * 16, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqes = (void *)mapped(fd, params.sq_entries * sizeof(*sqes), IORING_OFF_SQES);
	struct io_uring_cqe *cqes = (void *)(cq + params.cq_off.cqes);

	for (unsigned int i = 0; i < NOPS; i++) {
		sqes[i] = (struct io_uring_sqe) { .opcode = IORING_OP_NOP, .user_data = 100 + i };
		field(sq, params.sq_off.array)[i] = i;
	}
	__atomic_store_n(field(sq, params.sq_off.tail), NOPS, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, GARBAGE(fd), GARBAGE(NOPS), GARBAGE(NOPS),
			 GARBAGE(IORING_ENTER_GETEVENTS), NULL, 0L), NOPS);
	CHECK_EQ(__atomic_load_n(field(cq, params.cq_off.tail), __ATOMIC_ACQUIRE), NOPS);
	for (unsigned int i = 0; i < NOPS; i++)
		CHECK_EQ(cqes[i].user_data, 100 + i);
}

static void registered(void)
{
	struct io_uring_params params = { 0 };
	int fd = (int)MUST(syscall(SYS_io_uring_setup, 4, &params));
	int files[] = { 0, 1 };

	CHECK_EQ(syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES, files, GARBAGE(2)), 0);
	CHECK_ERRNO(syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES, files, 2), EBUSY);
	CHECK_EQ(syscall(SYS_io_uring_register, fd, IORING_UNREGISTER_FILES, NULL, 0), 0);
}

static void errors(void)
{
	struct io_uring_params params = { .flags = ~0u };

	CHECK_ERRNO(syscall(SYS_io_uring_setup, 8, &params), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 8, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0L), EBADF);
	CHECK_ERRNO(syscall(SYS_io_uring_register, -2, IORING_REGISTER_FILES, NULL, 0), EBADF);
}

TEST_RING_PARTS_IN_MODES(PART(nops), PART(registered), PART(errors))
