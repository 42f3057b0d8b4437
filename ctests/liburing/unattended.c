/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings that nobody is inside of: programs look at the CQ without a call, or sleep on the ring's descriptor. */
#include "rings.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

static double cpu_time(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* Looks at the CQ in user space until there is something, for a second at most; in seconds. */
static double look_until_ready(struct io_uring *ring)
{
	double start = now();

	while (io_uring_cq_ready(ring) == 0 && now() - start < 1)
		usleep(100);
	CHECK(io_uring_cq_ready(ring) > 0);
	return now() - start;
}

static struct result take(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	CHECK_EQ(io_uring_peek_cqe(ring, &cqe), 0);
	struct result result = { cqe->user_data, cqe->res, cqe->flags };

	io_uring_cqe_seen(ring, cqe);
	return result;
}

static void a_poll_completes_unattended(void)
{
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 20; i++) {
		io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
		submit(&ring, 1);
		if (i & 1)
			usleep(3000);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		look_until_ready(&ring);
		CHECK_EQ(take(&ring).res, POLLIN);
		CHECK_EQ(read(fds[0], &byte, 1), 1);
	}
	io_uring_queue_exit(&ring);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A program that always sleeps on the descriptor is told at once, not at the next look at the ring. */
static void the_descriptor_tells_at_once(void)
{
	enum { ROUNDS = 200 };
	double took[ROUNDS];
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct pollfd pollfd = { .fd = ring.ring_fd, .events = POLLIN };

		io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
		submit(&ring, 1);
		took[i] = now();
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(poll(&pollfd, 1, 1000), 1);
		took[i] = now() - took[i];
		CHECK_EQ(take(&ring).res, POLLIN);
		CHECK_EQ(read(fds[0], &byte, 1), 1);
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	/* A busy machine delays some of them. */
	CHECK(took[ROUNDS / 4] < 0.0006);
	io_uring_queue_exit(&ring);
}

/* What is linked to a wait for a futex goes on when that is over. */
static void a_link_of_a_futex_wait_completes(void)
{
	enum { OWN_U32 = 2 | 128 }; /* FUTEX2_SIZE_U32 | FUTEX2_PRIVATE */
	static uint32_t word;
	struct io_uring ring;
	struct io_uring_probe *probe = io_uring_get_probe();
	struct io_uring_sqe *sqe;
	int fds[2];
	char byte;

	CHECK(probe != NULL);
	if (!io_uring_opcode_supported(probe, IORING_OP_FUTEX_WAIT))
		SKIP("this kernel has no futex operations");
	io_uring_free_probe(probe);
	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	sqe = sqe_get(&ring);
	io_uring_prep_futex_wait(sqe, &word, 0, FUTEX_BITSET_MATCH_ANY, OWN_U32, 0);
	sqe->flags |= IOSQE_IO_LINK;
	read_pending(&ring, fds[0], &byte, 2);
	submit(&ring, 2);
	while (syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) != 1)
		usleep(1000);
	look_until_ready(&ring);
	CHECK_EQ(take(&ring).res, 0);
	usleep(20000);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	look_until_ready(&ring);
	CHECK_EQ(take(&ring).res, 1);
	io_uring_queue_exit(&ring);
}

/* A ring that only gets messages, and is never entered, lets those sleep who wait for its descriptor. */
static void messages_that_are_taken_end_readiness(void)
{
	struct io_uring ring, sender;
	struct pollfd pollfd = { .events = POLLIN };
	int wakes = 0;

	ring_init(&ring, 8, 0);
	ring_init(&sender, 8, 0);
	pollfd.fd = ring.ring_fd;
	for (int i = 0; i < 10; i++) {
		io_uring_prep_msg_ring(sqe_get(&sender), ring.ring_fd, 7, 42, 0);
		submit(&sender, 1);
		CHECK_EQ(take(&sender).res, 0);
		CHECK_EQ(poll(&pollfd, 1, 1000), 1);
		CHECK_EQ(take(&ring).res, 7);
		usleep(10000);
		wakes += poll(&pollfd, 1, 0);
	}
	/* A busy machine may be late now and then. */
	CHECK_OP(wakes, <=, 3);
	io_uring_queue_exit(&sender);
	io_uring_queue_exit(&ring);
}

static void a_timeout_completes_unattended(void)
{
	struct io_uring ring;
	struct __kernel_timespec ts = { .tv_nsec = 20 * 1000 * 1000 };

	ring_init(&ring, 8, 0);
	for (int i = 0; i < 5; i++) {
		io_uring_prep_timeout(sqe_get(&ring), &ts, 0, 0);
		submit(&ring, 1);
		double took = look_until_ready(&ring);

		CHECK(took > 0.015 && took < 0.5);
		CHECK_EQ(take(&ring).res, -ETIME);
	}
	/* An earlier one that comes later. */
	struct __kernel_timespec late = { .tv_sec = 5 };

	io_uring_prep_timeout(sqe_get(&ring), &late, 0, 0);
	submit(&ring, 1);
	usleep(5000);
	io_uring_prep_timeout(sqe_get(&ring), &ts, 0, 0);
	submit(&ring, 1);
	CHECK(look_until_ready(&ring) < 0.5);
	CHECK_EQ(take(&ring).res, -ETIME);
	io_uring_queue_exit(&ring);
}

/* An event loop: the ring's descriptor in an epoll, the CQ drained without a call. */
static void an_event_loop_sleeps_on_the_ring(void)
{
	struct io_uring ring;
	struct epoll_event event = { .events = EPOLLIN };
	int fds[2], epfd = (int)MUST(epoll_create1(0)), done = 0;
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	MUST(epoll_ctl(epfd, EPOLL_CTL_ADD, ring.ring_fd, &event));
	io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
	submit(&ring, 1);
	pid_t pid = fork_child();

	if (pid == 0) {
		for (int i = 0; i < 10; i++) {
			usleep(10000);
			if (write(fds[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	double start = now();

	while (done < 10 && now() - start < 60) {
		/* The kernel's ring interrupts the sleep of who submitted. */
		CHECK(epoll_wait(epfd, &event, 1, 20000) >= 0 || errno == EINTR);
		while (io_uring_cq_ready(&ring) > 0) {
			CHECK_EQ(take(&ring).res, POLLIN);
			CHECK_EQ(read(fds[0], &byte, 1), 1);
			done++;
			io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
			submit(&ring, 1);
		}
	}
	CHECK_EQ(done, 10);
	/* No wait lasted until its end. */
	CHECK(now() - start < 15);
	MUST(waitpid(pid, NULL, 0));
	io_uring_queue_exit(&ring);
}

static void readiness_ends_without_a_call(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	struct pollfd pfd = { .fd = ring.ring_fd, .events = POLLIN };
	double fastest = 20;

	for (int i = 0; i < 5 || (fastest >= 0.1 && i < 50); i++) {
		nop(&ring, 1);
		submit(&ring, 1);
		CHECK_EQ(poll(&pfd, 1, 20000), 1);
		if (i > 2)
			usleep((unsigned)(i % 5) * 2000);
		CHECK_EQ(take(&ring).res, 0);
		double start = now();

		while (poll(&pfd, 1, 0) != 0 && now() - start < 20)
			;
		CHECK_EQ(poll(&pfd, 1, 0), 0);
		double took = now() - start;

		fastest = took < fastest ? took : fastest;
	}
	CHECK(fastest < 0.1);
	io_uring_queue_exit(&ring);
}

static void waiting_costs_no_time(void)
{
	struct io_uring ring;
	int fds[2];

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
	submit(&ring, 1);
	usleep(20000);
	double before = cpu_time();

	usleep(500000);
	CHECK(cpu_time() - before < 0.02);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK(look_until_ready(&ring) < 0.1);
	io_uring_queue_exit(&ring);
}

/* A ring that has been worked with, and now has nothing to do. */
static void an_idle_ring_costs_nothing(void)
{
	struct io_uring ring;
	int fds[2], fd = temp_file(4096), threads = 0;
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 10; i++) {
		io_uring_prep_fsync(sqe_get(&ring), fd, 0);
		submit(&ring, 1);
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		take(&ring);
		read_pending(&ring, fds[0], &byte, 1);
		submit(&ring, 1);
		usleep(3000);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK(look_until_ready(&ring) < 0.1);
		take(&ring);
	}
	/* The kernel keeps a worker. */
	int kept = is_soft(&ring) ? 0 : 1;

	for (int i = 0; i < 100 && (threads = count_threads()) > 1 + kept; i++)
		usleep(30000);
	CHECK_OP(threads, <=, 1 + kept);
	double before = cpu_time();

	usleep(300000);
	CHECK(cpu_time() - before < 0.01);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	for (int i = 0; i < 100 && (threads = count_threads()) > 1; i++)
		usleep(10000);
	CHECK_EQ(threads, 1);
}

static void leaving_and_coming_back(void)
{
	struct io_uring ring;
	int fds[2];
	char byte;

	MUST(pipe(fds));
	ring_init(&ring, 8, 0);
	for (int i = 0; i < 30; i++) {
		io_uring_prep_poll_add(sqe_get(&ring), fds[0], POLLIN);
		submit(&ring, 1);
		usleep((useconds_t)(i % 3) * 1000);
		struct __kernel_timespec ts = { .tv_nsec = i % 5 * 5000000L };
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		if (i & 1)
			look_until_ready(&ring);
		else
			CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(take(&ring).res, POLLIN);
		CHECK_EQ(read(fds[0], &byte, 1), 1);
	}
	io_uring_queue_exit(&ring);
}

/* Whoever serves the ring closes a descriptor that was a ring before, which the program has closed by itself. */
static void a_link_closes_what_was_a_ring(void)
{
	struct __kernel_timespec soon = { .tv_nsec = 20000000 };
	struct io_uring ring, before;
	struct io_uring_sqe *sqe;
	int fd;

	ring_init(&ring, 8, 0);
	ring_init(&before, 8, 0);
	fd = before.ring_fd;
	MUST(syscall(SYS_close, fd));
	CHECK_EQ(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fd);
	sqe = sqe_get(&ring);
	io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	io_uring_prep_close(sqe_get(&ring), fd);
	submit(&ring, 2);
	for (int i = 0; i < 2000 && io_uring_cq_ready(&ring) < 2; i++)
		usleep(1000);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	CHECK_EQ(reap_any(&ring).res, -ETIME);
	CHECK_EQ(reap_any(&ring).res, 0);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_poll_completes_unattended),
	PART(the_descriptor_tells_at_once),
	PART(a_link_of_a_futex_wait_completes),
	PART(messages_that_are_taken_end_readiness),
	PART(a_timeout_completes_unattended),
	PART(an_event_loop_sleeps_on_the_ring),
	PART(readiness_ends_without_a_call),
	PART(waiting_costs_no_time),
	PART(an_idle_ring_costs_nothing),
	PART(leaving_and_coming_back),
	PART(a_link_closes_what_was_a_ring),
)
