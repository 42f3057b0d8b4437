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

/// <linux/time_types.h>; relative or absolute time for timeouts and waits.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct __kernel_timespec {
    /// Seconds.
    pub tv_sec: i64,
    /// Nanoseconds, 0 to 999,999,999.
    pub tv_nsec: i64,
}
