/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What must be refused, with the documented -errno and nothing left behind. */
#include "rings.h"

static void numbers_of_entries(void)
{
	struct io_uring ring;
	struct io_uring_params clamp = { .flags = IORING_SETUP_CLAMP };
	struct io_uring_params cq = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 70000 };
	struct footprint before = ring_footprint();

	CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(0, &ring, 0)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(40000, &ring, 0)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(UINT32_MAX, &ring, 0)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_queue_init_params(8, &ring, &cq)), -EINVAL);
	cq = (struct io_uring_params){ .flags = IORING_SETUP_CQSIZE, .cq_entries = 4 };
	CHECK_EQ(io_uring_queue_init_params(8, &ring, &cq), -EINVAL);
	CHECK_FOOTPRINT(before);
	CHECK_EQ(ERRNO_KEPT(io_uring_queue_init_params(40000, &ring, &clamp)), 0);
	CHECK_EQ(clamp.sq_entries, 32768);
	CHECK_EQ(clamp.cq_entries, 65536);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	CHECK_EQ(io_uring_queue_init(32768, &ring, 0), 0);
	io_uring_queue_exit(&ring);
	CHECK_FOOTPRINT(before);
}

static void setup_flags(void)
{
	struct io_uring ring;
	struct io_uring_params p = { .flags = 1u << 31 };
	struct footprint before = ring_footprint();

	CHECK_EQ(ERRNO_KEPT(io_uring_queue_init(8, &ring, 1u << 31)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_queue_init_params(8, &ring, &p)), -EINVAL);
	CHECK_EQ(io_uring_queue_init(8, &ring, IORING_SETUP_DEFER_TASKRUN), -EINVAL);
	CHECK_EQ(io_uring_queue_init(8, &ring, IORING_SETUP_SQ_AFF), -EINVAL);
	p = (struct io_uring_params){ .resv = { 1 } };
	CHECK_EQ(io_uring_queue_init_params(8, &ring, &p), -EINVAL);
	CHECK_FOOTPRINT(before);
}

static void raw_calls(void)
{
	int file = temp_file(0);
	struct io_uring_params p = { 0 };
	void *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds = count_fds();

	CHECK_EQ(ERRNO_KEPT(io_uring_setup(0, &p)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_setup(8, NULL)), -EFAULT);
	CHECK_EQ(ERRNO_KEPT(io_uring_setup(8, (void *)8)), -EFAULT);
	CHECK_EQ(ERRNO_KEPT(io_uring_setup(8, constant)), -EFAULT);
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(ERRNO_KEPT(io_uring_enter(-1, 1, 0, 0, NULL)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_enter(file, 1, 0, 0, NULL)), -EOPNOTSUPP);
	CHECK_EQ(ERRNO_KEPT(io_uring_enter2(-1, 0, 0, 0, NULL, 0)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_enter(file, 0, 0, 1u << 30, NULL)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_register(9999, IORING_REGISTER_PROBE, &p, 0)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_register(file, IORING_REGISTER_PROBE, &p, 0)), -EOPNOTSUPP);
}

static void unknown_registrations(void)
{
	struct io_uring ring;
	struct io_uring_params p;

	ring_init(&ring, 8, 0);
	memset(&p, 0, sizeof(p));
	CHECK_EQ(ERRNO_KEPT(io_uring_register(ring.ring_fd, 1000, &p, 1)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_register(ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, &p, 0)), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* A ring whose descriptor was closed behind the library's back: every path says -EBADF. */
static void a_dead_ring(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(10);

	ring_init(&ring, 8, 0);
	close(ring.ring_fd);
	/* Rings in user space may not look at the descriptor of a call that finds SQEs: see ring-life.c. */
	CHECK_EQ(ERRNO_KEPT(io_uring_get_events(&ring)), -EBADF);
	nop(&ring, 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit(&ring)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait(&ring, 1)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL)), -EBADF);
	CHECK(cqe == NULL);
	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqe(&ring, &cqe)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqe_timeout(&ring, &cqe, &ts)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_wait_cqes(&ring, &cqe, 1, NULL, NULL)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_get_events(&ring)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_files_sparse(&ring, 1)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_ring_fd(&ring)), -EBADF);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_personality(&ring)), -EBADF);
	/* what could not be submitted stays */
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	io_uring_queue_exit(&ring);
}

static void a_full_sq(void)
{
	struct io_uring ring;

	ring_init(&ring, 4, 0);
	for (int round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < 4; i++)
			nop(&ring, i);
		CHECK(io_uring_get_sqe(&ring) == NULL);
		CHECK(io_uring_get_sqe(&ring) == NULL);
		CHECK_EQ(io_uring_sq_space_left(&ring), 0);
		CHECK_EQ(io_uring_sq_ready(&ring), 4);
		submit(&ring, 4);
		CHECK_EQ(io_uring_sq_space_left(&ring), 4);
		for (uint64_t i = 0; i < 4; i++)
			REAP(&ring, i, 0);
	}
	io_uring_queue_exit(&ring);
}

static void requests_with_bad_arguments(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	char byte;

	ring_init(&ring, 8, 0);
	io_uring_prep_read(sqe_get(&ring), -1, &byte, 1, 0);
	RUN_ONE(&ring, -EBADF);
	io_uring_prep_read(sqe_get(&ring), 0, (void *)8, 1, 0);
	submit(&ring, 1);
	CHECK_OP(reap_any(&ring).res, <, 1);
	io_uring_prep_openat(sqe_get(&ring), AT_FDCWD, "/no/such/file", O_RDONLY, 0);
	RUN_ONE(&ring, -ENOENT);
	io_uring_prep_openat(sqe_get(&ring), AT_FDCWD, NULL, O_RDONLY, 0);
	RUN_ONE(&ring, -EFAULT);
	sqe = nop(&ring, 1);
	sqe->flags = 0x80;
	RUN_ONE(&ring, -EINVAL);
	io_uring_prep_close(sqe_get(&ring), -1);
	RUN_ONE(&ring, -EBADF);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* NULL where the interface allows it: no time, no mask, no name, no tags. */
static void null_where_allowed(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = NULL;
	int fds[2];
	char byte = 0;

	socket_pair(fds, SOCK_STREAM);
	ring_init(&ring, 8, 0);
	nop(&ring, 1);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, NULL, NULL), 1);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, NULL, NULL), 0);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, NULL), 0);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_cqe_seen(&ring, NULL); /* nothing to mark */
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	io_uring_prep_accept(sqe_get(&ring), -1, NULL, NULL, 0);
	RUN_ONE(&ring, -EBADF);
	io_uring_prep_sendto(sqe_get(&ring), fds[0], "x", 1, 0, NULL, 0);
	RUN_ONE(&ring, 1);
	CHECK_EQ(read(fds[1], &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	io_uring_free_probe(NULL);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(numbers_of_entries),
	PART(setup_flags),
	PART(raw_calls),
	PART(unknown_registrations),
	PART(a_dead_ring),
	PART(a_full_sq),
	PART(requests_with_bad_arguments),
	PART(null_where_allowed),
)
