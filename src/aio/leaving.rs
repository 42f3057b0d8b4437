//! Threads that end while the kernel's rings have requests of theirs in flight. The kernel gives those up, or has them
//! fail, whose next step only the thread that submitted could have done: reads of what is not in the page cache. A
//! thread that ends waits for them first, as it would have done in io_submit with the kernel's aio. What may wait for
//! ever is not waited for: it keeps its file, and is submitted again (`kept.rs`).

use super::ids;
use super::registry::{self, Entry};
use super::rings;
use super::slots::{Slot, Slots};
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::liburing::io_uring;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::sys::clock::Deadline;
use crate::sys::thread::{self, AtEnd};
use crate::sys::{caller, image};
use core::ffi::c_void;
use core::sync::atomic::{AtomicU32, Ordering};

/// Nothing that a thread waits for here takes longer, unless a disk has failed.
const PATIENCE_SECONDS: i64 = 20;
/// Where nobody takes the events, there is no telling which requests are over.
const PATIENCE_WITHOUT_ROOM_SECONDS: i64 = 1;

static AT_END: AtEnd = AtEnd::new();

/// The thread that has submitted to a context last, and is known to look at it when it ends.
pub struct Submitter(AtomicU32);

impl Submitter {
    /// None.
    pub const fn new() -> Self {
        Submitter(AtomicU32::new(0))
    }

    /// The calling thread leaves requests in flight.
    #[inline]
    pub fn note(&self) {
        let id = caller::id();
        if id == 0 || self.0.load(Ordering::Relaxed) != id {
            self.note_new(id);
        }
    }

    #[cold]
    fn note_new(&self, id: u32) {
        image::keep_loaded();
        AT_END.ask(thread_ends);
        self.0.store(id, Ordering::Relaxed);
    }

    /// Another thread may be called as this one from now on.
    pub fn forget(&self, id: u32) {
        let _ = self.0.compare_exchange(id, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// What a thread does that ends.
extern "C" fn thread_ends(_: *mut c_void) {
    let id = caller::id();
    ids::each(|entry| {
        visit(entry, Entry::is_live, || {
            // SAFETY: a visitor keeps the context.
            let context = unsafe { entry.context() };
            context.submitter.forget(id);
            if context.depends_on_threads {
                // SAFETY: as above.
                unsafe { wait(context.ring(), &context.slots, id, || entry.is_live()) };
            }
        });
    });
    registry::each_rings(|entry| {
        // SAFETY: a visitor keeps the context.
        visit(entry, Entry::has_live_rings, || unsafe {
            if let Some((ring, slots)) = rings::of_leaving_thread(entry, id) {
                wait(ring, slots, id, || entry.has_live_rings());
            }
        });
    });
}

fn visit(entry: &Entry, lives: fn(&Entry) -> bool, look: impl FnOnce()) {
    entry.visitors.fetch_add(1, Ordering::SeqCst);
    if lives(entry) {
        look();
    }
    entry.visitors.fetch_sub(1, Ordering::SeqCst);
}

/// Waits until what the thread has in flight is complete. Sleeping does what the kernel has left to it.
unsafe fn wait(ring: *const io_uring, slots: &Slots, id: u32, lives: impl Fn() -> bool) {
    const NAP_US: i64 = 200;
    let after = |tv_sec| Deadline::after(__kernel_timespec { tv_sec, tv_nsec: 0 }).ok();
    let (end, end_without_room) = (after(PATIENCE_SECONDS), after(PATIENCE_WITHOUT_ROOM_SECONDS));
    let is_over = |end: &Option<Deadline>| end.as_ref().is_none_or(Deadline::is_over);
    // SAFETY: the caller keeps both.
    unsafe {
        while lives() && pending(ring, slots, id) && !is_over(&end) {
            let ready = io_uring_smp_load_acquire((*ring).cq.ktail)
                .wrapping_sub(read_once((*ring).cq.khead));
            if ready >= (*ring).cq.ring_entries && is_over(&end_without_room) {
                return;
            }
            thread::sleep(NAP_US);
        }
    }
}

/// Whether the thread has requests in flight whose CQEs are not there yet.
unsafe fn pending(ring: *const io_uring, slots: &Slots, id: u32) -> bool {
    let is_own = |slot: &Slot| {
        slot.submitter.load(Ordering::Relaxed) == id
            && matches!(slot.fate.load(Ordering::Acquire), Slot::RUNNING | Slot::CANCELLED)
            && !slot.has(Slot::HOLDS_FILE)
    };
    let own = slots.count_such(is_own);
    // Looked at afterwards: what others take meanwhile is waited for once more, at most.
    // SAFETY: the caller keeps the ring, whose CQEs before the tail are complete.
    let complete = unsafe {
        let cq = &raw const (*ring).cq;
        let (head, tail) = (read_once((*cq).khead), io_uring_smp_load_acquire((*cq).ktail));
        let ready = tail.wrapping_sub(head).min((*cq).ring_entries);
        (0..ready)
            .map(|ahead| (*cq).cqes.add((head.wrapping_add(ahead) & (*cq).ring_mask) as usize))
            .filter(|&cqe| slots.get((*cqe).user_data).is_some_and(is_own))
            .count()
    };
    own > complete
}
