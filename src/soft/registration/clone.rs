//! Another ring's registered buffers: `IORING_REGISTER_CLONE_BUFFERS`.

use super::buffers::MAX_BUFFERS;
use crate::abi::uring::*;
use crate::soft::buffers::Buffers;
use crate::soft::enter::check_issuer;
use crate::soft::ring::Ring;
use crate::soft::table::{self, Used};
use crate::soft::turn::Turn;
use crate::sys::{file, peek, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

/// Does what `opcode` says; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    ring: &Ring,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    // SAFETY: the caller vouches for the argument.
    (opcode == io_uring_register_op::IORING_REGISTER_CLONE_BUFFERS as u32)
        .then(|| unsafe { clone(ring, arg, nr_args) })
}

/// Gives `ring` buffers that another has. Never are both rings' locks held.
///
/// # Safety
/// `arg` must be a `struct io_uring_clone_buffers`.
unsafe fn clone(ring: &Ring, arg: *const c_void, nr_args: c_uint) -> Result<c_int> {
    if arg.is_null() || nr_args != 1 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let asked: io_uring_clone_buffers = unsafe { peek::copy(arg as u64)? };
    let replaces = asked.flags & IORING_REGISTER_DST_REPLACE != 0;
    if asked.flags & !(IORING_REGISTER_SRC_REGISTERED | IORING_REGISTER_DST_REPLACE) != 0 {
        return Err(Errno::EINVAL);
    }
    let check_room = |buffers: &Buffers| match replaces || buffers.is_empty() {
        true => Ok(()),
        false => Err(Errno::EBUSY),
    };
    check_room(&Turn::take(ring).core.buffers)?;
    if asked.pad != [0; 3] {
        return Err(Errno::EINVAL);
    }
    let source = source(&asked)?;
    let places = {
        let mut turn = Turn::take(&source);
        if turn.core.issuer != 0 {
            check_issuer(&mut turn)?;
        }
        let (from, to) = range(&asked, turn.core.buffers.len())?;
        turn.core.buffers.places(from, to)?
    };
    let mut turn = Turn::take(ring);
    let buffers = &mut turn.core.buffers;
    check_room(buffers)?;
    buffers.grow(asked.dst_off + places.len() as u32)?;
    // The last one that is replaced is let go first.
    for (index, place) in places.into_iter().enumerate().rev() {
        buffers.put(asked.dst_off + index as u32, place, 0)?;
    }
    turn.post_tags();
    Ok(0)
}

fn source(asked: &io_uring_clone_buffers) -> Result<Used> {
    let fd = asked.src_fd as c_int;
    if asked.flags & IORING_REGISTER_SRC_REGISTERED != 0 {
        return crate::soft::registered_rings::find(asked.src_fd);
    }
    file::status_flags(fd)?;
    table::look_up(fd).ok_or(Errno::EOPNOTSUPP)
}

/// The slots that are asked for of a table of `len`: from, up to.
fn range(asked: &io_uring_clone_buffers, len: u32) -> Result<(u32, u32)> {
    if asked.nr == 0 && (asked.src_off != 0 || asked.dst_off != 0) {
        return Err(Errno::EINVAL);
    }
    if len == 0 {
        return Err(Errno::ENXIO);
    }
    let count = if asked.nr == 0 { len } else { asked.nr };
    if count > len {
        return Err(Errno::EINVAL);
    }
    let end = asked.src_off.checked_add(count).ok_or(Errno::EOVERFLOW)?;
    if end > len {
        return Err(Errno::EOVERFLOW);
    }
    let last = asked.dst_off.checked_add(count).ok_or(Errno::EOVERFLOW)?;
    if last > MAX_BUFFERS {
        return Err(Errno::EINVAL);
    }
    Ok((asked.src_off, end))
}
