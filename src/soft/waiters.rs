//! Those who sleep until there are CQEs, in memory that processes share.
//!
//! Whoever posts does it under the posting lock, and sees there whom to wake. Whoever is to sleep makes itself
//! known under that lock, and looks at the tail afterwards: one of the two sees the other. A sleeper that was
//! killed stays known, which costs system calls where none are needed.

use super::atomic::{AtomicU32, Ordering};
use crate::sys::lock::SharedLock;
use crate::sys::{futex, Result};

/// Who sleeps. Zeroed memory is nobody.
#[repr(C)]
pub struct Waiters {
    /// Counts the wake-ups; it is slept on.
    sequence: AtomicU32,
    /// How many sleep, or are about to.
    count: AtomicU32,
    /// The CQ tail at which the first of them wants to be woken, or one before that.
    wake_at: AtomicU32,
}

/// Somebody is about to sleep: a wake-up since then is not missed.
pub struct Arrival {
    sequence: u32,
    /// Another process has had the posting lock for long: those who post may not know when to wake this one.
    is_unsure: bool,
}

/// For how long one sleeps then before it looks by itself.
const UNSURE: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };

impl Waiters {
    /// Nobody.
    #[cfg(loom)]
    pub fn new() -> Self {
        let zero = || AtomicU32::new(0);
        Waiters { sequence: zero(), count: zero(), wake_at: zero() }
    }

    /// One more, of process `pid`, who wants to be woken when the CQ tail is `wake_at`. It has to look whether
    /// it is before it sleeps, and to [`leave`](Self::leave) in the end.
    pub fn arrive(&self, posting: &SharedLock, pid: u32, wake_at: u32) -> Arrival {
        let sequence = self.sequence.load(Ordering::Acquire);
        let is_locked = posting.lock(pid, 1);
        let is_first = self.count.fetch_add(1, Ordering::Relaxed) == 0;
        let others = self.wake_at.load(Ordering::Relaxed);
        if is_first || (wake_at.wrapping_sub(others) as i32) < 0 {
            self.wake_at.store(wake_at, Ordering::Relaxed);
        }
        if is_locked {
            posting.unlock();
        }
        Arrival { sequence, is_unsure: !is_locked }
    }

    /// Sleeps until woken, for `left` at most; also for no reason. `EAGAIN` when there was a wake-up already,
    /// `ETIMEDOUT`, `EINTR`.
    pub fn sleep(&self, arrival: &Arrival, left: &libc::timespec) -> Result<()> {
        let is_long = (left.tv_sec, left.tv_nsec) > (UNSURE.tv_sec, UNSURE.tv_nsec);
        let left = if arrival.is_unsure && is_long { &UNSURE } else { left };
        futex::wait_shared(&self.sequence, arrival.sequence, Some(left))
    }

    /// Does not sleep any more.
    pub fn leave(&self, posting: &SharedLock, pid: u32) {
        let is_locked = posting.lock(pid, 1);
        self.count.fetch_sub(1, Ordering::Relaxed);
        if is_locked {
            posting.unlock();
        }
    }

    /// Whether there may be any.
    #[inline]
    pub fn are_there(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Whether somebody wants to be woken, with CQEs up to `tail`. Under the posting lock.
    #[inline]
    pub fn want(&self, tail: u32) -> bool {
        self.are_there() && tail.wrapping_sub(self.wake_at.load(Ordering::Relaxed)) as i32 >= 0
    }

    /// Wakes all of them; each looks whether it has what it waits for. How many have slept.
    pub fn wake(&self) -> usize {
        // Release: what was done before is seen by one that finds the number changed.
        self.sequence.fetch_add(1, Ordering::Release);
        futex::wake_shared(&self.sequence, futex::ALL)
    }
}
