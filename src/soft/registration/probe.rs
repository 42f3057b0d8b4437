//! What operations there are: `IORING_REGISTER_PROBE`.

use crate::abi::uring::*;
use crate::soft::ops;
use crate::soft::turn::Turn;
use crate::sys::{copy, Errno, Result};
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
    (opcode == io_uring_register_op::IORING_REGISTER_PROBE as u32)
        .then(|| probe(arg as u64, nr_args))
}

fn probe(at: u64, nr_args: c_uint) -> Result<c_int> {
    const MOST: c_uint = 256;
    const HEAD: usize = size_of::<io_uring_probe>();
    if at == 0 || nr_args > MOST {
        return Err(Errno::EINVAL);
    }
    let count = nr_args.min(io_uring_op::IORING_OP_LAST as c_uint) as u8;
    let size = HEAD + usize::from(count) * size_of::<io_uring_probe_op>();
    // What it will be answered in the future may be asked for in there.
    if copy::bytes(at, size)?.iter().any(|&byte| byte != 0) {
        return Err(Errno::EINVAL);
    }
    let last_op = io_uring_op::IORING_OP_LAST as u8 - 1;
    copy::put(at, &io_uring_probe { last_op, ops_len: count, resv: 0, resv2: [0; 3], ops: [] })?;
    for op in 0..count {
        let flags = if ops::of(op).is_known() { IO_URING_OP_SUPPORTED as u16 } else { 0 };
        let place = at + (HEAD + usize::from(op) * size_of::<io_uring_probe_op>()) as u64;
        copy::put(place, &io_uring_probe_op { op, resv: 0, flags, resv2: 0 })?;
    }
    Ok(0)
}
