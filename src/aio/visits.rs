//! Who is inside of a call on a context without holding a lock: as long as somebody is, the context stays.
//!
//! A thread is at one place. When it calls again, it has left what it was inside of by a jump out of a signal handler,
//! or is in a handler, after which its wait ends with `EINTR`: that visit is over, and does not count any more.

use super::registry::Entry;
use crate::sys::{caller, futex};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Visitors that are known by their threads. What others have begun ends by returning only.
const KNOWN: usize = 16;

/// The visits of an entry. Zeroed memory is none.
pub struct Visits {
    /// A thread's number in the upper half, a number of the visit in the lower.
    known: [AtomicU64; KNOWN],
    next: AtomicU32,
}

/// A visit that has begun; where it is known.
pub struct Visit(Option<(usize, u64)>);

impl Visits {
    /// Ends the calling thread's earlier visits; how many.
    fn forget_own(&self) -> u32 {
        let id = caller::id();
        let is_own = |visit: u64| id != 0 && (visit >> 32) as u32 == id;
        let forget = |known: &&AtomicU64| {
            let visit = known.load(Ordering::Relaxed);
            is_own(visit)
                && known.compare_exchange(visit, 0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
        };
        self.known.iter().filter(forget).count() as u32
    }

    fn note(&self) -> Visit {
        let id = u64::from(caller::id());
        if id == 0 {
            return Visit(None);
        }
        // 0 is none.
        let number = self.next.fetch_add(1, Ordering::Relaxed) | 1 << 31;
        let visit = id << 32 | u64::from(number);
        let free = |known: &AtomicU64| {
            known.compare_exchange(0, visit, Ordering::SeqCst, Ordering::Relaxed).is_ok()
        };
        Visit(self.known.iter().position(free).map(|place| (place, visit)))
    }
}

impl Entry {
    /// Counts the caller as a visitor; whether it had been one that it is no more.
    pub fn begin_visit(&self) -> (Visit, bool) {
        let had_been = self.forget_own_visits();
        // SeqCst on both sides: either destroy sees the visitor, or the visitor sees the entry dying.
        self.visitors.fetch_add(1, Ordering::SeqCst);
        (self.visits.note(), had_been)
    }

    /// Whether it still counts: the context is there.
    pub fn is_visited(&self, visit: &Visit) -> bool {
        match visit.0 {
            Some((place, visit)) => self.visits.known[place].load(Ordering::SeqCst) == visit,
            None => true,
        }
    }

    /// Ends it; whether it was the last one.
    pub fn end_visit(&self, visit: Visit) -> bool {
        let counted = match visit.0 {
            Some((place, visit)) => {
                let known = &self.visits.known[place];
                known.compare_exchange(visit, 0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
            }
            None => true,
        };
        counted && self.visitors.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// The calling thread makes another call: it is no visitor any more, if it was one.
    #[inline]
    pub fn is_called(&self) {
        if self.visitors.load(Ordering::Relaxed) > 0 && self.forget_own_visits() {
            futex::wake(&self.visitors, 1);
        }
    }

    /// Ends those of the calling thread; whether there were any.
    #[cold]
    pub fn forget_own_visits(&self) -> bool {
        let own = self.visits.forget_own();
        self.visitors.fetch_sub(own, Ordering::SeqCst);
        own > 0
    }
}
