/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ring's own descriptor: registered, closed, unregistered; everything goes on working. */
#include "rings.h"

static void register_and_unregister(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	CHECK_EQ(ring.enter_ring_fd, ring.ring_fd);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_ring_fd(&ring)), -EINVAL);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_ring_fd(&ring)), 1);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_ring_fd(&ring)), -EEXIST);
	CHECK_EQ(ring.enter_ring_fd, 0); /* the first free slot of this thread's table */
	CHECK_RING_WORKS(&ring);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_ring_fd(&ring)), 1);
	CHECK_EQ(ring.enter_ring_fd, ring.ring_fd);
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), -EINVAL);
	CHECK_RING_WORKS(&ring);
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	io_uring_queue_exit(&ring);
}

static void close_needs_a_registered_one(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_close_ring_fd(&ring)), -EINVAL);
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	unsigned features = ring.features;

	ring.features &= ~IORING_FEAT_REG_REG_RING;
	CHECK_EQ(ERRNO_KEPT(io_uring_close_ring_fd(&ring)), -EOPNOTSUPP);
	ring.features = features;
	int fd = ring.ring_fd;

	CHECK_EQ(ERRNO_KEPT(io_uring_close_ring_fd(&ring)), 1);
	CHECK_EQ(ring.ring_fd, -1);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	CHECK_EQ(ERRNO_KEPT(io_uring_close_ring_fd(&ring)), -EBADF);
	CHECK_EQ(io_uring_register_ring_fd(&ring), -EEXIST);
	io_uring_queue_exit(&ring);
}

static void use_waits(struct io_uring *ring)
{
	struct __kernel_timespec ts = ms_to_ts(10);
	struct io_uring_cqe *cqe = NULL;

	CHECK_RING_WORKS(ring);
	CHECK_EQ(io_uring_wait_cqe_timeout(ring, &cqe, &ts), -ETIME);
	nop(ring, 1);
	CHECK_EQ(io_uring_submit_and_wait_timeout(ring, &cqe, 1, &ts, NULL), 1);
	io_uring_cqe_seen(ring, cqe);
	nop(ring, 2);
	CHECK_EQ(io_uring_submit_and_wait(ring, 1), 1);
	REAP(ring, 2, 0);
	CHECK_EQ(io_uring_get_events(ring), 0);
	nop(ring, 3);
	CHECK_EQ(io_uring_submit_and_get_events(ring), 1);
	REAP(ring, 3, 0);
}

static void use_registrations(struct io_uring *ring)
{
	unsigned char buf[64];
	struct iovec iov = { buf, sizeof(buf) };
	unsigned workers[2] = { 0, 0 };
	int fd = temp_file(sizeof(buf)), err = 0;

	CHECK_EQ(io_uring_register_buffers(ring, &iov, 1), 0);
	CHECK_EQ(io_uring_register_files(ring, &fd, 1), 0);
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_read_fixed(sqe, 0, buf, sizeof(buf), 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	RUN_ONE(ring, (int)sizeof(buf));
	CHECK(has_pattern(buf, 0, sizeof(buf)));
	CHECK_EQ(io_uring_unregister_buffers(ring), 0);
	CHECK_EQ(io_uring_unregister_files(ring), 0);
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);

	CHECK(probe != NULL);
	CHECK(io_uring_opcode_supported(probe, IORING_OP_NOP));
	io_uring_free_probe(probe);
	CHECK_EQ(io_uring_register_iowq_max_workers(ring, workers), 0);
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(ring, 8, 1, 0, &err);

	CHECK(br != NULL);
	CHECK_EQ(io_uring_free_buf_ring(ring, br, 8, 1), 0);
	close(fd);
}

static void everything_works_with_the_fd_closed(void)
{
	static const unsigned flags[] = { 0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

	for (int i = 0; i < 2; i++) {
		struct io_uring ring;

		ring_init(&ring, 8, flags[i]);
		CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
		use_waits(&ring);
		use_registrations(&ring);
		CHECK_EQ(io_uring_close_ring_fd(&ring), 1);
		use_waits(&ring);
		use_registrations(&ring);
		io_uring_queue_exit(&ring);
	}
}

static void exit_gives_the_slot_back(void)
{
	struct footprint before = ring_footprint();

	/* the table has 16 slots: a leaked one would show */
	for (int i = 0; i < 100; i++) {
		struct io_uring ring;

		ring_init(&ring, 8, 0);
		CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
		if (i % 2)
			CHECK_EQ(io_uring_close_ring_fd(&ring), 1);
		CHECK_RING_WORKS(&ring);
		io_uring_queue_exit(&ring);
	}
	CHECK_FOOTPRINT(before);
}

static void unregister_after_close_does_not_touch_other_files(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	CHECK_EQ(io_uring_close_ring_fd(&ring), 1);
	/* They get the ring's number, among others. */
	int others[4];

	for (int i = 0; i < 4; i++)
		others[i] = (int)MUST(open("/dev/null", O_RDWR));
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), 1);
	for (int i = 0; i < 4; i++)
		MUST(fcntl(others[i], F_GETFD));
	/* nothing refers to the ring any more */
	nop(&ring, 1);
	CHECK_EQ(io_uring_submit(&ring), -EBADF);
	io_uring_queue_exit(&ring);
}

static void the_table_is_finite(void)
{
	struct io_uring rings[17];
	int ret = 1, nr = 0;

	for (; nr < 17 && ret == 1; nr++) {
		ring_init(&rings[nr], 2, 0);
		ret = io_uring_register_ring_fd(&rings[nr]);
	}
	CHECK_EQ(nr, 17);
	CHECK_EQ(ret, -EBUSY);
	CHECK_RING_WORKS(&rings[16]);
	for (int i = 0; i < nr; i++)
		io_uring_queue_exit(&rings[i]);
}

TEST_PARTS(
	PART(register_and_unregister),
	PART(close_needs_a_registered_one),
	PART(everything_works_with_the_fd_closed),
	PART(exit_gives_the_slot_back),
	PART(unregister_after_close_does_not_touch_other_files),
	PART(the_table_is_finite),
)
