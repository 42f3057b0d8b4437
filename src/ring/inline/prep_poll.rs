//! Readiness: poll and epoll.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// POLL* events as SQEs hold them: with the two halves swapped on big-endian machines.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_prep_poll_mask(poll_mask: c_uint) -> c_uint {
    if cfg!(target_endian = "big") {
        return poll_mask.rotate_left(16);
    }
    poll_mask
}

/// poll(2) on one descriptor, once. The CQE's res has the events that are there.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_poll_add(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    poll_mask: c_uint,
) {
    io_uring_prep_rw(IORING_OP_POLL_ADD as c_int, sqe, fd, null(), 0, 0);
    (*sqe).anon_rw_flags.poll32_events = __io_uring_prep_poll_mask(poll_mask);
}

/// poll(2) again whenever the descriptor becomes ready; a CQE with IORING_CQE_F_MORE each time.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_poll_multishot(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    poll_mask: c_uint,
) {
    io_uring_prep_poll_add(sqe, fd, poll_mask);
    (*sqe).len = IORING_POLL_ADD_MULTI;
}

/// Ends the poll request that has `user_data`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_poll_remove(sqe: *mut io_uring_sqe, user_data: __u64) {
    io_uring_prep_rw(IORING_OP_POLL_REMOVE as c_int, sqe, -1, null(), 0, 0);
    (*sqe).anon_addr.addr = user_data;
}

/// Changes the events or the user_data of the poll request that has `old_user_data`; `flags` are
/// IORING_POLL_UPDATE_* and IORING_POLL_ADD_MULTI.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_poll_update(
    sqe: *mut io_uring_sqe,
    old_user_data: __u64,
    new_user_data: __u64,
    poll_mask: c_uint,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_POLL_REMOVE as c_int, sqe, -1, null(), flags, new_user_data);
    (*sqe).anon_addr.addr = old_user_data;
    (*sqe).anon_rw_flags.poll32_events = __io_uring_prep_poll_mask(poll_mask);
}

/// epoll_ctl(2); `op` is an EPOLL_CTL_*.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_epoll_ctl(
    sqe: *mut io_uring_sqe,
    epfd: c_int,
    fd: c_int,
    op: c_int,
    ev: *const epoll_event,
) {
    io_uring_prep_rw(
        IORING_OP_EPOLL_CTL as c_int,
        sqe,
        epfd,
        ev as *const c_void,
        op as c_uint,
        fd as __u32 as __u64,
    );
}

/// epoll_wait(2) for at most `maxevents`, stored at `events`; `flags` must be 0. The CQE's res is their
/// number.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_epoll_wait(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    events: *mut epoll_event,
    maxevents: c_int,
    flags: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_EPOLL_WAIT as c_int,
        sqe,
        fd,
        events as *const c_void,
        maxevents as c_uint,
        0,
    );
    (*sqe).anon_rw_flags.rw_flags = flags as __kernel_rwf_t;
}
