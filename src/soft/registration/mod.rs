//! io_uring_register(2), one file a subject.

pub mod blind;
mod buffer_rings;
mod buffers;
mod clone;
pub mod enabling;
mod eventfd;
pub mod files;
mod own;
mod probe;
mod query;
mod resizing;
mod restricting;
mod rings;
mod waiting;

use super::ring::Ring;
use super::turn::Turn;
use crate::abi::uring::{io_uring_register_op, IORING_REGISTER_USE_REGISTERED_RING};
use crate::sys::{Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

/// Does what an opcode says; none when it is about another subject.
type Subject = unsafe fn(&mut Turn, c_uint, *const c_void, c_uint) -> Option<Result<c_int>>;
/// As a [`Subject`], without the ring's lock: it waits, or other rings take part.
type Unlocked = unsafe fn(&Ring, c_uint, *const c_void, c_uint) -> Option<Result<c_int>>;

/// The subjects, each of which knows its opcodes.
const SUBJECTS: &[Subject] = &[
    files::register,
    buffers::register,
    buffer_rings::register,
    probe::register,
    query::register,
    enabling::register,
    restricting::register,
    eventfd::register,
    own::register,
    waiting::register,
    resizing::register,
];
const UNLOCKED: &[Unlocked] = &[rings::register, clone::register, super::cancel::register];

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
    let opcode = opcode & !IORING_REGISTER_USE_REGISTERED_RING;
    // SAFETY: as the caller says.
    let done = unsafe { register_with(ring, opcode, arg, nr_args) };
    // What workers have handed in meanwhile may need it.
    super::keeper::attend_if_wanted(ring);
    done
}

unsafe fn register_with(
    ring: &Ring,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Result<c_int> {
    {
        let mut turn = Turn::take(ring);
        if turn.core.issuer != 0 {
            super::enter::check_issuer(&mut turn)?;
        }
        if opcode >= io_uring_register_op::IORING_REGISTER_LAST as u32 {
            return Err(Errno::EINVAL);
        }
        if let (Some(restrictions), false) = (&turn.core.restrictions, turn.core.disabled) {
            restrictions.check_registering(opcode)?;
        }
        // SAFETY: the caller vouches for the argument.
        let done = SUBJECTS.iter().find_map(|s| unsafe { s(&mut turn, opcode, arg, nr_args) });
        if let Some(done) = done {
            return done;
        }
    }
    // SAFETY: as above.
    let done = UNLOCKED.iter().find_map(|s| unsafe { s(ring, opcode, arg, nr_args) });
    done.unwrap_or(Err(Errno::EINVAL))
}
