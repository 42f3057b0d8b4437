//! The work queue: requests that block run on threads of the process. Workers start with the first
//! request, linger a little when there is nothing to do, and end.

use super::ops;
use super::request::{Queue, Request};
use super::ring::Ring;
use crate::sys::fork::{self, Subject};
use crate::sys::lock::Lock;
use crate::sys::{futex, process, worker, Errno};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};

/// How long an idle worker sleeps until it ends.
const LINGER: libc::timespec = libc::timespec { tv_sec: 1, tv_nsec: 0 };
/// Looks at the queue before an idle worker sleeps.
const SPINS: u32 = 2000;

struct Work {
    lock: Lock,
    queue: UnsafeCell<Queue>,
    /// Counts what was pushed; idle workers sleep on it.
    pushed: AtomicU32,
    /// Workers that sleep.
    asleep: AtomicU32,
    /// Workers that look at the queue and will find what is in it.
    looking: AtomicU32,
    /// Workers that there are.
    workers: AtomicU32,
}

// SAFETY: the queue is only touched under the lock.
unsafe impl Sync for Work {}

static WORK: Work = Work {
    lock: Lock::new(),
    queue: UnsafeCell::new(Queue::new()),
    pushed: AtomicU32::new(0),
    asleep: AtomicU32::new(0),
    looking: AtomicU32::new(0),
    workers: AtomicU32::new(0),
};

/// Queues a request, whose place is `Queued`.
///
/// # Safety
/// It must be live until it was handed in; the ring too.
pub unsafe fn push(ring: &Ring, request: *mut Request) {
    fork::start_over(Subject::Work, start_over);
    ring.acquire();
    // SAFETY: as the caller says; the state is the request's own.
    unsafe {
        (*request).ring = ring;
        let _held = WORK.lock.lock();
        (*WORK.queue.get()).push(request);
    }
    WORK.pushed.fetch_add(1, Ordering::SeqCst);
    if WORK.looking.load(Ordering::SeqCst) > 0 {
        return;
    }
    if WORK.asleep.load(Ordering::SeqCst) > 0 {
        futex::wake(&WORK.pushed, 1);
        return;
    }
    let most = 2 * process::cpus().max(2);
    if WORK.workers.load(Ordering::Relaxed) < most {
        WORK.workers.fetch_add(1, Ordering::Relaxed);
        // SAFETY: a worker needs nothing.
        if unsafe { worker::spawn(run, null_mut()) }.is_err()
            && WORK.workers.fetch_sub(1, Ordering::Relaxed) == 1
        {
            // There is nobody to do it: we do, late.
            drain();
        }
    }
}

/// In a new process: what is queued, and those who would do it, are the parent's.
fn start_over() {
    // SAFETY: no other thread of this process has come past fork::start_over yet.
    unsafe {
        WORK.lock.reset();
        WORK.queue.get().write(Queue::new());
    }
    for count in [&WORK.asleep, &WORK.looking, &WORK.workers] {
        count.store(0, Ordering::Relaxed);
    }
}

/// Takes a request back that no worker has; false when one does.
///
/// # Safety
/// It must be live, in place `Queued`, and the ring's lock held.
pub unsafe fn take_back(ring: &Ring, request: *mut Request) -> bool {
    let _held = WORK.lock.lock();
    // SAFETY: the lock makes the queue ours; the caller's reference keeps the ring.
    unsafe {
        let found = (*WORK.queue.get()).remove(request);
        if found {
            ring.release();
        }
        found
    }
}

fn pop() -> Option<*mut Request> {
    let _held = WORK.lock.lock();
    // SAFETY: the lock makes the queue ours.
    unsafe { (*WORK.queue.get()).pop() }
}

fn drain() {
    while let Some(request) = pop() {
        // SAFETY: what is queued is live, and now this thread's to run.
        unsafe { perform(request) };
    }
}

unsafe fn perform(request: *mut Request) {
    // SAFETY: a queued request is live and its ring has a reference for it.
    unsafe {
        let ring = &*(*request).ring;
        (*request).result = match ops::of((*request).sqe.opcode).run {
            Some(run) => run(&mut *request),
            None => Errno::EAGAIN.answer(),
        };
        ring.hand_in(request);
        super::table::give_up(ring);
    }
}

/// A worker.
extern "C" fn run(_: *mut c_void) -> *mut c_void {
    crate::sys::worker::set_name(c"anyring-work");
    loop {
        WORK.looking.fetch_add(1, Ordering::SeqCst);
        let mut found = None;
        for _ in 0..SPINS {
            found = pop();
            if found.is_some() {
                break;
            }
            core::hint::spin_loop();
        }
        WORK.looking.fetch_sub(1, Ordering::SeqCst);
        // Whoever pushed while we looked left it to us.
        if let Some(request) = found.or_else(pop) {
            // SAFETY: what is queued is live, and now this thread's to run.
            unsafe { perform(request) };
            continue;
        }
        let seen = WORK.pushed.load(Ordering::SeqCst);
        WORK.asleep.fetch_add(1, Ordering::SeqCst);
        let more = pop();
        let slept =
            if more.is_none() { futex::wait(&WORK.pushed, seen, Some(&LINGER)) } else { Ok(()) };
        WORK.asleep.fetch_sub(1, Ordering::SeqCst);
        match more.or_else(pop) {
            // SAFETY: as above.
            Some(request) => unsafe { perform(request) },
            None if slept == Err(Errno::ETIMEDOUT) => break,
            None => {}
        }
    }
    WORK.workers.fetch_sub(1, Ordering::SeqCst);
    // One that was pushed while we left would wait for the next.
    drain();
    null_mut()
}
