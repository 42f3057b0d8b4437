//! Futexes of the program: where they are is an address, and the kernel looks whether there is memory.

use super::{call, Errno, Result};
use core::sync::atomic::{AtomicU32, Ordering};

/// A futex among several to wait for: `struct futex_waitv`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// What it must have for the wait to begin.
    pub value: u64,
    /// Its address.
    pub address: u64,
    /// `FUTEX2_*`.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// futex2: the futex has four bytes.
pub const SIZE_U32: u32 = 2;
/// futex2: the bits that say how long the futex is.
pub const SIZE_MASK: u32 = 3;
/// futex2: it is used by this process only.
pub const PRIVATE: u32 = 128;
/// The futexes that one call waits for.
pub const MOST: usize = 128;
/// Any wake-up will do.
pub const ANY: u32 = u32::MAX;

fn operation(what: i32, is_private: bool) -> usize {
    (what | if is_private { libc::FUTEX_PRIVATE_FLAG } else { 0 }) as usize
}

/// Sleeps until a wake-up of the futex at `address` that has a bit of `mask`; `at_once`: only looks whether
/// it would. `EAGAIN` when its value differs, `ETIMEDOUT`, `EINTR`, `EFAULT`, `EINVAL`.
pub fn wait(address: u64, value: u32, mask: u32, is_private: bool, at_once: bool) -> Result<()> {
    let past = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let until = if at_once { &raw const past as usize } else { 0 };
    let op = operation(libc::FUTEX_WAIT_BITSET, is_private);
    let args = [address as usize, op, value as usize, until, 0, mask as usize];
    // SAFETY: the kernel only reads the word, if it can; the time is in this frame.
    unsafe { call(libc::SYS_futex, args) }.map(drop)
}

/// Sleeps until one of several is woken; returns which. [`wait`]'s errors.
pub fn wait_any(wanted: &[Wanted], at_once: bool) -> Result<usize> {
    let past = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let until = if at_once { &raw const past as usize } else { 0 };
    let clock = libc::CLOCK_MONOTONIC as usize;
    let args = [wanted.as_ptr() as usize, wanted.len(), 0, until, clock, 0];
    // SAFETY: the kernel only reads, where it can.
    unsafe { call(libc::SYS_futex_waitv, args) }
}

/// Whether there is [`wait_any`]: not before Linux 5.16, nor where it is blocked.
pub fn has_wait_any() -> bool {
    const UNKNOWN: u32 = 0;
    static FOUND: AtomicU32 = AtomicU32::new(UNKNOWN);
    if FOUND.load(Ordering::Relaxed) == UNKNOWN {
        let is_there = wait_any(&[], true) == Err(Errno::EINVAL);
        FOUND.store(1 + u32::from(is_there), Ordering::Relaxed);
    }
    FOUND.load(Ordering::Relaxed) == 2
}

/// Wakes up to `count` of those who wait with a bit of `mask`; returns how many.
pub fn wake(address: u64, count: u32, mask: u32, is_private: bool) -> Result<usize> {
    let op = operation(libc::FUTEX_WAKE_BITSET, is_private);
    let args = [address as usize, op, count as usize, 0, 0, mask as usize];
    // SAFETY: the kernel takes the address as a key.
    unsafe { call(libc::SYS_futex, args) }
}

/// Has one of those who wait on `from` wait at `to` from now on; false when nobody does. `EFAULT`.
pub fn move_one(from: &AtomicU32, to: u64, is_private: bool) -> Result<bool> {
    const WAKEN: usize = 0;
    const MOVED: usize = 1;
    let op = operation(libc::FUTEX_REQUEUE, is_private);
    let args = [from.as_ptr() as usize, op, WAKEN, MOVED, to as usize, 0];
    // SAFETY: the kernel takes the addresses as keys.
    unsafe { call(libc::SYS_futex, args) }.map(|moved| moved > 0)
}
