//! io_ring_enter().

use super::context::{Inner, Rings};
use super::queues;
use super::refused::PAUSE;
use super::service::{wait_for, Wait};
use super::sq_thread::SPIN_IDLE;
use super::submit::{Batch, Stopped};
use crate::abi::aio_ring::*;
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::IORING_ENTER_GETEVENTS;
use crate::aio::registry::{self, ContextId};
use crate::backing;
use crate::ring::flags::enter_flags;
use crate::ring::submit::flush_sq;
use crate::sys::clock::Deadline;
use crate::sys::process::yield_now;
use crate::sys::{thread, Errno, Result};
use core::ffi::c_int;
use core::ptr::null;
use core::sync::atomic::Ordering;

/// Submits up to `to_submit` entries of the context's SQ and waits for completions if `min_complete`
/// is not 0; returns how many entries were consumed (with SQTHREAD: handed over).
///
/// The wait ends at one event or more, that of a polled context at `min_complete`. `EINVAL`: no such
/// context. `EBUSY`: another thread is inside. `EOVERFLOW`: events had to wait for room in the CQ;
/// said once, and nothing was submitted. Any other error is the first entry's, at which the head
/// stays; with SQTHREAD and SQWQ such errors come as events.
pub unsafe fn enter(id: ContextId, to_submit: u32, min_complete: u32) -> Result<c_int> {
    let entry = registry::find_rings(id)?;
    // SAFETY: there was a ring context in the entry, which is live under the lock.
    unsafe {
        let Some(_inside) = entry.inside().try_lock() else { return Err(Errno::EBUSY) };
        if !entry.has_live_rings() {
            return Err(Errno::EINVAL);
        }
        let rings = &*entry.rings();
        if rings.service().present.load(Ordering::Acquire) == 0 {
            rings.adopt()?;
        }
        if rings.has(IOCTX_FLAG_SQTHREAD) {
            return rings.hand_over(to_submit, min_complete);
        }
        let _ring = rings.service().ring_lock.lock();
        let inner = rings.inner();
        let result = inner.enter(to_submit, min_complete);
        // Without a thread, the application gets its events when it enters again: nothing is lost.
        if inner.in_flight() > 0 {
            if inner.depends_on_threads {
                inner.submitter.note();
            }
            let _ = rings.ensure_thread();
        }
        result
    }
}

impl Rings {
    /// Enter with SQTHREAD: the thread takes the SQ, the caller waits for its deliveries.
    unsafe fn hand_over(&self, to_submit: u32, min_complete: u32) -> Result<c_int> {
        let (cq, length) = (self.setup.cq, self.setup.cq_length());
        // SAFETY: see the module rings.
        unsafe {
            if self.service().overflowed.swap(0, Ordering::AcqRel) != 0 {
                return Err(Errno::EOVERFLOW);
            }
            if to_submit > 0 || min_complete > 0 {
                self.ensure_thread()?;
            }
            if to_submit > 0 {
                self.wake_sq_thread();
            }
            let wanted =
                if self.has(IOCTX_FLAG_IOPOLL) { min_complete } else { min_complete.min(1) };
            let wanted = wanted.min(length - 1);
            while queues::unread(cq, length) < wanted {
                if self.service().stopping() {
                    return Err(Errno::EINVAL);
                }
                if !spin(|| queues::unread(cq, length) >= wanted) {
                    self.service().listen(|| queues::unread(cq, length) >= wanted);
                }
            }
        }
        Ok(to_submit.min(c_int::MAX as u32) as c_int)
    }
}

/// Looks for what the thread is about to deliver as long as it would take to sleep and be woken; whether it came.
fn spin(is_there: impl Fn() -> bool) -> bool {
    const LOOKS: u32 = 64;
    let until = Deadline::after(SPIN_IDLE).ok();
    while until.is_some_and(|until| !until.is_over()) {
        // The thread may need this CPU.
        yield_now();
        for _ in 0..LOOKS {
            if is_there() {
                return true;
            }
            core::hint::spin_loop();
        }
    }
    false
}

impl Inner {
    #[inline]
    unsafe fn enter(&mut self, to_submit: u32, min_complete: u32) -> Result<c_int> {
        // SAFETY: the ring lock is held.
        unsafe {
            if self.overflowed {
                self.overflowed = false;
                self.reap();
                return Err(Errno::EOVERFLOW);
            }
            let submitted = match to_submit {
                0 => 0,
                nr => self.submit(nr.min(self.queues.available()), min_complete)?,
            };
            self.reap();
            self.wait(min_complete)?;
            Ok(submitted as c_int)
        }
    }

    /// Submits `nr` entries, waiting within the last enter; returns how many went out, up to the first
    /// that fails, or why that one is the first.
    #[inline]
    unsafe fn submit(&mut self, nr: u32, min_complete: u32) -> Result<u32> {
        let mut done = 0;
        // SAFETY: the ring lock is held.
        unsafe {
            while done < nr {
                let batch = self.prepare_batch(nr - done);
                let is_last = batch.entries == nr - done && batch.stopped == Stopped::Full;
                let wait_nr = if is_last && self.wakes { self.missing(min_complete) } else { 0 };
                let out = match self.flush(batch, wait_nr) {
                    Err(errno) if done == 0 => return Err(errno),
                    Err(_) => break,
                    Ok(out) => out,
                };
                if self.alone.is_some() && self.refused_alone() {
                    return Err(Errno::EBADF);
                }
                self.queues.consume(out);
                done += out;
                if out < batch.entries || !self.go_on(&batch, done)? {
                    break;
                }
            }
        }
        Ok(done)
    }

    /// Whether a lone request has failed at once because of its file: then it counts as not submitted.
    unsafe fn refused_alone(&mut self) -> bool {
        // SAFETY: the ring lock is held.
        unsafe { self.reap() };
        self.alone = None;
        core::mem::take(&mut self.returned)
    }

    /// After a batch that stopped early: whether there may be another; the error if nothing is out.
    unsafe fn go_on(&mut self, batch: &Batch, done: u32) -> Result<bool> {
        match batch.stopped {
            Stopped::Full => Ok(true),
            Stopped::Failed(errno) if done == 0 => Err(errno),
            Stopped::Failed(_) => Ok(false),
            // SAFETY: the ring lock is held.
            Stopped::Busy => match unsafe { self.make_room() } {
                true => Ok(true),
                false if done == 0 => Err(Errno::EOVERFLOW),
                false => Ok(false),
            },
        }
    }

    /// Waits until a slot is free; false when all hold events for which the CQ has no room.
    unsafe fn make_room(&mut self) -> bool {
        // SAFETY: the ring lock is held.
        unsafe {
            loop {
                if self.reap() > 0 {
                    return true;
                }
                if self.backlog {
                    self.overflowed = false;
                    return false;
                }
                if self.sleep(1).is_err() || self.is_ending() {
                    return false;
                }
                let in_flight = self.in_flight();
                if self.endure(false) {
                    if self.in_flight() < in_flight {
                        return true;
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// How many completions a caller that asked for `min_complete` has to wait for.
    #[inline]
    unsafe fn missing(&self, min_complete: u32) -> u32 {
        if min_complete == 0 {
            return 0;
        }
        // SAFETY: the ring lock is held.
        let unread = unsafe { self.queues.unread() };
        if self.flags & IOCTX_FLAG_IOPOLL == 0 {
            return u32::from(unread == 0);
        }
        min_complete.min(unread + self.in_flight()).saturating_sub(unread)
    }

    /// Waits for what is missing. With nothing in flight nothing can come: nobody else is inside.
    #[inline]
    unsafe fn wait(&mut self, min_complete: u32) -> Result<()> {
        // SAFETY: the ring lock is held.
        unsafe {
            loop {
                let missing = self.missing(min_complete);
                if missing == 0 || self.backlog || self.in_flight() == 0 {
                    // Reads that are to run once more may be queued.
                    return self.run_queued();
                }
                self.sleep(missing)?;
                self.reap();
                if self.endure(false) {
                    thread::sleep(PAUSE);
                }
                if self.is_ending() {
                    return Err(Errno::EINVAL);
                }
            }
        }
    }

    /// Submits what is queued and waits for `nr` completions. A signal does not end it.
    unsafe fn sleep(&mut self, nr: u32) -> Result<()> {
        let ring = &raw mut self.ring;
        const LOOK: __kernel_timespec = __kernel_timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        // SAFETY: the ring lock is held.
        unsafe {
            if !self.wakes {
                let waited = wait_for(ring, true, &Wait { min_complete: nr, timeout: LOOK });
                return match waited {
                    Err(errno) if backing::says_lost(errno) => Err(errno),
                    _ => Ok(()),
                };
            }
            let queued = flush_sq(ring);
            let flags = IORING_ENTER_GETEVENTS | enter_flags(ring);
            match backing::enter((*ring).enter_ring_fd, queued, nr, flags, null(), 0) {
                Ok(_) | Err(Errno::EINTR | Errno::EBUSY | Errno::EAGAIN) => Ok(()),
                Err(errno) => Err(errno),
            }
        }
    }

    /// Submits requests that run once more.
    #[inline]
    pub(super) unsafe fn run_queued(&mut self) -> Result<()> {
        // SAFETY: the ring lock is held.
        if unsafe { self.unsent() } > 0 {
            // SAFETY: as above.
            unsafe { self.flush(Batch { entries: 0, sqes: 0, stopped: Stopped::Full }, 0)? };
        }
        Ok(())
    }
}
