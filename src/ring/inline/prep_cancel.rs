//! Cancelling requests; IORING_ASYNC_CANCEL_* `flags`. The CQE's res is 0, -ENOENT when no request
//! matches, -EALREADY when it is too late to stop it, or with IORING_ASYNC_CANCEL_ALL the number.

use super::sqe::{io_uring_prep_rw, uring_ptr_to_u64};
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// Cancels the request that has `user_data`; IORING_ASYNC_CANCEL_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_cancel64(
    sqe: *mut io_uring_sqe,
    user_data: __u64,
    flags: c_int,
) {
    io_uring_prep_rw(IORING_OP_ASYNC_CANCEL as c_int, sqe, -1, null(), 0, 0);
    (*sqe).anon_addr.addr = user_data;
    (*sqe).anon_rw_flags.cancel_flags = flags as __u32;
}

/// Cancels the request that has the pointer `user_data`; IORING_ASYNC_CANCEL_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_cancel(
    sqe: *mut io_uring_sqe,
    user_data: *const c_void,
    flags: c_int,
) {
    io_uring_prep_cancel64(sqe, uring_ptr_to_u64(user_data), flags);
}

/// Cancels a request on the file `fd`, or all of them with IORING_ASYNC_CANCEL_ALL.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_cancel_fd(sqe: *mut io_uring_sqe, fd: c_int, flags: c_uint) {
    io_uring_prep_rw(IORING_OP_ASYNC_CANCEL as c_int, sqe, fd, null(), 0, 0);
    (*sqe).anon_rw_flags.cancel_flags = flags | IORING_ASYNC_CANCEL_FD;
}
