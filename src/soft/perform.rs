//! Doing a request by the system calls that may block, in whatever thread that is, and handing its result in to its ring.

use super::ops;
use super::request::Request;
use super::ring::Ring;
use super::workers::Kind;
use crate::sys::{process, worker, Errno};
use core::ffi::c_void;
use core::ptr::null_mut;

/// Does a request in the thread that waits for it; its result. `EINTR` when a signal came first: it is not done.
///
/// # Safety
/// It must be live, one that may be done there, and with nobody else.
pub unsafe fn perform_own(request: *mut Request) -> crate::sys::Result<i32> {
    // SAFETY: as the caller says.
    unsafe {
        let run = ops::of((*request).sqe.opcode).run.ok_or(Errno::EAGAIN)?;
        match run(&mut *request) {
            result if result == Errno::EINTR.answer() => Err(Errno::EINTR),
            result => {
                (*request).job.end();
                Ok(result)
            }
        }
    }
}

/// A request that was done, and what came of it. A reference to its ring belongs to it.
#[must_use]
pub struct Performed {
    request: *mut Request,
    result: i32,
}

/// Does a request.
///
/// # Safety
/// It must be live, with a reference to its ring, and the caller's to do.
pub unsafe fn perform(request: *mut Request) -> Performed {
    // SAFETY: as the caller says.
    let result = unsafe {
        match ops::of((*request).sqe.opcode).run {
            Some(run) => loop {
                if (*request).job.is_called_off() {
                    break Errno::ECANCELED.answer();
                }
                let result = run(&mut *request);
                if (*request).job.stands(result) {
                    break result;
                }
            },
            None => Errno::EAGAIN.answer(),
        }
    };
    Performed { request, result }
}

/// Does a request without waiting, if it can be done so. `ECANCELED`.
///
/// # Safety
/// As for [`perform`].
pub unsafe fn perform_at_once(request: *mut Request) -> Performed {
    // SAFETY: as the caller says.
    let run = unsafe { ops::of((*request).sqe.opcode).run_at_once };
    // SAFETY: as above.
    let result = run.map_or(Errno::ECANCELED.answer(), |run| run(unsafe { &mut *request }));
    Performed { request, result }
}

/// Fails a request instead.
///
/// # Safety
/// As for [`perform`].
pub unsafe fn fail(request: *mut Request, errno: Errno) -> Performed {
    Performed { request, result: errno.answer() }
}

impl Performed {
    /// Hands it in. Without any ring's lock.
    pub fn hand_in(self) {
        super::keeper::attend_and_give_up(self.put_in_and_look());
    }

    /// The same for whoever has a ring's lock, and could start no thread.
    pub fn hand_in_inside(self) {
        super::table::give_up(self.put_in_and_look());
    }

    fn put_in_and_look(self) -> &'static Ring {
        let ring = self.put_in();
        ring.complete_handed_in();
        ring
    }

    /// Puts it into its ring's inbox, for whoever takes the next turn. The reference is the caller's.
    pub fn put_in(self) -> &'static Ring {
        // SAFETY: whoever made it said that the request is live and its ring has a reference for it.
        unsafe {
            let ring = &*(*self.request).ring;
            (*self.request).result = self.result;
            (*self.request).job.end();
            ring.put(self.request);
            ring
        }
    }
}

/// Does what no worker can be had for, with a ring's lock held: what may wait for ever only if it can be done without.
/// Else `ECANCELED`, as the kernel without a worker.
///
/// # Safety
/// As for [`perform`].
pub unsafe fn perform_here(kind: Kind, request: *mut Request) -> Performed {
    // SAFETY: as for perform.
    unsafe {
        match kind {
            Kind::Bounded | Kind::Files => perform(request),
            Kind::Unbounded => perform_at_once(request),
        }
    }
}

/// Does a request past the queue, or has a thread of its own do it: a signal handler submits it that may have interrupted
/// its thread in a queue.
///
/// # Safety
/// As for [`perform`].
pub unsafe fn perform_apart(kind: Kind, request: *mut Request) {
    extern "C" fn run(request: *mut c_void) -> *mut c_void {
        let request = request.cast::<Request>();
        // SAFETY: it was queued for this thread.
        unsafe {
            (*request).job.begin(process::thread_id());
            perform(request).hand_in();
        }
        null_mut()
    }
    // SAFETY: as for perform.
    unsafe {
        let may_wait = matches!(kind, Kind::Unbounded);
        if !may_wait || worker::spawn(run, request.cast()).is_err() {
            perform_here(kind, request).hand_in_inside();
        }
    }
}
