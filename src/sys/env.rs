//! What the user sets for this process, and telling the user.
//!
//! Only for libraries that are linked with libc, which alone knows the environment.

use super::call;
use core::ffi::{c_char, CStr};

extern "C" {
    fn secure_getenv(name: *const c_char) -> *const c_char;
}

/// The value of an environment variable; none for a process with more rights than its user, as one
/// that is set-user-ID.
///
/// # Safety
/// No other thread may change the environment while the value is in use: as for getenv(3).
pub unsafe fn variable(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: the name ends with 0, and so does what libc answers.
    unsafe {
        let value = secure_getenv(name.as_ptr());
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
