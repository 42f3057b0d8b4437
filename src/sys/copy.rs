//! Copying arrays and strings out of a program's memory, and results into it, where an address may be
//! wrong: `EFAULT` then. Where the system does not allow to look, addresses are trusted.

use super::{allocator, call, Errno, Result};
use alloc::vec::Vec;
use core::mem::size_of;

/// The longest path, its NUL included.
const PATH_MAX: usize = 4096;
/// What is copied of a string at first: most end before it.
const CHUNK: usize = 256;

/// Moves bytes between our memory and an address of the program; returns how many could be.
unsafe fn transfer(number: libc::c_long, ours: *mut u8, theirs: u64, len: usize) -> Result<usize> {
    let local = libc::iovec { iov_base: ours.cast(), iov_len: len };
    let remote = libc::iovec { iov_base: theirs as *mut _, iov_len: len };
    let pid = super::process::own_name() as usize;
    let args = [pid, &raw const local as usize, 1, &raw const remote as usize, 1, 0];
    // SAFETY: the caller's memory has that many bytes; the kernel looks where the rest points.
    unsafe { call(number, args) }
}

unsafe fn read(ours: *mut u8, theirs: u64, len: usize) -> Result<usize> {
    if theirs == 0 {
        return Err(Errno::EFAULT);
    }
    // SAFETY: as transfer; what may not be looked at is the program's claim, and its loss.
    unsafe {
        match transfer(libc::SYS_process_vm_readv, ours, theirs, len) {
            Err(Errno::EPERM | Errno::ENOSYS) => {
                core::ptr::copy_nonoverlapping(theirs as *const u8, ours, len);
                Ok(len)
            }
            read => read,
        }
    }
}

/// Copies up to `count` things at `address`: as many as can be read. `ENOMEM`.
///
/// # Safety
/// `T` must be valid for any bytes.
pub unsafe fn many<T: Copy>(address: u64, count: usize) -> Result<Vec<T>> {
    let mut copy: Vec<T> = allocator::vector(count)?;
    // SAFETY: there is room for `count`, and as many as were read are valid.
    unsafe {
        let read = read(copy.as_mut_ptr().cast(), address, count * size_of::<T>()).unwrap_or(0);
        copy.set_len(read / size_of::<T>());
    }
    Ok(copy)
}

/// Copies `len` bytes at `address`. `EFAULT`.
pub fn bytes(address: u64, len: usize) -> Result<Vec<u8>> {
    // SAFETY: any byte is a valid one.
    let copy = unsafe { many::<u8>(address, len)? };
    if copy.len() < len {
        return Err(Errno::EFAULT);
    }
    Ok(copy)
}

/// Copies a string of at most `most` bytes, its NUL included. `EFAULT`; `too_long` when it has no end.
pub fn string(address: u64, most: usize, too_long: Errno) -> Result<Vec<u8>> {
    let mut copy: Vec<u8> = Vec::new();
    while copy.len() < most {
        let len = CHUNK.min(most - copy.len());
        let at = copy.len();
        allocator::reserve_more(&mut copy, len)?;
        // SAFETY: there is room for `len` bytes.
        let read = unsafe { read_chunk(copy.as_mut_ptr().add(at), address + at as u64, len)? };
        // SAFETY: so many were written.
        unsafe { copy.set_len(at + read) };
        if let Some(end) = copy[at..].iter().position(|&byte| byte == 0) {
            copy.truncate(at + end + 1);
            return Ok(copy);
        }
    }
    Err(too_long)
}

/// As much of a string as there is; less when memory ends, or nothing tells where it does.
unsafe fn read_chunk(ours: *mut u8, theirs: u64, len: usize) -> Result<usize> {
    if theirs == 0 {
        return Err(Errno::EFAULT);
    }
    // SAFETY: as transfer. Where looking is not allowed nothing beyond the NUL may be touched.
    unsafe {
        match transfer(libc::SYS_process_vm_readv, ours, theirs, len) {
            Err(Errno::EPERM | Errno::ENOSYS) => {
                let mut at = 0;
                while at < len {
                    let byte = (theirs as *const u8).add(at).read();
                    ours.add(at).write(byte);
                    at += 1;
                    if byte == 0 {
                        break;
                    }
                }
                Ok(at)
            }
            Ok(0) => Err(Errno::EFAULT),
            read => read,
        }
    }
}

/// Copies a path. `EFAULT`, `ENAMETOOLONG`.
pub fn path(address: u64) -> Result<Vec<u8>> {
    string(address, PATH_MAX, Errno::of(libc::ENAMETOOLONG))
}

/// Writes `value` to `address`. `EFAULT`.
pub fn put<T: Copy>(address: u64, value: &T) -> Result<()> {
    // SAFETY: the value is that many bytes, which are only handed to the kernel or copied on.
    unsafe { write((&raw const *value).cast(), address, size_of::<T>()) }
}

/// Writes `bytes` to `address`. `EFAULT`.
pub fn put_bytes(address: u64, bytes: &[u8]) -> Result<()> {
    // SAFETY: the slice is that many bytes.
    unsafe { write(bytes.as_ptr(), address, bytes.len()) }
}

unsafe fn write(ours: *const u8, address: u64, len: usize) -> Result<()> {
    if address == 0 {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the kernel only reads ours; see read for the rest.
    unsafe {
        match transfer(libc::SYS_process_vm_writev, ours.cast_mut(), address, len) {
            Err(Errno::EPERM | Errno::ENOSYS) => {
                core::ptr::copy_nonoverlapping(ours, address as *mut u8, len);
                Ok(())
            }
            Ok(written) if written == len => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }
}
