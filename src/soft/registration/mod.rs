//! io_uring_register(2), one file a subject.

pub mod enabling;
pub mod files;
mod probe;
mod resizing;
mod waiting;

use super::ring::Ring;
use super::turn::Turn;
use crate::abi::uring::io_uring_register_op;
use crate::sys::{Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

/// Does what an opcode says; none when it is about another subject.
type Subject = unsafe fn(&mut Turn, c_uint, *const c_void, c_uint) -> Option<Result<c_int>>;

/// The subjects, each of which knows its opcodes.
const SUBJECTS: &[Subject] =
    &[files::register, probe::register, enabling::register, waiting::register, resizing::register];

/// Registers what `opcode` (`IORING_REGISTER_*`) says, with `nr_args` things at `arg`.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    ring: &Ring,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Result<c_int> {
    if opcode == io_uring_register_op::IORING_REGISTER_SYNC_CANCEL as u32 {
        // SAFETY: the caller vouches for the argument. It waits, without the ring's lock.
        return unsafe { super::cancel::sync(ring, arg, nr_args) };
    }
    let mut turn = Turn::take(ring);
    if turn.core.issuer != 0 {
        super::enter::check_issuer(&mut turn)?;
    }
    // SAFETY: the caller vouches for the argument.
    let done = SUBJECTS.iter().find_map(|s| unsafe { s(&mut turn, opcode, arg, nr_args) });
    done.unwrap_or(Err(Errno::EINVAL))
}
