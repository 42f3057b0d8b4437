//! The heap of what serves rings in this process: pages from the kernel, cut up by `dlmalloc`. Not the
//! program's `malloc`, which a library without a C library cannot count on, and which must not be called
//! while a program's own allocator waits for I/O.

use super::lock::Lock;
use super::mem;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use dlmalloc::{Allocator, Dlmalloc};

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

/// The process's heap. It has no page while nothing is allocated.
pub struct Heap {
    lock: Lock,
    inner: UnsafeCell<Inner>,
}

struct Inner {
    heap: Dlmalloc<Pages>,
    /// Allocations that were not freed.
    live: usize,
}

// SAFETY: the inner heap is only touched under the lock.
unsafe impl Sync for Heap {}

impl Inner {
    const fn new() -> Self {
        Inner { heap: Dlmalloc::new_with_allocator(Pages), live: 0 }
    }

    fn count(&mut self, allocated: *mut u8) -> *mut u8 {
        self.live += usize::from(!allocated.is_null());
        allocated
    }

    unsafe fn free(&mut self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller passes what was allocated here; nobody has any of what is destroyed.
        unsafe {
            self.heap.free(ptr, layout.size(), layout.align());
            self.live -= 1;
            if self.live == 0 {
                core::mem::replace(self, Inner::new()).heap.destroy();
            }
        }
    }
}

impl Heap {
    /// An empty one, without any page.
    pub const fn new() -> Self {
        Heap { lock: Lock::new(), inner: UnsafeCell::new(Inner::new()) }
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
        let _held = self.lock.lock();
        // SAFETY: see above.
        unsafe {
            let inner = &mut *self.inner.get();
            let allocated = inner.heap.malloc(layout.size(), layout.align());
            inner.count(allocated)
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let _held = self.lock.lock();
        // SAFETY: see above.
        unsafe {
            let inner = &mut *self.inner.get();
            let allocated = inner.heap.calloc(layout.size(), layout.align());
            inner.count(allocated)
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let _held = self.lock.lock();
        // SAFETY: see above; the caller passes what alloc gave.
        unsafe { (*self.inner.get()).free(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let _held = self.lock.lock();
        // SAFETY: see above; the caller passes what alloc gave.
        unsafe { (*self.inner.get()).heap.realloc(ptr, layout.size(), layout.align(), new_size) }
    }
}
