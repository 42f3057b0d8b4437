//! Getting CQEs: at once, or waiting for them in the library.

use super::cq::io_uring_cq_advance;
use super::cqe::{io_uring_cqe_nr, io_uring_cqe_shift};
use super::dialect::unlikely;
use crate::abi::ctypes::*;
use crate::abi::liburing::{io_uring, LIBURING_UDATA_TIMEOUT};
use crate::abi::uring::*;
use crate::ring::barrier::io_uring_smp_load_acquire;
use core::ptr::null_mut;

extern "C" {
    fn __io_uring_get_cqe(
        ring: *mut io_uring,
        cqe_ptr: *mut *mut io_uring_cqe,
        submit: c_uint,
        wait_nr: c_uint,
        sigmask: *mut sigset_t,
    ) -> c_int;
}

/// Gives the oldest CQE back when it is not for the application: one that fills up the CQ's end
/// (IORING_CQE_F_SKIP), or the timeout that a wait without IORING_FEAT_EXT_ARG had submitted. True
/// when it was; if a timeout did expire, its -errno is stored at `err`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_skip_cqe(
    ring: *mut io_uring,
    cqe: *mut io_uring_cqe,
    err: *mut c_int,
) -> bool {
    if (*cqe).flags & IORING_CQE_F_SKIP == 0 {
        if (*ring).features & IORING_FEAT_EXT_ARG != 0 {
            return false;
        }
        if (*cqe).user_data != LIBURING_UDATA_TIMEOUT {
            return false;
        }
        if (*cqe).res < 0 {
            *err = (*cqe).res;
        }
    }
    io_uring_cq_advance(ring, io_uring_cqe_nr(cqe));
    true
}

/// Stores the oldest CQE at `cqe_ptr` (NULL when there is none), and at `nr_available`, if that is not
/// NULL, how many CQ slots are filled from it on. 0, or the -errno of an expired timeout.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_peek_cqe(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    nr_available: *mut c_uint,
) -> c_int {
    let mut cqe: *mut io_uring_cqe;
    let mut err: c_int = 0;
    let mut available: c_uint;
    loop {
        let tail: c_uint = io_uring_smp_load_acquire((*ring).cq.ktail);
        let head: c_uint = *(*ring).cq.khead;
        cqe = null_mut();
        available = tail.wrapping_sub(head);
        if available == 0 {
            break;
        }
        let index: c_uint = (head & (*ring).cq.ring_mask) << io_uring_cqe_shift(ring);
        cqe = (*ring).cq.cqes.add(index as usize);
        if unlikely(io_uring_skip_cqe(ring, cqe, &raw mut err)) {
            if err == 0 {
                continue;
            }
            cqe = null_mut();
            available = 0;
        }
        break;
    }
    *cqe_ptr = cqe;
    if !nr_available.is_null() {
        *nr_available = available;
    }
    err
}

/// Waits until there are `wait_nr` CQEs and stores the oldest at `cqe_ptr`. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_wait_cqe_nr(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
) -> c_int {
    __io_uring_get_cqe(ring, cqe_ptr, 0, wait_nr, null_mut())
}

/// Stores the oldest CQE at `cqe_ptr` when it is there and needs no second look. When not, its callers
/// go into the library.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_cqe_is_ready(
    ring: *const io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
) -> bool {
    let tail: c_uint = io_uring_smp_load_acquire((*ring).cq.ktail);
    let head: c_uint = *(*ring).cq.khead;
    if head == tail {
        return false;
    }
    let mut index: c_uint = head & (*ring).cq.ring_mask;
    if unlikely((*ring).flags & IORING_SETUP_CQE32 != 0) {
        index <<= 1;
    }
    let cqe: *mut io_uring_cqe = (*ring).cq.cqes.add(index as usize);
    // Whatever io_uring_skip_cqe() could give back.
    if unlikely((*cqe).flags & IORING_CQE_F_SKIP != 0) {
        return false;
    }
    if unlikely((*ring).features & IORING_FEAT_EXT_ARG == 0) {
        return false;
    }
    *cqe_ptr = cqe;
    true
}

/// Stores the oldest CQE at `cqe_ptr` without waiting for one. 0, -EAGAIN when there is none, or
/// another -errno. The CQE stays in the CQ until io_uring_cqe_seen().
#[no_mangle]
pub unsafe extern "C" fn io_uring_peek_cqe(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
) -> c_int {
    if __io_uring_cqe_is_ready(ring, cqe_ptr) {
        return 0;
    }
    io_uring_wait_cqe_nr(ring, cqe_ptr, 0)
}

/// Waits for a CQE and stores the oldest at `cqe_ptr`. 0 or -errno. The CQE stays in the CQ until
/// io_uring_cqe_seen().
#[no_mangle]
pub unsafe extern "C" fn io_uring_wait_cqe(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
) -> c_int {
    if __io_uring_cqe_is_ready(ring, cqe_ptr) {
        return 0;
    }
    io_uring_wait_cqe_nr(ring, cqe_ptr, 1)
}
