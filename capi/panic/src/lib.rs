//! The panic handler of the C libraries. A program of Rust may have one only, and the faces are linked
//! into libraries of their own as well as together: so it is none of theirs, and all use it.
#![no_std]

/// Nothing panics knowingly. What does so unknowingly must not unwind into C.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    anyring::sys::abort()
}
