//! Delivery of events to the ring where a program may reap by itself.
//!
//! A program that takes its events by io_getevents() needs none: those come from the CQ. But there are
//! programs that never call it and look at the context's address only (QEMU does, when an eventfd tells
//! it to). A context is served for both until it is known which it has:
//!
//! - At first, what is complete at the end of io_submit() is delivered; the first io_getevents() ends
//!   that.
//! - When the program has been seen to look, or a request has an eventfd to signal, a thread delivers
//!   from then on.

use super::context::{Context, WAKE_UP};
use super::eventfds::Eventfds;
use super::events::{enter, wake_visitors};
use super::reap::consume;
use super::registry::Entry;
use crate::backing;
use crate::ring::inline::{io_uring_cq_ready, io_uring_get_sqe, io_uring_prep_nop};
use crate::ring::submit::{cq_needs_flush, get_events as flush_cq, submit};
use crate::sys::thread::{self, Thread};
use crate::sys::{futex, Result};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::ptr::null;
use core::sync::atomic::{AtomicU32, Ordering};

/// The program has neither looked nor called.
const UNDECIDED: u32 = 0;
/// The program calls io_getevents(), and nothing is left of what was delivered before.
const CALLED: u32 = 1;
/// A thread delivers.
const BEGUN: u32 = 2;
/// The program calls io_getevents(); what was delivered before is still there.
const CALLED_FIRST: u32 = 3;

/// For how long the thread sleeps where nobody may wake it.
const NAP: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// A context's delivery.
pub struct Delivery {
    state: AtomicU32,
    /// The thread is to end.
    stop: AtomicU32,
    /// The thread has ended.
    ended: AtomicU32,
    /// The thread waits for the entry's visitors to be gone.
    awaits: AtomicU32,
    /// Under the SQ lock.
    thread: UnsafeCell<Option<Thread>>,
}

impl Delivery {
    /// Not decided.
    pub fn new() -> Self {
        Delivery {
            state: AtomicU32::new(UNDECIDED),
            stop: AtomicU32::new(0),
            ended: AtomicU32::new(0),
            awaits: AtomicU32::new(0),
            thread: UnsafeCell::new(None),
        }
    }

    /// Whether what completes goes to the user ring.
    #[inline]
    pub fn delivers(&self) -> bool {
        matches!(self.state.load(Ordering::Relaxed), UNDECIDED | BEGUN)
    }

    /// Whether events may be found in the user ring.
    #[inline]
    pub fn may_hold(&self) -> bool {
        self.state.load(Ordering::Relaxed) != CALLED
    }

    /// Whether a thread delivers.
    #[inline]
    pub fn has_begun(&self) -> bool {
        // SeqCst pairs with begin_now(): a visitor knows that there is a thread, or the thread sees the visitor.
        self.state.load(Ordering::SeqCst) == BEGUN
    }

    /// Whether the thread waits for the entry's last visitor.
    #[inline]
    pub fn awaits_visitors(&self) -> bool {
        self.awaits.load(Ordering::SeqCst) != 0
    }

    /// Begins when the program has looked at its ring. Under the SQ lock.
    #[cold]
    pub fn look(&self, entry: &'static Entry, context: &Context) -> Result<()> {
        if !self.has_begun() && context.user_ring.was_seen() {
            return self.begin(entry);
        }
        Ok(())
    }

    /// In io_getevents(), under the CQ lock: the program that never looked does not reap by itself.
    #[cold]
    pub fn decide(&self, entry: &'static Entry, context: &Context) -> Result<()> {
        match self.state.load(Ordering::Relaxed) {
            UNDECIDED => {
                let Some(_sq) = entry.sq_lock.lock_unless_interrupted() else { return Ok(()) };
                self.look(entry, context)?;
                if !self.has_begun() {
                    self.state.store(CALLED_FIRST, Ordering::Relaxed);
                }
            }
            CALLED_FIRST if context.user_ring.unreaped() == 0 => {
                // Unless a thread has begun meanwhile.
                let _ = self.state.compare_exchange(
                    CALLED_FIRST,
                    CALLED,
                    Ordering::SeqCst,
                    Ordering::Relaxed,
                );
            }
            _ => {}
        }
        Ok(())
    }

    /// Has a thread deliver from now on. `EAGAIN` when there can be none. Under the SQ lock.
    #[inline]
    pub fn begin(&self, entry: &'static Entry) -> Result<()> {
        match self.has_begun() {
            true => Ok(()),
            false => self.begin_now(entry),
        }
    }

    #[cold]
    fn begin_now(&self, entry: &'static Entry) -> Result<()> {
        let arg = (&raw const *entry).cast_mut().cast();
        // SAFETY: the SQ lock makes the field ours; the entry is never unmapped, and its context not
        // dropped before the thread has been joined.
        unsafe { *self.thread.get() = Some(thread::spawn(run, arg)?) };
        self.state.store(BEGUN, Ordering::SeqCst);
        Ok(())
    }

    /// Has the thread end when it looks next; whether there is none. For a context whose removal began.
    pub fn stop(&self) -> bool {
        self.stop.store(1, Ordering::SeqCst);
        !self.has_begun() || self.ended.load(Ordering::Acquire) != 0
    }

    /// Ends the thread, if there is one, of a context whose removal began.
    pub unsafe fn end(&self, entry: &Entry, context: &Context) {
        let thread = {
            let _sq = entry.sq_lock.lock();
            // SAFETY: the SQ lock makes the field ours.
            unsafe { (*self.thread.get()).take() }
        };
        let Some(thread) = thread else { return };
        self.stop.store(1, Ordering::SeqCst);
        while self.ended.load(Ordering::Acquire) == 0 {
            futex::wake(&entry.visitors, futex::ALL);
            // SAFETY: the SQ lock makes the ring's SQ side ours.
            unsafe {
                let _sq = entry.sq_lock.lock();
                let sqe = io_uring_get_sqe(context.ring());
                if !sqe.is_null() {
                    io_uring_prep_nop(sqe);
                    (*sqe).user_data = WAKE_UP;
                }
                let _ = submit(context.ring());
            }
            let _ = futex::wait(&self.ended, 0, Some(&NAP));
        }
        thread.join();
    }
}

/// The thread: delivers whatever completes, except while callers wait for it.
extern "C" fn run(arg: *mut c_void) -> *mut c_void {
    thread::set_name(c"anyring-aio");
    // SAFETY: the argument is an entry, whose context stays until this thread has been joined.
    unsafe {
        let entry = &*arg.cast::<Entry>();
        let context = entry.context();
        // A caller that waits for several CQEs since before stands first in the kernel's queue and would keep
        // the wake-up for one CQE from this thread. From now on callers wait for one.
        wake_visitors(entry, context);
        // What is done without a CQE was done before there was a thread.
        if !deliver(entry) {
            rest(entry, context);
        }
        while context.delivery.stop.load(Ordering::SeqCst) == 0 {
            match enter(context, 1, None, null()) {
                // The program has closed the ring: there is nothing to deliver any more.
                Err(errno) if backing::says_lost(errno) => break,
                Err(_) => nap(entry),
                Ok(_) if deliver(entry) => {}
                Ok(_) => rest(entry, context),
            }
        }
        context.delivery.ended.store(1, Ordering::Release);
        futex::wake(&context.delivery.ended, 1);
    }
    core::ptr::null_mut()
}

fn nap(entry: &Entry) {
    let _ = futex::wait(&entry.visitors, entry.visitors.load(Ordering::SeqCst), Some(&NAP));
}

/// Waits until callers are gone, or a while for a program to reap. Callers that wait for several events
/// since before there was a thread are woken for the first: it may have an eventfd.
unsafe fn rest(entry: &Entry, context: &Context) {
    context.delivery.awaits.store(1, Ordering::SeqCst);
    nap(entry);
    context.delivery.awaits.store(0, Ordering::SeqCst);
    // SAFETY: the context stays until this thread has been joined.
    unsafe {
        if io_uring_cq_ready(context.ring()) > 0 {
            wake_visitors(entry, context);
        }
    }
}

/// Moves what has completed to the user ring; false when something was left: because there is no room,
/// or because threads are inside of io_getevents(), who take it.
pub unsafe fn deliver(entry: &Entry) -> bool {
    let Some(_cq) = entry.cq_lock.lock_unless_interrupted() else { return false };
    if !entry.is_live() {
        return true;
    }
    if entry.visitors.load(Ordering::SeqCst) != 0 {
        return false;
    }
    // SAFETY: the entry is live under the CQ lock.
    unsafe {
        let context = entry.context();
        // An io_getevents() may have come before us: from then on nobody looks at the ring.
        if !context.delivery.delivers() {
            return true;
        }
        let ring = &context.user_ring;
        loop {
            let mut room = ring.capacity() - ring.unreaped();
            consume(entry, context, room as usize, |event| {
                ring.push(event);
                room -= 1;
            });
            // What the CQ had no room for follows now.
            let flushes = room > 0 && cq_needs_flush(context.ring());
            let has_more = flushes
                && flush_cq(context.ring()).is_ok()
                && io_uring_cq_ready(context.ring()) > 0;
            if !has_more {
                return room > 0;
            }
        }
    }
}

/// Eventfds to signal: completions that follow each other mostly have the same.
pub struct Signals<'a> {
    eventfds: &'a Eventfds,
    eventfd: c_int,
    count: u32,
}

impl<'a> Signals<'a> {
    /// None, of a context's.
    pub fn none(eventfds: &'a Eventfds) -> Self {
        Signals { eventfds, eventfd: -1, count: 0 }
    }

    /// One more on `eventfd`, whose request is over.
    pub fn add(&mut self, eventfd: c_int) {
        if eventfd != self.eventfd {
            self.send();
            self.eventfd = eventfd;
        }
        self.count += 1;
    }

    /// Signals what was added.
    #[inline]
    pub fn send(&mut self) {
        if self.count > 0 {
            self.eventfds.let_go(self.eventfd, self.count, true);
        }
        self.count = 0;
    }
}
