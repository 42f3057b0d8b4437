//! Proxies: threads that stand in for one that has submitted.
//!
//! What a path, an address or a number means, and what may be done with it, is up to the thread that asks: its users,
//! groups and capabilities, Landlock and seccomp, umask and directories, namespaces, and its descriptors. Not all of it
//! can be asked for, and none taken on. So what is [`Bound`](super::ops::Bound) to whoever submitted it is done in the
//! submission, or by threads that are made from the submitter before that returns to the program, and inherit all.
//!
//! Those of one submission are a proxy. They end when it has no request left: an idle program has none of them. One of
//! them is ready as long as a request may come, as links do: whoever takes one makes another first.

use super::jobs::{self, Jobs, Queue};
use super::keeper;
use super::perform::{fail, perform, Performed};
use super::request::Request;
use super::ring::Ring;
use super::turn::Turn;
use super::workers::{self, Kind};
use crate::sys::lock::Lock;
use crate::sys::locks::rank;
use crate::sys::rights::{Identity, Rights};
use crate::sys::{caller, futex, process, worker, Errno};
use alloc::sync::Arc;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};

/// As many threads there may always be.
const FEW: u32 = 4;
/// So many times as many as there may be in one proxy there may be in all.
const MANY: u32 = 16;

/// What a proxy's lock protects.
struct State {
    queue: Jobs,
    /// How many stand in the queue.
    queued: u32,
    /// Requests that there are.
    held: u32,
    /// Threads that there are, or are about to be.
    threads: u32,
    /// Those of them that look at the queue next.
    ready: u32,
    /// Those that do what may wait for ever.
    stuck: u32,
    /// There could be no thread: who submitted, and the rights of that one.
    instead: Option<(i32, Rights)>,
}

impl State {
    /// Whether there is to be one more thread.
    fn lacks(&self) -> bool {
        let busy = self.threads - self.ready;
        let may_come = self.held.saturating_sub(busy).min(1);
        self.ready < self.queued.max(may_come) && self.threads - self.stuck < most(self.threads)
    }
}

/// How many threads there may be of a proxy that has some, besides those that are stuck.
fn most(threads: u32) -> u32 {
    match workers::limit_set(Kind::Bounded) {
        u32::MAX if threads < FEW => FEW,
        u32::MAX => workers::usual(Kind::Bounded),
        limit => limit,
    }
}

/// The threads that stand in for one submission, and what they have to do.
pub struct Proxy {
    lock: Lock<{ rank::PROXY }>,
    state: UnsafeCell<State>,
    /// Counts wake-ups; threads sleep on it.
    wakes: AtomicU32,
    /// Who submits, by its number.
    submitter: u32,
}

// SAFETY: the state is only touched under the lock. Requests in the queue are with the proxy.
unsafe impl Sync for Proxy {}
// SAFETY: as above.
unsafe impl Send for Proxy {}

/// What is to be done with a request.
#[derive(Clone, Copy)]
pub enum Task {
    /// It is to be run, as by a worker.
    Run,
    /// It is to start.
    Start,
    /// It is to be tried again: its file has these events.
    Ready(u32),
}

/// What a request has of its proxy.
pub struct Held {
    pub(super) proxy: Arc<Proxy>,
    pub(super) task: Task,
    /// Whose rights it is done with, if not the submitter's.
    pub(super) identity: Option<Arc<Identity>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let is_last = self.proxy.with(|state| {
            state.held -= 1;
            state.held == 0 && state.threads > 0
        });
        if is_last {
            self.proxy.wake(futex::ALL);
        }
    }
}

/// Threads that run a request.
static BUSY: AtomicU32 = AtomicU32::new(0);
/// Threads that there are.
static THREADS: AtomicU32 = AtomicU32::new(0);

/// How many threads are at work.
pub fn busy() -> u32 {
    BUSY.load(Ordering::Relaxed)
}

/// In a new process there is none.
pub fn start_over() {
    BUSY.store(0, Ordering::Relaxed);
    THREADS.store(0, Ordering::Relaxed);
}

/// What a thread does next.
enum Next {
    /// To run this request.
    Run(*mut Request),
    /// To take a turn of this ring, a reference to which is the thread's, for this request.
    Turn(&'static Ring, *mut Request),
    /// To sleep as long as this is the count of wake-ups.
    Sleep(u32),
    /// To end.
    Leave,
}

impl Proxy {
    pub(super) fn new() -> Arc<Self> {
        super::work::start_over();
        let state = State {
            queue: Jobs::new(),
            queued: 0,
            held: 0,
            threads: 0,
            ready: 0,
            stuck: 0,
            instead: None,
        };
        Arc::new(Proxy {
            lock: Lock::new(),
            state: UnsafeCell::new(state),
            wakes: AtomicU32::new(0),
            submitter: caller::id(),
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the state ours.
        f(unsafe { &mut *self.state.get() })
    }

    fn wake(&self, count: u32) {
        self.wakes.fetch_add(1, Ordering::Release);
        futex::wake(&self.wakes, count);
    }

    /// Another request has it.
    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.with(|state| state.held += 1);
        Held { proxy: self.clone(), task: Task::Start, identity: None }
    }

    /// Whether it stands in for the calling thread, as far as its number tells.
    pub(super) fn is_of_caller(&self) -> bool {
        self.submitter != 0 && self.submitter == caller::id()
    }

    /// Whether there are requests, so that its threads stay.
    pub(super) fn is_in_use(&self) -> bool {
        self.with(|state| state.held > 0)
    }

    /// Whether there is any thread.
    pub(super) fn has_threads(&self) -> bool {
        self.with(|state| state.threads > 0)
    }

    /// Queues a request.
    ///
    /// # Safety
    /// It must be live until it was handed in, and have this proxy; the ring too.
    pub(super) unsafe fn push(&self, request: *mut Request) {
        let has_threads = self.with(|state| {
            // SAFETY: as the caller says.
            unsafe { state.queue.push(request) };
            state.queued += 1;
            state.threads > 0
        });
        if has_threads {
            self.wake(1);
        }
    }

    /// Has as many threads as it needs, made from the calling one, who is the submitter or has all from it. What no thread
    /// can be had for is done here, as far as it ends by itself.
    pub(super) fn settle(self: &Arc<Self>) {
        while self.with(|state| state.lacks() && may_be_more()) {
            if !self.start_thread() {
                break;
            }
        }
        let is_alone = self.with(|state| {
            if state.threads == 0 && state.held > 0 {
                state.instead = Some((process::thread_id(), Rights::of_caller()));
            }
            state.threads == 0
        });
        if is_alone {
            self.do_all_here();
        }
    }

    /// Does what is queued, for which there is no thread.
    pub(super) fn do_all_here(&self) {
        while let Some(request) = self.with(State::pop) {
            // SAFETY: what is queued is live, and now this thread's to run.
            unsafe { perform_here(request) }.hand_in_inside();
        }
    }

    /// Makes a thread, which is ready. False when there can be none.
    fn start_thread(self: &Arc<Self>) -> bool {
        self.with(|state| {
            state.threads += 1;
            state.ready += 1;
        });
        THREADS.fetch_add(1, Ordering::Relaxed);
        let arg = Arc::into_raw(self.clone()).cast_mut().cast();
        // SAFETY: the reference is the thread's.
        if unsafe { worker::spawn(run, arg) }.is_ok() {
            return true;
        }
        // SAFETY: there is no thread that has it.
        drop(unsafe { Arc::from_raw(arg.cast_const().cast::<Proxy>()) });
        self.with(|state| {
            state.threads -= 1;
            state.ready -= 1;
        });
        THREADS.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// Whether there could be no thread, and the calling one is as good.
    pub(super) fn is_this_instead(&self) -> bool {
        let instead = self.with(|state| state.instead.filter(|_| state.threads == 0));
        instead.is_some_and(|(thread, rights)| {
            thread == process::thread_id() && rights == Rights::of_caller()
        })
    }

    /// What a thread that is ready does.
    fn next(&self) -> Next {
        let seen = self.wakes.load(Ordering::Acquire);
        self.with(|state| {
            let Some(request) = state.queue.first() else {
                if state.held > 0 {
                    return Next::Sleep(seen);
                }
                state.ready -= 1;
                state.threads -= 1;
                return Next::Leave;
            };
            // SAFETY: what is queued is live, and its ring has a reference for it.
            unsafe {
                if matches!(task_of(&*request), Task::Run) {
                    state.pop();
                    state.ready -= 1;
                    return Next::Run(request);
                }
                let ring = &*(*request).ring;
                ring.acquire();
                Next::Turn(ring, request)
            }
        })
    }

    /// Runs a request, after having seen to it that somebody else is ready.
    unsafe fn run(self: &Arc<Self>, request: *mut Request, thread: i32) {
        BUSY.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe {
            (*request).job.begin(thread);
            let may_wait = jobs::may_wait(&*request);
            let lacks = self.with(|state| {
                state.stuck += u32::from(may_wait);
                state.lacks()
            });
            let is_alone = lacks && !self.start_thread() && self.with(|state| state.ready == 0);
            // Nobody else would be there for the others.
            let done = match may_wait && is_alone {
                true => fail(request, Errno::EAGAIN),
                false => perform_as(request),
            };
            self.with(|state| {
                state.stuck -= u32::from(may_wait);
                state.ready += 1;
            });
            BUSY.fetch_sub(1, Ordering::Relaxed);
            done.hand_in();
        }
    }

    /// Has a request start, or go on, in a turn of this thread. It may have been cancelled meanwhile.
    unsafe fn take_turn(self: &Arc<Self>, ring: &'static Ring, request: *mut Request) {
        let mut turn = Turn::take(ring);
        turn.stand_in(self);
        // SAFETY: the ring's memory for requests stays; who has which proxy changes under its lock only.
        unsafe {
            let Some(task) = self.take_out(request) else {
                drop(turn);
                return keeper::attend_and_give_up(ring);
            };
            // The queue's reference; the thread has its own.
            ring.release();
            turn.core.requests.fetch(request);
            match task {
                Task::Start => turn.start(request),
                Task::Ready(events) => turn.go_on_with(request, events),
                Task::Run => unreachable!(),
            }
        }
        drop(turn);
        keeper::attend_and_give_up(ring);
    }

    /// Takes a request out that is to be started, or tried again, if it is still here.
    unsafe fn take_out(self: &Arc<Self>, request: *mut Request) -> Option<Task> {
        // SAFETY: as the caller says.
        unsafe {
            let held = (*request).proxy.as_ref().filter(|held| Arc::ptr_eq(&held.proxy, self))?;
            let is_here = matches!((*request).job.queue, Queue::Proxy)
                && !matches!(held.task, Task::Run)
                && self.with(|state| state.remove(request));
            is_here.then_some(held.task)
        }
    }

    fn serve(self: &Arc<Self>) {
        let mut placed = workers::Placed::default();
        let thread = process::thread_id();
        loop {
            placed.settle();
            // SAFETY: what is queued is live, and this thread's to do.
            unsafe {
                match self.next() {
                    Next::Run(request) => self.run(request, thread),
                    Next::Turn(ring, request) => self.take_turn(ring, request),
                    Next::Sleep(seen) => _ = futex::wait(&self.wakes, seen, None),
                    Next::Leave => return,
                }
            }
        }
    }
}

impl State {
    fn pop(&mut self) -> Option<*mut Request> {
        let request = self.queue.pop()?;
        self.queued -= 1;
        Some(request)
    }

    unsafe fn remove(&mut self, request: *mut Request) -> bool {
        // SAFETY: as the caller says.
        let is_removed = unsafe { self.queue.remove(request) };
        self.queued -= u32::from(is_removed);
        is_removed
    }
}

/// Whether there may be more threads in all: beyond, requests are done where they are submitted.
fn may_be_more() -> bool {
    let threads = THREADS.load(Ordering::Relaxed);
    threads < FEW * MANY || threads < most(threads).saturating_mul(MANY)
}

fn task_of(r: &Request) -> Task {
    r.proxy.as_ref().map_or(Task::Run, |held| held.task)
}

/// Does a request with the rights that it wants.
unsafe fn perform_as(request: *mut Request) -> Performed {
    // SAFETY: as the caller says; nobody changes its proxy while it is with a worker.
    unsafe {
        let identity = (*request).proxy.as_ref().and_then(|held| held.identity.clone());
        match identity.map(|identity| identity.take_on()).transpose() {
            Ok(_rights) => perform(request),
            Err(errno) => fail(request, errno),
        }
    }
}

/// Does what no thread can be had for, with a ring's lock held: `EAGAIN` for what may wait for ever, but for a request to
/// start, which is not here.
unsafe fn perform_here(request: *mut Request) -> Performed {
    // SAFETY: as the caller says.
    unsafe {
        match jobs::may_wait(&*request) {
            true => fail(request, Errno::EAGAIN),
            false => perform_as(request),
        }
    }
}

/// A thread.
extern "C" fn run(proxy: *mut c_void) -> *mut c_void {
    // SAFETY: whoever made the thread gave it a reference.
    let proxy = unsafe { Arc::from_raw(proxy.cast_const().cast::<Proxy>()) };
    worker::set_name(c"anyring-proxy");
    proxy.serve();
    drop(proxy);
    THREADS.fetch_sub(1, Ordering::Relaxed);
    null_mut()
}

/// Takes a request back that no thread has; false when one does.
///
/// # Safety
/// It must be live, and its ring's lock held.
pub unsafe fn take_back(request: *mut Request) -> bool {
    // SAFETY: as the caller says.
    unsafe {
        let proxy = (*request).proxy.as_ref().map(|held| held.proxy.clone());
        proxy.is_some_and(|proxy| proxy.with(|state| state.remove(request)))
    }
}
