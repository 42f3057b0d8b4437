//! Where contexts live, and how an id that a caller hands in is told from what is none.
//!
//! Contexts stand in one table that is reserved when the first is made and never unmapped; an id is
//! the address of an entry. A stale or made-up id thus leads to an entry that is not live, or out of
//! the table, and never to memory of somebody else.

use super::context::Context;
use super::rings::Rings;
use super::visits::Visits;
use crate::sys::lock::Lock;
use crate::sys::locks::rank;
use crate::sys::{fork, mem, Errno, Result};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::{size_of, MaybeUninit};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// As C callers hold it: `io_context_t`.
pub type ContextId = u64;

/// Contexts that may exist at a time in a process: as many as have room among its mappings.
pub const MAX_CONTEXTS: usize = 64 << 10;

const FREE: u32 = 0;
const BEING_MADE: u32 = 1;
const LIVE: u32 = 2;
const DYING: u32 = 3;
/// Live, with a ring context.
const LIVE_RINGS: u32 = 4;

/// A place for a context.
#[repr(C, align(64))]
pub struct Entry {
    /// What programs that reap in user space look at: `struct aio_ring`, here without its magic.
    aio_ring: [u32; 8],
    state: AtomicU32,
    /// Threads that are inside of a call on this context without holding a lock.
    pub visitors: AtomicU32,
    /// Who they are.
    pub visits: Visits,
    /// Held for the submission side.
    pub sq_lock: Lock<{ rank::AIO_SQ }>,
    /// Held for the completion side. Taken before the SQ lock by who needs both.
    pub cq_lock: Lock<{ rank::AIO_CQ }>,
    context: UnsafeCell<MaybeUninit<Context>>,
    rings: AtomicPtr<Rings>,
}

/// A lock by itself: contexts beside each other belong to different threads.
#[repr(C, align(64))]
struct Inside(Lock<{ rank::AIO_INSIDE }>);

static TABLE: AtomicPtr<Entry> = AtomicPtr::new(null_mut());
/// A lock for each entry, in memory that the kernel empties in a child.
static INSIDE: AtomicPtr<Inside> = AtomicPtr::new(null_mut());
/// Where to start looking for a free entry.
static NEXT: AtomicU32 = AtomicU32::new(0);
/// Entries that were ever taken are below.
static USED: AtomicU32 = AtomicU32::new(0);

impl Entry {
    /// Whether calls may still begin. Under one of the locks it stays so.
    pub fn is_live(&self) -> bool {
        self.state.load(Ordering::Acquire) == LIVE
    }

    /// The context.
    ///
    /// # Safety
    /// The entry must have been live when one of its locks was taken or a visitor was counted, and
    /// that must still be so.
    pub unsafe fn context(&self) -> &Context {
        // SAFETY: a live entry holds a context, and it is not dropped before the locks and the
        // visitors are gone.
        unsafe { (*self.context.get()).assume_init_ref() }
    }

    /// Whether calls on a ring context may still begin. Inside it stays so.
    pub fn has_live_rings(&self) -> bool {
        self.state.load(Ordering::Acquire) == LIVE_RINGS
    }

    /// The ring context; valid inside while it is live, and for who began its removal.
    pub fn rings(&self) -> *mut Rings {
        self.rings.load(Ordering::Acquire)
    }

    /// Held by who is inside of a ring context, also while it sleeps there. A child that was forked meanwhile finds
    /// nobody inside: it has none of its parent's other threads.
    ///
    /// # Safety
    /// There must have been a ring context in the entry.
    #[inline]
    pub unsafe fn inside(&self) -> &'static Lock<{ rank::AIO_INSIDE }> {
        let (table, locks) = (TABLE.load(Ordering::Relaxed), INSIDE.load(Ordering::Acquire));
        let index = (self.id() - table as u64) as usize / size_of::<Entry>();
        // SAFETY: insert_rings() has made the locks, as many as there are entries; they are never unmapped.
        unsafe { &(*locks.add(index)).0 }
    }

    /// This entry's id.
    pub fn id(&self) -> ContextId {
        self as *const Entry as ContextId
    }
}

/// Puts a context into the table; `ENOMEM` when that is full.
pub fn insert(context: Context) -> Result<&'static Entry> {
    let entry = claim()?;
    // SAFETY: the entry is ours alone.
    unsafe { (*entry.context.get()).write(context) };
    entry.state.store(LIVE, Ordering::Release);
    Ok(entry)
}

/// Puts a ring context into the table; `ENOMEM` when that is full.
pub fn insert_rings(rings: *mut Rings) -> Result<&'static Entry> {
    inside_locks()?;
    let entry = claim()?;
    entry.rings.store(rings, Ordering::Relaxed);
    entry.state.store(LIVE_RINGS, Ordering::Release);
    Ok(entry)
}

/// Calls with each live entry of a ring context.
pub fn each_rings(mut f: impl FnMut(&'static Entry)) {
    let table = TABLE.load(Ordering::Acquire);
    for at in 0..USED.load(Ordering::Acquire) as usize {
        // SAFETY: entries that were ever taken are in the table, which is never unmapped.
        let entry = unsafe { &*table.add(at) };
        if entry.has_live_rings() {
            f(entry);
        }
    }
}

/// A free entry, now ours alone.
fn claim() -> Result<&'static Entry> {
    let table = table()?;
    let start = NEXT.fetch_add(1, Ordering::Relaxed) as usize;
    for offset in 0..MAX_CONTEXTS {
        // SAFETY: the index is within the table, whose zeros are free entries.
        let entry = unsafe { &*table.add((start + offset) % MAX_CONTEXTS) };
        let claimed =
            entry.state.compare_exchange(FREE, BEING_MADE, Ordering::Acquire, Ordering::Relaxed);
        if claimed.is_ok() {
            let end = ((start + offset) % MAX_CONTEXTS) as u32 + 1;
            USED.fetch_max(end, Ordering::Release);
            return Ok(entry);
        }
    }
    Err(Errno::ENOMEM)
}

/// The entry with this id; `EINVAL` when there is none.
#[inline]
fn at(id: ContextId) -> Result<&'static Entry> {
    let table = TABLE.load(Ordering::Acquire);
    let offset = id.wrapping_sub(table as u64);
    if table.is_null()
        || offset >= (MAX_CONTEXTS * size_of::<Entry>()) as u64
        || offset % size_of::<Entry>() as u64 != 0
    {
        return Err(Errno::EINVAL);
    }
    // SAFETY: it is the address of an entry of the table, which is never unmapped.
    Ok(unsafe { &*(id as *const Entry) })
}

/// The live entry of a plain context with this id; `EINVAL` when it is none.
#[inline]
pub fn find(id: ContextId) -> Result<&'static Entry> {
    let entry = at(id)?;
    if entry.is_live() {
        Ok(entry)
    } else {
        Err(Errno::EINVAL)
    }
}

/// The live entry of a ring context with this id; `EINVAL` when it is none.
#[inline]
pub fn find_rings(id: ContextId) -> Result<&'static Entry> {
    fork::look();
    let entry = at(id)?;
    if entry.has_live_rings() {
        Ok(entry)
    } else {
        Err(Errno::EINVAL)
    }
}

/// Ends an entry's life: no call begins on it from now on. `EINVAL` when another thread was first.
pub fn begin_removal(entry: &Entry) -> Result<()> {
    leave(entry, LIVE)
}

/// [`begin_removal`] of a ring context.
pub fn begin_removal_of_rings(entry: &Entry) -> Result<()> {
    leave(entry, LIVE_RINGS)
}

fn leave(entry: &Entry, live: u32) -> Result<()> {
    match entry.state.compare_exchange(live, DYING, Ordering::AcqRel, Ordering::Relaxed) {
        Ok(_) => Ok(()),
        Err(_) => Err(Errno::EINVAL),
    }
}

/// Frees the entry for another context.
///
/// # Safety
/// Its removal must have begun, nobody may hold its locks, and no visitor may be left.
pub unsafe fn finish_removal(entry: &Entry) {
    // SAFETY: the caller vouches that nobody uses the context.
    unsafe { (*entry.context.get()).assume_init_drop() };
    entry.state.store(FREE, Ordering::Release);
}

/// [`finish_removal`] of a ring context.
///
/// # Safety
/// As there.
pub unsafe fn finish_removal_of_rings(entry: &Entry) {
    // SAFETY: the caller vouches that nobody uses the context.
    unsafe { Rings::free(entry.rings()) };
    entry.state.store(FREE, Ordering::Release);
}

fn table() -> Result<*mut Entry> {
    // SAFETY: a new mapping touches nothing that exists.
    map_once(
        &TABLE,
        |len| unsafe { mem::map_anonymous(len, libc::MAP_NORESERVE) },
        |new, len| {
            // SAFETY: nobody else knows of it yet.
            let _ = unsafe { mem::unmap(new, len) };
        },
    )
}

fn inside_locks() -> Result<*mut Inside> {
    map_once(&INSIDE, fork::map_emptied, |new, len| {
        // SAFETY: nobody else knows of it yet.
        unsafe { fork::unmap_emptied(new, len) };
    })
}

/// One `T` for each context, all zero at first, mapped when they are first asked for and never unmapped.
fn map_once<T>(
    at: &AtomicPtr<T>,
    map: impl FnOnce(usize) -> Result<*mut c_void>,
    unmap: impl FnOnce(*mut c_void, usize),
) -> Result<*mut T> {
    let mapped = at.load(Ordering::Acquire);
    if !mapped.is_null() {
        return Ok(mapped);
    }
    let len = (MAX_CONTEXTS * size_of::<T>()).next_multiple_of(mem::PAGE_SIZE);
    let new = map(len)?;
    match at.compare_exchange(null_mut(), new.cast(), Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(new.cast()),
        Err(theirs) => {
            // Another thread was faster.
            unmap(new, len);
            Ok(theirs)
        }
    }
}
