//! What belongs to waits: their clock, and a memory region with their arguments.

use crate::abi::uring::*;
use crate::soft::region;
use crate::soft::turn::Turn;
use crate::sys::{peek, Errno, Result};
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
    use io_uring_register_op as Op;
    const CLOCK: u32 = Op::IORING_REGISTER_CLOCK as u32;
    const MEM_REGION: u32 = Op::IORING_REGISTER_MEM_REGION as u32;
    // SAFETY: the caller vouches for the argument.
    unsafe {
        match opcode {
            CLOCK => Some(clock(turn, arg, nr_args)),
            MEM_REGION => Some(region::register(turn, arg, nr_args)),
            _ => None,
        }
    }
}

/// The clock of absolute waits.
unsafe fn clock(turn: &mut Turn, arg: *const c_void, nr_args: c_uint) -> Result<c_int> {
    if arg.is_null() || nr_args != 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let arg: io_uring_clock_register = unsafe { peek::copy(arg as u64)? };
    let clock = arg.clockid as c_int;
    if arg.__resv != [0; 3] || ![libc::CLOCK_MONOTONIC, libc::CLOCK_BOOTTIME].contains(&clock) {
        return Err(Errno::EINVAL);
    }
    turn.core.clock = clock;
    Ok(0)
}
