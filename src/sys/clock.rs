//! Points in time on the monotonic clock.

use super::{call, Errno, Result};
use crate::abi::ctypes::__kernel_timespec;

const NANOSECONDS: i64 = 1_000_000_000;

/// When a wait is over.
#[derive(Clone, Copy)]
pub struct Deadline {
    at: __kernel_timespec,
}

impl Deadline {
    /// `timeout` from now; `EINVAL` when it is no time.
    pub fn after(timeout: __kernel_timespec) -> Result<Self> {
        if timeout.tv_sec < 0 || !(0..NANOSECONDS).contains(&timeout.tv_nsec) {
            return Err(Errno::EINVAL);
        }
        let mut at = now();
        at.tv_nsec += timeout.tv_nsec;
        at.tv_sec = at.tv_sec.saturating_add(timeout.tv_sec + at.tv_nsec / NANOSECONDS);
        at.tv_nsec %= NANOSECONDS;
        Ok(Deadline { at })
    }

    /// How long it is until then; 0 when it is past.
    pub fn left(&self) -> __kernel_timespec {
        let now = now();
        let mut left = __kernel_timespec {
            tv_sec: self.at.tv_sec - now.tv_sec,
            tv_nsec: self.at.tv_nsec - now.tv_nsec,
        };
        if left.tv_nsec < 0 {
            left.tv_nsec += NANOSECONDS;
            left.tv_sec -= 1;
        }
        if left.tv_sec < 0 {
            return __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
        }
        left
    }
}

/// The monotonic clock's time.
pub fn now() -> __kernel_timespec {
    let mut now = __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills in the struct of this frame. The clock exists: it cannot fail.
    let _ = unsafe {
        call(
            libc::SYS_clock_gettime,
            [libc::CLOCK_MONOTONIC as usize, &raw mut now as usize, 0, 0, 0, 0],
        )
    };
    now
}
