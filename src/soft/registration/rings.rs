//! A ring's own descriptor, registered: `IORING_REGISTER_RING_FDS`. None of it is done under a ring's lock:
//! a ring may end when it loses its last name.

use crate::abi::uring::io_uring_register_op as Op;
use crate::abi::uring::*;
use crate::soft::registered_rings::{add, remove, sweep, SLOTS};
use crate::soft::ring::Ring;
use crate::sys::{copy, peek, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;

/// Does what `opcode` says; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    _: &Ring,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    const REGISTER: u32 = Op::IORING_REGISTER_RING_FDS as u32;
    const UNREGISTER: u32 = Op::IORING_UNREGISTER_RING_FDS as u32;
    let each = match opcode {
        REGISTER => register_one,
        UNREGISTER => unregister_one,
        _ => return None,
    };
    if nr_args == 0 || nr_args as usize > SLOTS {
        return Some(Err(Errno::EINVAL));
    }
    for done in 0..nr_args {
        let at = arg as u64 + u64::from(done) * size_of::<io_uring_rsrc_update>() as u64;
        // SAFETY: the struct is valid for any bytes.
        let asked = unsafe { peek::copy::<io_uring_rsrc_update>(at) };
        match asked.and_then(|asked| each(at, asked)) {
            Ok(()) => {}
            Err(errno) if done == 0 => return Some(Err(errno)),
            Err(_) => return Some(Ok(done as c_int)),
        }
    }
    Some(Ok(nr_args as c_int))
}

fn register_one(at: u64, mut asked: io_uring_rsrc_update) -> Result<()> {
    if asked.resv != 0 {
        return Err(Errno::EINVAL);
    }
    sweep();
    let slot = (asked.offset != u32::MAX).then_some(asked.offset);
    asked.offset = add(asked.data as c_int, slot)?;
    copy::put(at, &asked).inspect_err(|_| {
        let _ = remove(asked.offset);
    })
}

fn unregister_one(_: u64, asked: io_uring_rsrc_update) -> Result<()> {
    if asked.resv != 0 || asked.data != 0 {
        return Err(Errno::EINVAL);
    }
    remove(asked.offset)
}
