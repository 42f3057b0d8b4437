/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs that close all descriptors there are, as daemons do: the numbers are theirs again, a ring's own as well. */
#include "rings.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { LIMIT = 256, EVENTFDS = 40, RINGS = 20 };

/* With so few, what a ring has of its own is among those that the program gets next. */
static void limit_descriptors(void)
{
	struct rlimit limit = { LIMIT, LIMIT };

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	MUST(close_range(3, ~0U, 0));
}

/* A ring that waits for a file, with what `more` gives it, until the program closes all it has. */
static void ring_with_all_closed(struct io_uring *ring, unsigned flags, void (*more)(struct io_uring *))
{
	struct __kernel_timespec soon = { .tv_nsec = 20 * 1000 * 1000 };
	struct io_uring_cqe *cqe;
	static char byte;
	int pipes[2];

	ring_init(ring, 8, flags);
	MUST(pipe(pipes));
	io_uring_prep_read(sqe_get(ring), pipes[0], &byte, 1, -1);
	submit(ring, 1);
	if (more)
		more(ring);
	CHECK_EQ(io_uring_wait_cqe_timeout(ring, &cqe, &soon), -ETIME);
	MUST(close_range(3, ~0U, 0));
}

/* The program's eventfds take the numbers; rings come and go; each eventfd is there, with what it had. */
static void eventfds_stay(unsigned flags, void (*more)(struct io_uring *))
{
	int eventfds[EVENTFDS];
	struct io_uring old, ring;
	eventfd_t count;

	limit_descriptors();
	ring_with_all_closed(&old, flags, more);
	for (unsigned i = 0; i < EVENTFDS; i++)
		eventfds[i] = (int)MUST(eventfd(i + 1, EFD_NONBLOCK));
	/* Whoever keeps the old ring looks at it once more. */
	usleep(50000);
	for (int i = 0; i < RINGS; i++) {
		ring_init(&ring, 8, 0);
		CHECK_RING_WORKS(&ring);
		io_uring_queue_exit(&ring);
	}
	for (unsigned i = 0; i < EVENTFDS; i++) {
		CHECK_EQ(eventfd_read(eventfds[i], &count), 0);
		CHECK_EQ(count, i + 1);
	}
}

static void eventfds_with_the_numbers_of_a_ring(void)
{
	eventfds_stay(0, NULL);
}

static void eventfds_with_the_number_of_a_bell(void)
{
	eventfds_stay(IORING_SETUP_SQPOLL, NULL);
}

static void register_eventfd(struct io_uring *ring)
{
	CHECK_EQ(io_uring_register_eventfd(ring, (int)MUST(eventfd(0, 0))), 0);
}

static void eventfds_with_the_number_of_a_registered_one(void)
{
	eventfds_stay(0, register_eventfd);
}

static void read_directly(struct io_uring *ring)
{
	int file = open("/var/tmp", O_TMPFILE | O_RDWR | O_DIRECT, 0600);
	void *block = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (file < 0)
		SKIP("no O_DIRECT in /var/tmp");
	CHECK(block != MAP_FAILED);
	CHECK_EQ(pwrite(file, block, 4096, 0), 4096);
	io_uring_prep_read(sqe_get(ring), file, block, 4096, 0);
	submit(ring, 1);
	REAP(ring, 0, 4096);
}

static void eventfds_with_the_number_of_an_aio_context(void)
{
	eventfds_stay(0, read_directly);
}

/* The next ring has the numbers of the one that is gone, and keeps them. */
static void a_ring_with_the_numbers_of_a_ring(void)
{
	struct io_uring old, ring;
	struct pollfd wait = { .events = POLLIN };
	char byte = 0;
	int pipes[2];

	for (int round = 0; round < 3; round++) {
		ring_with_all_closed(&old, 0, NULL);
		ring_init(&ring, 8, 0);
		CHECK_RING_WORKS(&ring);
		MUST(pipe(pipes));
		io_uring_prep_read(sqe_get(&ring), pipes[0], &byte, 1, -1);
		submit(&ring, 1);
		wait.fd = ring.ring_fd;
		CHECK_EQ(poll(&wait, 1, 10), 0);
		CHECK_EQ(write(pipes[1], "x", 1), 1);
		CHECK_EQ(poll(&wait, 1, 2000), 1);
		REAP(&ring, 0, 1);
		io_uring_queue_exit(&ring);
	}
}

/* Rings that are closed as they should be leave no descriptor. */
static void nothing_is_left(void)
{
	int first = next_fd();

	for (int i = 0; i < RINGS; i++) {
		struct io_uring ring;
		char byte;
		int pipes[2];

		ring_init(&ring, 8, i % 2 ? IORING_SETUP_SQPOLL : 0);
		MUST(pipe(pipes));
		io_uring_prep_read(sqe_get(&ring), pipes[0], &byte, 1, -1);
		submit(&ring, 1);
		register_eventfd(&ring);
		io_uring_queue_exit(&ring);
		MUST(close_range((unsigned)first, 767, 0));
	}
	for (int fd = first; fd < 768 + 3 * RINGS; fd++)
		CHECK_EQ(fcntl(fd, F_GETFD), -1);
}

TEST_PARTS(
	PART(eventfds_with_the_numbers_of_a_ring),
	PART(eventfds_with_the_number_of_a_bell),
	PART(eventfds_with_the_number_of_a_registered_one),
	PART(eventfds_with_the_number_of_an_aio_context),
	PART(a_ring_with_the_numbers_of_a_ring),
	PART(nothing_is_left),
)
