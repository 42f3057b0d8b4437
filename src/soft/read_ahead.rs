//! Reads whose data is on its way. One that was tried without blocking has had the kernel read ahead: all that is
//! left is to wait for it. More threads would not make the disk faster, only wake each other, so that one goes
//! through these reads in order. Another watches it and takes over when there is no headway, as when a file is on a
//! server that does not answer; who was slow rests afterwards.

mod roster;

use super::jobs::{Job, Jobs, Lane, Queue};
use super::perform::perform;
use super::request::Request;
use super::ring::Ring;
use super::{work, workers};
use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::{futex, process, worker, Errno};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU8, Ordering};
use roster::{Need, Next, Roster, Thread};

/// Without headway for so long another one takes over: longer than a disk takes.
const TICK: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };
/// How long an idle thread sleeps until it ends.
const LINGER: libc::timespec = libc::timespec { tv_sec: 1, tv_nsec: 0 };
/// Looks at the queue before an idle thread sleeps.
const SPINS: u32 = 2000;

/// Whether a read that was refused because it would block has its data on its way.
pub fn are_ahead() -> bool {
    /// The first kernel that is counted on to read ahead for those that do not wait.
    const SINCE: (u32, u32) = (5, 10);
    const UNKNOWN: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);
    match KNOWN.load(Ordering::Relaxed) {
        UNKNOWN => {
            let are = process::kernel_version().is_some_and(|version| version >= SINCE);
            KNOWN.store(u8::from(are), Ordering::Relaxed);
            are
        }
        known => known != 0,
    }
}

/// What the lock protects.
struct State {
    queue: Jobs,
    roster: Roster,
}

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(READERS.lock.word()), are_taken: true };

impl State {
    const fn new() -> Self {
        State { queue: Jobs::new(), roster: Roster::new() }
    }
}

struct Readers {
    lock: Lock<{ rank::READ_AHEAD }>,
    state: UnsafeCell<State>,
    /// How many stand in the queue, as far as those know who do not hold the lock.
    len: AtomicU32,
    /// Nobody is to linger.
    hurries: AtomicBool,
    /// Counts wake-ups; idle threads sleep on it.
    wakes: AtomicU32,
}

// SAFETY: the state is only touched under the lock.
unsafe impl Sync for Readers {}

static READERS: Readers = Readers {
    lock: Lock::new(),
    state: UnsafeCell::new(State::new()),
    len: AtomicU32::new(0),
    hurries: AtomicBool::new(false),
    wakes: AtomicU32::new(0),
};

impl Readers {
    /// Does something with the state.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the state ours.
        let state = unsafe { &mut *self.state.get() };
        let done = f(state);
        self.len.store(state.roster.len, Ordering::Relaxed);
        done
    }

    fn call(&'static self, need: Need) {
        match need {
            Need::Nobody => {}
            Need::Sleeper => {
                self.wakes.fetch_add(1, Ordering::Release);
                futex::wake(&self.wakes, 1);
            }
            Need::Thread => self.start(),
        }
    }

    fn start(&'static self) {
        // SAFETY: a thread needs nothing.
        if unsafe { worker::spawn(run, null_mut()) }.is_ok() {
            return;
        }
        if !self.with(|state| state.roster.could_not_start()) {
            return;
        }
        // There is nobody to do it: we do, late.
        let take = |state: &mut State| {
            let request = state.queue.pop()?;
            state.roster.len -= 1;
            Some(request)
        };
        while let Some(request) = self.with(take) {
            // SAFETY: what is queued is live, and now this thread's to run.
            unsafe { perform(request) }.hand_in_inside();
        }
    }

    /// The next read for a thread; none: it ends.
    fn next(&'static self, me: &mut Thread) -> Option<*mut Request> {
        for _ in 0..if me.has_read { SPINS } else { 0 } {
            if self.len.load(Ordering::Relaxed) > 0 || self.hurries.load(Ordering::Relaxed) {
                break;
            }
            core::hint::spin_loop();
        }
        let mut timed_out = false;
        loop {
            let seen = self.wakes.load(Ordering::Acquire);
            let hurries = self.hurries.load(Ordering::Relaxed);
            let (next, request) = self.with(|state| {
                let next = state.roster.decide(me, timed_out, hurries);
                (next, me.has_read.then(|| state.queue.pop()).flatten())
            });
            match next {
                Next::Read(need) => {
                    self.call(need);
                    return request;
                }
                Next::End => return None,
                Next::Sleep => {}
            }
            let time = if me.watches { &TICK } else { &LINGER };
            timed_out = futex::wait(&self.wakes, seen, Some(time)) == Err(Errno::ETIMEDOUT);
        }
    }
}

/// Queues a read, whose place is `Queued`.
///
/// # Safety
/// It must be live until it was handed in; the ring too.
pub unsafe fn push(ring: &Ring, request: *mut Request) {
    work::start_over();
    ring.acquire();
    READERS.hurries.store(false, Ordering::Relaxed);
    let need = READERS.with(|state| {
        // SAFETY: as the caller says; it is in no queue.
        unsafe {
            (*request).ring = ring;
            (*request).job = Job::new(Queue::Readers, Lane::NONE);
            state.queue.push(request);
        }
        state.roster.add()
    });
    READERS.call(need);
}

/// Takes a read out of the queue; false when a thread has it.
///
/// # Safety
/// It must be live, and was pushed.
pub unsafe fn take_back(request: *mut Request) -> bool {
    READERS.with(|state| {
        // SAFETY: as the caller says.
        let taken = unsafe { state.queue.remove(request) };
        state.roster.len -= u32::from(taken);
        taken
    })
}

/// The process has no ring any more: threads end as soon as they are idle. Returns how many are at work.
pub fn end_idle() -> u32 {
    READERS.hurries.store(true, Ordering::Relaxed);
    let (reading, idle) = READERS.with(|state| state.roster.busy_and_idle());
    if idle > 0 {
        READERS.wakes.fetch_add(1, Ordering::Release);
        futex::wake(&READERS.wakes, futex::ALL);
    }
    reading
}

/// In a new process: what is queued, and those who would do it, are the parent's.
///
/// # Safety
/// No other thread of this process may use it yet.
pub unsafe fn start_over() {
    // SAFETY: as the caller says.
    unsafe {
        READERS.lock.reset();
        READERS.state.get().write(State::new());
    }
    READERS.len.store(0, Ordering::Relaxed);
    READERS.hurries.store(false, Ordering::Relaxed);
}

/// A thread.
extern "C" fn run(_: *mut c_void) -> *mut c_void {
    worker::set_name(c"anyring-read");
    let mut placed = workers::Placed::default();
    let id = process::thread_id();
    let mut me = Thread::default();
    while let Some(request) = READERS.next(&mut me) {
        placed.settle();
        // SAFETY: what was queued is live, and now this thread's to run.
        unsafe {
            (*request).job.begin(id);
            perform(request).hand_in();
        }
    }
    null_mut()
}
