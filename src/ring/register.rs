//! Register calls on a ring, by whichever of its two descriptors reaches it.

use super::flags::REGISTER_THROUGH_RING;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::backing;
use crate::sys::Result;
use core::ffi::{c_int, c_uint, c_void};

/// Stands for "no ring" in the register calls that concern the calling task.
pub const NO_RING: c_int = -1;

/// io_uring_register(2) on `ring` with `nr_args` of whatever `opcode` takes at `arg`.
pub unsafe fn register(
    ring: *const io_uring,
    opcode: io_uring_register_op,
    arg: *const c_void,
    nr_args: c_uint,
) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).int_flags & REGISTER_THROUGH_RING != 0 {
            let opcode = opcode as c_uint | IORING_REGISTER_USE_REGISTERED_RING;
            backing::register((*ring).enter_ring_fd, opcode, arg, nr_args)
        } else {
            backing::register((*ring).ring_fd, opcode as c_uint, arg, nr_args)
        }
    }
}

/// io_uring_register(2) without a ring, for what belongs to the calling task.
pub unsafe fn register_task(
    opcode: io_uring_register_op,
    arg: *const c_void,
    nr_args: c_uint,
) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe { backing::register(NO_RING, opcode as c_uint, arg, nr_args) }
}
