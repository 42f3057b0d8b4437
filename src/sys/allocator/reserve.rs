//! What the heap keeps for when the system gives it no more. What is begun goes on with it and ends; nothing new is
//! begun, for lack of memory, until there is as much again.
//!
//! It is memory that nobody has touched. What lists and trees need for each request, beside the request itself, is less
//! than its share of it.

use super::Pages;
use crate::sys::inject::{self, Scarce};
use crate::sys::{Errno, Result};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use dlmalloc::Dlmalloc;

/// Bytes of it where there are few requests.
const LEAST: usize = 192 << 10;
/// Bytes of it for a request.
const SHARE: usize = 512;
const ALIGNMENT: usize = 16;

/// There is less of it than there is to be.
static IS_SHORT: AtomicBool = AtomicBool::new(true);
/// Bytes for all requests that there are.
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// Whether there is less of it than there is to be.
#[inline]
pub fn is_short() -> bool {
    IS_SHORT.load(Ordering::Relaxed)
}

/// There are `more` requests in the process, or fewer.
pub fn note_requests(more: isize) {
    WANTED.fetch_add((more * SHARE as isize) as usize, Ordering::Relaxed);
    if more > 0 {
        IS_SHORT.store(true, Ordering::Relaxed);
    }
}

/// A part of the heap that nobody has.
pub struct Reserve {
    memory: *mut u8,
    len: usize,
}

impl Reserve {
    /// None yet.
    pub const fn new() -> Self {
        Reserve { memory: null_mut(), len: 0 }
    }

    /// The heap has nothing any more, or is another.
    pub fn forget(&mut self) {
        *self = Reserve::new();
        IS_SHORT.store(true, Ordering::Relaxed);
    }

    /// Has there be as much as there is to be. `ENOMEM`.
    #[cfg_attr(test, allow(dead_code))] // the process's heap is not this one then
    pub fn fill(&mut self, heap: &mut Dlmalloc<Pages>) -> Result<()> {
        let wanted = WANTED.load(Ordering::Relaxed).max(LEAST);
        IS_SHORT.store(false, Ordering::Relaxed);
        if self.len >= wanted {
            return Ok(());
        }
        // So that many requests, one after the other, do not have it grow each time.
        let len = if wanted > LEAST { wanted.next_power_of_two() } else { wanted };
        let larger = match inject::refusal(Scarce::Memory) {
            // SAFETY: the alignment is a power of two.
            0 => unsafe { heap.malloc(len, ALIGNMENT) },
            _ => null_mut(),
        };
        if larger.is_null() {
            IS_SHORT.store(true, Ordering::Relaxed);
            return Err(Errno::ENOMEM);
        }
        self.give(heap);
        *self = Reserve { memory: larger, len };
        IS_SHORT.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Gives it to the heap; false when there is none.
    pub fn give(&mut self, heap: &mut Dlmalloc<Pages>) -> bool {
        if self.memory.is_null() {
            return false;
        }
        // SAFETY: it came from the heap, and nobody has it.
        unsafe { heap.free(self.memory, self.len, ALIGNMENT) };
        *self = Reserve::new();
        IS_SHORT.store(true, Ordering::Relaxed);
        true
    }
}
