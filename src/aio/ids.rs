//! From a plain context's id, which is the address of its [`UserRing`], to its entry.
//!
//! Ids are compared and never followed, so that anything may be handed in. A child that was forked
//! finds nothing here: its parent's contexts are not its own.

use super::registry::{self, ContextId, Entry, MAX_CONTEXTS};
use super::user_ring::UserRing;
use crate::abi::aio::aio_ring;
use crate::sys::lock::Lock;
use crate::sys::locks::rank;
use crate::sys::{fork, mem, peek, Errno, Result};
use core::mem::size_of;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Buckets of hints. Contexts that are mapped beside each other have different ones.
const HINTS: usize = 4 * MAX_CONTEXTS;

/// A context's place; its number is the index.
struct Place {
    /// The id; 0: free.
    id: AtomicU64,
    /// The id of the entry in the registry.
    entry: AtomicU64,
}

/// All places. Zeroed memory has none taken, and no lock held.
struct Index {
    lock: Lock<{ rank::AIO_IDS }>,
    /// Places that were ever taken are below.
    used: AtomicU32,
    places: [Place; MAX_CONTEXTS],
    /// By an id's bits, the place where it stood last.
    hints: [AtomicU32; HINTS],
}

static INDEX: AtomicPtr<Index> = AtomicPtr::new(null_mut());

impl Index {
    /// The place of `id`.
    #[inline(always)]
    fn find(&self, id: ContextId) -> Option<usize> {
        let hint = &self.hints[bucket(id)];
        let number = hint.load(Ordering::Relaxed) as usize % MAX_CONTEXTS;
        if self.places[number].id.load(Ordering::Acquire) == id {
            return Some(number);
        }
        self.search(id, hint)
    }

    #[cold]
    fn search(&self, id: ContextId, hint: &AtomicU32) -> Option<usize> {
        let used = self.used.load(Ordering::Acquire) as usize;
        let places = &self.places[..used.min(MAX_CONTEXTS)];
        let number = places.iter().position(|place| place.id.load(Ordering::Acquire) == id)?;
        hint.store(number as u32, Ordering::Relaxed);
        Some(number)
    }

    /// The place of a context that the program moved to `id`.
    #[cold]
    fn find_moved(&self, id: ContextId) -> Option<usize> {
        // SAFETY: an aio_ring may have any value.
        let seen = unsafe { peek::read::<aio_ring>(id) }.ok()?;
        let place = self.places.get(seen.id as usize)?;
        let _lock = self.lock.lock();
        let before = place.id.load(Ordering::Acquire);
        // A copy of the header is not the context: that has left the address where it was.
        // SAFETY: as above.
        let stayed = unsafe { peek::read::<aio_ring>(before) }
            .is_ok_and(|header| header.id == seen.id && header.nr == seen.nr);
        let entry = registry::find(place.entry.load(Ordering::Acquire)).ok()?;
        let _sq = entry.sq_lock.lock();
        if before == 0 || stayed || !entry.is_live() {
            return None;
        }
        // SAFETY: the entry is live under the SQ lock.
        unsafe { entry.context() }.user_ring.moved_to(id, seen.nr)?;
        place.id.store(id, Ordering::Release);
        Some(seen.id as usize)
    }
}

/// Makes the context in `entry`, whose ring this is, known by the ring's address, which is its id.
pub fn add(entry: &'static Entry, ring: &UserRing) -> Result<ContextId> {
    let index = index()?;
    let _lock = index.lock.lock();
    let free = |place: &Place| place.id.load(Ordering::Relaxed) == 0;
    let number = index.places.iter().position(free).ok_or(Errno::ENOMEM)?;
    ring.set_number(number as u32);
    let place = &index.places[number];
    place.entry.store(entry.id(), Ordering::Relaxed);
    place.id.store(ring.address(), Ordering::Release);
    index.used.fetch_max(number as u32 + 1, Ordering::Release);
    index.hints[bucket(ring.address())].store(number as u32, Ordering::Relaxed);
    Ok(ring.address())
}

/// Forgets an id.
pub fn remove(id: ContextId) {
    // SAFETY: the index is never unmapped, and all of it may be shared; none: nothing to forget.
    let Some(index) = (unsafe { INDEX.load(Ordering::Acquire).as_ref() }) else { return };
    let _lock = index.lock.lock();
    if let Some(number) = index.find(id) {
        index.places[number].id.store(0, Ordering::Release);
    }
}

/// Calls with each live entry of a plain context.
pub fn each(mut f: impl FnMut(&'static Entry)) {
    // SAFETY: the index is never unmapped, and all of it may be shared.
    let Some(index) = (unsafe { INDEX.load(Ordering::Acquire).as_ref() }) else { return };
    let used = index.used.load(Ordering::Acquire) as usize;
    let places = index.places[..used.min(MAX_CONTEXTS)].iter();
    places
        .filter(|place| place.id.load(Ordering::Acquire) != 0)
        .filter_map(|place| registry::find(place.entry.load(Ordering::Acquire)).ok())
        .for_each(&mut f);
}

fn bucket(id: ContextId) -> usize {
    (id >> 12) as usize % HINTS
}

fn index() -> Result<&'static Index> {
    fork::look();
    let len = size_of::<Index>().next_multiple_of(mem::PAGE_SIZE);
    // SAFETY: the mapping is new, its zeros are a valid index, and it is never unmapped once others
    // can know of it.
    unsafe {
        if let Some(index) = INDEX.load(Ordering::Acquire).as_ref() {
            return Ok(index);
        }
        let new = fork::map_emptied(len)?;
        match INDEX.compare_exchange(null_mut(), new.cast(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(&*new.cast::<Index>()),
            Err(theirs) => {
                fork::unmap_emptied(new, len);
                Ok(&*theirs)
            }
        }
    }
}

/// The live entry of the plain context with this id; `EINVAL` when it is none.
#[inline]
pub fn find(id: ContextId) -> Result<&'static Entry> {
    fork::look();
    let index = INDEX.load(Ordering::Acquire);
    if index.is_null() || id == 0 || id % 4096 != 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the index is never unmapped, and all of it may be shared.
    let index = unsafe { &*index };
    let number = index.find(id).or_else(|| index.find_moved(id)).ok_or(Errno::EINVAL)?;
    registry::find(index.places[number].entry.load(Ordering::Acquire))
}
