//! Timeouts, in the order of their times.

use super::ops::{self, timeout};
use super::request::*;
use super::turn::Turn;
use crate::abi::uring::io_uring_op;
use crate::sys::clock::{now, Deadline};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

/// A time in nanoseconds of the monotonic clock, and which of those at that time.
pub type Key = (u64, u64);

/// A timeout that ends with a number of completions.
struct Counted {
    /// Completions before it.
    since: u32,
    /// How many more it waits for.
    count: u32,
    request: *mut Request,
}

impl Counted {
    /// How many are missing when there were `posted`; less than 1: none.
    fn missing(&self, posted: u32) -> i64 {
        i64::from(self.count) - i64::from(posted.wrapping_sub(self.since))
    }
}

/// A ring's timers.
#[derive(Default)]
pub struct Timers {
    at: BTreeMap<Key, *mut Request>,
    count: u64,
    /// Timeouts that also end with a number of completions.
    counted: Vec<Counted>,
}

impl Timers {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is none, nor a request that ends with a number of completions.
    pub fn are_none(&self) -> bool {
        self.at.is_empty() && self.counted.is_empty()
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
        self.ring.wants_keeper.store(true, Ordering::Relaxed);
        // SAFETY: it is live.
        unsafe { self.core.requests.put_away(request, Place::Timed) };
        let is_first =
            self.core.timers.at.first_key_value().is_some_and(|(first, _)| *first == key);
        if is_first && self.core.polls.is_served() {
            // Whoever serves has gone to sleep until another time.
            self.rouse();
        }
        key
    }

    /// Has a timeout end with 0 after `count` more completions that are no timeouts'. Those of the same submission
    /// count also if they came before it.
    ///
    /// # Safety
    /// It must be live, and be among the timers by the end of the turn.
    pub unsafe fn count_for(&mut self, request: *mut Request, count: u32) {
        let since = self.core.posted_before.unwrap_or(self.core.posted);
        self.core.timers.counted.push(Counted { since, count, request });
    }

    /// A request is about to post a CQE. A timeout's does not count for those who wait for a number, and ends the
    /// waits for CQEs.
    #[inline]
    pub fn note_completion(&mut self, r: &Request) {
        let opcode = r.sqe.opcode;
        if opcode == io_uring_op::IORING_OP_TIMEOUT as u8 {
            self.core.posted = self.core.posted.wrapping_sub(1);
            self.core.memory.control().timeouts.fetch_add(1, Ordering::Relaxed);
            self.rouse();
        } else if timeout::is_linked_timeout(r) {
            self.core.posted = self.core.posted.wrapping_sub(1);
        }
    }

    /// Ends the timeouts whose number of completions has been reached.
    #[inline]
    pub fn end_counted(&mut self) {
        if !self.core.timers.counted.is_empty() {
            self.end_reached();
        }
    }

    #[cold]
    fn end_reached(&mut self) {
        let posted = self.core.posted;
        loop {
            let counted = &self.core.timers.counted;
            let missing = |at: &usize| counted[*at].missing(posted);
            // The first that was reached goes first.
            let Some(at) = (0..counted.len()).min_by_key(missing) else { return };
            if missing(&at) > 0 {
                return;
            }
            let request = counted[at].request;
            // SAFETY: those that are counted for are live and armed.
            unsafe {
                timeout::disarm(self, request);
                self.complete(request, 0);
            }
        }
    }

    /// Takes a timer out; its request is at hand. None when it has fired.
    pub fn stop_timer(&mut self, key: Key) -> Option<*mut Request> {
        let request = self.core.timers.at.remove(&key)?;
        self.core.timers.counted.retain(|counted| counted.request != request);
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

/// Cancels every timeout. One that is linked to a request goes with it.
pub fn cancel_all(turn: &mut Turn) {
    // SAFETY: timers have live requests.
    let is_own = |r: &&*mut Request| unsafe { !timeout::is_linked_timeout(&***r) };
    let all: Vec<_> = turn.core.timers.at.values().filter(is_own).copied().collect();
    for request in all {
        // SAFETY: as above; completing one takes no other out.
        unsafe { timeout::cancel(turn, request) };
    }
}
