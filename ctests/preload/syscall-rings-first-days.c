/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Calls that had the number of io_setup2() for a while in 2018 and 2019: with six arguments, for rings that have their
 * requests in themselves, which are served; and that of what became io_uring, which is refused and writes nothing.
 */
#include "preload.h"
#include <linux/aio_abi.h>
#include <stdalign.h>

MODES("auto", "native");

enum { SETUP2 = 335, RING_ENTER = 336, USERIOCB = 1, FIXEDBUFS = 4, SCQRING = 8, SQTHREAD = 16, SQWQ = 32 };
enum { DEPTH = 8, BLOCK = 4096, ROUNDS = 5, SUBMIT = 1, GETEVENTS = 2 };

static struct {
	alignas(4096) struct iocb user_iocbs[DEPTH];
	alignas(4096) struct {
		uint32_t head, tail, nr_events, pad[13];
		struct iocb iocbs[DEPTH];
	} sq;
	alignas(4096) struct {
		uint32_t head, tail, nr_events, pad[5];
		struct io_event events[DEPTH];
	} cq;
	alignas(4096) char blocks[DEPTH][BLOCK];
} rings;

static aio_context_t context;

static long set_up(unsigned int flags)
{
	rings.sq.nr_events = DEPTH;
	rings.cq.nr_events = DEPTH;
	for (int i = 0; i < DEPTH; i++)
		rings.user_iocbs[i] = (struct iocb){ .aio_buf = (uintptr_t)rings.blocks[i], .aio_nbytes = BLOCK };
	return syscall(SETUP2, GARBAGE(DEPTH), GARBAGE(flags), rings.user_iocbs, &rings.sq, &rings.cq, &context);
}

static uint32_t put(int fd, long long offset)
{
	uint32_t at = rings.sq.tail;

	rings.sq.iocbs[at] = (struct iocb) {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (unsigned int)fd, .aio_buf = (uintptr_t)rings.blocks[at],
		.aio_nbytes = BLOCK, .aio_offset = offset, .aio_data = 1000 + at,
	};
	__atomic_store_n(&rings.sq.tail, (at + 1) % DEPTH, __ATOMIC_RELEASE);
	return at;
}

static struct io_event get(void)
{
	while (__atomic_load_n(&rings.cq.tail, __ATOMIC_ACQUIRE) == rings.cq.head)
		CHECK_EQ(syscall(RING_ENTER, context, GARBAGE(0), GARBAGE(1), GARBAGE(GETEVENTS)), 0);
	struct io_event event = rings.cq.events[rings.cq.head];

	__atomic_store_n(&rings.cq.head, (rings.cq.head + 1) % DEPTH, __ATOMIC_RELEASE);
	return event;
}

static void read_rounds(unsigned int flags)
{
	enum { NR = DEPTH - 1 }; /* a wrapping ring of more would look empty */
	char name[] = "/var/tmp/anyring-XXXXXX", block[BLOCK];
	int fd = (int)MUST(mkstemp(name));

	unlink(name);
	for (int i = 0; i < NR; i++) {
		memset(block, 'a' + i, BLOCK);
		CHECK_EQ(write(fd, block, BLOCK), BLOCK);
	}
	CHECK_EQ(set_up(flags), 0);
	for (int round = 0; round < ROUNDS; round++) {
		memset(rings.blocks, 0, sizeof(rings.blocks));
		char wanted[DEPTH] = { 0 };

		for (int i = 0; i < NR; i++)
			wanted[put(fd, (long long)i * BLOCK)] = (char)('a' + i);
		CHECK_EQ(syscall(RING_ENTER, context, GARBAGE(NR), GARBAGE(0), GARBAGE(SUBMIT)), NR);
		for (int got = 0; got < NR; got++) {
			struct io_event event = get();

			CHECK_EQ(event.res, BLOCK);
			CHECK_OP(event.obj, <, DEPTH);
			CHECK_EQ(event.data, 1000 + event.obj);
			CHECK_EQ(rings.blocks[event.obj][BLOCK - 1], wanted[event.obj]);
		}
	}
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
}

static void plain(void)
{
	read_rounds(SCQRING);
}

static void of_the_user(void)
{
	read_rounds(SCQRING | USERIOCB | FIXEDBUFS);
}

static void sq_thread(void)
{
	read_rounds(SCQRING | SQTHREAD);
}

static void work_queue(void)
{
	read_rounds(SCQRING | SQWQ);
}

/* 335(entries, iovecs, params) gave a descriptor. Behind it stands what registers held. */
static void what_became_io_uring(void)
{
	static uint64_t params[16], zero;

	CHECK_ERRNO(syscall(SETUP2, GARBAGE(DEPTH), 0L, params, &zero, &zero, &zero), EINVAL);
	CHECK_ERRNO(syscall(SETUP2, GARBAGE(DEPTH), 0L, params, 0L, &zero, 0L), EINVAL);
	CHECK_EQ(syscall(SETUP2, GARBAGE(DEPTH), 0L, params, 0L, 0L, 0L), -1);
	CHECK_EQ(zero, 0);
	for (int i = 0; i < 16; i++)
		CHECK_EQ(params[i], 0);
	/* A plain context of the series has no rings. */
	CHECK_EQ(syscall(SETUP2, GARBAGE(DEPTH), 0L, 0L, 0L, &context), 0);
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
}

TEST_PARTS_IN_MODES(PART(plain), PART(of_the_user), PART(sq_thread), PART(work_queue), PART(what_became_io_uring))
