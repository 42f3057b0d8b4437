//! A mutual exclusion lock of one word.

use super::atomic::{AtomicU32, Ordering};
use super::{caller, fork, futex, locks};

const FREE: u32 = 0;
/// Besides, the word of a lock that is held has its holder's number.
const HELD: u32 = 1;
/// Somebody sleeps on it.
const CONTENDED: u32 = 2;
/// What is done under our locks takes less than going to sleep and being woken.
/// A model looks at all interleavings: there, once is enough.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };

/// What a lock is, whatever its rank; zeroed memory is a free one.
#[repr(transparent)]
pub struct Word(AtomicU32);

/// The lock; zeroed memory is a free one. Its rank, of [`locks::rank`], says which others may be waited for by who
/// has it: those of higher ranks.
#[repr(transparent)]
pub struct Lock<const RANK: u8>(Word);

impl<const RANK: u8> Default for Lock<RANK> {
    fn default() -> Self {
        Self::new()
    }
}

/// Holds the lock until dropped.
pub struct Guard<'a, const RANK: u8>(&'a Lock<RANK>);

impl<const RANK: u8> Lock<RANK> {
    /// A free one.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Lock(Word(AtomicU32::new(FREE)))
    }

    /// A free one.
    #[cfg(loom)]
    pub fn new() -> Self {
        Lock(Word(AtomicU32::new(FREE)))
    }

    /// Its word, for the list of all locks.
    pub fn word(&self) -> &Word {
        &self.0
    }

    /// Takes the lock, waiting for it as long as it takes.
    #[inline]
    pub fn lock(&self) -> Guard<'_, RANK> {
        locks::about_to_wait(RANK);
        let held = caller::id() | HELD;
        if !self.0.take(held) {
            self.0.lock_contended(held);
        }
        locks::taken(RANK);
        Guard(self)
    }

    /// Takes the lock if nobody holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, RANK>> {
        // Not then_some: a guard made in vain would let go of somebody else's lock.
        self.0.take(caller::id() | HELD).then(|| {
            locks::taken(RANK);
            Guard(self)
        })
    }

    /// [`Lock::lock`]; none when the calling thread has it already, in what a signal has interrupted.
    #[inline]
    pub fn lock_unless_interrupted(&self) -> Option<Guard<'_, RANK>> {
        let held = caller::id() | HELD;
        if !self.0.take(held) {
            if self.0.is_held_by_caller() && !fork::let_go_for_caller() {
                return None;
            }
            locks::about_to_wait(RANK);
            self.0.lock_contended(held);
        }
        locks::taken(RANK);
        Some(Guard(self))
    }

    /// [`Lock::lock`], for a while; none then, as when the calling thread has it already: whoever has it may be a thread
    /// that a signal handler has interrupted.
    #[cfg(not(loom))]
    pub fn lock_patiently(&self) -> Option<Guard<'_, RANK>> {
        const PATIENCE: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        let held = caller::id() | HELD;
        if !self.0.take(held) {
            if self.0.is_held_by_caller() && !fork::let_go_for_caller() {
                return None;
            }
            if !self.0.wait_for(held, Some(&PATIENCE)) {
                return None;
            }
        }
        locks::taken(RANK);
        Some(Guard(self))
    }

    /// Lets go of the lock whose guard was forgotten.
    ///
    /// # Safety
    /// The caller must hold it.
    #[inline]
    pub unsafe fn unlock(&self) {
        drop(Guard(self));
    }

    /// Makes it a free one, in a new process: whoever had it is in the parent.
    ///
    /// # Safety
    /// No other thread may use it yet.
    pub unsafe fn reset(&self) {
        // SAFETY: as the caller says.
        unsafe { self.0.reset() };
    }

    /// Whether somebody holds it, now.
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }
}

impl<const RANK: u8> Drop for Guard<'_, RANK> {
    #[inline]
    fn drop(&mut self) {
        locks::let_go(RANK);
        self.0 .0.release();
    }
}

impl Word {
    #[inline]
    fn take(&self, held: u32) -> bool {
        // Acquire pairs with the release in release: what the last holder wrote is visible.
        self.0.compare_exchange(FREE, held, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Takes it if nobody holds it, until [`Word::release`].
    pub fn try_take(&self) -> bool {
        self.take(caller::id() | HELD)
    }

    /// Lets go of it: whoever has it, says so.
    #[inline]
    pub fn release(&self) {
        if self.0.swap(FREE, Ordering::Release) & CONTENDED != 0 {
            futex::wake(&self.0, 1);
            locks::give_way(self);
        }
    }

    /// Takes it, waiting for it as long as it takes, until [`Word::release`].
    pub fn take_contended(&self) {
        self.lock_contended(caller::id() | HELD);
    }

    /// Makes it a free one, in a new process.
    ///
    /// # Safety
    /// No other thread may use it yet.
    pub unsafe fn reset(&self) {
        self.0.store(FREE, Ordering::Relaxed);
    }

    /// Whether somebody holds it, now.
    pub fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }

    /// Whether the calling thread holds it, as far as threads can be told apart.
    pub fn is_held_by_caller(&self) -> bool {
        let (id, word) = (caller::id(), self.0.load(Ordering::Relaxed));
        id != 0 && word & !caller::OTHER_BITS == id
    }

    #[cold]
    fn lock_contended(&self, held: u32) {
        if self.is_held_by_caller() {
            fork::let_go_for_caller();
        }
        self.wait_for(held, None);
    }

    /// Waits for it; false when nobody has let go of it for as long as that.
    fn wait_for(&self, held: u32, patience: Option<&libc::timespec>) -> bool {
        for _ in 0..SPINS {
            core::hint::spin_loop();
            if self.0.load(Ordering::Relaxed) == FREE && self.take(held) {
                return true;
            }
        }
        loop {
            let seen = self.0.load(Ordering::Relaxed);
            // Whoever gets it this way leaves it marked as contended: one wake too many at most.
            let marked = if seen == FREE { held | CONTENDED } else { seen | CONTENDED };
            let is_marked = seen == marked
                || self
                    .0
                    .compare_exchange(seen, marked, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok();
            if is_marked && seen == FREE {
                return true;
            }
            if is_marked && futex::wait(&self.0, marked, patience) == Err(super::Errno::ETIMEDOUT) {
                return false;
            }
        }
    }
}

/// A lock in memory that processes share. Zeroed memory is a free one.
///
/// It holds who has it: when that process is gone, as after a SIGKILL, whoever waits takes the lock over. One that is
/// stopped keeps it, and is waited for only for a while. Only in its own namespace can be told which of the two it is.
#[repr(transparent)]
pub struct SharedLock(AtomicU32);

/// Somebody sleeps on a shared lock.
const WAITED_FOR: u32 = 1 << 31;
/// Bits of a process id; above them it says whose namespace that is of.
const ID_BITS: u32 = 22;
const ID: u32 = (1 << ID_BITS) - 1;
/// How often a waiter looks whether the owner still lives.
const LOOK: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Who a process is to shared locks: its id, and that of the namespace that this is from; not the process with number 0.
pub fn owner(process: u32, namespace: u32) -> u32 {
    process & ID | (namespace & (!WAITED_FOR >> ID_BITS)) << ID_BITS
}

impl SharedLock {
    /// A free one.
    #[cfg(loom)]
    pub fn new() -> Self {
        SharedLock(AtomicU32::new(FREE))
    }

    /// Takes the lock for this process, `owner`; false when somebody has had it for so many looks, of 20 ms each.
    #[inline]
    #[must_use]
    pub fn lock(&self, owner: u32, looks: u32) -> bool {
        self.0.compare_exchange(FREE, owner, Ordering::Acquire, Ordering::Relaxed).is_ok()
            || self.lock_contended(owner, looks)
    }

    #[cold]
    fn lock_contended(&self, me: u32, looks: u32) -> bool {
        let (mut spins, mut looked) = (0, 0);
        loop {
            let seen = self.0.load(Ordering::Relaxed);
            let owner = seen & !WAITED_FOR;
            let is_gone = || (owner ^ me) >> ID_BITS == 0 && !super::process::lives(owner & ID);
            if owner == FREE || (looked > 0 && is_gone()) {
                // Marked as waited for: one wake too many at most.
                let mine = me | WAITED_FOR;
                if self.0.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed).is_ok()
                {
                    return true;
                }
                continue;
            }
            spins += 1;
            if spins < SPINS {
                core::hint::spin_loop();
                continue;
            }
            if looked == looks {
                return false;
            }
            let marked = owner | WAITED_FOR;
            if seen == marked
                || self
                    .0
                    .compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
            {
                let slept = futex::wait_shared(&self.0, marked, Some(&LOOK));
                looked += u32::from(slept == Err(super::Errno::ETIMEDOUT));
            }
        }
    }

    /// Lets go of it: whoever has it, says so.
    #[inline]
    pub fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) & WAITED_FOR != 0 {
            futex::wake_shared(&self.0, 1);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// More than any process id.
    const NOBODY: u32 = ID;

    #[test]
    fn what_a_dead_process_has_is_taken_over_in_its_namespace_only() {
        let lock = SharedLock(AtomicU32::new(FREE));
        assert!(lock.lock(owner(NOBODY, 5), 1));
        assert!(!lock.lock(owner(1, 7), 1));
        assert!(!lock.lock(owner(1, 0), 1));
        assert!(lock.lock(owner(1, 5), 1));
        lock.unlock();
        assert!(lock.lock(owner(1, 7), 1));
    }
}
