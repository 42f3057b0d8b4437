//! Rings that start disabled: enabling them.

use crate::abi::uring::*;
use crate::soft::turn::Turn;
use crate::sys::{Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

/// Does what `opcode` says; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    turn: &mut Turn,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    (opcode == io_uring_register_op::IORING_REGISTER_ENABLE_RINGS as u32)
        .then(|| enable(turn, arg, nr_args))
}

fn enable(turn: &mut Turn, arg: *const c_void, nr_args: c_uint) -> Result<c_int> {
    if !arg.is_null() || nr_args != 0 {
        return Err(Errno::EINVAL);
    }
    if !core::mem::take(&mut turn.core.disabled) {
        return Err(Errno::EBADFD);
    }
    if turn.core.flags & IORING_SETUP_SINGLE_ISSUER != 0 {
        turn.core.issuer = crate::sys::process::thread_id();
    }
    if let Some(reader) = &turn.core.reader {
        reader.wake();
    }
    Ok(0)
}
