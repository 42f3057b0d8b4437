//! What others ask of whoever has a ring's lock, and cannot do by themselves.

use super::Turn;
use crate::soft::ops::{self, Outcome};
use crate::soft::request::Request;
use crate::soft::{cancel, timers};

impl Turn<'_> {
    /// A request that was called off goes nowhere any more.
    #[cold]
    pub(super) unsafe fn call_off(&mut self, request: *mut Request, outcome: Outcome) {
        // SAFETY: as said by the caller.
        unsafe {
            match outcome {
                Outcome::Done(result) => self.complete(request, result),
                Outcome::Wait(_) | Outcome::Punt => {
                    let result = ops::cancelled(&mut *request);
                    self.complete(request, result);
                }
                // What cannot be cancelled where it is ends by itself.
                Outcome::Kept => drop(cancel::one(self, request)),
            }
        }
    }

    /// The keeper has come in vain: what it would have served is the caller's. Not what whoever sleeps in the epoll is
    /// woken by, who would sleep on.
    #[cold]
    pub(super) fn take_over(&mut self) {
        timers::expire(self);
        if !self.core.polls.is_served() {
            self.serve_now();
        }
    }
}
