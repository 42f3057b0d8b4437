//! io_uring_register(2).

use super::files_registration;
use super::ops;
use super::ring::Ring;
use super::turn::Turn;
use crate::abi::uring::*;
use crate::sys::{peek, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;

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
    use io_uring_register_op as Op;
    const PROBE: u32 = Op::IORING_REGISTER_PROBE as u32;
    const ENABLE: u32 = Op::IORING_REGISTER_ENABLE_RINGS as u32;
    let mut turn = Turn::take(ring);
    // SAFETY: the caller vouches for the argument.
    unsafe {
        match opcode {
            PROBE => probe(arg, nr_args),
            ENABLE => enable(&mut turn, arg, nr_args),
            _ => files_registration::register(&mut turn, opcode, arg, nr_args)
                .unwrap_or(Err(Errno::EINVAL)),
        }
    }
}

unsafe fn probe(arg: *const c_void, nr_args: c_uint) -> Result<c_int> {
    const MOST: c_uint = 256;
    if arg.is_null() || nr_args > MOST {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes, and the caller gave as many places.
    unsafe {
        let mut head: io_uring_probe = peek::copy(arg as u64)?;
        head.last_op = io_uring_op::IORING_OP_LAST as u8 - 1;
        head.ops_len = nr_args.min(io_uring_op::IORING_OP_LAST as c_uint) as u8;
        let to = arg.cast_mut().cast::<u8>();
        to.cast::<io_uring_probe>().write_unaligned(head);
        let places = to.add(size_of::<io_uring_probe>()).cast::<io_uring_probe_op>();
        for op in 0..head.ops_len {
            let supported = if ops::of(op).is_known() { IO_URING_OP_SUPPORTED } else { 0 };
            places.add(usize::from(op)).write_unaligned(io_uring_probe_op {
                op,
                resv: 0,
                flags: supported as u16,
                resv2: 0,
            });
        }
    }
    Ok(0)
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
    Ok(0)
}
