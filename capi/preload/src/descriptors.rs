//! libc's functions on descriptors that may be rings served in this process, `mmap` and `close`, and `munmap`. For all
//! others they do what libc's do. A program may also make these calls by `syscall()`.

use anyring::backing::descriptor::{close_for_program, map_for_program, unmapped_by_program};
use anyring::sys::{fd as descriptor, mem, Result};
use core::ffi::c_char;
use core::mem::transmute;
use core::sync::atomic::{AtomicUsize, Ordering};
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
    answer(unsafe { map(addr, len, prot, flags, fd, offset as u64) }, libc::MAP_FAILED)
}

/// mmap(2).
pub unsafe fn map(
    addr: *mut c_void,
    len: size_t,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: u64,
) -> Result<*mut c_void> {
    // SAFETY: the caller's arguments are mmap's.
    let mapped = unsafe {
        map_for_program(addr, len, prot, flags, fd, offset)
            .unwrap_or_else(|| mem::map(addr, len, prot, flags, fd, offset))
    };
    if let (Ok(at), true) = (mapped, flags & libc::MAP_FIXED != 0) {
        unmapped_by_program(at, len);
    }
    mapped
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

/// munmap(2).
#[no_mangle]
pub unsafe extern "C" fn munmap(addr: *mut c_void, len: size_t) -> c_int {
    // SAFETY: as the caller says.
    answer(unsafe { unmap(addr, len) }.map(|()| 0), -1)
}

/// munmap(2).
pub unsafe fn unmap(addr: *mut c_void, len: size_t) -> Result<()> {
    // SAFETY: as the caller says.
    let unmapped = unsafe { mem::unmap(addr, len) };
    if unmapped.is_ok() {
        unmapped_by_program(addr, len);
    }
    unmapped
}

fn answer<T>(result: Result<T>, failed: T) -> T {
    result.unwrap_or_else(|errno| {
        // SAFETY: errno is the calling thread's.
        unsafe { *libc::__errno_location() = -errno.answer() };
        failed
    })
}

/// close(2).
#[no_mangle]
pub unsafe extern "C" fn close(fd: c_int) -> c_int {
    if close_for_program(fd) {
        return 0;
    }
    match close_of_libc() {
        // Without the C library's there is no cancellation point.
        // SAFETY: as the caller says.
        0 => answer(unsafe { descriptor::close(fd) }.map(|()| 0), -1),
        // SAFETY: as the caller says; it is that function.
        address => unsafe { transmute::<usize, unsafe extern "C" fn(c_int) -> c_int>(address)(fd) },
    }
}

/// close(2).
pub unsafe fn close_at_once(fd: c_int) -> Result<()> {
    if close_for_program(fd) {
        return Ok(());
    }
    // SAFETY: as the caller says.
    unsafe { descriptor::close(fd) }
}

// Addresses that the loader finds, or 0.
core::arch::global_asm!(
    ".pushsection .data.rel.ro, \"aw\"",
    ".p2align 3",
    ".weak __close",
    ".weak dlsym",
    ".hidden anyring_libc_close",
    ".globl anyring_libc_close",
    "anyring_libc_close: .quad __close",
    ".hidden anyring_libc_dlsym",
    ".globl anyring_libc_dlsym",
    "anyring_libc_dlsym: .quad dlsym",
    ".popsection"
);

extern "C" {
    static anyring_libc_close: usize;
    static anyring_libc_dlsym: usize;
}

/// libc's close, which is a cancellation point: glibc has another name for it, musl has none. 0 where it is not found.
fn close_of_libc() -> usize {
    type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
    static FOUND: AtomicUsize = AtomicUsize::new(0);
    // SAFETY: the loader wrote to them before anything ran.
    let (glibcs, dlsym) = unsafe { (anyring_libc_close, anyring_libc_dlsym) };
    if glibcs != 0 {
        return glibcs;
    }
    if FOUND.load(Ordering::Relaxed) == 0 && dlsym != 0 {
        // SAFETY: it is the C library's function; the next library's close is not ours.
        let next = unsafe { transmute::<usize, Dlsym>(dlsym)(libc::RTLD_NEXT, c"close".as_ptr()) };
        FOUND.store(next as usize, Ordering::Relaxed);
    }
    FOUND.load(Ordering::Relaxed)
}
