//! What the user sets for this process, and telling the user.
//!
//! Only the C library knows the environment: the reference is weak, for programs without one.

use super::call;
use super::heap::weak_address;
use core::ffi::{c_char, CStr};

core::arch::global_asm!(".weak secure_getenv");

/// The value of an environment variable; none for a process with more rights than its user, as one
/// that is set-user-ID.
///
/// # Safety
/// No other thread may change the environment while the value is in use: as for getenv(3).
pub unsafe fn variable(name: &CStr) -> Option<&'static CStr> {
    type Getenv = unsafe extern "C" fn(*const c_char) -> *const c_char;
    let getenv = weak_address!("secure_getenv");
    if getenv == 0 {
        return None;
    }
    // SAFETY: a bound name is the C library's; the name ends with 0, and so does what it answers.
    unsafe {
        let value = core::mem::transmute::<usize, Getenv>(getenv)(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// Writes one line of several parts to stderr, in one piece. If that cannot be, nobody is told.
pub fn complain<const N: usize>(parts: [&[u8]; N]) {
    let iovecs =
        parts.map(|part| libc::iovec { iov_base: part.as_ptr() as *mut _, iov_len: part.len() });
    let stderr = libc::STDERR_FILENO as usize;
    // SAFETY: the parts live until the call is over, which only reads them.
    let _ = unsafe { call(libc::SYS_writev, [stderr, iovecs.as_ptr() as usize, N, 0, 0, 0]) };
}
