//! What programs do with a ring's descriptor by themselves, through the C library: map and close it, and unmap
//! what they have mapped. The preload library hands those calls in; what is no ring of ours is for the C library
//! to do.

use crate::soft;
use crate::sys::{mem, Errno, Result};
use core::ffi::{c_int, c_void};

/// mmap(2) of a ring that is served here; none when `fd` is not one.
///
/// # Safety
/// As for mmap(2).
pub unsafe fn map_for_program(
    addr: *mut c_void,
    len: usize,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: u64,
) -> Option<Result<*mut c_void>> {
    if fd < 0 || flags & libc::MAP_ANONYMOUS != 0 {
        return None;
    }
    let ring = soft::find(fd)?;
    // As the kernel's rings: where they are mapped is not the program's choice.
    let is_shared =
        [libc::MAP_SHARED, libc::MAP_SHARED_VALIDATE].contains(&(flags & libc::MAP_TYPE));
    if !addr.is_null() || !is_shared || len == 0 {
        return Some(Err(Errno::EINVAL));
    }
    let mapped = soft::map(&ring, offset, len);
    // SAFETY: it is a new mapping, and the program's.
    Some(mapped.and_then(|at| unsafe {
        if prot != libc::PROT_READ | libc::PROT_WRITE {
            mem::protect(at, len, prot)?;
        }
        Ok(at)
    }))
}

/// Closes a descriptor of a ring that is served here; false when `fd` is not one. The ring goes on while there is
/// another, or its memory is mapped.
#[inline]
pub fn close_for_program(fd: c_int) -> bool {
    soft::close_by_program(fd)
}

/// To be called when the program has unmapped anything, or mapped something in its place: that may end a ring.
#[inline]
pub fn unmapped_by_program(at: *mut c_void, len: usize) {
    if soft::serves() {
        soft::forget_mapped(at, len);
    }
}
