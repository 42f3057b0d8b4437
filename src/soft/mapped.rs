//! Rings without a descriptor whose memory the program still has. As with the kernel's, what is in flight goes on, and
//! more may be submitted where a thread reads the submission ring, until that is unmapped as well. Only the preload library
//! knows when: without it, a ring ends when it is noticed that its last descriptor is closed.

use super::ring::Ring;
use super::table::{self, Removed};
use crate::sys::{marker, mem};
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// How many mappings are known: rings in up to two, SQEs, and some of buffer rings; twice as many after a resize.
const MAPPINGS: usize = 8;

/// Where a program has a ring's memory, in this process, and what it takes to wait for the end of that.
#[derive(Default)]
pub struct Mapped {
    /// The first page of each mapping; the latest ones if there are more.
    pages: [AtomicUsize; MAPPINGS],
    count: AtomicUsize,
    /// The next ring in the list.
    next: AtomicPtr<Ring>,
}

impl Mapped {
    /// The program has a mapping at `at`.
    pub fn note(&self, at: *mut c_void) {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.pages[count % MAPPINGS].store(at as usize, Ordering::Relaxed);
        LOWEST.fetch_min(at as usize, Ordering::Relaxed);
        HIGHEST.fetch_max(at as usize, Ordering::Relaxed);
    }

    /// The ring has other memory from now on.
    pub fn clear(&self) {
        self.pages.iter().for_each(|page| page.store(0, Ordering::Relaxed));
    }

    /// What the program had at these addresses is none of them any more.
    fn forget(&self, at: usize, len: usize) {
        let is_gone = |page: &&AtomicUsize| page.load(Ordering::Relaxed).wrapping_sub(at) < len;
        self.pages.iter().filter(is_gone).for_each(|page| page.store(0, Ordering::Relaxed));
    }

    /// Whether one of them still is there.
    fn is_there(&self) -> bool {
        let page = |page: &AtomicUsize| page.load(Ordering::Relaxed);
        self.pages.iter().map(page).any(|page| page != 0 && mem::is_mapped(page))
    }
}

/// Between these all mappings are, and have been: most of what a program unmaps is elsewhere.
static LOWEST: AtomicUsize = AtomicUsize::new(usize::MAX);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

/// The rings, linked. Under the table's lock.
static FIRST: AtomicPtr<Ring> = AtomicPtr::new(null_mut());

/// A ring that has lost its last name stays, with the table's reference, if the program has its memory. Under the table's
/// lock; afterwards, [`look`].
pub fn keep(gone: Removed) -> Removed {
    match gone.ring() {
        Some(ring)
            if marker::has_mmap()
                && ring.names.load(Ordering::Relaxed) == 1
                && ring.mapped.is_there() =>
        {
            ring.mapped.next.store(FIRST.load(Ordering::Relaxed), Ordering::Relaxed);
            FIRST.store((&raw const *ring).cast_mut(), Ordering::SeqCst);
            Removed::NONE
        }
        _ => gone,
    }
}

/// The program has unmapped what it had at these addresses, or mapped something in its place. Not under a ring's lock.
pub fn forget(at: *mut c_void, len: usize) {
    let (start, end) = (at as usize, (at as usize).saturating_add(len));
    if start <= HIGHEST.load(Ordering::Relaxed) && LOWEST.load(Ordering::Relaxed) < end {
        table::each_locked(|ring| ring.mapped.forget(start, len));
        look(at, len);
    }
}

/// [`forget`] where only rings that are closed by now may have had it.
#[inline]
pub fn look(at: *mut c_void, len: usize) {
    if !FIRST.load(Ordering::SeqCst).is_null() {
        give_up_unmapped(at as usize, len);
    }
}

#[cold]
fn give_up_unmapped(at: usize, len: usize) {
    table::start_over_now();
    let is_over = |ring: &Ring| {
        ring.mapped.forget(at, len);
        !ring.mapped.is_there()
    };
    while let Some(gone) = table::take_kept(is_over) {
        gone.give_up();
    }
}

/// Takes the first ring that is one of these out of the list. Under the table's lock.
pub fn take(is_one: impl Fn(&Ring) -> bool) -> Option<&'static Ring> {
    let mut link = &FIRST;
    // SAFETY: rings in the list have the table's reference.
    while let Some(ring) = unsafe { link.load(Ordering::Relaxed).as_ref() } {
        if is_one(ring) {
            link.store(ring.mapped.next.load(Ordering::Relaxed), Ordering::SeqCst);
            return Some(ring);
        }
        link = &ring.mapped.next;
    }
    None
}

/// In a new process: what is in flight is the parent's.
pub fn start_over() {
    FIRST.store(null_mut(), Ordering::Relaxed);
}
