/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings of provided buffers: registered, filled, consumed whole or piece by piece, freed. */
#include "rings.h"
#include <sys/mman.h>

enum { BUFFERS = 8, BUFFER_SIZE = 256, GROUP = 3 };

static unsigned char memory[BUFFERS][BUFFER_SIZE];

static struct io_uring_buf_ring *setup(struct io_uring *ring, unsigned flags)
{
	int err = 1;

	ring_init(ring, 8, 0);
	errno = 4444;
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(ring, BUFFERS, GROUP, flags, &err);

	CHECK_EQ(errno, 4444);
	if (!br && err == -EINVAL && flags)
		SKIP("this kernel does not know buffer ring flags 0x%x", flags);
	CHECK(br != NULL);
	CHECK_EQ(err, 0);
	return br;
}

static void add(struct io_uring_buf_ring *br, int bid, int offset)
{
	io_uring_buf_ring_add(br, memory[bid], BUFFER_SIZE, (unsigned short)bid,
			      io_uring_buf_ring_mask(BUFFERS), offset);
}

/* A read into whichever buffer comes next. */
static struct result read_any(struct io_uring *ring, int fd, unsigned len)
{
	struct io_uring_sqe *sqe = sqe_get(ring);

	io_uring_prep_read(sqe, fd, NULL, len, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, GROUP);
	CHECK_EQ(io_uring_submit(ring), 1);
	return reap_any(ring);
}

static int bid_of(struct result result)
{
	CHECK(result.flags & IORING_CQE_F_BUFFER);
	return (int)(result.flags >> IORING_CQE_BUFFER_SHIFT);
}

static uint16_t head_of(struct io_uring *ring)
{
	uint16_t head = 9999;
	int ret = ERRNO_KEPT(io_uring_buf_ring_head(ring, GROUP, &head));

	if (ret == -EINVAL)
		SKIP("this kernel has no IORING_REGISTER_PBUF_STATUS");
	CHECK_EQ(ret, 0);
	return head;
}

static void consumed_in_order(void)
{
	struct io_uring ring;
	struct io_uring_buf_ring *br = setup(&ring, 0);
	int fd = temp_file(100);

	CHECK_EQ(read_any(&ring, fd, BUFFER_SIZE).res, -ENOBUFS);
	for (int bid = 0; bid < BUFFERS; bid++)
		add(br, bid, bid);
	CHECK_EQ(br->tail, 0);
	io_uring_buf_ring_advance(br, BUFFERS);
	CHECK_EQ(br->tail, BUFFERS);
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), BUFFERS);
	/* three times around */
	for (int i = 0; i < 3 * BUFFERS; i++) {
		struct result result = read_any(&ring, fd, BUFFER_SIZE);

		CHECK_EQ(result.res, 100);
		CHECK_EQ(bid_of(result), i % BUFFERS);
		CHECK(has_pattern(memory[i % BUFFERS], 0, 100));
		CHECK_EQ(head_of(&ring), i + 1);
		CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), BUFFERS - 1);
		memset(memory, 0, sizeof(memory));
		add(br, i % BUFFERS, 0);
		io_uring_buf_ring_advance(br, 1);
	}
	CHECK_EQ(ERRNO_KEPT(io_uring_free_buf_ring(&ring, br, BUFFERS, GROUP)), 0);
	CHECK_EQ(read_any(&ring, fd, BUFFER_SIZE).res, -ENOBUFS);
	io_uring_queue_exit(&ring);
}

/* One call hands a buffer back and the completion as well. */
static void advance_both(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_buf_ring *br = setup(&ring, 0);
	int fd = temp_file(10);

	add(br, 0, 0);
	io_uring_buf_ring_advance(br, 1);
	for (int i = 0; i < 5; i++) {
		struct io_uring_sqe *sqe = sqe_get(&ring);

		io_uring_prep_read(sqe, fd, NULL, BUFFER_SIZE, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
		io_uring_sqe_set_buf_group(sqe, GROUP);
		CHECK_EQ(io_uring_submit(&ring), 1);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(cqe->res, 10);
		add(br, 0, 0);
		if (i % 2)
			io_uring_buf_ring_cq_advance(&ring, br, 1);
		else
			__io_uring_buf_ring_cq_advance(&ring, br, 1, 1);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		CHECK_EQ(br->tail, i + 2);
	}
	io_uring_queue_exit(&ring);
}

/* A stream of reads into one buffer, each where the last one ended. */
static void incremental(void)
{
	struct io_uring ring;
	struct io_uring_buf_ring *br = setup(&ring, IOU_PBUF_RING_INC);
	int fd = temp_file(100);

	add(br, 0, 0);
	add(br, 1, 1);
	io_uring_buf_ring_advance(br, 2);
	for (int i = 0; i < 2; i++) {
		struct result result = read_any(&ring, fd, 100);

		CHECK_EQ(result.res, 100);
		CHECK_EQ(bid_of(result), 0);
		CHECK(result.flags & IORING_CQE_F_BUF_MORE);
		CHECK(has_pattern(memory[0] + i * 100, 0, 100));
		CHECK_EQ(head_of(&ring), 0);
	}
	/* 56 bytes are left in it: they are the last */
	struct result last = read_any(&ring, fd, 56);

	CHECK_EQ(last.res, 56);
	CHECK_EQ(bid_of(last), 0);
	CHECK(!(last.flags & IORING_CQE_F_BUF_MORE));
	CHECK_EQ(head_of(&ring), 1);
	CHECK_EQ(bid_of(read_any(&ring, fd, 100)), 1);
	io_uring_queue_exit(&ring);
}

static struct io_uring_buf_reg registration(void *at, unsigned entries, int group)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)at, .ring_entries = entries, .bgid = (__u16)group,
	};

	return reg;
}

/* A buffer with fewer bytes left than that is not used on. */
static void incremental_down_to_a_rest(void)
{
	struct io_uring ring;
	int fd = temp_file(100);
	struct io_uring_buf_ring *br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	struct io_uring_buf_reg reg = registration(br, BUFFERS, GROUP);

	CHECK(br != MAP_FAILED);
	ring_init(&ring, 8, 0);
	reg.min_left = 100;
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), -EINVAL);
	int ret = io_uring_register_buf_ring(&ring, &reg, IOU_PBUF_RING_INC);

	if (ret == -EINVAL && !is_soft(&ring))
		SKIP("this kernel has no min_left");
	CHECK_EQ(ret, 0);
	io_uring_buf_ring_init(br);
	add(br, 0, 0);
	add(br, 1, 1);
	io_uring_buf_ring_advance(br, 2);
	for (int i = 0; i < 4; i++) {
		struct result result = read_any(&ring, fd, i % 2 ? 57 : 100);

		CHECK_EQ(bid_of(result), i / 2);
		/* 156 are left, then 99. */
		CHECK_EQ(!!(result.flags & IORING_CQE_F_BUF_MORE), i % 2 == 0);
	}
	io_uring_queue_exit(&ring);
}

static void in_memory_of_the_program(void)
{
	struct io_uring ring;
	int fd = temp_file(10);
	struct io_uring_buf_ring *br = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					    MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	struct io_uring_buf_reg reg = registration(br, BUFFERS, GROUP);

	CHECK((void *)br != MAP_FAILED);
	ring_init(&ring, 8, 0);
	br->tail = 77;
	io_uring_buf_ring_init(br);
	CHECK_EQ(br->tail, 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buf_ring(&ring, &reg, 0)), 0);
	CHECK_EQ(ERRNO_KEPT(io_uring_register_buf_ring(&ring, &reg, 0)), -EEXIST);
	add(br, 5, 0);
	io_uring_buf_ring_advance(br, 1);
	CHECK_EQ(bid_of(read_any(&ring, fd, BUFFER_SIZE)), 5);
	CHECK_EQ(ERRNO_KEPT(io_uring_unregister_buf_ring(&ring, GROUP)), 0);
	CHECK_OP(ERRNO_KEPT(io_uring_unregister_buf_ring(&ring, GROUP)), <, 0);
	br->tail = 0; /* still mapped: it is the program's */
	io_uring_queue_exit(&ring);
}

static void freeing_gives_the_memory_back(void)
{
	struct io_uring ring;
	struct footprint before;
	int err = 0;

	ring_init(&ring, 8, 0);
	before = footprint();
	for (int i = 0; i < 100; i++) {
		struct io_uring_buf_ring *br = io_uring_setup_buf_ring(&ring, 1024, i, 0, &err);

		CHECK(br != NULL);
		CHECK_EQ(io_uring_free_buf_ring(&ring, br, 1024, i), 0);
	}
	CHECK_FOOTPRINT(before);
	io_uring_queue_exit(&ring);
}

static void bad_arguments(void)
{
	struct io_uring ring;
	struct footprint before;
	int err = 0;

	ring_init(&ring, 8, 0);
	before = footprint();
	CHECK(io_uring_setup_buf_ring(&ring, 7, 1, 0, &err) == NULL);
	CHECK_EQ(err, -EINVAL);
	CHECK(io_uring_setup_buf_ring(&ring, 1u << 16, 1, 0, &err) == NULL);
	CHECK_EQ(err, -EINVAL);
	CHECK(io_uring_setup_buf_ring(&ring, 8, 1, 0x8000, &err) == NULL);
	CHECK_EQ(err, -EINVAL);
	CHECK_FOOTPRINT(before);
	uint16_t head;

	CHECK_OP(ERRNO_KEPT(io_uring_buf_ring_head(&ring, 1, &head)), <, 0);
	CHECK_OP(ERRNO_KEPT(io_uring_unregister_buf_ring(&ring, 1)), <, 0);
	io_uring_queue_exit(&ring);
}

/* The older way: buffers handed over by requests. */
static void buffers_by_request(void)
{
	struct io_uring ring;
	int fd = temp_file(10);

	ring_init(&ring, 8, 0);
	io_uring_prep_provide_buffers(sqe_get(&ring), memory, BUFFER_SIZE, BUFFERS, GROUP, 20);
	submit(&ring, 1);
	CHECK_OP(reap_any(&ring).res, >=, 0);
	struct result result = read_any(&ring, fd, BUFFER_SIZE);

	CHECK_EQ(result.res, 10);
	CHECK_OP(bid_of(result), >=, 20);
	CHECK_OP(bid_of(result), <, 20 + BUFFERS);
	io_uring_prep_remove_buffers(sqe_get(&ring), BUFFERS, GROUP);
	RUN_ONE(&ring, BUFFERS - 1);
	CHECK_EQ(read_any(&ring, fd, BUFFER_SIZE).res, -ENOBUFS);
	io_uring_queue_exit(&ring);
}

/* Memory of the server's: what it cannot hand out, it refuses. */
static void to_be_mapped(void)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = GROUP, .flags = IOU_PBUF_RING_MMAP };
	off_t offset = (off_t)(IORING_OFF_PBUF_RING | ((unsigned long long)GROUP << IORING_OFF_PBUF_SHIFT));
	struct io_uring ring;

	ring_init(&ring, 8, 0);
	int ret = io_uring_register_buf_ring(&ring, &reg, 0);

	if (ret == 0) {
		struct io_uring_buf_ring *br =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring.ring_fd, offset);
		int fd = temp_file(100);

		CHECK((void *)br != MAP_FAILED);
		add(br, 5, 0);
		io_uring_buf_ring_advance(br, 1);
		struct result result = read_any(&ring, fd, BUFFER_SIZE);

		CHECK_EQ(result.res, 100);
		CHECK_EQ(bid_of(result), 5);
		MUST(munmap(br, 4096));
		CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), 0);
	} else {
		CHECK_EQ(ret, -EINVAL);
	}
	io_uring_queue_exit(&ring);
}

TEST_PARTS(
	PART(consumed_in_order),
	PART(advance_both),
	PART(incremental),
	PART(incremental_down_to_a_rest),
	PART(in_memory_of_the_program),
	PART(to_be_mapped),
	PART(freeing_gives_the_memory_back),
	PART(bad_arguments),
	PART(buffers_by_request),
)
