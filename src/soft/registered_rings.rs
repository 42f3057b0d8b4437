//! Rings that threads have registered: known by a slot of the thread's own table, whether or not the
//! descriptor is closed meanwhile.

use super::table::{self, Used};
use crate::sys::fork::{self, Subject};
use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::worker::Undisturbed;
use crate::sys::{allocator, process, Errno, Result};
use alloc::collections::BTreeMap;
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};

/// The slots of a thread.
pub const SLOTS: usize = 16;

type Slots = [Option<Used>; SLOTS];

struct Threads {
    lock: Lock<{ rank::REGISTERED }>,
    /// By thread id.
    slots: UnsafeCell<BTreeMap<i32, Slots>>,
    /// Rings in all of them.
    count: AtomicU32,
}

// SAFETY: the slots are only touched under the lock.
unsafe impl Sync for Threads {}

static THREADS: Threads = Threads {
    lock: Lock::new(),
    slots: UnsafeCell::new(BTreeMap::new()),
    count: AtomicU32::new(0),
};

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(THREADS.lock.word()), are_taken: true };

impl Threads {
    /// Looks at them. A signal handler that has interrupted its thread here has interrupted one that only looked.
    fn look<T>(&self, f: impl FnOnce(&BTreeMap<i32, Slots>) -> T) -> T {
        self.start_over();
        let _held = self.lock.lock_unless_interrupted();
        // SAFETY: the lock makes them ours, to look at where it is what was interrupted that has it.
        f(unsafe { &*self.slots.get() })
    }

    /// Changes them. `EAGAIN` in a signal handler that has interrupted its thread here.
    fn change<T>(&self, f: impl FnOnce(&mut BTreeMap<i32, Slots>) -> T) -> Result<T> {
        self.start_over();
        let _undisturbed = Undisturbed::begin();
        let _held = self.lock.lock_unless_interrupted().ok_or(Errno::EAGAIN)?;
        // SAFETY: the lock makes them ours.
        Ok(f(unsafe { &mut *self.slots.get() }))
    }

    fn start_over(&self) {
        fork::look();
        fork::start_over(Subject::Registered, || {
            // SAFETY: no other thread of this process has come here yet. What the parent registered is
            // the parent's: nothing of it is given up here.
            unsafe {
                self.lock.reset();
                self.slots.get().write(BTreeMap::new());
            }
            self.count.store(0, Ordering::Relaxed);
        });
    }
}

/// The ring in `slot` of the calling thread: `EBADF` when it is empty; `EINVAL` when there is no such slot, or
/// never was a ring here.
pub fn find(slot: u32) -> Result<Used> {
    if slot as usize >= SLOTS || !table::serves() {
        return Err(Errno::EINVAL);
    }
    if THREADS.count.load(Ordering::Relaxed) == 0 {
        return Err(Errno::EBADF);
    }
    let me = process::thread_id();
    THREADS.look(|threads| {
        let found = threads.get(&me).and_then(|slots| slots[slot as usize].as_ref());
        found.map(Used::again).ok_or(Errno::EBADF)
    })
}

/// Registers the ring that `fd` is for the calling thread, in `slot` or, when none is said, in a free one;
/// returns which. `EBADF`, `EOPNOTSUPP` for what is no ring, `EINVAL` for a slot that there is not,
/// `EBUSY`, `ENOMEM`.
pub fn add(fd: c_int, slot: Option<u32>) -> Result<u32> {
    if slot.is_some_and(|slot| slot as usize >= SLOTS) {
        return Err(Errno::EINVAL);
    }
    crate::sys::file::status_flags(fd)?;
    let ring = table::find(fd).ok_or(Errno::EOPNOTSUPP)?;
    allocator::check()?;
    let me = process::thread_id();
    THREADS.change(|threads| {
        let slots = threads.entry(me).or_default();
        let slot = match slot {
            Some(slot) => slot as usize,
            None => slots.iter().position(Option::is_none).ok_or(Errno::EBUSY)?,
        };
        if slots[slot].is_some() {
            return Err(Errno::EBUSY);
        }
        if !ring.gain_name() {
            return Err(Errno::EBADF);
        }
        slots[slot] = Some(ring);
        THREADS.count.fetch_add(1, Ordering::Relaxed);
        Ok(slot as u32)
    })?
}

/// Empties a slot of the calling thread; no ring's lock may be held. `EINVAL` for a slot that there is not.
pub fn remove(slot: u32) -> Result<()> {
    if slot as usize >= SLOTS {
        return Err(Errno::EINVAL);
    }
    let me = process::thread_id();
    let ring = THREADS.change(|threads| {
        let slots = threads.get_mut(&me)?;
        let ring = slots[slot as usize].take();
        if slots.iter().all(Option::is_none) {
            threads.remove(&me);
        }
        if threads.is_empty() {
            // An empty map may keep memory.
            *threads = BTreeMap::new();
        }
        ring
    })?;
    if let Some(ring) = ring {
        THREADS.count.fetch_sub(1, Ordering::Relaxed);
        ring.lose_name();
    }
    Ok(())
}

/// Gives up what threads that have ended had registered.
pub fn sweep() {
    let me = process::thread_id();
    let gone = THREADS.change(|threads| {
        let is_gone = |id: &i32| *id != me && !process::has_thread(*id);
        let ids: alloc::vec::Vec<i32> = threads.keys().copied().filter(is_gone).collect();
        let slots = ids.iter().filter_map(|id| threads.remove(id));
        slots.flatten().flatten().collect::<alloc::vec::Vec<Used>>()
    });
    for ring in gone.unwrap_or_default() {
        THREADS.count.fetch_sub(1, Ordering::Relaxed);
        ring.lose_name();
    }
}
