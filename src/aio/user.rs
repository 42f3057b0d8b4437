//! Telling addresses of user memory from what cannot be one, as the kernel's calls do.

use crate::sys::{peek, Errno, Result};
use core::ffi::c_void;
use core::mem::size_of;

/// Nothing is mapped below.
const LOWEST: u64 = 4096;
/// User memory ends below on every architecture that we run on (47 bits on x86-64, 48 elsewhere).
const HIGHEST: u64 = if cfg!(target_arch = "x86_64") { 1 << 47 } else { 1 << 48 };

/// The address itself when memory of `size` bytes may be there; `EFAULT` for NULL, the page around it
/// and what only the kernel has.
#[inline(always)]
pub fn checked<T>(address: *mut T, size: usize) -> Result<*mut T> {
    let start = address as u64;
    if !(LOWEST..HIGHEST).contains(&start) || start + size as u64 > HIGHEST {
        return Err(Errno::EFAULT);
    }
    Ok(address)
}

/// Whether memory of `size` bytes at an address would reach beyond what user memory has. That is all that the kernel
/// says of a buffer before it is used.
#[inline(always)]
pub fn is_beyond(address: u64, size: u64) -> bool {
    address.checked_add(size).is_none_or(|end| end > HIGHEST)
}

/// `EINVAL` unless NULL stands at `place`, `EFAULT` where nothing can.
pub unsafe fn check_is_zero(place: *const *mut c_void) -> Result<()> {
    checked(place.cast_mut(), size_of::<*mut c_void>())?;
    if !peek::is_readable(place as u64) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: it can be read, and is the caller's.
    match unsafe { place.read_unaligned() }.is_null() {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

/// Stores an id at `place`; `EFAULT` where that cannot be written to.
pub unsafe fn hand_out(place: *mut u64, id: u64) -> Result<()> {
    if !peek::overwrite(place as u64) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: it can be written, and is the caller's.
    unsafe { place.write_unaligned(id) };
    Ok(())
}
