//! The I/O priority of a thread: a class in the upper 3 bits, a level within it.

use super::{call, Errno, Result};

const CLASS_SHIFT: u16 = 13;
const LEVEL: u16 = 7;
const REAL_TIME: u16 = 1;
const IDLE: u16 = 3;
/// IOPRIO_WHO_PROCESS: a thread; 0 is the calling one.
const WHO: usize = 1;

fn get() -> Result<usize> {
    // SAFETY: ioprio_get takes no pointer.
    unsafe { call(libc::SYS_ioprio_get, [WHO, 0, 0, 0, 0, 0]) }
}

fn set(priority: usize) -> Result<usize> {
    // SAFETY: ioprio_set takes no pointer.
    unsafe { call(libc::SYS_ioprio_set, [WHO, 0, priority, 0, 0, 0]) }
}

/// Whether a request may have this priority; 0 is the thread's own. `EINVAL`, `EPERM`.
#[inline]
pub fn check(priority: u16) -> Result<()> {
    if priority == 0 {
        return Ok(());
    }
    match priority >> CLASS_SHIFT {
        0 if priority & LEVEL != 0 => Err(Errno::EINVAL),
        // Who may is the system's to say.
        REAL_TIME => {
            let old = get()?;
            set(priority.into())?;
            set(old).map(drop)
        }
        0..=IDLE => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// The calling thread has another priority until this is dropped.
pub struct With(Option<usize>);

impl With {
    /// Sets it; 0 leaves the thread's.
    #[inline]
    pub fn set(priority: u16) -> Self {
        if priority == 0 {
            return With(None);
        }
        let old = get().ok();
        // It was checked; where it is not allowed any more the thread's own has to do.
        let _ = set(priority.into());
        With(old)
    }
}

impl Drop for With {
    fn drop(&mut self) {
        if let Some(old) = self.0 {
            let _ = set(old);
        }
    }
}
