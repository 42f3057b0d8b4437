//! Reads whose data is on its way. One that was tried without blocking has had the kernel read ahead: all that is
//! left is to wait for it. More threads would not make the disk faster, only wake each other, so that one goes
//! through these reads in order. Another watches it and takes over when there is no headway, as when a file is on a
//! server that does not answer; who was slow rests afterwards.

use super::jobs::{Job, Jobs, Lane, Queue};
use super::perform::perform;
use super::request::Request;
use super::ring::Ring;
use super::{work, workers};
use crate::sys::lock::Lock;
use crate::sys::{futex, process, worker, Errno};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU8, Ordering};

/// Without headway for so long another one takes over: longer than a disk takes.
const TICK: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };
/// How long an idle thread sleeps until it ends.
const LINGER: libc::timespec = libc::timespec { tv_sec: 1, tv_nsec: 0 };
/// The same for the one that watches.
const IDLE_TICKS: u32 = 100;
/// Looks at the queue before an idle thread sleeps.
const SPINS: u32 = 2000;
/// Threads, however many of them make no headway.
const MOST: u32 = 16;

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
    len: u32,
    threads: u32,
    /// Those of them that have a read.
    reading: u32,
    /// Counts the reads that were begun.
    begun: u32,
    /// One of them watches.
    is_watched: bool,
    /// One was woken or started that has not looked yet.
    is_called: bool,
}

/// Who is missing.
enum Need {
    Nobody,
    Sleeper,
    Thread,
}

impl State {
    const fn new() -> Self {
        State {
            queue: Jobs::new(),
            len: 0,
            threads: 0,
            reading: 0,
            begun: 0,
            is_watched: false,
            is_called: false,
        }
    }

    /// Who is missing, and is called from now on: somebody who reads, and somebody who watches.
    fn need(&mut self) -> Need {
        let has_all = self.reading > 0 && self.is_watched;
        if self.len == 0 || self.is_called || has_all {
            return Need::Nobody;
        }
        if self.threads > self.reading {
            self.is_called = true;
            return Need::Sleeper;
        }
        if self.threads == MOST {
            return Need::Nobody;
        }
        self.threads += 1;
        self.is_called = true;
        Need::Thread
    }

    fn take(&mut self) -> Option<*mut Request> {
        let request = self.queue.pop()?;
        self.len -= 1;
        self.reading += 1;
        self.begun = self.begun.wrapping_add(1);
        Some(request)
    }
}

struct Readers {
    lock: Lock,
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

/// What a thread knows of itself.
#[derive(Default)]
struct Thread {
    /// It was woken, or has just started.
    was_called: bool,
    has_read: bool,
    watches: bool,
    /// What had been begun when it last looked, as the one that watches.
    begun: u32,
    /// Ticks for which there was nothing to watch.
    idle: u32,
}

/// What it does next.
enum Next {
    Read(*mut Request, Need),
    Sleep,
    End,
}

impl Readers {
    /// Does something with the state.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the state ours.
        let state = unsafe { &mut *self.state.get() };
        let done = f(state);
        self.len.store(state.len, Ordering::Relaxed);
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
        let is_last = self.with(|state| {
            state.threads -= 1;
            state.is_called = false;
            state.threads == 0
        });
        // There is nobody to do it: we do, late.
        while let Some(request) = is_last.then(|| self.with(State::take)).flatten() {
            // SAFETY: what is queued is live, and now this thread's to run.
            unsafe { perform(request) }.hand_in_inside();
            self.with(|state| state.reading -= 1);
        }
    }

    /// What a thread does next, once it has looked.
    fn decide(&self, me: &mut Thread, timed_out: bool) -> Next {
        self.with(|state| {
            state.reading -= u32::from(core::mem::take(&mut me.has_read));
            state.is_called &= !core::mem::take(&mut me.was_called);
            let is_stuck = me.watches && timed_out && state.begun == me.begun;
            if state.reading == 0 || is_stuck {
                if let Some(request) = state.take() {
                    state.is_watched &= !core::mem::take(&mut me.watches);
                    me.has_read = true;
                    return Next::Read(request, state.need());
                }
            }
            me.begun = state.begun;
            me.idle = if timed_out && state.len == 0 { me.idle + 1 } else { 0 };
            let lingered = if me.watches { me.idle >= IDLE_TICKS } else { timed_out };
            let hurries = self.hurries.load(Ordering::Relaxed) && state.len == 0;
            if (lingered || hurries) && !state.is_called {
                state.is_watched &= !me.watches;
                state.threads -= 1;
                return Next::End;
            }
            me.watches |= !core::mem::replace(&mut state.is_watched, true);
            Next::Sleep
        })
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
            match self.decide(me, timed_out) {
                Next::Read(request, need) => {
                    self.call(need);
                    return Some(request);
                }
                Next::End => return None,
                Next::Sleep => {}
            }
            let time = if me.watches { &TICK } else { &LINGER };
            let slept = futex::wait(&self.wakes, seen, Some(time));
            timed_out = slept == Err(Errno::ETIMEDOUT);
            me.was_called = !timed_out;
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
        state.len += 1;
        state.need()
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
        state.len -= u32::from(taken);
        taken
    })
}

/// The process has no ring any more: threads end as soon as they are idle. Returns how many are at work.
pub fn end_idle() -> u32 {
    READERS.hurries.store(true, Ordering::Relaxed);
    let (threads, reading) = READERS.with(|state| (state.threads, state.reading));
    if threads > reading {
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
    let mut me = Thread { was_called: true, ..Thread::default() };
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
