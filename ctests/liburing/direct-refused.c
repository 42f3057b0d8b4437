/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads that bypass the page cache where the kernel's aio, which may serve them, is forbidden, full, or a parent's. */
#include "forbid.h"
#include "rings.h"
#include <linux/ioprio.h>
#include <sys/syscall.h>

enum { DEPTH = 32, MANY = 400, BLOCK = 4096 };

static struct io_uring ring;
static char (*blocks)[BLOCK];
static int fd;

static void begin(void)
{
	/* Not in TMPDIR: that may be in memory, where O_DIRECT is refused. */
	char name[] = "./direct-XXXXXX";

	blocks = mmap(NULL, MANY * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(blocks != MAP_FAILED);
	int made = (int)MUST(mkstemp(name));

	for (int i = 0; i < MANY; i++)
		memset(blocks[i], i % 100 + 1, BLOCK);
	CHECK_EQ(write(made, blocks, MANY * BLOCK), MANY * BLOCK);
	MUST(fsync(made));
	fd = open(name, O_RDWR | O_DIRECT);
	unlink(name);
	close(made);
	if (fd < 0)
		SKIP("no O_DIRECT here");
	ring_init(&ring, 512, 0);
}

/* Reads the first `count` blocks in one batch; each has what is its own. */
static void read_all(int count, unsigned ioprio)
{
	memset(blocks, 0, (size_t)count * BLOCK);
	for (int i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, fd, blocks[i], BLOCK, (__u64)i * BLOCK);
		io_uring_sqe_set_data64(sqe, (__u64)i);
		sqe->ioprio = (__u16)ioprio;
	}
	submit(&ring, count);
	for (int i = 0; i < count; i++) {
		struct result result = reap_any(&ring);

		CHECK_EQ(result.res, BLOCK);
		CHECK_EQ(blocks[result.user_data][0], result.user_data % 100 + 1);
		CHECK_EQ(blocks[result.user_data][BLOCK - 1], result.user_data % 100 + 1);
	}
}

static void end(void)
{
	CHECK_RING_WORKS(&ring);
	io_uring_queue_exit(&ring);
	close(fd);
}

static void forbidden_from_the_start(void)
{
	begin();
	forbid(SYS_io_setup, ENOSYS);
	read_all(DEPTH, 0);
	read_all(1, 0);
	end();
}

static void forbidden_afterwards(void)
{
	begin();
	read_all(DEPTH, 0);
	forbid(SYS_io_submit, EPERM);
	read_all(DEPTH, 0);
	read_all(1, 0);
	end();
}

/* A link goes on behind one that was refused on its way. */
static void forbidden_with_links(void)
{
	struct io_uring_sqe *sqe;

	begin();
	read_all(1, 0);
	forbid(SYS_io_submit, EPERM);
	memset(blocks[0], 77, BLOCK);
	memset(blocks[1], 0, BLOCK);
	sqe = sqe_get(&ring);
	io_uring_prep_write(sqe, fd, blocks[0], BLOCK, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sqe->user_data = 1;
	sqe = sqe_get(&ring);
	io_uring_prep_read(sqe, fd, blocks[1], BLOCK, 0);
	sqe->user_data = 2;
	submit(&ring, 2);
	REAP(&ring, 1, BLOCK);
	REAP(&ring, 2, BLOCK);
	CHECK_EQ(blocks[1][BLOCK - 1], 77);
	end();
}

static void without_its_events(void)
{
	begin();
	forbid(SYS_eventfd2, EPERM);
	read_all(DEPTH, 0);
	end();
}

static void more_than_it_takes(void)
{
	begin();
	for (int round = 0; round < 4; round++)
		read_all(MANY, 0);
	end();
}

static void with_a_priority(void)
{
	begin();
	read_all(DEPTH, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6));
	end();
}

/* Vectors, both ways. */
static void vectors(void)
{
	struct iovec both[2];

	begin();
	both[0] = (struct iovec){ blocks[2], BLOCK };
	both[1] = (struct iovec){ blocks[3], BLOCK };
	io_uring_prep_writev(sqe_get(&ring), fd, both, 2, 0);
	RUN_ONE(&ring, 2 * BLOCK);
	both[0].iov_base = blocks[0];
	both[1].iov_base = blocks[1];
	memset(blocks[0], 0, 2 * BLOCK);
	io_uring_prep_readv(sqe_get(&ring), fd, both, 2, 0);
	RUN_ONE(&ring, 2 * BLOCK);
	CHECK_EQ(blocks[0][BLOCK - 1], 3);
	CHECK_EQ(blocks[1][BLOCK - 1], 4);
	end();
}

static void in_a_child(void)
{
	begin();
	read_all(DEPTH, 0);
	pid_t child = fork_child();

	if (child == 0) {
		io_uring_queue_exit(&ring);
		ring_init(&ring, 512, 0);
		read_all(DEPTH, 0);
		_exit(0);
	}
	CHECK_EQ(exit_status(child), 0);
	read_all(DEPTH, 0);
	end();
}

TEST_PARTS(
	PART(forbidden_from_the_start),
	PART(forbidden_afterwards),
	PART(forbidden_with_links),
	PART(without_its_events),
	PART(more_than_it_takes),
	PART(with_a_priority),
	PART(vectors),
	PART(in_a_child),
)
