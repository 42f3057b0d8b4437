//! What a file keeps beside its data: attributes, size, space; and advice.

use super::{call, Result};
use core::ffi::c_int;

/// What has attributes.
#[derive(Clone, Copy)]
pub enum Holder {
    /// An open file.
    File(c_int),
    /// The file at a path, links followed.
    Path(*const u8),
}

/// setxattr(2), fsetxattr(2).
pub unsafe fn set_attribute(
    of: Holder,
    name: *const u8,
    value: u64,
    size: usize,
    flags: u32,
) -> Result<usize> {
    let (number, holder) = match of {
        Holder::File(fd) => (libc::SYS_fsetxattr, fd as usize),
        Holder::Path(path) => (libc::SYS_setxattr, path as usize),
    };
    // SAFETY: see the module sys.
    unsafe { call(number, [holder, name as usize, value as usize, size, flags as usize, 0]) }
}

/// getxattr(2), fgetxattr(2).
pub unsafe fn get_attribute(of: Holder, name: *const u8, value: u64, size: usize) -> Result<usize> {
    let (number, holder) = match of {
        Holder::File(fd) => (libc::SYS_fgetxattr, fd as usize),
        Holder::Path(path) => (libc::SYS_getxattr, path as usize),
    };
    // SAFETY: see the module sys.
    unsafe { call(number, [holder, name as usize, value as usize, size, 0, 0]) }
}

const _: () = assert!(usize::BITS == 64, "64 bit arguments are one register each");

/// fallocate(2).
pub unsafe fn allocate(fd: c_int, mode: c_int, offset: u64, len: u64) -> Result<usize> {
    let args = [fd as usize, mode as usize, offset as usize, len as usize, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_fallocate, args) }
}

/// ftruncate(2).
pub unsafe fn truncate(fd: c_int, len: u64) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_ftruncate, [fd as usize, len as usize, 0, 0, 0, 0]) }
}

/// posix_fadvise(2), its error as errno.
pub unsafe fn advise(fd: c_int, offset: u64, len: u64, advice: c_int) -> Result<usize> {
    let args = [fd as usize, offset as usize, len as usize, advice as usize, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_fadvise64, args) }
}

/// sync_file_range(2).
pub unsafe fn sync_range(fd: c_int, offset: u64, len: u64, flags: u32) -> Result<usize> {
    let args = [fd as usize, offset as usize, len as usize, flags as usize, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_sync_file_range, args) }
}

/// madvise(2), of any memory of the process.
pub unsafe fn advise_memory(address: u64, len: u64, advice: c_int) -> Result<usize> {
    let args = [address as usize, len as usize, advice as usize, 0, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_madvise, args) }
}
