//! Telling addresses of user memory from what cannot be one, as the kernel's calls do.

use crate::sys::{Errno, Result};

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
