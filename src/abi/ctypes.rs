//! C's names for the integer types, as the kernel's and liburing's headers spell them.
//!
//! The header generator carries these names into C unchanged, so a field written `__u64` here is
//! `__u64` there (`unsigned long long`, where Rust's `u64` alone would become `uint64_t`).
#![allow(non_camel_case_types)]

pub use core::ffi::{c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_ushort, c_void};

/// 8 bits, unsigned.
pub type __u8 = u8;
/// 16 bits, unsigned.
pub type __u16 = u16;
/// 32 bits, unsigned.
pub type __u32 = u32;
/// 64 bits, unsigned; `unsigned long long`.
pub type __u64 = u64;
/// 32 bits, signed.
pub type __s32 = i32;
/// 64 bits, signed; `long long`.
pub type __s64 = i64;
/// `preadv2`'s flags (`RWF_*`), <linux/fs.h>.
pub type __kernel_rwf_t = c_int;
/// A size in bytes.
pub type size_t = usize;
/// A size in bytes, or an error.
pub type ssize_t = isize;
/// An integer as wide as an address.
pub type uintptr_t = usize;
/// 16 bits, unsigned, as <stdint.h> spells it.
pub type uint16_t = u16;
/// 32 bits, unsigned, as <stdint.h> spells it.
pub type uint32_t = u32;
/// 64 bits, unsigned, as <stdint.h> spells it.
pub type uint64_t = u64;
/// 64 bits, signed, as <stdint.h> spells it.
pub type int64_t = i64;
/// A file's size or a position in it, 64 bits everywhere.
pub type loff_t = i64;
/// `P_PID` and its kin, <sys/wait.h>.
pub type idtype_t = c_uint;

/// An aio context, as programs hold it; only the library looks behind it.
pub type io_context_t = *mut c_void;
/// What io_queue_run() calls for an event, <libaio.h>.
pub type io_callback_t = *mut c_void;

// What belongs to the C library and only passes through.
pub use libc::{
    cmsghdr, cpu_set_t, epoll_event, id_t, iovec, mode_t, msghdr, off_t, open_how, siginfo_t,
    sigset_t, sockaddr, socklen_t, statx,
};

/// <linux/futex.h>; only its address passes through.
#[repr(C)]
pub struct futex_waitv {
    _private: [u8; 0],
}

/// `uring_cmd` of a block device that discards a range, <linux/blkdev.h>: `_IO(0x12, 0)`.
pub const BLOCK_URING_CMD_DISCARD: __u32 = 0x1200;
/// `uring_cmd` of a block device that resets all zones, <linux/blkdev.h>: `_IO(0x12, 1)`.
pub const BLOCK_URING_CMD_ZONE_RESET_ALL: __u32 = 0x1201;

/// <linux/time_types.h>; relative or absolute time for timeouts and waits.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct __kernel_timespec {
    /// Seconds.
    pub tv_sec: i64,
    /// Nanoseconds, 0 to 999,999,999.
    pub tv_nsec: i64,
}
