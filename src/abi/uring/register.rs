//! The opcodes of `io_uring_register` and their arguments.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

/// Opcodes of `io_uring_register`. An unknown one gives `-EINVAL`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_register_op {
    /// Register buffers: an array of iovecs. `-EBUSY` if there are some.
    IORING_REGISTER_BUFFERS,
    /// Unregister all buffers. `-ENXIO` if there are none.
    IORING_UNREGISTER_BUFFERS,
    /// Register files: an array of descriptors, -1 for an empty slot. `-EBUSY` if there are some.
    IORING_REGISTER_FILES,
    /// Unregister all files. `-ENXIO` if there are none.
    IORING_UNREGISTER_FILES,
    /// Signal an eventfd at each completion. `-EBUSY` if there is one.
    IORING_REGISTER_EVENTFD,
    /// Unregister the eventfd. `-ENXIO` if there is none.
    IORING_UNREGISTER_EVENTFD,
    /// Replace registered files: `struct io_uring_files_update`; answers the number done.
    IORING_REGISTER_FILES_UPDATE,
    /// Signal an eventfd only at completions that did not come at once.
    IORING_REGISTER_EVENTFD_ASYNC,
    /// Which operations there are: `struct io_uring_probe`, zeroed.
    IORING_REGISTER_PROBE,
    /// Register the task's credentials; answers their ID.
    IORING_REGISTER_PERSONALITY,
    /// Unregister the credentials whose ID is the count. `-EINVAL` if there are none.
    IORING_UNREGISTER_PERSONALITY,
    /// Restrict a ring that is still disabled: an array of `struct io_uring_restriction`.
    IORING_REGISTER_RESTRICTIONS,
    /// Enable a ring made with `IORING_SETUP_R_DISABLED`. `-EBADFD` if it is enabled.
    IORING_REGISTER_ENABLE_RINGS,
    /// Register files with tags: `struct io_uring_rsrc_register`.
    IORING_REGISTER_FILES2,
    /// Replace files with tags: `struct io_uring_rsrc_update2`.
    IORING_REGISTER_FILES_UPDATE2,
    /// Register buffers with tags: `struct io_uring_rsrc_register`.
    IORING_REGISTER_BUFFERS2,
    /// Replace buffers with tags: `struct io_uring_rsrc_update2`.
    IORING_REGISTER_BUFFERS_UPDATE,
    /// Bind the workers to CPUs: a CPU mask and its size.
    IORING_REGISTER_IOWQ_AFF,
    /// Undo that.
    IORING_UNREGISTER_IOWQ_AFF,
    /// Limit the workers: two counts, by `enum io_wq_type`; 0 only asks. The old ones come back.
    IORING_REGISTER_IOWQ_MAX_WORKERS,
    /// Register rings for enter: an array of `struct io_uring_rsrc_update`; answers the number
    /// done.
    IORING_REGISTER_RING_FDS,
    /// Undo that.
    IORING_UNREGISTER_RING_FDS,
    /// Register a provided buffer ring: `struct io_uring_buf_reg`. `-EEXIST` if the group has
    /// buffers.
    IORING_REGISTER_PBUF_RING,
    /// Unregister it. `-ENOENT` if there is none.
    IORING_UNREGISTER_PBUF_RING,
    /// Cancel and wait until it is done: `struct io_uring_sync_cancel_reg`.
    IORING_REGISTER_SYNC_CANCEL,
    /// Where `IORING_FILE_INDEX_ALLOC` finds slots: `struct io_uring_file_index_range`.
    IORING_REGISTER_FILE_ALLOC_RANGE,
    /// The head of a provided buffer ring: `struct io_uring_buf_status`.
    IORING_REGISTER_PBUF_STATUS,
    /// Busy-poll the network: `struct io_uring_napi`; the old values come back.
    IORING_REGISTER_NAPI,
    /// Undo that.
    IORING_UNREGISTER_NAPI,
    /// The clock of waits: `struct io_uring_clock_register`.
    IORING_REGISTER_CLOCK,
    /// Copy registered buffers of another ring: `struct io_uring_clone_buffers`.
    IORING_REGISTER_CLONE_BUFFERS,
    /// MSG_RING without a ring of one's own, fd -1: `struct io_uring_sqe`.
    IORING_REGISTER_SEND_MSG_RING,
    /// Register a zero-copy receive queue: `struct io_uring_zcrx_ifq_reg`.
    IORING_REGISTER_ZCRX_IFQ,
    /// Change the size of the rings: `struct io_uring_params`. `-EINVAL` without
    /// `IORING_SETUP_DEFER_TASKRUN`.
    IORING_REGISTER_RESIZE_RINGS,
    /// Register a memory region: `struct io_uring_mem_region_reg`.
    IORING_REGISTER_MEM_REGION,
    /// What the kernel offers, fd -1 allowed: `struct io_uring_query_hdr`.
    IORING_REGISTER_QUERY,
    /// Operate a zero-copy receive queue: `struct zcrx_ctrl`.
    IORING_REGISTER_ZCRX_CTRL,
    /// Register a filter of requests: `struct io_uring_bpf`; with fd -1 for the task.
    IORING_REGISTER_BPF_FILTER,
    /// The number of opcodes known to this header.
    IORING_REGISTER_LAST,
}

/// The kinds of workers.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_wq_type {
    /// For work on files and block devices, which ends.
    IO_WQ_BOUND,
    /// For work that may wait without end.
    IO_WQ_UNBOUND,
}

/// The kinds of restrictions.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_register_restriction_op {
    /// Allow the register opcode `register_op`.
    IORING_RESTRICTION_REGISTER_OP,
    /// Allow the operation `sqe_op`.
    IORING_RESTRICTION_SQE_OP,
    /// Allow the flags `sqe_flags`.
    IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
    /// Require the flags `sqe_flags`.
    IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
    /// The number of kinds known to this header.
    IORING_RESTRICTION_LAST,
}

// or-ed into the opcode of io_uring_register when fd is a registered ring
/// Or-ed into the opcode: `fd` is the index of a registered ring.
pub const IORING_REGISTER_USE_REGISTERED_RING: __u32 = 0x80000000;

// io_uring_rsrc_register.flags
/// Register `nr` empty slots; `data` is 0.
pub const IORING_RSRC_REGISTER_SPARSE: __u32 = 1;

// an entry of a files update that keeps its slot
/// In an array of descriptors: leave this slot as it is.
pub const IORING_REGISTER_FILES_SKIP: c_int = -2;

// io_uring_probe_op.flags
/// The operation is supported.
pub const IO_URING_OP_SUPPORTED: __u32 = 1;

// memory regions
/// The memory is the application's, at `user_addr`; otherwise the kernel's, to be mapped.
pub const IORING_MEM_REGION_TYPE_USER: __u32 = 1;
/// The region holds arguments of waits. Only while the ring is disabled.
pub const IORING_MEM_REGION_REG_WAIT_ARG: __u32 = 1;

// io_uring_clone_buffers.flags
/// `src_fd` is the index of a registered ring.
pub const IORING_REGISTER_SRC_REGISTERED: __u32 = 1;
/// Buffers that the destination has are replaced; `-EBUSY` otherwise.
pub const IORING_REGISTER_DST_REPLACE: __u32 = 2;

/// The argument of `IORING_REGISTER_FILES_UPDATE`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_files_update {
    /// The first slot.
    pub offset: __u32,
    /// Reserved: 0.
    pub resv: __u32,
    /// The address of the descriptors: -1 empties a slot.
    pub fds: __u64,
}

/// A memory region.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_region_desc {
    /// In, with `IORING_MEM_REGION_TYPE_USER`: its address.
    pub user_addr: __u64,
    /// In: its size in bytes, whole pages.
    pub size: __u64,
    /// In: `IORING_MEM_REGION_TYPE_USER` or 0.
    pub flags: __u32,
    /// In: the region's ID; 0.
    pub id: __u32,
    /// Out: where to map it.
    pub mmap_offset: __u64,
    /// Reserved: 0.
    pub __resv: [__u64; 4],
}

/// The argument of `IORING_REGISTER_MEM_REGION`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_mem_region_reg {
    /// The address of a `struct io_uring_region_desc`.
    pub region_uptr: __u64,
    /// `IORING_MEM_REGION_REG_WAIT_ARG` or 0.
    pub flags: __u64,
    /// Reserved: 0.
    pub __resv: [__u64; 2],
}

/// The argument of `IORING_REGISTER_FILES2` and `IORING_REGISTER_BUFFERS2`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_rsrc_register {
    /// The number of slots.
    pub nr: __u32,
    /// `IORING_RSRC_REGISTER_SPARSE` or 0.
    pub flags: __u32,
    /// Reserved: 0.
    pub resv2: __u64,
    /// The address of the descriptors or iovecs.
    pub data: __u64,
    /// The address of the tags, or 0. A tag comes as `user_data` of a CQE when its slot is free.
    pub tags: __u64,
}

/// A registered ring, or an update without tags.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_rsrc_update {
    /// The slot; with RING_FDS -1 for any, and the one taken comes back.
    pub offset: __u32,
    /// Reserved: 0.
    pub resv: __u32,
    /// The ring's descriptor, or the address of new contents.
    pub data: __u64,
}

/// The argument of `IORING_REGISTER_FILES_UPDATE2` and `IORING_REGISTER_BUFFERS_UPDATE`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_rsrc_update2 {
    /// The first slot.
    pub offset: __u32,
    /// Reserved: 0.
    pub resv: __u32,
    /// The address of the descriptors or iovecs.
    pub data: __u64,
    /// The address of the tags, or 0.
    pub tags: __u64,
    /// The number of slots.
    pub nr: __u32,
    /// Reserved: 0.
    pub resv2: __u32,
}

/// What is known of one operation.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_probe_op {
    /// `IORING_OP_*`.
    pub op: __u8,
    /// Reserved: 0.
    pub resv: __u8,
    /// `IO_URING_OP_SUPPORTED` or 0.
    pub flags: __u16,
    /// Reserved: 0.
    pub resv2: __u32,
}

/// The argument of `IORING_REGISTER_PROBE`. All out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_probe {
    /// The last operation that the kernel knows.
    pub last_op: __u8,
    /// The number of `ops` filled.
    pub ops_len: __u8,
    /// Reserved: 0.
    pub resv: __u16,
    /// Reserved: 0.
    pub resv2: [__u32; 3],
    /// One for each operation.
    pub ops: [io_uring_probe_op; 0],
}

/// What is restricted.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_restriction_register_op {
    /// `IORING_REGISTER_*`.
    pub register_op: __u8,
    /// `IORING_OP_*`.
    pub sqe_op: __u8,
    /// `IOSQE_*`.
    pub sqe_flags: __u8,
}

/// A restriction of a ring.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_restriction {
    /// `IORING_RESTRICTION_*`.
    pub opcode: __u16,
    /// What is restricted.
    pub anon_register_op: anon_io_uring_restriction_register_op,
    /// Reserved: 0.
    pub resv: __u8,
    /// Reserved: 0.
    pub resv2: [__u32; 3],
}

/// Restrictions of all rings that a task makes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_task_restriction {
    /// Flags; 0.
    pub flags: __u16,
    /// The number of `restrictions`.
    pub nr_res: __u16,
    /// Reserved: 0.
    pub resv: [__u32; 3],
    /// The restrictions.
    pub restrictions: [io_uring_restriction; 0],
}

/// The argument of `IORING_REGISTER_CLOCK`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_clock_register {
    /// CLOCK_MONOTONIC or CLOCK_BOOTTIME; `-EINVAL` for others.
    pub clockid: __u32,
    /// Reserved: 0.
    pub __resv: [__u32; 3],
}

/// The argument of `IORING_REGISTER_CLONE_BUFFERS`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_clone_buffers {
    /// The ring to copy from.
    pub src_fd: __u32,
    /// `IORING_REGISTER_SRC_REGISTERED`, `IORING_REGISTER_DST_REPLACE`.
    pub flags: __u32,
    /// The first slot of the source.
    pub src_off: __u32,
    /// The first slot of the destination.
    pub dst_off: __u32,
    /// The number of slots; 0 with both offsets 0 for all.
    pub nr: __u32,
    /// Reserved: 0.
    pub pad: [__u32; 3],
}

/// `opcode` of `struct io_uring_napi`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_napi_op {
    /// Begin, with the tracking strategy `op_param`.
    IO_URING_NAPI_REGISTER_OP,
    /// Busy-poll the queue `op_param` as well.
    IO_URING_NAPI_STATIC_ADD_ID,
    /// Busy-poll that queue no more.
    IO_URING_NAPI_STATIC_DEL_ID,
}

/// Which queues are busy-polled.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_napi_tracking_strategy {
    /// Those of the sockets that requests wait for.
    IO_URING_NAPI_TRACKING_DYNAMIC,
    /// Those that the program names.
    IO_URING_NAPI_TRACKING_STATIC,
    /// None.
    IO_URING_NAPI_TRACKING_INACTIVE = 255,
}

/// Byte 5 of `struct io_uring_napi`.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_napi_opcode {
    /// Reserved without `opcode`: 0.
    pub pad: [__u8; 3],
    /// `IO_URING_NAPI_*_OP` and `_ID`.
    pub opcode: __u8,
}

/// Bytes 8 to 15 of `struct io_uring_napi`.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_napi_param {
    /// Reserved without `op_param`: 0.
    pub resv: __u64,
    /// What `opcode` is about.
    pub op_param: __u32,
}

/// The argument of `IORING_REGISTER_NAPI` and `IORING_UNREGISTER_NAPI`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_napi {
    /// Microseconds to busy-poll.
    pub busy_poll_to: __u32,
    /// 1 to prefer busy polling to interrupts.
    pub prefer_busy_poll: __u8,
    /// What to do.
    pub anon_opcode: anon_io_uring_napi_opcode,
    /// About what.
    pub anon_param: anon_io_uring_napi_param,
}

/// The argument of `IORING_REGISTER_SYNC_CANCEL`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_sync_cancel_reg {
    /// The `user_data` to match.
    pub addr: __u64,
    /// The file to match, with `IORING_ASYNC_CANCEL_FD`.
    pub fd: __s32,
    /// `IORING_ASYNC_CANCEL_*`.
    pub flags: __u32,
    /// How long to wait, -1 in both fields for ever; then `-ETIME`.
    pub timeout: __kernel_timespec,
    /// The operation to match, with `IORING_ASYNC_CANCEL_OP`.
    pub opcode: __u8,
    /// Reserved: 0.
    pub pad: [__u8; 7],
    /// Reserved: 0.
    pub pad2: [__u64; 3],
}

/// The argument of `IORING_REGISTER_FILE_ALLOC_RANGE`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_file_index_range {
    /// The first slot.
    pub off: __u32,
    /// The number of slots.
    pub len: __u32,
    /// Reserved: 0.
    pub resv: __u64,
}
