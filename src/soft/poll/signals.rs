//! Signalfds. Which signals one shows depends on who looks: those for the thread that submitted a request count, which
//! nobody else sees in it, and only that thread can take. It looks by itself whenever it waits in enter. While it is
//! elsewhere the keeper looks now and then whether any wait for it, and calls it by the ring's descriptor.

use super::Slot;
use crate::abi::uring::{io_uring_op, IORING_SQ_TASKRUN};
use crate::soft::ops;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::clock::{self, Deadline};
use crate::sys::file::Kind;
use crate::sys::{pipe, process, signals};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

/// After so many nanoseconds it is looked again.
pub const LOOK_AGAIN: u64 = 50_000_000;

/// When to look again.
pub fn next_look() -> Deadline {
    Deadline::at_nanoseconds(clock::nanoseconds(libc::CLOCK_MONOTONIC) + LOOK_AGAIN)
}

const IN: u32 = libc::EPOLLIN as u32;

/// A wait for a signalfd.
struct Watch {
    /// The slot and its generation, as the epoll has them.
    tag: u64,
    /// The signals that it shows.
    shown: u64,
    /// There were some at the last look, which was told.
    was_told: bool,
}

/// A ring's waits for signalfds.
#[derive(Default)]
pub struct SignalWaits {
    waits: Vec<Watch>,
    /// The thread that submitted the last.
    thread: i32,
    /// That thread is called.
    calls: bool,
}

impl SignalWaits {
    /// Whether there are any.
    #[inline]
    pub fn are_there(&self) -> bool {
        !self.waits.is_empty()
    }

    /// Whether the thread that submitted is to look.
    #[inline]
    pub fn call(&self) -> bool {
        self.calls
    }
}

/// The signals that a request's file shows, if it is a signalfd that the request may wait for: to read less than one
/// signal's description is refused.
fn shown_by(r: &mut Request) -> Option<u64> {
    const LEAST: u32 = size_of::<libc::signalfd_siginfo>() as u32;
    use io_uring_op::*;
    let opcode = r.sqe.opcode;
    let is_such = opcode == IORING_OP_POLL_ADD as u8
        || opcode == IORING_OP_READ_MULTISHOT as u8
        || (ops::is_read(r)
            && (r.sqe.len == 0 || r.sqe.len >= LEAST || opcode == IORING_OP_READV as u8));
    if !is_such || signals::blocked() == 0 || r.file_kind() != Kind::Pollable {
        return None;
    }
    signals::shown_by(r.fd)
}

impl Turn<'_> {
    /// A request waits in the ring's epoll, with this tag.
    ///
    /// # Safety
    /// It must be live.
    pub(super) unsafe fn note_signals(&mut self, request: *mut Request, tag: u64) {
        // SAFETY: as the caller says.
        let Some(shown) = shown_by(unsafe { &mut *request }) else { return };
        let submits = self.core.posted_before.is_some();
        let waits = &mut self.core.polls.signals;
        if submits {
            waits.thread = process::thread_id();
        }
        waits.waits.push(Watch { tag, shown, was_told: false });
    }

    /// Tells requests of signals that wait for the calling thread, if it is the one that submitted.
    #[inline]
    pub fn look_at_signals(&mut self) {
        if self.core.polls.signals.are_there() {
            self.look_at_own_signals();
        }
    }

    #[cold]
    fn look_at_own_signals(&mut self) {
        if self.core.polls.signals.thread != process::thread_id() {
            return;
        }
        if core::mem::take(&mut self.core.polls.signals.calls) {
            self.core.memory.header().sq_flags.fetch_and(!IORING_SQ_TASKRUN, Ordering::Relaxed);
        }
        self.tell_of_signals(|slot, _| pipe::is_ready(slot.fd, libc::POLLIN), |_| true);
    }

    /// For the keeper: tells polls of signals for the thread that submitted, and calls it where only it can go on.
    pub fn look_at_others_signals(&mut self) {
        let pending = signals::pending(self.core.polls.signals.thread);
        let is_poll = |r: &Request| r.sqe.opcode == io_uring_op::IORING_OP_POLL_ADD as u8;
        let calls = self.tell_of_signals(|_, shown| shown & pending != 0, is_poll);
        if calls && !core::mem::replace(&mut self.core.polls.signals.calls, true) {
            self.core.memory.header().sq_flags.fetch_or(IORING_SQ_TASKRUN, Ordering::Relaxed);
            self.completes_async();
            self.announce();
            self.make_readable();
        }
    }

    /// Tells requests that `may_be_told` of signals that are there; whether there are some for others.
    fn tell_of_signals(
        &mut self,
        are_there: impl Fn(&Slot, u64) -> bool,
        may_be_told: impl Fn(&Request) -> bool,
    ) -> bool {
        let mut is_left = false;
        for mut wait in core::mem::take(&mut self.core.polls.signals.waits) {
            let polls = &mut self.core.polls;
            let Some(slot) = polls.find(wait.tag) else { continue };
            let slot = &polls.slots[slot as usize];
            let are_there = are_there(slot, wait.shown);
            // SAFETY: a slot in use has a live request.
            let may_be_told = may_be_told(unsafe { &*slot.request });
            is_left |= are_there && !may_be_told;
            let is_new = are_there && may_be_told && !wait.was_told;
            wait.was_told = are_there && may_be_told;
            let tag = wait.tag;
            polls.signals.waits.push(wait);
            if is_new {
                self.is_ready(tag, IN);
            }
        }
        is_left
    }
}
