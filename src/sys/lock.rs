//! A mutual exclusion lock of one word.

use super::futex;
use core::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody sleeps on it.
const CONTENDED: u32 = 2;
/// What is done under our locks takes less than going to sleep and being woken.
const SPINS: u32 = 100;

/// The lock; zeroed memory is a free one.
#[repr(transparent)]
pub struct Lock(AtomicU32);

/// Holds the lock until dropped.
pub struct Guard<'a>(&'a Lock);

impl Lock {
    /// Takes the lock, waiting for it as long as it takes.
    #[inline]
    pub fn lock(&self) -> Guard<'_> {
        // Acquire pairs with the release in drop: what the last holder wrote is visible.
        if self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.lock_contended();
        }
        Guard(self)
    }

    /// Takes the lock if nobody holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_>> {
        self.0
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            // Not then_some: a guard made in vain would let go of somebody else's lock.
            .then(|| Guard(self))
    }

    #[cold]
    fn lock_contended(&self) {
        for _ in 0..SPINS {
            core::hint::spin_loop();
            if self.0.load(Ordering::Relaxed) == FREE
                && self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
        }
        // Whoever gets it this way leaves it marked as contended: one wake too many at most.
        while self.0.swap(CONTENDED, Ordering::Acquire) != FREE {
            let _ = futex::wait(&self.0, CONTENDED, None);
        }
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.0 .0.swap(FREE, Ordering::Release) == CONTENDED {
            futex::wake(&self.0 .0, 1);
        }
    }
}
