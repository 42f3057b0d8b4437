//! The calling process and thread.

use super::call;

/// The process id, asked of the kernel: a cached one would be wrong after a fork.
pub fn id() -> i32 {
    // SAFETY: getpid takes nothing and cannot fail.
    unsafe { call(libc::SYS_getpid, [0; 6]) }.map_or(0, |pid| pid as i32)
}

/// Lets another thread run.
pub fn yield_now() {
    // SAFETY: sched_yield takes nothing and cannot fail.
    let _ = unsafe { call(libc::SYS_sched_yield, [0; 6]) };
}
