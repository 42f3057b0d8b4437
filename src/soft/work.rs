//! The work queue: requests that block run on threads of the process. Workers start with the first
//! request, linger a little when there is nothing to do, and end.
//!
//! A worker has the rights of the thread that started it. So there is a pool for each set of rights that
//! submits: what a thread may not do, nobody does for it. What a disk is waited for is bounded work, which
//! few workers do; what may wait for ever, as for a peer, is not, and each such request can have its own.

mod files;

pub use files::{perform_with_file, push_with_file, TABLE_LOCKS};

use super::jobs::{kind, Backlog, Job, Lane, Queue};
use super::ops;
use super::perform::{fail, perform, perform_apart, perform_here};
use super::private_table::PrivateTable;
use super::request::Request;
use super::ring::Ring;
use super::workers::{self, Kind};
use super::{delivery, proxies, read_ahead};
use crate::sys::caller::Busy;
use crate::sys::fork::{self, Subject};
use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::rights::{Borrowed, Rights};
use crate::sys::{futex, process, worker, Errno};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How long an idle worker sleeps until it ends.
const LINGER: libc::timespec = libc::timespec { tv_sec: 1, tv_nsec: 0 };
/// Looks at the queue before an idle worker sleeps.
const SPINS: u32 = 2000;

/// What a pool's lock protects.
struct State {
    backlog: Backlog,
    /// Workers that there are.
    workers: u32,
    /// Those of them that look at the queue next: they look already, start, or were woken.
    ready: u32,
    /// Those that sleep.
    asleep: u32,
    /// Sleepers that were woken and do not know it yet, each of which is ready.
    woken: u32,
    /// Nobody is to linger until there is a request.
    hurries: bool,
    /// The most workers, where no limit was set, for whoever started the first one.
    most: u32,
}

impl State {
    const fn new() -> Self {
        State {
            backlog: Backlog::new(),
            workers: 0,
            ready: 0,
            asleep: 0,
            woken: 0,
            hurries: false,
            most: 0,
        }
    }
}

/// Workers of the same rights, and what they have to do.
pub struct Pool {
    kind: Kind,
    lock: Lock<{ rank::POOL }>,
    state: UnsafeCell<State>,
    /// Whose rights they have, by their key; changed under all pools' lock while there is neither worker nor request.
    rights: AtomicU64,
    /// Those rights; changed with them.
    wanted: UnsafeCell<Rights>,
    /// Threads that are about to push.
    pushing: AtomicU32,
    /// There is something in the queue, as far as those know who do not hold the lock.
    has_some: AtomicU32,
    /// Nobody is to linger, as far as those know who do not hold the lock.
    hurries: AtomicBool,
    /// The descriptor table of workers that have their own. They sleep on its wake-ups, as others do.
    table: PrivateTable,
}

// SAFETY: the state is only touched under the lock, what is wanted changes only while nobody looks.
unsafe impl Sync for Pool {}

impl Pool {
    const fn new(kind: Kind) -> Self {
        Pool {
            kind,
            lock: Lock::new(),
            state: UnsafeCell::new(State::new()),
            rights: AtomicU64::new(NOBODY),
            wanted: UnsafeCell::new(Rights::NONE),
            pushing: AtomicU32::new(0),
            has_some: AtomicU32::new(0),
            hurries: AtomicBool::new(false),
            table: PrivateTable::new(),
        }
    }

    /// Does something with the state.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the state ours.
        let state = unsafe { &mut *self.state.get() };
        let done = f(state);
        self.has_some.store(state.backlog.len(), Ordering::Relaxed);
        self.hurries.store(state.hurries, Ordering::Relaxed);
        done
    }

    /// In a new process: what is queued, and those who would do it, are the parent's.
    fn start_over(&self) {
        // SAFETY: no other thread of this process has come past fork::start_over yet.
        unsafe {
            self.lock.reset();
            self.state.get().write(State::new());
        }
        self.rights.store(NOBODY, Ordering::Relaxed);
        self.pushing.store(0, Ordering::Relaxed);
        self.has_some.store(0, Ordering::Relaxed);
        self.hurries.store(false, Ordering::Relaxed);
        self.table.start_over();
    }

    /// Takes its rights from an idle pool; false when it is none. With all pools' lock held.
    fn give_up(&self) -> bool {
        // First, so that either we see who is about to push, or that one sees this.
        let rights = self.rights.swap(NOBODY, Ordering::SeqCst);
        let is_idle = self.pushing.load(Ordering::SeqCst) == 0
            && self.with(|state| state.workers == 0 && state.backlog.is_empty());
        if !is_idle {
            self.rights.store(rights, Ordering::SeqCst);
        }
        is_idle
    }

    /// Queues a request. As many workers look at the queue next as there are requests in it, if there may
    /// be so many.
    unsafe fn push(&'static self, request: *mut Request) {
        enum Need {
            Nobody,
            Sleeper,
            Worker,
        }
        let need = self.with(|state| {
            // SAFETY: as the caller says.
            unsafe { state.backlog.push(request) };
            state.hurries = false;
            if state.ready >= state.backlog.len() {
                Need::Nobody
            } else if state.asleep > 0 {
                state.asleep -= 1;
                state.woken += 1;
                state.ready += 1;
                Need::Sleeper
            } else if state.workers < self.most(state) && self.may_start(state) {
                state.workers += 1;
                state.ready += 1;
                Need::Worker
            } else {
                Need::Nobody
            }
        });
        match need {
            Need::Nobody => {}
            Need::Sleeper => {
                self.table.wakes.fetch_add(1, Ordering::Release);
                futex::wake(&self.table.wakes, 1);
            }
            Need::Worker => self.start_worker(),
        }
    }

    /// The most workers that there may be now.
    fn most(&self, state: &mut State) -> u32 {
        if state.workers == 0 {
            state.most = workers::usual(self.kind);
        }
        match workers::limit_set(self.kind) {
            u32::MAX => state.most,
            limit => limit,
        }
    }

    fn start_worker(&'static self) {
        if self.kind == Kind::Files {
            self.table.expect();
        }
        // SAFETY: a worker needs its pool, which stays.
        if unsafe { worker::spawn(run, (&raw const *self).cast_mut().cast()) }.is_ok() {
            return;
        }
        if self.kind == Kind::Files {
            self.table.leave(false);
        }
        let is_last = self.with(|state| {
            state.workers -= 1;
            state.ready -= 1;
            state.workers == 0
        });
        // There is nobody to do it: we do, late.
        if is_last {
            while let Some((request, lane)) = self.with(|state| state.backlog.pop()) {
                // SAFETY: what is queued is live, and now this thread's to run.
                unsafe {
                    let performed = perform_here(self.kind, request);
                    if (*request).passed.take().is_some() {
                        delivery::end();
                    }
                    performed.hand_in_inside();
                }
                self.with(|state| state.backlog.let_go(lane));
            }
        }
    }

    /// The next request for a worker that is ready, which it is no more then.
    fn next(&self) -> Option<(*mut Request, Lane)> {
        for _ in 0..SPINS {
            if self.has_some.load(Ordering::Relaxed) > 0 {
                let found = self.with(|state| {
                    let found = state.backlog.pop()?;
                    state.ready -= 1;
                    Some(found)
                });
                if found.is_some() {
                    return found;
                }
            }
            if self.hurries.load(Ordering::Relaxed) {
                return None;
            }
            core::hint::spin_loop();
        }
        None
    }

    /// Goes on after a request of `lane`, with the next; none: the worker is ready. False when there are too many.
    fn go_on(&self, lane: Lane) -> (bool, Option<(*mut Request, Lane)>) {
        let most = workers::limit_set(self.kind);
        self.with(|state| {
            state.backlog.let_go(lane);
            if state.workers > most && self.may_leave() {
                state.workers -= 1;
                return (false, None);
            }
            let next = state.backlog.pop();
            state.ready += u32::from(next.is_none());
            (true, next)
        })
    }

    /// Sleeps until woken, ready again; false when nothing came for a while: the worker has left.
    fn sleep(&self) -> bool {
        let mut seen = self.table.wakes.load(Ordering::Acquire);
        let sleeps = self.with(|state| {
            if !state.backlog.is_empty() {
                return Some(true);
            }
            state.ready -= 1;
            if state.hurries && self.may_leave() {
                state.workers -= 1;
                return Some(false);
            }
            state.asleep += 1;
            None
        });
        if let Some(goes_on) = sleeps {
            return goes_on;
        }
        loop {
            self.table.tidy();
            let slept = futex::wait(&self.table.wakes, seen, Some(&LINGER));
            seen = self.table.wakes.load(Ordering::Acquire);
            let goes_on = self.with(|state| {
                if state.woken > 0 {
                    state.woken -= 1;
                    return Some(true);
                }
                if slept != Err(Errno::ETIMEDOUT) && !state.hurries {
                    return None;
                }
                if (self.is_spare(state) && !state.hurries) || !self.may_leave() {
                    return None;
                }
                state.asleep -= 1;
                state.workers -= 1;
                Some(false)
            });
            if let Some(goes_on) = goes_on {
                return goes_on;
            }
        }
    }

    /// Has idle workers end, and others as soon as they are; returns how many of those there are.
    fn hurry(&self) -> u32 {
        let (asleep, busy) = self.with(|state| {
            state.hurries = true;
            (state.asleep, state.workers - state.ready - state.asleep)
        });
        if asleep > 0 {
            self.table.wakes.fetch_add(1, Ordering::Release);
            futex::wake(&self.table.wakes, futex::ALL);
        }
        busy
    }

    /// Does a request with the pool's rights, or fewer: seteuid(2) and its kin have the C library change all threads.
    /// To read what is open takes none.
    unsafe fn perform(&self, request: *mut Request) {
        // SAFETY: as the caller says; a pool that has a request keeps its rights.
        let (needs_none, wanted) = unsafe { (ops::is_read(&*request), *self.wanted.get()) };
        let borrowed = if needs_none { Ok(None) } else { Borrowed::for_open_files(&wanted) };
        // SAFETY: as the caller says.
        unsafe {
            if self.kind == Kind::Files {
                return perform_with_file(request, borrowed.as_ref().map(drop).map_err(|e| *e));
            }
            match borrowed {
                Ok(_rights) => perform(request).hand_in(),
                Err(errno) => fail(request, errno).hand_in(),
            }
        }
    }

    /// Does what is in the queue, until there was nothing for a while. The worker is ready.
    fn serve(&'static self) {
        let mut placed = workers::Placed::default();
        let thread = process::thread_id();
        loop {
            let mut request = self.next();
            if request.is_none() && !self.sleep() {
                return;
            }
            while let Some((at_hand, lane)) = request {
                placed.settle();
                self.make_spare();
                // SAFETY: what is queued is live, and now this thread's to run.
                unsafe {
                    (*at_hand).job.begin(thread);
                    self.perform(at_hand);
                }
                let (stays, next) = self.go_on(lane);
                if !stays {
                    return;
                }
                request = next;
                self.table.tidy();
            }
        }
    }
}

/// Rights that no thread has.
const NOBODY: u64 = u64::MAX;

/// As many sets of rights may submit at the same time without one waiting for its own requests.
static POOLS: [[Pool; 8]; 3] = [
    [const { Pool::new(Kind::Bounded) }; 8],
    [const { Pool::new(Kind::Unbounded) }; 8],
    [const { Pool::new(Kind::Files) }; 8],
];
/// Held by whoever gives a pool other rights.
static RIGHTS: Lock<{ rank::RIGHTS }> = Lock::new();

/// For a fork.
pub static RIGHTS_LOCKS: Class = Class { each: |f| f(RIGHTS.word()), are_taken: true };

/// For a fork.
pub static POOL_LOCKS: Class = Class {
    each: |f| POOLS.iter().flatten().for_each(|pool| f(pool.lock.word())),
    are_taken: true,
};

/// In a new process.
pub fn start_over() {
    fork::start_over(Subject::Work, || {
        // SAFETY: no other thread of this process has come here yet.
        unsafe {
            RIGHTS.reset();
            read_ahead::start_over();
            proxies::start_over();
            delivery::start_over();
        }
        POOLS.iter().flatten().for_each(Pool::start_over);
    });
}

/// The process has no ring any more: workers end at once. Returns how many are still at work.
pub fn end_idle() -> u32 {
    start_over();
    let busy = POOLS.iter().flatten().map(Pool::hurry).sum::<u32>() + read_ahead::end_idle();
    files::tables().for_each(PrivateTable::close_ends);
    delivery::end_idle();
    busy + proxies::busy()
}

/// Queues a request, whose place is `Queued`, to be done with those rights.
///
/// # Safety
/// It must be live until it was handed in; the ring too.
pub unsafe fn push(ring: &Ring, request: *mut Request, rights: Rights) {
    start_over();
    ring.acquire();
    // SAFETY: as the caller says; the state is the request's own.
    unsafe {
        (*request).ring = ring;
        (*request).job = Job::new(Queue::None, Lane::of(&*request));
        let kind = kind(&*request);
        if Busy::is_caller() {
            return perform_apart(kind, request);
        }
        // Until whoever is to do it is called.
        let _busy = Busy::begin();
        match pool_for(kind, &rights) {
            Some(pool) => {
                (*request).job.queue = Queue::Pool(pool);
                pool.push(request);
                pool.pushing.fetch_sub(1, Ordering::SeqCst);
            }
            None => perform_here(kind, request).hand_in_inside(),
        }
    }
}

/// The pool whose workers have `rights`, for a push; none when all pools are at work for others.
fn pool_for(kind: Kind, wanted: &Rights) -> Option<&'static Pool> {
    let pools = &POOLS[kind as usize];
    let rights = wanted.key();
    for pool in pools {
        pool.pushing.fetch_add(1, Ordering::SeqCst);
        if pool.rights.load(Ordering::SeqCst) == rights {
            return Some(pool);
        }
        pool.pushing.fetch_sub(1, Ordering::SeqCst);
    }
    let _held = RIGHTS.lock();
    let same = |pool: &&Pool| pool.rights.load(Ordering::SeqCst) == rights;
    if let Some(pool) = pools.iter().find(same) {
        pool.pushing.fetch_add(1, Ordering::SeqCst);
        return Some(pool);
    }
    let pool = pools.iter().find(|pool| pool.give_up())?;
    // SAFETY: nobody has to do with a pool that has given its rights up.
    unsafe { *pool.wanted.get() = *wanted };
    pool.pushing.fetch_add(1, Ordering::SeqCst);
    pool.rights.store(rights, Ordering::SeqCst);
    Some(pool)
}

/// Takes a request back that no worker has; false when one does.
///
/// # Safety
/// It must be live, in place `Queued`, and the ring's lock held.
pub unsafe fn take_back(ring: &Ring, request: *mut Request) -> bool {
    let _busy = Busy::begin();
    // SAFETY: the request is live; pools stay.
    let taken = unsafe {
        match (*request).job.queue {
            Queue::None => false,
            Queue::Pool(pool) if (*pool).lock.word().is_held_by_caller() => false,
            Queue::Pool(pool) => (*pool).with(|state| state.backlog.remove(request)),
            Queue::Readers => read_ahead::take_back(request),
            Queue::Proxy => proxies::take_back(request),
        }
    };
    if taken {
        // SAFETY: as above; it is the caller's again.
        if unsafe { (*request).passed.take() }.is_some() {
            delivery::end();
        }
        // The caller's reference keeps the ring.
        ring.release();
    }
    taken
}

/// A worker.
extern "C" fn run(pool: *mut c_void) -> *mut c_void {
    // SAFETY: pools stay.
    let pool = unsafe { &*pool.cast::<Pool>() };
    worker::set_name(c"anyring-work");
    if pool.kind == Kind::Files {
        pool.table.join();
    }
    pool.serve();
    null_mut()
}
