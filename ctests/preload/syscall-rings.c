/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client of the rings of 2018 as they were: syscall() with hard-coded numbers, rings of its own. */
#include "preload.h"
#include <linux/aio_abi.h>
#include <stdalign.h>

MODES("auto", "native");

enum { SETUP2 = 335, RING_ENTER = 336, SCQRING = 2, SQTHREAD = 8, SQWQ = 16, SUBMIT = 1, GETEVENTS = 2 };
enum { DEPTH = 8, BLOCK = 4096, ROUNDS = 5 };

static struct {
	alignas(4096) struct iocb iocbs[DEPTH];
	alignas(4096) struct {
		uint32_t head, tail, nr_events;
		uint16_t thread_cpu, kflags;
		uint64_t iocbs, pad[5];
		uint32_t array[DEPTH];
	} sq;
	alignas(4096) struct {
		uint32_t head, tail, nr_events, pad[5];
		struct io_event events[2 * DEPTH];
	} cq;
} rings;

static aio_context_t context;

static long set_up(unsigned int flags)
{
	rings.sq.nr_events = DEPTH;
	rings.sq.thread_cpu = 0xffff;
	rings.sq.iocbs = (uintptr_t)rings.iocbs;
	rings.cq.nr_events = 2 * DEPTH;
	return syscall(SETUP2, GARBAGE(DEPTH), GARBAGE(flags), &rings.sq, &rings.cq, &context);
}

static void put(uint32_t slot, int fd, char *block, long long offset)
{
	rings.iocbs[slot] = (struct iocb) {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (unsigned int)fd,
		.aio_buf = (uintptr_t)block, .aio_nbytes = BLOCK, .aio_offset = offset,
		.aio_data = 1000 + slot,
	};
	rings.sq.array[rings.sq.tail] = slot;
	/* Indices wrap at nr_events. */
	__atomic_store_n(&rings.sq.tail, (rings.sq.tail + 1) % DEPTH, __ATOMIC_RELEASE);
}

static bool get(struct io_event *event)
{
	if (__atomic_load_n(&rings.cq.tail, __ATOMIC_ACQUIRE) == rings.cq.head)
		return false;
	*event = rings.cq.events[rings.cq.head];
	__atomic_store_n(&rings.cq.head, (rings.cq.head + 1) % (2 * DEPTH), __ATOMIC_RELEASE);
	return true;
}

static void read_rounds(unsigned int flags)
{
	enum { NR = DEPTH - 1 }; /* a wrapping ring of more would look empty */
	static char out[NR][BLOCK], in[NR][BLOCK];
	char name[] = "/var/tmp/anyring-XXXXXX";
	int fd = (int)MUST(mkstemp(name));
	struct io_event event;

	unlink(name);
	for (int i = 0; i < NR; i++)
		memset(out[i], 'a' + i, BLOCK);
	CHECK_EQ(write(fd, out, sizeof(out)), sizeof(out));
	CHECK_EQ(set_up(flags), 0);
	for (int round = 0; round < ROUNDS; round++) {
		memset(in, 0, sizeof(in));
		for (uint32_t i = 0; i < NR; i++)
			put(i, fd, in[i], (long long)i * BLOCK);
		CHECK_EQ(syscall(RING_ENTER, context, GARBAGE(NR), GARBAGE(0), GARBAGE(SUBMIT)), NR);
		for (int got = 0; got < NR; got++) {
			while (!get(&event))
				CHECK_EQ(syscall(RING_ENTER, context, GARBAGE(0), GARBAGE(1), GARBAGE(GETEVENTS)), 0);
			CHECK_EQ(event.res, BLOCK);
			CHECK_EQ(event.obj, (uintptr_t)&rings.iocbs[event.data - 1000]);
		}
		CHECK(memcmp(in, out, sizeof(in)) == 0);
	}
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
	CHECK_EQ(count_rings(), 0);
}

static void plain(void)
{
	read_rounds(SCQRING);
}

static void sq_thread(void)
{
	read_rounds(SCQRING | SQTHREAD);
}

static void work_queue(void)
{
	read_rounds(SCQRING | SQWQ);
}

static void errors(void)
{
	struct iocb *list[] = { rings.iocbs };

	CHECK_ERRNO(set_up(SQTHREAD), EINVAL);
	CHECK_ERRNO(set_up(SCQRING | 1u << 30), EINVAL);
	CHECK_ERRNO(syscall(RING_ENTER, 4444L, 1, 0, SUBMIT), EINVAL);
	CHECK_EQ(set_up(SCQRING), 0);
	CHECK_ERRNO(syscall(SYS_io_submit, context, 1L, list), EINVAL);
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
	CHECK_ERRNO(syscall(RING_ENTER, context, 0, 0, 0), EINVAL);
}

TEST_PARTS_IN_MODES(PART(plain), PART(sq_thread), PART(work_queue), PART(errors))
