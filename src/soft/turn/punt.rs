//! Punting: a request that would block goes to a worker, or is left for whoever waits for it.

use super::Turn;
use crate::soft::jobs::{self, Job, Lane, Queue};
use crate::soft::ops::Bound;
use crate::soft::request::{Request, AHEAD};
use crate::soft::{intake, read_ahead, work};
use core::ptr::null_mut;

impl Turn<'_> {
    /// A request goes to a worker. The first of a turn stays for whoever reaps, as long as there is no second:
    /// they begin in order.
    ///
    /// # Safety
    /// It must be live, and in the place of those that are queued.
    pub(super) unsafe fn punt(&mut self, request: *mut Request) {
        let is_first = !core::mem::replace(&mut self.has_punted, true);
        // SAFETY: as the caller says.
        unsafe {
            // The rights of a personality are the worker's only.
            let may_be_own = is_first
                && self.reaps
                && (*request).proxy.is_none()
                && self.core.personalities.are_none();
            if may_be_own && jobs::may_be_done_here(&*request) {
                (*request).job = Job::new(Queue::None, Lane::NONE);
                self.own = request;
                return;
            }
            self.push_own();
            self.push_work(request);
        }
    }

    /// The caller does not do it: a worker does.
    pub(super) fn push_own(&mut self) {
        if !self.own.is_null() {
            let own = core::mem::replace(&mut self.own, null_mut());
            // SAFETY: it is live, and in the place of those that are queued.
            unsafe { self.push_work(own) };
        }
    }

    unsafe fn push_work(&mut self, request: *mut Request) {
        // SAFETY: as the caller says.
        unsafe {
            if (*request).proxy.is_some() || self.bound(&*request) != Bound::No {
                return self.punt_to_proxy(request);
            }
            if (*request).is(AHEAD) {
                return read_ahead::push(self.ring, request);
            }
            let rights = self.rights();
            work::push(self.ring, request, rights);
        }
    }

    /// Whoever waits for a request does not do it after all.
    ///
    /// # Safety
    /// It must have been [taken](Self::take_own), and not be done.
    pub unsafe fn push_again(&mut self, request: *mut Request) {
        // SAFETY: it is in the place of those that are queued.
        unsafe { self.push_work(request) }
    }

    /// The request that the caller may do by itself, because it waits for `missing` CQEs and nothing else is under
    /// way: it goes on with it as a worker would, without the lock, and [`finish`](Self::finish)es it. NULL: there
    /// is none.
    pub fn take_own(&mut self, missing: u32) -> *mut Request {
        if self.own.is_null() || missing != 1 {
            return null_mut();
        }
        let core = &*self.core;
        // SAFETY: it is live, and what is linked to it.
        let is_alone = core.requests.outstanding == unsafe { intake::chain_length(self.own) };
        match is_alone && core.polls.armed == 0 && core.timers.next().is_none() {
            true => core::mem::replace(&mut self.own, null_mut()),
            false => null_mut(),
        }
    }
}
