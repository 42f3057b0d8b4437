/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the parts of the engine share: the options of a job, the state of a job, and what a ring ABI
 * has to do for it. Whoever needs <libaio.h> includes it first: fio's headers bring it along.
 */
#ifndef ANYRING_FIO_ENGINE_H
#define ANYRING_FIO_ENGINE_H

#include "fio.h"

enum api_choice { API_URING, API_AIO_RING };
enum backing_choice { BACKING_AUTO, BACKING_KERNEL, BACKING_SOFT };

/* Numbers that stand for an option that was not given. */
enum { NOT_GIVEN = -1 };

struct engine_options {
	/* fio takes offset 0 for an option without a place. */
	void *pad;
	unsigned int api;
	unsigned int backing;
	unsigned int hipri;
	unsigned int fixedbufs;
	unsigned int registerfiles;
	unsigned int sqthread;
	unsigned int sqthread_poll;
	int sqthread_poll_cpu;
	unsigned int sqwq;
	int nonvectored;
	int force_async;
};

extern struct fio_option engine_option_list[];

/* Why these options cannot be had together; NULL when they can. */
const char *engine_options_fault(const struct engine_options *o);

/* Has the rings that are made until engine_backing_end() served by whom the job wants; one job at a time. */
void engine_backing_begin(const struct engine_options *o);
void engine_backing_end(const struct engine_options *o);

/* One job. An API's own state has it as its first member. */
struct job {
	const struct ring_api *api;
	/* Prepared and not yet taken by the ring, oldest first; the first `nr_issued` have their time. */
	struct io_u **queued;
	unsigned int nr_queued;
	unsigned int nr_issued;
	/* What the last getevents() found. */
	struct io_u **events;
	/* Vectors for requests that must have one, by io_u->index. NULL when none must. */
	struct iovec *vectors;
	/* Somebody polls the SQ and fills the CQ: nothing needs a call. */
	bool is_polled;
	/* The ring refuses everything but reads and writes. */
	bool only_moves_data;
};

/* What each of the two APIs does. Calls that fail return -errno. */
struct ring_api {
	/* Makes the job's state, before fio has buffers. NULL after it has told fio why not. */
	struct job *(*start)(struct thread_data *td);
	/* Makes known what fio has allocated in between. 1 after it has told fio why not. */
	int (*register_memory)(struct thread_data *td, struct job *job);
	/* Puts a request into the SQ; false when that is full. */
	bool (*prepare)(struct thread_data *td, struct job *job, struct io_u *io_u);
	/* Can it do this operation? What it cannot, fio's own call does. */
	bool (*does)(const struct job *job, enum fio_ddir ddir);
	/* Submits what was prepared, waits for `wait_for` completions; how many the ring has taken. */
	int (*submit)(struct job *job, unsigned int wait_for);
	/* Takes up to `max` completions into `events`. */
	unsigned int (*reap)(struct thread_data *td, struct job *job, struct io_u **events, unsigned int max);
	/* Tells the ring that file `f` is open, or is about to be closed. May be NULL. */
	int (*file_changed)(struct job *job, struct fio_file *f, bool is_open);
	/* Frees all but the job's arrays. */
	void (*stop)(struct job *job);
};

extern const struct ring_api uring_api;
extern const struct ring_api aio_ring_api;

/* Tells fio the error that the job ends with, and the user what to do about it if there is a hint. */
int engine_fail(struct thread_data *td, int error, const char *what, const char *hint);

/* The hint for an error of a call that sets a ring up. NULL if there is none. */
const char *engine_setup_hint(int error);

/* How a request has ended: `res` is a number of bytes, or -errno. fio has cleared error and resid. */
static inline void io_u_finish(struct io_u *io_u, long res)
{
	if (fio_unlikely(res < 0))
		io_u->error = (unsigned int)-res;
	else if ((unsigned long long)res != io_u->xfer_buflen && !ddir_sync(io_u->ddir))
		io_u->resid = io_u->xfer_buflen - (unsigned long long)res;
}

#endif
