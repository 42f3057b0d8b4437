//! How results travel to C: a count or 0 on success, -errno on failure.

use anyring::abi::ctypes::c_int;
use anyring::sys::{Errno, Result};

/// The value itself, or -errno.
#[inline(always)]
pub fn answer(result: Result<c_int>) -> c_int {
    result.unwrap_or_else(Errno::answer)
}
