//! libc's functions on descriptors that may be rings served in this process: `mmap` and `close`. For all
//! others they do what libc's do.

use anyring::backing::descriptor::{close_for_program, map_for_program};
use anyring::sys::{mem, Result};
use libc::{c_int, c_void, off64_t, size_t};

// Says to the rest of the library that mmap is ours: see `sys::marker`.
core::arch::global_asm!(
    ".pushsection .rodata",
    ".weak anyring_maps",
    ".hidden anyring_maps",
    "anyring_maps: .byte 0",
    ".popsection"
);

/// mmap(2).
#[no_mangle]
pub unsafe extern "C" fn mmap64(
    addr: *mut c_void,
    len: size_t,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: off64_t,
) -> *mut c_void {
    // SAFETY: the caller's arguments are mmap's.
    unsafe {
        let offset = offset as u64;
        let of_ring = map_for_program(addr, len, prot, flags, fd, offset);
        answer(of_ring.unwrap_or_else(|| mem::map(addr, len, prot, flags, fd, offset)))
    }
}

/// See [`mmap64`]: offsets have 64 bits in both.
#[no_mangle]
pub unsafe extern "C" fn mmap(
    addr: *mut c_void,
    len: size_t,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: off64_t,
) -> *mut c_void {
    // SAFETY: as the caller says.
    unsafe { mmap64(addr, len, prot, flags, fd, offset) }
}

unsafe fn answer(mapped: Result<*mut c_void>) -> *mut c_void {
    mapped.unwrap_or_else(|errno| {
        // SAFETY: errno is the calling thread's.
        unsafe { *libc::__errno_location() = -errno.answer() };
        libc::MAP_FAILED
    })
}

extern "C" {
    /// libc's close, which is a cancellation point.
    fn __close(fd: c_int) -> c_int;
}

/// close(2).
#[no_mangle]
pub unsafe extern "C" fn close(fd: c_int) -> c_int {
    if close_for_program(fd) {
        return 0;
    }
    // SAFETY: as the caller says.
    unsafe { __close(fd) }
}
