//! A turn: holding a ring's lock. What a request goes through while somebody has it: it starts, is tried,
//! goes to a worker or to the epoll, completes, lets its links go on. At the end of the turn, what workers
//! have done meanwhile is completed, and the CQEs are posted.

mod bound;
mod calls;
mod punt;

use super::iopoll;
use super::memory::Cqe;
use super::ops::{self, timeout, Outcome};
use super::provided;
use super::proxies::{Proxy, Task};
use super::request::*;
use super::ring::{Core, Ring};
use crate::abi::uring::*;
use crate::sys::{file, Errno};
use alloc::sync::Arc;
use core::mem::ManuallyDrop;
use core::ptr::null_mut;

/// What is wrong with the file of a request that is to fail anyway.
#[cold]
fn file_error(op: &ops::Op, r: &Request) -> Option<Errno> {
    op.needs_file.then(|| file::check(r.fd).err()).flatten()
}

/// The ring's lock, held.
pub struct Turn<'a> {
    /// The ring.
    pub ring: &'a Ring,
    /// What the lock protects.
    pub core: &'a mut Core,
    /// Whoever has the turn takes the CQEs at once: nobody has to be told of them.
    pub reaps: bool,
    /// Whoever has it has just submitted, and does not wait.
    pub submits: bool,
    /// Whoever has it serves the ring, and looks at the CQEs next.
    pub serves: bool,
    /// Whoever has it has a descriptor table without any of the program's.
    pub is_apart: bool,
    /// What would go to a worker, and may be done by whoever reaps; NULL: nothing.
    own: *mut Request,
    /// It is not the first to go there.
    has_punted: bool,
    /// Who stands in for the thread that has the turn, if somebody has to.
    pub proxy: Option<Arc<Proxy>>,
}

impl<'a> Turn<'a> {
    /// Takes the lock.
    #[inline]
    pub fn take(ring: &'a Ring) -> Self {
        let _ = ManuallyDrop::new(ring.lock().lock());
        // SAFETY: it is held.
        unsafe { Turn::resume(ring) }
    }

    /// Takes the lock unless somebody has it.
    pub fn try_take(ring: &'a Ring) -> Option<Self> {
        let _ = ManuallyDrop::new(ring.lock().try_lock()?);
        // SAFETY: it is held.
        Some(unsafe { Turn::resume(ring) })
    }

    /// Takes the lock unless somebody has it for long.
    pub fn take_patiently(ring: &'a Ring) -> Option<Self> {
        let _ = ManuallyDrop::new(ring.lock().lock_patiently()?);
        // SAFETY: it is held.
        Some(unsafe { Turn::resume(ring) })
    }

    /// Leaves the lock held.
    pub fn suspend(self) {
        let _ = ManuallyDrop::new(self);
    }

    /// Lets go of the lock without anything that a turn does at its end: what a thread does that has none of the program's
    /// descriptors.
    pub fn let_go_apart(self) {
        let turn = ManuallyDrop::new(self);
        // SAFETY: take or try_take left it held.
        unsafe { turn.ring.lock().unlock() };
    }

    /// Goes on with a turn whose lock was left held.
    ///
    /// # Safety
    /// It must be held, by the caller.
    #[inline]
    pub unsafe fn resume(ring: &'a Ring) -> Self {
        // SAFETY: the lock makes the core ours.
        let core = unsafe { &mut *ring.core() };
        Turn {
            ring,
            core,
            reaps: false,
            submits: false,
            serves: false,
            is_apart: false,
            own: null_mut(),
            has_punted: false,
            proxy: None,
        }
    }

    /// Starts a request that is at hand.
    ///
    /// # Safety
    /// It must be live and in no list.
    #[inline]
    pub unsafe fn start(&mut self, request: *mut Request) {
        // SAFETY: it is at hand: nobody else refers to it.
        let r = unsafe { &mut *request };
        if r.is(REFUSED | OVER | BROKEN) {
            // SAFETY: as above.
            return unsafe { self.answer(request) };
        }
        if self.core.is_closed {
            // SAFETY: as above.
            return unsafe { self.complete(request, Errno::ECANCELED.answer()) };
        }
        if r.proxy.is_some() && self.is_for_proxy(r) {
            // SAFETY: as above.
            return unsafe { self.hand_to_proxy(request, Task::Start) };
        }
        let op = ops::of(r.sqe.opcode);
        if op.needs_file && matches!(r.reference, Reference::None) {
            let mut found = self.find_file(r);
            if found.is_ok() && iopoll::polls(self) {
                found = iopoll::check_file(r);
            }
            if let Err(errno) = found {
                let errno = ops::why(self, r, errno);
                // SAFETY: as above.
                return unsafe { self.complete(request, errno.answer()) };
            }
        }
        let _rights = match self.take_on(r) {
            Ok(rights) => rights,
            // SAFETY: as above.
            Err(errno) => return unsafe { self.complete(request, errno.answer()) },
        };
        if let Some(assign) = op.assign {
            if let Err(errno) = assign(self, r) {
                // A file that is none comes first.
                let errno = file_error(op, r).unwrap_or(errno);
                // SAFETY: as above.
                return unsafe { self.complete(request, errno.answer()) };
            }
        }
        if (r.sqe.flags & IOSQE_ASYNC as u8 != 0 || self.lacks_rights(r))
            && op.run.is_some()
            && !provided::selects(r)
            && !r.is(NOWAIT)
        {
            // SAFETY: as above.
            return unsafe { self.settle(request, Outcome::Punt) };
        }
        // SAFETY: as above.
        unsafe { self.attempt(request) }
    }

    /// A request that is not to be tried has its turn.
    #[cold]
    unsafe fn answer(&mut self, request: *mut Request) {
        // SAFETY: the caller has it at hand.
        unsafe {
            match (*request).is(BROKEN) {
                true => self.cancel_chain(request),
                false => self.complete(request, (*request).result),
            }
        }
    }

    /// A request in flight is over. Its CQE comes after those of what is submitted in the same call, as the
    /// kernel's does.
    ///
    /// # Safety
    /// It must be live, and nothing but the list of requests in flight may have it.
    pub unsafe fn complete_later(&mut self, request: *mut Request, result: i32) {
        // SAFETY: as the caller says.
        unsafe {
            self.core.requests.fetch(request);
            (*request).flags |= OVER;
            (*request).result = result;
            self.core.runnable.push(request);
        }
    }

    /// Tries a request that is at hand without blocking.
    ///
    /// # Safety
    /// It must be live and in no list.
    pub unsafe fn attempt(&mut self, request: *mut Request) {
        // SAFETY: as said by the caller.
        unsafe {
            let issue = ops::of((*request).sqe.opcode).issue;
            let outcome = issue(self, &mut *request);
            self.settle(request, outcome);
        }
    }

    /// Finds the file of `r`. `EBADF` when there is none; whether a descriptor is open shows when it is used.
    pub fn find_file(&mut self, r: &mut Request) -> crate::sys::Result<()> {
        if r.sqe.flags & IOSQE_FIXED_FILE as u8 == 0 {
            r.fd = r.sqe.fd;
            return if r.fd < 0 { Err(Errno::EBADF) } else { Ok(()) };
        }
        let file = self.core.files.get(r.sqe.fd as u32 as usize).ok_or(Errno::EBADF)?;
        r.fd = file.fd();
        r.reference = Reference::Fixed(file.clone());
        Ok(())
    }

    /// What becomes of a request that was tried.
    ///
    /// # Safety
    /// It must be live and, except when it is kept, in no list.
    #[inline]
    pub unsafe fn settle(&mut self, request: *mut Request, outcome: Outcome) {
        // SAFETY: as said by the caller.
        unsafe {
            match outcome {
                Outcome::Done(result) => self.complete(request, result),
                elsewhere => self.leave(request, elsewhere),
            }
        }
    }

    /// A request that was tried goes on elsewhere, unless it was called off while a worker had it.
    unsafe fn leave(&mut self, request: *mut Request, outcome: Outcome) {
        // SAFETY: as said by the caller.
        unsafe {
            let r = &mut *request;
            if r.is(CANCELLED) || self.core.is_closed {
                return self.call_off(request, outcome);
            }
            match outcome {
                Outcome::Done(result) => self.complete(request, result),
                Outcome::Kept => timeout::arm_linked(self, request),
                Outcome::Wait(_) if r.is(NOWAIT) => self.complete(request, Errno::EAGAIN.answer()),
                Outcome::Wait(events) => {
                    let was_free = matches!(r.reference, Reference::None) && r.fd == r.sqe.fd;
                    let held = keep(r).and_then(|()| r.hold_file());
                    self.rebind(request);
                    if was_free && matches!(r.reference, Reference::Descriptor(_)) {
                        r.flags |= JUST_HELD;
                    }
                    let armed = held.and_then(|()| self.wait_for(request, events));
                    r.flags &= !JUST_HELD;
                    match armed {
                        Ok(()) => timeout::arm_linked(self, request),
                        Err(Errno::EPERM) => {
                            r.flags |= UNPOLLED;
                            let unpolled = ops::of((*request).sqe.opcode).unpolled;
                            let outcome = unpolled(&mut *request);
                            self.settle(request, outcome);
                        }
                        Err(errno) => self.complete(request, errno.answer()),
                    }
                }
                Outcome::Punt if r.is(NOWAIT) => self.complete(request, Errno::EAGAIN.answer()),
                Outcome::Punt => match keep(r) {
                    Ok(()) => {
                        self.core.requests.put_away(request, Place::Queued);
                        timeout::arm_linked(self, request);
                        self.punt(request);
                    }
                    Err(errno) => self.complete(request, errno.answer()),
                },
            }
        }
    }

    /// Completes a request: posts its CQE, lets its links go on, gives it back.
    ///
    /// # Safety
    /// It must be live and in no list but that of requests in flight.
    #[inline]
    pub unsafe fn complete(&mut self, request: *mut Request, result: i32) {
        // SAFETY: as said by the caller.
        unsafe {
            let r = &*request;
            // Most are: tried where they were submitted, and done.
            let is_plain = result >= 0
                && r.flags == 0
                && r.link.is_null()
                && r.place == Place::Here
                && r.sqe.flags & IOSQE_ASYNC as u8 == 0;
            if !is_plain {
                return self.complete_any(request, result);
            }
            self.note_completion(r);
            let (user_data, flags, big) = (r.sqe.user_data, r.cqe_flags, r.big);
            self.post(Cqe { user_data, res: result, flags, big });
            self.end(request);
        }
    }

    /// A request is complete: gives it back.
    #[inline]
    unsafe fn end(&mut self, request: *mut Request) {
        // SAFETY: nobody refers to it any more.
        unsafe { self.core.requests.give(request) };
        self.core.requests.outstanding -= 1;
        if !self.core.deferred.is_empty() {
            self.release_deferred();
        }
    }

    /// [`Turn::complete`] for those that failed, are linked, were away, or post no CQE.
    unsafe fn complete_any(&mut self, request: *mut Request, result: i32) {
        // SAFETY: as said by the caller; links are live as long as what they are linked to.
        unsafe {
            self.core.requests.fetch(request);
            let r = &mut *request;
            let is_due = r.is(GOOD_ETIME) && result == Errno::ETIME.answer();
            if result < 0 && !r.is(UNFAILING) && !is_due {
                r.fail();
            }
            if r.sqe.flags & IOSQE_ASYNC as u8 != 0 {
                self.completes_async();
            }
            if !r.is(SKIP) {
                self.note_completion(r);
                if r.is(NOTIFIES) {
                    r.cqe_flags |= IORING_CQE_F_MORE;
                    self.core.notices.push(ops::notice(r));
                }
                let (user_data, flags, big) = (r.sqe.user_data, r.cqe_flags, r.big);
                self.post(Cqe { user_data, res: result, flags, big });
            }
            timeout::end_linked(self, r);
            if self.core.accepts.are_there() {
                self.next_in_line(request);
            }
            let link = core::mem::replace(&mut r.link, null_mut());
            if !link.is_null() {
                self.go_on(r, link);
            }
            self.end(request);
        }
    }

    /// What is linked behind a request that is complete.
    unsafe fn go_on(&mut self, done: &Request, link: *mut Request) {
        // SAFETY: the link is live, and nobody else refers to it.
        unsafe {
            let hard = done.sqe.flags & IOSQE_IO_HARDLINK as u8 != 0 && !done.is(REFUSED);
            if !done.is(FAILED) || hard {
                self.core.requests.fetch(link);
                self.core.runnable.push(link);
                return;
            }
            // Whether those behind are silent is up to the one that failed, also if a link was refused itself.
            (*link).flags = (*link).flags & !SKIP_LINKS | BROKEN | done.flags & SKIP_LINKS;
            self.core.requests.fetch(link);
            self.core.runnable.push(link);
        }
    }

    /// Cancels a chain whose head was linked to one that has failed.
    unsafe fn cancel_chain(&mut self, head: *mut Request) {
        // SAFETY: the chain is live, and nobody else refers to it.
        unsafe {
            let skips = (*head).is(SKIP_LINKS);
            let mut at = head;
            while !at.is_null() {
                let next = core::mem::replace(&mut (*at).link, null_mut());
                let result =
                    if (*at).is(REFUSED) { (*at).result } else { Errno::ECANCELED.answer() };
                self.core.requests.fetch(at);
                if !skips {
                    let user_data = (*at).sqe.user_data;
                    self.post(Cqe { user_data, res: result, flags: 0, big: [0; 2] });
                }
                self.core.requests.give(at);
                self.core.requests.outstanding -= 1;
                at = next;
            }
            if !self.core.deferred.is_empty() {
                self.release_deferred();
            }
        }
    }

    /// Posts a CQE of a request that goes on, as multishot ones do. False, without posting one, when the
    /// completion queue is full: the request is to complete with what it has.
    #[must_use]
    pub fn post_more(&mut self, r: &Request, res: i32, flags: u32) -> bool {
        let memory = &self.core.memory;
        let room = memory.cq_entries - memory.ready().min(memory.cq_entries);
        if !self.core.overflow.is_empty() || self.core.pending.len() as u32 >= room {
            return false;
        }
        let flags = flags | IORING_CQE_F_MORE;
        self.note_completion(r);
        self.post(Cqe { user_data: r.sqe.user_data, res, flags, big: r.big });
        true
    }

    /// Tries what may be tried now, until there is nothing left.
    pub fn run(&mut self) {
        loop {
            let (mut inbox, is_called) = self.ring.take_inbox();
            if is_called {
                self.take_over();
            }
            while let Some(request) = inbox.pop() {
                self.completes_async();
                // SAFETY: what a worker hands in is live, and the lock makes it ours.
                unsafe { self.finish(request, (*request).result) };
            }
            while let Some(request) = self.core.runnable.pop() {
                // SAFETY: what may run is at hand.
                unsafe { self.start(request) };
            }
            self.post_notices();
            self.end_counted();
            if !self.ring.has_inbox() && self.core.runnable.is_empty() {
                self.post_tags();
                return;
            }
        }
    }

    /// Posts the notices of what was sent, behind all that completes in the same call.
    fn post_notices(&mut self) {
        for notice in core::mem::take(&mut self.core.notices) {
            self.post(notice);
        }
    }

    /// A worker, or the kernel's aio, has done a request.
    ///
    /// # Safety
    /// It must be live, and with nobody else.
    pub unsafe fn finish(&mut self, request: *mut Request, result: i32) {
        // SAFETY: as the caller says.
        unsafe {
            self.core.requests.fetch(request);
            let finish = ops::of((*request).sqe.opcode).finish;
            let outcome = finish(self, &mut *request, result);
            self.settle(request, outcome);
        }
    }

    /// Lets deferred chains start as far as the drains allow.
    fn release_deferred(&mut self) {
        while let Some(&head) = self.core.deferred.front() {
            // SAFETY: deferred chains are live.
            unsafe {
                let begun = head.is_null();
                let drains = begun || (*head).sqe.flags & IOSQE_IO_DRAIN as u8 != 0;
                if drains && self.core.requests.outstanding > 0 {
                    return;
                }
                self.core.deferred.pop_front();
                if begun {
                    continue;
                }
                if drains {
                    self.core.deferred.push_front(null_mut());
                }
                self.core.requests.outstanding += super::intake::chain_length(head);
                self.core.requests.fetch(head);
                self.core.runnable.push(head);
            }
        }
    }
}

/// Copies what the SQE points at: submission returns before the request is complete.
fn keep(r: &mut Request) -> crate::sys::Result<()> {
    (ops::of(r.sqe.opcode).keep)(r)
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        loop {
            self.run();
            self.send_direct();
            self.publish();
            if self.serve_own_signals() {
                continue;
            }
            self.push_own();
            self.end_submission();
            self.core.recent.clear();
            // SAFETY: take or try_take left it held.
            unsafe { self.ring.lock().unlock() };
            // What was handed in since is somebody's: ours, if we get the lock again.
            if !self.ring.has_inbox_after_unlock() {
                return;
            }
            let Some(guard) = self.ring.lock().try_lock() else { return };
            let _ = ManuallyDrop::new(guard);
        }
    }
}
