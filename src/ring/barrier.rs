//! Ordered access to the words that a ring shares with its server, and to those that two threads of a
//! program share. liburing/barrier.h is the C side of the same functions.
//!
//! # Safety
//! Pointers are to live, aligned words; those that another thread or the server writes are accessed
//! through this module only.
#![allow(clippy::missing_safety_doc)] // the section above holds for each of them

use core::sync::atomic::{fence, AtomicU16, AtomicU32, Ordering};

/// A word that rings share: 32 bits, or a buffer ring's 16-bit tail.
pub trait SharedWord: Copy {
    /// Loads the word at `p`.
    unsafe fn load(p: *const Self, order: Ordering) -> Self;
    /// Stores `value` at `p`.
    unsafe fn store(p: *mut Self, value: Self, order: Ordering);
}

impl SharedWord for u32 {
    #[inline(always)]
    unsafe fn load(p: *const Self, order: Ordering) -> Self {
        // SAFETY: see above; a load does not write, so that read-only memory serves too.
        unsafe { AtomicU32::from_ptr(p.cast_mut()) }.load(order)
    }

    #[inline(always)]
    unsafe fn store(p: *mut Self, value: Self, order: Ordering) {
        // SAFETY: see above.
        unsafe { AtomicU32::from_ptr(p) }.store(value, order)
    }
}

impl SharedWord for u16 {
    #[inline(always)]
    unsafe fn load(p: *const Self, order: Ordering) -> Self {
        // SAFETY: see above; a load does not write, so that read-only memory serves too.
        unsafe { AtomicU16::from_ptr(p.cast_mut()) }.load(order)
    }

    #[inline(always)]
    unsafe fn store(p: *mut Self, value: Self, order: Ordering) {
        // SAFETY: see above.
        unsafe { AtomicU16::from_ptr(p) }.store(value, order)
    }
}

/// Loads `*p` once, without ordering: for flags that are hints, and for words that only we write.
#[inline(always)]
pub unsafe fn read_once<T: SharedWord>(p: *const T) -> T {
    // SAFETY: see above.
    unsafe { T::load(p, Ordering::Relaxed) }
}

/// Stores `value` at `p` once, without ordering.
#[inline(always)]
pub unsafe fn write_once<T: SharedWord>(p: *mut T, value: T) {
    // SAFETY: see above.
    unsafe { T::store(p, value, Ordering::Relaxed) }
}

/// Loads `*p`: what its writer stored before the matching release is visible afterwards.
#[inline(always)]
pub unsafe fn io_uring_smp_load_acquire<T: SharedWord>(p: *const T) -> T {
    // SAFETY: see above.
    unsafe { T::load(p, Ordering::Acquire) }
}

/// Stores `value` at `p`: whoever acquires it sees what we read and wrote before.
#[inline(always)]
pub unsafe fn io_uring_smp_store_release<T: SharedWord>(p: *mut T, value: T) {
    // SAFETY: see above.
    unsafe { T::store(p, value, Ordering::Release) }
}

/// A full fence: stores before it are visible before loads after it are made.
#[inline(always)]
pub fn io_uring_smp_mb() {
    fence(Ordering::SeqCst);
}
