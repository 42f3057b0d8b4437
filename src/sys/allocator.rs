//! The heap of what serves rings in this process: pages from the kernel, cut up by `dlmalloc`. Not the
//! program's `malloc`, which a library without a C library cannot count on, and which must not be called
//! while a program's own allocator waits for I/O.
//!
//! Nobody sleeps for it while there is another way: a signal handler may have interrupted the thread that is at work
//! there, and wait for what others do. So there are a few heaps, and what is freed of one that is at work waits for whoever
//! is.

use super::fork::{self, Subject};
use super::inject::{self, Scarce};
use super::lock::{Guard, Lock};
use super::locks::{rank, Class};
use super::{mem, Errno, Result};
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
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
    levels: [Level; LEVELS],
    /// Counts the heaps that this process had, its parents' included.
    generation: AtomicUsize,
}

/// Heaps; as deep as handlers interrupt each other there, at least.
const LEVELS: usize = 3;
/// Looks at one that somebody is at work on, which takes less.
const SPINS: u32 = 200;

struct Level {
    lock: Lock<{ rank::HEAP }>,
    inner: UnsafeCell<Inner>,
    /// What was freed of it while somebody was at work there, linked.
    late: AtomicPtr<Late>,
}

/// Memory that is to be freed; the first word stands in front of it.
struct Late {
    next: *mut Late,
    _tag: usize,
    size: u32,
    /// Bytes in front.
    head: u32,
}

/// A level whose lock is held.
struct Entered<'a> {
    level: &'a Level,
    _held: Guard<'a, { rank::HEAP }>,
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
unsafe impl Sync for Level {}

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

impl Level {
    const fn new() -> Self {
        Level {
            lock: Lock::new(),
            inner: UnsafeCell::new(Inner::new()),
            late: AtomicPtr::new(null_mut()),
        }
    }

    /// In a new process, whose parent may have been at work on it.
    unsafe fn start_over(&self) {
        // SAFETY: the caller says that nobody uses it yet.
        unsafe {
            let inner = &mut *self.inner.get();
            // The old one is not dropped: its memory is in use.
            core::ptr::write(&mut inner.heap, NEW);
            inner.live = 0;
            inner.reserve.forget();
            inner.line.leave();
        }
        self.late.store(null_mut(), Ordering::Relaxed);
    }

    #[cold]
    fn wait(&self) -> Option<Guard<'_, { rank::HEAP }>> {
        if self.lock.word().is_held_by_caller() {
            return fork::let_go_for_caller().then(|| self.lock.try_lock()).flatten();
        }
        for _ in 0..SPINS {
            core::hint::spin_loop();
            if !self.lock.is_held() {
                if let Some(held) = self.lock.try_lock() {
                    return Some(held);
                }
            }
        }
        None
    }

    /// Leaves a piece for whoever is at work there, or comes next.
    #[cold]
    unsafe fn free_late(&self, piece: &Piece) {
        let Ok(size) = u32::try_from(piece.size) else { return };
        // SAFETY: a piece has a head of two words, and room for another: dlmalloc's smallest one has three.
        unsafe {
            let late = piece.memory.sub(HEAD).cast::<Late>();
            (&raw mut (*late).size).write(size);
            (&raw mut (*late).head).write(piece.head as u32);
            let mut next = self.late.load(Ordering::Relaxed);
            loop {
                (*late).next = next;
                match self.late.compare_exchange(next, late, Ordering::AcqRel, Ordering::Relaxed) {
                    Ok(_) => break,
                    Err(now) => next = now,
                }
            }
        }
    }
}

impl Entered<'_> {
    fn inner(&mut self) -> &mut Inner {
        // SAFETY: the lock makes the heap ours.
        unsafe { &mut *self.level.inner.get() }
    }

    #[cold]
    fn free_late(&mut self) {
        let mut late = self.level.late.swap(null_mut(), Ordering::AcqRel);
        // SAFETY: what is in the list was given up.
        unsafe {
            while !late.is_null() {
                let (size, head) = ((*late).size as usize, (*late).head as usize);
                let (memory, next) = (late.cast::<u8>().add(HEAD), (*late).next);
                self.inner().free(Piece { memory, size, head });
                late = next;
            }
        }
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.level.late.load(Ordering::Relaxed).is_null() {
            self.free_late();
        }
    }
}

impl Heap {
    /// An empty one, without any page.
    pub const fn new() -> Self {
        Heap { levels: [const { Level::new() }; LEVELS], generation: AtomicUsize::new(0) }
    }

    /// In a new process, whose parent may have been at work on it, unless the lock was held for the fork.
    fn start_over(&self) {
        if fork::is_tidy() {
            return;
        }
        // SAFETY: no other thread of this process has come past fork::start_over yet.
        self.levels.iter().for_each(|level| unsafe { level.start_over() });
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// A level, unless somebody is at work there for long.
    #[inline]
    fn enter(&self, level: usize) -> Option<Entered<'_>> {
        fork::start_over(Subject::Heap, || self.start_over());
        let level = &self.levels[level];
        let held = level.lock.try_lock().or_else(|| level.wait())?;
        Some(Entered { level, _held: held })
    }

    /// One that nobody is at work on.
    #[inline]
    fn enter_any(&self) -> Option<(usize, Entered<'_>)> {
        let any = (0..LEVELS).find_map(|level| Some((level, self.enter(level)?)));
        any.or_else(|| {
            let level = &self.levels[0];
            Some((0, Entered { level, _held: level.lock.lock_unless_interrupted()? }))
        })
    }

    /// What says which heap memory is of: the level, of this process.
    fn tag(&self, level: usize) -> usize {
        self.generation.load(Ordering::Relaxed) * LEVELS + level
    }

    /// The level that memory is of; none when it is of another process.
    unsafe fn level_of(&self, memory: *mut u8) -> Option<usize> {
        // SAFETY: the caller passes what alloc gave, which has a head.
        let tag = unsafe { memory.cast::<usize>().sub(1).read() };
        let level = tag % LEVELS;
        (tag == self.tag(level)).then_some(level)
    }

    unsafe fn allocate(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        let head = head(layout);
        let Some(size) = layout.size().checked_add(head + TAIL) else { return null_mut() };
        let Some((level, mut entered)) = self.enter_any() else { return null_mut() };
        // SAFETY: dlmalloc is an allocator; the head is inside of what it gave, and aligned.
        unsafe {
            let inner = entered.inner();
            let at = inner.get(size, head, zeroed);
            if at.is_null() {
                return at;
            }
            inner.live += 1;
            inject::note_live(inner.live);
            let memory = at.add(head);
            memory.cast::<usize>().sub(1).write(self.tag(level));
            line::hand_out(&Piece { memory, size: layout.size(), head });
            memory
        }
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
        fork::start_over(Subject::Heap, || self.start_over());
        let piece = Piece { memory, size: layout.size(), head: head(layout) };
        // SAFETY: the caller passes what alloc gave.
        unsafe {
            let Some(level) = self.level_of(memory) else { return };
            match self.enter(level) {
                Some(mut entered) => entered.inner().free(piece),
                None => self.levels[level].free_late(&piece),
            }
        }
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
        fork::start_over(Subject::Heap, || self.start_over());
        // SAFETY: as in dealloc.
        unsafe {
            let entered = self.level_of(memory).and_then(|level| self.enter(level));
            let Some(mut entered) = entered else {
                let new = self.copy(memory, layout, new_size);
                if !new.is_null() {
                    self.dealloc(memory, layout);
                }
                return new;
            };
            let inner = entered.inner();
            let memory = memory.sub(head);
            let old = layout.size() + head;
            let at = inner.at_any_price(|heap| heap.realloc(memory, old, head, size));
            match at.is_null() {
                true => at,
                false => at.add(head),
            }
        }
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
    // Where somebody is at work, there is some.
    return HEAP.enter(0).map_or(Ok(()), |mut entered| {
        let inner = entered.inner();
        inner.reserve.fill(&mut inner.heap)
    });
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
pub static LOCKS: Class =
    Class { each: |f| HEAP.levels.iter().for_each(|level| f(level.lock.word())), are_taken: true };

/// For a fork.
#[cfg(test)]
pub static LOCKS: Class = Class { each: |_| {}, are_taken: true };
