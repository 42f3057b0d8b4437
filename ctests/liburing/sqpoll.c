/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Submission by the kernel's thread (IORING_SETUP_SQPOLL), and rings that share it. */
#include "rings.h"
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>

static void ring_sqpoll(struct io_uring *ring, unsigned entries, unsigned idle_ms)
{
	struct io_uring_params p = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = idle_ms };
	int ret = io_uring_queue_init_params(entries, ring, &p);

	if (ret == -EPERM)
		SKIP("no permission for IORING_SETUP_SQPOLL");
	CHECK_EQ(ret, 0);
}

static bool asks_for_wakeup(struct io_uring *ring)
{
	return IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_NEED_WAKEUP;
}

static void wait_until_it_sleeps(struct io_uring *ring)
{
	for (int i = 0; i < 2000 && !asks_for_wakeup(ring); i++)
		usleep(1000);
	CHECK(asks_for_wakeup(ring));
}

static void the_thread_submits(void)
{
	struct io_uring ring;

	ring_sqpoll(&ring, 8, 2000);
	for (uint64_t round = 0; round < 50; round++) {
		nop(&ring, round);
		nop(&ring, round + 1);
		submit(&ring, 2);
		REAP(&ring, round, 0);
		REAP(&ring, round + 1, 0);
	}
	io_uring_queue_exit(&ring);
}

/* A thread that sleeps has to be woken by submit; else the wait below would not end. */
static void submit_wakes_a_sleeping_thread(void)
{
	struct io_uring ring;

	ring_sqpoll(&ring, 8, 5);
	for (uint64_t i = 0; i < 3; i++) {
		wait_until_it_sleeps(&ring);
		nop(&ring, i);
		submit(&ring, 1);
		REAP(&ring, i, 0);
	}
	wait_until_it_sleeps(&ring);
	nop(&ring, 9);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	REAP(&ring, 9, 0);
	io_uring_queue_exit(&ring);
}

static void sqring_wait_finds_room(void)
{
	struct io_uring ring;

	ring_sqpoll(&ring, 4, 5);
	CHECK_EQ(ERRNO_KEPT(io_uring_sqring_wait(&ring)), 0);
	for (int round = 0; round < 20; round++) {
		struct io_uring_sqe *sqe;

		while ((sqe = io_uring_get_sqe(&ring)) != NULL)
			io_uring_prep_nop(sqe);
		CHECK_OP(io_uring_submit(&ring), >, 0);
		CHECK_OP(ERRNO_KEPT(io_uring_sqring_wait(&ring)), >=, 0);
		CHECK_OP(io_uring_sq_space_left(&ring), >, 0);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(reap_any(&ring).res, 0);
	}
	io_uring_queue_exit(&ring);
}

static void without_a_thread_sqring_wait_is_zero(void)
{
	struct io_uring ring;

	ring_init(&ring, 2, 0);
	nop(&ring, 1);
	nop(&ring, 2);
	CHECK_EQ(ERRNO_KEPT(io_uring_sqring_wait(&ring)), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 2);
	io_uring_queue_exit(&ring);
}

static void timed_waits(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe = (void *)1;
	struct __kernel_timespec ts = ms_to_ts(20), limit = ms_to_ts(10000);

	ring_sqpoll(&ring, 8, 5);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK(cqe == NULL);
	wait_until_it_sleeps(&ring);
	nop(&ring, 3);
	CHECK_OP(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &limit, NULL), >=, 0);
	CHECK(cqe != NULL);
	CHECK_EQ(cqe->user_data, 3);
	io_uring_queue_exit(&ring);
}

/* The thread sleeps, nobody enters, and a request completes all the same when its file is ready. */
static void a_sleeping_thread_lets_requests_go_on(void)
{
	struct io_uring ring;
	char byte = 0;
	int fds[2];

	MUST(pipe(fds));
	ring_sqpoll(&ring, 8, 5);
	read_pending(&ring, fds[0], &byte, 7);
	submit(&ring, 1);
	wait_until_it_sleeps(&ring);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	for (int i = 0; i < 5000 && io_uring_cq_ready(&ring) == 0; i++)
		usleep(1000);
	REAP(&ring, 7, 1);
	CHECK_EQ(byte, 'x');
	io_uring_queue_exit(&ring);
	close(fds[0]);
	close(fds[1]);
}

static long long cpu_us(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage));
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000ll + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

static void an_idle_thread_uses_no_cpu(void)
{
	struct io_uring ring;
	char byte;
	int fds[2];

	MUST(pipe(fds));
	ring_sqpoll(&ring, 8, 5);
	read_pending(&ring, fds[0], &byte, 1);
	submit(&ring, 1);
	wait_until_it_sleeps(&ring);
	long long before = cpu_us();

	usleep(300000);
	CHECK_OP(cpu_us() - before, <, 30000);
	io_uring_queue_exit(&ring);
	close(fds[0]);
	close(fds[1]);
}

static int init_attached(struct io_uring *ring, unsigned flags, int wq_fd)
{
	struct io_uring_params p = {
		.flags = flags | IORING_SETUP_ATTACH_WQ,
		.wq_fd = (__u32)wq_fd,
		.sq_thread_idle = 100,
	};

	return ERRNO_KEPT(io_uring_queue_init_params(8, ring, &p));
}

static void attached_rings_share_the_thread(void)
{
	struct io_uring first, second;

	ring_sqpoll(&first, 8, 100);
	CHECK_EQ(init_attached(&second, IORING_SETUP_SQPOLL, first.ring_fd), 0);
	for (uint64_t i = 0; i < 10; i++) {
		nop(&first, i);
		nop(&second, i + 100);
		submit(&first, 1);
		submit(&second, 1);
		REAP(&second, i + 100, 0);
		REAP(&first, i, 0);
	}
	/* the thread outlives the ring that started it */
	io_uring_queue_exit(&first);
	CHECK_RING_WORKS(&second);
	io_uring_queue_exit(&second);
}

static void attaching_to_what_is_no_ring(void)
{
	struct io_uring first, second;
	struct footprint before;
	int file = temp_file(0), place = (int)MUST(open("/", O_PATH));

	ring_init(&first, 8, 0);
	before = footprint();
	CHECK_EQ(init_attached(&second, 0, -1), -ENXIO);
	CHECK_EQ(init_attached(&second, 0, file), -EINVAL);
	CHECK_EQ(init_attached(&second, 0, place), -ENXIO);
	CHECK_EQ(init_attached(&second, IORING_SETUP_SQPOLL, -1), -ENXIO);
	CHECK_FOOTPRINT(before);
	CHECK_EQ(init_attached(&second, 0, first.ring_fd), 0);
	CHECK_RING_WORKS(&second);
	io_uring_queue_exit(&second);
	io_uring_queue_exit(&first);
}

static int poll_ring(const struct io_uring *ring, int ms)
{
	struct pollfd poller = { .fd = ring->ring_fd, .events = POLLIN };

	MUST(poll(&poller, 1, ms));
	return poller.revents;
}

/* Whoever sleeps in poll on the ring is told of what a file has become ready for, and not told twice. */
static void check_readiness(unsigned idle_ms)
{
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_sqpoll(&ring, 8, idle_ms);
	for (uint64_t i = 0; i < 5; i++) {
		read_pending(&ring, fds[0], &byte, i);
		CHECK_EQ(io_uring_submit(&ring), 1);
		usleep(20000);
		CHECK_EQ(poll_ring(&ring, 0), 0);
		CHECK_EQ(write(fds[1], "1", 1), 1);
		CHECK_EQ(poll_ring(&ring, 5000), POLLIN);
		CHECK_EQ(io_uring_cq_ready(&ring), 1);
		usleep(5000);
		CHECK_EQ(poll_ring(&ring, 0), POLLIN);
		io_uring_cq_advance(&ring, 1);
		/* rings in user space look now and then */
		for (int ms = 0; ms < 1000 && poll_ring(&ring, 0) != 0; ms++)
			usleep(1000);
		CHECK_EQ(poll_ring(&ring, 0), 0);
	}
	io_uring_queue_exit(&ring);
}

static void the_descriptor_is_readable_while_the_thread_spins(void)
{
	check_readiness(2000);
}

static void the_descriptor_is_readable_while_the_thread_sleeps(void)
{
	check_readiness(1);
}

/* What waits while the thread sleeps goes on: a timeout, and a file, with a link behind it. */
static void what_waits_goes_on_while_the_thread_sleeps(void)
{
	struct io_uring ring;
	struct __kernel_timespec ts = ms_to_ts(100);
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_sqpoll(&ring, 8, 5);
	read_pending(&ring, fds[0], &byte, 1);
	ring.sq.sqes[0].flags = IOSQE_IO_LINK;
	nop(&ring, 2);
	io_uring_prep_timeout(sqe_get(&ring), &ts, 0, 0);
	CHECK_EQ(io_uring_submit(&ring), 3);
	wait_until_it_sleeps(&ring);
	CHECK_EQ(write(fds[1], "1", 1), 1);
	for (int ms = 0; ms < 5000 && io_uring_cq_ready(&ring) < 3; ms++)
		usleep(1000);
	CHECK_EQ(io_uring_cq_ready(&ring), 3);
	REAP(&ring, 1, 1);
	REAP(&ring, 2, 0);
	REAP(&ring, 0, -ETIME);
	io_uring_queue_exit(&ring);
}

/* The thread is the parent's; a child that submits wakes it all the same. */
static void a_child_wakes_its_parents_thread(void)
{
	struct io_uring ring;
	int fds = 0;

	ring_sqpoll(&ring, 8, 1);
	wait_until_it_sleeps(&ring);
	pid_t pid = fork_child();

	if (pid == 0) {
		fds = count_fds();
		nop(&ring, 1);
		CHECK_EQ(io_uring_submit(&ring), 1);
		REAP(&ring, 1, 0);
		/* its own ring beside that has a thread in the child */
		struct io_uring_params p = {
			.flags = IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ, .wq_fd = (__u32)ring.ring_fd,
		};
		struct io_uring own;

		CHECK_EQ(io_uring_queue_init_params(8, &own, &p), 0);
		CHECK_RING_WORKS(&own);
		io_uring_queue_exit(&own);
		io_uring_queue_exit(&ring);
		CHECK_OP(count_fds(), <, fds);
		exit(PASS);
	}
	CHECK_EQ(exit_status(pid), PASS);
	ring.sq.sqe_head = ring.sq.sqe_tail = *ring.sq.ktail;
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

/* A CPU that the thread may be put on, though the program itself does not run there. */
static void on_a_cpu_that_is_not_the_programs(void)
{
	struct io_uring_params p = { .flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF, .sq_thread_cpu = 1 };
	struct io_uring ring;
	cpu_set_t own, after;
	int ret;

	MUST(sched_getaffinity(0, sizeof(own), &own));
	if (!CPU_ISSET(0, &own) || !CPU_ISSET(1, &own))
		SKIP("needs two CPUs");
	CPU_ZERO(&own);
	CPU_SET(0, &own);
	MUST(sched_setaffinity(0, sizeof(own), &own));
	ret = io_uring_queue_init_params(8, &ring, &p);
	if (ret == -EPERM)
		SKIP("no permission for IORING_SETUP_SQPOLL");
	CHECK_EQ(ret, 0);
	MUST(sched_getaffinity(0, sizeof(after), &after));
	CHECK(CPU_EQUAL(&own, &after));
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	p.sq_thread_cpu = 1 << 20;
	CHECK_EQ(io_uring_queue_init_params(8, &ring, &p), -EINVAL);
}

TEST_PARTS(
	PART(the_thread_submits),
	PART(submit_wakes_a_sleeping_thread),
	PART(sqring_wait_finds_room),
	PART(without_a_thread_sqring_wait_is_zero),
	PART(timed_waits),
	PART(a_sleeping_thread_lets_requests_go_on),
	PART(an_idle_thread_uses_no_cpu),
	PART(attached_rings_share_the_thread),
	PART(attaching_to_what_is_no_ring),
	PART(the_descriptor_is_readable_while_the_thread_spins),
	PART(the_descriptor_is_readable_while_the_thread_sleeps),
	PART(what_waits_goes_on_while_the_thread_sleeps),
	PART(a_child_wakes_its_parents_thread),
	PART(on_a_cpu_that_is_not_the_programs),
)
