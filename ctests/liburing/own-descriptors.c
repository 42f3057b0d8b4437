/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread with a descriptor table of its own uses a ring: its numbers are its files, whoever does a request, and those of
 * the process, which are other files, stay what they are. The process has used rings before, and has one waiting.
 */
#include "rings.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/stat.h>

enum { LAST = 1023, SOME = 480, TAG = 5 };

static struct io_uring warm, ring;
static sem_t is_apart, go_on;
/* A pipe in the thread's table; in the process's these are /dev/zero. */
static int ends[2];
static void (*task)(void);

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		CHECK_EQ(errno, EINTR);
}

/* The process has used workers and the keeper. */
static void warm_up(void)
{
	int fds[2], zero = (int)MUST(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	char byte;

	MUST(pipe(fds));
	ring_init(&warm, 8, 0);
	for (int i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = sqe_get(&warm);

		io_uring_prep_read(sqe, zero, &byte, 1, 0);
		sqe->flags |= IOSQE_ASYNC;
		submit(&warm, 1);
		CHECK_EQ(reap_any(&warm).res, 1);
	}
	io_uring_prep_poll_add(sqe_get(&warm), fds[0], POLLIN);
	submit(&warm, 1);
	close(zero);
}

static void *apart(void *arg)
{
	MUST(unshare(CLONE_FILES));
	MUST(pipe(ends));
	MUST(sem_post(&is_apart));
	wait_for(&go_on);
	ring_init(&ring, 8, 0);
	task();
	io_uring_queue_exit(&ring);
	return arg;
}

/* Every number that the thread could have from here on is a file of the process's. */
static ino_t fill_table(void)
{
	struct stat status;
	int zero = (int)MUST(open("/dev/zero", O_RDONLY | O_CLOEXEC));

	MUST(fstat(zero, &status));
	for (int fd = zero + 1; fd <= LAST; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			MUST(dup2(zero, fd));
	return status.st_ino;
}

static int count_files(ino_t inode)
{
	struct stat status;
	int count = 0;

	for (int fd = 0; fd <= LAST; fd++)
		count += !fstat(fd, &status) && status.st_ino == inode;
	return count;
}

static void compare(void (*of)(void))
{
	pthread_t thread;
	int threads = count_threads();

	task = of;
	warm_up();
	MUST(sem_init(&is_apart, 0, 0));
	MUST(sem_init(&go_on, 0, 0));
	CHECK_EQ(pthread_create(&thread, NULL, apart, NULL), 0);
	wait_for(&is_apart);
	ino_t zero = fill_table();
	int count = count_files(zero);

	CHECK_OP(count, >, SOME);
	MUST(sem_post(&go_on));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(count_files(zero), count);
	CHECK_RING_WORKS(&warm);
	/* What served the thread's ring is gone; of the other one, the keeper is not. */
	double start = now();
	int own = is_soft(&warm) ? 1 : 8;

	for (close(LAST); count_threads() > threads + own; usleep(1000))
		CHECK_OP(now() - start, <, 20);
}

static void until_ready(unsigned count)
{
	for (double start = now(); io_uring_cq_ready(&ring) < count; usleep(1000))
		CHECK_OP(now() - start, <, 20);
}

static void read_numbers(void)
{
	char bytes[8] = "";

	for (int async = 0; async < 2; async++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		CHECK_EQ(write(ends[1], "mine", 4), 4);
		io_uring_prep_read(sqe, ends[0], bytes, 4, 0);
		sqe->flags |= async ? IOSQE_ASYNC : 0;
		submit(&ring, 1);
		CHECK_EQ(reap_any(&ring).res, 4);
		CHECK_EQ(memcmp(bytes, "mine", 4), 0);
	}
}

static void reads(void)
{
	compare(read_numbers);
}

static void use_a_file(void)
{
	char bytes[8] = "";
	int fd = (int)MUST(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));

	for (int i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_write(sqe, fd, "text", 4, 0);
		sqe->flags |= IOSQE_IO_LINK | (i & 1 ? IOSQE_ASYNC : 0);
		sqe = sqe_get(&ring);
		io_uring_prep_fsync(sqe, fd, 0);
		sqe->flags |= IOSQE_IO_LINK;
		sqe = sqe_get(&ring);
		io_uring_prep_read(sqe, fd, bytes, 4, 0);
		sqe->flags |= i & 2 ? IOSQE_ASYNC : 0;
		submit(&ring, 3);
		CHECK_EQ(reap_any(&ring).res, 4);
		CHECK_EQ(reap_any(&ring).res, 0);
		CHECK_EQ(reap_any(&ring).res, 4);
		CHECK_EQ(memcmp(bytes, "text", 4), 0);
	}
	close(fd);
}

static void files(void)
{
	compare(use_a_file);
}

/* What a disk has to be asked for. */
static void read_uncached(void)
{
	enum { SIZE = 1 << 20, STEP = 1 << 16 };
	static char bytes[SIZE], found[SIZE];
	int fd = (int)MUST(open("large", O_CREAT | O_RDWR | O_CLOEXEC, 0600));

	for (int i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 31 >> 3);
	CHECK_EQ(write(fd, bytes, SIZE), SIZE);
	MUST(fsync(fd));
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	for (int at = 0; at < SIZE; at += 8 * STEP) {
		for (int i = 0; i < 8; i++) {
			int from = at + i * STEP;

			io_uring_prep_read(sqe_get(&ring), fd, found + from, STEP, (unsigned)from);
		}
		submit(&ring, 8);
		for (int i = 0; i < 8; i++)
			CHECK_EQ(reap_any(&ring).res, STEP);
	}
	CHECK_EQ(memcmp(bytes, found, SIZE), 0);
	close(fd);
}

static void uncached_files(void)
{
	compare(read_uncached);
}

static void open_and_look(void)
{
	struct stat status;

	for (int async = 0; async < 2; async++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_openat(sqe, AT_FDCWD, "/dev/null", O_RDONLY, 0);
		sqe->flags |= async ? IOSQE_ASYNC : 0;
		submit(&ring, 1);
		int fd = reap_any(&ring).res;

		CHECK_OP(fd, >=, 0);
		MUST(fstat(fd, &status));
		CHECK(S_ISCHR(status.st_mode));
		MUST(close(fd));
	}
}

static void opens(void)
{
	compare(open_and_look);
}

/* Requests that wait, and nobody is inside when what they wait for comes. */
static void read_later(void)
{
	char bytes[8];

	for (int i = 0; i < 4; i++) {
		memset(bytes, 0, sizeof(bytes));
		io_uring_prep_read(sqe_get(&ring), ends[0], bytes, 4, 0);
		submit(&ring, 1);
		if (i & 1)
			usleep(20000);
		CHECK_EQ(write(ends[1], "late", 4), 4);
		if (i & 2)
			until_ready(1);
		CHECK_EQ(reap_any(&ring).res, 4);
		CHECK_EQ(memcmp(bytes, "late", 4), 0);
	}
}

static void reads_that_wait(void)
{
	compare(read_later);
}

static void link_behind(struct io_uring_sqe *sqe)
{
	static struct __kernel_timespec soon = { .tv_nsec = 10000000 };

	io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ETIME_SUCCESS);
	sqe->flags |= IOSQE_IO_LINK;
}

static void read_behind(void)
{
	char bytes[8];

	for (int i = 0; i < 2; i++) {
		memset(bytes, 0, sizeof(bytes));
		CHECK_EQ(write(ends[1], "link", 4), 4);
		link_behind(sqe_get(&ring));
		io_uring_prep_read(sqe_get(&ring), ends[0], bytes, 4, 0);
		submit(&ring, 2);
		if (i)
			until_ready(2);
		CHECK_EQ(reap_any(&ring).res, -ETIME);
		CHECK_EQ(reap_any(&ring).res, 4);
		CHECK_EQ(memcmp(bytes, "link", 4), 0);
	}
}

static void links(void)
{
	compare(read_behind);
}

static void close_behind(void)
{
	int fd = (int)MUST(dup(ends[0]));

	link_behind(sqe_get(&ring));
	io_uring_prep_close(sqe_get(&ring), fd);
	submit(&ring, 2);
	until_ready(2);
	CHECK_EQ(reap_any(&ring).res, -ETIME);
	CHECK_EQ(reap_any(&ring).res, 0);
	CHECK_OP(fcntl(fd, F_GETFD), <, 0);
}

static void closes(void)
{
	compare(close_behind);
}

static void accept_and_talk(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
	char byte;

	MUST(bind(listener, (struct sockaddr *)&address, size));
	MUST(listen(listener, 4));
	MUST(getsockname(listener, (struct sockaddr *)&address, &size));
	io_uring_prep_accept(sqe_get(&ring), listener, NULL, NULL, 0);
	submit(&ring, 1);
	MUST(connect(client, (struct sockaddr *)&address, size));
	until_ready(1);
	int accepted = reap_any(&ring).res;

	CHECK_OP(accepted, >=, 0);
	CHECK_EQ(send(accepted, "x", 1, 0), 1);
	CHECK_EQ(recv(client, &byte, 1, 0), 1);
	io_uring_prep_recv(sqe_get(&ring), accepted, &byte, 1, 0);
	submit(&ring, 1);
	CHECK_EQ(send(client, "y", 1, 0), 1);
	until_ready(1);
	CHECK_EQ(reap_any(&ring).res, 1);
	CHECK_EQ(byte, 'y');
	close(accepted);
	close(listener);
	close(client);
}

static void connections(void)
{
	compare(accept_and_talk);
}

/* The ring goes while something waits. */
static void leave_waiting(void)
{
	char byte;

	for (int i = 0; i < 3; i++)
		io_uring_prep_read(sqe_get(&ring), ends[0], &byte, 1, 0);
	nop(&ring, TAG);
	submit(&ring, 4);
	CHECK_EQ(reap_any(&ring).res, 0);
}

static void closed_in_flight(void)
{
	compare(leave_waiting);
}

TEST_PARTS(PART(reads), PART(files), PART(uncached_files), PART(opens), PART(reads_that_wait), PART(links), PART(closes), PART(connections),
	   PART(closed_in_flight))
