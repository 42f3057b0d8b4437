//! What a ring remembers about itself in `int_flags`, and the flags that each enter takes from there.

use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::sys::{Errno, Result};
use core::ffi::c_uint;

/// `enter_ring_fd` is an index into the task's registered rings, not a descriptor.
pub const REGISTERED_RING: u8 = 1 << 0;
/// Register calls may go through the registered ring too (`IORING_FEAT_REG_REG_RING`).
pub const REGISTER_THROUGH_RING: u8 = 1 << 1;
/// The application owns the ring's memory: it is never unmapped.
pub const APP_MEMORY: u8 = 1 << 2;
/// Waits do not count as I/O wait (`io_uring_set_iowait`).
pub const NO_IOWAIT: u8 = 1 << 3;

/// The enter flags that this ring's state asks for.
#[inline(always)]
pub unsafe fn enter_flags(ring: *const io_uring) -> c_uint {
    // SAFETY: see the module ring.
    let int_flags = unsafe { (*ring).int_flags };
    let mut flags = 0;
    if int_flags & REGISTERED_RING != 0 {
        flags |= IORING_ENTER_REGISTERED_RING;
    }
    if int_flags & NO_IOWAIT != 0 {
        flags |= IORING_ENTER_NO_IOWAIT;
    }
    flags
}

/// Says whether waits count as I/O wait. `EOPNOTSUPP` where the server cannot tell.
pub unsafe fn set_iowait(ring: *mut io_uring, enable: bool) -> Result<()> {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).features & IORING_FEAT_NO_IOWAIT == 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        if enable {
            (*ring).int_flags &= !NO_IOWAIT;
        } else {
            (*ring).int_flags |= NO_IOWAIT;
        }
    }
    Ok(())
}
