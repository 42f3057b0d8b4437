//! Timeouts. A `struct __kernel_timespec` must live until the request was submitted.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// Completes with -ETIME after `ts`, or with 0 as soon as `count` other requests completed (0: never);
/// IORING_TIMEOUT_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_timeout(
    sqe: *mut io_uring_sqe,
    ts: *const __kernel_timespec,
    count: c_uint,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_TIMEOUT as c_int, sqe, -1, ts as *const c_void, 1, count as __u64);
    (*sqe).anon_rw_flags.timeout_flags = flags;
}

/// Ends the timeout that has `user_data`; it completes with -ECANCELED.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_timeout_remove(
    sqe: *mut io_uring_sqe,
    user_data: __u64,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_TIMEOUT_REMOVE as c_int, sqe, -1, null(), 0, 0);
    (*sqe).anon_addr.addr = user_data;
    (*sqe).anon_rw_flags.timeout_flags = flags;
}

/// Gives the timeout that has `user_data` the time `ts`; IORING_TIMEOUT_* `flags`, and with
/// IORING_LINK_TIMEOUT_UPDATE it is a link timeout.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_timeout_update(
    sqe: *mut io_uring_sqe,
    ts: *const __kernel_timespec,
    user_data: __u64,
    flags: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_TIMEOUT_REMOVE as c_int,
        sqe,
        -1,
        null(),
        0,
        ts as uintptr_t as __u64,
    );
    (*sqe).anon_addr.addr = user_data;
    (*sqe).anon_rw_flags.timeout_flags = flags | IORING_TIMEOUT_UPDATE;
}

/// Limits the request before it, which must have IOSQE_IO_LINK, to the time `ts`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_link_timeout(
    sqe: *mut io_uring_sqe,
    ts: *const __kernel_timespec,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_LINK_TIMEOUT as c_int, sqe, -1, ts as *const c_void, 1, 0);
    (*sqe).anon_rw_flags.timeout_flags = flags;
}
