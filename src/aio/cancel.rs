//! Cancelling what a ring has in flight: by a register call that answers what became of it, on kernels before 6.0 by
//! SQEs.

use super::slots::{Slot, Slots};
use super::submit::get_sqe;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::ring::inline::*;
use crate::ring::register::register;
use crate::ring::submit::submit;
use crate::sys::{thread, Errno, Result};
use core::ffi::c_void;
use core::mem::zeroed;
use core::sync::atomic::Ordering;

/// Cancels the request with this `user_data`, or all of them. `EINVAL` where the kernel has no such call, `ENOENT` and
/// `EALREADY` where nothing was to be cancelled.
///
/// # Safety
/// Nothing of the ring is touched but its descriptor.
pub unsafe fn cancel_now(ring: *const io_uring, user_data: Option<u64>) -> Result<()> {
    // SAFETY: the argument lives in this frame. A timeout of 0 is none to wait for.
    unsafe {
        let mut which: io_uring_sync_cancel_reg = zeroed();
        match user_data {
            Some(user_data) => which.addr = user_data,
            None => which.flags = IORING_ASYNC_CANCEL_ANY,
        }
        let arg = (&raw const which).cast::<c_void>();
        loop {
            // A signal may come before the request was found.
            match register(ring, io_uring_register_op::IORING_REGISTER_SYNC_CANCEL, arg, 1) {
                Err(Errno::EINTR) => {}
                done => return done.map(drop),
            }
        }
    }
}

/// Waits until a thread that reads the submissions, if there is one, has taken what there is: before, it is not found to
/// be cancelled, and afterwards is in flight.
///
/// # Safety
/// The caller must have the ring's SQ side.
pub unsafe fn have_taken(ring: *const io_uring) {
    /// Whoever submitted woke it. It may be gone with the ring, where the program has closed that: that is waited for a second.
    const TRIES: u32 = 20_000;
    // SAFETY: as the caller says.
    unsafe {
        if (*ring).flags & IORING_SETUP_SQPOLL == 0 {
            return;
        }
        let tail = read_once((*ring).sq.ktail);
        for _ in 0..TRIES {
            if io_uring_smp_load_acquire((*ring).sq.khead) == tail {
                return;
            }
            thread::sleep(50);
        }
    }
}

/// [`cancel_now`] by an SQE, whose CQE has `mark`. Without an answer by the time when it was submitted, it is under way.
///
/// # Safety
/// The caller must have the ring's SQ side; CQEs are read, not consumed.
pub unsafe fn cancel_by_sqe(ring: *mut io_uring, user_data: u64, mark: u64) -> Result<()> {
    // SAFETY: as the caller says.
    unsafe {
        queue(ring, user_data, mark)?;
        submit(ring)?;
        let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
        let ready = tail.wrapping_sub(read_once((*ring).cq.khead));
        let cqe = |back: u32| {
            (*ring).cq.cqes.add((tail.wrapping_sub(back) & (*ring).cq.ring_mask) as usize)
        };
        // The newest with this mark is ours.
        match (1..=ready).map(cqe).find(|&cqe| (*cqe).user_data == mark) {
            Some(cqe) if (*cqe).res < 0 => Err(Errno::of(-(*cqe).res)),
            _ => Ok(()),
        }
    }
}

/// Cancels what is in any of the slots by SQEs, whose CQEs have `mark`. Submits as much as the server takes.
///
/// # Safety
/// The caller must have the ring's SQ side.
pub unsafe fn cancel_each(ring: *mut io_uring, slots: &Slots, mark: u64) {
    // SAFETY: as the caller says.
    unsafe {
        slots.any(|index, slot| {
            slot.fate.load(Ordering::Acquire) != Slot::DONE
                && queue(ring, u64::from(index), mark).is_err()
        });
        let _ = submit(ring);
    }
}

unsafe fn queue(ring: *mut io_uring, user_data: u64, mark: u64) -> Result<()> {
    // SAFETY: the caller has the ring's SQ side.
    unsafe {
        let sqe = get_sqe(ring)?;
        io_uring_prep_cancel64(sqe, user_data, 0);
        (*sqe).user_data = mark;
    }
    Ok(())
}
