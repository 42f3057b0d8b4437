//! Sleeping on a word of memory until another thread changes it.

use super::{call, Result};
use core::sync::atomic::AtomicU32;

/// Sleeps while `*word` is `expected`, until woken, at most `timeout` (NULL: for ever). Wakes for no
/// reason too: look again. `EAGAIN` when the word differs, `ETIMEDOUT`, `EINTR`.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<&libc::timespec>) -> Result<()> {
    let timeout = timeout.map_or(core::ptr::null(), |ts| ts as *const libc::timespec);
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word is live for the call, and the kernel only reads it.
    unsafe {
        call(
            libc::SYS_futex,
            [word.as_ptr() as usize, op as usize, expected as usize, timeout as usize, 0, 0],
        )
    }
    .map(drop)
}

/// [`wait`] for a word in memory that processes share.
pub fn wait_shared(
    word: &AtomicU32,
    expected: u32,
    timeout: Option<&libc::timespec>,
) -> Result<()> {
    let timeout = timeout.map_or(core::ptr::null(), |ts| ts as *const libc::timespec);
    let (word, op) = (word.as_ptr() as usize, libc::FUTEX_WAIT as usize);
    // SAFETY: the word is live for the call, and the kernel only reads it.
    unsafe { call(libc::SYS_futex, [word, op, expected as usize, timeout as usize, 0, 0]) }
        .map(drop)
}

/// [`wake`] for a word in memory that processes share.
pub fn wake_shared(word: &AtomicU32, count: u32) {
    let (word, op) = (word.as_ptr() as usize, libc::FUTEX_WAKE as usize);
    // SAFETY: as for wake.
    let _ = unsafe { call(libc::SYS_futex, [word, op, count as usize, 0, 0, 0]) };
}

/// Wakes up to `count` threads that sleep on `word`.
pub fn wake(word: &AtomicU32, count: u32) {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel takes the address as a key and does not touch what is there. It cannot
    // fail for an aligned word of ours.
    let _ = unsafe {
        call(libc::SYS_futex, [word.as_ptr() as usize, op as usize, count as usize, 0, 0, 0])
    };
}
