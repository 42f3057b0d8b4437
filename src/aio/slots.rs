//! The requests in flight: one slot each, found again by the index that travels in `user_data`.
//!
//! A request's own memory may be reused as soon as it is submitted, so a slot keeps what its event
//! needs, and a copy of the request to submit it again.

use super::kept::Kept;
use crate::abi::aio::iocb;
use crate::sys::{caller, mem, Errno, Result};
use core::cell::Cell;
use core::mem::size_of;
use core::sync::atomic::{compiler_fence, AtomicU32, Ordering};

/// A request in flight.
pub struct Slot {
    /// The request as it was submitted.
    pub request: iocb,
    /// Its address.
    pub address: u64,
    /// What became of it beside running; `Slot::*`.
    pub fate: AtomicU32,
    /// The thread that submitted it, as [`caller::id`] says.
    pub submitter: AtomicU32,
    /// What it has beside that; `Slot::HOLDS_FILE` and its kin. All of it is given back with the slot.
    pub traits: AtomicU32,
    /// With `Slot::HAS_VECTOR`.
    pub kept: Kept,
}

impl Slot {
    /// Nothing in flight.
    pub const IDLE: u32 = 0;
    /// In flight.
    pub const RUNNING: u32 = 1;
    /// In flight, and the caller asked to cancel it.
    pub const CANCELLED: u32 = 2;
    /// It was done in the submitting call: its event's `res` stands in the request's `aio_reserved2`.
    pub const DONE: u32 = 3;

    /// Its file is registered with the ring, at the slot's index.
    pub const HOLDS_FILE: u32 = 1;
    /// It has a copy of its vector.
    pub const HAS_VECTOR: u32 = 2;
    /// It goes on until all of its vector is written.
    pub const WRITES_ALL: u32 = 4;
    /// It is over after a time, with `EAGAIN`.
    pub const HAS_LIMIT: u32 = 8;
    /// It is on a ring that the program has closed.
    pub const IS_LOST: u32 = 16;
    /// How often it was submitted again counts from this bit on.
    const AGAIN: u32 = 1 << 8;

    /// Whether it has one of these.
    #[inline]
    pub fn has(&self, traits: u32) -> bool {
        self.traits.load(Ordering::Relaxed) & traits != 0
    }

    /// Counts that it is submitted again; false when that was often: threads do not end so fast, but there can be none
    /// to do it.
    pub fn may_run_again(&self) -> bool {
        const MOST: u32 = 64;
        self.traits.fetch_add(Self::AGAIN, Ordering::Relaxed) / Self::AGAIN < MOST
    }

    /// From now on it has these.
    pub fn gets(&self, traits: u32) {
        self.traits.fetch_or(traits, Ordering::Relaxed);
    }
}

/// Slots and the queue of the free ones. The submitting side takes from the queue, the reaping side
/// gives back, each under its own lock.
pub struct Slots {
    slots: *mut Slot,
    /// Indices of free slots plus 1, a ring of `mask + 1`. 0, as at first: the position is the index.
    free: *mut u32,
    /// Indices of slots whose requests are done without the server's help, a ring as long.
    done: *mut u32,
    mask: u32,
    count: u32,
    mapped: usize,
    /// Taken so far, by the submitting side.
    taken: AtomicU32,
    /// Given back so far, by the reaping side; starts at `count`.
    given: AtomicU32,
    /// How many were done so, by the submitting side, and how many of them were taken, by the reaping side.
    done_tail: AtomicU32,
    done_head: AtomicU32,
}

impl Slots {
    /// As many as `count` requests.
    pub fn new(count: u32) -> Result<Self> {
        let ring = count.next_power_of_two() as usize;
        let slots_len = count as usize * size_of::<Slot>();
        let mapped = slots_len + 2 * ring * size_of::<u32>();
        // SAFETY: a new mapping touches nothing that exists; its zeros are idle slots.
        let memory = unsafe { mem::map_anonymous(mapped, libc::MAP_NORESERVE)? };
        let free = memory.wrapping_byte_add(slots_len).cast::<u32>();
        Ok(Slots {
            slots: memory.cast(),
            free,
            done: free.wrapping_add(ring),
            mask: ring as u32 - 1,
            count,
            mapped,
            taken: AtomicU32::new(0),
            given: AtomicU32::new(count),
            done_tail: AtomicU32::new(0),
            done_head: AtomicU32::new(0),
        })
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many are in flight, or were an instant ago.
    pub fn in_flight(&self) -> u32 {
        let given = self.given.load(Ordering::Acquire);
        self.count.wrapping_add(self.taken.load(Ordering::Acquire)).wrapping_sub(given)
    }

    /// Takes a free slot; `EAGAIN` when all are in flight. Only for the holder of the SQ lock.
    #[inline]
    pub fn take(&self) -> Result<u32> {
        let taken = self.taken.load(Ordering::Relaxed);
        // Pairs with the release in give: the index and the idle slot behind it are visible.
        if self.given.load(Ordering::Acquire) == taken {
            return Err(Errno::EAGAIN);
        }
        let index = self.free_at(taken & self.mask);
        self.taken.store(taken.wrapping_add(1), Ordering::Release);
        Ok(index)
    }

    /// Whether all are in flight.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.given.load(Ordering::Acquire) == self.taken.load(Ordering::Relaxed)
    }

    /// The index at a position of the queue, below its length. Only for the holder of the SQ lock.
    #[inline]
    fn free_at(&self, position: u32) -> u32 {
        // SAFETY: the position is in the queue, where the reaping side does not write before it is taken.
        match unsafe { *self.free.add(position as usize) } {
            0 => position,
            given => given - 1,
        }
    }

    /// Takes back the `count` latest takes: nothing was submitted for them. Only for the holder of the
    /// SQ lock.
    pub fn untake(&self, count: u32) {
        let taken = self.taken.load(Ordering::Relaxed).wrapping_sub(count);
        for position in (0..count).map(|ahead| taken.wrapping_add(ahead) & self.mask) {
            self[self.free_at(position)].fate.store(Slot::IDLE, Ordering::Release);
        }
        self.taken.store(taken, Ordering::Release);
    }

    /// Gives a slot back. Only for the holder of the CQ lock.
    #[inline]
    pub fn give(&self, index: u32) {
        self[index].fate.store(Slot::IDLE, Ordering::Relaxed);
        let given = self.given.load(Ordering::Relaxed);
        // SAFETY: the position is taken modulo the ring's size. Its former index has been taken:
        // there are never more indices than slots.
        unsafe { self.free.add((given & self.mask) as usize).write(index + 1) };
        self.given.store(given.wrapping_add(1), Ordering::Release);
    }

    /// The slot at an index that came from outside; none when it is out of range.
    #[inline]
    pub fn get(&self, index: u64) -> Option<&Slot> {
        if index >= u64::from(self.count) {
            return None;
        }
        // SAFETY: the index is in range, and all slots are initialised.
        Some(unsafe { &*self.slots.add(index as usize) })
    }

    /// Fills in a slot that was just taken.
    #[inline]
    pub fn set(&self, index: u32, request: &iocb, address: u64) {
        debug_assert!(index < self.count);
        // SAFETY: `take` gave the index to us alone; nobody else looks at the slot until it runs.
        unsafe {
            let slot = self.slots.add(index as usize);
            (*slot).request = *request;
            (*slot).address = address;
            (*slot).submitter.store(caller::id(), Ordering::Relaxed);
            (*slot).fate.store(Slot::RUNNING, Ordering::Release);
        }
    }

    /// What the request in a slot keeps.
    ///
    /// # Safety
    /// The caller must be the only one to look at it.
    pub unsafe fn kept(&self, index: u32) -> *mut Kept {
        debug_assert!(index < self.count);
        // SAFETY: the index is in range.
        unsafe { &raw mut (*self.slots.add(index as usize)).kept }
    }

    /// The request in a slot that was just filled in is done, with this result.
    #[inline]
    pub fn set_done(&self, index: u32, result: i64) {
        debug_assert!(index < self.count);
        // SAFETY: as for `set`.
        unsafe {
            let slot = self.slots.add(index as usize);
            (*slot).request.aio_reserved2 = result as u64;
            (*slot).fate.store(Slot::DONE, Ordering::Release);
        }
    }

    /// Tells the reaping side of a request that is done, with [`set_done`](Self::set_done). Only for the holder of
    /// the SQ lock.
    #[inline]
    pub fn push_done(&self, index: u32) {
        let tail = self.done_tail.load(Ordering::Relaxed);
        // SAFETY: the position is taken modulo the ring's size, and there are never more than slots.
        unsafe { self.done.add((tail & self.mask) as usize).write(index) };
        // SeqCst: whoever is about to sleep sees it, or is seen (events.rs).
        self.done_tail.store(tail.wrapping_add(1), Ordering::SeqCst);
    }

    /// The next of those; the caller gives the slot back. Only for the holder of the CQ lock.
    #[inline]
    pub fn pop_done(&self) -> Option<u32> {
        loop {
            let head = self.done_head.load(Ordering::Relaxed);
            // Acquire pairs with the store in push_done: the index, and what is in its slot.
            if self.done_tail.load(Ordering::Acquire) == head {
                return None;
            }
            // Claimed before it is looked at: a signal handler may come in between. There is room in the ring for all
            // slots, so that nobody writes there.
            self.done_head.store(head.wrapping_add(1), Ordering::Release);
            compiler_fence(Ordering::SeqCst);
            // SAFETY: the position is taken modulo the ring's size.
            let index = unsafe { self.done.add((head & self.mask) as usize).read_volatile() };
            if index != Self::STOLEN {
                return Some(index);
            }
        }
    }

    /// In place of an index.
    const STOLEN: u32 = u32::MAX;

    /// Takes one of those that `takes` says yes to, for a signal handler that has interrupted the holder of the CQ lock.
    pub fn steal_done(&self, takes: impl Fn(u32) -> bool) -> Option<u32> {
        let head = self.done_head.load(Ordering::Relaxed);
        let tail = self.done_tail.load(Ordering::Acquire);
        (0..tail.wrapping_sub(head)).find_map(|ahead| {
            let at = (head.wrapping_add(ahead) & self.mask) as usize;
            // SAFETY: the position is taken modulo the ring's size, and the interrupted holder looks at it afterwards.
            unsafe {
                let index = self.done.add(at).read_volatile();
                (index != Self::STOLEN && takes(index)).then(|| {
                    self.done.add(at).write_volatile(Self::STOLEN);
                    index
                })
            }
        })
    }

    /// How many there are, or were an instant ago.
    pub fn done(&self) -> u32 {
        let head = self.done_head.load(Ordering::Acquire);
        self.done_tail.load(Ordering::Acquire).wrapping_sub(head)
    }

    /// Whether there may be such.
    #[inline]
    pub fn has_done(&self) -> bool {
        self.done_tail.load(Ordering::SeqCst) != self.done_head.load(Ordering::Acquire)
    }

    /// The index of the running request at `address`.
    pub fn find(&self, address: u64) -> Option<u32> {
        (0..self.count).find(|&index| {
            let slot = &self[index];
            slot.fate.load(Ordering::Acquire) == Slot::RUNNING && slot.address == address
        })
    }

    /// Whether one of the slots that are not free is such.
    pub fn any(&self, such: impl Fn(u32, &Slot) -> bool) -> bool {
        let mut left = self.in_flight();
        for index in 0..self.count {
            if left == 0 {
                break;
            }
            let slot = &self[index];
            if slot.fate.load(Ordering::Acquire) != Slot::IDLE {
                left -= 1;
                if such(index, slot) {
                    return true;
                }
            }
        }
        false
    }

    /// How many of the slots that are not free are such.
    pub fn count_such(&self, such: impl Fn(&Slot) -> bool) -> usize {
        let count = Cell::new(0);
        self.any(|_, slot| {
            count.set(count.get() + usize::from(such(slot)));
            false
        });
        count.get()
    }

    /// Frees the memory.
    ///
    /// # Safety
    /// No slot may be used any more.
    pub unsafe fn unmap(&self) {
        // SAFETY: the mapping is new()'s own; unmapping one that exists cannot fail.
        let _ = unsafe { mem::unmap(self.slots.cast(), self.mapped) };
    }
}

impl core::ops::Index<u32> for Slots {
    type Output = Slot;

    fn index(&self, index: u32) -> &Slot {
        debug_assert!(index < self.count);
        // SAFETY: indices come from `take` and `find` only.
        unsafe { &*self.slots.add(index as usize) }
    }
}
