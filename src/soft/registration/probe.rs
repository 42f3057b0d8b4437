//! What operations there are: `IORING_REGISTER_PROBE`.

use crate::abi::uring::*;
use crate::soft::ops;
use crate::soft::turn::Turn;
use crate::sys::{peek, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;

/// Does what `opcode` says; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    _: &mut Turn,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    // SAFETY: the caller vouches for the argument.
    (opcode == io_uring_register_op::IORING_REGISTER_PROBE as u32)
        .then(|| unsafe { probe(arg, nr_args) })
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
