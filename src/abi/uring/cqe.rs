//! Completions.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// cqe->res of a zero-copy notification
/// Data was copied after all; with `IORING_SEND_ZC_REPORT_USAGE`.
pub const IORING_NOTIF_USAGE_ZC_COPIED: __u32 = 0x80000000;

// cqe->flags
/// A provided buffer was taken; its ID stands from bit `IORING_CQE_BUFFER_SHIFT`.
pub const IORING_CQE_F_BUFFER: __u32 = 1;
/// The request goes on and posts further CQEs.
pub const IORING_CQE_F_MORE: __u32 = 2;
/// The socket had more to read after this receive.
pub const IORING_CQE_F_SOCK_NONEMPTY: __u32 = 4;
/// The notification of a zero-copy send: its buffers are free again.
pub const IORING_CQE_F_NOTIF: __u32 = 8;
/// The buffer was used in part and will be used on (`IOU_PBUF_RING_INC`).
pub const IORING_CQE_F_BUF_MORE: __u32 = 0x10;
/// Filler before the end of a ring of mixed CQEs: to be passed over.
pub const IORING_CQE_F_SKIP: __u32 = 0x20;
/// This CQE is 32 bytes, with `IORING_SETUP_CQE_MIXED`.
pub const IORING_CQE_F_32: __u32 = 0x8000;
/// The transmit timestamp was made by hardware.
pub const IORING_CQE_F_TSTAMP_HW: __u32 = 0x10000;

// cqe->flags carries a buffer ID above this bit
/// The first bit of the buffer ID in `flags`.
pub const IORING_CQE_BUFFER_SHIFT: __u32 = 0x10;

// transmit timestamps
/// The bit of `flags` that says hardware made the timestamp.
pub const IORING_TIMESTAMP_HW_SHIFT: __u32 = 0x10;
/// The first bit of the timestamp's type (`SCM_TSTAMP_*`) in `flags`.
pub const IORING_TIMESTAMP_TYPE_SHIFT: __u32 = 0x11;

/// A completion.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_cqe {
    /// The value of the SQE.
    pub user_data: __u64,
    /// What the system call would have returned, or -errno.
    pub res: __s32,
    /// `IORING_CQE_F_*`.
    pub flags: __u32,
    /// 16 bytes more, in a 32 byte CQE.
    pub big_cqe: [__u64; 0],
}

/// The head of a buffer that a multishot recvmsg filled; name, control data and payload follow.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_recvmsg_out {
    /// The length of the source address, even if it was cut.
    pub namelen: __u32,
    /// The length of the control data.
    pub controllen: __u32,
    /// The length of the payload, even if it was cut.
    pub payloadlen: __u32,
    /// `MSG_*` flags of the message received.
    pub flags: __u32,
}

/// The time in the second half of a transmit timestamp's CQE.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_timespec {
    /// Seconds.
    pub tv_sec: __u64,
    /// Nanoseconds.
    pub tv_nsec: __u64,
}
