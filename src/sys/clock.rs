//! Points in time on the monotonic clock.

use super::{call, Errno, Result};
use crate::abi::ctypes::__kernel_timespec;
use core::ffi::c_int;

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

    /// The point in time `at` of the monotonic clock; `EINVAL` when it is none.
    pub fn at(at: __kernel_timespec) -> Result<Self> {
        if at.tv_sec < 0 || !(0..NANOSECONDS).contains(&at.tv_nsec) {
            return Err(Errno::EINVAL);
        }
        Ok(Deadline { at })
    }

    /// The point in time `at` of the monotonic clock, in nanoseconds.
    pub fn at_nanoseconds(at: u64) -> Self {
        let second = NANOSECONDS as u64;
        Deadline {
            at: __kernel_timespec { tv_sec: (at / second) as i64, tv_nsec: (at % second) as i64 },
        }
    }

    /// The point in time, in nanoseconds of the monotonic clock.
    pub fn nanoseconds(&self) -> u64 {
        self.at.tv_sec as u64 * NANOSECONDS as u64 + self.at.tv_nsec as u64
    }

    /// Whether it comes before `other`.
    pub fn is_before(&self, other: &Deadline) -> bool {
        (self.at.tv_sec, self.at.tv_nsec) < (other.at.tv_sec, other.at.tv_nsec)
    }

    /// Whether it is past.
    pub fn is_over(&self) -> bool {
        let left = self.left();
        left.tv_sec == 0 && left.tv_nsec == 0
    }

    /// [`Deadline::left`] as system calls take it.
    pub fn left_as_libc(&self) -> libc::timespec {
        let left = self.left();
        libc::timespec { tv_sec: left.tv_sec as _, tv_nsec: left.tv_nsec as _ }
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

/// The time of `clock` (`CLOCK_*`) in nanoseconds.
pub fn nanoseconds(clock: libc::clockid_t) -> u64 {
    let time = time_of(clock);
    time.tv_sec as u64 * NANOSECONDS as u64 + time.tv_nsec as u64
}

/// The monotonic clock's time.
pub fn now() -> __kernel_timespec {
    time_of(libc::CLOCK_MONOTONIC)
}

fn time_of(clock: libc::clockid_t) -> __kernel_timespec {
    let mut now = __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills in the struct of this frame. The clock exists: it cannot fail.
    let _ = unsafe {
        call(libc::SYS_clock_gettime, [clock as usize, &raw mut now as usize, 0, 0, 0, 0])
    };
    now
}

/// A timer of the monotonic clock, as a descriptor that is readable when its time has come.
pub fn timer() -> Result<c_int> {
    let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
    let args = [libc::CLOCK_MONOTONIC as usize, flags as usize, 0, 0, 0, 0];
    // SAFETY: timerfd_create takes plain numbers.
    unsafe { call(libc::SYS_timerfd_create, args) }.map(|fd| fd as c_int)
}

/// Sets a timer to a point in time, in nanoseconds.
pub fn set_timer(timer: c_int, at: u64) -> Result<()> {
    const NEVER: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let second = NANOSECONDS as u64;
    // Nothing is no time.
    let at = at.max(1);
    let at = libc::timespec { tv_sec: (at / second) as _, tv_nsec: (at % second) as _ };
    let times = libc::itimerspec { it_interval: NEVER, it_value: at };
    let flags = libc::TFD_TIMER_ABSTIME as usize;
    let args = [timer as usize, flags, &raw const times as usize, 0, 0, 0];
    // SAFETY: the kernel reads the times of this frame.
    unsafe { call(libc::SYS_timerfd_settime, args) }.map(drop)
}
