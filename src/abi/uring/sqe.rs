//! Submissions: the SQE and its flags.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

/// The bits of an SQE's `flags`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_sqe_flags_bit {
    /// The bit of `IOSQE_FIXED_FILE`.
    IOSQE_FIXED_FILE_BIT,
    /// The bit of `IOSQE_IO_DRAIN`.
    IOSQE_IO_DRAIN_BIT,
    /// The bit of `IOSQE_IO_LINK`.
    IOSQE_IO_LINK_BIT,
    /// The bit of `IOSQE_IO_HARDLINK`.
    IOSQE_IO_HARDLINK_BIT,
    /// The bit of `IOSQE_ASYNC`.
    IOSQE_ASYNC_BIT,
    /// The bit of `IOSQE_BUFFER_SELECT`.
    IOSQE_BUFFER_SELECT_BIT,
    /// The bit of `IOSQE_CQE_SKIP_SUCCESS`.
    IOSQE_CQE_SKIP_SUCCESS_BIT,
}

// sqe->flags
/// `fd` is an index of a registered file.
pub const IOSQE_FIXED_FILE: __u32 = 1;
/// Start when everything submitted before has completed.
pub const IOSQE_IO_DRAIN: __u32 = 2;
/// The next SQE starts when this one succeeded; otherwise it completes with `-ECANCELED`.
pub const IOSQE_IO_LINK: __u32 = 4;
/// The next SQE starts when this one completed, even in failure.
pub const IOSQE_IO_HARDLINK: __u32 = 8;
/// Go to a worker at once, without trying first.
pub const IOSQE_ASYNC: __u32 = 0x10;
/// Take a buffer from group `buf_group`; `-ENOBUFS` if it is empty.
pub const IOSQE_BUFFER_SELECT: __u32 = 0x20;
/// Post no CQE if this one succeeds.
pub const IOSQE_CQE_SKIP_SUCCESS: __u32 = 0x40;

// sqe->file_index, sqe->attr_type_mask
/// `attr_ptr` points at a `struct io_uring_attr_pi`.
pub const IORING_RW_ATTR_FLAG_PI: __u32 = 1;
/// Take any free slot of the registered files; `res` says which.
pub const IORING_FILE_INDEX_ALLOC: __u32 = 0xffffffff;

// sqe->uring_cmd_flags
/// The command uses registered buffer `buf_index`.
pub const IORING_URING_CMD_FIXED: __u32 = 1;
/// The command posts several CQEs.
pub const IORING_URING_CMD_MULTISHOT: __u32 = 2;
/// The flags of `uring_cmd_flags` that programs have always been able to set.
pub const IORING_URING_CMD_MASK: __u32 = 1;

// sqe->fsync_flags
/// fdatasync(2) instead of fsync(2).
pub const IORING_FSYNC_DATASYNC: __u32 = 1;

// sqe->timeout_flags
/// The time is absolute.
pub const IORING_TIMEOUT_ABS: __u32 = 1;
/// TIMEOUT_REMOVE sets the timeout's time anew, from `addr2`.
pub const IORING_TIMEOUT_UPDATE: __u32 = 2;
/// The clock is CLOCK_BOOTTIME instead of CLOCK_MONOTONIC.
pub const IORING_TIMEOUT_BOOTTIME: __u32 = 4;
/// The clock is CLOCK_REALTIME instead of CLOCK_MONOTONIC.
pub const IORING_TIMEOUT_REALTIME: __u32 = 8;
/// TIMEOUT_REMOVE sets a link timeout's time anew.
pub const IORING_LINK_TIMEOUT_UPDATE: __u32 = 0x10;
/// Expiry, `-ETIME`, counts as success: links go on.
pub const IORING_TIMEOUT_ETIME_SUCCESS: __u32 = 0x20;
/// The timeout repeats, `off` times; 0 is without end.
pub const IORING_TIMEOUT_MULTISHOT: __u32 = 0x40;
/// `addr` is the time itself in nanoseconds, not the address of one.
pub const IORING_TIMEOUT_IMMEDIATE_ARG: __u32 = 0x80;
/// The flags that choose a clock; at most one may be set.
pub const IORING_TIMEOUT_CLOCK_MASK: __u32 = 0xc;
/// The flags that make an update of a removal.
pub const IORING_TIMEOUT_UPDATE_MASK: __u32 = 0x12;

// sqe->splice_flags
/// `splice_fd_in` is an index of a registered file.
pub const SPLICE_F_FD_IN_FIXED: __u32 = 0x80000000;

// POLL_ADD: sqe->len
/// Post a CQE for each event, until it is removed.
pub const IORING_POLL_ADD_MULTI: __u32 = 1;
/// POLL_REMOVE sets the events anew, from `poll32_events`.
pub const IORING_POLL_UPDATE_EVENTS: __u32 = 2;
/// POLL_REMOVE sets `user_data` anew, from `off`.
pub const IORING_POLL_UPDATE_USER_DATA: __u32 = 4;
/// Level triggered.
pub const IORING_POLL_ADD_LEVEL: __u32 = 8;

// ASYNC_CANCEL: sqe->cancel_flags
/// All requests that match; `res` is their number.
pub const IORING_ASYNC_CANCEL_ALL: __u32 = 1;
/// Match `fd` instead of `addr` with `user_data`.
pub const IORING_ASYNC_CANCEL_FD: __u32 = 2;
/// Match every request.
pub const IORING_ASYNC_CANCEL_ANY: __u32 = 4;
/// `fd` is an index of a registered file.
pub const IORING_ASYNC_CANCEL_FD_FIXED: __u32 = 8;
/// Match `addr` with `user_data`, in addition to others.
pub const IORING_ASYNC_CANCEL_USERDATA: __u32 = 0x10;
/// Match `len` with the opcode, in addition to others.
pub const IORING_ASYNC_CANCEL_OP: __u32 = 0x20;

// send and recv: sqe->ioprio
/// Wait by poll before the first try.
pub const IORING_RECVSEND_POLL_FIRST: __u32 = 1;
/// Receive into provided buffers each time that there is data.
pub const IORING_RECV_MULTISHOT: __u32 = 2;
/// The data is in registered buffer `buf_index`.
pub const IORING_RECVSEND_FIXED_BUF: __u32 = 4;
/// `res` of the notification says whether data was copied: `IORING_NOTIF_USAGE_ZC_COPIED`.
pub const IORING_SEND_ZC_REPORT_USAGE: __u32 = 8;
/// One request fills or sends several provided buffers; the CQE names the first.
pub const IORING_RECVSEND_BUNDLE: __u32 = 0x10;
/// `addr` is an array of iovecs, `len` of them.
pub const IORING_SEND_VECTORIZED: __u32 = 0x20;

// accept: sqe->ioprio
/// Accept each connection that comes, a CQE for each.
pub const IORING_ACCEPT_MULTISHOT: __u32 = 1;
/// `-EAGAIN` if no connection waits.
pub const IORING_ACCEPT_DONTWAIT: __u32 = 2;
/// Wait by poll before the first try.
pub const IORING_ACCEPT_POLL_FIRST: __u32 = 4;

// sqe->msg_ring_flags
/// Post no CQE to the other ring when a file is sent.
pub const IORING_MSG_RING_CQE_SKIP: __u32 = 1;
/// `file_index` becomes `flags` of the CQE posted.
pub const IORING_MSG_RING_FLAGS_PASS: __u32 = 2;

// sqe->install_fd_flags
/// The descriptor stays open in execve(2).
pub const IORING_FIXED_FD_NO_CLOEXEC: __u32 = 1;

// sqe->nop_flags
/// `len` becomes `res`.
pub const IORING_NOP_INJECT_RESULT: __u32 = 1;
/// Look the file `fd` up.
pub const IORING_NOP_FILE: __u32 = 2;
/// With `IORING_NOP_FILE`: it is a registered one.
pub const IORING_NOP_FIXED_FILE: __u32 = 4;
/// Look registered buffer `buf_index` up.
pub const IORING_NOP_FIXED_BUFFER: __u32 = 8;
/// Complete after what is submitted in the same call.
pub const IORING_NOP_TW: __u32 = 0x10;
/// Post a 32 byte CQE.
pub const IORING_NOP_CQE32: __u32 = 0x20;

/// URING_CMD's use of `off`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_cmd_op {
    /// URING_CMD: the command.
    pub cmd_op: __u32,
    /// Reserved: 0.
    pub __pad1: __u32,
}

/// Bytes 8 to 15.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_off {
    /// The file offset, -1 for the file's position; a count or flags in some operations.
    pub off: __u64,
    /// A second address.
    pub addr2: __u64,
    /// URING_CMD.
    pub anon_cmd_op: anon_io_uring_sqe_cmd_op,
}

/// URING_CMD's use of `addr` for socket options.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_level {
    /// GETSOCKOPT, SETSOCKOPT: the level.
    pub level: __u32,
    /// GETSOCKOPT, SETSOCKOPT: the option.
    pub optname: __u32,
}

/// Bytes 16 to 23.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_addr {
    /// The address of a buffer, of iovecs, of a path and so on.
    pub addr: __u64,
    /// SPLICE: the offset to read at, -1 for none.
    pub splice_off_in: __u64,
    /// Socket options.
    pub anon_level: anon_io_uring_sqe_level,
}

/// Bytes 28 to 31: flags of the operation.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_rw_flags {
    /// Reads and writes: `RWF_*`.
    pub rw_flags: __kernel_rwf_t,
    /// FSYNC: `IORING_FSYNC_DATASYNC`.
    pub fsync_flags: __u32,
    /// POLL_ADD without `IORING_FEAT_POLL_32BITS`: `POLL*`.
    pub poll_events: __u16,
    /// POLL_ADD: `EPOLL*`; on big-endian machines with its halves exchanged.
    pub poll32_events: __u32,
    /// SYNC_FILE_RANGE: `SYNC_FILE_RANGE_*`.
    pub sync_range_flags: __u32,
    /// Send and receive: `MSG_*`.
    pub msg_flags: __u32,
    /// Timeouts: `IORING_TIMEOUT_*`.
    pub timeout_flags: __u32,
    /// ACCEPT: `SOCK_*`.
    pub accept_flags: __u32,
    /// ASYNC_CANCEL: `IORING_ASYNC_CANCEL_*`.
    pub cancel_flags: __u32,
    /// OPENAT: `O_*`.
    pub open_flags: __u32,
    /// STATX: `AT_*`.
    pub statx_flags: __u32,
    /// FADVISE, MADVISE: the advice.
    pub fadvise_advice: __u32,
    /// SPLICE, TEE: `SPLICE_F_*`.
    pub splice_flags: __u32,
    /// RENAMEAT: `RENAME_*`.
    pub rename_flags: __u32,
    /// UNLINKAT: `AT_REMOVEDIR`.
    pub unlink_flags: __u32,
    /// LINKAT: `AT_*`.
    pub hardlink_flags: __u32,
    /// SETXATTR, FSETXATTR: `XATTR_*`.
    pub xattr_flags: __u32,
    /// MSG_RING: `IORING_MSG_RING_*`.
    pub msg_ring_flags: __u32,
    /// URING_CMD: `IORING_URING_CMD_*`.
    pub uring_cmd_flags: __u32,
    /// WAITID: flags of the request; 0.
    pub waitid_flags: __u32,
    /// Futex operations: flags of the request; 0.
    pub futex_flags: __u32,
    /// FIXED_FD_INSTALL: `IORING_FIXED_FD_NO_CLOEXEC`.
    pub install_fd_flags: __u32,
    /// NOP: `IORING_NOP_*`.
    pub nop_flags: __u32,
    /// PIPE: `O_*`.
    pub pipe_flags: __u32,
}

/// Bytes 40 and 41.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_buf_index {
    /// The registered buffer.
    pub buf_index: __u16,
    /// The group of provided buffers, with `IOSQE_BUFFER_SELECT`.
    pub buf_group: __u16,
}

/// SEND's use of the word.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_addr_len {
    /// SEND, SEND_ZC: the length of the address at `addr2`.
    pub addr_len: __u16,
    /// Reserved: 0.
    pub __pad3: [__u16; 1],
}

/// WRITE's use of bytes 44 to 47.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_write_stream {
    /// The device's stream that the data goes to; 0: none.
    pub write_stream: __u8,
    /// Reserved: 0.
    pub __pad4: [__u8; 3],
}

/// Bytes 44 to 47.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_splice_fd_in {
    /// SPLICE, TEE: the file to read.
    pub splice_fd_in: __s32,
    /// Slot of the registered files plus one, or `IORING_FILE_INDEX_ALLOC`; 0 for a descriptor.
    pub file_index: __u32,
    /// RECV_ZC: the queue.
    pub zcrx_ifq_idx: __u32,
    /// GETSOCKOPT, SETSOCKOPT: the length of the value.
    pub optlen: __u32,
    /// SEND.
    pub anon_addr_len: anon_io_uring_sqe_addr_len,
    /// WRITE.
    pub anon_write_stream: anon_io_uring_sqe_write_stream,
}

/// A third address.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_addr3 {
    /// A third address or value.
    pub addr3: __u64,
    /// Reserved: 0.
    pub __pad2: [__u64; 1],
}

/// Attributes of reads and writes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_sqe_attr_ptr {
    /// The address of the attributes.
    pub attr_ptr: __u64,
    /// What there is at `attr_ptr`: `IORING_RW_ATTR_FLAG_PI`.
    pub attr_type_mask: __u64,
}

/// Bytes 48 to 63.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_sqe_addr3_set {
    /// A third address.
    pub anon_addr3: anon_io_uring_sqe_addr3,
    /// Attributes.
    pub anon_attr_ptr: anon_io_uring_sqe_attr_ptr,
    /// GETSOCKOPT, SETSOCKOPT: the address of the value.
    pub optval: __u64,
    /// URING_CMD: the argument, 16 bytes, or 80 in a 128 byte SQE.
    pub cmd: [__u8; 0],
}

/// A request. Which fields an operation reads is told at its opcode.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_sqe {
    /// `IORING_OP_*`.
    pub opcode: __u8,
    /// `IOSQE_*`.
    pub flags: __u8,
    /// The I/O priority; flags in send, receive and accept.
    pub ioprio: __u16,
    /// The file, or its registered index with `IOSQE_FIXED_FILE`.
    pub fd: __s32,
    /// The offset.
    pub anon_off: anon_io_uring_sqe_off,
    /// The address.
    pub anon_addr: anon_io_uring_sqe_addr,
    /// The length of the buffer in bytes, or the number of iovecs.
    pub len: __u32,
    /// The operation's flags.
    pub anon_rw_flags: anon_io_uring_sqe_rw_flags,
    /// Comes back in the CQE, unchanged.
    pub user_data: __u64,
    /// The buffer.
    pub anon_buf_index: anon_io_uring_sqe_buf_index,
    /// The registered credentials to use; 0 for the task's.
    pub personality: __u16,
    /// A second file.
    pub anon_splice_fd_in: anon_io_uring_sqe_splice_fd_in,
    /// Further arguments.
    pub anon_addr3_set: anon_io_uring_sqe_addr3_set,
}

/// Protection information that goes with a read or write.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_attr_pi {
    /// `IO_INTEGRITY_CHK_*`.
    pub flags: __u16,
    /// The application tag.
    pub app_tag: __u16,
    /// The length of the information in bytes.
    pub len: __u32,
    /// The address of the information.
    pub addr: __u64,
    /// The seed of the reference tag.
    pub seed: __u64,
    /// Reserved: 0.
    pub rsvd: __u64,
}
