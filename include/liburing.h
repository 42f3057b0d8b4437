/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The liburing 2.15 API, served by anyring.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIB_URING_H
#define LIB_URING_H

/* In strict dialects the C library says what a signal set or a set of CPUs is only to who asks for all it has. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#ifndef _SYS_WAIT_H
/* After <linux/wait.h> these are macros, which the C library has as enumerators of the same values. */
#undef P_ALL
#undef P_PID
#undef P_PGID
#if !defined(__GLIBC__) || __GLIBC__ > 2 || __GLIBC_MINOR__ >= 36
#undef P_PIDFD
#endif
#endif
#include <sys/wait.h>
#include <linux/swab.h>

/* A header before this one may have been included with less. */
#if defined(__GLIBC__) && !defined(__loff_t_defined)
typedef __loff_t loff_t;
#define __loff_t_defined
#endif

#include "liburing/compat.h"
#include "liburing/io_uring.h"
#include "liburing/io_uring/query.h"
#include "liburing/io_uring/bpf_filter.h"
#include "liburing/io_uring_version.h"
#include "liburing/barrier.h"

#ifndef uring_unlikely
#define uring_unlikely(cond) __builtin_expect(!!(cond), 0)
#endif
#ifndef uring_likely
#define uring_likely(cond) __builtin_expect(!!(cond), 1)
#endif

/* Inside of an if: it stays a branch, so that the processor goes on by its guess. */
#define uring_keep_branch() __asm__ __volatile__("")

/*
 * The functions that have their body here. From C++20 on they are `inline` with external linkage, so
 * that modules can export what uses them.
 */
#ifndef IOURINGINLINE
#if defined(__cplusplus) && __cplusplus >= 202002L
#define IOURINGINLINE inline
#else
#define IOURINGINLINE static inline
#endif
#endif

#ifdef __cplusplus
#define LIBURING_NOEXCEPT noexcept
#else
#define LIBURING_NOEXCEPT
#endif

/* The symbol of a function whose name a macro of liburing/io_uring.h may stand for. */
#define LIBURING_SYMBOL(name) __asm__(name)

#ifdef __cplusplus
extern "C" {
#endif

struct epoll_event;
struct statx;

/* The submission queue of a ring, as the application sees it. */
struct io_uring_sq {
	/* Shared: the server's index of the next entry to take. */
	unsigned int *khead;
	/* Shared: the index behind the last entry submitted. */
	unsigned int *ktail;
	/* Shared: the number of entries minus one. Read by programs built before 2.3. */
	unsigned int *kring_mask;
	/* Shared: the number of entries. Read by programs built before 2.3. */
	unsigned int *kring_entries;
	/* Shared: `IORING_SQ_*`. */
	unsigned int *kflags;
	/* Shared: the count of entries refused for a bad index. */
	unsigned int *kdropped;
	/* Shared: the index array; NULL with `IORING_SETUP_NO_SQARRAY`. */
	unsigned int *array;
	/* The SQEs. */
	struct io_uring_sqe *sqes;
	/* The index of the first SQE that is not yet in the ring. */
	unsigned int sqe_head;
	/* The index behind the last SQE handed out. */
	unsigned int sqe_tail;
	/* The size of the ring's mapping in bytes. */
	size_t ring_sz;
	/* The ring's mapping. */
	void *ring_ptr;
	/* The number of entries minus one. */
	unsigned int ring_mask;
	/* The number of entries. */
	unsigned int ring_entries;
	/* The size of the SQEs' memory in bytes. */
	unsigned int sqes_sz;
	/* Reserved: 0. */
	unsigned int pad;
};

/* The completion queue of a ring, as the application sees it. */
struct io_uring_cq {
	/* Shared: the index of the next CQE to read. */
	unsigned int *khead;
	/* Shared: the server's index behind the last CQE. */
	unsigned int *ktail;
	/* Shared: the number of entries minus one. Read by programs built before 2.3. */
	unsigned int *kring_mask;
	/* Shared: the number of entries. Read by programs built before 2.3. */
	unsigned int *kring_entries;
	/* Shared: `IORING_CQ_*`; NULL on kernels without them. */
	unsigned int *kflags;
	/* Shared: the count of CQEs lost for want of room. */
	unsigned int *koverflow;
	/* The CQEs. */
	struct io_uring_cqe *cqes;
	/* The size of the ring's mapping in bytes. */
	size_t ring_sz;
	/* The ring's mapping; may be the submission queue's. */
	void *ring_ptr;
	/* The number of entries minus one. */
	unsigned int ring_mask;
	/* The number of entries. */
	unsigned int ring_entries;
	/* Reserved: 0. */
	unsigned int pad[2];
};

/* A ring. The size has been 216 bytes since liburing 2.0; the application owns the struct. */
struct io_uring {
	/* The submission queue. */
	struct io_uring_sq sq;
	/* The completion queue. */
	struct io_uring_cq cq;
	/* `IORING_SETUP_*` that the ring was made with. */
	unsigned int flags;
	/* The ring's file descriptor, or -1 when it has none. */
	int ring_fd;
	/* `IORING_FEAT_*` of the server. */
	unsigned int features;
	/* What enter is called with: `ring_fd` or the registered index. */
	int enter_ring_fd;
	/* The library's own flags. */
	__u8 int_flags;
	/* Reserved: 0. */
	__u8 pad[3];
	/* Reserved: 0. */
	unsigned int pad2;
};

/* A walk over the CQEs that were ready when it began. */
struct io_uring_cqe_iter {
	/* The ring's CQEs. */
	struct io_uring_cqe *cqes;
	/* The number of entries minus one. */
	unsigned int mask;
	/* 1 if entries are 32 bytes, otherwise 0. */
	unsigned int shift;
	/* The index of the next CQE. */
	unsigned int head;
	/* The index behind the last CQE. */
	unsigned int tail;
};

/* The refill ring of a zero-copy receive queue, as the application sees it. */
struct io_uring_zcrx_rq {
	/* Shared: the kernel's index of the next entry to take. */
	__u32 *khead;
	/* Shared: the index behind the last entry given back. */
	__u32 *ktail;
	/* The application's copy of the tail. */
	__u32 rq_tail;
	/* The number of entries. */
	unsigned int ring_entries;
	/* The entries. */
	struct io_uring_zcrx_rqe *rqes;
	/* The ring's mapping. */
	void *ring_ptr;
};

/* `user_data` of the timeout that a wait submits when the kernel lacks `IORING_FEAT_EXT_ARG`. */
#define LIBURING_UDATA_TIMEOUT 18446744073709551615ULL

/* Submits what was prepared. Answers how many SQEs went out (with SQPOLL: may go out), or -errno. */
int io_uring_submit(struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Submits what was prepared and waits for `wait_nr` completions in the same call. Answers how many
 * SQEs went out, or -errno.
 */
int io_uring_submit_and_wait(struct io_uring *ring, unsigned int wait_nr) LIBURING_NOEXCEPT;

/* Submits what was prepared and has pending completions posted, without waiting for any. */
int io_uring_submit_and_get_events(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Has pending completions posted: overflowed CQEs, deferred task work, polled I/O. */
int io_uring_get_events(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Waits until an SQPOLL ring's full SQ has room. io_uring_sqring_wait() calls it when it has none. */
int __io_uring_sqring_wait(struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Submits `submit` published SQEs and waits for `wait_nr` CQEs under `sigmask` (may be NULL); the
 * inline wait functions call it when the CQ holds too few. Answers what the first enter did, 0
 * without one, or -errno.
 */
int __io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned int submit,
	unsigned int wait_nr, sigset_t *sigmask) LIBURING_NOEXCEPT;

/*
 * Waits for `wait_nr` CQEs, no longer than `ts` and under `sigmask` (NULL: for ever, the thread's
 * own). 0 with the oldest in `cqe_ptr`, -ETIME, -EINTR or another -errno.
 */
int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned int wait_nr,
	struct __kernel_timespec *ts, sigset_t *sigmask) LIBURING_NOEXCEPT;

/* io_uring_wait_cqes() for one CQE under the thread's own signal mask. */
int io_uring_wait_cqe_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
	struct __kernel_timespec *ts) LIBURING_NOEXCEPT;

/*
 * io_uring_wait_cqes() that is content with fewer CQEs, but at least one, once `min_ts_usec`
 * microseconds have passed. -EINVAL without IORING_FEAT_MIN_TIMEOUT.
 */
int io_uring_wait_cqes_min_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
	unsigned int wait_nr, struct __kernel_timespec *ts, unsigned int min_ts_usec,
	sigset_t *sigmask) LIBURING_NOEXCEPT;

/*
 * Submits what was prepared and waits for `wait_nr` CQEs, no longer than `ts`. Answers how many
 * SQEs went out also when the time is over (`cqe_ptr` is NULL then); -ETIME when none did.
 */
int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
	unsigned int wait_nr, struct __kernel_timespec *ts, sigset_t *sigmask) LIBURING_NOEXCEPT;

/*
 * io_uring_submit_and_wait_timeout() that is content with fewer CQEs, but at least one, once
 * `min_wait` microseconds have passed. Without `ts` there is no minimum either. -EINVAL without
 * IORING_FEAT_MIN_TIMEOUT.
 */
int io_uring_submit_and_wait_min_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
	unsigned int wait_nr, struct __kernel_timespec *ts, unsigned int min_wait,
	sigset_t *sigmask) LIBURING_NOEXCEPT;

/*
 * Submits what was prepared and waits as entry `reg_index` of the ring's registered wait region
 * says (struct io_uring_reg_wait). -EINVAL without IORING_FEAT_EXT_ARG.
 */
int io_uring_submit_and_wait_reg(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
	unsigned int wait_nr, int reg_index) LIBURING_NOEXCEPT;

/*
 * Stores the addresses of up to `count` ready CQEs in `cqes`, oldest first, without consuming
 * them; answers how many.
 */
unsigned int io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes,
	unsigned int count) LIBURING_NOEXCEPT;

/*
 * Says whether waits on this ring count as I/O wait in the system's statistics (they do at first).
 * -EOPNOTSUPP without IORING_FEAT_NO_IOWAIT.
 */
int io_uring_set_iowait(struct io_uring *ring, bool enable_iowait) LIBURING_NOEXCEPT;

/* Signals eventfd `fd` whenever a CQE is posted. 0 or -errno. */
int io_uring_register_eventfd(struct io_uring *ring, int fd) LIBURING_NOEXCEPT;

/* Signals eventfd `fd` for those CQEs only that were not posted during a submission. 0 or -errno. */
int io_uring_register_eventfd_async(struct io_uring *ring, int fd) LIBURING_NOEXCEPT;

/* Ends the signalling of the eventfd. 0, or -ENXIO when there was none. */
int io_uring_unregister_eventfd(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Fills `p` in with what the server knows of the first `nr` operations. 0 or -errno. */
int io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *p,
	unsigned int nr) LIBURING_NOEXCEPT;

/* Registers the caller's credentials; answers the id for `sqe->personality`, or -errno. */
int io_uring_register_personality(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Forgets personality `id`. 0, or -EINVAL when there is none such. */
int io_uring_unregister_personality(struct io_uring *ring, int id) LIBURING_NOEXCEPT;

/*
 * Allows only what the `nr_res` entries at `res` say, once the ring is enabled; for a ring made with
 * IORING_SETUP_R_DISABLED. 0, -EBADFD when it is enabled, -EBUSY when there are restrictions.
 */
int io_uring_register_restrictions(struct io_uring *ring, struct io_uring_restriction *res,
	unsigned int nr_res) LIBURING_NOEXCEPT;

/* Lets a ring made with IORING_SETUP_R_DISABLED start. 0, or -EBADFD when it is enabled already. */
int io_uring_enable_rings(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Binds the ring's workers to the CPUs of `mask` (`cpusz` bytes). 0 or -errno. */
int io_uring_register_iowq_aff(struct io_uring *ring, size_t cpusz,
	const cpu_set_t *mask) LIBURING_NOEXCEPT;

/* Lets the ring's workers run on every CPU again. 0 or -errno. */
int io_uring_unregister_iowq_aff(struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Sets the most bounded and unbounded workers to `values[0]` and `values[1]` (0 leaves one as it is);
 * answers 0 with the former values stored there, or -errno.
 */
int io_uring_register_iowq_max_workers(struct io_uring *ring,
	unsigned int *values) LIBURING_NOEXCEPT;

/*
 * Registers the ring with the calling task, so that each enter saves the descriptor look-up. 1, or
 * -EEXIST when it is registered, or another -errno.
 */
int io_uring_register_ring_fd(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Takes io_uring_register_ring_fd() back. 1, or -EINVAL when the ring is not registered. */
int io_uring_unregister_ring_fd(struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Closes the descriptor of a registered ring, which goes on by its index. 1; -EOPNOTSUPP without
 * IORING_FEAT_REG_REG_RING, -EINVAL when it is not registered, -EBADF when it was closed before.
 */
int io_uring_close_ring_fd(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Registers the buffer ring that `reg` describes, with `flags` (IOU_PBUF_RING_*) added. 0 or -errno. */
int io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg,
	unsigned int flags) LIBURING_NOEXCEPT;

/* Unregisters buffer group `bgid`. 0, or -EINVAL or -ENOENT when there is none such. */
int io_uring_unregister_buf_ring(struct io_uring *ring, int bgid) LIBURING_NOEXCEPT;

/*
 * Allocates an empty ring of `nentries` (a power of two) buffers and registers it as group `bgid`.
 * NULL on failure, with -errno in `err`. Free with io_uring_free_buf_ring().
 */
struct io_uring_buf_ring *io_uring_setup_buf_ring(struct io_uring *ring, unsigned int nentries,
	int bgid, unsigned int flags, int *err) LIBURING_NOEXCEPT;

/* Unregisters and frees a ring of `nentries` buffers that io_uring_setup_buf_ring() made. 0 or -errno. */
int io_uring_free_buf_ring(struct io_uring *ring, struct io_uring_buf_ring *br,
	unsigned int nentries, int bgid) LIBURING_NOEXCEPT;

/* Stores in `head` where group `buf_group` takes its next buffer from. 0 or -errno. */
int io_uring_buf_ring_head(struct io_uring *ring, int buf_group, uint16_t *head) LIBURING_NOEXCEPT;

/* Cancels what `reg` matches and waits until it is gone. 0, -ENOENT, -ETIME or another -errno. */
int io_uring_register_sync_cancel(struct io_uring *ring,
	struct io_uring_sync_cancel_reg *reg) LIBURING_NOEXCEPT;

/* Sends the IORING_OP_MSG_RING that `sqe` describes, without a ring to send from. 0 or -errno. */
int io_uring_register_sync_msg(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT;

/* Turns network busy polling on as `napi` says, and stores there what was set. 0 or -errno. */
int io_uring_register_napi(struct io_uring *ring, struct io_uring_napi *napi) LIBURING_NOEXCEPT;

/* Turns network busy polling off and stores in `napi` (may be NULL) what was set. 0 or -errno. */
int io_uring_unregister_napi(struct io_uring *ring, struct io_uring_napi *napi) LIBURING_NOEXCEPT;

/* Chooses the clock of waits with a timeout: CLOCK_MONOTONIC or CLOCK_BOOTTIME. 0 or -errno. */
int io_uring_register_clock(struct io_uring *ring,
	struct io_uring_clock_register *arg) LIBURING_NOEXCEPT;

/* Registers a memory region, for instance of waits (IORING_MEM_REGION_REG_WAIT_ARG). 0 or -errno. */
int io_uring_register_region(struct io_uring *ring,
	struct io_uring_mem_region_reg *reg) LIBURING_NOEXCEPT;

/*
 * Answers -EINVAL: kernels took registered waits this way in no release; io_uring_register_region()
 * serves instead.
 */
int io_uring_register_wait_reg(struct io_uring *ring, struct io_uring_reg_wait *reg,
	int nr) LIBURING_NOEXCEPT;

/* Registers a network interface queue for zero-copy receive. 0 or -errno. */
int io_uring_register_ifq(struct io_uring *ring,
	struct io_uring_zcrx_ifq_reg *reg) LIBURING_NOEXCEPT;

/* Controls a zero-copy receive queue as `ctrl` says. 0 or -errno. */
int io_uring_register_zcrx_ctrl(struct io_uring *ring, struct zcrx_ctrl *ctrl) LIBURING_NOEXCEPT;

/* Adds a BPF filter over what this ring may submit. 0 or -errno. */
int io_uring_register_bpf_filter(struct io_uring *ring, struct io_uring_bpf *bpf) LIBURING_NOEXCEPT;

/* Adds a BPF filter over what all later rings of the calling task may submit. 0 or -errno. */
int io_uring_register_bpf_filter_task(struct io_uring_bpf *bpf) LIBURING_NOEXCEPT;

/*
 * Asks the kernel what it knows, without a ring: the chain of questions that starts at `query`.
 * 0 or -errno; each question has a result of its own.
 */
int io_uring_register_query(struct io_uring_query_hdr *query) LIBURING_NOEXCEPT;

/* Registers `nr_files` descriptors (-1: an empty slot) for IOSQE_FIXED_FILE. 0 or -errno. */
int io_uring_register_files(struct io_uring *ring, const int *files,
	unsigned int nr_files) LIBURING_NOEXCEPT;

/* Registers a table of `nr` empty slots for files. 0 or -errno. */
int io_uring_register_files_sparse(struct io_uring *ring, unsigned int nr) LIBURING_NOEXCEPT;

/*
 * As io_uring_register_files(); a file that the ring has let go of posts a CQE with its tag as
 * user_data (tag 0: none). `tags` may be NULL.
 */
int io_uring_register_files_tags(struct io_uring *ring, const int *files, const __u64 *tags,
	unsigned int nr) LIBURING_NOEXCEPT;

/*
 * Replaces `nr_files` registered files from slot `off` on (-1 empties a slot, IORING_REGISTER_FILES_SKIP
 * keeps it). Answers how many were, or -errno.
 */
int io_uring_register_files_update(struct io_uring *ring, unsigned int off, const int *files,
	unsigned int nr_files) LIBURING_NOEXCEPT;

/* As io_uring_register_files_update(), with new tags. */
int io_uring_register_files_update_tag(struct io_uring *ring, unsigned int off, const int *files,
	const __u64 *tags, unsigned int nr_files) LIBURING_NOEXCEPT;

/* Restricts IORING_FILE_INDEX_ALLOC to `len` slots from `off` on. 0 or -errno. */
int io_uring_register_file_alloc_range(struct io_uring *ring, unsigned int off,
	unsigned int len) LIBURING_NOEXCEPT;

/* Lets go of all registered files. 0, or -ENXIO when there are none. */
int io_uring_unregister_files(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Registers `nr_iovecs` buffers for the fixed reads and writes. 0 or -errno. */
int io_uring_register_buffers(struct io_uring *ring, const struct iovec *iovecs,
	unsigned int nr_iovecs) LIBURING_NOEXCEPT;

/* Registers a table of `nr` empty slots for buffers. 0 or -errno. */
int io_uring_register_buffers_sparse(struct io_uring *ring, unsigned int nr) LIBURING_NOEXCEPT;

/*
 * As io_uring_register_buffers(); a buffer that the ring has let go of posts a CQE with its tag as
 * user_data (tag 0: none). `tags` may be NULL.
 */
int io_uring_register_buffers_tags(struct io_uring *ring, const struct iovec *iovecs,
	const __u64 *tags, unsigned int nr) LIBURING_NOEXCEPT;

/* Replaces `nr` registered buffers and their tags from slot `off` on. Answers how many were, or -errno. */
int io_uring_register_buffers_update_tag(struct io_uring *ring, unsigned int off,
	const struct iovec *iovecs, const __u64 *tags, unsigned int nr) LIBURING_NOEXCEPT;

/* Lets go of all registered buffers. 0, or -ENXIO when there are none. */
int io_uring_unregister_buffers(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Shares all of `src`'s registered buffers with `dst`, which must have none. 0 or -errno. */
int io_uring_clone_buffers(struct io_uring *dst,
	struct io_uring *src) LIBURING_NOEXCEPT LIBURING_SYMBOL("io_uring_clone_buffers");

/*
 * Shares `nr` of `src`'s registered buffers from `src_off` on with `dst`, at `dst_off`; `flags` are
 * IORING_REGISTER_DST_REPLACE or 0. 0 or -errno.
 */
int io_uring_clone_buffers_offset(struct io_uring *dst, struct io_uring *src, unsigned int dst_off,
	unsigned int src_off, unsigned int nr, unsigned int flags) LIBURING_NOEXCEPT;

/*
 * As io_uring_clone_buffers(), with the caller's `flags` alone: a ring that another task registered is
 * named by its descriptor.
 */
int __io_uring_clone_buffers(struct io_uring *dst, struct io_uring *src,
	unsigned int flags) LIBURING_NOEXCEPT;

/* As io_uring_clone_buffers_offset(), with the caller's `flags` alone. */
int __io_uring_clone_buffers_offset(struct io_uring *dst, struct io_uring *src,
	unsigned int dst_off, unsigned int src_off, unsigned int nr,
	unsigned int flags) LIBURING_NOEXCEPT;

/*
 * Makes a ring with room for `entries` SQEs (rounded up to a power of two, at most 32768) and
 * `flags` (`IORING_SETUP_*`). 0 on success, else -errno of io_uring_setup(2) or mmap(2).
 */
int io_uring_queue_init(unsigned int entries, struct io_uring *ring,
	unsigned int flags) LIBURING_NOEXCEPT;

/* As io_uring_queue_init(), with all parameters; `p` is answered with what the ring became. */
int io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
	struct io_uring_params *p) LIBURING_NOEXCEPT;

/*
 * As io_uring_queue_init_params(), in the `buf_size` bytes at `buf` (page aligned), which stay the
 * caller's and must outlive the ring. Answers the bytes used; -ENOMEM when there are not enough.
 */
int io_uring_queue_init_mem(unsigned int entries, struct io_uring *ring, struct io_uring_params *p,
	void *buf, size_t buf_size) LIBURING_NOEXCEPT;

/* Maps ring `fd`, which io_uring_setup() made with the answer `p`, into `ring`. */
int io_uring_queue_mmap(int fd, struct io_uring_params *p, struct io_uring *ring) LIBURING_NOEXCEPT;

/* Unmaps and closes the ring. */
void io_uring_queue_exit(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Keeps the ring's memory out of children of a fork(2). -EINVAL when there is none. */
int io_uring_ring_dontfork(struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Gives the ring `p->sq_entries` (and with IORING_SETUP_CQSIZE `p->cq_entries`); what is queued
 * moves along. For rings with IORING_SETUP_DEFER_TASKRUN whose memory is the kernel's.
 */
int io_uring_resize_rings(struct io_uring *ring, struct io_uring_params *p) LIBURING_NOEXCEPT;

/*
 * How many bytes of locked memory (RLIMIT_MEMLOCK) a ring takes: 0 since kernel 5.12. Where no ring can be made to see
 * which kernel runs, as many as before it.
 */
ssize_t io_uring_mlock_size(unsigned int entries, unsigned int flags) LIBURING_NOEXCEPT;

/* As io_uring_mlock_size(), with all parameters. */
ssize_t io_uring_mlock_size_params(unsigned int entries,
	struct io_uring_params *p) LIBURING_NOEXCEPT;

/* How many bytes io_uring_queue_init_mem() needs for a ring of `entries` with `flags`. */
ssize_t io_uring_memory_size(unsigned int entries, unsigned int flags) LIBURING_NOEXCEPT;

/* As io_uring_memory_size(), with all parameters. */
ssize_t io_uring_memory_size_params(unsigned int entries,
	struct io_uring_params *p) LIBURING_NOEXCEPT;

/*
 * Which operations a new ring would serve; NULL when there can be none. Free with
 * io_uring_free_probe().
 */
struct io_uring_probe *io_uring_get_probe(void) LIBURING_NOEXCEPT;

/* Which operations this ring serves; NULL on failure. Free with io_uring_free_probe(). */
struct io_uring_probe *io_uring_get_probe_ring(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Frees what io_uring_get_probe() or io_uring_get_probe_ring() answered; NULL is allowed. */
void io_uring_free_probe(struct io_uring_probe *probe) LIBURING_NOEXCEPT;

/* io_uring_setup(2): answers the ring's descriptor or -errno. */
int io_uring_setup(unsigned int entries, struct io_uring_params *p) LIBURING_NOEXCEPT;

/* io_uring_enter(2) under signal mask `sig` (may be NULL): answers the SQEs consumed or -errno. */
int io_uring_enter(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
	unsigned int flags, sigset_t *sig) LIBURING_NOEXCEPT;

/* io_uring_enter(2) with an argument of `sz` bytes: a signal set, or what IORING_ENTER_EXT_ARG says. */
int io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
	unsigned int flags, void *arg, size_t sz) LIBURING_NOEXCEPT;

/* io_uring_register(2): what it answers depends on `opcode` (IORING_REGISTER_*); -errno on failure. */
int io_uring_register(unsigned int fd, unsigned int opcode, const void *arg,
	unsigned int nr_args) LIBURING_NOEXCEPT;

/* The major version of the liburing API that the library serves. */
int io_uring_major_version(void) LIBURING_NOEXCEPT;

/* The minor version of the liburing API that the library serves. */
int io_uring_minor_version(void) LIBURING_NOEXCEPT;

/*
 * True when the library is OLDER than `major`.`minor`. That it is not the other way round is
 * liburing's contract, which programs rely on.
 */
bool io_uring_check_version(int major, int minor) LIBURING_NOEXCEPT;

/* sqe->user_data and cqe->user_data of 64 bits have functions of their own. */
#define LIBURING_HAVE_DATA64

/* The index of the CQE that a head or tail stands for. */
#define io_uring_cqe_index(ring, ptr, mask) (((ptr) & (mask)) << io_uring_cqe_shift(ring))

/*
 * Walks over the CQEs that are there now: `cqe` is each of them in turn, `at` its place in the CQ.
 * They stay in the CQ until io_uring_cq_advance() gives back as many slots as they take.
 */
#define io_uring_for_each_cqe(ring, at, cqe)                                            \
	for (struct io_uring_cqe_iter uring_iter_ = io_uring_cqe_iter_init(ring);       \
	     (at) = uring_iter_.head, io_uring_cqe_iter_next(&uring_iter_, &(cqe));     \
	     (void)(at))

/* The mask that io_uring_buf_ring_add() wants for a ring of `ring_entries`, a power of two. */
IOURINGINLINE int io_uring_buf_ring_mask(__u32 ring_entries) LIBURING_NOEXCEPT
{
	return (int)(ring_entries - 1);
}

/* Empties a buffer ring, before its first use. */
IOURINGINLINE void io_uring_buf_ring_init(struct io_uring_buf_ring *br) LIBURING_NOEXCEPT
{
	IO_URING_WRITE_ONCE(br->tail, 0);
}

/*
 * Writes the buffer `bid` of `len` bytes at `addr` into the slot `buf_offset` after the tail. The
 * server sees it once io_uring_buf_ring_advance() has moved the tail.
 */
IOURINGINLINE void io_uring_buf_ring_add(struct io_uring_buf_ring *br, void *addr, unsigned int len,
	unsigned short bid, int mask, int buf_offset) LIBURING_NOEXCEPT
{
	unsigned int tail = (unsigned int)IO_URING_READ_ONCE(br->tail);
	unsigned int index = (tail + (unsigned int)buf_offset) & (unsigned int)mask;
	struct io_uring_buf *buf = &br->bufs[index];
	buf->addr = (__u64)(uintptr_t)addr;
	buf->len = len;
	buf->bid = bid;
}

/* Gives the server the next `count` buffers that io_uring_buf_ring_add() wrote. */
IOURINGINLINE void io_uring_buf_ring_advance(struct io_uring_buf_ring *br,
	int count) LIBURING_NOEXCEPT
{
	unsigned int tail = (unsigned int)IO_URING_READ_ONCE(br->tail);
	io_uring_smp_store_release(&br->tail, (__u16)(tail + (unsigned int)count));
}

/* Gives the oldest `nr` slots of the CQ back to the server; the CQEs in them are gone. */
IOURINGINLINE void io_uring_cq_advance(struct io_uring *ring, unsigned int nr) LIBURING_NOEXCEPT
{
	if (nr != 0) {
		/* Only we write the head. The server must not reuse a slot before we have read it. */
		unsigned int head = *ring->cq.khead;
		io_uring_smp_store_release(ring->cq.khead, head + nr);
	}
}

/* Gives the server `buf_count` buffers, and `cq_count` slots of the CQ back. */
IOURINGINLINE void __io_uring_buf_ring_cq_advance(struct io_uring *ring,
	struct io_uring_buf_ring *br, int cq_count, int buf_count) LIBURING_NOEXCEPT
{
	io_uring_buf_ring_advance(br, buf_count);
	io_uring_cq_advance(ring, (unsigned int)cq_count);
}

/* Gives the server `count` buffers, and as many slots of the CQ back. */
IOURINGINLINE void io_uring_buf_ring_cq_advance(struct io_uring *ring, struct io_uring_buf_ring *br,
	int count) LIBURING_NOEXCEPT
{
	__io_uring_buf_ring_cq_advance(ring, br, count, count);
}

/*
 * How many buffers of the ring `br`, registered as group `bgid`, the server has not yet used, or
 * -errno.
 */
IOURINGINLINE int io_uring_buf_ring_available(struct io_uring *ring, struct io_uring_buf_ring *br,
	unsigned short bgid) LIBURING_NOEXCEPT
{
	uint16_t head = 0;
	int ret = io_uring_buf_ring_head(ring, (int)bgid, &head);
	if (ret != 0) {
		return ret;
	}
	unsigned int tail = (unsigned int)IO_URING_READ_ONCE(br->tail);
	return (int)(uint16_t)(tail - (unsigned int)head);
}

/*
 * How many slots of the CQ this CQE takes, for io_uring_cq_advance(): 2 for a 32-byte CQE of an
 * IORING_SETUP_CQE_MIXED ring, else 1.
 */
IOURINGINLINE unsigned int io_uring_cqe_nr(const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	/*
	 * A branch, not a sum: the next CQE's address would wait for this one's flags, and a walk over the
	 * CQ would run at the latency of the cache.
	 */
	if (uring_unlikely((cqe->flags & IORING_CQE_F_32) != 0)) {
		uring_keep_branch();
		return 2;
	}
	return 1;
}

/* Gives `cqe`, the oldest CQE, back to the server; it is gone. NULL is ignored. */
IOURINGINLINE void io_uring_cqe_seen(struct io_uring *ring,
	struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	if (cqe == NULL) {
		return;
	}
	if (uring_unlikely(io_uring_cqe_nr(cqe) != 1)) {
		io_uring_cq_advance(ring, 2);
	} else {
		io_uring_cq_advance(ring, 1);
	}
}

/* How many CQ slots are filled and not given back. */
IOURINGINLINE unsigned int io_uring_cq_ready(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return io_uring_smp_load_acquire(ring->cq.ktail) - IO_URING_READ_ONCE(*ring->cq.khead);
}

/* Whether the server holds CQEs for which the CQ had no room; io_uring_get_events() fetches them. */
IOURINGINLINE bool io_uring_cq_has_overflow(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return (IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
}

/* Whether completions signal the registered eventfd. */
IOURINGINLINE bool io_uring_cq_eventfd_enabled(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	if (ring->cq.kflags == NULL) {
		return true;
	}
	return (IO_URING_READ_ONCE(*ring->cq.kflags) & IORING_CQ_EVENTFD_DISABLED) == 0;
}

/*
 * Says whether completions signal the registered eventfd. -EOPNOTSUPP when the server has no such
 * switch.
 */
IOURINGINLINE int io_uring_cq_eventfd_toggle(struct io_uring *ring, bool enabled) LIBURING_NOEXCEPT
{
	if (enabled == io_uring_cq_eventfd_enabled(ring)) {
		return 0;
	}
	if (ring->cq.kflags == NULL) {
		return -EOPNOTSUPP;
	}
	unsigned int flags = IO_URING_READ_ONCE(*ring->cq.kflags);
	if (enabled) {
		flags &= ~IORING_CQ_EVENTFD_DISABLED;
	} else {
		flags |= IORING_CQ_EVENTFD_DISABLED;
	}
	IO_URING_WRITE_ONCE(*ring->cq.kflags, flags);
	return 0;
}

/* The pointer that io_uring_sqe_set_data() attached to the request. */
IOURINGINLINE void *io_uring_cqe_get_data(const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	return (void *)(uintptr_t)cqe->user_data;
}

/* The number that io_uring_sqe_set_data64() attached to the request. */
IOURINGINLINE __u64 io_uring_cqe_get_data64(const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	return cqe->user_data;
}

/* By how many bits a CQ index is shifted to one of 16-byte CQEs, on a ring set up with `flags`. */
IOURINGINLINE unsigned int io_uring_cqe_shift_from_flags(unsigned int flags) LIBURING_NOEXCEPT
{
	return (flags & IORING_SETUP_CQE32) != 0;
}

/* By how many bits a CQ index of `ring` is shifted to one of 16-byte CQEs. */
IOURINGINLINE unsigned int io_uring_cqe_shift(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return io_uring_cqe_shift_from_flags(ring->flags);
}

/* Starts a walk over the CQEs that are there now, for io_uring_cqe_iter_next(). */
IOURINGINLINE struct io_uring_cqe_iter io_uring_cqe_iter_init(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	struct io_uring_cqe_iter value;
	value.cqes = ring->cq.cqes;
	value.mask = ring->cq.ring_mask;
	value.shift = io_uring_cqe_shift(ring);
	value.head = *ring->cq.khead;
	value.tail = io_uring_smp_load_acquire(ring->cq.ktail);
	return value;
}

/*
 * Stores the walk's next CQE at `cqe`; false when there is none left. The CQEs stay in the CQ until
 * io_uring_cq_advance().
 */
IOURINGINLINE bool io_uring_cqe_iter_next(struct io_uring_cqe_iter *iter,
	struct io_uring_cqe **cqe) LIBURING_NOEXCEPT
{
	if (iter->head == iter->tail) {
		return false;
	}
	unsigned int index = (iter->head & iter->mask) << iter->shift;
	struct io_uring_cqe *next = &iter->cqes[index];
	iter->head = iter->head + io_uring_cqe_nr(next);
	*cqe = next;
	return true;
}

/* The address `ptr` as SQEs hold it. */
IOURINGINLINE __u64 uring_ptr_to_u64(const void *ptr) LIBURING_NOEXCEPT
{
	return (__u64)(uintptr_t)ptr;
}

/*
 * Writes the fields that most operations share; the other prep functions are made of this one.
 * `op` is an IORING_OP_*; what `addr`, `len` and `offset` mean depends on it.
 */
IOURINGINLINE void io_uring_prep_rw(int op, struct io_uring_sqe *sqe, int fd, const void *addr,
	unsigned int len, __u64 offset) LIBURING_NOEXCEPT
{
	sqe->opcode = (__u8)op;
	sqe->fd = fd;
	sqe->off = offset;
	sqe->addr = uring_ptr_to_u64(addr);
	sqe->len = len;
}

/* Cancels the request that has `user_data`; IORING_ASYNC_CANCEL_* `flags`. */
IOURINGINLINE void io_uring_prep_cancel64(struct io_uring_sqe *sqe, __u64 user_data,
	int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_ASYNC_CANCEL, sqe, -1, NULL, 0, 0);
	sqe->addr = user_data;
	sqe->cancel_flags = (__u32)flags;
}

/* Cancels the request that has the pointer `user_data`; IORING_ASYNC_CANCEL_* `flags`. */
IOURINGINLINE void io_uring_prep_cancel(struct io_uring_sqe *sqe, const void *user_data,
	int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_cancel64(sqe, uring_ptr_to_u64(user_data), flags);
}

/* Cancels a request on the file `fd`, or all of them with IORING_ASYNC_CANCEL_ALL. */
IOURINGINLINE void io_uring_prep_cancel_fd(struct io_uring_sqe *sqe, int fd,
	unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_ASYNC_CANCEL, sqe, fd, NULL, 0, 0);
	sqe->cancel_flags = flags | IORING_ASYNC_CANCEL_FD;
}

/* fsync(2), or fdatasync(2) with IORING_FSYNC_DATASYNC. */
IOURINGINLINE void io_uring_prep_fsync(struct io_uring_sqe *sqe, int fd,
	unsigned int fsync_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FSYNC, sqe, fd, NULL, 0, 0);
	sqe->fsync_flags = fsync_flags;
}

/* sync_file_range(2) of `len` bytes from `offset`, with SYNC_FILE_RANGE_* `flags`. */
IOURINGINLINE void io_uring_prep_sync_file_range(struct io_uring_sqe *sqe, int fd, unsigned int len,
	__u64 offset, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SYNC_FILE_RANGE, sqe, fd, NULL, len, offset);
	sqe->sync_range_flags = (__u32)flags;
}

/* fallocate(2) of `len` bytes from `offset`, with FALLOC_FL_* `mode`. */
IOURINGINLINE void io_uring_prep_fallocate(struct io_uring_sqe *sqe, int fd, int mode, __u64 offset,
	__u64 len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FALLOCATE, sqe, fd, NULL, (unsigned int)mode, offset);
	sqe->addr = len;
}

/* ftruncate(2) to `len` bytes. */
IOURINGINLINE void io_uring_prep_ftruncate(struct io_uring_sqe *sqe, int fd,
	loff_t len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FTRUNCATE, sqe, fd, NULL, 0, (__u64)len);
}

/* posix_fadvise(2) on `len` bytes from `offset`, with a POSIX_FADV_* `advice`. */
IOURINGINLINE void io_uring_prep_fadvise(struct io_uring_sqe *sqe, int fd, __u64 offset, __u32 len,
	int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FADVISE, sqe, fd, NULL, len, offset);
	sqe->fadvise_advice = (__u32)advice;
}

/* As io_uring_prep_fadvise(), with a `len` of 64 bits, which kernels before 6.11 do not read. */
IOURINGINLINE void io_uring_prep_fadvise64(struct io_uring_sqe *sqe, int fd, __u64 offset,
	off_t len, int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FADVISE, sqe, fd, NULL, 0, offset);
	sqe->addr = (__u64)len;
	sqe->fadvise_advice = (__u32)advice;
}

/* madvise(2) on `length` bytes of memory at `addr`, with an MADV_* `advice`. */
IOURINGINLINE void io_uring_prep_madvise(struct io_uring_sqe *sqe, void *addr, __u32 length,
	int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MADVISE, sqe, -1, (const void *)addr, length, 0);
	sqe->fadvise_advice = (__u32)advice;
}

/* As io_uring_prep_madvise(), with a `length` of 64 bits, which kernels before 6.11 do not read. */
IOURINGINLINE void io_uring_prep_madvise64(struct io_uring_sqe *sqe, void *addr, off_t length,
	int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MADVISE, sqe, -1, (const void *)addr, 0, (__u64)length);
	sqe->fadvise_advice = (__u32)advice;
}

/* statx(2). The result is stored at `statxbuf`. */
IOURINGINLINE void io_uring_prep_statx(struct io_uring_sqe *sqe, int dfd, const char *path,
	int flags, unsigned int mask, struct statx *statxbuf) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_STATX, sqe, dfd, (const void *)path, mask,
		(__u64)(uintptr_t)statxbuf);
	sqe->statx_flags = (__u32)flags;
}

/* unlinkat(2). */
IOURINGINLINE void io_uring_prep_unlinkat(struct io_uring_sqe *sqe, int dfd, const char *path,
	int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_UNLINKAT, sqe, dfd, (const void *)path, 0, 0);
	sqe->unlink_flags = (__u32)flags;
}

/* unlink(2), or rmdir(2) with AT_REMOVEDIR. */
IOURINGINLINE void io_uring_prep_unlink(struct io_uring_sqe *sqe, const char *path,
	int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_unlinkat(sqe, AT_FDCWD, path, flags);
}

/* renameat2(2), with RENAME_* `flags`. */
IOURINGINLINE void io_uring_prep_renameat(struct io_uring_sqe *sqe, int olddfd, const char *oldpath,
	int newdfd, const char *newpath, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_RENAMEAT, sqe, olddfd, (const void *)oldpath,
		(unsigned int)newdfd, (__u64)(uintptr_t)newpath);
	sqe->rename_flags = flags;
}

/* rename(2). */
IOURINGINLINE void io_uring_prep_rename(struct io_uring_sqe *sqe, const char *oldpath,
	const char *newpath) LIBURING_NOEXCEPT
{
	io_uring_prep_renameat(sqe, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

/* mkdirat(2). */
IOURINGINLINE void io_uring_prep_mkdirat(struct io_uring_sqe *sqe, int dfd, const char *path,
	mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MKDIRAT, sqe, dfd, (const void *)path, mode, 0);
}

/* mkdir(2). */
IOURINGINLINE void io_uring_prep_mkdir(struct io_uring_sqe *sqe, const char *path,
	mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_mkdirat(sqe, AT_FDCWD, path, mode);
}

/* symlinkat(2): makes `linkpath`, below `newdirfd`, a link that reads `target`. */
IOURINGINLINE void io_uring_prep_symlinkat(struct io_uring_sqe *sqe, const char *target,
	int newdirfd, const char *linkpath) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SYMLINKAT, sqe, newdirfd, (const void *)target, 0,
		(__u64)(uintptr_t)linkpath);
}

/* symlink(2): makes `linkpath` a link that reads `target`. */
IOURINGINLINE void io_uring_prep_symlink(struct io_uring_sqe *sqe, const char *target,
	const char *linkpath) LIBURING_NOEXCEPT
{
	io_uring_prep_symlinkat(sqe, target, AT_FDCWD, linkpath);
}

/* linkat(2). */
IOURINGINLINE void io_uring_prep_linkat(struct io_uring_sqe *sqe, int olddfd, const char *oldpath,
	int newdfd, const char *newpath, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_LINKAT, sqe, olddfd, (const void *)oldpath, (unsigned int)newdfd,
		(__u64)(uintptr_t)newpath);
	sqe->hardlink_flags = (__u32)flags;
}

/* link(2), with linkat(2)'s `flags`. */
IOURINGINLINE void io_uring_prep_link(struct io_uring_sqe *sqe, const char *oldpath,
	const char *newpath, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_linkat(sqe, AT_FDCWD, oldpath, AT_FDCWD, newpath, flags);
}

/* socket(2). The CQE's res is the descriptor; `flags` must be 0. */
IOURINGINLINE void io_uring_prep_socket(struct io_uring_sqe *sqe, int domain, int type,
	int protocol, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SOCKET, sqe, domain, NULL, (unsigned int)protocol, (__u64)type);
	sqe->rw_flags = (__kernel_rwf_t)flags;
}

/*
 * Puts the file that the request makes into slot `file_index` of the registered files, or with
 * IORING_FILE_INDEX_ALLOC into a free one. SQEs count slots from 1: 0 stands for a descriptor.
 */
IOURINGINLINE void __io_uring_set_target_fixed_file(struct io_uring_sqe *sqe,
	unsigned int file_index) LIBURING_NOEXCEPT
{
	unsigned int counted = file_index != IORING_FILE_INDEX_ALLOC;
	sqe->file_index = file_index + counted;
}

/* socket(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one. */
IOURINGINLINE void io_uring_prep_socket_direct(struct io_uring_sqe *sqe, int domain, int type,
	int protocol, unsigned int file_index, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_socket(sqe, domain, type, protocol, flags);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* socket(2) into a free slot of the registered files, whose number is the CQE's res. */
IOURINGINLINE void io_uring_prep_socket_direct_alloc(struct io_uring_sqe *sqe, int domain, int type,
	int protocol, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_socket_direct(sqe, domain, type, protocol, IORING_FILE_INDEX_ALLOC, flags);
}

/* bind(2). `addr` must live until the request was submitted. */
IOURINGINLINE void io_uring_prep_bind(struct io_uring_sqe *sqe, int fd, const struct sockaddr *addr,
	socklen_t addrlen) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_BIND, sqe, fd, (const void *)addr, 0, (__u64)addrlen);
}

/* listen(2). */
IOURINGINLINE void io_uring_prep_listen(struct io_uring_sqe *sqe, int fd,
	int backlog) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_LISTEN, sqe, fd, NULL, (unsigned int)backlog, 0);
}

/* connect(2). `addr` must live until the request was submitted. */
IOURINGINLINE void io_uring_prep_connect(struct io_uring_sqe *sqe, int fd,
	const struct sockaddr *addr, socklen_t addrlen) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_CONNECT, sqe, fd, (const void *)addr, 0, (__u64)addrlen);
}

/* shutdown(2); `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. */
IOURINGINLINE void io_uring_prep_shutdown(struct io_uring_sqe *sqe, int fd,
	int how) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SHUTDOWN, sqe, fd, NULL, (unsigned int)how, 0);
}

/* accept4(2). The CQE's res is the descriptor; `addr` and `addrlen` may be NULL. */
IOURINGINLINE void io_uring_prep_accept(struct io_uring_sqe *sqe, int fd, struct sockaddr *addr,
	socklen_t *addrlen, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_ACCEPT, sqe, fd, (const void *)addr, 0,
		(__u64)(uintptr_t)addrlen);
	sqe->accept_flags = (__u32)flags;
}

/* accept4(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one. */
IOURINGINLINE void io_uring_prep_accept_direct(struct io_uring_sqe *sqe, int fd,
	struct sockaddr *addr, socklen_t *addrlen, int flags,
	unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_accept(sqe, fd, addr, addrlen, flags);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* accept4(2) again for each connection; a CQE with IORING_CQE_F_MORE per connection. */
IOURINGINLINE void io_uring_prep_multishot_accept(struct io_uring_sqe *sqe, int fd,
	struct sockaddr *addr, socklen_t *addrlen, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_accept(sqe, fd, addr, addrlen, flags);
	sqe->ioprio |= (__u16)IORING_ACCEPT_MULTISHOT;
}

/*
 * accept4(2) again for each connection, into free slots of the registered files; a CQE with
 * IORING_CQE_F_MORE per connection, its res the slot.
 */
IOURINGINLINE void io_uring_prep_multishot_accept_direct(struct io_uring_sqe *sqe, int fd,
	struct sockaddr *addr, socklen_t *addrlen, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_multishot_accept(sqe, fd, addr, addrlen, flags);
	__io_uring_set_target_fixed_file(sqe, IORING_FILE_INDEX_ALLOC);
}

/* openat(2). The CQE's res is the descriptor. */
IOURINGINLINE void io_uring_prep_openat(struct io_uring_sqe *sqe, int dfd, const char *path,
	int flags, mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_OPENAT, sqe, dfd, (const void *)path, mode, 0);
	sqe->open_flags = (__u32)flags;
}

/* openat(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one. */
IOURINGINLINE void io_uring_prep_openat_direct(struct io_uring_sqe *sqe, int dfd, const char *path,
	int flags, mode_t mode, unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_openat(sqe, dfd, path, flags, mode);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* open(2). The CQE's res is the descriptor. */
IOURINGINLINE void io_uring_prep_open(struct io_uring_sqe *sqe, const char *path, int flags,
	mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_openat(sqe, AT_FDCWD, path, flags, mode);
}

/* open(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one. */
IOURINGINLINE void io_uring_prep_open_direct(struct io_uring_sqe *sqe, const char *path, int flags,
	mode_t mode, unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_openat_direct(sqe, AT_FDCWD, path, flags, mode, file_index);
}

/* openat2(2). `how` must live until the request was submitted. */
IOURINGINLINE void io_uring_prep_openat2(struct io_uring_sqe *sqe, int dfd, const char *path,
	const struct open_how *how) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_OPENAT2, sqe, dfd, (const void *)path,
		(unsigned int)sizeof(struct open_how), (__u64)(uintptr_t)how);
}

/* openat2(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one. */
IOURINGINLINE void io_uring_prep_openat2_direct(struct io_uring_sqe *sqe, int dfd, const char *path,
	const struct open_how *how, unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_openat2(sqe, dfd, path, how);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* close(2). */
IOURINGINLINE void io_uring_prep_close(struct io_uring_sqe *sqe, int fd) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_CLOSE, sqe, fd, NULL, 0, 0);
}

/* Empties slot `file_index` of the registered files. */
IOURINGINLINE void io_uring_prep_close_direct(struct io_uring_sqe *sqe,
	unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_close(sqe, 0);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* pipe2(2). The two descriptors are stored at `fds`. */
IOURINGINLINE void io_uring_prep_pipe(struct io_uring_sqe *sqe, int *fds,
	int pipe_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_PIPE, sqe, 0, (const void *)fds, 0, 0);
	sqe->pipe_flags = (__u32)pipe_flags;
}

/*
 * pipe2(2) into slots `file_index` and the next of the registered files, or into two free ones with
 * IORING_FILE_INDEX_ALLOC; their numbers are stored at `fds`.
 */
IOURINGINLINE void io_uring_prep_pipe_direct(struct io_uring_sqe *sqe, int *fds, int pipe_flags,
	unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_pipe(sqe, fds, pipe_flags);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/*
 * Makes a descriptor, the CQE's res, for slot `fd` of the registered files. It is close-on-exec
 * unless `flags` has IORING_FIXED_FD_NO_CLOEXEC.
 */
IOURINGINLINE void io_uring_prep_fixed_fd_install(struct io_uring_sqe *sqe, int fd,
	unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FIXED_FD_INSTALL, sqe, fd, NULL, 0, 0);
	sqe->flags = (__u8)IOSQE_FIXED_FILE;
	sqe->install_fd_flags = flags;
}

/* POLL* events as SQEs hold them: with the two halves swapped on big-endian machines. */
IOURINGINLINE unsigned int __io_uring_prep_poll_mask(unsigned int poll_mask) LIBURING_NOEXCEPT
{
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
		return __swahw32(poll_mask);
	}
	return poll_mask;
}

/* poll(2) on one descriptor, once. The CQE's res has the events that are there. */
IOURINGINLINE void io_uring_prep_poll_add(struct io_uring_sqe *sqe, int fd,
	unsigned int poll_mask) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_POLL_ADD, sqe, fd, NULL, 0, 0);
	sqe->poll32_events = __io_uring_prep_poll_mask(poll_mask);
}

/* poll(2) again whenever the descriptor becomes ready; a CQE with IORING_CQE_F_MORE each time. */
IOURINGINLINE void io_uring_prep_poll_multishot(struct io_uring_sqe *sqe, int fd,
	unsigned int poll_mask) LIBURING_NOEXCEPT
{
	io_uring_prep_poll_add(sqe, fd, poll_mask);
	sqe->len = IORING_POLL_ADD_MULTI;
}

/* Ends the poll request that has `user_data`. */
IOURINGINLINE void io_uring_prep_poll_remove(struct io_uring_sqe *sqe,
	__u64 user_data) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_POLL_REMOVE, sqe, -1, NULL, 0, 0);
	sqe->addr = user_data;
}

/*
 * Changes the events or the user_data of the poll request that has `old_user_data`; `flags` are
 * IORING_POLL_UPDATE_* and IORING_POLL_ADD_MULTI.
 */
IOURINGINLINE void io_uring_prep_poll_update(struct io_uring_sqe *sqe, __u64 old_user_data,
	__u64 new_user_data, unsigned int poll_mask, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_POLL_REMOVE, sqe, -1, NULL, flags, new_user_data);
	sqe->addr = old_user_data;
	sqe->poll32_events = __io_uring_prep_poll_mask(poll_mask);
}

/* epoll_ctl(2); `op` is an EPOLL_CTL_*. */
IOURINGINLINE void io_uring_prep_epoll_ctl(struct io_uring_sqe *sqe, int epfd, int fd, int op,
	const struct epoll_event *ev) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_EPOLL_CTL, sqe, epfd, (const void *)ev, (unsigned int)op,
		(__u64)(__u32)fd);
}

/*
 * epoll_wait(2) for at most `maxevents`, stored at `events`; `flags` must be 0. The CQE's res is their
 * number.
 */
IOURINGINLINE void io_uring_prep_epoll_wait(struct io_uring_sqe *sqe, int fd,
	struct epoll_event *events, int maxevents, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_EPOLL_WAIT, sqe, fd, (const void *)events,
		(unsigned int)maxevents, 0);
	sqe->rw_flags = (__kernel_rwf_t)flags;
}

/*
 * waitid(2) with `options` (WEXITED and so on); `flags` must be 0. The result is stored at `infop`,
 * which may be NULL.
 */
IOURINGINLINE void io_uring_prep_waitid(struct io_uring_sqe *sqe, idtype_t idtype, id_t id,
	siginfo_t *infop, int options, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WAITID, sqe, (int)id, NULL, idtype, 0);
	sqe->waitid_flags = flags;
	sqe->splice_fd_in = options;
	sqe->addr2 = (__u64)(uintptr_t)infop;
}

/*
 * futex(2) wait while `*futex` is `val`, for a wake that shares a bit with `mask`. `futex_flags` are
 * FUTEX2_*; `flags` must be 0.
 */
IOURINGINLINE void io_uring_prep_futex_wait(struct io_uring_sqe *sqe, const uint32_t *futex,
	uint64_t val, uint64_t mask, uint32_t futex_flags, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FUTEX_WAIT, sqe, (int)futex_flags, (const void *)futex, 0, val);
	sqe->futex_flags = flags;
	sqe->addr3 = mask;
}

/*
 * futex(2) wake of at most `val` waiters that share a bit with `mask`. `futex_flags` are FUTEX2_*;
 * `flags` must be 0. The CQE's res is their number.
 */
IOURINGINLINE void io_uring_prep_futex_wake(struct io_uring_sqe *sqe, const uint32_t *futex,
	uint64_t val, uint64_t mask, uint32_t futex_flags, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FUTEX_WAKE, sqe, (int)futex_flags, (const void *)futex, 0, val);
	sqe->futex_flags = flags;
	sqe->addr3 = mask;
}

/*
 * futex_waitv(2) on `nr_futex` futexes; `flags` must be 0. The CQE's res is the index of the one that
 * was woken.
 */
IOURINGINLINE void io_uring_prep_futex_waitv(struct io_uring_sqe *sqe,
	const struct futex_waitv *futex, uint32_t nr_futex, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FUTEX_WAITV, sqe, 0, (const void *)futex, nr_futex, 0);
	sqe->futex_flags = flags;
}

/* Does nothing but complete. */
IOURINGINLINE void io_uring_prep_nop(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_NOP, sqe, -1, NULL, 0, 0);
}

/* Does nothing but complete, as an SQE of 128 bytes. */
IOURINGINLINE void io_uring_prep_nop128(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_NOP128, sqe, -1, NULL, 0, 0);
}

/* Posts a CQE with res `len` and user_data `data` to the ring `fd`; IORING_MSG_RING_* `flags`. */
IOURINGINLINE void io_uring_prep_msg_ring(struct io_uring_sqe *sqe, int fd, unsigned int len,
	__u64 data, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MSG_RING, sqe, fd, NULL, len, data);
	sqe->msg_ring_flags = flags;
}

/* As io_uring_prep_msg_ring(), with `cqe_flags` for the CQE's flags. */
IOURINGINLINE void io_uring_prep_msg_ring_cqe_flags(struct io_uring_sqe *sqe, int fd,
	unsigned int len, __u64 data, unsigned int flags, unsigned int cqe_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_msg_ring(sqe, fd, len, data, flags | IORING_MSG_RING_FLAGS_PASS);
	sqe->file_index = cqe_flags;
}

/*
 * Puts the registered file `source_fd` into slot `target_fd` of the ring `fd`'s registered files and
 * posts a CQE with user_data `data` there.
 */
IOURINGINLINE void io_uring_prep_msg_ring_fd(struct io_uring_sqe *sqe, int fd, int source_fd,
	int target_fd, __u64 data, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MSG_RING, sqe, fd, (const void *)(uintptr_t)IORING_MSG_SEND_FD,
		0, data);
	sqe->addr3 = (__u64)source_fd;
	__io_uring_set_target_fixed_file(sqe, (unsigned int)target_fd);
	sqe->msg_ring_flags = flags;
}

/* As io_uring_prep_msg_ring_fd(), into a free slot, whose number is the CQE's res. */
IOURINGINLINE void io_uring_prep_msg_ring_fd_alloc(struct io_uring_sqe *sqe, int fd, int source_fd,
	__u64 data, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_msg_ring_fd(sqe, fd, source_fd, IORING_FILE_INDEX_ALLOC, data, flags);
}

/*
 * Replaces `nr_fds` registered files from slot `offset` on with `fds`: -1 empties a slot,
 * IORING_REGISTER_FILES_SKIP keeps it. With `offset` IORING_FILE_INDEX_ALLOC free slots are taken and
 * their numbers stored at `fds`.
 */
IOURINGINLINE void io_uring_prep_files_update(struct io_uring_sqe *sqe, int *fds,
	unsigned int nr_fds, int offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FILES_UPDATE, sqe, -1, (const void *)fds, nr_fds, (__u64)offset);
}

/* Gives group `bgid` `nr` buffers of `len` bytes each from `addr` on, numbered from `bid`. */
IOURINGINLINE void io_uring_prep_provide_buffers(struct io_uring_sqe *sqe, void *addr, int len,
	int nr, int bgid, int bid) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_PROVIDE_BUFFERS, sqe, nr, (const void *)addr, (unsigned int)len,
		(__u64)bid);
	sqe->buf_group = (__u16)bgid;
}

/* Takes `nr` provided buffers out of group `bgid`. */
IOURINGINLINE void io_uring_prep_remove_buffers(struct io_uring_sqe *sqe, int nr,
	int bgid) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_REMOVE_BUFFERS, sqe, nr, NULL, 0, 0);
	sqe->buf_group = (__u16)bgid;
}

/* pread(2) into `buf`. `offset` -1: at the file's position, which moves on. */
IOURINGINLINE void io_uring_prep_read(struct io_uring_sqe *sqe, int fd, void *buf,
	unsigned int nbytes, __u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READ, sqe, fd, (const void *)buf, nbytes, offset);
}

/* pwrite(2) from `buf`. `offset` -1: at the file's position, which moves on. */
IOURINGINLINE void io_uring_prep_write(struct io_uring_sqe *sqe, int fd, const void *buf,
	unsigned int nbytes, __u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WRITE, sqe, fd, buf, nbytes, offset);
}

/* preadv(2) into `nr_vecs` buffers. `offset` -1: at the file's position, which moves on. */
IOURINGINLINE void io_uring_prep_readv(struct io_uring_sqe *sqe, int fd, const struct iovec *iovecs,
	unsigned int nr_vecs, __u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READV, sqe, fd, (const void *)iovecs, nr_vecs, offset);
}

/* preadv2(2): as io_uring_prep_readv(), with RWF_* `flags`. */
IOURINGINLINE void io_uring_prep_readv2(struct io_uring_sqe *sqe, int fd,
	const struct iovec *iovecs, unsigned int nr_vecs, __u64 offset, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_readv(sqe, fd, iovecs, nr_vecs, offset);
	sqe->rw_flags = flags;
}

/* pwritev(2) from `nr_vecs` buffers. `offset` -1: at the file's position, which moves on. */
IOURINGINLINE void io_uring_prep_writev(struct io_uring_sqe *sqe, int fd,
	const struct iovec *iovecs, unsigned int nr_vecs, __u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WRITEV, sqe, fd, (const void *)iovecs, nr_vecs, offset);
}

/* pwritev2(2): as io_uring_prep_writev(), with RWF_* `flags`. */
IOURINGINLINE void io_uring_prep_writev2(struct io_uring_sqe *sqe, int fd,
	const struct iovec *iovecs, unsigned int nr_vecs, __u64 offset, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_writev(sqe, fd, iovecs, nr_vecs, offset);
	sqe->rw_flags = flags;
}

/* pread(2) into `buf`, which lies within the registered buffer `buf_index`. */
IOURINGINLINE void io_uring_prep_read_fixed(struct io_uring_sqe *sqe, int fd, void *buf,
	unsigned int nbytes, __u64 offset, int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READ_FIXED, sqe, fd, (const void *)buf, nbytes, offset);
	sqe->buf_index = (__u16)buf_index;
}

/* pwrite(2) from `buf`, which lies within the registered buffer `buf_index`. */
IOURINGINLINE void io_uring_prep_write_fixed(struct io_uring_sqe *sqe, int fd, const void *buf,
	unsigned int nbytes, __u64 offset, int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WRITE_FIXED, sqe, fd, buf, nbytes, offset);
	sqe->buf_index = (__u16)buf_index;
}

/* preadv2(2) into buffers that lie within the registered buffer `buf_index`. */
IOURINGINLINE void io_uring_prep_readv_fixed(struct io_uring_sqe *sqe, int fd,
	const struct iovec *iovecs, unsigned int nr_vecs, __u64 offset, int flags,
	int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READV_FIXED, sqe, fd, (const void *)iovecs, nr_vecs, offset);
	sqe->rw_flags = flags;
	sqe->buf_index = (__u16)buf_index;
}

/* pwritev2(2) from buffers that lie within the registered buffer `buf_index`. */
IOURINGINLINE void io_uring_prep_writev_fixed(struct io_uring_sqe *sqe, int fd,
	const struct iovec *iovecs, unsigned int nr_vecs, __u64 offset, int flags,
	int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WRITEV_FIXED, sqe, fd, (const void *)iovecs, nr_vecs, offset);
	sqe->rw_flags = flags;
	sqe->buf_index = (__u16)buf_index;
}

/* Sets the request's IOSQE_* flags, in place of those it had: call it after the prep function. */
IOURINGINLINE void io_uring_sqe_set_flags(struct io_uring_sqe *sqe,
	unsigned int flags) LIBURING_NOEXCEPT
{
	sqe->flags = (__u8)flags;
}

/*
 * read(2) again whenever there is data, each time into a buffer of group `buf_group`; a CQE with
 * IORING_CQE_F_MORE per read. For files that poll.
 */
IOURINGINLINE void io_uring_prep_read_multishot(struct io_uring_sqe *sqe, int fd,
	unsigned int nbytes, __u64 offset, int buf_group) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READ_MULTISHOT, sqe, fd, NULL, nbytes, offset);
	sqe->buf_group = (__u16)buf_group;
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
}

/* send(2) of `len` bytes at `buf`. */
IOURINGINLINE void io_uring_prep_send(struct io_uring_sqe *sqe, int sockfd, const void *buf,
	size_t len, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SEND, sqe, sockfd, buf, (unsigned int)len, 0);
	sqe->msg_flags = (__u32)flags;
}

/*
 * Gives a send the address to send to. Call it after the prep function; `dest_addr` must live until
 * the request was submitted.
 */
IOURINGINLINE void io_uring_prep_send_set_addr(struct io_uring_sqe *sqe,
	const struct sockaddr *dest_addr, __u16 addr_len) LIBURING_NOEXCEPT
{
	sqe->addr2 = (__u64)(uintptr_t)dest_addr;
	sqe->addr_len = addr_len;
}

/* sendto(2) of `len` bytes at `buf` to `addr`. */
IOURINGINLINE void io_uring_prep_sendto(struct io_uring_sqe *sqe, int sockfd, const void *buf,
	size_t len, int flags, const struct sockaddr *addr, socklen_t addrlen) LIBURING_NOEXCEPT
{
	io_uring_prep_send(sqe, sockfd, buf, len, flags);
	io_uring_prep_send_set_addr(sqe, addr, (__u16)addrlen);
}

/*
 * send(2) of as many buffers of a buffer group as there are, at most `len` bytes (0: no limit). Set the
 * group and IOSQE_BUFFER_SELECT too.
 */
IOURINGINLINE void io_uring_prep_send_bundle(struct io_uring_sqe *sqe, int sockfd, size_t len,
	int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_send(sqe, sockfd, NULL, len, flags);
	sqe->ioprio |= (__u16)IORING_RECVSEND_BUNDLE;
}

/*
 * send(2) of `len` bytes at `buf` without copying them; IORING_RECVSEND_* and IORING_SEND_ZC_*
 * `zc_flags`.
 */
IOURINGINLINE void io_uring_prep_send_zc(struct io_uring_sqe *sqe, int sockfd, const void *buf,
	size_t len, int flags, unsigned int zc_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SEND_ZC, sqe, sockfd, buf, (unsigned int)len, 0);
	sqe->msg_flags = (__u32)flags;
	sqe->ioprio = (__u16)zc_flags;
}

/* As io_uring_prep_send_zc(), from the registered buffer `buf_index`, within which `buf` lies. */
IOURINGINLINE void io_uring_prep_send_zc_fixed(struct io_uring_sqe *sqe, int sockfd,
	const void *buf, size_t len, int flags, unsigned int zc_flags,
	unsigned int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_send_zc(sqe, sockfd, buf, len, flags, zc_flags);
	sqe->ioprio |= (__u16)IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = (__u16)buf_index;
}

/*
 * sendmsg(2). What `msg` points to must live until the request was submitted, its buffers until it
 * completed.
 */
IOURINGINLINE void io_uring_prep_sendmsg(struct io_uring_sqe *sqe, int fd, const struct msghdr *msg,
	unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SENDMSG, sqe, fd, (const void *)msg, 1, 0);
	sqe->msg_flags = flags;
}

/* sendmsg(2) without copying the buffers. */
IOURINGINLINE void io_uring_prep_sendmsg_zc(struct io_uring_sqe *sqe, int fd,
	const struct msghdr *msg, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_sendmsg(sqe, fd, msg, flags);
	sqe->opcode = (__u8)IORING_OP_SENDMSG_ZC;
}

/* sendmsg(2) without copying, from buffers that lie within the registered buffer `buf_index`. */
IOURINGINLINE void io_uring_prep_sendmsg_zc_fixed(struct io_uring_sqe *sqe, int fd,
	const struct msghdr *msg, unsigned int flags, unsigned int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_sendmsg_zc(sqe, fd, msg, flags);
	sqe->ioprio |= (__u16)IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = (__u16)buf_index;
}

/* recv(2) of at most `len` bytes into `buf`. */
IOURINGINLINE void io_uring_prep_recv(struct io_uring_sqe *sqe, int sockfd, void *buf, size_t len,
	int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_RECV, sqe, sockfd, (const void *)buf, (unsigned int)len, 0);
	sqe->msg_flags = (__u32)flags;
}

/*
 * recv(2) again whenever there is data, each time into a buffer of a group (set it and
 * IOSQE_BUFFER_SELECT too); a CQE with IORING_CQE_F_MORE per receive.
 */
IOURINGINLINE void io_uring_prep_recv_multishot(struct io_uring_sqe *sqe, int sockfd, void *buf,
	size_t len, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_recv(sqe, sockfd, buf, len, flags);
	sqe->ioprio |= (__u16)IORING_RECV_MULTISHOT;
}

/* recvmsg(2). `msg` and what it points to must live until the completion. */
IOURINGINLINE void io_uring_prep_recvmsg(struct io_uring_sqe *sqe, int fd, struct msghdr *msg,
	unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_RECVMSG, sqe, fd, (const void *)msg, 1, 0);
	sqe->msg_flags = flags;
}

/*
 * recvmsg(2) again whenever there is data, each time into a buffer of a group (set it and
 * IOSQE_BUFFER_SELECT too); io_uring_recvmsg_validate() and its kin take the buffer apart.
 */
IOURINGINLINE void io_uring_prep_recvmsg_multishot(struct io_uring_sqe *sqe, int fd,
	struct msghdr *msg, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_recvmsg(sqe, fd, msg, flags);
	sqe->ioprio |= (__u16)IORING_RECV_MULTISHOT;
}

/*
 * splice(2) of `nbytes`. An offset of -1 is for a pipe, or for a file's position. With
 * SPLICE_F_FD_IN_FIXED `fd_in` is a slot of the registered files.
 */
IOURINGINLINE void io_uring_prep_splice(struct io_uring_sqe *sqe, int fd_in, int64_t off_in,
	int fd_out, int64_t off_out, unsigned int nbytes,
	unsigned int splice_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SPLICE, sqe, fd_out, NULL, nbytes, (__u64)off_out);
	sqe->splice_off_in = (__u64)off_in;
	sqe->splice_fd_in = fd_in;
	sqe->splice_flags = splice_flags;
}

/* tee(2) of `nbytes`. With SPLICE_F_FD_IN_FIXED `fd_in` is a slot of the registered files. */
IOURINGINLINE void io_uring_prep_tee(struct io_uring_sqe *sqe, int fd_in, int fd_out,
	unsigned int nbytes, unsigned int splice_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TEE, sqe, fd_out, NULL, nbytes, 0);
	sqe->splice_off_in = 0;
	sqe->splice_fd_in = fd_in;
	sqe->splice_flags = splice_flags;
}

/*
 * Completes with -ETIME after `ts`, or with 0 as soon as `count` other requests completed (0: never);
 * IORING_TIMEOUT_* `flags`.
 */
IOURINGINLINE void io_uring_prep_timeout(struct io_uring_sqe *sqe,
	const struct __kernel_timespec *ts, unsigned int count,
	unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TIMEOUT, sqe, -1, (const void *)ts, 1, (__u64)count);
	sqe->timeout_flags = flags;
}

/* Ends the timeout that has `user_data`; it completes with -ECANCELED. */
IOURINGINLINE void io_uring_prep_timeout_remove(struct io_uring_sqe *sqe, __u64 user_data,
	unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TIMEOUT_REMOVE, sqe, -1, NULL, 0, 0);
	sqe->addr = user_data;
	sqe->timeout_flags = flags;
}

/*
 * Gives the timeout that has `user_data` the time `ts`; IORING_TIMEOUT_* `flags`, and with
 * IORING_LINK_TIMEOUT_UPDATE it is a link timeout.
 */
IOURINGINLINE void io_uring_prep_timeout_update(struct io_uring_sqe *sqe,
	const struct __kernel_timespec *ts, __u64 user_data, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TIMEOUT_REMOVE, sqe, -1, NULL, 0, (__u64)(uintptr_t)ts);
	sqe->addr = user_data;
	sqe->timeout_flags = flags | IORING_TIMEOUT_UPDATE;
}

/* Limits the request before it, which must have IOSQE_IO_LINK, to the time `ts`. */
IOURINGINLINE void io_uring_prep_link_timeout(struct io_uring_sqe *sqe,
	const struct __kernel_timespec *ts, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_LINK_TIMEOUT, sqe, -1, (const void *)ts, 1, 0);
	sqe->timeout_flags = flags;
}

/* Command `cmd_op` to the file `fd`, as `op`: IORING_OP_URING_CMD or IORING_OP_URING_CMD128. */
IOURINGINLINE void __io_uring_prep_uring_cmd(struct io_uring_sqe *sqe, int op, __u32 cmd_op,
	int fd) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(op, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = cmd_op;
	sqe->__pad1 = 0;
}

/* Command `cmd_op` to the file `fd`; its data goes into sqe->cmd. */
IOURINGINLINE void io_uring_prep_uring_cmd(struct io_uring_sqe *sqe, int cmd_op,
	int fd) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, (__u32)cmd_op, fd);
}

/* Command `cmd_op` to the file `fd`, as an SQE of 128 bytes; its data goes into sqe->cmd. */
IOURINGINLINE void io_uring_prep_uring_cmd128(struct io_uring_sqe *sqe, int cmd_op,
	int fd) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD128, (__u32)cmd_op, fd);
}

/*
 * A SOCKET_URING_OP_*: getsockopt(2) or setsockopt(2) of `optlen` bytes at `optval`, or an ioctl of
 * sockets. The CQE's res is the option's length, or what the ioctl tells.
 */
IOURINGINLINE void io_uring_prep_cmd_sock(struct io_uring_sqe *sqe, int cmd_op, int fd, int level,
	int optname, void *optval, int optlen) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, cmd_op, fd);
	sqe->level = (__u32)level;
	sqe->optname = (__u32)optname;
	sqe->optval = (__u64)(uintptr_t)optval;
	sqe->optlen = (__u32)optlen;
}

/*
 * getsockname(2), or getpeername(2) when `peer` is 1. The address is stored at `sockaddr`, its length
 * at `sockaddr_len`.
 */
IOURINGINLINE void io_uring_prep_cmd_getsockname(struct io_uring_sqe *sqe, int fd,
	struct sockaddr *sockaddr, socklen_t *sockaddr_len, int peer) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, SOCKET_URING_OP_GETSOCKNAME, fd);
	sqe->addr = (__u64)(uintptr_t)sockaddr;
	sqe->addr3 = (__u64)(uintptr_t)sockaddr_len;
	sqe->optlen = (__u32)peer;
}

/* Discards `nbytes` from `offset` on of a block device, as its BLKDISCARD ioctl does. */
IOURINGINLINE void io_uring_prep_cmd_discard(struct io_uring_sqe *sqe, int fd, uint64_t offset,
	uint64_t nbytes) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, BLOCK_URING_CMD_DISCARD, fd);
	sqe->addr = offset;
	sqe->addr3 = nbytes;
}

/* Resets all zones of a zoned block device. */
IOURINGINLINE void io_uring_prep_cmd_zone_reset_all(struct io_uring_sqe *sqe,
	int fd) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, BLOCK_URING_CMD_ZONE_RESET_ALL, fd);
}

/* fgetxattr(2) into `len` bytes at `value`. */
IOURINGINLINE void io_uring_prep_fgetxattr(struct io_uring_sqe *sqe, int fd, const char *name,
	char *value, unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FGETXATTR, sqe, fd, (const void *)name, len,
		(__u64)(uintptr_t)value);
	sqe->xattr_flags = 0;
}

/* fsetxattr(2) of `len` bytes at `value`, with XATTR_* `flags`. */
IOURINGINLINE void io_uring_prep_fsetxattr(struct io_uring_sqe *sqe, int fd, const char *name,
	const char *value, int flags, unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FSETXATTR, sqe, fd, (const void *)name, len,
		(__u64)(uintptr_t)value);
	sqe->xattr_flags = (__u32)flags;
}

/* getxattr(2) into `len` bytes at `value`. */
IOURINGINLINE void io_uring_prep_getxattr(struct io_uring_sqe *sqe, const char *name, char *value,
	const char *path, unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_GETXATTR, sqe, 0, (const void *)name, len,
		(__u64)(uintptr_t)value);
	sqe->addr3 = (__u64)(uintptr_t)path;
	sqe->xattr_flags = 0;
}

/* setxattr(2) of `len` bytes at `value`, with XATTR_* `flags`. */
IOURINGINLINE void io_uring_prep_setxattr(struct io_uring_sqe *sqe, const char *name,
	const char *value, const char *path, int flags, unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SETXATTR, sqe, 0, (const void *)name, len,
		(__u64)(uintptr_t)value);
	sqe->addr3 = (__u64)(uintptr_t)path;
	sqe->xattr_flags = (__u32)flags;
}

/*
 * Whether the probe `p` (from io_uring_get_probe() and its kin) knows the operation `op`, an
 * IORING_OP_*: 1 or 0.
 */
IOURINGINLINE int io_uring_opcode_supported(const struct io_uring_probe *p,
	int op) LIBURING_NOEXCEPT
{
	if (op < 0 || op > (int)p->last_op) {
		return 0;
	}
	const struct io_uring_probe_op *known = &p->ops[op];
	return ((__u32)known->flags & IO_URING_OP_SUPPORTED) != 0;
}

/*
 * Finds the header in `buf`, of which `buf_len` bytes (the CQE's res) were filled. NULL when they are
 * too few for what `msgh` asked.
 */
IOURINGINLINE struct io_uring_recvmsg_out *io_uring_recvmsg_validate(void *buf, int buf_len,
	struct msghdr *msgh) LIBURING_NOEXCEPT
{
	if (buf_len < 0) {
		return NULL;
	}
	size_t room = (size_t)buf_len;
	if (room < sizeof(struct io_uring_recvmsg_out)) {
		return NULL;
	}
	room -= sizeof(struct io_uring_recvmsg_out);
	if (room < (size_t)msgh->msg_namelen) {
		return NULL;
	}
	room -= (size_t)msgh->msg_namelen;
	if (room < (size_t)msgh->msg_controllen) {
		return NULL;
	}
	return (struct io_uring_recvmsg_out *)buf;
}

/* The sender's address, of which `o->namelen` bytes are known. */
IOURINGINLINE void *io_uring_recvmsg_name(struct io_uring_recvmsg_out *o) LIBURING_NOEXCEPT
{
	return (void *)&o[1];
}

/* The first control message; NULL when there is none. */
IOURINGINLINE struct cmsghdr *io_uring_recvmsg_cmsg_firsthdr(struct io_uring_recvmsg_out *o,
	struct msghdr *msgh) LIBURING_NOEXCEPT
{
	if ((size_t)o->controllen < sizeof(struct cmsghdr)) {
		return NULL;
	}
	char *name = (char *)io_uring_recvmsg_name(o);
	return (struct cmsghdr *)&name[msgh->msg_namelen];
}

/* The control message after `cmsg`; NULL when it was the last. */
IOURINGINLINE struct cmsghdr *io_uring_recvmsg_cmsg_nexthdr(struct io_uring_recvmsg_out *o,
	struct msghdr *msgh, struct cmsghdr *cmsg) LIBURING_NOEXCEPT
{
	char *first = (char *)io_uring_recvmsg_cmsg_firsthdr(o, msgh);
	size_t len = (size_t)cmsg->cmsg_len;
	if (first == NULL || len < sizeof(struct cmsghdr)) {
		return NULL;
	}
	/* Lengths are compared, not addresses: one that is too large must not wrap around. */
	uintptr_t end = (uintptr_t)first + (uintptr_t)o->controllen;
	size_t room = (size_t)(end - (uintptr_t)cmsg);
	if (len > room) {
		return NULL;
	}
	size_t word = sizeof(size_t);
	size_t step = len + ((word - (len % word)) % word);
	if (step > room || room - step < sizeof(struct cmsghdr)) {
		return NULL;
	}
	struct cmsghdr *next = (struct cmsghdr *)&((char *)cmsg)[step];
	if ((size_t)next->cmsg_len > room - step) {
		return NULL;
	}
	return next;
}

/* The payload's first byte. */
IOURINGINLINE void *io_uring_recvmsg_payload(struct io_uring_recvmsg_out *o,
	struct msghdr *msgh) LIBURING_NOEXCEPT
{
	char *name = (char *)io_uring_recvmsg_name(o);
	size_t room = (size_t)msgh->msg_namelen + (size_t)msgh->msg_controllen;
	return (void *)&name[room];
}

/*
 * How many bytes of payload there are in a buffer of which `buf_len` bytes were filled; 0 when they are too few for
 * what comes before it.
 */
IOURINGINLINE unsigned int io_uring_recvmsg_payload_length(struct io_uring_recvmsg_out *o,
	int buf_len, struct msghdr *msgh) LIBURING_NOEXCEPT
{
	if (io_uring_recvmsg_validate((void *)o, buf_len, msgh) == NULL) {
		return 0;
	}
	uintptr_t start = (uintptr_t)io_uring_recvmsg_payload(o, msgh);
	uintptr_t end = (uintptr_t)o + (uintptr_t)buf_len;
	return (unsigned int)(end - start);
}

/* By how many bits an SQ index is shifted to one of 64-byte SQEs, on a ring set up with `flags`. */
IOURINGINLINE unsigned int io_uring_sqe_shift_from_flags(unsigned int flags) LIBURING_NOEXCEPT
{
	return (flags & IORING_SETUP_SQE128) != 0;
}

/* By how many bits an SQ index of `ring` is shifted to one of 64-byte SQEs. */
IOURINGINLINE unsigned int io_uring_sqe_shift(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return io_uring_sqe_shift_from_flags(ring->flags);
}

/*
 * The SQ's head: how far the server has consumed SQEs. On an IORING_SETUP_SQ_REWIND ring the SQ
 * starts anew with each submission, so that its head is 0.
 */
IOURINGINLINE unsigned int io_uring_load_sq_head(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	if (uring_unlikely((ring->flags & IORING_SETUP_SQ_REWIND) != 0)) {
		return 0;
	}
	/*
	 * An SQPOLL thread must have read an SQE before we write it anew. Other rings do not need the
	 * ordering, but a branch to avoid it would cost more than it does.
	 */
	return io_uring_smp_load_acquire(ring->sq.khead);
}

/* How many SQEs were taken or submitted that the server has not consumed. */
IOURINGINLINE unsigned int io_uring_sq_ready(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return ring->sq.sqe_tail - io_uring_load_sq_head(ring);
}

/* How many SQEs can be taken before the SQ is full. */
IOURINGINLINE unsigned int io_uring_sq_space_left(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return ring->sq.ring_entries - io_uring_sq_ready(ring);
}

/*
 * Waits until the SQPOLL thread has made room in a full SQ. 0 at once when there is room or no such
 * thread, else what io_uring_enter() answers, or -errno.
 */
IOURINGINLINE int io_uring_sqring_wait(struct io_uring *ring) LIBURING_NOEXCEPT
{
	if ((ring->flags & IORING_SETUP_SQPOLL) == 0) {
		return 0;
	}
	if (io_uring_sq_space_left(ring) != 0) {
		return 0;
	}
	return __io_uring_sqring_wait(ring);
}

/* Clears what prep functions do not write. io_uring_get_sqe() has done so; user_data is left alone. */
IOURINGINLINE void io_uring_initialize_sqe(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT
{
	sqe->flags = 0;
	sqe->ioprio = 0;
	sqe->rw_flags = 0;
	sqe->buf_index = 0;
	sqe->personality = 0;
	sqe->file_index = 0;
	sqe->addr3 = 0;
	sqe->__pad2[0] = 0;
}

/* Takes the next SQE, cleared but for its user_data. NULL when the SQ is full. */
IOURINGINLINE struct io_uring_sqe *_io_uring_get_sqe(struct io_uring *ring) LIBURING_NOEXCEPT
{
	unsigned int tail = ring->sq.sqe_tail;
	unsigned int head;
	unsigned int index = tail & ring->sq.ring_mask;
	/* One test keeps both kinds of unusual rings out of the way. */
	if (uring_unlikely((ring->flags & (IORING_SETUP_SQ_REWIND | IORING_SETUP_SQE128)) != 0)) {
		head = io_uring_load_sq_head(ring);
		index <<= io_uring_sqe_shift(ring);
	} else {
		head = io_uring_smp_load_acquire(ring->sq.khead);
	}
	if (uring_unlikely(tail - head >= ring->sq.ring_entries)) {
		return NULL;
	}
	struct io_uring_sqe *sqe = &ring->sq.sqes[index];
	ring->sq.sqe_tail = tail + 1;
	io_uring_initialize_sqe(sqe);
	return sqe;
}

/*
 * Takes the next SQE, to be filled in with a prep function and submitted with io_uring_submit().
 * NULL when the SQ is full: submit first.
 */
IOURINGINLINE struct io_uring_sqe *io_uring_get_sqe(struct io_uring *ring) LIBURING_NOEXCEPT
{
	return _io_uring_get_sqe(ring);
}

/*
 * Takes the next SQE of 128 bytes, on an IORING_SETUP_SQE128 or IORING_SETUP_SQE_MIXED ring. NULL on
 * any other ring and when the SQ is full.
 */
IOURINGINLINE struct io_uring_sqe *io_uring_get_sqe128(struct io_uring *ring) LIBURING_NOEXCEPT
{
	if ((ring->flags & IORING_SETUP_SQE128) != 0) {
		return _io_uring_get_sqe(ring);
	}
	if ((ring->flags & IORING_SETUP_SQE_MIXED) == 0) {
		return NULL;
	}
	/* Two slots in a row. They must not wrap, so a last slot is given to a NOP that nobody hears of. */
	unsigned int tail = ring->sq.sqe_tail;
	bool last = (tail & ring->sq.ring_mask) == ring->sq.ring_mask;
	unsigned int slots = last ? 3 : 2;
	if (io_uring_sq_space_left(ring) < slots) {
		return NULL;
	}
	if (last) {
		struct io_uring_sqe *filler = _io_uring_get_sqe(ring);
		io_uring_prep_nop(filler);
		io_uring_sqe_set_flags(filler, IOSQE_CQE_SKIP_SUCCESS);
	}
	struct io_uring_sqe *sqe = _io_uring_get_sqe(ring);
	ring->sq.sqe_tail = ring->sq.sqe_tail + 1;
	return sqe;
}

/* Attaches `data` to the request; its CQEs carry it. io_uring_cqe_get_data() reads it back. */
IOURINGINLINE void io_uring_sqe_set_data(struct io_uring_sqe *sqe, void *data) LIBURING_NOEXCEPT
{
	sqe->user_data = uring_ptr_to_u64(data);
}

/* Attaches a number to the request; its CQEs carry it. io_uring_cqe_get_data64() reads it back. */
IOURINGINLINE void io_uring_sqe_set_data64(struct io_uring_sqe *sqe, __u64 data) LIBURING_NOEXCEPT
{
	sqe->user_data = data;
}

/* Has the request take a buffer of group `bgid`; it needs IOSQE_BUFFER_SELECT too. */
IOURINGINLINE void io_uring_sqe_set_buf_group(struct io_uring_sqe *sqe, int bgid) LIBURING_NOEXCEPT
{
	sqe->buf_group = (__u16)bgid;
}

/*
 * Gives the oldest CQE back when it is not for the application: one that fills up the CQ's end
 * (IORING_CQE_F_SKIP), or the timeout that a wait without IORING_FEAT_EXT_ARG had submitted. True
 * when it was; if a timeout did expire, its -errno is stored at `err`.
 */
IOURINGINLINE bool io_uring_skip_cqe(struct io_uring *ring, struct io_uring_cqe *cqe,
	int *err) LIBURING_NOEXCEPT
{
	if ((cqe->flags & IORING_CQE_F_SKIP) == 0) {
		if ((ring->features & IORING_FEAT_EXT_ARG) != 0) {
			return false;
		}
		if (cqe->user_data != LIBURING_UDATA_TIMEOUT) {
			return false;
		}
		if (cqe->res < 0) {
			*err = cqe->res;
		}
	}
	io_uring_cq_advance(ring, io_uring_cqe_nr(cqe));
	return true;
}

/*
 * Stores the oldest CQE at `cqe_ptr` (NULL when there is none), and at `nr_available`, if that is not
 * NULL, how many CQ slots are filled from it on. 0, or the -errno of an expired timeout.
 */
IOURINGINLINE int __io_uring_peek_cqe(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
	unsigned int *nr_available) LIBURING_NOEXCEPT
{
	struct io_uring_cqe *cqe;
	int err = 0;
	unsigned int available;
	for (;;) {
		unsigned int tail = io_uring_smp_load_acquire(ring->cq.ktail);
		unsigned int head = *ring->cq.khead;
		cqe = NULL;
		available = tail - head;
		if (available == 0) {
			break;
		}
		unsigned int index = (head & ring->cq.ring_mask) << io_uring_cqe_shift(ring);
		cqe = &ring->cq.cqes[index];
		if (uring_unlikely(io_uring_skip_cqe(ring, cqe, &err))) {
			if (err == 0) {
				continue;
			}
			cqe = NULL;
			available = 0;
		}
		break;
	}
	*cqe_ptr = cqe;
	if (nr_available != NULL) {
		*nr_available = available;
	}
	return err;
}

/* Waits until there are `wait_nr` CQEs and stores the oldest at `cqe_ptr`. 0 or -errno. */
IOURINGINLINE int io_uring_wait_cqe_nr(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
	unsigned int wait_nr) LIBURING_NOEXCEPT
{
	return __io_uring_get_cqe(ring, cqe_ptr, 0, wait_nr, NULL);
}

/*
 * Stores the oldest CQE at `cqe_ptr` when it is there and needs no second look. When not, its callers
 * go into the library.
 */
IOURINGINLINE bool __io_uring_cqe_is_ready(const struct io_uring *ring,
	struct io_uring_cqe **cqe_ptr) LIBURING_NOEXCEPT
{
	unsigned int tail = io_uring_smp_load_acquire(ring->cq.ktail);
	unsigned int head = *ring->cq.khead;
	if (head == tail) {
		return false;
	}
	unsigned int index = head & ring->cq.ring_mask;
	if (uring_unlikely((ring->flags & IORING_SETUP_CQE32) != 0)) {
		index <<= 1;
	}
	struct io_uring_cqe *cqe = &ring->cq.cqes[index];
	/* Whatever io_uring_skip_cqe() could give back. */
	if (uring_unlikely((cqe->flags & IORING_CQE_F_SKIP) != 0)) {
		return false;
	}
	if (uring_unlikely((ring->features & IORING_FEAT_EXT_ARG) == 0)) {
		return false;
	}
	*cqe_ptr = cqe;
	return true;
}

/*
 * Stores the oldest CQE at `cqe_ptr` without waiting for one. 0, -EAGAIN when there is none, or
 * another -errno. The CQE stays in the CQ until io_uring_cqe_seen().
 */
IOURINGINLINE int io_uring_peek_cqe(struct io_uring *ring,
	struct io_uring_cqe **cqe_ptr) LIBURING_NOEXCEPT
{
	if (__io_uring_cqe_is_ready(ring, cqe_ptr)) {
		return 0;
	}
	return io_uring_wait_cqe_nr(ring, cqe_ptr, 0);
}

/*
 * Waits for a CQE and stores the oldest at `cqe_ptr`. 0 or -errno. The CQE stays in the CQ until
 * io_uring_cqe_seen().
 */
IOURINGINLINE int io_uring_wait_cqe(struct io_uring *ring,
	struct io_uring_cqe **cqe_ptr) LIBURING_NOEXCEPT
{
	if (__io_uring_cqe_is_ready(ring, cqe_ptr)) {
		return 0;
	}
	return io_uring_wait_cqe_nr(ring, cqe_ptr, 1);
}

#ifdef __cplusplus
}
#endif

/* True when these headers are OLDER than the version asked for, as io_uring_check_version(). */
#define IO_URING_CHECK_VERSION(major, minor)                                            \
	((major) > IO_URING_VERSION_MAJOR ||                                            \
	 ((major) == IO_URING_VERSION_MAJOR && (minor) > IO_URING_VERSION_MINOR))

#endif
