//! The ring of events that stands at a context's address, where programs may reap by themselves.
//!
//! It is mapped twice: where the program sees it, which it may move by mremap(2), and where we write.
//! Its header is what the kernel's has, but for the magic number: a program that looks for that calls
//! io_getevents(), which is faster here. Those that do not look find their events all the same.

use crate::abi::aio::{aio_ring, io_event};
use crate::ring::barrier::{
    io_uring_smp_load_acquire, io_uring_smp_store_release, read_once, write_once,
};
use crate::sys::shared::Shared;
use crate::sys::{mem, peek, Result};
use core::mem::size_of;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The ring. All of it but the head is written under the CQ lock.
pub struct UserRing {
    /// Where the program sees it.
    address: AtomicU64,
    memory: Shared,
    nr: u32,
    /// Where the next event will stand. What the program reads of it in the header it might write to, too.
    tail: AtomicU32,
}

impl UserRing {
    /// For as many events as the kernel has room for when asked for `nr_events`: twice that, and what
    /// fits into the last page.
    pub fn new(nr_events: u32) -> Result<Self> {
        let wanted = nr_events as usize * 2 + 2;
        let bytes = size_of::<aio_ring>() + wanted * size_of::<io_event>();
        let mapped = bytes.next_multiple_of(mem::PAGE_SIZE);
        let nr = ((mapped - size_of::<aio_ring>()) / size_of::<io_event>()) as u32;
        // As with the kernel's: a child does not have it.
        let mut memory = Shared::new_uninherited(mapped)?;
        let theirs = memory.map(0, mapped)?;
        memory.close_file();
        let ring = UserRing {
            address: AtomicU64::new(theirs as u64),
            memory,
            nr,
            tail: AtomicU32::new(0),
        };
        let ours = ring.ours();
        // SAFETY: the mapping is new, and nobody else knows of it.
        unsafe {
            (*ours).nr = nr;
            (*ours).compat_features = 1;
            (*ours).header_length = size_of::<aio_ring>() as u32;
        }
        Ok(ring)
    }

    /// Where we see it.
    fn ours(&self) -> *mut aio_ring {
        self.memory.base().cast()
    }

    /// Requests that may be in flight or not reaped.
    pub fn capacity(&self) -> u32 {
        self.nr - 1
    }

    /// Where the program sees it: the context's id.
    pub fn address(&self) -> u64 {
        self.address.load(Ordering::Relaxed)
    }

    /// Writes the context's number into the header.
    pub fn set_number(&self, number: u32) {
        // SAFETY: the mapping is ours as long as self lives.
        unsafe { write_once(&raw mut (*self.ours()).id, number) };
    }

    /// Notes that the program moved it; none when what was found there, for `nr` events, is another.
    pub fn moved_to(&self, address: u64, nr: u32) -> Option<()> {
        (nr == self.nr).then(|| self.address.store(address, Ordering::Relaxed))
    }

    /// Whether the program has looked at it. False where that cannot be told.
    pub fn was_seen(&self) -> bool {
        peek::is_used(self.address()).unwrap_or(false)
    }

    /// Events that nobody has reaped.
    #[inline]
    pub fn unreaped(&self) -> u32 {
        // SAFETY: the mapping is ours as long as self lives. The head may be anything: it is the
        // program's.
        unsafe {
            let tail = self.tail.load(Ordering::Relaxed);
            let head = io_uring_smp_load_acquire(&raw const (*self.ours()).head) % self.nr;
            if tail >= head {
                tail - head
            } else {
                tail + self.nr - head
            }
        }
    }

    /// Adds an event; false when there is no room. Only for the holder of the CQ lock.
    pub fn push(&self, event: io_event) -> bool {
        if self.unreaped() == self.capacity() {
            return false;
        }
        // SAFETY: the mapping is ours as long as self lives; the tail is below nr.
        unsafe {
            let tail = self.tail.load(Ordering::Relaxed);
            self.event(tail).write(event);
            let next = if tail + 1 == self.nr { 0 } else { tail + 1 };
            self.tail.store(next, Ordering::Relaxed);
            // Pairs with the program's load of the tail: the event is complete.
            io_uring_smp_store_release(&raw mut (*self.ours()).tail, next);
        }
        true
    }

    /// Moves up to `nr` events to `events`; returns how many. Only for the holder of the CQ lock.
    pub unsafe fn take(&self, events: *mut io_event, nr: usize) -> usize {
        let count = nr.min(self.unreaped() as usize);
        // SAFETY: the mapping is ours as long as self lives; the caller has room for `nr` events.
        unsafe {
            let mut head = read_once(&raw const (*self.ours()).head) % self.nr;
            for at in 0..count {
                events.add(at).write(self.event(head).read());
                head = if head + 1 == self.nr { 0 } else { head + 1 };
            }
            if count > 0 {
                io_uring_smp_store_release(&raw mut (*self.ours()).head, head);
            }
        }
        count
    }

    /// The place of an event, `index` below nr.
    fn event(&self, index: u32) -> *mut io_event {
        self.ours().wrapping_add(1).cast::<io_event>().wrapping_add(index as usize)
    }
}

impl Drop for UserRing {
    fn drop(&mut self) {
        // SAFETY: the mapping is new()'s own, moved perhaps, and nobody uses it any more; unmapping cannot fail.
        let _ = unsafe { mem::unmap(self.address() as *mut _, self.memory.size()) };
    }
}
