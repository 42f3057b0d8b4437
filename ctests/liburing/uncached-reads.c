/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads of what is not in the page cache: in any number, and beside one that does not come to an end. */
#include "rings.h"
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>

enum { BLOCK = 4096, BLOCKS = 512, DEPTH = 64 };

static char block_of(unsigned number)
{
	return (char)(number * 31 + number / 256);
}

/* How many pages of a file that was just written are in the page cache, after it was told to keep none. */
static unsigned still_cached(int fd)
{
	unsigned char there[BLOCKS];
	unsigned cached = 0;
	void *pages = mmap(NULL, BLOCKS * BLOCK, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(pages != MAP_FAILED);
	MUST(fsync(fd));
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	MUST(mincore(pages, BLOCKS * BLOCK, there));
	for (unsigned i = 0; i < BLOCKS; i++)
		cached += there[i] & 1;
	MUST(munmap(pages, BLOCKS * BLOCK));
	return cached;
}

/* A file of which the page cache has nothing: a page that somebody is at work on stays meanwhile. */
static int uncached_file(void)
{
	static char block[BLOCK];
	int fd = temp_file(0);
	unsigned cached;

	for (unsigned i = 0; i < BLOCKS; i++) {
		memset(block, block_of(i), BLOCK);
		CHECK_EQ(MUST(pwrite(fd, block, BLOCK, i * (off_t)BLOCK)), BLOCK);
	}
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	while ((cached = still_cached(fd)) > 0) {
		if (cached == BLOCKS)
			SKIP("temporary files are always cached here");
		usleep(1000);
	}
	return fd;
}

static void read_block(struct io_uring *ring, int fd, void *to, unsigned number, uint64_t user_data)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_read(sqe, fd, to, BLOCK, number * (uint64_t)BLOCK);
	io_uring_sqe_set_data64(sqe, user_data);
}

/* Many at a time, each block once. */
static void all_come_with_their_data(void)
{
	static char to[DEPTH][BLOCK];
	static bool seen[BLOCKS];
	unsigned numbers[DEPTH], next = 0, done = 0;
	struct io_uring ring;
	int fd = uncached_file();

	ring_init(&ring, DEPTH, 0);
	for (unsigned slot = 0; slot < DEPTH; slot++) {
		numbers[slot] = next++ * 7 % BLOCKS;
		read_block(&ring, fd, to[slot], numbers[slot], slot);
	}
	while (done < BLOCKS) {
		CHECK_OP(io_uring_submit_and_wait(&ring, 1), >=, 0);
		for (struct io_uring_cqe *cqe; !io_uring_peek_cqe(&ring, &cqe); done++) {
			unsigned slot = (unsigned)cqe->user_data, number = numbers[slot];

			CHECK_EQ(cqe->res, BLOCK);
			CHECK_EQ(to[slot][0], block_of(number));
			CHECK_EQ(to[slot][BLOCK - 1], block_of(number));
			CHECK(!seen[number]);
			seen[number] = true;
			io_uring_cqe_seen(&ring, cqe);
			if (next < BLOCKS) {
				numbers[slot] = next++ * 7 % BLOCKS;
				read_block(&ring, fd, to[slot], numbers[slot], slot);
			}
		}
	}
	io_uring_queue_exit(&ring);
}

/* A write, a read that goes on from the cache to the disk, another write: each goes to its own file. */
static void beside_writes_to_another_file(void)
{
	enum { LENGTH = 8 * BLOCK };
	static char to[LENGTH];
	struct io_uring ring;
	int fd = uncached_file(), other = temp_file(0);
	char bytes[2] = { 0 };

	CHECK_EQ(MUST(pread(fd, to, BLOCK, 16 * BLOCK)), BLOCK);
	ring_init(&ring, 8, 0);
	io_uring_prep_write(sqe_get(&ring), other, "a", 1, 0);
	io_uring_prep_read(sqe_get(&ring), fd, to, LENGTH, 16 * BLOCK);
	io_uring_prep_write(sqe_get(&ring), other, "b", 1, 1);
	ring.sq.sqes[1].user_data = 1;
	submit(&ring, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct result one = reap_any(&ring);

		CHECK_EQ(one.res, one.user_data ? LENGTH : 1);
	}
	for (unsigned i = 0; i < LENGTH; i++)
		CHECK_EQ(to[i], block_of(16 + i / BLOCK));
	CHECK_EQ(MUST(pread(other, bytes, 2, 0)), 2);
	CHECK_EQ(memcmp(bytes, "ab", 2), 0);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(MUST(pread(fd, bytes, 1, i)), 1);
		CHECK_EQ(bytes[0], block_of(0));
	}
	io_uring_queue_exit(&ring);
}

/* What is done is let go of: nothing keeps the file once the program has closed it. */
static void the_file_is_let_go(void)
{
	enum { LENGTH = 8 * BLOCK };
	static char to[LENGTH];
	struct io_uring ring;
	int fd = uncached_file(), fds;

	ring_init(&ring, 8, 0);
	CHECK_EQ(MUST(pread(fd, to, BLOCK, 16 * BLOCK)), BLOCK);
	fds = count_fds();
	io_uring_prep_read(sqe_get(&ring), fd, to, LENGTH, 16 * BLOCK);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	CHECK_EQ(reap_any(&ring).res, LENGTH);
	close(fd);
	for (int i = 0; i < 2000 && count_fds() > fds - 1; i++)
		usleep(10000);
	CHECK_EQ(count_fds(), fds - 1);
	io_uring_queue_exit(&ring);
}

/* They come although nobody enters the ring again. */
static void nobody_waits(void)
{
	static char to[DEPTH][BLOCK];
	struct io_uring ring;
	int fd = uncached_file();

	ring_init(&ring, DEPTH, 0);
	for (unsigned i = 0; i < DEPTH; i++)
		read_block(&ring, fd, to[i], i * 5, i);
	submit(&ring, DEPTH);
	for (int i = 0; i < 20000 && io_uring_cq_ready(&ring) < DEPTH; i++)
		usleep(1000);
	CHECK_EQ(io_uring_cq_ready(&ring), DEPTH);
	io_uring_queue_exit(&ring);
}

/* A page that whoever writes to waits for, until it is `given`. */
static char *page_that_hangs(int *faults)
{
	char *page = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_THREAD_ID };
	struct uffdio_register all = { .range = { (uintptr_t)page, BLOCK }, .mode = UFFDIO_REGISTER_MODE_MISSING };

	CHECK(page != MAP_FAILED);
	*faults = (int)syscall(__NR_userfaultfd, O_CLOEXEC);
	if (*faults < 0)
		SKIP("no userfaultfd: %s", strerror(errno));
	MUST(ioctl(*faults, UFFDIO_API, &api));
	MUST(ioctl(*faults, UFFDIO_REGISTER, &all));
	return page;
}

static void given(int faults, char *page)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)page, BLOCK } };

	MUST(ioctl(faults, UFFDIO_ZEROPAGE, &zero));
}

/* Waits until somebody writes to the page; lets this process's first thread go on. The thread that it was. */
static void *await_fault(void *arg)
{
	int faults = *(int *)arg;
	struct uffd_msg fault;

	CHECK_EQ(MUST(read(faults, &fault, sizeof(fault))), sizeof(fault));
	CHECK_EQ(fault.event, UFFD_EVENT_PAGEFAULT);
	if (fault.arg.pagefault.feat.ptid == (__u32)getpid())
		given(faults, (char *)(uintptr_t)(fault.arg.pagefault.address & -(__u64)BLOCK));
	return (void *)(uintptr_t)fault.arg.pagefault.feat.ptid;
}

/*
 * The first of the ring's reads hangs, the others are behind it. Where a disk is faster than a thread that has to wait
 * for its CPU, the data is there when the submission looks, which then copies it itself: once more.
 */
static int start_behind_one_that_hangs(struct io_uring *ring, int *faults, char **page, char (*to)[BLOCK], unsigned nr)
{
	for (;;) {
		int fd = uncached_file();
		pthread_t thread;
		void *who;

		ring_init(ring, DEPTH, 0);
		if (!is_soft(ring))
			SKIP("the kernel's rings have whoever enters copy the data, who hangs then");
		*page = page_that_hangs(faults);
		CHECK_EQ(pthread_create(&thread, NULL, await_fault, faults), 0);
		read_block(ring, fd, *page, 0, 1000);
		for (unsigned i = 0; i < nr; i++)
			read_block(ring, fd, to[i], 10 + i, i);
		submit(ring, (int)nr + 1);
		CHECK_EQ(pthread_join(thread, &who), 0);
		if ((uintptr_t)who != (uintptr_t)getpid())
			return fd;
		io_uring_queue_exit(ring);
		MUST(munmap(*page, BLOCK));
		close(*faults);
		close(fd);
	}
}

static void one_that_hangs_holds_up_no_other(void)
{
	enum { OTHERS = 32 };
	static char to[OTHERS][BLOCK];
	struct io_uring ring;
	char *page;
	int faults, fd = start_behind_one_that_hangs(&ring, &faults, &page, to, OTHERS);

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < OTHERS; i++) {
			struct result one = reap_any(&ring);

			CHECK_OP(one.user_data, <, OTHERS);
			CHECK_EQ(one.res, BLOCK);
			CHECK_EQ(to[one.user_data][7], block_of(10 + OTHERS * round + (unsigned)one.user_data));
		}
		for (unsigned i = 0; !round && i < OTHERS; i++)
			read_block(&ring, fd, to[i], 10 + OTHERS + i, i);
		if (!round)
			submit(&ring, OTHERS);
	}
	given(faults, page);
	REAP(&ring, 1000, BLOCK);
	CHECK_EQ(page[9], block_of(0));
	io_uring_queue_exit(&ring);
}

static void those_behind_can_be_cancelled(void)
{
	enum { OTHERS = 8 };
	static char to[OTHERS][BLOCK];
	struct io_uring ring;
	char *page;
	int faults, cancelled = 0;

	start_behind_one_that_hangs(&ring, &faults, &page, to, OTHERS);
	io_uring_prep_cancel64(sqe_get(&ring), OTHERS - 1, 0);
	ring.sq.sqes[(OTHERS + 1) % DEPTH].user_data = 2000;
	submit(&ring, 1);
	for (unsigned i = 0; i < OTHERS + 1; i++) {
		struct result one = reap_any(&ring);

		/* On a busy machine it is read before. */
		if (one.user_data == 2000)
			CHECK(one.res == 0 || one.res == -ENOENT || one.res == -EALREADY);
		else if (one.user_data == OTHERS - 1 && one.res == -ECANCELED)
			cancelled++;
		else
			CHECK_EQ(one.res, BLOCK);
	}
	fprintf(stderr, "%d cancelled\n", cancelled);
	given(faults, page);
	REAP(&ring, 1000, BLOCK);
	io_uring_queue_exit(&ring);
}

static void the_ring_can_be_closed(void)
{
	enum { OTHERS = 8 };
	static char to[OTHERS][BLOCK];
	int fds = count_fds(), threads = count_threads();
	struct io_uring ring;
	char *page;
	int faults, fd = start_behind_one_that_hangs(&ring, &faults, &page, to, OTHERS);

	io_uring_queue_exit(&ring);
	given(faults, page);
	MUST(munmap(page, BLOCK));
	close(faults);
	close(fd);
	for (int i = 0; i < 2000 && count_threads() > threads; i++)
		usleep(10000);
	CHECK_EQ(count_threads(), threads);
	CHECK_EQ(count_fds(), fds);
}

TEST_PARTS(
	PART(all_come_with_their_data),
	PART(beside_writes_to_another_file),
	PART(the_file_is_let_go),
	PART(nobody_waits),
	PART(one_that_hangs_holds_up_no_other),
	PART(those_behind_can_be_cancelled),
	PART(the_ring_can_be_closed),
)
