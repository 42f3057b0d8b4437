//! The memory functions that compiled Rust calls. They are C's, but the library links to no C library;
//! they stay inside of it. What is large here is copied by the kernel; these see dozens of bytes.
#![no_std]

use core::ffi::{c_int, c_void};
use core::mem::size_of;

/// memcpy(3).
#[no_mangle]
unsafe extern "C" fn memcpy(to: *mut c_void, from: *const c_void, len: usize) -> *mut c_void {
    // SAFETY: as C has it.
    unsafe { copy_up(to.cast(), from.cast(), len) };
    to
}

/// memmove(3).
#[no_mangle]
unsafe extern "C" fn memmove(to: *mut c_void, from: *const c_void, len: usize) -> *mut c_void {
    // SAFETY: as C has it; the direction keeps what is still to be read.
    unsafe {
        match (to as usize).wrapping_sub(from as usize) >= len {
            true => copy_up(to.cast(), from.cast(), len),
            false => copy_down(to.cast(), from.cast(), len),
        }
    }
    to
}

/// memset(3).
#[no_mangle]
unsafe extern "C" fn memset(to: *mut c_void, value: c_int, len: usize) -> *mut c_void {
    for at in 0..len {
        // SAFETY: as C has it. Volatile, so that it does not become a call of itself.
        unsafe { to.cast::<u8>().add(at).write_volatile(value as u8) };
    }
    to
}

/// memcmp(3).
#[no_mangle]
unsafe extern "C" fn memcmp(a: *const c_void, b: *const c_void, len: usize) -> c_int {
    for at in 0..len {
        // SAFETY: as C has it.
        let (a, b) = unsafe {
            (a.cast::<u8>().add(at).read_volatile(), b.cast::<u8>().add(at).read_volatile())
        };
        if a != b {
            return c_int::from(a) - c_int::from(b);
        }
    }
    0
}

/// bcmp(3).
#[no_mangle]
unsafe extern "C" fn bcmp(a: *const c_void, b: *const c_void, len: usize) -> c_int {
    // SAFETY: as C has it.
    unsafe { memcmp(a, b, len) }
}

/// strlen(3).
#[no_mangle]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut len = 0;
    // SAFETY: as C has it.
    while unsafe { text.add(len).read_volatile() } != 0 {
        len += 1;
    }
    len
}

unsafe fn copy_up(to: *mut u8, from: *const u8, len: usize) {
    const WORD: usize = size_of::<u64>();
    let words = len / WORD;
    // SAFETY: the caller's ranges. Volatile, so that it does not become a call of memcpy.
    unsafe {
        for at in 0..words {
            let word = from.cast::<[u8; WORD]>().add(at).read_volatile();
            to.cast::<[u8; WORD]>().add(at).write_volatile(word);
        }
        for at in words * WORD..len {
            to.add(at).write_volatile(from.add(at).read_volatile());
        }
    }
}

unsafe fn copy_down(to: *mut u8, from: *const u8, len: usize) {
    for at in (0..len).rev() {
        // SAFETY: the caller's ranges. Volatile, so that it does not become a call of memmove.
        unsafe { to.add(at).write_volatile(from.add(at).read_volatile()) };
    }
}
