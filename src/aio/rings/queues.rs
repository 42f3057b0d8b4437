//! The application's two rings: positions in them, by whichever of two conventions it goes.
//!
//! In the series' v7 heads and tails wrap at `nr_events`; soon afterwards they ran freely and were
//! masked. Nothing says which one a program speaks, so it is seen: see [`Convention`].

use super::context::Setup;
use super::shape::Shape;
use crate::abi::aio::{io_event, iocb};
use crate::abi::aio_ring::*;
use crate::ring::barrier::write_once;
use crate::ring::barrier::{io_uring_smp_load_acquire, io_uring_smp_store_release, read_once};
use core::mem::size_of;

/// How heads and tails run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Convention {
    /// Not known yet, and it makes no difference before the SQ's last slot is consumed.
    Unseen,
    /// Back to 0 at the ring's end. A full ring has one slot that is not used.
    Wraps,
    /// Through all 32 bits; the ring's length is a power of two.
    Free,
}

/// The application's rings, and how far the server's side has come in them.
pub struct Queues {
    sq: *mut aio_sq_ring,
    cq: *mut aio_cq_ring,
    iocbs: *mut iocb,
    shape: Shape,
    /// The SQ's length.
    length: u32,
    cq_length: u32,
    convention: Convention,
    sq_head: u32,
    cq_tail: u32,
}

/// Entries between `head` and `tail` of a ring of `length`, whatever the convention; none when the
/// application wrote what can be neither.
#[inline]
pub fn count(head: u32, tail: u32, length: u32) -> Option<u32> {
    let ahead = tail.wrapping_sub(head);
    // A tail that has wrapped is behind its head by less than the length; one that runs freely is
    // never that far ahead.
    [ahead, ahead.wrapping_add(length)].into_iter().find(|&count| count <= length)
}

impl Queues {
    /// Rings whose heads and tails are 0.
    pub fn new(setup: &Setup, iocbs: *mut iocb) -> Queues {
        let (length, shape) = (setup.nr_events, setup.shape);
        let convention = match shape {
            Shape::Indexed if length.is_power_of_two() => Convention::Unseen,
            _ => Convention::Wraps,
        };
        let (sq, cq, cq_length) = (setup.sq, setup.cq, setup.cq_length());
        Queues { sq, cq, iocbs, shape, length, cq_length, convention, sq_head: 0, cq_tail: 0 }
    }

    /// Requests in the SQ.
    #[inline]
    pub unsafe fn available(&self) -> u32 {
        // SAFETY: see the module rings.
        let tail = unsafe { self.sq_tail() };
        count(self.sq_head, tail, self.length).unwrap_or(0)
    }

    /// Pairs with the application's release: entries and requests before it are complete.
    #[inline]
    unsafe fn sq_tail(&self) -> u32 {
        // SAFETY: see the module rings.
        unsafe { io_uring_smp_load_acquire(&raw const (*self.sq).tail) }
    }

    /// The index in the SQ's entry `ahead` of the head; none when it is out of range.
    #[inline]
    pub unsafe fn entry(&self, ahead: u32) -> Option<u32> {
        let at = match self.convention {
            Convention::Free => self.sq_head.wrapping_add(ahead) & (self.length - 1),
            // Below 2 x length: available() bounds `ahead`, and the head is within the ring.
            _ => wrap(self.sq_head.wrapping_add(ahead), self.length),
        };
        if self.shape == Shape::Embedded {
            return Some(at);
        }
        // SAFETY: see the module rings; the position is within the array.
        let index =
            unsafe { read_once((&raw const (*self.sq).array).cast::<u32>().add(at as usize)) };
        (index < self.length).then_some(index)
    }

    /// Request `index`, below the SQ's length.
    #[inline]
    pub fn request(&self, index: u32) -> *mut iocb {
        self.iocbs.wrapping_add(index as usize)
    }

    /// What an event says of the request at `address`.
    #[inline]
    pub fn object(&self, address: u64) -> u64 {
        match self.shape {
            Shape::Indexed => address,
            Shape::Embedded => (address - self.iocbs as u64) / size_of::<iocb>() as u64,
        }
    }

    /// Gives `nr` entries of the SQ back to the application.
    #[inline]
    pub unsafe fn consume(&mut self, nr: u32) {
        if nr == 0 {
            return;
        }
        // SAFETY: see the module rings.
        unsafe {
            let head = self.sq_head.wrapping_add(nr);
            if self.convention == Convention::Unseen && head >= self.length {
                // The last slot is consumed now: a tail that wraps has done so.
                let runs = self.sq_tail() >= self.length;
                self.convention = if runs { Convention::Free } else { Convention::Wraps };
            }
            self.sq_head = match self.convention {
                Convention::Wraps => wrap(head, self.length),
                _ => head,
            };
            io_uring_smp_store_release(&raw mut (*self.sq).head, self.sq_head);
        }
    }

    /// Events in the CQ that the application has not taken.
    #[inline]
    pub unsafe fn unread(&self) -> u32 {
        // SAFETY: see the module rings.
        unsafe { unread(self.cq, self.cq_length) }
    }

    /// How many events the CQ has room for.
    #[inline]
    pub unsafe fn room(&self) -> u32 {
        let usable = self.cq_length - u32::from(self.convention != Convention::Free);
        // SAFETY: see the module rings.
        usable.saturating_sub(unsafe { self.taken() })
    }

    unsafe fn taken(&self) -> u32 {
        // SAFETY: see the module rings. Pairs with the application's release: it has read the slots.
        let head = unsafe { io_uring_smp_load_acquire(&raw const (*self.cq).head) };
        count(head, self.cq_tail, self.cq_length).unwrap_or(self.cq_length)
    }

    /// Stores an event, for which there must be room; the application sees it after [`publish`].
    ///
    /// [`publish`]: Self::publish
    #[inline]
    pub unsafe fn push(&mut self, event: io_event) {
        let length = self.cq_length;
        let at = match self.convention {
            Convention::Free => self.cq_tail & (length - 1),
            _ => self.cq_tail,
        };
        // SAFETY: see the module rings; the position is within the array.
        unsafe { (&raw mut (*self.cq).events).cast::<io_event>().add(at as usize).write(event) };
        let tail = self.cq_tail.wrapping_add(1);
        // As many requests have been consumed as there are events: the CQ's end comes after the
        // SQ's, and the convention has been seen.
        self.cq_tail = match self.convention {
            Convention::Free => tail,
            _ => wrap(tail, length),
        };
    }

    /// Changes with each event that was published.
    pub fn delivered(&self) -> u32 {
        self.cq_tail
    }

    /// Shows the application what was pushed.
    #[inline]
    pub unsafe fn publish(&self) {
        // SAFETY: see the module rings.
        unsafe { io_uring_smp_store_release(&raw mut (*self.cq).tail, self.cq_tail) };
    }

    /// Tells the application whether the polling thread sleeps.
    pub unsafe fn set_kflags(&self, kflags: u16) {
        // SAFETY: see the module rings.
        unsafe { write_once(&raw mut (*self.sq).kflags, kflags) };
    }
}

/// Events in `cq`, of `length` entries, that the application has not taken.
#[inline]
pub unsafe fn unread(cq: *const aio_cq_ring, length: u32) -> u32 {
    // SAFETY: see the module rings.
    let (head, tail) = unsafe {
        (read_once(&raw const (*cq).head), io_uring_smp_load_acquire(&raw const (*cq).tail))
    };
    count(head, tail, length).unwrap_or(0)
}

#[inline]
fn wrap(at: u32, length: u32) -> u32 {
    if at >= length {
        at - length
    } else {
        at
    }
}
