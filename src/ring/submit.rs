//! The submission side: publishing SQEs and entering the ring's server, when it must be entered.

use super::barrier::{io_uring_smp_mb, io_uring_smp_store_release, read_once, write_once};
use super::flags::enter_flags;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::backing;
use crate::sys::Result;
use core::ffi::{c_int, c_uint};
use core::ptr::null;

/// Publishes the SQEs that were prepared and returns how many the server has not yet consumed,
/// leftovers of earlier submissions included.
#[inline(always)]
pub unsafe fn flush_sq(ring: *mut io_uring) -> c_uint {
    // SAFETY: see the module ring.
    unsafe {
        let sq = &raw mut (*ring).sq;
        let tail = (*sq).sqe_tail;
        if (*ring).flags & IORING_SETUP_SQ_REWIND != 0 {
            // The server reads SQEs from slot 0 on at each enter and looks at no index.
            (*sq).sqe_tail = 0;
            return tail;
        }
        if (*sq).sqe_head != tail {
            (*sq).sqe_head = tail;
            if (*ring).flags & IORING_SETUP_SQPOLL == 0 {
                // The server reads the tail within our own enter: a system call orders enough.
                write_once((*sq).ktail, tail);
            } else {
                // Pairs with the poller's acquire of the tail: it must see the SQEs complete.
                io_uring_smp_store_release((*sq).ktail, tail);
            }
        }
        tail.wrapping_sub(read_once((*sq).khead))
    }
}

/// Submits what was prepared; returns how many SQEs were consumed (with SQPOLL: handed over).
#[inline]
pub unsafe fn submit(ring: *mut io_uring) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe { enter_for(ring, flush_sq(ring), 0, false) }
}

/// Submits what was prepared and waits for `wait_nr` completions in the same enter.
#[inline]
pub unsafe fn submit_and_wait(ring: *mut io_uring, wait_nr: c_uint) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe { enter_for(ring, flush_sq(ring), wait_nr, wait_nr != 0) }
}

/// Submits what was prepared and lets the server post what is pending, without a wait.
#[inline]
pub unsafe fn submit_and_get_events(ring: *mut io_uring) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe { enter_for(ring, flush_sq(ring), 0, true) }
}

/// Lets the server post what is pending: overflowed CQEs, deferred task work, polled completions.
#[inline]
pub unsafe fn get_events(ring: *mut io_uring) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        let flags = IORING_ENTER_GETEVENTS | enter_flags(ring);
        backing::enter((*ring).enter_ring_fd, 0, 0, flags, null(), 0)
    }
}

/// Sleeps until the SQ poller has made room in a full SQ.
#[inline]
pub unsafe fn sqring_wait(ring: *mut io_uring) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        let flags = IORING_ENTER_SQ_WAIT | enter_flags(ring);
        backing::enter((*ring).enter_ring_fd, 0, 0, flags, null(), 0)
    }
}

#[inline(always)]
unsafe fn enter_for(
    ring: *mut io_uring,
    to_submit: c_uint,
    wait_nr: c_uint,
    get_events: bool,
) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        let mut flags = 0;
        let get_events = get_events || cq_needs_enter(ring);
        if get_events {
            flags |= IORING_ENTER_GETEVENTS;
        }
        if !sq_needs_enter(ring, to_submit, &mut flags) && !get_events {
            return Ok(to_submit as c_int);
        }
        flags |= enter_flags(ring);
        backing::enter((*ring).enter_ring_fd, to_submit, wait_nr, flags, null(), 0)
    }
}

/// Whether `to_submit` SQEs take an enter; with SQPOLL only to wake a poller that went to sleep.
#[inline(always)]
pub unsafe fn sq_needs_enter(ring: *const io_uring, to_submit: c_uint, flags: &mut c_uint) -> bool {
    // SAFETY: see the module ring.
    unsafe {
        if to_submit == 0 {
            return false;
        }
        if (*ring).flags & IORING_SETUP_SQPOLL == 0 {
            return true;
        }
        // The tail store must be visible before NEED_WAKEUP is read, or the poller may go to sleep
        // between the two: pairs with the fence between its flag store and its last tail load.
        io_uring_smp_mb();
        if read_once((*ring).sq.kflags) & IORING_SQ_NEED_WAKEUP == 0 {
            return false;
        }
        *flags |= IORING_ENTER_SQ_WAKEUP;
        true
    }
}

/// Whether the server holds completions that only an enter brings into the CQ.
#[inline(always)]
pub unsafe fn cq_needs_flush(ring: *const io_uring) -> bool {
    // SAFETY: see the module ring.
    unsafe { read_once((*ring).sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN) != 0 }
}

/// As [`cq_needs_flush`]; polled I/O is reaped inside of enter only.
#[inline(always)]
pub unsafe fn cq_needs_enter(ring: *const io_uring) -> bool {
    // SAFETY: see the module ring.
    unsafe { (*ring).flags & IORING_SETUP_IOPOLL != 0 || cq_needs_flush(ring) }
}
