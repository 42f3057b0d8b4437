//! Rights and workers: personalities, how many workers there may be, where they run.

use crate::abi::uring::io_uring_register_op as Op;
use crate::soft::turn::Turn;
use crate::soft::workers as work;
use crate::sys::{copy, peek, Errno, Result};
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
    const PERSONALITY: u32 = Op::IORING_REGISTER_PERSONALITY as u32;
    const FORGET: u32 = Op::IORING_UNREGISTER_PERSONALITY as u32;
    const MAX_WORKERS: u32 = Op::IORING_REGISTER_IOWQ_MAX_WORKERS as u32;
    const AFFINITY: u32 = Op::IORING_REGISTER_IOWQ_AFF as u32;
    const ANYWHERE: u32 = Op::IORING_UNREGISTER_IOWQ_AFF as u32;
    let (at, is_null) = (arg as u64, arg.is_null());
    Some(match opcode {
        PERSONALITY if !is_null || nr_args != 0 => Err(Errno::EINVAL),
        PERSONALITY => turn.core.personalities.add().map(c_int::from),
        FORGET if !is_null => Err(Errno::EINVAL),
        FORGET => turn.core.personalities.remove(nr_args).map(|()| 0),
        MAX_WORKERS if is_null || nr_args != 2 => Err(Errno::EINVAL),
        MAX_WORKERS => limit(at),
        AFFINITY if is_null || nr_args == 0 => Err(Errno::EINVAL),
        AFFINITY => place(at, nr_args),
        ANYWHERE if !is_null || nr_args != 0 => Err(Errno::EINVAL),
        ANYWHERE => {
            work::run_on(None);
            Ok(0)
        }
        _ => return None,
    })
}

/// Limits the workers: bounded, unbounded; 0 leaves a limit as it is. What they were is the answer.
fn limit(at: u64) -> Result<c_int> {
    // SAFETY: any bytes are numbers.
    let asked: [u32; 2] = unsafe { peek::copy(at)? };
    if asked.iter().any(|&limit| limit > i32::MAX as u32) {
        return Err(Errno::EINVAL);
    }
    copy::put(at, &work::limit(asked)).map(|()| 0)
}

/// Has workers run on the CPUs of a mask only.
fn place(at: u64, len: u32) -> Result<c_int> {
    let mut mask: work::Cpus = [0; 128];
    let len = (len as usize).min(mask.len());
    mask[..len].copy_from_slice(&copy::bytes(at, len)?);
    work::run_on(Some(mask));
    Ok(0)
}
