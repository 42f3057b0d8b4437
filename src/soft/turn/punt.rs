//! Punting: a request that would block goes to a worker, or is left for whoever waits for it.

use super::Turn;
use crate::abi::uring::io_uring_op;
use crate::soft::jobs::{self, Job, Lane, Queue};
use crate::soft::ops::{self, Bound};
use crate::soft::request::{Request, AHEAD};
use crate::soft::{intake, read_ahead, work};
use crate::sys::file::Kind;
use crate::sys::{owned, Errno, Result};
use core::ptr::null_mut;

/// What has another file as well, or a ring, or may have to wait afterwards.
const NEEDS_ALL: [u8; 4] = {
    use io_uring_op::*;
    [IORING_OP_SPLICE as u8, IORING_OP_TEE as u8, IORING_OP_MSG_RING as u8, IORING_OP_ACCEPT as u8]
};

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
            let r = &mut *request;
            let is_bound = r.proxy.is_some() || self.bound(r) != Bound::No;
            if !is_bound {
                match self.pass_file(request) {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(errno) => return self.complete(request, errno.answer()),
                }
            }
            match self.hold_file(r) {
                // No descriptor is left. Before the program can close its own, it is done.
                Ok(()) if r.is_unheld() && jobs::ends_by_itself(r) => {
                    let run = ops::of(r.sqe.opcode).run;
                    let result = run.map_or(Errno::EAGAIN.answer(), |run| run(r));
                    self.finish(request, result);
                }
                Ok(()) if is_bound => self.punt_to_proxy(request),
                Ok(()) if r.is(AHEAD) => read_ahead::push(self.ring, request),
                Ok(()) => {
                    let rights = self.rights_for(r);
                    work::push(self.ring, request, rights);
                }
                Err(errno) => self.complete(request, errno.answer()),
            }
        }
    }

    /// Has workers with a descriptor table of their own do what is done on a file of a disk. False where that cannot be.
    unsafe fn pass_file(&mut self, request: *mut Request) -> Result<bool> {
        // SAFETY: as the caller says.
        let r = unsafe { &mut *request };
        if r.fd < 0 || !ops::of(r.sqe.opcode).needs_file || NEEDS_ALL.contains(&r.sqe.opcode) {
            return Ok(false);
        }
        let look = self.look_at_file(r);
        // What is told of a directory, and who has a lock of a file, a close in the program's table would end.
        let is_sensitive = match look.kind {
            Kind::Cached => owned::has_been_locked(r.fd, look.identity),
            _ => look.is_directory,
        };
        if !is_sensitive {
            return Ok(false);
        }
        let rights = self.rights_for(r);
        let (core, ring) = (&mut *self.core, self.ring);
        let changes = core.files.changes;
        let pass = |table| core.recent.pass(table, r.fd, changes);
        // SAFETY: as above.
        let passed = unsafe {
            match r.is(AHEAD) {
                true => read_ahead::push_with_file(ring, request, pass),
                false => work::push_with_file(ring, request, rights, pass),
            }
        };
        match passed {
            Err(Errno::EMFILE) => Ok(false),
            passed => passed.map(|()| true),
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

    /// Before the program is shown that its SQEs were taken: what its descriptor is for is settled, unless the caller does
    /// it next.
    #[inline]
    pub fn settle_own(&mut self) {
        if !self.own.is_null() && !self.is_own_alone() {
            self.push_own();
        }
    }

    fn is_own_alone(&self) -> bool {
        let core = &*self.core;
        // SAFETY: it is live, and what is linked to it.
        let is_alone = core.requests.outstanding == unsafe { intake::chain_length(self.own) };
        is_alone && core.polls.armed == 0 && core.timers.next().is_none()
    }

    /// The request that the caller may do by itself, because it waits for `missing` CQEs and nothing else is under
    /// way: it goes on with it as a worker would, without the lock, and [`finish`](Self::finish)es it. NULL: there
    /// is none.
    pub fn take_own(&mut self, missing: u32) -> *mut Request {
        if self.own.is_null() || missing != 1 {
            return null_mut();
        }
        match self.is_own_alone() {
            true => core::mem::replace(&mut self.own, null_mut()),
            false => null_mut(),
        }
    }
}
