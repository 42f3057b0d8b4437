#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_sqe_flags_bit {
    IOSQE_FIXED_FILE_BIT,
    IOSQE_IO_DRAIN_BIT,
    IOSQE_IO_LINK_BIT,
    IOSQE_IO_HARDLINK_BIT,
    IOSQE_ASYNC_BIT,
    IOSQE_BUFFER_SELECT_BIT,
    IOSQE_CQE_SKIP_SUCCESS_BIT,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_op {
    IORING_OP_NOP,
    IORING_OP_READV,
    IORING_OP_WRITEV,
    IORING_OP_FSYNC,
    IORING_OP_READ_FIXED,
    IORING_OP_WRITE_FIXED,
    IORING_OP_POLL_ADD,
    IORING_OP_POLL_REMOVE,
    IORING_OP_SYNC_FILE_RANGE,
    IORING_OP_SENDMSG,
    IORING_OP_RECVMSG,
    IORING_OP_TIMEOUT,
    IORING_OP_TIMEOUT_REMOVE,
    IORING_OP_ACCEPT,
    IORING_OP_ASYNC_CANCEL,
    IORING_OP_LINK_TIMEOUT,
    IORING_OP_CONNECT,
    IORING_OP_FALLOCATE,
    IORING_OP_OPENAT,
    IORING_OP_CLOSE,
    IORING_OP_FILES_UPDATE,
    IORING_OP_STATX,
    IORING_OP_READ,
    IORING_OP_WRITE,
    IORING_OP_FADVISE,
    IORING_OP_MADVISE,
    IORING_OP_SEND,
    IORING_OP_RECV,
    IORING_OP_OPENAT2,
    IORING_OP_EPOLL_CTL,
    IORING_OP_SPLICE,
    IORING_OP_PROVIDE_BUFFERS,
    IORING_OP_REMOVE_BUFFERS,
    IORING_OP_TEE,
    IORING_OP_SHUTDOWN,
    IORING_OP_RENAMEAT,
    IORING_OP_UNLINKAT,
    IORING_OP_MKDIRAT,
    IORING_OP_SYMLINKAT,
    IORING_OP_LINKAT,
    IORING_OP_MSG_RING,
    IORING_OP_FSETXATTR,
    IORING_OP_SETXATTR,
    IORING_OP_FGETXATTR,
    IORING_OP_GETXATTR,
    IORING_OP_SOCKET,
    IORING_OP_URING_CMD,
    IORING_OP_SEND_ZC,
    IORING_OP_SENDMSG_ZC,
    IORING_OP_READ_MULTISHOT,
    IORING_OP_WAITID,
    IORING_OP_FUTEX_WAIT,
    IORING_OP_FUTEX_WAKE,
    IORING_OP_FUTEX_WAITV,
    IORING_OP_FIXED_FD_INSTALL,
    IORING_OP_FTRUNCATE,
    IORING_OP_BIND,
    IORING_OP_LISTEN,
    IORING_OP_RECV_ZC,
    IORING_OP_EPOLL_WAIT,
    IORING_OP_READV_FIXED,
    IORING_OP_WRITEV_FIXED,
    IORING_OP_PIPE,
    IORING_OP_NOP128,
    IORING_OP_URING_CMD128,
    IORING_OP_LAST,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_msg_ring_flags {
    IORING_MSG_DATA,
    IORING_MSG_SEND_FD,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_socket_op {
    SOCKET_URING_OP_SIOCINQ,
    SOCKET_URING_OP_SIOCOUTQ,
    SOCKET_URING_OP_GETSOCKOPT,
    SOCKET_URING_OP_SETSOCKOPT,
    SOCKET_URING_OP_TX_TIMESTAMP,
    SOCKET_URING_OP_GETSOCKNAME,
}

// sqe->flags
pub const IOSQE_FIXED_FILE: __u32 = 1;
pub const IOSQE_IO_DRAIN: __u32 = 2;
pub const IOSQE_IO_LINK: __u32 = 4;
pub const IOSQE_IO_HARDLINK: __u32 = 8;
pub const IOSQE_ASYNC: __u32 = 0x10;
pub const IOSQE_BUFFER_SELECT: __u32 = 0x20;
pub const IOSQE_CQE_SKIP_SUCCESS: __u32 = 0x40;

// sqe->file_index, sqe->attr_type_mask
pub const IORING_RW_ATTR_FLAG_PI: __u32 = 1;
pub const IORING_FILE_INDEX_ALLOC: __u32 = 0xffffffff;

// sqe->uring_cmd_flags
pub const IORING_URING_CMD_FIXED: __u32 = 1;
pub const IORING_URING_CMD_MASK: __u32 = 1;

// sqe->fsync_flags
pub const IORING_FSYNC_DATASYNC: __u32 = 1;

// sqe->timeout_flags
pub const IORING_TIMEOUT_ABS: __u32 = 1;
pub const IORING_TIMEOUT_UPDATE: __u32 = 2;
pub const IORING_TIMEOUT_BOOTTIME: __u32 = 4;
pub const IORING_TIMEOUT_REALTIME: __u32 = 8;
pub const IORING_LINK_TIMEOUT_UPDATE: __u32 = 0x10;
pub const IORING_TIMEOUT_ETIME_SUCCESS: __u32 = 0x20;
pub const IORING_TIMEOUT_MULTISHOT: __u32 = 0x40;
pub const IORING_TIMEOUT_IMMEDIATE_ARG: __u32 = 0x80;
pub const IORING_TIMEOUT_CLOCK_MASK: __u32 = 0xc;
pub const IORING_TIMEOUT_UPDATE_MASK: __u32 = 0x12;

// sqe->splice_flags
pub const SPLICE_F_FD_IN_FIXED: __u32 = 0x80000000;

// POLL_ADD: sqe->len
pub const IORING_POLL_ADD_MULTI: __u32 = 1;
pub const IORING_POLL_UPDATE_EVENTS: __u32 = 2;
pub const IORING_POLL_UPDATE_USER_DATA: __u32 = 4;
pub const IORING_POLL_ADD_LEVEL: __u32 = 8;

// ASYNC_CANCEL: sqe->cancel_flags
pub const IORING_ASYNC_CANCEL_ALL: __u32 = 1;
pub const IORING_ASYNC_CANCEL_FD: __u32 = 2;
pub const IORING_ASYNC_CANCEL_ANY: __u32 = 4;
pub const IORING_ASYNC_CANCEL_FD_FIXED: __u32 = 8;
pub const IORING_ASYNC_CANCEL_USERDATA: __u32 = 0x10;
pub const IORING_ASYNC_CANCEL_OP: __u32 = 0x20;

// send and recv: sqe->ioprio
pub const IORING_RECVSEND_POLL_FIRST: __u32 = 1;
pub const IORING_RECV_MULTISHOT: __u32 = 2;
pub const IORING_RECVSEND_FIXED_BUF: __u32 = 4;
pub const IORING_SEND_ZC_REPORT_USAGE: __u32 = 8;
pub const IORING_RECVSEND_BUNDLE: __u32 = 0x10;
pub const IORING_SEND_VECTORIZED: __u32 = 0x20;

// accept: sqe->ioprio
pub const IORING_ACCEPT_MULTISHOT: __u32 = 1;
pub const IORING_ACCEPT_DONTWAIT: __u32 = 2;
pub const IORING_ACCEPT_POLL_FIRST: __u32 = 4;

// sqe->msg_ring_flags
pub const IORING_MSG_RING_CQE_SKIP: __u32 = 1;
pub const IORING_MSG_RING_FLAGS_PASS: __u32 = 2;

// sqe->install_fd_flags
pub const IORING_FIXED_FD_NO_CLOEXEC: __u32 = 1;

// sqe->nop_flags
pub const IORING_NOP_INJECT_RESULT: __u32 = 1;
pub const IORING_NOP_CQE32: __u32 = 0x20;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_cmd_op {
    pub cmd_op: __u32,
    pub __pad1: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_off {
    pub off: __u64,
    pub addr2: __u64,
    pub anon_cmd_op: anon_io_uring_sqe_cmd_op,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_level {
    pub level: __u32,
    pub optname: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_addr {
    pub addr: __u64,
    pub splice_off_in: __u64,
    pub anon_level: anon_io_uring_sqe_level,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_rw_flags {
    pub rw_flags: __kernel_rwf_t,
    pub fsync_flags: __u32,
    pub poll_events: __u16,
    pub poll32_events: __u32,
    pub sync_range_flags: __u32,
    pub msg_flags: __u32,
    pub timeout_flags: __u32,
    pub accept_flags: __u32,
    pub cancel_flags: __u32,
    pub open_flags: __u32,
    pub statx_flags: __u32,
    pub fadvise_advice: __u32,
    pub splice_flags: __u32,
    pub rename_flags: __u32,
    pub unlink_flags: __u32,
    pub hardlink_flags: __u32,
    pub xattr_flags: __u32,
    pub msg_ring_flags: __u32,
    pub uring_cmd_flags: __u32,
    pub waitid_flags: __u32,
    pub futex_flags: __u32,
    pub install_fd_flags: __u32,
    pub nop_flags: __u32,
    pub pipe_flags: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_buf_index {
    pub buf_index: __u16,
    pub buf_group: __u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_addr_len {
    pub addr_len: __u16,
    pub __pad3: [__u16; 1],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_splice_fd_in {
    pub splice_fd_in: __s32,
    pub file_index: __u32,
    pub zcrx_ifq_idx: __u32,
    pub optlen: __u32,
    pub anon_addr_len: anon_io_uring_sqe_addr_len,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_addr3 {
    pub addr3: __u64,
    pub __pad2: [__u64; 1],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_attr_ptr {
    pub attr_ptr: __u64,
    pub attr_type_mask: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_addr3_set {
    pub anon_addr3: anon_io_uring_sqe_addr3,
    pub anon_attr_ptr: anon_io_uring_sqe_attr_ptr,
    pub optval: __u64,
    pub cmd: [__u8; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_sqe {
    pub opcode: __u8,
    pub flags: __u8,
    pub ioprio: __u16,
    pub fd: __s32,
    pub anon_off: anon_io_uring_sqe_off,
    pub anon_addr: anon_io_uring_sqe_addr,
    pub len: __u32,
    pub anon_rw_flags: anon_io_uring_sqe_rw_flags,
    pub user_data: __u64,
    pub anon_buf_index: anon_io_uring_sqe_buf_index,
    pub personality: __u16,
    pub anon_splice_fd_in: anon_io_uring_sqe_splice_fd_in,
    pub anon_addr3_set: anon_io_uring_sqe_addr3_set,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_attr_pi {
    pub flags: __u16,
    pub app_tag: __u16,
    pub len: __u32,
    pub addr: __u64,
    pub seed: __u64,
    pub rsvd: __u64,
}
