//! The end of a ring: the program has closed it, and what is in flight is cancelled as far as that goes.

use super::request::{Place, Request, CANCELLED};
use super::turn::Turn;
use super::work;
use super::{jobs, ops};
use crate::sys::identity::Held;
use crate::sys::Errno;
use alloc::vec::Vec;

impl Turn<'_> {
    /// The program has closed the ring: what can be cancelled is.
    pub fn shut_down(mut self) {
        self.core.is_closed = true;
        self.let_go_of_lost();
        if let Some(reader) = self.core.reader.as_ref().filter(|reader| !reader.is_foreign()) {
            reader.wake();
        }
        self.core.overflow.clear();
        super::poll::cancel_all(&mut self);
        super::timers::cancel_all(&mut self);
        self.end_direct();
        self.cancel_queued();
        self.cancel_kept();
        while let Some(head) = self.core.deferred.pop_front() {
            if head.is_null() {
                continue;
            }
            // SAFETY: deferred chains are live.
            unsafe {
                self.core.requests.outstanding += super::intake::chain_length(head);
                self.core.requests.fetch(head);
                self.core.runnable.push(head);
            }
        }
    }

    /// The program has closed all descriptors, ours as well: their numbers may be others' by now. That one is gone
    /// means that all are. Returns whether they are.
    pub fn let_go_of_lost(&mut self) -> bool {
        let core = &mut *self.core;
        if core.held.is_same() {
            return false;
        }
        core.held = Held::NONE;
        core.polls.forget();
        core.announce.take_if(|announce| !announce.is_same());
        for request in core.requests.iter() {
            // SAFETY: requests in flight are live; a worker that has one does not look at what keeps its file.
            unsafe { (*request).forget_file() };
        }
        core::mem::forget(core::mem::take(&mut core.files));
        true
    }

    /// Cancels what operations have put somewhere.
    fn cancel_kept(&mut self) {
        // SAFETY: requests in flight are live.
        let is_kept = |request: &*mut Request| unsafe { (**request).place == Place::Kept };
        let kept: Vec<_> = self.core.requests.iter().filter(is_kept).collect();
        for request in kept {
            // SAFETY: as above; cancelling one takes no other out.
            unsafe {
                // What is over already completes by itself.
                let _ = (ops::of((*request).sqe.opcode).cancel)(self, &mut *request);
            }
        }
    }

    /// Cancels what waits for a worker.
    fn cancel_queued(&mut self) {
        let queued: Vec<_> = self
            .core
            .requests
            .iter()
            // SAFETY: requests in flight are live.
            .filter(|request| unsafe { (**request).place == Place::Queued })
            .collect();
        for request in queued {
            // SAFETY: completing one has only its own links go on.
            unsafe {
                if work::take_back(self.ring, request) {
                    self.complete(request, Errno::ECANCELED.answer());
                } else if jobs::is_interrupted(&*request) {
                    (*request).flags |= CANCELLED;
                    (*request).job.call_off();
                }
            }
        }
    }
}
