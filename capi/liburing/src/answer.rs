//! How results travel to C: a count, a descriptor or 0 on success, -errno on failure.

use anyring::abi::ctypes::c_int;
use anyring::abi::uring::io_uring_cqe;
use anyring::ring::wait::Waited;
use anyring::sys::{Errno, Result};

/// What C callers are answered.
pub trait Answer {
    /// The value itself, or -errno.
    fn answer(self) -> c_int;
}

impl Answer for Result<c_int> {
    #[inline(always)]
    fn answer(self) -> c_int {
        self.unwrap_or_else(Errno::answer)
    }
}

impl Answer for Result<()> {
    fn answer(self) -> c_int {
        self.map(|()| 0).answer()
    }
}

/// Stores the CQE that a wait ended with and answers its result.
///
/// # Safety
/// `cqe_ptr` must be valid for a write.
pub unsafe fn waited(waited: Waited, cqe_ptr: *mut *mut io_uring_cqe) -> c_int {
    // SAFETY: the caller vouches for the pointer.
    unsafe { *cqe_ptr = waited.cqe };
    waited.result.answer()
}
