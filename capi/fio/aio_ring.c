/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api=aio-ring: a job on the SQ and CQ rings of Linux aio, of 2018. Heads and tails run freely. */
#include <libaio.h>
#include <anyring/aio_abi.h>

#include "engine.h"
#include <sys/mman.h>

struct aio_job {
	struct job job;
	io_context_t ctx;
	struct aio_sq_ring *sq;
	struct aio_cq_ring *cq;
	/* One for each request, by io_u->index, which FIXEDBUFS takes for the buffer's number. */
	struct iocb *iocbs;
	/* A power of two, not below the depth. */
	unsigned int nr_events;
	unsigned int flags;
	/* What the ring sees is job.nr_queued behind. */
	unsigned int tail;
	/* The backend says which reads came from the cache. */
	bool tells_hits;
};

static size_t sq_bytes(const struct aio_job *a)
{
	return sizeof(*a->sq) + a->nr_events * sizeof(__u32);
}

static size_t cq_bytes(const struct aio_job *a)
{
	return sizeof(*a->cq) + 2 * (size_t)a->nr_events * sizeof(struct io_event);
}

static size_t iocb_bytes(const struct aio_job *a)
{
	return a->nr_events * sizeof(struct iocb);
}

static void *map_pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void aio_ring_stop(struct job *job)
{
	struct aio_job *a = container_of(job, struct aio_job, job);

	if (a->ctx)
		io_destroy(a->ctx);
	if (a->sq)
		munmap(a->sq, sq_bytes(a));
	if (a->cq)
		munmap(a->cq, cq_bytes(a));
	if (a->iocbs)
		munmap(a->iocbs, iocb_bytes(a));
	free(a);
}

static unsigned int flags_for(const struct engine_options *o)
{
	unsigned int flags = IOCTX_FLAG_SCQRING;

	if (o->hipri)
		flags |= IOCTX_FLAG_IOPOLL;
	if (o->sqthread || o->sqthread_poll)
		flags |= IOCTX_FLAG_SQTHREAD;
	if (o->sqthread_poll)
		flags |= IOCTX_FLAG_SQPOLL;
	if (o->sqwq)
		flags |= IOCTX_FLAG_SQWQ;
	return flags;
}

static struct aio_job *make_job(struct thread_data *td)
{
	const struct engine_options *o = td->eo;
	struct aio_job *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->job.api = &aio_ring_api;
	a->job.is_polled = o->sqthread_poll;
	a->job.only_moves_data = o->hipri;
	a->flags = flags_for(o);
	a->tells_hits = (a->flags & (IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQWQ)) && !td->o.odirect && !o->hipri;
	for (a->nr_events = 1; a->nr_events < td->o.iodepth;)
		a->nr_events *= 2;
	if (o->nonvectored == 0) {
		a->job.vectors = calloc(td->o.iodepth, sizeof(*a->job.vectors));
		if (!a->job.vectors) {
			free(a);
			return NULL;
		}
	}
	return a;
}

static struct job *aio_ring_start(struct thread_data *td)
{
	const struct engine_options *o = td->eo;
	struct aio_job *a = make_job(td);

	if (a) {
		a->sq = map_pages(sq_bytes(a));
		a->cq = map_pages(cq_bytes(a));
		a->iocbs = map_pages(iocb_bytes(a));
	}
	if (!a || !a->sq || !a->cq || !a->iocbs) {
		engine_fail(td, ENOMEM, "the rings' memory", NULL);
		if (a) {
			free(a->job.vectors);
			aio_ring_stop(&a->job);
		}
		return NULL;
	}
	a->sq->nr_events = a->nr_events;
	a->cq->nr_events = 2 * a->nr_events;
	a->sq->iocbs = (uintptr_t)a->iocbs;
	a->sq->sq_thread_cpu = AIO_RING_ANY_CPU;
	if (o->sqthread_poll_cpu != NOT_GIVEN)
		a->sq->sq_thread_cpu = (__u16)o->sqthread_poll_cpu;
	return &a->job;
}

/* Only now are there the buffers that FIXEDBUFS reads out of the requests. */
static int aio_ring_register_memory(struct thread_data *td, struct job *job)
{
	const struct engine_options *o = td->eo;
	struct aio_job *a = container_of(job, struct aio_job, job);
	int ret;

	/* A job that only trims has no buffers. */
	if (o->fixedbufs && td->orig_buffer) {
		a->flags |= IOCTX_FLAG_FIXEDBUFS;
		/* Requests beyond the depth are never used, but must have a buffer too. */
		for (unsigned int i = 0; i < a->nr_events; i++) {
			unsigned int which = i < td->o.iodepth ? i : 0;

			a->iocbs[i].u.c.buf = td->io_u_all.io_us[which]->buf;
			a->iocbs[i].u.c.nbytes = td_max_bs(td);
		}
	}
	engine_backing_begin(o);
	ret = io_setup2(a->nr_events, a->flags, a->sq, a->cq, &a->ctx);
	engine_backing_end(o);
	return ret ? engine_fail(td, -ret, "io_setup2", engine_setup_hint(-ret)) : 0;
}

static void fill_move(struct aio_job *a, struct iocb *iocb, struct io_u *io_u)
{
	bool writes = io_u->ddir == DDIR_WRITE;

	iocb->u.c.offset = (long long)io_u->offset;
	if (a->job.vectors) {
		struct iovec *vector = &a->job.vectors[io_u->index];

		*vector = (struct iovec){ io_u->xfer_buf, io_u->xfer_buflen };
		iocb->aio_lio_opcode = writes ? IO_CMD_PWRITEV : IO_CMD_PREADV;
		iocb->u.c.buf = vector;
		iocb->u.c.nbytes = 1;
		return;
	}
	iocb->aio_lio_opcode = writes ? IO_CMD_PWRITE : IO_CMD_PREAD;
	iocb->u.c.buf = io_u->xfer_buf;
	iocb->u.c.nbytes = io_u->xfer_buflen;
}

static bool aio_ring_prepare(struct thread_data *td fio_unused, struct job *job, struct io_u *io_u)
{
	struct aio_job *a = container_of(job, struct aio_job, job);
	struct iocb *iocb = &a->iocbs[io_u->index];

	if (a->tail - io_uring_smp_load_acquire(&a->sq->head) >= a->nr_events)
		return false;
	memset(iocb, 0, sizeof(*iocb));
	if (io_u->ddir == DDIR_SYNC)
		iocb->aio_lio_opcode = IO_CMD_FSYNC;
	else if (io_u->ddir == DDIR_DATASYNC)
		iocb->aio_lio_opcode = IO_CMD_FDSYNC;
	else
		fill_move(a, iocb, io_u);
	iocb->aio_fildes = io_u->file->fd;
	iocb->data = io_u;
	a->sq->array[a->tail & (a->nr_events - 1)] = io_u->index;
	a->tail++;
	return true;
}

static bool aio_ring_does(const struct job *job, enum fio_ddir ddir)
{
	return (ddir == DDIR_SYNC || ddir == DDIR_DATASYNC) && !job->only_moves_data;
}

static int aio_ring_submit(struct job *job, unsigned int wait_for)
{
	struct aio_job *a = container_of(job, struct aio_job, job);

	io_uring_smp_store_release(&a->sq->tail, a->tail);
	if (job->is_polled) {
		/* The tail must be visible before the flag is read: the thread does it the other way round. */
		io_uring_smp_mb();
		if (!(IO_URING_READ_ONCE(a->sq->kflags) & AIO_SQ_NEED_WAKEUP))
			return (int)job->nr_queued;
	}
	return io_ring_enter(a->ctx, job->nr_queued, wait_for,
			     IORING_FLAG_SUBMIT | (wait_for ? IORING_FLAG_GETEVENTS : 0));
}

static void count_hit(struct thread_data *td, const struct io_u *io_u, const struct io_event *event)
{
	if (io_u->ddir != DDIR_READ || io_u->error)
		return;
	if (event->res2 & IOEV_RES2_CACHEHIT)
		td->ts.cachehit++;
	else
		td->ts.cachemiss++;
}

static unsigned int aio_ring_reap(struct thread_data *td, struct job *job, struct io_u **events,
				  unsigned int max)
{
	struct aio_job *a = container_of(job, struct aio_job, job);
	unsigned int mask = 2 * a->nr_events - 1, head = a->cq->head, nr = 0;
	unsigned int ready = io_uring_smp_load_acquire(&a->cq->tail) - head;

	while (nr < max && nr < ready) {
		const struct io_event *event = &a->cq->events[(head + nr) & mask];
		struct io_u *io_u = event->data;

		io_u_finish(io_u, (long)event->res);
		if (a->tells_hits)
			count_hit(td, io_u, event);
		events[nr++] = io_u;
	}
	if (nr)
		io_uring_smp_store_release(&a->cq->head, head + nr);
	return nr;
}

const struct ring_api aio_ring_api = {
	.start = aio_ring_start,
	.register_memory = aio_ring_register_memory,
	.prepare = aio_ring_prepare,
	.does = aio_ring_does,
	.submit = aio_ring_submit,
	.reap = aio_ring_reap,
	.stop = aio_ring_stop,
};
