//! Reads whose data is on its way. One that was tried without blocking has had the kernel read ahead: all that is
//! left is to wait for it. More threads would not make the disk faster, only wake each other, so that one goes
//! through these reads in order. Another watches it and takes over when there is no headway, as when a file is on a
//! server that does not answer; who was slow rests afterwards.

mod roster;

use super::jobs::{Job, Jobs, Lane, Queue};
use super::perform::{perform, perform_apart};
use super::private_table::{Passed, PrivateTable};
use super::request::{Request, PASSED};
use super::ring::Ring;
use super::{delivery, work, workers};
use crate::sys::caller::Busy;
use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::{futex, process, worker, Errno, Result};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU8, Ordering};
use roster::{Need, Next, Roster, Thread};

/// Without headway for so long another one takes over: longer than a disk takes.
const TICK: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };
/// How long an idle thread sleeps until it ends: the kernel reads without one.
const LINGER: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 20_000_000 };
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
pub static LOCKS: Class =
    Class { each: |f| ALL.iter().for_each(|readers| f(readers.lock.word())), are_taken: true };

/// The descriptor table that the threads have.
pub fn table() -> &'static PrivateTable {
    &PRIVATE.table
}

impl State {
    const fn new(is_private: bool) -> Self {
        State { queue: Jobs::new(), roster: Roster::new(is_private) }
    }
}

struct Readers {
    lock: Lock<{ rank::READ_AHEAD }>,
    state: UnsafeCell<State>,
    /// How many stand in the queue, as far as those know who do not hold the lock.
    len: AtomicU32,
    /// Nobody is to linger.
    hurries: AtomicBool,
    /// The descriptor table of those that have their own. All sleep on its wake-ups.
    table: PrivateTable,
    /// They have their own.
    is_private: bool,
}

// SAFETY: the state is only touched under the lock.
unsafe impl Sync for Readers {}

/// Those of files whose descriptors may be closed anywhere.
static PLAIN: Readers = Readers::new(false);
/// Those with a descriptor table of their own.
static PRIVATE: Readers = Readers::new(true);
static ALL: [&Readers; 2] = [&PLAIN, &PRIVATE];

impl Readers {
    const fn new(is_private: bool) -> Self {
        Readers {
            lock: Lock::new(),
            state: UnsafeCell::new(State::new(is_private)),
            len: AtomicU32::new(0),
            hurries: AtomicBool::new(false),
            table: PrivateTable::new(),
            is_private,
        }
    }

    /// Does something with the state.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the state ours.
        let state = unsafe { &mut *self.state.get() };
        let done = f(state);
        self.len.store(state.roster.len, Ordering::Relaxed);
        done
    }

    unsafe fn push(&'static self, ring: &Ring, request: *mut Request) {
        ring.acquire();
        if Busy::is_caller() {
            // SAFETY: as the caller says.
            return unsafe {
                (*request).ring = ring;
                (*request).job = Job::new(Queue::None, Lane::NONE);
                perform_apart(workers::Kind::Bounded, request);
            };
        }
        // Until a thread is called.
        let _busy = Busy::begin();
        self.hurries.store(false, Ordering::Relaxed);
        let need = self.with(|state| {
            // SAFETY: as the caller says; it is in no queue.
            unsafe {
                (*request).ring = ring;
                (*request).job = Job::new(Queue::Readers, Lane::NONE);
                state.queue.push(request);
            }
            state.roster.add()
        });
        self.call(need);
    }

    /// Has idle ones end as soon as they are; how many are at work.
    fn hurry(&self) -> u32 {
        self.hurries.store(true, Ordering::Relaxed);
        let (reading, idle) = self.with(|state| state.roster.busy_and_idle());
        if idle > 0 {
            self.table.wakes.fetch_add(1, Ordering::Release);
            futex::wake(&self.table.wakes, futex::ALL);
        }
        reading
    }

    fn call(&'static self, need: Need) {
        match need {
            Need::Nobody => {}
            Need::Sleeper => {
                self.table.wakes.fetch_add(1, Ordering::Release);
                futex::wake(&self.table.wakes, 1);
            }
            Need::Thread => self.start(),
        }
    }

    fn start(&'static self) {
        if self.is_private {
            self.table.expect();
        }
        // SAFETY: a thread needs its readers, which stay.
        if unsafe { worker::spawn(run, (&raw const *self).cast_mut().cast()) }.is_ok() {
            return;
        }
        if self.is_private {
            self.table.leave(false);
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
            unsafe {
                let performed = perform(request);
                if (*request).passed.take().is_some() {
                    delivery::end();
                }
                performed.hand_in_inside();
            }
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
            self.table.tidy();
            let seen = self.table.wakes.load(Ordering::Acquire);
            let hurries = self.hurries.load(Ordering::Relaxed);
            let (next, request) = self.with(|state| {
                // The last one stays as long as there are files.
                let mut next = state.roster.decide(me, timed_out, hurries);
                if next == Next::End && self.is_private && !self.table.leave(true) {
                    next = state.roster.stay(me);
                }
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
            timed_out = futex::wait(&self.table.wakes, seen, Some(time)) == Err(Errno::ETIMEDOUT);
        }
    }
}

/// Queues a read, whose place is `Queued` and whose file is held.
///
/// # Safety
/// It must be live until it was handed in; the ring too.
pub unsafe fn push(ring: &Ring, request: *mut Request) {
    work::start_over();
    // SAFETY: as the caller says.
    unsafe { PLAIN.push(ring, request) };
}

/// The same for a read whose file `pass` passes to a table. An error of that leaves it where it is; so does `EMFILE` when
/// there can be no thread.
///
/// # Safety
/// As for [`push`].
pub unsafe fn push_with_file(
    ring: &Ring,
    request: *mut Request,
    pass: impl FnOnce(&'static PrivateTable) -> Result<Passed>,
) -> Result<()> {
    work::start_over();
    if Busy::is_caller() {
        return Err(Errno::EMFILE);
    }
    if !PRIVATE.with(|state| state.roster.has_anybody()) {
        return Err(Errno::EMFILE);
    }
    let passed = pass(&PRIVATE.table)?;
    if !delivery::begin() {
        return Err(Errno::EMFILE);
    }
    // SAFETY: as the caller says.
    unsafe {
        (*request).passed = Some(passed);
        (*request).flags |= PASSED;
        PRIVATE.push(ring, request);
    }
    Ok(())
}

/// Takes a read out of the queue; false when a thread has it.
///
/// # Safety
/// It must be live, and was pushed.
pub unsafe fn take_back(request: *mut Request) -> bool {
    // SAFETY: as the caller says.
    let readers = if unsafe { (*request).is(PASSED) } { &PRIVATE } else { &PLAIN };
    if readers.lock.word().is_held_by_caller() {
        return false;
    }
    readers.with(|state| {
        // SAFETY: as the caller says.
        let taken = unsafe { state.queue.remove(request) };
        state.roster.len -= u32::from(taken);
        taken
    })
}

/// The process has no ring any more: threads end as soon as they are idle. Returns how many are at work.
pub fn end_idle() -> u32 {
    ALL.iter().map(|readers| readers.hurry()).sum()
}

/// In a new process: what is queued, and those who would do it, are the parent's.
///
/// # Safety
/// No other thread of this process may use it yet.
pub unsafe fn start_over() {
    for readers in ALL {
        // SAFETY: as the caller says.
        unsafe {
            readers.lock.reset();
            readers.state.get().write(State::new(readers.is_private));
        }
        readers.table.start_over();
        readers.len.store(0, Ordering::Relaxed);
        readers.hurries.store(false, Ordering::Relaxed);
    }
}

/// A thread.
extern "C" fn run(readers: *mut c_void) -> *mut c_void {
    // SAFETY: readers stay.
    let readers = unsafe { &*readers.cast::<Readers>() };
    worker::set_name(c"anyring-read");
    if readers.is_private {
        readers.table.join();
    }
    let mut placed = workers::Placed::default();
    let id = process::thread_id();
    let mut me = Thread::default();
    while let Some(request) = readers.next(&mut me) {
        placed.settle();
        // SAFETY: what was queued is live, and now this thread's to run.
        unsafe {
            (*request).job.begin(id);
            match readers.is_private {
                true => work::perform_with_file(request, Ok(())),
                false => perform(request).hand_in(),
            }
        }
    }
    null_mut()
}
