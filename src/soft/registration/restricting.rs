//! `IORING_REGISTER_RESTRICTIONS`.

use crate::abi::uring::io_uring_register_restriction_op as Kind;
use crate::abi::uring::*;
use crate::soft::restrictions::Restrictions;
use crate::soft::turn::Turn;
use crate::sys::{copy, Errno, Result};
use alloc::boxed::Box;
use core::ffi::{c_int, c_uint, c_void};

/// The most restrictions at a time.
const MOST: u32 = io_uring_register_op::IORING_REGISTER_LAST as u32
    + io_uring_op::IORING_OP_LAST as u32
    + Kind::IORING_RESTRICTION_LAST as u32;

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
    (opcode == io_uring_register_op::IORING_REGISTER_RESTRICTIONS as u32)
        .then(|| restrict(turn, arg as u64, nr_args))
}

fn restrict(turn: &mut Turn, arg: u64, count: u32) -> Result<c_int> {
    if !turn.core.disabled {
        return Err(Errno::EBADFD);
    }
    if turn.core.restrictions.is_some() {
        return Err(Errno::EBUSY);
    }
    if arg == 0 || count > MOST {
        return Err(Errno::EINVAL);
    }
    // SAFETY: restrictions are valid for any bytes.
    let asked = unsafe { copy::many::<io_uring_restriction>(arg, count as usize)? };
    if asked.len() < count as usize {
        return Err(Errno::EFAULT);
    }
    let mut restrictions = Restrictions::default();
    for one in &asked {
        add(&mut restrictions, one)?;
    }
    turn.core.restrictions = Some(Box::new(restrictions));
    Ok(0)
}

fn add(restrictions: &mut Restrictions, asked: &io_uring_restriction) -> Result<()> {
    const REGISTER_OP: u16 = Kind::IORING_RESTRICTION_REGISTER_OP as u16;
    const SQE_OP: u16 = Kind::IORING_RESTRICTION_SQE_OP as u16;
    const ALLOWED: u16 = Kind::IORING_RESTRICTION_SQE_FLAGS_ALLOWED as u16;
    const REQUIRED: u16 = Kind::IORING_RESTRICTION_SQE_FLAGS_REQUIRED as u16;
    // SAFETY: any byte is valid.
    let what = unsafe { asked.anon_register_op.sqe_op };
    match asked.opcode {
        REGISTER_OP if u32::from(what) < io_uring_register_op::IORING_REGISTER_LAST as u32 => {
            restrictions.register_ops |= 1 << what;
        }
        SQE_OP if u32::from(what) < io_uring_op::IORING_OP_LAST as u32 => {
            restrictions.sqe_ops |= 1 << what;
        }
        ALLOWED => restrictions.allowed_flags = what,
        REQUIRED => restrictions.required_flags = what,
        _ => return Err(Errno::EINVAL),
    }
    Ok(())
}
