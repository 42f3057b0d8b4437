//! `IORING_REGISTER_EVENTFD`.

use crate::abi::uring::io_uring_register_op as Op;
use crate::soft::announce::Announce;
use crate::soft::table;
use crate::soft::turn::Turn;
use crate::sys::{fd, identity, peek, Errno, Result};
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
    const EVENTFD: u32 = Op::IORING_REGISTER_EVENTFD as u32;
    const ASYNC: u32 = Op::IORING_REGISTER_EVENTFD_ASYNC as u32;
    const UNREGISTER: u32 = Op::IORING_UNREGISTER_EVENTFD as u32;
    match opcode {
        EVENTFD | ASYNC if nr_args != 1 => Some(Err(Errno::EINVAL)),
        EVENTFD | ASYNC => Some(set(turn, arg as u64, opcode == ASYNC)),
        UNREGISTER if !arg.is_null() || nr_args != 0 => Some(Err(Errno::EINVAL)),
        UNREGISTER => Some(turn.core.announce.take().map(|_| 0).ok_or(Errno::ENXIO)),
        _ => None,
    }
}

fn set(turn: &mut Turn, arg: u64, only_async: bool) -> Result<c_int> {
    if turn.core.announce.is_some() {
        return Err(Errno::EBUSY);
    }
    // SAFETY: any bytes are a number.
    let eventfd: c_int = unsafe { peek::copy(arg)? };
    fd::check_eventfd(eventfd)?;
    // An epoll looks the same so far; and the kernel's rings are no eventfds.
    let is_other = || {
        identity::eventfd_id(eventfd).is_err() && identity::eventfd_id(turn.core.held.fd).is_ok()
    };
    if table::look_up(eventfd).is_some() || is_other() {
        return Err(Errno::EINVAL);
    }
    let fd = fd::hold(eventfd)?;
    // What this call itself may post is not announced yet.
    turn.publish();
    turn.core.announce = Some(Announce::new(fd, only_async));
    Ok(0)
}
