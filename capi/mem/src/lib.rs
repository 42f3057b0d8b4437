//! The memory functions that compiled Rust calls. They are C's, but the library links to no C library;
//! they stay inside of it. What is large here is copied by the kernel; these see dozens of bytes.
#![cfg_attr(not(test), no_std)]
// The tests run on the C library's.
#![cfg_attr(test, allow(dead_code))]

use core::ffi::{c_int, c_void};
use core::mem::size_of;

/// What is moved at a time, wherever it stands: one instruction each, which an array of bytes would not be.
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Chunk(u64);

const WORD: usize = size_of::<Chunk>();

/// memcpy(3).
#[cfg_attr(not(test), no_mangle)]
unsafe extern "C" fn memcpy(to: *mut c_void, from: *const c_void, len: usize) -> *mut c_void {
    // SAFETY: as C has it.
    unsafe { copy_up(to.cast(), from.cast(), len) };
    to
}

/// memmove(3).
#[cfg_attr(not(test), no_mangle)]
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
#[cfg_attr(not(test), no_mangle)]
unsafe extern "C" fn memset(to: *mut c_void, value: c_int, len: usize) -> *mut c_void {
    let (bytes, words) = (to.cast::<u8>(), len / WORD);
    let word = Chunk(u64::from_ne_bytes([value as u8; WORD]));
    // SAFETY: as C has it. Volatile, so that it does not become a call of itself.
    unsafe {
        for at in 0..words {
            bytes.cast::<Chunk>().add(at).write_volatile(word);
        }
        for at in words * WORD..len {
            bytes.add(at).write_volatile(value as u8);
        }
    }
    to
}

/// memcmp(3).
#[cfg_attr(not(test), no_mangle)]
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
#[cfg_attr(not(test), no_mangle)]
unsafe extern "C" fn bcmp(a: *const c_void, b: *const c_void, len: usize) -> c_int {
    // SAFETY: as C has it.
    unsafe { memcmp(a, b, len) }
}

/// strlen(3).
#[cfg_attr(not(test), no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut len = 0;
    // SAFETY: as C has it.
    while unsafe { text.add(len).read_volatile() } != 0 {
        len += 1;
    }
    len
}

unsafe fn copy_up(to: *mut u8, from: *const u8, len: usize) {
    let words = len / WORD;
    // SAFETY: the caller's ranges. Volatile, so that it does not become a call of memcpy.
    unsafe {
        for at in 0..words {
            let word = from.cast::<Chunk>().add(at).read_volatile();
            to.cast::<Chunk>().add(at).write_volatile(word);
        }
        for at in words * WORD..len {
            to.add(at).write_volatile(from.add(at).read_volatile());
        }
    }
}

unsafe fn copy_down(to: *mut u8, from: *const u8, len: usize) {
    let words = len / WORD;
    // SAFETY: the caller's ranges: a word is read before it is written, and those below it are read later. Volatile, so
    // that it does not become a call of memmove.
    unsafe {
        for at in (words * WORD..len).rev() {
            to.add(at).write_volatile(from.add(at).read_volatile());
        }
        for at in (0..words).rev() {
            let word = from.cast::<Chunk>().add(at).read_volatile();
            to.cast::<Chunk>().add(at).write_volatile(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 64;

    fn counted() -> [u8; LEN] {
        core::array::from_fn(|at| at as u8)
    }

    /// Each length and distance, upwards and downwards, beside what a copy of all gives.
    #[test]
    fn moves_what_overlaps() {
        for (len, from) in (0..40).flat_map(|len| (0..LEN - len).map(move |from| (len, from))) {
            for to in 0..LEN - len {
                let (mut moved, before) = (counted(), counted());
                let at = moved.as_mut_ptr();
                // SAFETY: both ranges lie in the array.
                unsafe { memmove(at.add(to).cast(), at.add(from).cast(), len) };
                let expected: [u8; LEN] = core::array::from_fn(|at| match at {
                    at if (to..to + len).contains(&at) => before[at - to + from],
                    at => before[at],
                });
                assert!(moved == expected, "{len} bytes from {from} to {to}");
            }
        }
    }

    #[test]
    fn sets_no_byte_too_many() {
        for (len, from) in (0..40).flat_map(|len| (0..LEN - len).map(move |from| (len, from))) {
            let mut set = counted();
            // SAFETY: the range lies in the array.
            unsafe { memset(set.as_mut_ptr().add(from).cast(), 0x1a5, len) };
            let is_set = |at: usize| (from..from + len).contains(&at);
            let is_right =
                |(at, byte): (usize, &u8)| *byte == if is_set(at) { 0xa5 } else { at as u8 };
            assert!(set.iter().enumerate().all(is_right), "{len} bytes from {from}");
        }
    }
}
