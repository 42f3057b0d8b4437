/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where a process may have few descriptors, and has them all: requests under way need none. */
#include "rings.h"
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { PAIRS = 24 };

static int ends[PAIRS][2];
static char bytes[PAIRS];

static void limit_descriptors(int nr)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = (rlim_t)nr;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

/* Socket pairs, and no descriptor left. The ring has been waited on before: what serves it in user space has its own. */
static void take_all(struct io_uring *ring)
{
	char byte;
	int pipes[2];

	MUST(pipe(pipes));
	read_pending(ring, pipes[0], &byte, 1);
	submit(ring, 1);
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	REAP(ring, 1, 1);
	close(pipes[0]);
	close(pipes[1]);
	for (int i = 0; i < PAIRS; i++)
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]));
	limit_descriptors(next_fd());
	CHECK_EQ(dup(0), -1);
	CHECK_EQ(errno, EMFILE);
}

static struct io_uring_sqe *sqe_tagged(struct io_uring *ring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_sqe_set_data64(sqe, user_data);
	return sqe;
}

static void receive(struct io_uring *ring, int i)
{
	io_uring_prep_recv(sqe_tagged(ring, (uint64_t)i), ends[i][0], &bytes[i], 1, 0);
}

static void reap_all(struct io_uring *ring, int nr, const int *results)
{
	bool seen[4 * PAIRS] = { 0 };

	for (int i = 0; i < nr; i++) {
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
		CHECK_OP(cqe->user_data, <, (uint64_t)nr);
		CHECK(!seen[cqe->user_data]);
		seen[cqe->user_data] = true;
		CHECK_EQ(cqe->res, results[cqe->user_data / PAIRS]);
		io_uring_cqe_seen(ring, cqe);
	}
}

/* Each waits for its peer; all come through. */
static void receiving(void)
{
	struct io_uring ring;

	ring_init(&ring, 4 * PAIRS, 0);
	take_all(&ring);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < PAIRS; i++)
			receive(&ring, i);
		submit(&ring, PAIRS);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		for (int i = 0; i < PAIRS; i++)
			CHECK_EQ(write(ends[i][1], "x", 1), 1);
		reap_all(&ring, PAIRS, (int[]){ 1 });
	}
	io_uring_queue_exit(&ring);
}

/* Several requests wait for one file, for different events. */
static void several_on_one_file(void)
{
	struct io_uring ring;

	ring_init(&ring, 4 * PAIRS, 0);
	take_all(&ring);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < PAIRS; i++) {
			receive(&ring, i);
			io_uring_prep_poll_add(sqe_tagged(&ring, (uint64_t)(i + PAIRS)), ends[i][0], POLLIN);
			io_uring_prep_poll_add(sqe_tagged(&ring, (uint64_t)(i + 2 * PAIRS)), ends[i][0],
					       POLLPRI | POLLRDHUP);
		}
		submit(&ring, 3 * PAIRS);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		for (int i = 0; i < PAIRS; i++)
			CHECK_EQ(write(ends[i][1], "xy", 2), 2);
		reap_all(&ring, 2 * PAIRS, (int[]){ 1, POLLIN });
		for (int i = 0; i < PAIRS; i++)
			CHECK_EQ(read(ends[i][0], bytes, 1), 1);
		for (int i = 0; i < PAIRS; i++) {
			io_uring_prep_cancel64(sqe_tagged(&ring, (uint64_t)i), (uint64_t)(i + 2 * PAIRS), 0);
			submit(&ring, 1);
			for (int n = 0; n < 2; n++) {
				struct io_uring_cqe *cqe;

				CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
				CHECK_EQ(cqe->res, cqe->user_data == (uint64_t)i ? 0 : -ECANCELED);
				io_uring_cqe_seen(&ring, cqe);
			}
		}
	}
	io_uring_queue_exit(&ring);
}

static void poll_first(struct io_uring *ring, int i, uint64_t user_data)
{
	io_uring_prep_poll_add(sqe_tagged(ring, user_data), ends[i][0], POLLIN);
	submit(ring, 1);
}

static void cancel(struct io_uring *ring, uint64_t user_data)
{
	io_uring_prep_cancel64(sqe_tagged(ring, 0), user_data, 0);
	submit(ring, 1);
	for (int n = 0; n < 2; n++) {
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
		CHECK_EQ(cqe->res, cqe->user_data == user_data ? -ECANCELED : 0);
		io_uring_cqe_seen(ring, cqe);
	}
}

/* Whichever of them goes, the others wait on; at the end the ring is closed with some left. */
static void some_are_cancelled(void)
{
	struct io_uring ring;

	ring_init(&ring, 4 * PAIRS, 0);
	take_all(&ring);
	for (int gone = 1; gone <= 5; gone++) {
		for (int i = 1; i <= 5; i++)
			poll_first(&ring, gone, (uint64_t)i);
		cancel(&ring, (uint64_t)gone);
		if (gone != 3)
			cancel(&ring, 3);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		CHECK_EQ(write(ends[gone][1], "x", 1), 1);
		for (int i = 1; i <= 5; i++)
			if (i != gone && i != 3) {
				struct result result = reap_any(&ring);

				CHECK_EQ(result.res, POLLIN);
			}
	}
	for (int i = 0; i < 20; i++)
		poll_first(&ring, 0, 1);
	io_uring_queue_exit(&ring);
}

/* What makes descriptors says that there are none, and goes on when there are. */
static void making_descriptors(void)
{
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	take_all(&ring);
	for (int i = 0; i < 2; i++) {
		int expected = i == 0 ? -EMFILE : ends[0][0];

		io_uring_prep_socket(sqe_tagged(&ring, 1), AF_UNIX, SOCK_STREAM, 0, 0);
		submit(&ring, 1);
		REAP(&ring, 1, expected);
		if (i > 0)
			close(expected);
		io_uring_prep_openat(sqe_tagged(&ring, 2), AT_FDCWD, "/dev/null", O_RDONLY, 0);
		submit(&ring, 1);
		REAP(&ring, 2, expected);
		if (i == 0)
			close(ends[0][0]);
	}
	io_uring_queue_exit(&ring);
}

/* Work that a thread does where rings are served in user space, and files that are read there. */
static void files(void)
{
	char data[4096];
	int fd = temp_file(0);
	struct io_uring ring;

	memset(data, 'd', sizeof(data));
	ring_init(&ring, 8, 0);
	take_all(&ring);
	for (int i = 0; i < 20; i++) {
		io_uring_prep_write(sqe_tagged(&ring, 1), fd, data, sizeof(data), (__u64)i * sizeof(data));
		submit(&ring, 1);
		REAP(&ring, 1, sizeof(data));
		io_uring_prep_fsync(sqe_tagged(&ring, 2), fd, 0);
		submit(&ring, 1);
		REAP(&ring, 2, 0);
		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		io_uring_prep_read(sqe_tagged(&ring, 3), fd, data, sizeof(data), (__u64)i * sizeof(data));
		submit(&ring, 1);
		REAP(&ring, 3, sizeof(data));
		CHECK_EQ(data[i], 'd');
	}
	io_uring_queue_exit(&ring);
}

/* A server with what a process has by default: all of it is its connections', each waited for. */
static void a_server_with_the_usual_limit(void)
{
	enum { LIMIT = 1024, OWN = 48, CONNECTIONS = (LIMIT - OWN) / 2 };
	static int pairs[CONNECTIONS][2];
	struct rlimit limit = { LIMIT, LIMIT };
	struct io_uring ring;
	char byte;

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	ring_init(&ring, LIMIT, 0);
	for (int i = 0; i < CONNECTIONS; i++) {
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
		io_uring_prep_recv(sqe_tagged(&ring, (uint64_t)i), pairs[i][0], &byte, 1, 0);
		submit(&ring, 1);
	}
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < CONNECTIONS; i++) {
			CHECK_EQ(write(pairs[i][1], "x", 1), 1);
			REAP(&ring, i, 1);
			io_uring_prep_recv(sqe_tagged(&ring, (uint64_t)i), pairs[i][0], &byte, 1, 0);
			submit(&ring, 1);
		}
	io_uring_queue_exit(&ring);
}

/* What select(2) can wait for stays free, however many requests are under way. */
static void low_numbers_stay_free(void)
{
	enum { LIMIT = 4096, CONNECTIONS = 300 };
	struct rlimit limit = { LIMIT, LIMIT };
	struct io_uring ring;
	char byte;
	int next;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		SKIP("no %d descriptors", LIMIT);
	ring_init(&ring, LIMIT, 0);
	next = next_fd();
	for (int i = 0; i < CONNECTIONS; i++) {
		int pair[2];

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		io_uring_prep_recv(sqe_tagged(&ring, (uint64_t)i), pair[0], &byte, 1, 0);
		submit(&ring, 1);
	}
	while (next < FD_SETSIZE - 16)
		next = (int)MUST(dup(0));
	CHECK_OP(next, <, FD_SETSIZE);
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(a_server_with_the_usual_limit),
	PART(low_numbers_stay_free),
	PART(receiving),
	PART(several_on_one_file),
	PART(some_are_cancelled),
	PART(making_descriptors),
	PART(files),
)
