//! The kernel's io_uring as a ring server: each call is one system call.

use crate::sys::{mem, uring, Result};
use core::ffi::{c_int, c_void};

pub use uring::{enter, register, setup};

/// Maps `len` bytes of ring `fd`'s memory at `offset` (`IORING_OFF_*`), shared and prefaulted.
///
/// # Safety
/// `fd` must be a ring whose mapping at `offset` has at least `len` bytes.
pub unsafe fn map(fd: c_int, offset: u64, len: usize) -> Result<*mut c_void> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    unsafe { mem::map(core::ptr::null_mut(), len, prot, flags, fd, offset) }
}
