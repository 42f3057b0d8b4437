//! Timeouts, in the order of their times.

use super::ops;
use super::request::*;
use super::turn::Turn;
use crate::sys::clock::{now, Deadline};
use crate::sys::Errno;
use alloc::collections::BTreeMap;

/// A time in nanoseconds of the monotonic clock, and which of those at that time.
pub type Key = (u64, u64);

/// A ring's timers.
#[derive(Default)]
pub struct Timers {
    at: BTreeMap<Key, *mut Request>,
    count: u64,
}

impl Timers {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// When the first is due.
    pub fn next(&self) -> Option<Deadline> {
        self.at.first_key_value().map(|(key, _)| Deadline::at_nanoseconds(key.0))
    }
}

impl Turn<'_> {
    /// Has `request` time out at `at`, nanoseconds of the monotonic clock. Its operation's `ready` is
    /// called then, without events.
    ///
    /// # Safety
    /// It must be live and at hand.
    pub unsafe fn wait_until(&mut self, request: *mut Request, at: u64) -> Key {
        self.core.timers.count += 1;
        let key = (at, self.core.timers.count);
        self.core.timers.at.insert(key, request);
        // SAFETY: it is live.
        unsafe { self.core.requests.put_away(request, Place::Timed) };
        key
    }

    /// Takes a timer out; its request is at hand. None when it has fired.
    pub fn stop_timer(&mut self, key: Key) -> Option<*mut Request> {
        let request = self.core.timers.at.remove(&key)?;
        // SAFETY: timers have live requests.
        unsafe { self.core.requests.fetch(request) };
        Some(request)
    }
}

/// Lets what is due fire.
pub fn expire(turn: &mut Turn) {
    if turn.core.timers.at.is_empty() {
        return;
    }
    let time = now();
    let time = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
    while let Some((&key, _)) = turn.core.timers.at.first_key_value() {
        if key.0 > time {
            return;
        }
        if let Some(request) = turn.stop_timer(key) {
            // SAFETY: it is live and at hand.
            unsafe {
                let ready = ops::of((*request).sqe.opcode).ready;
                let outcome = ready(turn, &mut *request, 0);
                turn.settle(request, outcome);
            }
        }
    }
}

/// Cancels every timer.
pub fn cancel_all(turn: &mut Turn) {
    while let Some((&key, _)) = turn.core.timers.at.first_key_value() {
        if let Some(request) = turn.stop_timer(key) {
            // SAFETY: it is live and at hand.
            unsafe { turn.complete(request, Errno::ECANCELED.answer()) };
        }
    }
}
