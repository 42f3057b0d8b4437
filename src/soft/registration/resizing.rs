//! Rings of another size: IORING_REGISTER_RESIZE_RINGS. What is queued moves along.

use crate::abi::uring::*;
use crate::soft::memory::Memory;
use crate::soft::setup;
use crate::soft::turn::Turn;
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
    (opcode == io_uring_register_op::IORING_REGISTER_RESIZE_RINGS as u32).then(|| {
        if arg.is_null() || nr_args != 1 {
            return Err(Errno::EINVAL);
        }
        resize(turn, arg as u64)
    })
}

/// Setup flags that say how a ring is laid out.
const LAYOUT: u32 = IORING_SETUP_NO_SQARRAY
    | IORING_SETUP_SQE128
    | IORING_SETUP_CQE32
    | IORING_SETUP_NO_MMAP
    | IORING_SETUP_CQE_MIXED
    | IORING_SETUP_SQE_MIXED;

/// `EINVAL` unless completions are posted for one thread alone, `EOVERFLOW` when what is queued does not
/// fit.
fn resize(turn: &mut Turn, arg: u64) -> Result<c_int> {
    if turn.core.flags & IORING_SETUP_DEFER_TASKRUN == 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let mut params: io_uring_params = unsafe { peek::copy(arg)? };
    if params.flags & !(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP) != 0 {
        return Err(Errno::EINVAL);
    }
    params.flags |= turn.core.flags & LAYOUT;
    let sizes = setup::sizes(params.sq_entries, &params)?;
    let own = (params.cq_off.user_addr, params.sq_off.user_addr);
    turn.publish();
    let old = &turn.core.memory;
    let new = Memory::new(sizes, turn.core.flags, own, old.control_page())?;
    new.describe(&mut params);
    copy::put(arg, &params)?;
    let control = old.control();
    if !control.posting.lock(turn.core.owner, 50) {
        return Err(Errno::EAGAIN);
    }
    let moved = new.take_over(old);
    control.posting.unlock();
    moved?;
    turn.ring.replace_memory(turn.core, new);
    turn.ring.mapped.clear();
    turn.flush_overflow();
    Ok(0)
}
