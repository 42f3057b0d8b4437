#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_register_op {
    IORING_REGISTER_BUFFERS,
    IORING_UNREGISTER_BUFFERS,
    IORING_REGISTER_FILES,
    IORING_UNREGISTER_FILES,
    IORING_REGISTER_EVENTFD,
    IORING_UNREGISTER_EVENTFD,
    IORING_REGISTER_FILES_UPDATE,
    IORING_REGISTER_EVENTFD_ASYNC,
    IORING_REGISTER_PROBE,
    IORING_REGISTER_PERSONALITY,
    IORING_UNREGISTER_PERSONALITY,
    IORING_REGISTER_RESTRICTIONS,
    IORING_REGISTER_ENABLE_RINGS,
    IORING_REGISTER_FILES2,
    IORING_REGISTER_FILES_UPDATE2,
    IORING_REGISTER_BUFFERS2,
    IORING_REGISTER_BUFFERS_UPDATE,
    IORING_REGISTER_IOWQ_AFF,
    IORING_UNREGISTER_IOWQ_AFF,
    IORING_REGISTER_IOWQ_MAX_WORKERS,
    IORING_REGISTER_RING_FDS,
    IORING_UNREGISTER_RING_FDS,
    IORING_REGISTER_PBUF_RING,
    IORING_UNREGISTER_PBUF_RING,
    IORING_REGISTER_SYNC_CANCEL,
    IORING_REGISTER_FILE_ALLOC_RANGE,
    IORING_REGISTER_PBUF_STATUS,
    IORING_REGISTER_NAPI,
    IORING_UNREGISTER_NAPI,
    IORING_REGISTER_CLOCK,
    IORING_REGISTER_CLONE_BUFFERS,
    IORING_REGISTER_SEND_MSG_RING,
    IORING_REGISTER_ZCRX_IFQ,
    IORING_REGISTER_RESIZE_RINGS,
    IORING_REGISTER_MEM_REGION,
    IORING_REGISTER_QUERY,
    IORING_REGISTER_ZCRX_CTRL,
    IORING_REGISTER_BPF_FILTER,
    IORING_REGISTER_LAST,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_wq_type {
    IO_WQ_BOUND,
    IO_WQ_UNBOUND,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_register_restriction_op {
    IORING_RESTRICTION_REGISTER_OP,
    IORING_RESTRICTION_SQE_OP,
    IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
    IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
    IORING_RESTRICTION_LAST,
}

// or-ed into the opcode of io_uring_register when fd is a registered ring
pub const IORING_REGISTER_USE_REGISTERED_RING: __u32 = 0x80000000;

// io_uring_rsrc_register.flags
pub const IORING_RSRC_REGISTER_SPARSE: __u32 = 1;

// an entry of a files update that keeps its slot
pub const IORING_REGISTER_FILES_SKIP: c_int = -2;

// io_uring_probe_op.flags
pub const IO_URING_OP_SUPPORTED: __u32 = 1;

// memory regions
pub const IORING_MEM_REGION_TYPE_USER: __u32 = 1;
pub const IORING_MEM_REGION_REG_WAIT_ARG: __u32 = 1;

// io_uring_clone_buffers.flags
pub const IORING_REGISTER_SRC_REGISTERED: __u32 = 1;
pub const IORING_REGISTER_DST_REPLACE: __u32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_files_update {
    pub offset: __u32,
    pub resv: __u32,
    pub fds: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_region_desc {
    pub user_addr: __u64,
    pub size: __u64,
    pub flags: __u32,
    pub id: __u32,
    pub mmap_offset: __u64,
    pub __resv: [__u64; 4],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_mem_region_reg {
    pub region_uptr: __u64,
    pub flags: __u64,
    pub __resv: [__u64; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_rsrc_register {
    pub nr: __u32,
    pub flags: __u32,
    pub resv2: __u64,
    pub data: __u64,
    pub tags: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_rsrc_update {
    pub offset: __u32,
    pub resv: __u32,
    pub data: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_rsrc_update2 {
    pub offset: __u32,
    pub resv: __u32,
    pub data: __u64,
    pub tags: __u64,
    pub nr: __u32,
    pub resv2: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_probe_op {
    pub op: __u8,
    pub resv: __u8,
    pub flags: __u16,
    pub resv2: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_probe {
    pub last_op: __u8,
    pub ops_len: __u8,
    pub resv: __u16,
    pub resv2: [__u32; 3],
    pub ops: [io_uring_probe_op; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_restriction_register_op {
    pub register_op: __u8,
    pub sqe_op: __u8,
    pub sqe_flags: __u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_restriction {
    pub opcode: __u16,
    pub anon_register_op: anon_io_uring_restriction_register_op,
    pub resv: __u8,
    pub resv2: [__u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_task_restriction {
    pub flags: __u16,
    pub nr_res: __u16,
    pub resv: [__u32; 3],
    pub restrictions: [io_uring_restriction; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_clock_register {
    pub clockid: __u32,
    pub __resv: [__u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_clone_buffers {
    pub src_fd: __u32,
    pub flags: __u32,
    pub src_off: __u32,
    pub dst_off: __u32,
    pub nr: __u32,
    pub pad: [__u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_napi {
    pub busy_poll_to: __u32,
    pub prefer_busy_poll: __u8,
    pub pad: [__u8; 3],
    pub resv: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_sync_cancel_reg {
    pub addr: __u64,
    pub fd: __s32,
    pub flags: __u32,
    pub timeout: __kernel_timespec,
    pub opcode: __u8,
    pub pad: [__u8; 7],
    pub pad2: [__u64; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_file_index_range {
    pub off: __u32,
    pub len: __u32,
    pub resv: __u64,
}
