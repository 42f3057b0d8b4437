//! Memory mappings.

use super::{call, Errno, Result};
use core::ffi::{c_int, c_void};

/// A multiple of every page size that this architecture's kernels come with: what is aligned and
/// rounded to it suits them all, and nobody has to ask which one runs.
pub const PAGE_SIZE: usize = if cfg!(target_arch = "x86_64") { 4 << 10 } else { 64 << 10 };

/// mmap(2).
pub unsafe fn map(
    addr: *mut c_void,
    len: usize,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: u64,
) -> Result<*mut c_void> {
    // SAFETY: see the module sys.
    let addr = unsafe {
        call(
            libc::SYS_mmap,
            [addr as usize, len, prot as usize, flags as usize, fd as usize, offset as usize],
        )
    }?;
    Ok(addr as *mut c_void)
}

/// A private, zeroed, anonymous mapping of `len` bytes; `extra_flags` are `MAP_*` beside those.
pub unsafe fn map_anonymous(len: usize, extra_flags: c_int) -> Result<*mut c_void> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | extra_flags;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    unsafe { map(core::ptr::null_mut(), len, prot, flags, -1, 0) }
}

/// A mapping as of [`map_anonymous`] that the kernel empties in a child. `EINVAL` where it knows of no such thing.
pub fn map_wiped(len: usize) -> Result<*mut c_void> {
    // SAFETY: a new mapping touches nothing that exists, and nobody knows of it yet.
    unsafe {
        let memory = map_anonymous(len, libc::MAP_NORESERVE)?;
        advise(memory, len, libc::MADV_WIPEONFORK).inspect_err(|_| {
            let _ = unmap(memory, len);
        })?;
        Ok(memory)
    }
}

/// munmap(2).
pub unsafe fn unmap(addr: *mut c_void, len: usize) -> Result<()> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_munmap, [addr as usize, len, 0, 0, 0, 0]) }.map(drop)
}

/// Whether something is mapped in the page at `page`; true also where that may not be asked.
pub fn is_mapped(page: usize) -> bool {
    let mut resident = 0u8;
    // SAFETY: the kernel writes one byte, for one page, to this frame.
    let asked = unsafe { call(libc::SYS_mincore, [page, 1, &raw mut resident as usize, 0, 0, 0]) };
    asked != Err(Errno::ENOMEM)
}

/// madvise(2).
pub unsafe fn advise(addr: *mut c_void, len: usize, advice: c_int) -> Result<()> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_madvise, [addr as usize, len, advice as usize, 0, 0, 0]) }.map(drop)
}

/// The same memory at a second address: mremap(2) of a shared mapping's `len` bytes at `addr`, which
/// stays.
pub unsafe fn map_again(addr: *mut c_void, len: usize) -> Result<*mut c_void> {
    let flags = libc::MREMAP_MAYMOVE as usize;
    // SAFETY: see the module sys. An old length of 0 is what keeps the first mapping.
    let addr = unsafe { call(libc::SYS_mremap, [addr as usize, 0, len, flags, 0, 0]) }?;
    Ok(addr as *mut c_void)
}

/// A zeroed anonymous mapping of `len` bytes that [`map_again`] can map a second time.
pub unsafe fn map_shared(len: usize) -> Result<*mut c_void> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    unsafe { map(core::ptr::null_mut(), len, prot, flags, -1, 0) }
}

/// mprotect(2).
pub unsafe fn protect(addr: *mut c_void, len: usize, prot: c_int) -> Result<()> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_mprotect, [addr as usize, len, prot as usize, 0, 0, 0]) }.map(drop)
}
