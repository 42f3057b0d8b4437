/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Scenarios in which one system call, thread or piece of memory fails, each in a process of its own.
 *
 * Without a failure every result must be the right one. With one it may be an error, too, but nothing may crash,
 * hang or be lost. What a scenario asks of the kernel by itself does not fail: only the library's calls do.
 */
#ifndef CTESTS_INJECT_H
#define CTESTS_INJECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <liburing.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As the library knows it (src/sys/inject/on.rs). */
struct anyring_inject {
	atomic_uint armed, kinds;
	atomic_long passed, at;
	atomic_uint which, choices;
	atomic_long call;
	atomic_int error;
	atomic_uint persists;
	atomic_long live;
};
extern struct anyring_inject anyring_inject;

enum { KIND_CALL = 1, KIND_MEMORY = 2, KIND_THREAD = 4, MEMORY = -1, THREAD = -2 };

/* Any result that is no error. */
enum { ANY = INT_MAX };

struct scenario {
	const char *name;
	void (*run)(void);
	/* Uses the library when the scenario is over; NULL for liburing's. */
	void (*use)(void);
};
extern const struct scenario ring_scenarios[], register_scenarios[], file_scenarios[], path_scenarios[],
	socket_scenarios[], event_scenarios[], aio_scenarios[];

#define SCENARIO(fn) { #fn, fn, NULL }
#define SCENARIOS_END { NULL, NULL, NULL }

/* Whether something has failed on purpose. */
static inline bool has_failed(void)
{
	return atomic_load(&anyring_inject.choices) != 0;
}

/* Ends the scenario: a result was wrong. */
_Noreturn void wrong(const char *file, int line, const char *what, long got, long want);

/* Whether `got` is the right result. It may be an error instead once something has failed. */
static inline bool is_right(const char *file, int line, const char *what, long got, long want)
{
	if (want == ANY ? got >= 0 : got == want)
		return true;
	if (got < 0 && has_failed())
		return false;
	wrong(file, line, what, got, want);
}
#define RIGHT(got, want) is_right(__FILE__, __LINE__, #got, got, want)

/* What must hold in any case. */
#define HOLDS(cond) do {                                                        \
	if (!(cond))                                                            \
		wrong(__FILE__, __LINE__, #cond, 0, 1);                         \
} while (0)

/* For the scenario's own system calls. */
#define MUST(call) ({                                                           \
	long must_ret = (long)(call);                                           \
	if (must_ret < 0)                                                       \
		wrong(__FILE__, __LINE__, #call, -errno, 0);                    \
	must_ret;                                                               \
})

/*
 * Whether a call that fails may be made again: a failure may make it fail a few times. One that persists does so for
 * good; it ends here, and what it kept back must come to pass then.
 */
static inline bool may_fail_again(int *errors)
{
	if (has_failed() && ++*errors <= 3)
		return true;
	*errors = 0;
	return has_failed() && atomic_exchange(&anyring_inject.persists, 0) != 0;
}

/* A call that may be made again when it fails: once something has failed it is, and then must succeed. */
#define AGAIN(call) ({                                                          \
	long again_ret = (long)(call);                                          \
	for (int again = 0; again_ret < 0 && may_fail_again(&again);)           \
		again_ret = (long)(call);                                       \
	again_ret;                                                              \
})

void note_opcode(unsigned opcode);

static inline bool open_ring(struct io_uring *ring, unsigned entries, unsigned flags)
{
	return RIGHT(io_uring_queue_init(entries, ring, flags), 0);
}

static inline struct io_uring_sqe *new_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	HOLDS(sqe != NULL);
	return sqe;
}

/* Submits all that was prepared: a failure may keep some back once. */
static inline void submit_all(struct io_uring *ring)
{
	for (unsigned tail = ring->sq.sqe_tail, at = *ring->sq.khead; at != tail; at++) {
		unsigned shift = (ring->flags & IORING_SETUP_SQE128) ? 1 : 0;

		note_opcode(ring->sq.sqes[(at & ring->sq.ring_mask) << shift].opcode);
	}
	/* One that fails in preparation ends a call; so may a failure, and then once. */
	for (int errors = 0; io_uring_sq_ready(ring) > 0;) {
		int ret = io_uring_submit(ring);

		if (ring->flags & IORING_SETUP_SQPOLL && ret >= 0)
			return;
		HOLDS(ret > 0 || may_fail_again(&errors));
	}
}

struct completion {
	uint64_t user_data;
	int res;
	unsigned flags;
};

/* The next completion. */
static inline struct completion take_cqe(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;

	HOLDS(AGAIN(io_uring_wait_cqe(ring, &cqe)) == 0);
	struct completion taken = { cqe->user_data, cqe->res, cqe->flags };

	io_uring_cqe_seen(ring, cqe);
	return taken;
}

/* Runs what was prepared; its result. A notice that the buffer is free again is waited for. */
static inline int run_one(struct io_uring *ring)
{
	submit_all(ring);
	struct completion cqe = take_cqe(ring);

	if ((cqe.flags & IORING_CQE_F_MORE) && !(cqe.flags & IORING_CQE_F_NOTIF))
		HOLDS(take_cqe(ring).flags & IORING_CQE_F_NOTIF);
	return cqe.res;
}

/* Prepares one request as `sqe`, runs it and looks at its result. */
#define OP(ring, want, prepare) ({                                              \
	struct io_uring_sqe *sqe = new_sqe(ring);                               \
	prepare;                                                                \
	int op_res = run_one(ring);                                             \
	RIGHT(op_res, want);                                                    \
	op_res;                                                                 \
})

static inline void *pages(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	HOLDS(memory != MAP_FAILED);
	return memory;
}

#endif
