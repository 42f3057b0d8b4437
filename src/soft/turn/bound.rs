//! What is bound to whoever submitted it: it is done by that thread in its submission, or goes to its proxy.

use super::Turn;
use crate::soft::jobs::{Job, Lane, Queue};
use crate::soft::ops::{self, Bound, Outcome};
use crate::soft::proxies::{Held, Proxy, Task};
use crate::soft::request::{Place, Request, POLLED};
use crate::sys::rights::Rights;
use crate::sys::Errno;
use alloc::sync::Arc;

impl Turn<'_> {
    /// The calling thread is a proxy's.
    pub fn stand_in(&mut self, proxy: &Arc<Proxy>) {
        self.proxy = Some(proxy.clone());
    }

    /// The proxy of the submission that the turn is in.
    pub fn proxy(&mut self) -> Arc<Proxy> {
        self.proxy.get_or_insert_with(Proxy::new).clone()
    }

    /// A request of this submission does not start now: if it is bound to the submitter, it gets a proxy; the rights to write
    /// it takes along.
    ///
    /// # Safety
    /// It must be live.
    pub unsafe fn bind(&mut self, request: *mut Request) {
        // SAFETY: as the caller says.
        unsafe {
            let r = &mut *request;
            if r.proxy.is_none() && self.bound(r) != Bound::No {
                r.proxy = Some(self.proxy_for(r).hold());
            } else if r.sqe.personality == 0 && ops::changes_file(r) {
                r.rights = Some(self.rights());
            }
        }
    }

    /// Whether the calling thread has other rights than who submitted a request that it is to start: a worker does that.
    #[inline]
    pub fn lacks_rights(&mut self, r: &Request) -> bool {
        r.rights.is_some_and(|rights| rights != self.rights())
    }

    /// Whose rights what a request has a worker do is to have.
    pub fn rights_for(&mut self, r: &Request) -> Rights {
        r.rights.unwrap_or_else(|| self.rights())
    }

    /// A request that was tried here has to wait for its file: it keeps its proxy only if that is to try it again.
    ///
    /// # Safety
    /// It must be live.
    #[inline]
    pub unsafe fn rebind(&mut self, request: *mut Request) {
        // SAFETY: as the caller says.
        unsafe {
            match self.bound(&*request) {
                Bound::Always => self.bind(request),
                _ => (*request).proxy = None,
            }
        }
    }

    /// Whether a request is to be done by a proxy, of which this thread is none.
    #[inline]
    pub fn is_for_proxy(&self, r: &Request) -> bool {
        r.proxy.as_ref().is_some_and(|held| !self.is_as_good(r, held))
    }

    fn is_as_good(&self, r: &Request, held: &Held) -> bool {
        let is_its = self.proxy.as_ref().is_some_and(|own| Arc::ptr_eq(own, &held.proxy));
        // What is only bound to descriptors may go on whenever the submitter comes.
        let has_its_files = || ops::bound(r) == Bound::No && held.proxy.is_of_caller();
        is_its || has_its_files() || held.proxy.is_this_instead()
    }

    /// A request that is at hand goes to its proxy.
    ///
    /// # Safety
    /// It must be live, and have one.
    pub unsafe fn hand_to_proxy(&mut self, request: *mut Request, task: Task) {
        // SAFETY: as the caller says.
        unsafe {
            let Some(held) = &mut (*request).proxy else { return };
            held.task = task;
            let proxy = held.proxy.clone();
            if !matches!(task, Task::Run) && !proxy.has_threads() {
                // There could be none, and the submitter is somewhere else.
                return self.complete(request, Errno::EAGAIN.answer());
            }
            self.core.requests.put_away(request, Place::Queued);
            self.ring.acquire();
            (*request).ring = self.ring;
            (*request).job = Job::new(Queue::Proxy, Lane::NONE);
            proxy.push(request);
        }
    }

    /// What is bound to the submitter, and would block, goes to its proxy. The calling thread is the submitter, or the
    /// proxy's.
    ///
    /// # Safety
    /// It must be live, and in the place of those that are queued.
    pub unsafe fn punt_to_proxy(&mut self, request: *mut Request) {
        // SAFETY: as the caller says.
        unsafe {
            let id = (*request).sqe.personality;
            let identity = match id {
                0 => None,
                _ => self.core.personalities.find(id).ok().cloned(),
            };
            let held = (*request).proxy.take();
            let mut held = held.unwrap_or_else(|| self.proxy_for(&*request).hold());
            held.identity = identity;
            let is_instead = held.proxy.is_this_instead();
            let proxy = is_instead.then(|| held.proxy.clone());
            (*request).proxy = Some(held);
            self.hand_to_proxy(request, Task::Run);
            proxy.inspect(|proxy| proxy.do_all_here());
        }
    }

    /// The end of a submission: who stands in for it is there from now on.
    #[inline]
    pub fn end_submission(&mut self) {
        if let Some(proxy) = self.proxy.take() {
            proxy.settle();
        }
    }

    /// A request that is at hand has waited for its file, which has `events` now.
    ///
    /// # Safety
    /// It must be live.
    pub unsafe fn goes_on(&mut self, request: *mut Request, events: u32) {
        // SAFETY: the request is at hand.
        unsafe {
            match self.is_for_proxy(&*request) {
                true => self.hand_to_proxy(request, Task::Ready(events)),
                false => self.go_on_with(request, events),
            }
        }
    }

    /// It is tried again, in this thread.
    ///
    /// # Safety
    /// It must be live and at hand.
    pub unsafe fn go_on_with(&mut self, request: *mut Request, events: u32) {
        // SAFETY: as the caller says.
        unsafe {
            let outcome = self.tell(request, events);
            self.settle(request, outcome);
        }
    }

    /// Its operation learns of it.
    ///
    /// # Safety
    /// As above.
    pub unsafe fn tell(&mut self, request: *mut Request, events: u32) -> Outcome {
        // SAFETY: the request is live.
        unsafe {
            (*request).flags |= POLLED;
            (ops::of((*request).sqe.opcode).ready)(self, &mut *request, events)
        }
    }
}
