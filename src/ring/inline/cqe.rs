//! Reading a CQE, and walking over those that are there.

use super::dialect::{keep_branch, unlikely};
use crate::abi::ctypes::*;
use crate::abi::liburing::{io_uring, io_uring_cqe_iter};
use crate::abi::uring::*;
use crate::ring::barrier::io_uring_smp_load_acquire;

/// The pointer that io_uring_sqe_set_data() attached to the request.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_get_data(cqe: *const io_uring_cqe) -> *mut c_void {
    (*cqe).user_data as uintptr_t as *mut c_void
}

/// The number that io_uring_sqe_set_data64() attached to the request.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_get_data64(cqe: *const io_uring_cqe) -> __u64 {
    (*cqe).user_data
}

/// How many slots of the CQ this CQE takes, for io_uring_cq_advance(): 2 for a 32-byte CQE of an
/// IORING_SETUP_CQE_MIXED ring, else 1.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_nr(cqe: *const io_uring_cqe) -> c_uint {
    // A branch, not a sum: the next CQE's address would wait for this one's flags, and a walk over the
    // CQ would run at the latency of the cache.
    if unlikely((*cqe).flags & IORING_CQE_F_32 != 0) {
        keep_branch();
        return 2;
    }
    1
}

/// By how many bits a CQ index is shifted to one of 16-byte CQEs, on a ring set up with `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_shift_from_flags(flags: c_uint) -> c_uint {
    (flags & IORING_SETUP_CQE32 != 0) as c_uint
}

/// By how many bits a CQ index of `ring` is shifted to one of 16-byte CQEs.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_shift(ring: *const io_uring) -> c_uint {
    io_uring_cqe_shift_from_flags((*ring).flags)
}

/// Starts a walk over the CQEs that are there now, for io_uring_cqe_iter_next().
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_iter_init(ring: *const io_uring) -> io_uring_cqe_iter {
    io_uring_cqe_iter {
        cqes: (*ring).cq.cqes,
        mask: (*ring).cq.ring_mask,
        shift: io_uring_cqe_shift(ring),
        head: *(*ring).cq.khead,
        tail: io_uring_smp_load_acquire((*ring).cq.ktail),
    }
}

/// Stores the walk's next CQE at `cqe`; false when there is none left. The CQEs stay in the CQ until
/// io_uring_cq_advance().
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_iter_next(
    iter: *mut io_uring_cqe_iter,
    cqe: *mut *mut io_uring_cqe,
) -> bool {
    if (*iter).head == (*iter).tail {
        return false;
    }
    let index: c_uint = ((*iter).head & (*iter).mask) << (*iter).shift;
    let next: *mut io_uring_cqe = (*iter).cqes.add(index as usize);
    (*iter).head = (*iter).head.wrapping_add(io_uring_cqe_nr(next));
    *cqe = next;
    true
}
