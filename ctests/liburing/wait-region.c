/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waiting with arguments that lie in a region registered with the ring. */
#include "rings.h"

#define REGION_SIZE 4096

/* A disabled ring, a page of wait arguments registered with it, then the ring enabled. */
static struct io_uring_reg_wait *ring_with_region(struct io_uring *ring, unsigned flags)
{
	struct io_uring_reg_wait *args = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_region_desc desc = {
		.user_addr = (uintptr_t)args,
		.size = REGION_SIZE,
		.flags = IORING_MEM_REGION_TYPE_USER,
	};
	struct io_uring_mem_region_reg reg = {
		.region_uptr = (uintptr_t)&desc,
		.flags = IORING_MEM_REGION_REG_WAIT_ARG,
	};

	CHECK(args != MAP_FAILED);
	ring_init(ring, 8, flags | IORING_SETUP_R_DISABLED);
	int ret = ERRNO_KEPT(io_uring_register_region(ring, &reg));

	if (ret == -EINVAL)
		SKIP("this kernel has no IORING_REGISTER_MEM_REGION");
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_enable_rings(ring), 0);
	return args;
}

static void set_time(struct io_uring_reg_wait *arg, int ms)
{
	arg->ts = ms_to_ts(ms);
	arg->flags = IORING_REG_WAIT_TS;
}

static void each_index_has_its_own_time(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct io_uring_reg_wait *args = ring_with_region(&ring, 0);

	set_time(&args[0], 10000);
	set_time(&args[1], 40);
	set_time(&args[62], 80);
	long long start = now_ms();

	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 1)), -ETIME);
	CHECK(cqe == NULL);
	CHECK_OP(now_ms() - start, >=, 39);
	start = now_ms();
	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 62), -ETIME);
	CHECK_OP(now_ms() - start, >=, 79);
	CHECK_OP(now_ms() - start, <, 2000);
	nop(&ring, 5);
	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), 1);
	CHECK_EQ(cqe->user_data, 5);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
}

static void min_wait_from_the_region(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct io_uring_reg_wait *args =
		ring_with_region(&ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	set_time(&args[2], 10000);
	args[2].min_wait_usec = 30000;
	nop(&ring, 1);
	read_pending(&ring, fds[0], &byte, 2);
	long long start = now_ms();

	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 2, 2), 2);
	CHECK_OP(now_ms() - start, >=, 29);
	CHECK_OP(now_ms() - start, <, 5000);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_queue_exit(&ring);
}

/* A page holds 64 arguments: index 64 lies outside, and the kernel says so. */
static void an_index_outside_is_refused(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct io_uring_reg_wait *args = ring_with_region(&ring, 0);

	set_time(&args[0], 10);
	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 64), -EFAULT);
	CHECK(cqe == NULL);
	io_uring_queue_exit(&ring);
}

static void without_a_region_it_is_refused(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;

	ring_init(&ring, 8, 0);
	CHECK_OP(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), <, 0);
	CHECK(cqe == NULL);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* The feature is looked at before anything is flushed: the request stays with the program. */
static void without_ext_arg_nothing_is_submitted(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;

	ring_with_region(&ring, 0);
	ring.features &= ~IORING_FEAT_EXT_ARG;
	nop(&ring, 1);
	unsigned ktail = *ring.sq.ktail;

	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0)), -EINVAL);
	CHECK_EQ(*ring.sq.ktail, ktail);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	io_uring_queue_exit(&ring);
}

static void register_wait_reg_is_einval(void)
{
	struct io_uring ring;
	struct io_uring_reg_wait arg = { 0 };

	ring_init(&ring, 8, IORING_SETUP_R_DISABLED);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_wait_reg(&ring, &arg, 1)), -EINVAL);
	io_uring_queue_exit(&ring);
}

static void a_child_waits_with_its_parents_region(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	struct io_uring_reg_wait *args = ring_with_region(&ring, 0);

	set_time(&args[3], 10);
	pid_t pid = fork_child();

	if (pid == 0) {
		CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 3), -ETIME);
		_exit(PASS);
	}
	CHECK_EQ(exit_status(pid), PASS);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(each_index_has_its_own_time),
	PART(min_wait_from_the_region),
	PART(an_index_outside_is_refused),
	PART(without_a_region_it_is_refused),
	PART(without_ext_arg_nothing_is_submitted),
	PART(register_wait_reg_is_einval),
	PART(a_child_waits_with_its_parents_region),
)
