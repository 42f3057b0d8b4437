#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// cqe->res of a zero-copy notification
pub const IORING_NOTIF_USAGE_ZC_COPIED: __u32 = 0x80000000;

// cqe->flags
pub const IORING_CQE_F_BUFFER: __u32 = 1;
pub const IORING_CQE_F_MORE: __u32 = 2;
pub const IORING_CQE_F_SOCK_NONEMPTY: __u32 = 4;
pub const IORING_CQE_F_NOTIF: __u32 = 8;
pub const IORING_CQE_F_BUF_MORE: __u32 = 0x10;
pub const IORING_CQE_F_SKIP: __u32 = 0x20;
pub const IORING_CQE_F_32: __u32 = 0x8000;
pub const IORING_CQE_F_TSTAMP_HW: __u32 = 0x10000;

// cqe->flags carries a buffer ID above this bit
pub const IORING_CQE_BUFFER_SHIFT: __u32 = 0x10;

// transmit timestamps
pub const IORING_TIMESTAMP_HW_SHIFT: __u32 = 0x10;
pub const IORING_TIMESTAMP_TYPE_SHIFT: __u32 = 0x11;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_cqe {
    pub user_data: __u64,
    pub res: __s32,
    pub flags: __u32,
    pub big_cqe: [__u64; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_recvmsg_out {
    pub namelen: __u32,
    pub controllen: __u32,
    pub payloadlen: __u32,
    pub flags: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_timespec {
    pub tv_sec: __u64,
    pub tv_nsec: __u64,
}
