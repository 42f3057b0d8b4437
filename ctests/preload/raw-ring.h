/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring by system calls through syscall(), and mappings of the program's own. */
#ifndef CTESTS_RAW_RING_H
#define CTESTS_RAW_RING_H

#include "preload.h"
#include <linux/io_uring.h>
#include <sys/mman.h>

struct raw {
	struct io_uring_params params;
	int fd;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static inline unsigned int *word(char *ring, unsigned int offset)
{
	return (unsigned int *)(void *)(ring + offset);
}

static inline char *mapped(const struct raw *raw, size_t size, off_t offset)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, raw->fd, offset);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static inline struct raw make(void)
{
	struct raw raw = { .params = { .flags = 0 } };
	const struct io_uring_params *p = &raw.params;

	raw.fd = (int)MUST(syscall(SYS_io_uring_setup, 8, &raw.params));
	raw.sq = mapped(&raw, p->sq_off.array + p->sq_entries * 4, IORING_OFF_SQ_RING);
	raw.cq = mapped(&raw, p->cq_off.cqes + p->cq_entries * 16, IORING_OFF_CQ_RING);
	raw.sqes = (void *)mapped(&raw, p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	return raw;
}

static inline void submit(struct raw *raw, struct io_uring_sqe sqe, unsigned int wait)
{
	unsigned int tail = *word(raw->sq, raw->params.sq_off.tail);
	unsigned int slot = tail & (raw->params.sq_entries - 1);

	raw->sqes[slot] = sqe;
	word(raw->sq, raw->params.sq_off.array)[slot] = slot;
	__atomic_store_n(word(raw->sq, raw->params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, raw->fd, 1, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0L), 1);
}

/* CQEs that were not taken. */
static inline unsigned int ready(const struct raw *raw)
{
	return __atomic_load_n(word(raw->cq, raw->params.cq_off.tail), __ATOMIC_ACQUIRE) -
	       *word(raw->cq, raw->params.cq_off.head);
}

static inline int reap(struct raw *raw)
{
	unsigned int head = *word(raw->cq, raw->params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(raw->cq + raw->params.cq_off.cqes);

	CHECK(head != __atomic_load_n(word(raw->cq, raw->params.cq_off.tail), __ATOMIC_ACQUIRE));
	int result = cqes[head & (raw->params.cq_entries - 1)].res;

	__atomic_store_n(word(raw->cq, raw->params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return result;
}

static inline void unmap(const struct raw *raw)
{
	MUST(munmap(raw->sqes, raw->params.sq_entries * sizeof(struct io_uring_sqe)));
	MUST(munmap(raw->sq, raw->params.sq_off.array + raw->params.sq_entries * 4));
	MUST(munmap(raw->cq, raw->params.cq_off.cqes + raw->params.cq_entries * 16));
}

#endif
