/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Short forms for what nearly every ring test does: set up, submit a NOP, reap and compare. */
#ifndef CTESTS_RINGS_H
#define CTESTS_RINGS_H

#include "check.h"
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

/* Seconds of the monotonic clock. */
static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void ring_init(struct io_uring *ring, unsigned entries, unsigned flags)
{
	CHECK_EQ(io_uring_queue_init(entries, ring, flags), 0);
}

/* For flags newer than some kernels: -EINVAL from setup is how a kernel says so. */
static inline void ring_init_or_skip(struct io_uring *ring, unsigned entries, unsigned flags,
				     const char *what)
{
	int ret = io_uring_queue_init(entries, ring, flags);

	if (ret == -EINVAL)
		SKIP("this kernel does not support %s", what);
	CHECK_EQ(ret, 0);
}

/* What a process has once it has had a ring counts as there from the start. */
static inline struct footprint ring_footprint(void)
{
	struct io_uring ring;

	/* A worker, and what serves a ring that nobody waits on: both are threads, whose stacks libc keeps. */
	if (io_uring_queue_init(2, &ring, 0) == 0) {
		struct io_uring_cqe *cqe;
		int fd = (int)MUST(dup(0)), threads = 10;

		io_uring_prep_nop(io_uring_get_sqe(&ring));
		io_uring_submit(&ring);
		io_uring_prep_fsync(io_uring_get_sqe(&ring), fd, 0);
		io_uring_submit(&ring);
		for (int i = 0; i < 2 && !io_uring_wait_cqe(&ring, &cqe); i++)
			io_uring_cqe_seen(&ring, cqe);
		io_uring_queue_exit(&ring);
		MUST(close(fd));
		while (threads > 1) {
			DIR *tasks = opendir("/proc/self/task");

			CHECK(tasks != NULL);
			for (threads = -2; readdir(tasks); threads++)
				;
			closedir(tasks);
			usleep(threads > 1 ? 50000 : 0);
		}
	}
	return footprint();
}

/* Whether a ring is served in user space: its descriptor has flags that the kernel's do not have. */
static inline bool is_soft(const struct io_uring *ring)
{
	return fcntl(ring->ring_fd, F_GETFL) == (O_RDWR | O_NONBLOCK | O_APPEND);
}

/* What whoever serves the ring answers, without what the library does around it: -errno when it fails. */
static inline long bare_register(const struct io_uring *ring, int fd, unsigned opcode, void *arg,
				 unsigned nr)
{
	if (is_soft(ring))
		return io_uring_register((unsigned)fd, opcode, arg, nr);
	long ret = syscall(__NR_io_uring_register, fd, opcode, arg, nr);

	return ret < 0 ? -errno : ret;
}

static inline struct io_uring_sqe *sqe_get(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	CHECK(sqe != NULL);
	return sqe;
}

static inline struct io_uring_sqe *nop(struct io_uring *ring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, user_data);
	return sqe;
}

static inline void submit(struct io_uring *ring, int expected)
{
	/* CQEs may come before an SQ thread says that it has taken the SQEs, and those count. */
	while ((ring->flags & IORING_SETUP_SQPOLL) && io_uring_sq_ready(ring) > (unsigned)expected)
		sched_yield();
	CHECK_EQ(io_uring_submit(ring), expected);
}

struct result {
	uint64_t user_data;
	int res;
	unsigned flags;
};

/* Waits for a completion, whatever it is, and consumes it. */
static inline struct result reap_any(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;

	CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
	CHECK(cqe != NULL);
	struct result result = { cqe->user_data, cqe->res, cqe->flags };

	io_uring_cqe_seen(ring, cqe);
	return result;
}

#define REAP(ring, data, expected_res) do {                                     \
	struct result reaped = reap_any(ring);                            \
	CHECK_EQ(reaped.user_data, data);                                       \
	CHECK_EQ(reaped.res, expected_res);                                     \
} while (0)

/* Submits the one SQE that was prepared and compares its result. */
#define RUN_ONE(ring, expected_res) do {                                        \
	CHECK_EQ(io_uring_submit(ring), 1);                                     \
	struct result one = reap_any(ring);                               \
	CHECK_EQ(one.res, expected_res);                                        \
} while (0)

/* A ring that still does its work: one NOP goes through. */
#define CHECK_RING_WORKS(ring) do {                                             \
	nop(ring, 0xfeed);                                                      \
	CHECK_EQ(io_uring_submit(ring), 1);                                     \
	REAP(ring, 0xfeed, 0);                                                  \
} while (0)

/* A request that stays pending until the pipe is written: a read of its empty end. */
static inline void read_pending(struct io_uring *ring, int fd, void *byte, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_read(sqe, fd, byte, 1, 0);
	io_uring_sqe_set_data64(sqe, user_data);
}

/*
 * A completion with result 8 in `ms` milliseconds: the read of a timerfd. A timeout
 * request would not do, since the kernel ends any wait when one of those completes.
 */
static inline void delayed(struct io_uring *ring, int ms, uint64_t user_data)
{
	static uint64_t expirations;
	struct itimerspec when = { .it_value = { ms / 1000, (ms % 1000) * 1000000L } };
	struct io_uring_sqe *sqe = sqe_get(ring);
	int fd = (int)MUST(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));

	MUST(timerfd_settime(fd, 0, &when, NULL));
	io_uring_prep_read(sqe, fd, &expirations, sizeof(expirations), 0);
	io_uring_sqe_set_data64(sqe, user_data);
}

/* Two ends of a TCP connection to ourselves. */
static inline void tcp_pair(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int server = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(server, (struct sockaddr *)&address, len));
	MUST(listen(server, 1));
	MUST(getsockname(server, (struct sockaddr *)&address, &len));
	fds[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(fds[0], (struct sockaddr *)&address, len));
	fds[1] = (int)MUST(accept(server, NULL, NULL));
	close(server);
}

static inline struct __kernel_timespec ms_to_ts(int ms)
{
	struct __kernel_timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000LL };

	return ts;
}

static inline long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* An open file without a name, in TMPDIR or /tmp, with `len` bytes of a pattern. */
static inline int temp_file(size_t len)
{
	char path[4096];
	const char *dir = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/ctest-XXXXXX", dir ? dir : "/tmp");
	int fd = (int)MUST(mkstemp(path));

	MUST(unlink(path));
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)(i * 7 + i / 251);

		CHECK_EQ(pwrite(fd, &byte, 1, (off_t)i), 1);
	}
	return fd;
}

static inline bool has_pattern(const unsigned char *buf, size_t offset, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t at = offset + i;

		if (buf[i] != (unsigned char)(at * 7 + at / 251))
			return false;
	}
	return true;
}

/* A connected pair of stream or datagram sockets. */
static inline void socket_pair(int fds[2], int type)
{
	MUST(socketpair(AF_UNIX, type, 0, fds));
}

/* A directory of the test's own; the test removes it. */
static inline void temp_dir(char *path, size_t size)
{
	const char *dir = getenv("TMPDIR");

	snprintf(path, size, "%s/ctest-XXXXXX", dir ? dir : "/tmp");
	CHECK(mkdtemp(path) != NULL);
}

#endif
