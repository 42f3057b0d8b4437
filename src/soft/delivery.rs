//! What threads with a descriptor table of their own have done is handed in. They have none of the program's descriptors:
//! what begins after it, as a link, and all that is told by a descriptor is for a thread that has. One a process does that,
//! while it is needed. Mostly it is not: a request that is only to be posted for somebody who sleeps in enter needs none.

use super::keeper;
use super::perform::Performed;
use super::request::{Reference, Request, NOTIFIES};
use super::ring::Ring;
use super::turn::Turn;
use crate::abi::uring::io_uring_op;
use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::{futex, worker, Errno};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};

/// How long the thread sleeps until it ends.
const LINGER: libc::timespec = libc::timespec { tv_sec: 1, tv_nsec: 0 };

/// Rings that somebody has to look at, each with a reference.
struct State {
    rings: Vec<&'static Ring>,
    runs: bool,
    /// It ends as soon as nothing is under way.
    hurries: bool,
    /// Requests with threads that have a table of their own.
    under_way: u32,
}

struct Delivery {
    lock: Lock<{ rank::DELIVERY }>,
    state: UnsafeCell<State>,
    /// Counts calls; the thread sleeps on it.
    calls: AtomicU32,
}

// SAFETY: the state is only touched under the lock.
unsafe impl Sync for Delivery {}

static DELIVERY: Delivery = Delivery {
    lock: Lock::new(),
    state: UnsafeCell::new(State { rings: Vec::new(), runs: false, hurries: false, under_way: 0 }),
    calls: AtomicU32::new(0),
};

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(DELIVERY.lock.word()), are_taken: true };

fn with<T>(f: impl FnOnce(&mut State) -> T) -> T {
    let _held = DELIVERY.lock.lock();
    // SAFETY: the lock makes the state ours.
    f(unsafe { &mut *DELIVERY.state.get() })
}

fn call() {
    DELIVERY.calls.fetch_add(1, Ordering::Release);
    futex::wake(&DELIVERY.calls, 1);
}

/// A request is about to go to a thread with a table of its own. False when nobody could hand it in: there is no thread.
pub fn begin() -> bool {
    let starts = with(|state| {
        // Each may leave a ring to the thread, where memory may have run out.
        state.rings.try_reserve(state.under_way as usize + 2).ok()?;
        state.under_way += 1;
        state.hurries = false;
        Some(!core::mem::replace(&mut state.runs, true))
    });
    let Some(starts) = starts else { return false };
    // SAFETY: the thread needs nothing.
    if !starts || unsafe { worker::spawn(run, null_mut()) }.is_ok() {
        return true;
    }
    with(|state| {
        state.runs = false;
        state.under_way -= 1;
    });
    false
}

/// It has come back.
pub fn end() {
    let is_last = with(|state| {
        state.under_way -= 1;
        state.under_way == 0 && state.hurries
    });
    if is_last {
        call();
    }
}

/// The process has no ring any more.
pub fn end_idle() {
    let runs = with(|state| {
        state.hurries = true;
        state.runs
    });
    if runs {
        call();
    }
}

/// In a new process.
///
/// # Safety
/// No other thread of this process may use it yet.
pub unsafe fn start_over() {
    // SAFETY: as the caller says. What the parent's list has is the parent's.
    unsafe {
        DELIVERY.lock.reset();
        let new = State { rings: Vec::new(), runs: false, hurries: false, under_way: 0 };
        DELIVERY.state.get().write(new);
    }
}

/// The thread.
extern "C" fn run(_: *mut c_void) -> *mut c_void {
    worker::set_name(c"anyring-post");
    let mut timed_out = false;
    loop {
        let seen = DELIVERY.calls.load(Ordering::Acquire);
        let next = with(|state| {
            if let Some(ring) = state.rings.pop() {
                return Some(Some(ring));
            }
            let ends = state.under_way == 0 && (timed_out || state.hurries);
            state.runs = !ends;
            (!ends).then_some(None)
        });
        match next {
            None => return null_mut(),
            Some(Some(ring)) => {
                Turn::take(ring).tell_of_posted();
                keeper::attend_and_give_up(ring);
            }
            Some(None) => {
                timed_out =
                    futex::wait(&DELIVERY.calls, seen, Some(&LINGER)) == Err(Errno::ETIMEDOUT);
            }
        }
    }
}

/// Has the thread take a turn of a ring.
fn leave_to_thread(ring: &'static Ring) {
    let is_new = with(|state| {
        let is_new = !state.rings.iter().any(|other| core::ptr::eq(*other, ring));
        if is_new {
            ring.acquire();
            state.rings.push(ring);
        }
        is_new
    });
    if is_new {
        call();
    }
}

/// Hands in what a thread with a table of its own has done, without any ring's lock.
pub fn hand_in(performed: Performed) {
    let ring = performed.put_in();
    while let Some(mut turn) = Turn::try_take(ring) {
        turn.is_apart = true;
        let is_all = turn.finish_apart();
        turn.let_go_apart();
        if !is_all {
            leave_to_thread(ring);
            break;
        }
        // Somebody has put something in who did not get the lock.
        if !ring.has_inbox_after_unlock() {
            break;
        }
    }
    // What a ring has is not given back by a thread that has none of its descriptors.
    if !ring.release_unless_last() {
        with(|state| state.rings.push(ring));
        call();
    }
    end();
}

/// Whether nothing but a CQE follows on a request that is done.
fn is_simple(r: &Request) -> bool {
    use io_uring_op::*;
    const GO_ON: [u8; 2] = [IORING_OP_SPLICE as u8, IORING_OP_TEE as u8];
    let needs_no_descriptor = match &r.reference {
        Reference::None => true,
        // The slot has it as well: it is not closed.
        Reference::Fixed(file) => Rc::strong_count(file) > 1,
        _ => false,
    };
    needs_no_descriptor
        && r.proxy.is_none()
        && r.link.is_null()
        && !r.is(NOTIFIES)
        && !GO_ON.contains(&r.sqe.opcode)
}

impl Turn<'_> {
    /// Completes and posts what needs no descriptor for that. Whether that was all there is to do.
    fn finish_apart(&mut self) -> bool {
        let core = &*self.core;
        let begins_nothing = core.deferred.is_empty()
            && core.runnable.is_empty()
            && core.timers.are_none()
            && !core.direct.has_queued();
        if !begins_nothing || core.is_closed {
            return false;
        }
        let (mut inbox, is_called) = self.ring.take_inbox();
        let mut is_all = !is_called;
        if is_called {
            self.ring.call();
        }
        while let Some(request) = inbox.pop() {
            // SAFETY: what was handed in is live, and the lock makes it ours.
            unsafe {
                if is_simple(&*request) {
                    self.completes_async();
                    self.finish(request, (*request).result);
                } else {
                    self.ring.put(request);
                    is_all = false;
                }
            }
        }
        self.post_tags();
        self.publish();
        is_all && !self.core.is_untold
    }
}
