//! The ring's descriptor registered with the task, which saves each enter the look-up.

use super::flags::{REGISTERED_RING, REGISTER_THROUGH_RING};
use super::register::register;
use crate::abi::liburing::io_uring;
use crate::abi::uring::io_uring_register_op::*;
use crate::abi::uring::*;
use crate::backing;
use crate::sys::{Errno, Result};
use core::ffi::c_int;

/// Any free index will do.
const ANY_INDEX: u32 = u32::MAX;

/// Registers the ring with the calling task. 1 on success, `EEXIST` when it is already.
pub unsafe fn register_fd(ring: *mut io_uring) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).int_flags & REGISTERED_RING != 0 {
            return Err(Errno::EEXIST);
        }
        let mut update =
            io_uring_rsrc_update { offset: ANY_INDEX, resv: 0, data: (*ring).ring_fd as u64 };
        let registered = register(ring, IORING_REGISTER_RING_FDS, (&raw mut update).cast(), 1)?;
        if registered == 1 {
            (*ring).enter_ring_fd = update.offset as c_int;
            (*ring).int_flags |= REGISTERED_RING;
            if (*ring).features & IORING_FEAT_REG_REG_RING != 0 {
                (*ring).int_flags |= REGISTER_THROUGH_RING;
            }
        }
        Ok(registered)
    }
}

/// Gives the index back. 1 on success, `EINVAL` when the ring is not registered.
pub unsafe fn unregister(ring: *mut io_uring) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).int_flags & REGISTERED_RING == 0 {
            return Err(Errno::EINVAL);
        }
        let update =
            io_uring_rsrc_update { offset: (*ring).enter_ring_fd as u32, resv: 0, data: 0 };
        let gone = register(ring, IORING_UNREGISTER_RING_FDS, (&raw const update).cast(), 1)?;
        if gone == 1 {
            (*ring).enter_ring_fd = (*ring).ring_fd;
            (*ring).int_flags &= !(REGISTERED_RING | REGISTER_THROUGH_RING);
        }
        Ok(gone)
    }
}

/// Closes the descriptor of a registered ring and goes on with the index alone. 1 on success;
/// `EOPNOTSUPP` where register calls need the descriptor, `EINVAL` when the ring is not registered,
/// `EBADF` when it was closed before.
pub unsafe fn close_fd(ring: *mut io_uring) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).features & IORING_FEAT_REG_REG_RING == 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        if (*ring).int_flags & REGISTERED_RING == 0 {
            return Err(Errno::EINVAL);
        }
        if (*ring).ring_fd == -1 {
            return Err(Errno::EBADF);
        }
        let _ = backing::close((*ring).ring_fd);
        (*ring).ring_fd = -1;
    }
    Ok(1)
}
