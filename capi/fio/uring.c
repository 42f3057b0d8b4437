/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api=uring: a job on one io_uring. */
#include "engine.h"
#include <liburing.h>
#include <sys/resource.h>

struct uring_job {
	struct job job;
	struct io_uring ring;
	bool is_fixed;
	/* What each SQE begins with, by the direction of the data. */
	struct io_uring_sqe template[2];
	/* Slots of registered files; 0 when they are not. */
	unsigned int nr_files;
	unsigned int force_async;
	unsigned int since_async;
};

/* Setup flags, the best first; a kernel that does not know one refuses them all. */
static const unsigned int plain_flags[] = {
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_NO_SQARRAY,
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SUBMIT_ALL,
	0,
};
static const unsigned int polled_flags[] = {
	IORING_SETUP_SQPOLL | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
		IORING_SETUP_NO_SQARRAY,
	IORING_SETUP_SQPOLL | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_SQPOLL,
};

static struct io_uring_params params_for(const struct engine_options *o, unsigned int flags)
{
	struct io_uring_params p = { .flags = flags | IORING_SETUP_CLAMP };

	if (o->hipri)
		p.flags |= IORING_SETUP_IOPOLL;
	if (o->sqthread_poll)
		p.sq_thread_idle = 1000;
	if (o->sqthread_poll_cpu != NOT_GIVEN) {
		p.flags |= IORING_SETUP_SQ_AFF;
		p.sq_thread_cpu = (__u32)o->sqthread_poll_cpu;
	}
	return p;
}

static int make_ring(struct thread_data *td, struct uring_job *u)
{
	const struct engine_options *o = td->eo;
	const unsigned int *flags = o->sqthread_poll ? polled_flags : plain_flags;
	size_t nr = (o->sqthread_poll ? sizeof(polled_flags) : sizeof(plain_flags)) / sizeof(*flags);
	/* The SQ thread takes a batch out of the SQ only after its first completions are seen. */
	unsigned int entries = o->sqthread_poll ? 2 * td->o.iodepth : td->o.iodepth;
	int ret = -EINVAL;

	engine_backing_begin(o);
	for (size_t i = 0; i < nr && ret == -EINVAL; i++) {
		struct io_uring_params p = params_for(o, flags[i]);

		ret = io_uring_queue_init_params(entries, &u->ring, &p);
	}
	engine_backing_end(o);
	if (ret)
		return engine_fail(td, -ret, "io_uring_queue_init_params", engine_setup_hint(-ret));
	/* Saves the look-up of the descriptor in each call; older kernels do without. */
	(void)io_uring_register_ring_fd(&u->ring);
	return 0;
}

static __u8 opcode_for(const struct uring_job *u, bool writes)
{
	if (u->is_fixed)
		return writes ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED;
	if (u->job.vectors)
		return writes ? IORING_OP_WRITEV : IORING_OP_READV;
	return writes ? IORING_OP_WRITE : IORING_OP_READ;
}

/* Vectored or not, with which files: what each request has in common. */
static int choose_requests(struct thread_data *td, struct uring_job *u)
{
	const struct engine_options *o = td->eo;
	/* IORING_OP_READ came with the kernel that had this. */
	bool has_read = u->ring.features & IORING_FEAT_RW_CUR_POS;

	if (o->nonvectored == 1 && !has_read) {
		td_vmsg(td, EOPNOTSUPP, "nonvectored=1 needs Linux 5.6", "IORING_OP_READ");
		return 1;
	}
	if (!u->is_fixed && (o->nonvectored == 0 || !has_read)) {
		u->job.vectors = calloc(td->o.iodepth, sizeof(*u->job.vectors));
		if (!u->job.vectors)
			return engine_fail(td, ENOMEM, "calloc", NULL);
	}
	for (int writes = 0; writes < 2; writes++) {
		struct io_uring_sqe *sqe = &u->template[writes];

		sqe->opcode = opcode_for(u, writes);
		sqe->ioprio = (__u16)td->ioprio;
		sqe->len = u->job.vectors ? 1 : 0;
	}
	return 0;
}

static struct job *uring_start(struct thread_data *td)
{
	const struct engine_options *o = td->eo;
	struct uring_job *u = calloc(1, sizeof(*u));

	if (!u) {
		engine_fail(td, ENOMEM, "calloc", NULL);
		return NULL;
	}
	if (make_ring(td, u)) {
		free(u);
		return NULL;
	}
	u->job.api = &uring_api;
	u->job.is_polled = o->sqthread_poll;
	u->job.only_moves_data = o->hipri;
	u->is_fixed = o->fixedbufs;
	u->force_async = (unsigned int)o->force_async;
	if (choose_requests(td, u)) {
		io_uring_queue_exit(&u->ring);
		free(u->job.vectors);
		free(u);
		return NULL;
	}
	return &u->job;
}

/* Registers the buffers, on kernels that count them as locked memory with a higher limit if need be. */
static int register_buffers(struct uring_job *u, const struct iovec *buffers, unsigned int nr)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int ret = io_uring_register_buffers(&u->ring, buffers, nr);

	if (ret == -ENOMEM && !setrlimit(RLIMIT_MEMLOCK, &unlimited))
		ret = io_uring_register_buffers(&u->ring, buffers, nr);
	return ret;
}

static int use_fixed_buffers(struct thread_data *td, struct uring_job *u)
{
	unsigned int nr = td->o.iodepth;
	struct iovec *buffers;
	int ret;

	/* A job that only trims has none. */
	if (!td->orig_buffer)
		return 0;
	buffers = calloc(nr, sizeof(*buffers));
	if (!buffers)
		return engine_fail(td, ENOMEM, "calloc", NULL);
	for (unsigned int i = 0; i < nr; i++)
		buffers[i] = (struct iovec){ td->io_u_all.io_us[i]->buf, td_max_bs(td) };
	ret = register_buffers(u, buffers, nr);
	free(buffers);
	if (!ret)
		return 0;
	return engine_fail(td, -ret, "io_uring_register_buffers",
			   ret == -EINVAL ? "fixedbufs: io_uring takes at most 16384 buffers, of up to 1 GiB" :
					    engine_setup_hint(-ret));
}

/* A table of empty slots; each file fills its own while it is open. */
static int use_file_table(struct thread_data *td, struct uring_job *u)
{
	unsigned int nr = td->files_index;
	int *slots = calloc(nr, sizeof(*slots)), ret;

	if (!slots)
		return engine_fail(td, ENOMEM, "calloc", NULL);
	for (unsigned int i = 0; i < nr; i++)
		slots[i] = -1;
	ret = io_uring_register_files(&u->ring, slots, nr);
	free(slots);
	if (ret)
		return engine_fail(td, -ret, "io_uring_register_files", NULL);
	u->nr_files = nr;
	return 0;
}

static int uring_register_memory(struct thread_data *td, struct job *job)
{
	const struct engine_options *o = td->eo;
	struct uring_job *u = container_of(job, struct uring_job, job);

	if (o->fixedbufs && use_fixed_buffers(td, u))
		return 1;
	/* Older kernels' SQ threads have no other files. */
	if (o->registerfiles || (o->sqthread_poll && !(u->ring.features & IORING_FEAT_SQPOLL_NONFIXED)))
		return use_file_table(td, u);
	return 0;
}

static int uring_file_changed(struct job *job, struct fio_file *f, bool is_open)
{
	struct uring_job *u = container_of(job, struct uring_job, job);
	int fd = is_open ? f->fd : -1, ret;

	if ((unsigned int)f->fileno >= u->nr_files)
		return 0;
	ret = io_uring_register_files_update(&u->ring, (unsigned int)f->fileno, &fd, 1);
	return ret < 0 ? ret : 0;
}

static void fill_move(struct uring_job *u, struct io_uring_sqe *sqe, struct io_u *io_u)
{
	*sqe = u->template[io_u->ddir];
	sqe->off = io_u->offset;
	if (u->job.vectors) {
		struct iovec *vector = &u->job.vectors[io_u->index];

		*vector = (struct iovec){ io_u->xfer_buf, io_u->xfer_buflen };
		sqe->addr = (uintptr_t)vector;
		return;
	}
	sqe->addr = (uintptr_t)io_u->xfer_buf;
	sqe->len = (__u32)io_u->xfer_buflen;
	if (u->is_fixed)
		sqe->buf_index = (__u16)io_u->index;
}

static void fill_sync(struct thread_data *td, struct io_uring_sqe *sqe, struct io_u *io_u)
{
	const struct fio_file *f = io_u->file;

	if (io_u->ddir == DDIR_SYNC)
		io_uring_prep_fsync(sqe, f->fd, 0);
	else if (io_u->ddir == DDIR_DATASYNC)
		io_uring_prep_fsync(sqe, f->fd, IORING_FSYNC_DATASYNC);
	else if (f->last_write == f->first_write)
		/* Nothing was written; a length of 0 would be the whole file. */
		io_uring_prep_nop(sqe);
	else
		io_uring_prep_sync_file_range(sqe, f->fd, (unsigned int)(f->last_write - f->first_write),
					      f->first_write, (int)td->o.sync_file_range);
}

static bool uring_prepare(struct thread_data *td, struct job *job, struct io_u *io_u)
{
	struct uring_job *u = container_of(job, struct uring_job, job);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	unsigned int fileno = (unsigned int)io_u->file->fileno;

	if (!sqe)
		return false;
	if (ddir_sync(io_u->ddir))
		fill_sync(td, sqe, io_u);
	else
		fill_move(u, sqe, io_u);
	if (fileno < u->nr_files) {
		sqe->fd = (int)fileno;
		sqe->flags |= IOSQE_FIXED_FILE;
	} else {
		sqe->fd = io_u->file->fd;
	}
	if (u->force_async && ++u->since_async == u->force_async) {
		u->since_async = 0;
		sqe->flags |= IOSQE_ASYNC;
	}
	sqe->user_data = (uintptr_t)io_u;
	return true;
}

static bool uring_does(const struct job *job, enum fio_ddir ddir)
{
	return ddir_sync(ddir) && !job->only_moves_data;
}

static int uring_submit(struct job *job, unsigned int wait_for)
{
	struct uring_job *u = container_of(job, struct uring_job, job);
	int ret;

	if (wait_for)
		return io_uring_submit_and_wait(&u->ring, wait_for);
	ret = io_uring_submit(&u->ring);
	/* The SQ thread takes all of them. */
	return job->is_polled && ret >= 0 ? (int)job->nr_queued : ret;
}

static unsigned int uring_reap(struct thread_data *td fio_unused, struct job *job, struct io_u **events,
			       unsigned int max)
{
	struct uring_job *u = container_of(job, struct uring_job, job);
	const struct io_uring_cq *cq = &u->ring.cq;
	unsigned int head = *cq->khead, ready = io_uring_smp_load_acquire(cq->ktail) - head, nr;

	if (ready < max)
		max = ready;
	for (nr = 0; nr < max; nr++) {
		const struct io_uring_cqe *cqe = &cq->cqes[(head + nr) & cq->ring_mask];

		events[nr] = (struct io_u *)(uintptr_t)cqe->user_data;
		io_u_finish(events[nr], cqe->res);
	}
	if (nr)
		io_uring_smp_store_release(cq->khead, head + nr);
	return nr;
}

static void uring_stop(struct job *job)
{
	struct uring_job *u = container_of(job, struct uring_job, job);

	io_uring_queue_exit(&u->ring);
	free(u);
}

const struct ring_api uring_api = {
	.start = uring_start,
	.register_memory = uring_register_memory,
	.prepare = uring_prepare,
	.does = uring_does,
	.submit = uring_submit,
	.reap = uring_reap,
	.file_changed = uring_file_changed,
	.stop = uring_stop,
};
