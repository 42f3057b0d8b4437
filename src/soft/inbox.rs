//! What threads without a ring's lock leave for whoever has it.
//!
//! Nothing is left behind: who has put something in tries for the lock, and who lets go of the lock looks
//! once more afterwards. Either the one sees the lock free, or the other sees what was put in. So it is with a call,
//! which is that whoever has the lock look at what has happened, because the caller cannot.

use super::atomic::{barrier_after_exchange, AtomicPtr, Ordering};
use core::ptr::null_mut;

/// What can be put in: it has room for a link.
pub trait Linked {
    /// The link.
    fn link(&mut self) -> &mut *mut Self;
}

/// The inbox.
pub struct Inbox<T> {
    /// What was put in last; [`CALL`] stands in its lowest bit.
    last: AtomicPtr<T>,
}

/// There was a call. Items are aligned: their addresses do not have this bit.
const CALL: usize = 1;

fn item_of<T>(last: *mut T) -> *mut T {
    last.map_addr(|address| address & !CALL)
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
        self.change(|last| {
            // SAFETY: the item is the caller's until the exchange.
            unsafe { *(*item).link() = item_of(last) };
            item.map_addr(|address| address | (last.addr() & CALL))
        });
    }

    /// Calls whoever has the lock. The caller tries for it afterwards.
    pub fn call(&self) {
        self.change(|last| last.map_addr(|address| address | CALL));
    }

    #[inline]
    fn change(&self, mut next: impl FnMut(*mut T) -> *mut T) {
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let new = next(last);
            // Release pairs with the acquire in take.
            match self.last.compare_exchange(last, new, Ordering::Release, Ordering::Relaxed) {
                // Before the putter looks at the lock.
                Ok(_) => return barrier_after_exchange(),
                Err(now) => last = now,
            }
        }
    }

    /// Whether nothing is in it, and nobody has called.
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

    /// Takes everything out: the first that was put in, linked to those that followed, and whether somebody has
    /// called.
    #[inline]
    pub fn take(&self) -> (*mut T, bool) {
        if self.is_empty() {
            return (null_mut(), false);
        }
        let last = self.last.swap(null_mut(), Ordering::Acquire);
        let mut at = item_of(last);
        let mut first = null_mut::<T>();
        while !at.is_null() {
            // SAFETY: what was put in is live and ours now.
            let next = unsafe { core::mem::replace((*at).link(), first) };
            (first, at) = (at, next);
        }
        (first, last.addr() & CALL != 0)
    }
}

impl<T: Linked> Default for Inbox<T> {
    fn default() -> Self {
        Self::new()
    }
}
