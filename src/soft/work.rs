//! The work queue: requests that block run on threads of the process. Workers start with the first
//! request, linger a little when there is nothing to do, and end.
//!
//! A worker has the rights of the thread that started it. So there is a pool for each set of rights that
//! submits: what a thread may not do, nobody does for it.

use super::ops;
use super::request::{Queue, Request};
use super::ring::Ring;
use crate::sys::fork::{self, Subject};
use crate::sys::lock::Lock;
use crate::sys::{futex, process, worker, Errno};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How long an idle worker sleeps until it ends.
const LINGER: libc::timespec = libc::timespec { tv_sec: 1, tv_nsec: 0 };
/// Looks at the queue before an idle worker sleeps.
const SPINS: u32 = 2000;

/// Workers of the same rights, and what they have to do.
struct Pool {
    lock: Lock,
    queue: UnsafeCell<Queue>,
    /// Whose rights they have; changed under all pools' lock while there is neither worker nor request.
    rights: AtomicU64,
    /// Threads that are about to push.
    pushing: AtomicU32,
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
unsafe impl Sync for Pool {}

impl Pool {
    const fn new() -> Self {
        Pool {
            lock: Lock::new(),
            queue: UnsafeCell::new(Queue::new()),
            rights: AtomicU64::new(NOBODY),
            pushing: AtomicU32::new(0),
            pushed: AtomicU32::new(0),
            asleep: AtomicU32::new(0),
            looking: AtomicU32::new(0),
            workers: AtomicU32::new(0),
        }
    }

    /// In a new process: what is queued, and those who would do it, are the parent's.
    fn start_over(&self) {
        // SAFETY: no other thread of this process has come past fork::start_over yet.
        unsafe {
            self.lock.reset();
            self.queue.get().write(Queue::new());
        }
        self.rights.store(NOBODY, Ordering::Relaxed);
        for count in [&self.pushing, &self.asleep, &self.looking, &self.workers] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// Takes its rights from an idle pool; false when it is none. With all pools' lock held.
    fn give_up(&self) -> bool {
        // First, so that either we see who is about to push, or that one sees this.
        let rights = self.rights.swap(NOBODY, Ordering::SeqCst);
        let is_idle = self.pushing.load(Ordering::SeqCst) == 0
            && self.workers.load(Ordering::SeqCst) == 0
            && self.is_empty();
        if !is_idle {
            self.rights.store(rights, Ordering::SeqCst);
        }
        is_idle
    }

    fn is_empty(&self) -> bool {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the queue ours.
        unsafe { (*self.queue.get()).is_empty() }
    }

    unsafe fn push(&'static self, request: *mut Request) {
        {
            let _held = self.lock.lock();
            // SAFETY: as the caller says; the lock makes the queue ours.
            unsafe { (*self.queue.get()).push(request) };
        }
        self.pushed.fetch_add(1, Ordering::SeqCst);
        if self.looking.load(Ordering::SeqCst) > 0 {
            return;
        }
        if self.asleep.load(Ordering::SeqCst) > 0 {
            futex::wake(&self.pushed, 1);
            return;
        }
        let most = 2 * process::cpus().max(2);
        if self.workers.load(Ordering::Relaxed) < most {
            self.workers.fetch_add(1, Ordering::Relaxed);
            // SAFETY: a worker needs its pool, which stays.
            if unsafe { worker::spawn(run, (&raw const *self).cast_mut().cast()) }.is_err()
                && self.workers.fetch_sub(1, Ordering::Relaxed) == 1
            {
                // There is nobody to do it: we do, late.
                self.drain();
            }
        }
    }

    fn pop(&self) -> Option<*mut Request> {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the queue ours.
        unsafe { (*self.queue.get()).pop() }
    }

    fn drain(&self) {
        while let Some(request) = self.pop() {
            // SAFETY: what is queued is live, and now this thread's to run.
            unsafe { perform(request) };
        }
    }

    /// Does what is in the queue, until there was nothing for a while.
    fn serve(&self) {
        loop {
            self.looking.fetch_add(1, Ordering::SeqCst);
            let mut found = None;
            for _ in 0..SPINS {
                found = self.pop();
                if found.is_some() {
                    break;
                }
                core::hint::spin_loop();
            }
            self.looking.fetch_sub(1, Ordering::SeqCst);
            // Whoever pushed while we looked left it to us.
            if let Some(request) = found.or_else(|| self.pop()) {
                // SAFETY: what is queued is live, and now this thread's to run.
                unsafe { perform(request) };
                continue;
            }
            let seen = self.pushed.load(Ordering::SeqCst);
            self.asleep.fetch_add(1, Ordering::SeqCst);
            let more = self.pop();
            let slept = if more.is_none() {
                futex::wait(&self.pushed, seen, Some(&LINGER))
            } else {
                Ok(())
            };
            self.asleep.fetch_sub(1, Ordering::SeqCst);
            match more.or_else(|| self.pop()) {
                // SAFETY: as above.
                Some(request) => unsafe { perform(request) },
                None if slept == Err(Errno::ETIMEDOUT) => return,
                None => {}
            }
        }
    }
}

/// Rights that no thread has.
const NOBODY: u64 = u64::MAX;

/// As many sets of rights may submit at the same time without one waiting for its own requests.
static POOLS: [Pool; 8] = [const { Pool::new() }; 8];
/// Held by whoever gives a pool other rights.
static RIGHTS: Lock = Lock::new();

/// Queues a request, whose place is `Queued`.
///
/// # Safety
/// It must be live until it was handed in; the ring too.
pub unsafe fn push(ring: &Ring, request: *mut Request) {
    fork::start_over(Subject::Work, || {
        // SAFETY: no other thread of this process has come here yet.
        unsafe { RIGHTS.reset() };
        POOLS.iter().for_each(Pool::start_over);
    });
    ring.acquire();
    // SAFETY: as the caller says; the state is the request's own.
    unsafe {
        (*request).ring = ring;
        match pool_for(process::rights()) {
            Some(pool) => {
                pool.push(request);
                pool.pushing.fetch_sub(1, Ordering::SeqCst);
            }
            None => perform(request),
        }
    }
}

/// The pool whose workers have `rights`, for a push; none when all pools are at work for others.
fn pool_for(rights: u64) -> Option<&'static Pool> {
    for pool in &POOLS {
        pool.pushing.fetch_add(1, Ordering::SeqCst);
        if pool.rights.load(Ordering::SeqCst) == rights {
            return Some(pool);
        }
        pool.pushing.fetch_sub(1, Ordering::SeqCst);
    }
    let _held = RIGHTS.lock();
    let same = |pool: &&Pool| pool.rights.load(Ordering::SeqCst) == rights;
    let pool = POOLS.iter().find(same).or_else(|| POOLS.iter().find(|pool| pool.give_up()))?;
    pool.pushing.fetch_add(1, Ordering::SeqCst);
    pool.rights.store(rights, Ordering::SeqCst);
    Some(pool)
}

/// Takes a request back that no worker has; false when one does.
///
/// # Safety
/// It must be live, in place `Queued`, and the ring's lock held.
pub unsafe fn take_back(ring: &Ring, request: *mut Request) -> bool {
    for pool in &POOLS {
        let _held = pool.lock.lock();
        // SAFETY: the lock makes the queue ours; the caller's reference keeps the ring.
        unsafe {
            if (*pool.queue.get()).remove(request) {
                ring.release();
                return true;
            }
        }
    }
    false
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
extern "C" fn run(pool: *mut c_void) -> *mut c_void {
    // SAFETY: pools stay.
    let pool = unsafe { &*pool.cast::<Pool>() };
    let rights = pool.rights.load(Ordering::SeqCst);
    worker::set_name(c"anyring-work");
    loop {
        pool.serve();
        pool.workers.fetch_sub(1, Ordering::SeqCst);
        // One that was pushed while we left would wait for the next.
        if pool.is_empty() {
            return null_mut();
        }
        pool.workers.fetch_add(1, Ordering::SeqCst);
        if pool.rights.load(Ordering::SeqCst) != rights {
            // It has other workers now.
            pool.workers.fetch_sub(1, Ordering::SeqCst);
            return null_mut();
        }
    }
}
