//! The CQ: what is in it, and giving CQEs back to it.

use super::cqe::io_uring_cqe_nr;
use super::dialect::unlikely;
use crate::abi::ctypes::*;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::ring::barrier::{
    io_uring_smp_load_acquire, io_uring_smp_store_release, read_once, write_once,
};
use libc::EOPNOTSUPP;

/// Gives the oldest `nr` slots of the CQ back to the server; the CQEs in them are gone.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cq_advance(ring: *mut io_uring, nr: c_uint) {
    if nr != 0 {
        // Only we write the head. The server must not reuse a slot before we have read it.
        let head: c_uint = *(*ring).cq.khead;
        io_uring_smp_store_release((*ring).cq.khead, head.wrapping_add(nr));
    }
}

/// Gives `cqe`, the oldest CQE, back to the server; it is gone. NULL is ignored.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cqe_seen(ring: *mut io_uring, cqe: *mut io_uring_cqe) {
    if cqe.is_null() {
        return;
    }
    if unlikely(io_uring_cqe_nr(cqe) != 1) {
        io_uring_cq_advance(ring, 2);
    } else {
        io_uring_cq_advance(ring, 1);
    }
}

/// How many CQ slots are filled and not given back.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cq_ready(ring: *const io_uring) -> c_uint {
    io_uring_smp_load_acquire((*ring).cq.ktail).wrapping_sub(read_once((*ring).cq.khead))
}

/// Whether the server holds CQEs for which the CQ had no room; io_uring_get_events() fetches them.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cq_has_overflow(ring: *const io_uring) -> bool {
    read_once((*ring).sq.kflags) & IORING_SQ_CQ_OVERFLOW != 0
}

/// Whether completions signal the registered eventfd.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cq_eventfd_enabled(ring: *const io_uring) -> bool {
    if (*ring).cq.kflags.is_null() {
        return true;
    }
    read_once((*ring).cq.kflags) & IORING_CQ_EVENTFD_DISABLED == 0
}

/// Says whether completions signal the registered eventfd. -EOPNOTSUPP when the server has no such
/// switch.
#[no_mangle]
pub unsafe extern "C" fn io_uring_cq_eventfd_toggle(ring: *mut io_uring, enabled: bool) -> c_int {
    if enabled == io_uring_cq_eventfd_enabled(ring) {
        return 0;
    }
    if (*ring).cq.kflags.is_null() {
        return -EOPNOTSUPP;
    }
    let mut flags: c_uint = read_once((*ring).cq.kflags);
    if enabled {
        flags &= !IORING_CQ_EVENTFD_DISABLED;
    } else {
        flags |= IORING_CQ_EVENTFD_DISABLED;
    }
    write_once((*ring).cq.kflags, flags);
    0
}
