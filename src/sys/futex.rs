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

/// Whether `value` stands at `word`, as the kernel sees it: there may be no memory any more.
pub fn is(word: *const AtomicU32, value: u32) -> bool {
    let op = libc::FUTEX_CMP_REQUEUE | libc::FUTEX_PRIVATE_FLAG;
    let (word, op) = (word as usize, op as usize);
    // SAFETY: the kernel looks at the word, if it is there, and moves none of those who sleep on it.
    unsafe { call(libc::SYS_futex, [word, op, 0, 0, word, value as usize]) }.is_ok()
}

/// For [`wake`] and [`wake_shared`]: all threads. The kernel's count is signed; a negative one wakes one thread.
pub const ALL: u32 = i32::MAX as u32;

/// [`wake`] for a word in memory that processes share. How many were woken.
pub fn wake_shared(word: &AtomicU32, count: u32) -> usize {
    let (word, op) = (word.as_ptr() as usize, libc::FUTEX_WAKE as usize);
    let count = count.min(ALL) as usize;
    // SAFETY: as for wake.
    unsafe { call(libc::SYS_futex, [word, op, count, 0, 0, 0]) }.unwrap_or(0)
}

/// Wakes up to `count` threads that sleep on `word`.
pub fn wake(word: &AtomicU32, count: u32) {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    let count = count.min(ALL) as usize;
    // SAFETY: the kernel takes the address as a key and does not touch what is there. It cannot
    // fail for an aligned word of ours.
    let _ = unsafe { call(libc::SYS_futex, [word.as_ptr() as usize, op as usize, count, 0, 0, 0]) };
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use core::sync::atomic::{AtomicU32, Ordering};
    use core::time::Duration;
    use std::thread;

    /// Whether three sleepers are awake in time after one call.
    fn all_wake(
        wait: fn(&AtomicU32, u32, Option<&libc::timespec>) -> Result<()>,
        wake: fn(&AtomicU32, u32),
        count: u32,
    ) -> bool {
        let (word, asleep, awake) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let long = libc::timespec { tv_sec: 20, tv_nsec: 0 };
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    asleep.fetch_add(1, Ordering::SeqCst);
                    if wait(&word, 0, Some(&long)).is_ok() {
                        awake.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            while asleep.load(Ordering::SeqCst) < 3 {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(100));
            wake(&word, count);
            thread::sleep(Duration::from_millis(500));
            let in_time = awake.load(Ordering::SeqCst);
            for _ in in_time..3 {
                wake(&word, 1);
            }
            in_time == 3
        })
    }

    #[test]
    fn a_count_above_the_kernels_wakes_all() {
        assert!(all_wake(wait, wake, u32::MAX));
        assert!(all_wake(wait_shared, |word, count| _ = wake_shared(word, count), ALL));
    }
}
