//! The heap of what serves rings in this process: pages from the kernel, cut up by `dlmalloc`. Not the
//! program's `malloc`, which a library without a C library cannot count on, and which must not be called
//! while a program's own allocator waits for I/O.

use super::fork::{self, Subject};
use super::inject::{self, Scarce};
use super::lock::Lock;
use super::locks::{rank, Class};
use super::{mem, Errno, Result};
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};
use dlmalloc::{Allocator, Dlmalloc};
use reserve::Reserve;
pub use reserve::{is_short, note_requests};

#[cfg_attr(checked_heap, path = "allocator/checked.rs")]
#[cfg_attr(not(checked_heap), path = "allocator/plain.rs")]
mod line;
mod reserve;
use line::{Line, TAIL};

struct Pages;

// SAFETY: what is handed out is a new mapping of at least the size asked for, and stays until freed.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let size = size.next_multiple_of(mem::PAGE_SIZE);
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        match unsafe { mem::map_anonymous(size, 0) } {
            Ok(addr) => (addr.cast(), size, 0),
            Err(_) => (null_mut(), 0, 0),
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, ptr: *mut u8, old: usize, new: usize) -> bool {
        // SAFETY: the allocator gives back the end of a mapping of ours.
        unsafe { mem::unmap(ptr.add(new).cast(), old - new) }.is_ok()
    }

    fn free(&self, ptr: *mut u8, size: usize) -> bool {
        // SAFETY: the allocator gives back a mapping of ours.
        unsafe { mem::unmap(ptr.cast(), size) }.is_ok()
    }

    fn can_release_part(&self, _: u32) -> bool {
        true
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        mem::PAGE_SIZE
    }
}

/// The process's heap. It has no page while nothing is allocated. What a child inherits of it by an untidy
/// fork is left alone: nothing of it is freed.
pub struct Heap {
    lock: Lock<{ rank::HEAP }>,
    inner: UnsafeCell<Inner>,
    /// Counts the heaps that this process had, its parents' included.
    generation: AtomicUsize,
}

struct Inner {
    heap: Dlmalloc<Pages>,
    /// Allocations that are not free.
    live: usize,
    reserve: Reserve,
    line: Line,
}

/// Memory that somebody was given.
#[derive(Clone, Copy)]
struct Piece {
    memory: *mut u8,
    size: usize,
    /// Bytes in front of it.
    head: usize,
}

// SAFETY: the inner heap is only touched under the lock.
unsafe impl Sync for Heap {}

const NEW: Dlmalloc<Pages> = Dlmalloc::new_with_allocator(Pages);

impl Inner {
    const fn new() -> Self {
        Inner { heap: NEW, live: 0, reserve: Reserve::new(), line: Line::new() }
    }

    unsafe fn get(&mut self, size: usize, alignment: usize, zeroed: bool) -> *mut u8 {
        // SAFETY: dlmalloc is an allocator.
        self.at_any_price(|heap| unsafe {
            match zeroed {
                true => heap.calloc(size, alignment),
                false => heap.malloc(size, alignment),
            }
        })
    }

    /// With the reserve, if it must be.
    fn at_any_price(&mut self, get: impl Fn(&mut Dlmalloc<Pages>) -> *mut u8) -> *mut u8 {
        let refused = inject::refusal(Scarce::Memory) != 0;
        let at = if refused { null_mut() } else { get(&mut self.heap) };
        if at.is_null() && (self.reserve.give(&mut self.heap) || refused) {
            return get(&mut self.heap);
        }
        at
    }

    unsafe fn free(&mut self, freed: Piece) {
        // SAFETY: the caller passes what was allocated here; nobody has any of what is destroyed.
        unsafe {
            let Some(Piece { memory, size, head }) = self.line.exchange(freed) else { return };
            self.heap.free(memory.sub(head), size + head + TAIL, head);
            self.live -= 1;
            inject::note_live(self.live);
            if self.live == 0 {
                core::mem::replace(&mut self.heap, NEW).destroy();
                self.reserve.forget();
            }
        }
    }
}

/// In front of each piece of memory: the generation of the heap that it is of.
const HEAD: usize = 16;

fn head(layout: Layout) -> usize {
    layout.align().max(HEAD)
}

impl Heap {
    /// An empty one, without any page.
    pub const fn new() -> Self {
        Heap {
            lock: Lock::new(),
            inner: UnsafeCell::new(Inner::new()),
            generation: AtomicUsize::new(0),
        }
    }

    /// In a new process, whose parent may have been at work on it, unless the lock was held for the fork.
    fn start_over(&self) {
        if fork::is_tidy() {
            return;
        }
        // SAFETY: no other thread of this process has come past fork::start_over yet.
        unsafe {
            let inner = &mut *self.inner.get();
            // The old one is not dropped: its memory is in use.
            core::ptr::write(&mut inner.heap, NEW);
            inner.live = 0;
            inner.reserve.forget();
            inner.line.leave();
        }
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut Inner, usize) -> R) -> R {
        fork::start_over(Subject::Heap, || self.start_over());
        let _held = self.lock.lock();
        // SAFETY: the lock makes the heap ours.
        work(unsafe { &mut *self.inner.get() }, self.generation.load(Ordering::Relaxed))
    }

    unsafe fn allocate(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        let head = head(layout);
        let Some(size) = layout.size().checked_add(head + TAIL) else { return null_mut() };
        self.with(|inner, generation| {
            // SAFETY: dlmalloc is an allocator; the head is inside of what it gave, and aligned.
            unsafe {
                let at = inner.get(size, head, zeroed);
                if at.is_null() {
                    return at;
                }
                inner.live += 1;
                inject::note_live(inner.live);
                let memory = at.add(head);
                memory.cast::<usize>().sub(1).write(generation);
                line::hand_out(&Piece { memory, size: layout.size(), head });
                memory
            }
        })
    }

    /// New memory with what is in the old, which stays as it is.
    unsafe fn copy(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller passes what alloc gave, and a size that is valid.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let new = self.allocate(new_layout, false);
            if !new.is_null() {
                memory.copy_to_nonoverlapping(new, layout.size().min(new_size));
            }
            new
        }
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: dlmalloc is an allocator; the lock makes its state the caller's.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        unsafe { self.allocate(layout, false) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        unsafe { self.allocate(layout, true) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let head = head(layout);
        self.with(|inner, generation| {
            // SAFETY: the caller passes what alloc gave, which has a head.
            unsafe {
                if memory.cast::<usize>().sub(1).read() == generation {
                    inner.free(Piece { memory, size: layout.size(), head });
                }
            }
        });
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if cfg!(checked_heap) {
            // SAFETY: as the caller says.
            let new = unsafe { self.copy(memory, layout, new_size) };
            if !new.is_null() {
                // SAFETY: as the caller says.
                unsafe { self.dealloc(memory, layout) };
            }
            return new;
        }
        let head = head(layout);
        let Some(size) = new_size.checked_add(head) else { return null_mut() };
        let moved = self.with(|inner, generation| {
            // SAFETY: as in dealloc.
            unsafe {
                if memory.cast::<usize>().sub(1).read() != generation {
                    return None;
                }
                let memory = memory.sub(head);
                let old = layout.size() + head;
                let at = inner.at_any_price(|heap| heap.realloc(memory, old, head, size));
                Some(if at.is_null() { at } else { at.add(head) })
            }
        });
        // SAFETY: as the caller says.
        moved.unwrap_or_else(|| unsafe { self.copy(memory, layout, new_size) })
    }
}

/// Only rings that are served in this process take memory from it.
#[cfg(not(test))]
#[global_allocator]
static HEAP: Heap = Heap::new();

/// Whether there is memory for something new: what is begun goes on with the reserve. `ENOMEM`.
#[inline]
pub fn check() -> Result<()> {
    match is_short() {
        false => Ok(()),
        true => fill(),
    }
}

#[cold]
fn fill() -> Result<()> {
    #[cfg(not(test))]
    return HEAP.with(|inner, _| inner.reserve.fill(&mut inner.heap));
    #[cfg(test)]
    Ok(())
}

/// An empty vector with room for `count` things, as many as a program has said. `ENOMEM`.
pub fn vector<T>(count: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    reserve_more(&mut vector, count)?;
    Ok(vector)
}

/// Has a vector have room for `count` things more. `ENOMEM`.
pub fn reserve_more<T>(vector: &mut Vec<T>, count: usize) -> Result<()> {
    vector.try_reserve(count).map_err(|_| Errno::ENOMEM)
}

/// In a child. One whose parent was at work on the heap, in an untidy fork, gets an empty one.
pub fn start_over() {
    #[cfg(not(test))]
    fork::start_over(Subject::Heap, || HEAP.start_over());
}

/// For a fork.
#[cfg(not(test))]
pub static LOCKS: Class = Class { each: |f| f(HEAP.lock.word()), are_taken: true };

/// For a fork.
#[cfg(test)]
pub static LOCKS: Class = Class { each: |_| {}, are_taken: true };
