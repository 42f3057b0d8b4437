/* Copy a file: with readv and writev at a queue depth, then with registered files and buffers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#include "old.h"

#define DEPTH 8
#define BLOCK 16384
#define SIZE (5 * 1024 * 1024 + 123)

struct block {
	struct iovec iovecs[2];
	off_t offset;
	size_t length;
	int writing;
	char data[BLOCK];
};

static int memory_file(const char *name)
{
	int fd = memfd_create(name, 0);

	CHECK(fd >= 0);
	return fd;
}

static int source_file(void)
{
	int fd = memory_file("source");
	unsigned state = 12345;
	unsigned char *data = malloc(SIZE);

	for (size_t i = 0; i < SIZE; i++) {
		state = state * 1103515245 + 12345;
		data[i] = state >> 16;
	}
	CHECK_EQ(write(fd, data, SIZE), SIZE);
	free(data);
	return fd;
}

static void check_same(int a, int b)
{
	char *left = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, a, 0);
	char *right = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, b, 0);

	CHECK(left != MAP_FAILED && right != MAP_FAILED);
	CHECK_EQ(lseek(b, 0, SEEK_END), SIZE);
	CHECK(memcmp(left, right, SIZE) == 0);
	munmap(left, SIZE);
	munmap(right, SIZE);
}

static void queue(struct io_uring *ring, int fd, struct block *block)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	size_t first = block->length / 3;

	CHECK(sqe);
	block->iovecs[0] = (struct iovec){ block->data, first };
	block->iovecs[1] = (struct iovec){ block->data + first, block->length - first };
	if (block->writing)
		io_uring_prep_writev(sqe, fd, block->iovecs, 2, block->offset);
	else
		io_uring_prep_readv(sqe, fd, block->iovecs, 2, block->offset);
	io_uring_sqe_set_data(sqe, block);
}

static int queue_read(struct io_uring *ring, int fd, struct block *block, off_t *next)
{
	if (*next == SIZE)
		return 0;
	block->offset = *next;
	block->length = SIZE - *next < BLOCK ? SIZE - *next : BLOCK;
	block->writing = 0;
	*next += block->length;
	queue(ring, fd, block);
	return 1;
}

static void copy_vectored(int in, int out)
{
	struct block *blocks = calloc(DEPTH, sizeof(*blocks));
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	off_t next = 0;
	int in_flight = 0;

	CHECK_EQ(io_uring_queue_init(DEPTH, &ring, 0), 0);
	for (int i = 0; i < DEPTH; i++)
		in_flight += queue_read(&ring, in, &blocks[i], &next);
	CHECK_EQ(io_uring_submit(&ring), in_flight);
	while (in_flight) {
		struct block *block;

		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		block = io_uring_cqe_get_data(cqe);
		CHECK_EQ(cqe->res, block->length);
		io_uring_cqe_seen(&ring, cqe);
		if (!block->writing) {
			block->writing = 1;
			queue(&ring, out, block);
		} else if (!queue_read(&ring, in, block, &next)) {
			in_flight--;
			continue;
		}
		CHECK_EQ(io_uring_submit(&ring), 1);
	}
	io_uring_queue_exit(&ring);
	free(blocks);
}

/* Each block is a read linked to a write, both of registered files and a registered buffer. */
static void copy_registered(int in, int out)
{
	static char data[BLOCK];
	struct iovec buffer = { data, BLOCK };
	int files[2] = { in, out };
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init(DEPTH, &ring, 0), 0);
	CHECK_EQ(io_uring_register_files(&ring, files, 2), 0);
	CHECK_EQ(io_uring_register_buffers(&ring, &buffer, 1), 0);
	for (off_t at = 0; at < SIZE; at += BLOCK) {
		unsigned length = SIZE - at < BLOCK ? SIZE - at : BLOCK;
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		io_uring_prep_read_fixed(sqe, 0, data, length, at, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | IOSQE_IO_LINK);
		io_uring_sqe_set_data64(sqe, 1);
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_write_fixed(sqe, 1, data, length, at, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
		io_uring_sqe_set_data64(sqe, 2);
		CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
		CHECK_EQ(reap(&ring, 1), length);
		CHECK_EQ(reap(&ring, 2), length);
	}
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	int source = source_file(), vectored = memory_file("vectored");
	int registered = memory_file("registered");

	copy_vectored(source, vectored);
	check_same(source, vectored);
	copy_registered(source, registered);
	check_same(source, registered);
	print_library();
	return 0;
}
