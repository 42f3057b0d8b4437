//! The completion side: getting CQEs, waiting for them, with and without a timeout.

use super::barrier::io_uring_smp_load_acquire;
use super::flags::enter_flags;
use super::inline::{
    __io_uring_peek_cqe, io_uring_cq_advance, io_uring_cqe_nr, io_uring_cqe_shift,
    io_uring_get_sqe, io_uring_prep_timeout,
};
use super::submit::{cq_needs_enter, cq_needs_flush, flush_sq, get_events, sq_needs_enter, submit};
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::liburing::{io_uring, LIBURING_UDATA_TIMEOUT};
use crate::abi::uring::*;
use crate::backing;
use crate::sys::{Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;
use core::ptr::null_mut;

/// The kernel's signal set: 64 signals.
const SIGSET_SIZE: u32 = 8;

/// A wait: what to submit first, how many CQEs to wait for, and what goes along to enter.
struct Wait {
    to_submit: c_uint,
    wait_nr: c_uint,
    /// `IORING_ENTER_EXT_ARG` and its kin, for an enter that waits.
    flags: c_uint,
    arg: *const c_void,
    arg_size: usize,
    /// The enter comes back by itself when the time is over: no second one then.
    has_timeout: bool,
}

/// Where a wait ended: the CQE, if there was one, and liburing's return value.
pub struct Waited {
    /// The oldest CQE; NULL when there is none.
    pub cqe: *mut io_uring_cqe,
    /// What the first enter answered, 0 without one, or why there is no CQE.
    pub result: Result<c_int>,
}

impl Waited {
    fn failed(errno: Errno) -> Self {
        Waited { cqe: null_mut(), result: Err(errno) }
    }
}

/// What one peek found.
struct Peeked {
    cqe: *mut io_uring_cqe,
    available: c_uint,
    /// Why there is none: the timeout SQE of a server without EXT_ARG came due.
    result: Result<()>,
}

unsafe fn peek(ring: *mut io_uring) -> Peeked {
    let (mut cqe, mut available) = (null_mut(), 0);
    // SAFETY: see the module ring.
    let expired = unsafe { __io_uring_peek_cqe(ring, &mut cqe, &mut available) };
    let result = if expired == 0 { Ok(()) } else { Err(Errno::of(-expired)) };
    Peeked { cqe, available, result }
}

/// Submits and enters until there are as many CQEs as asked for, one at least if any was.
///
/// Kept as one loop: what the second round sees decides whether the first enter's answer stands.
unsafe fn wait_for(ring: *mut io_uring, mut wait: Wait) -> Waited {
    let mut entered: Option<c_int> = None;
    // SAFETY: see the module ring; the enter argument is valid, as the makers of a Wait see to.
    unsafe {
        loop {
            let Peeked { cqe, available, result } = peek(ring);
            // The first enter's answer, when it submitted, goes before what came later.
            let done = |outcome: Result<()>| {
                let result = match (entered, outcome) {
                    (Some(n), Err(_)) if n > 0 => Ok(n),
                    (n, Ok(())) => Ok(n.unwrap_or(0)),
                    (_, Err(errno)) => Err(errno),
                };
                Waited { cqe, result }
            };
            if result.is_err() {
                return done(result);
            }
            let mut must_enter = false;
            if cqe.is_null() && wait.wait_nr == 0 && wait.to_submit == 0 {
                if entered.is_some() || !cq_needs_enter(ring) {
                    return done(Err(Errno::EAGAIN));
                }
                must_enter = true;
            }
            let mut flags = 0;
            if wait.wait_nr > available || must_enter {
                flags |= IORING_ENTER_GETEVENTS | wait.flags;
                must_enter = true;
            }
            if sq_needs_enter(ring, wait.to_submit, &mut flags) {
                must_enter = true;
            }
            if !must_enter {
                return done(Ok(()));
            }
            if entered.is_some() && wait.has_timeout {
                return done(if cqe.is_null() { Err(Errno::ETIME) } else { Ok(()) });
            }
            flags |= enter_flags(ring);
            let fd = (*ring).enter_ring_fd;
            let answer =
                backing::enter(fd, wait.to_submit, wait.wait_nr, flags, wait.arg, wait.arg_size);
            let submitted = match answer {
                Ok(n) => n,
                Err(errno) => return done(Err(errno)),
            };
            wait.to_submit = wait.to_submit.wrapping_sub(submitted as c_uint);
            if !cqe.is_null() {
                return done(Ok(()));
            }
            entered.get_or_insert(submitted);
        }
    }
}

/// Submits `to_submit` published SQEs, waits for `wait_nr` CQEs under `sigmask` (may be NULL).
pub unsafe fn get_cqe(
    ring: *mut io_uring,
    to_submit: c_uint,
    wait_nr: c_uint,
    sigmask: *const c_void,
) -> Waited {
    let wait = Wait {
        to_submit,
        wait_nr,
        flags: 0,
        arg: sigmask,
        arg_size: SIGSET_SIZE as usize,
        has_timeout: false,
    };
    // SAFETY: see the module ring.
    unsafe { wait_for(ring, wait) }
}

/// How long to wait and under which signal mask; NULL for neither.
#[derive(Clone, Copy)]
pub struct Limits {
    /// The longest time to wait, relative; NULL: for ever.
    pub ts: *const __kernel_timespec,
    /// Return with fewer CQEs than asked for after this many microseconds, if there is one.
    pub min_wait_usec: c_uint,
    /// The signal mask for the wait; NULL: the thread's own.
    pub sigmask: *const c_void,
}

unsafe fn wait_with_arg(
    ring: *mut io_uring,
    to_submit: c_uint,
    wait_nr: c_uint,
    limits: Limits,
) -> Waited {
    let arg = io_uring_getevents_arg {
        sigmask: limits.sigmask as u64,
        sigmask_sz: SIGSET_SIZE,
        min_wait_usec: limits.min_wait_usec,
        ts: limits.ts as u64,
    };
    let wait = Wait {
        to_submit,
        wait_nr,
        flags: IORING_ENTER_EXT_ARG,
        arg: (&raw const arg).cast(),
        arg_size: size_of::<io_uring_getevents_arg>(),
        has_timeout: !limits.ts.is_null(),
    };
    // SAFETY: see the module ring.
    unsafe { wait_for(ring, wait) }
}

/// Waits for `wait_nr` CQEs. On a server without EXT_ARG a timeout submits what was prepared.
pub unsafe fn wait_cqes(ring: *mut io_uring, wait_nr: c_uint, limits: Limits) -> Waited {
    // SAFETY: see the module ring.
    unsafe {
        if limits.ts.is_null() {
            return get_cqe(ring, 0, wait_nr, limits.sigmask);
        }
        if (*ring).features & IORING_FEAT_EXT_ARG != 0 {
            return wait_with_arg(ring, 0, wait_nr, limits);
        }
        let mut waited = wait_with_timeout_sqe(ring, wait_nr, limits);
        waited.result = match waited.result {
            // What was submitted is no answer here.
            Ok(_) if waited.cqe.is_null() => Err(Errno::ETIME),
            result => result.map(|_| 0),
        };
        waited
    }
}

/// Submits what was prepared and waits for `wait_nr` CQEs.
pub unsafe fn submit_and_wait(ring: *mut io_uring, wait_nr: c_uint, limits: Limits) -> Waited {
    // SAFETY: see the module ring.
    unsafe {
        if limits.ts.is_null() {
            return get_cqe(ring, flush_sq(ring), wait_nr, limits.sigmask);
        }
        if (*ring).features & IORING_FEAT_EXT_ARG != 0 {
            return wait_with_arg(ring, flush_sq(ring), wait_nr, limits);
        }
        wait_with_timeout_sqe(ring, wait_nr, limits)
    }
}

/// As [`wait_cqes`] with a minimum wait; `EINVAL` on a server without `IORING_FEAT_MIN_TIMEOUT`.
pub unsafe fn wait_cqes_min_timeout(
    ring: *mut io_uring,
    wait_nr: c_uint,
    limits: Limits,
) -> Waited {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).features & IORING_FEAT_MIN_TIMEOUT == 0 {
            return Waited::failed(Errno::EINVAL);
        }
        wait_with_arg(ring, 0, wait_nr, limits)
    }
}

/// As [`submit_and_wait`] with a minimum wait; `EINVAL` on a server without it.
pub unsafe fn submit_and_wait_min_timeout(
    ring: *mut io_uring,
    wait_nr: c_uint,
    limits: Limits,
) -> Waited {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).features & IORING_FEAT_MIN_TIMEOUT == 0 {
            return Waited::failed(Errno::EINVAL);
        }
        submit_and_wait(ring, wait_nr, limits)
    }
}

/// Submits and waits as entry `reg_index` of the registered wait region says.
pub unsafe fn submit_and_wait_reg(
    ring: *mut io_uring,
    wait_nr: c_uint,
    reg_index: c_int,
) -> Waited {
    // SAFETY: see the module ring.
    unsafe {
        if (*ring).features & IORING_FEAT_EXT_ARG == 0 {
            return Waited::failed(Errno::EINVAL);
        }
        let offset = reg_index as usize * size_of::<io_uring_reg_wait>();
        let wait = Wait {
            to_submit: flush_sq(ring),
            wait_nr,
            flags: IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG,
            arg: offset as *const c_void,
            arg_size: size_of::<io_uring_reg_wait>(),
            has_timeout: true,
        };
        wait_for(ring, wait)
    }
}

/// Without EXT_ARG the time limit is a timeout SQE, submitted along with what was prepared. The
/// peek consumes its CQE; the count that is returned leaves it out.
unsafe fn wait_with_timeout_sqe(ring: *mut io_uring, wait_nr: c_uint, limits: Limits) -> Waited {
    // SAFETY: see the module ring.
    unsafe {
        let mut sqe = io_uring_get_sqe(ring);
        if sqe.is_null() {
            if let Err(errno) = submit(ring) {
                return Waited { cqe: null_mut(), result: Err(errno) };
            }
            sqe = io_uring_get_sqe(ring);
            if sqe.is_null() {
                return Waited::failed(Errno::EAGAIN);
            }
        }
        io_uring_prep_timeout(sqe, limits.ts, wait_nr, 0);
        (*sqe).user_data = LIBURING_UDATA_TIMEOUT;

        let waited = get_cqe(ring, flush_sq(ring), wait_nr, limits.sigmask);
        match waited.result {
            Ok(submitted) if submitted > 0 => {
                let own = submitted - 1;
                let timed_out = waited.cqe.is_null() && own == 0;
                let result = if timed_out { Err(Errno::ETIME) } else { Ok(own) };
                Waited { result, ..waited }
            }
            _ => waited,
        }
    }
}

/// Copies the addresses of up to `count` CQEs to `cqes` without consuming them; returns how many.
pub unsafe fn peek_batch(
    ring: *mut io_uring,
    cqes: *mut *mut io_uring_cqe,
    count: c_uint,
) -> c_uint {
    // SAFETY: see the module ring; `cqes` has room for `count`.
    unsafe {
        let copied = copy_ready(ring, cqes, count);
        if copied > 0 || !cq_needs_flush(ring) {
            return copied;
        }
        // What the server could not post comes now; its errors show as nothing being there.
        let _ = get_events(ring);
        copy_ready(ring, cqes, count)
    }
}

/// A big CQE on a mixed ring takes two slots. Fillers (F_SKIP) in front are consumed; one further
/// on ends the batch, as it may only be consumed with all that precede it.
unsafe fn copy_ready(ring: *mut io_uring, cqes: *mut *mut io_uring_cqe, count: c_uint) -> c_uint {
    // SAFETY: see the module ring; slots are taken modulo the ring's size.
    unsafe {
        let mask = (*ring).cq.ring_mask;
        let shift = io_uring_cqe_shift(ring);
        let mut head = *(*ring).cq.khead;
        // Pairs with the server's release of the tail: the CQEs before it are complete.
        let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
        let mut copied = 0;
        while tail.wrapping_sub(head) as i32 > 0 && copied < count {
            let cqe = (*ring).cq.cqes.add(((head & mask) << shift) as usize);
            let slots = io_uring_cqe_nr(cqe);
            if (*cqe).flags & IORING_CQE_F_SKIP != 0 {
                if copied > 0 {
                    break;
                }
                io_uring_cq_advance(ring, slots);
            } else {
                cqes.add(copied as usize).write(cqe);
                copied += 1;
            }
            head = head.wrapping_add(slots);
        }
        copied
    }
}
