/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * fio's side of the engine: the hooks, and when what was queued is submitted.
 *
 * fio calls commit() after each batch. When the batch was the last that the depth allows, its next
 * call is getevents(), and nothing lies between the two: then one call into the ring submits and waits.
 */
#include "engine.h"
#include <pthread.h>
#include <sched.h>

/* Looks at the CQ between two yields, when somebody else fills it. */
enum { LOOKS_PER_YIELD = 256 };
/* How often a ring that is short of memory is asked again, a millisecond apart. */
enum { MAX_RETRIES = 10000 };

struct ioengine_ops ioengine;

int engine_fail(struct thread_data *td, int error, const char *what, const char *hint)
{
	td_verror(td, error, what);
	if (hint)
		log_err("anyring: %s: %s\n", what, hint);
	return 1;
}

const char *engine_setup_hint(int error)
{
	switch (error) {
	case EPERM:
		return "io_uring is blocked here, by a seccomp policy or by sysctl kernel.io_uring_disabled";
	case ENOSYS:
		return "this kernel has no io_uring";
	case ENOMEM:
		return "not enough memory may be locked: see `ulimit -l`, or use a smaller iodepth";
	default:
		return NULL;
	}
}

/* The libraries read the environment whenever a ring is made. Jobs may be threads of one process. */
static pthread_mutex_t backing_lock = PTHREAD_MUTEX_INITIALIZER;
static char *backing_before;

void engine_backing_begin(const struct engine_options *o)
{
	const char *before;

	pthread_mutex_lock(&backing_lock);
	if (o->backing == BACKING_AUTO)
		return;
	before = getenv("ANYRING_BACKING");
	backing_before = before ? strdup(before) : NULL;
	setenv("ANYRING_BACKING", o->backing == BACKING_SOFT ? "soft" : "kernel", 1);
}

void engine_backing_end(const struct engine_options *o)
{
	if (o->backing != BACKING_AUTO) {
		if (backing_before)
			setenv("ANYRING_BACKING", backing_before, 1);
		else
			unsetenv("ANYRING_BACKING");
		free(backing_before);
	}
	pthread_mutex_unlock(&backing_lock);
}

/* The ops version says that fio's hooks are the same, not that its structures are. */
static bool is_our_fio(struct thread_data *td)
{
	if (strcmp(fio_version_string, FIO_VERSION_BUILT_FOR)) {
		log_err("anyring: the engine was built for %s, this is %s: run `make fio` again\n",
			FIO_VERSION_BUILT_FOR, fio_version_string);
		return false;
	}
	if (td->io_ops != &ioengine) {
		log_err("anyring: this fio was configured otherwise than the source that the engine was built with\n");
		return false;
	}
	return true;
}

/* Runs in the process, and the thread, that submits. */
static int anyring_init(struct thread_data *td)
{
	const struct engine_options *o = td->eo;
	const char *fault;
	struct job *job;

	if (!is_our_fio(td))
		return 1;
	fault = engine_options_fault(o);
	if (fault) {
		td_vmsg(td, EINVAL, fault, "options");
		return 1;
	}
	job = o->api == API_URING ? uring_api.start(td) : aio_ring_api.start(td);
	if (!job)
		return 1;
	td->io_ops_data = job;
	job->queued = calloc(td->o.iodepth, sizeof(*job->queued));
	job->events = calloc(td->o.iodepth, sizeof(*job->events));
	if (!job->queued || !job->events)
		return engine_fail(td, ENOMEM, "calloc", NULL);
	return 0;
}

static void anyring_cleanup(struct thread_data *td)
{
	struct job *job = td->io_ops_data;

	if (!job)
		return;
	td->io_ops_data = NULL;
	free(job->queued);
	free(job->events);
	free(job->vectors);
	job->api->stop(job);
}

static int anyring_post_init(struct thread_data *td)
{
	struct job *job = td->io_ops_data;

	return job->api->register_memory(td, job);
}

/* Gives the first `nr` of what is queued the time at which it went out. */
static void mark_issued(struct thread_data *td, struct job *job, unsigned int nr)
{
	struct timespec now;

	if (nr <= job->nr_issued)
		return;
	if (fio_fill_issue_time(td)) {
		fio_gettime(&now, NULL);
		for (unsigned int i = job->nr_issued; i < nr; i++) {
			job->queued[i]->issue_time = now;
			io_u_queued(td, job->queued[i]);
		}
		/* For replays only. */
		if (td->o.read_iolog_file)
			td->last_issue = now;
	}
	job->nr_issued = nr;
}

/* Submits what is queued, and waits for `wait_for` completions. 0, or -errno that is worth a retry. */
static int submit(struct thread_data *td, struct job *job, unsigned int wait_for)
{
	unsigned int nr;
	int ret;

	/* The wait is no part of submitting. */
	if (wait_for && job->nr_queued)
		mark_issued(td, job, job->nr_queued);
	ret = job->api->submit(job, wait_for);
	if (ret < 0)
		return ret;
	nr = (unsigned int)ret;
	if (!nr)
		return job->nr_queued ? -EAGAIN : 0;
	mark_issued(td, job, nr);
	io_u_mark_submit(td, nr);
	job->nr_queued -= nr;
	job->nr_issued -= nr;
	if (fio_unlikely(job->nr_queued))
		memmove(job->queued, job->queued + nr, job->nr_queued * sizeof(*job->queued));
	return 0;
}

/* What goes away by itself, when completions are taken or memory is freed. */
static bool is_transient(int ret)
{
	return ret == -EINTR || ret == -EAGAIN || ret == -EBUSY;
}

static int anyring_commit(struct thread_data *td)
{
	struct job *job = td->io_ops_data;
	int ret;

	if (!job->nr_queued)
		return 0;
	/* All requests are in use: getevents() is next. */
	if (!job->is_polled && io_u_qempty(&td->io_u_freelist))
		return 0;
	do {
		ret = submit(td, job, 0);
	} while (ret == -EINTR || (!ret && job->nr_queued));
	/* It stays queued; fio takes completions before it queues more than fits, which makes room. */
	return is_transient(ret) ? 0 : ret;
}

/* fio's own calls, for what the ring cannot do. */
static enum fio_q_status run_now(struct thread_data *td, struct job *job, struct io_u *io_u)
{
	while (job->nr_queued) {
		int ret = submit(td, job, 0);

		if (ret && ret != -EINTR) {
			if (is_transient(ret))
				return FIO_Q_BUSY;
			io_u->error = (unsigned int)-ret;
			return FIO_Q_COMPLETED;
		}
	}
	if (io_u->ddir == DDIR_TRIM) {
		do_io_u_trim(td, io_u);
	} else {
		if (fio_fill_issue_time(td))
			fio_gettime(&io_u->issue_time, NULL);
		do_io_u_sync(td, io_u);
	}
	io_u_mark_submit(td, 1);
	io_u_mark_complete(td, 1);
	return FIO_Q_COMPLETED;
}

static enum fio_q_status anyring_queue(struct thread_data *td, struct io_u *io_u)
{
	struct job *job = td->io_ops_data;

	if (io_u->ddir != DDIR_READ && io_u->ddir != DDIR_WRITE && !job->api->does(job, io_u->ddir))
		return run_now(td, job, io_u);
	if (!job->api->prepare(td, job, io_u))
		return FIO_Q_BUSY;
	job->queued[job->nr_queued++] = io_u;
	return FIO_Q_QUEUED;
}

/* Lets time pass until there may be more in the CQ. 0, or -errno that ends the job. */
static int wait_for_events(struct thread_data *td, struct job *job, unsigned int nr, unsigned int *tries)
{
	int ret;

	if (job->is_polled && !job->nr_queued) {
		if (++*tries % LOOKS_PER_YIELD == 0)
			sched_yield();
		else
			nop;
		return 0;
	}
	ret = submit(td, job, job->is_polled ? 0 : nr);
	if (!ret || ret == -EINTR)
		return 0;
	if (!is_transient(ret) || ++*tries > MAX_RETRIES)
		return ret;
	usleep(1000);
	return 0;
}

static int anyring_getevents(struct thread_data *td, unsigned int min, unsigned int max,
			     const struct timespec *timeout fio_unused)
{
	struct job *job = td->io_ops_data;
	unsigned int nr = job->api->reap(td, job, job->events, max), tries = 0;
	int ret;

	if (nr >= min && (job->nr_queued || !nr)) {
		/* What is queued must not stay behind; and some rings look for completions when called. */
		ret = submit(td, job, 0);
		if (ret && !is_transient(ret))
			return ret;
		if (nr < max)
			nr += job->api->reap(td, job, job->events + nr, max - nr);
	}
	while (nr < min) {
		ret = wait_for_events(td, job, min - nr, &tries);
		if (ret)
			return ret;
		nr += job->api->reap(td, job, job->events + nr, max - nr);
	}
	return (int)nr;
}

static struct io_u *anyring_event(struct thread_data *td, int event)
{
	struct job *job = td->io_ops_data;

	return job->events[event];
}

static int anyring_open_file(struct thread_data *td, struct fio_file *f)
{
	struct job *job = td->io_ops_data;
	int ret = generic_open_file(td, f);

	/* fio opens files before the job runs as well. */
	if (ret || !job || !job->api->file_changed)
		return ret;
	ret = job->api->file_changed(job, f, true);
	if (!ret)
		return 0;
	engine_fail(td, -ret, "io_uring_register_files_update", NULL);
	if (generic_close_file(td, f))
		log_err("anyring: %s cannot be closed\n", f->file_name);
	return 1;
}

static int anyring_close_file(struct thread_data *td, struct fio_file *f)
{
	struct job *job = td->io_ops_data;
	int ret = 0, closed;

	if (job && job->api->file_changed)
		ret = -job->api->file_changed(job, f, false);
	closed = generic_close_file(td, f);
	return closed ? closed : ret;
}

/* fio looks it up by this name. */
struct ioengine_ops ioengine = {
	.name = "anyring",
	.version = FIO_IOOPS_VERSION,
	.flags = FIO_ASYNCIO_SYNC_TRIM | FIO_NO_OFFLOAD | FIO_ASYNCIO_SETS_ISSUE_TIME,
	.init = anyring_init,
	.post_init = anyring_post_init,
	.queue = anyring_queue,
	.commit = anyring_commit,
	.getevents = anyring_getevents,
	.event = anyring_event,
	.cleanup = anyring_cleanup,
	.open_file = anyring_open_file,
	.close_file = anyring_close_file,
	.get_file_size = generic_get_file_size,
	.options = engine_option_list,
	.option_struct_size = sizeof(struct engine_options),
};
