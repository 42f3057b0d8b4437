//! Setting a ring up, entering it, and waiting on it.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// params->flags
/// Completions are found by polling the device, without interrupts; needs `O_DIRECT` files on a
/// device that can poll.
pub const IORING_SETUP_IOPOLL: __u32 = 1;
/// A kernel thread takes the submissions; see `sq_thread_idle` and `IORING_SQ_NEED_WAKEUP`.
pub const IORING_SETUP_SQPOLL: __u32 = 2;
/// The submission thread runs on `sq_thread_cpu`. `-EINVAL` without `IORING_SETUP_SQPOLL`.
pub const IORING_SETUP_SQ_AFF: __u32 = 4;
/// `cq_entries` asks for the size of the completion queue (default: twice the submission queue).
pub const IORING_SETUP_CQSIZE: __u32 = 8;
/// Too many entries are reduced to the maximum instead of failing with `-EINVAL`.
pub const IORING_SETUP_CLAMP: __u32 = 0x10;
/// Share the workers, and the submission thread, of the ring `wq_fd`.
pub const IORING_SETUP_ATTACH_WQ: __u32 = 0x20;
/// The ring starts disabled: `-EBADFD` until `IORING_REGISTER_ENABLE_RINGS`.
pub const IORING_SETUP_R_DISABLED: __u32 = 0x40;
/// Submission goes on behind a request that is refused.
pub const IORING_SETUP_SUBMIT_ALL: __u32 = 0x80;
/// Completion work does not interrupt the task; it runs when the task next enters the kernel.
pub const IORING_SETUP_COOP_TASKRUN: __u32 = 0x100;
/// `IORING_SQ_TASKRUN` shows that completion work waits. `-EINVAL` unless COOP_TASKRUN or
/// DEFER_TASKRUN is set.
pub const IORING_SETUP_TASKRUN_FLAG: __u32 = 0x200;
/// SQEs are 128 bytes.
pub const IORING_SETUP_SQE128: __u32 = 0x400;
/// CQEs are 32 bytes.
pub const IORING_SETUP_CQE32: __u32 = 0x800;
/// Only one task submits; `-EEXIST` for another.
pub const IORING_SETUP_SINGLE_ISSUER: __u32 = 0x1000;
/// Completion work runs only when the task asks for events. `-EINVAL` without
/// `IORING_SETUP_SINGLE_ISSUER`.
pub const IORING_SETUP_DEFER_TASKRUN: __u32 = 0x2000;
/// The application supplies the memory of the rings and SQEs: `user_addr` of `cq_off` and of
/// `sq_off`.
pub const IORING_SETUP_NO_MMAP: __u32 = 0x4000;
/// Setup returns a registered ring index and no file descriptor. `-EINVAL` without
/// `IORING_SETUP_NO_MMAP`.
pub const IORING_SETUP_REGISTERED_FD_ONLY: __u32 = 0x8000;
/// There is no index array between the submission ring and the SQEs: slot n is SQE n.
pub const IORING_SETUP_NO_SQARRAY: __u32 = 0x10000;
/// Sleep for a part of the expected time before polling. `-EINVAL` without `IORING_SETUP_IOPOLL`.
pub const IORING_SETUP_HYBRID_IOPOLL: __u32 = 0x20000;
/// CQEs are 16 bytes or, with `IORING_CQE_F_32`, 32. `-EINVAL` together with CQE32.
pub const IORING_SETUP_CQE_MIXED: __u32 = 0x40000;
/// SQEs are 64 bytes or, for `IORING_OP_NOP128` and `IORING_OP_URING_CMD128`, 128. `-EINVAL`
/// together with SQE128.
pub const IORING_SETUP_SQE_MIXED: __u32 = 0x80000;
/// Every submission starts at SQE 0; head and tail of the submission ring are not used. `-EINVAL`
/// without NO_SQARRAY, or with SQPOLL.
pub const IORING_SETUP_SQ_REWIND: __u32 = 0x100000;

// params->features
/// One mapping holds both rings.
pub const IORING_FEAT_SINGLE_MMAP: __u32 = 1;
/// A full completion queue loses no CQE: they are kept aside and `IORING_SQ_CQ_OVERFLOW` is set.
pub const IORING_FEAT_NODROP: __u32 = 2;
/// What an SQE points at, except data buffers, may be reused once it was submitted.
pub const IORING_FEAT_SUBMIT_STABLE: __u32 = 4;
/// Offset -1 reads and writes at the file's position.
pub const IORING_FEAT_RW_CUR_POS: __u32 = 8;
/// A request has the credentials of the task that submits it, not of the one that made the ring.
pub const IORING_FEAT_CUR_PERSONALITY: __u32 = 0x10;
/// Requests on pollable files wait by poll, without a worker.
pub const IORING_FEAT_FAST_POLL: __u32 = 0x20;
/// `poll32_events` takes all 32 bits, `EPOLLEXCLUSIVE` among them.
pub const IORING_FEAT_POLL_32BITS: __u32 = 0x40;
/// With SQPOLL, files need not be registered.
pub const IORING_FEAT_SQPOLL_NONFIXED: __u32 = 0x80;
/// `IORING_ENTER_EXT_ARG`: enter takes a timeout and a signal mask.
pub const IORING_FEAT_EXT_ARG: __u32 = 0x100;
/// Workers are threads of the process.
pub const IORING_FEAT_NATIVE_WORKERS: __u32 = 0x200;
/// Registered files and buffers take tags and can be updated.
pub const IORING_FEAT_RSRC_TAGS: __u32 = 0x400;
/// `IOSQE_CQE_SKIP_SUCCESS`.
pub const IORING_FEAT_CQE_SKIP: __u32 = 0x800;
/// A linked request looks its file up when it starts, so an earlier link may open it.
pub const IORING_FEAT_LINKED_FILE: __u32 = 0x1000;
/// `IORING_REGISTER_USE_REGISTERED_RING`.
pub const IORING_FEAT_REG_REG_RING: __u32 = 0x2000;
/// `IORING_RECVSEND_BUNDLE`.
pub const IORING_FEAT_RECVSEND_BUNDLE: __u32 = 0x4000;
/// `min_wait_usec` of the wait's argument.
pub const IORING_FEAT_MIN_TIMEOUT: __u32 = 0x8000;
/// Reads and writes take attributes: `attr_ptr`, `attr_type_mask`.
pub const IORING_FEAT_RW_ATTR: __u32 = 0x10000;
/// `IORING_ENTER_NO_IOWAIT`.
pub const IORING_FEAT_NO_IOWAIT: __u32 = 0x20000;

// mmap offsets of the ring fd
/// The submission ring; with `IORING_FEAT_SINGLE_MMAP` both rings.
pub const IORING_OFF_SQ_RING: __u64 = 0;
/// The completion ring.
pub const IORING_OFF_CQ_RING: __u64 = 0x8000000;
/// The array of SQEs.
pub const IORING_OFF_SQES: __u64 = 0x10000000;
/// A provided buffer ring; its group is or-ed in at `IORING_OFF_PBUF_SHIFT`.
pub const IORING_OFF_PBUF_RING: __u64 = 0x80000000;
/// The first bit of the buffer group in a mapping offset.
pub const IORING_OFF_PBUF_SHIFT: __u64 = 0x10;
/// The bits of a mapping offset that say which region is meant.
pub const IORING_OFF_MMAP_MASK: __u64 = 0xf8000000;

// *sq.kflags
/// The submission thread sleeps: enter with `IORING_ENTER_SQ_WAKEUP`.
pub const IORING_SQ_NEED_WAKEUP: __u32 = 1;
/// CQEs wait outside the full ring: enter with `IORING_ENTER_GETEVENTS` fetches them.
pub const IORING_SQ_CQ_OVERFLOW: __u32 = 2;
/// Completion work waits: enter with `IORING_ENTER_GETEVENTS` runs it.
pub const IORING_SQ_TASKRUN: __u32 = 4;

// *cq.kflags
/// Completions do not signal the registered eventfd. Written by the application.
pub const IORING_CQ_EVENTFD_DISABLED: __u32 = 1;

// io_uring_enter
/// Wait for `min_complete` CQEs; with 0, flush what is pending.
pub const IORING_ENTER_GETEVENTS: __u32 = 1;
/// Wake the submission thread.
pub const IORING_ENTER_SQ_WAKEUP: __u32 = 2;
/// With SQPOLL: wait until the submission queue has room.
pub const IORING_ENTER_SQ_WAIT: __u32 = 4;
/// The argument is a `struct io_uring_getevents_arg`, not a signal mask.
pub const IORING_ENTER_EXT_ARG: __u32 = 8;
/// `fd` is an index from `IORING_REGISTER_RING_FDS`.
pub const IORING_ENTER_REGISTERED_RING: __u32 = 0x10;
/// The timeout is a time on the ring's clock, not a length of time.
pub const IORING_ENTER_ABS_TIMER: __u32 = 0x20;
/// The argument is an offset into the registered wait region, of a `struct io_uring_reg_wait`.
pub const IORING_ENTER_EXT_ARG_REG: __u32 = 0x40;
/// This wait does not count as waiting for I/O in CPU statistics.
pub const IORING_ENTER_NO_IOWAIT: __u32 = 0x80;

// io_uring_reg_wait.flags
/// `ts` holds a timeout.
pub const IORING_REG_WAIT_TS: __u32 = 1;

/// Where the parts of the submission ring lie: bytes from the start of its mapping. Filled by
/// setup.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_sqring_offsets {
    /// The server's index of the next entry to take.
    pub head: __u32,
    /// The application's index behind the last entry.
    pub tail: __u32,
    /// The number of entries minus one.
    pub ring_mask: __u32,
    /// The number of entries.
    pub ring_entries: __u32,
    /// `IORING_SQ_*`.
    pub flags: __u32,
    /// The count of entries refused because their index was out of range.
    pub dropped: __u32,
    /// The indices of SQEs; unused with `IORING_SETUP_NO_SQARRAY`.
    pub array: __u32,
    /// Reserved: 0.
    pub resv1: __u32,
    /// In, with `IORING_SETUP_NO_MMAP`: the address of the SQEs' memory.
    pub user_addr: __u64,
}

/// Where the parts of the completion ring lie: bytes from the start of its mapping. Filled by
/// setup.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_cqring_offsets {
    /// The application's index of the next CQE to read.
    pub head: __u32,
    /// The server's index behind the last CQE.
    pub tail: __u32,
    /// The number of entries minus one.
    pub ring_mask: __u32,
    /// The number of entries.
    pub ring_entries: __u32,
    /// The count of CQEs lost for want of room.
    pub overflow: __u32,
    /// The CQEs.
    pub cqes: __u32,
    /// `IORING_CQ_EVENTFD_DISABLED`.
    pub flags: __u32,
    /// Reserved: 0.
    pub resv1: __u32,
    /// In, with `IORING_SETUP_NO_MMAP`: the address of the rings' memory.
    pub user_addr: __u64,
}

/// What `io_uring_setup` is asked for and what it answers.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_params {
    /// Out: entries of the submission queue, a power of two, at most 32768.
    pub sq_entries: __u32,
    /// Out: entries of the completion queue; in with `IORING_SETUP_CQSIZE`, at most 65536.
    pub cq_entries: __u32,
    /// In: `IORING_SETUP_*`.
    pub flags: __u32,
    /// In: the submission thread's CPU, with `IORING_SETUP_SQ_AFF`.
    pub sq_thread_cpu: __u32,
    /// In: milliseconds without work until the submission thread sleeps; 0 is one second.
    pub sq_thread_idle: __u32,
    /// Out: `IORING_FEAT_*`.
    pub features: __u32,
    /// In: the ring to share with, with `IORING_SETUP_ATTACH_WQ`.
    pub wq_fd: __u32,
    /// Reserved: 0.
    pub resv: [__u32; 3],
    /// Out: the layout of the submission ring.
    pub sq_off: io_sqring_offsets,
    /// Out: the layout of the completion ring.
    pub cq_off: io_cqring_offsets,
}

/// One entry of a registered wait region: how `io_uring_submit_and_wait_reg` waits.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_reg_wait {
    /// The timeout, if `flags` has `IORING_REG_WAIT_TS`.
    pub ts: __kernel_timespec,
    /// Microseconds to wait for all events asked for, before fewer suffice.
    pub min_wait_usec: __u32,
    /// `IORING_REG_WAIT_TS` or 0.
    pub flags: __u32,
    /// The address of the signal mask during the wait, or 0.
    pub sigmask: __u64,
    /// The size of the signal mask in bytes.
    pub sigmask_sz: __u32,
    /// Reserved: 0.
    pub pad: [__u32; 3],
    /// Reserved: 0.
    pub pad2: [__u64; 2],
}

/// The argument of enter with `IORING_ENTER_EXT_ARG`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_getevents_arg {
    /// The address of the signal mask during the wait, or 0.
    pub sigmask: __u64,
    /// The size of the signal mask in bytes.
    pub sigmask_sz: __u32,
    /// Microseconds to wait for all events asked for, before fewer suffice
    /// (`IORING_FEAT_MIN_TIMEOUT`).
    pub min_wait_usec: __u32,
    /// The address of a `struct __kernel_timespec`, or 0 to wait without end.
    pub ts: __u64,
}
