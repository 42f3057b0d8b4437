#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// params->flags
pub const IORING_SETUP_IOPOLL: __u32 = 1;
pub const IORING_SETUP_SQPOLL: __u32 = 2;
pub const IORING_SETUP_SQ_AFF: __u32 = 4;
pub const IORING_SETUP_CQSIZE: __u32 = 8;
pub const IORING_SETUP_CLAMP: __u32 = 0x10;
pub const IORING_SETUP_ATTACH_WQ: __u32 = 0x20;
pub const IORING_SETUP_R_DISABLED: __u32 = 0x40;
pub const IORING_SETUP_SUBMIT_ALL: __u32 = 0x80;
pub const IORING_SETUP_COOP_TASKRUN: __u32 = 0x100;
pub const IORING_SETUP_TASKRUN_FLAG: __u32 = 0x200;
pub const IORING_SETUP_SQE128: __u32 = 0x400;
pub const IORING_SETUP_CQE32: __u32 = 0x800;
pub const IORING_SETUP_SINGLE_ISSUER: __u32 = 0x1000;
pub const IORING_SETUP_DEFER_TASKRUN: __u32 = 0x2000;
pub const IORING_SETUP_NO_MMAP: __u32 = 0x4000;
pub const IORING_SETUP_REGISTERED_FD_ONLY: __u32 = 0x8000;
pub const IORING_SETUP_NO_SQARRAY: __u32 = 0x10000;
pub const IORING_SETUP_HYBRID_IOPOLL: __u32 = 0x20000;
pub const IORING_SETUP_CQE_MIXED: __u32 = 0x40000;
pub const IORING_SETUP_SQE_MIXED: __u32 = 0x80000;
pub const IORING_SETUP_SQ_REWIND: __u32 = 0x100000;

// params->features
pub const IORING_FEAT_SINGLE_MMAP: __u32 = 1;
pub const IORING_FEAT_NODROP: __u32 = 2;
pub const IORING_FEAT_SUBMIT_STABLE: __u32 = 4;
pub const IORING_FEAT_RW_CUR_POS: __u32 = 8;
pub const IORING_FEAT_CUR_PERSONALITY: __u32 = 0x10;
pub const IORING_FEAT_FAST_POLL: __u32 = 0x20;
pub const IORING_FEAT_POLL_32BITS: __u32 = 0x40;
pub const IORING_FEAT_SQPOLL_NONFIXED: __u32 = 0x80;
pub const IORING_FEAT_EXT_ARG: __u32 = 0x100;
pub const IORING_FEAT_NATIVE_WORKERS: __u32 = 0x200;
pub const IORING_FEAT_RSRC_TAGS: __u32 = 0x400;
pub const IORING_FEAT_CQE_SKIP: __u32 = 0x800;
pub const IORING_FEAT_LINKED_FILE: __u32 = 0x1000;
pub const IORING_FEAT_REG_REG_RING: __u32 = 0x2000;
pub const IORING_FEAT_RECVSEND_BUNDLE: __u32 = 0x4000;
pub const IORING_FEAT_MIN_TIMEOUT: __u32 = 0x8000;
pub const IORING_FEAT_RW_ATTR: __u32 = 0x10000;
pub const IORING_FEAT_NO_IOWAIT: __u32 = 0x20000;

// mmap offsets of the ring fd
pub const IORING_OFF_SQ_RING: __u64 = 0;
pub const IORING_OFF_CQ_RING: __u64 = 0x8000000;
pub const IORING_OFF_SQES: __u64 = 0x10000000;
pub const IORING_OFF_PBUF_RING: __u64 = 0x80000000;
pub const IORING_OFF_PBUF_SHIFT: __u64 = 0x10;
pub const IORING_OFF_MMAP_MASK: __u64 = 0xf8000000;

// *sq.kflags
pub const IORING_SQ_NEED_WAKEUP: __u32 = 1;
pub const IORING_SQ_CQ_OVERFLOW: __u32 = 2;
pub const IORING_SQ_TASKRUN: __u32 = 4;

// *cq.kflags
pub const IORING_CQ_EVENTFD_DISABLED: __u32 = 1;

// io_uring_enter
pub const IORING_ENTER_GETEVENTS: __u32 = 1;
pub const IORING_ENTER_SQ_WAKEUP: __u32 = 2;
pub const IORING_ENTER_SQ_WAIT: __u32 = 4;
pub const IORING_ENTER_EXT_ARG: __u32 = 8;
pub const IORING_ENTER_REGISTERED_RING: __u32 = 0x10;
pub const IORING_ENTER_ABS_TIMER: __u32 = 0x20;
pub const IORING_ENTER_EXT_ARG_REG: __u32 = 0x40;
pub const IORING_ENTER_NO_IOWAIT: __u32 = 0x80;

// io_uring_reg_wait.flags
pub const IORING_REG_WAIT_TS: __u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_sqring_offsets {
    pub head: __u32,
    pub tail: __u32,
    pub ring_mask: __u32,
    pub ring_entries: __u32,
    pub flags: __u32,
    pub dropped: __u32,
    pub array: __u32,
    pub resv1: __u32,
    pub user_addr: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_cqring_offsets {
    pub head: __u32,
    pub tail: __u32,
    pub ring_mask: __u32,
    pub ring_entries: __u32,
    pub overflow: __u32,
    pub cqes: __u32,
    pub flags: __u32,
    pub resv1: __u32,
    pub user_addr: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_params {
    pub sq_entries: __u32,
    pub cq_entries: __u32,
    pub flags: __u32,
    pub sq_thread_cpu: __u32,
    pub sq_thread_idle: __u32,
    pub features: __u32,
    pub wq_fd: __u32,
    pub resv: [__u32; 3],
    pub sq_off: io_sqring_offsets,
    pub cq_off: io_cqring_offsets,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_reg_wait {
    pub ts: __kernel_timespec,
    pub min_wait_usec: __u32,
    pub flags: __u32,
    pub sigmask: __u64,
    pub sigmask_sz: __u32,
    pub pad: [__u32; 3],
    pub pad2: [__u64; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_getevents_arg {
    pub sigmask: __u64,
    pub sigmask_sz: __u32,
    pub min_wait_usec: __u32,
    pub ts: __u64,
}
