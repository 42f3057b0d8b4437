//! Taking SQEs from the SQ.

use super::dialect::unlikely;
use super::prep_ring::io_uring_prep_nop;
use super::sqe::{io_uring_initialize_sqe, io_uring_sqe_set_flags};
use crate::abi::ctypes::*;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::ring::barrier::io_uring_smp_load_acquire;
use core::ptr::null_mut;

extern "C" {
    fn __io_uring_sqring_wait(ring: *mut io_uring) -> c_int;
}

/// By how many bits an SQ index is shifted to one of 64-byte SQEs, on a ring set up with `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sqe_shift_from_flags(flags: c_uint) -> c_uint {
    (flags & IORING_SETUP_SQE128 != 0) as c_uint
}

/// By how many bits an SQ index of `ring` is shifted to one of 64-byte SQEs.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sqe_shift(ring: *const io_uring) -> c_uint {
    io_uring_sqe_shift_from_flags((*ring).flags)
}

/// The SQ's head: how far the server has consumed SQEs. On an IORING_SETUP_SQ_REWIND ring the SQ
/// starts anew with each submission, so that its head is 0.
#[no_mangle]
pub unsafe extern "C" fn io_uring_load_sq_head(ring: *const io_uring) -> c_uint {
    if unlikely((*ring).flags & IORING_SETUP_SQ_REWIND != 0) {
        return 0;
    }
    // An SQPOLL thread must have read an SQE before we write it anew. Other rings do not need the
    // ordering, but a branch to avoid it would cost more than it does.
    io_uring_smp_load_acquire((*ring).sq.khead)
}

/// How many SQEs were taken or submitted that the server has not consumed.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sq_ready(ring: *const io_uring) -> c_uint {
    (*ring).sq.sqe_tail.wrapping_sub(io_uring_load_sq_head(ring))
}

/// How many SQEs can be taken before the SQ is full.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sq_space_left(ring: *const io_uring) -> c_uint {
    (*ring).sq.ring_entries.wrapping_sub(io_uring_sq_ready(ring))
}

/// Waits until the SQPOLL thread has made room in a full SQ. 0 at once when there is room or no such
/// thread, else what io_uring_enter() answers, or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sqring_wait(ring: *mut io_uring) -> c_int {
    if (*ring).flags & IORING_SETUP_SQPOLL == 0 {
        return 0;
    }
    if io_uring_sq_space_left(ring) != 0 {
        return 0;
    }
    __io_uring_sqring_wait(ring)
}

/// Takes the next SQE, cleared but for its user_data. NULL when the SQ is full.
#[no_mangle]
pub unsafe extern "C" fn _io_uring_get_sqe(ring: *mut io_uring) -> *mut io_uring_sqe {
    let tail: c_uint = (*ring).sq.sqe_tail;
    let head: c_uint;
    let mut index: c_uint = tail & (*ring).sq.ring_mask;
    // One test keeps both kinds of unusual rings out of the way.
    if unlikely((*ring).flags & (IORING_SETUP_SQ_REWIND | IORING_SETUP_SQE128) != 0) {
        head = io_uring_load_sq_head(ring);
        index <<= io_uring_sqe_shift(ring);
    } else {
        head = io_uring_smp_load_acquire((*ring).sq.khead);
    }
    if unlikely(tail.wrapping_sub(head) >= (*ring).sq.ring_entries) {
        return null_mut();
    }
    let sqe: *mut io_uring_sqe = (*ring).sq.sqes.add(index as usize);
    (*ring).sq.sqe_tail = tail.wrapping_add(1);
    io_uring_initialize_sqe(sqe);
    sqe
}

/// Takes the next SQE, to be filled in with a prep function and submitted with io_uring_submit().
/// NULL when the SQ is full: submit first.
#[no_mangle]
pub unsafe extern "C" fn io_uring_get_sqe(ring: *mut io_uring) -> *mut io_uring_sqe {
    _io_uring_get_sqe(ring)
}

/// Takes the next SQE of 128 bytes, on an IORING_SETUP_SQE128 or IORING_SETUP_SQE_MIXED ring. NULL on
/// any other ring and when the SQ is full.
#[no_mangle]
pub unsafe extern "C" fn io_uring_get_sqe128(ring: *mut io_uring) -> *mut io_uring_sqe {
    if (*ring).flags & IORING_SETUP_SQE128 != 0 {
        return _io_uring_get_sqe(ring);
    }
    if (*ring).flags & IORING_SETUP_SQE_MIXED == 0 {
        return null_mut();
    }
    // Two slots in a row. They must not wrap, so a last slot is given to a NOP that nobody hears of.
    let tail: c_uint = (*ring).sq.sqe_tail;
    let last: bool = tail & (*ring).sq.ring_mask == (*ring).sq.ring_mask;
    let slots: c_uint = if last { 3 } else { 2 };
    if io_uring_sq_space_left(ring) < slots {
        return null_mut();
    }
    if last {
        let filler: *mut io_uring_sqe = _io_uring_get_sqe(ring);
        io_uring_prep_nop(filler);
        io_uring_sqe_set_flags(filler, IOSQE_CQE_SKIP_SUCCESS);
    }
    let sqe: *mut io_uring_sqe = _io_uring_get_sqe(ring);
    (*ring).sq.sqe_tail = (*ring).sq.sqe_tail.wrapping_add(1);
    sqe
}
