//! What threads without a ring's lock leave for whoever has it.
//!
//! Nothing is left behind: who has put something in tries for the lock, and who lets go of the lock looks
//! once more afterwards. Either the one sees the lock free, or the other sees what was put in.

use super::atomic::{barrier_after_exchange, AtomicPtr, Ordering};
use core::ptr::null_mut;

/// What can be put in: it has room for a link.
pub trait Linked {
    /// The link.
    fn link(&mut self) -> &mut *mut Self;
}

/// The inbox.
pub struct Inbox<T> {
    last: AtomicPtr<T>,
}

impl<T: Linked> Inbox<T> {
    /// An empty one.
    pub fn new() -> Self {
        Inbox { last: AtomicPtr::new(null_mut()) }
    }

    /// Puts `item` in.
    ///
    /// # Safety
    /// It must be live and the caller's alone; it is the taker's from now on.
    #[inline]
    pub unsafe fn put(&self, item: *mut T) {
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            // SAFETY: the item is the caller's until the exchange.
            unsafe { *(*item).link() = last };
            // Release pairs with the acquire in take.
            match self.last.compare_exchange(last, item, Ordering::Release, Ordering::Relaxed) {
                // Before the putter looks at the lock.
                Ok(_) => return barrier_after_exchange(),
                Err(now) => last = now,
            }
        }
    }

    /// Whether nothing is in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.last.load(Ordering::Relaxed).is_null()
    }

    /// [`Inbox::is_empty`] for whoever has just let go of the lock, by an exchange.
    #[inline]
    pub fn is_empty_after_unlock(&self) -> bool {
        barrier_after_exchange();
        self.is_empty()
    }

    /// Takes everything out: the first that was put in, linked to those that followed.
    #[inline]
    pub fn take(&self) -> *mut T {
        if self.is_empty() {
            return null_mut();
        }
        let mut at = self.last.swap(null_mut(), Ordering::Acquire);
        let mut first = null_mut::<T>();
        while !at.is_null() {
            // SAFETY: what was put in is live and ours now.
            let next = unsafe { core::mem::replace((*at).link(), first) };
            (first, at) = (at, next);
        }
        first
    }
}

impl<T: Linked> Default for Inbox<T> {
    fn default() -> Self {
        Self::new()
    }
}
