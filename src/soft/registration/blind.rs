//! io_uring_register(2) without a ring: descriptor -1.

use super::query;
use crate::abi::uring::io_uring_register_op as Op;
use crate::abi::uring::io_uring_sqe;
use crate::soft::{ops, table};
use crate::sys::{peek, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

/// Does what `opcode` says; none when it is for the kernel to answer: it is about what is the kernel's.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    const SEND: u32 = Op::IORING_REGISTER_SEND_MSG_RING as u32;
    const QUERY: u32 = Op::IORING_REGISTER_QUERY as u32;
    match opcode {
        QUERY => Some(query::query(arg as u64, nr_args)),
        SEND if arg.is_null() || nr_args != 1 => Some(Err(Errno::EINVAL)),
        // SAFETY: an SQE is valid for any bytes.
        SEND => match unsafe { peek::copy::<io_uring_sqe>(arg as u64) } {
            Ok(sqe) if sqe.fd >= 0 && table::look_up(sqe.fd).is_none() => None,
            Ok(sqe) => Some(ops::send_message(&sqe)),
            Err(errno) => Some(Err(errno)),
        },
        _ => Some(Err(Errno::EINVAL)),
    }
}
