//! Threads that wait for futexes. A wake-up counts those who wait, and reaches as many: each request that
//! waits is a thread in the kernel's queue, from the time it was submitted until it ends.
//!
//! A thread begins to wait on words of its own, and whoever submits has the kernel move it to the futexes
//! of the request: when it has been moved it waits there, and no wake-up is missed. Among the words of its
//! own one stays, by which it is called back; where that cannot be, a signal calls it.

use super::request::Request;
use super::ring::Ring;
use crate::sys::fork::{self, Subject};
use crate::sys::futexes::{self, Wanted, ANY};
use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::{futex, interrupt, process, worker, Errno};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::{null_mut, NonNull};
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// How long an idle one stays: the kernel waits for futexes without threads.
const LINGER: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// Looks before the CPU is left to others.
const SPINS: u32 = 200;

/// It waits, or is about to.
const ASLEEP: u32 = 0;
/// It is over: the thread hands the request in.
const OVER: u32 = 1;
/// Whoever has the ring's lock wants the request back.
const CALLED: u32 = 2;
/// It is back: `outcome` says how it has ended.
const BACK: u32 = 3;

/// What to wait for.
struct Task {
    request: *mut Request,
    /// The futexes.
    wanted: Vec<Wanted>,
    /// The words of its own, in the same order, and before them the one that calls it back.
    own: Vec<Wanted>,
    /// Bits that a wake-up must have one of.
    mask: u32,
}

/// A thread that waits.
pub struct Sleeper {
    state: AtomicU32,
    /// Changes when an idle one is to look.
    tasks: AtomicU32,
    thread: AtomicI32,
    /// Which futex was woken, or -errno.
    outcome: AtomicI32,
    call: AtomicU32,
    /// It was not moved: it went to the futexes by itself.
    has_gone: AtomicU32,
    /// It is to end rather than to look.
    leaves: AtomicU32,
    words: [AtomicU32; futexes::MOST],
    task: UnsafeCell<Task>,
}

// SAFETY: the task is changed while the thread is idle only.
unsafe impl Sync for Sleeper {}

/// A request's thread.
#[derive(Clone, Copy)]
pub struct Handle(NonNull<Sleeper>);

struct Idle {
    lock: Lock<{ rank::SLEEPERS }>,
    all: UnsafeCell<Vec<Handle>>,
}

// SAFETY: the list is only touched under the lock.
unsafe impl Sync for Idle {}

static IDLE_ONES: Idle = Idle { lock: Lock::new(), all: UnsafeCell::new(Vec::new()) };

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(IDLE_ONES.lock.word()), are_taken: true };

/// None for a signal handler that has interrupted its thread here.
fn with_idle<T>(f: impl FnOnce(&mut Vec<Handle>) -> T) -> Option<T> {
    let _held = IDLE_ONES.lock.lock_unless_interrupted()?;
    // SAFETY: the lock makes the list ours.
    Some(f(unsafe { &mut *IDLE_ONES.all.get() }))
}

/// Has a request wait for `wanted`, any of which has changed or was woken by one who has a bit of `mask`,
/// until it is handed in. The caller has the ring's lock, and the request counts as in flight.
///
/// The result is that of the request when it does not wait after all: what was woken, `EAGAIN` when the
/// futexes have changed, `ENOMEM` when there can be no thread.
///
/// # Safety
/// The request must be live until it was handed in or called back.
pub unsafe fn wait(ring: &Ring, request: *mut Request, wanted: Vec<Wanted>, mask: u32) -> Started {
    let Some(handle) = find(ring, request, wanted, mask) else {
        return Started::Not(Errno::ENOMEM.answer());
    };
    // SAFETY: a sleeper with a task stays; the task is not changed meanwhile.
    let (sleeper, wanted) = unsafe {
        let sleeper = handle.0.as_ref();
        (sleeper, &(*sleeper.task.get()).wanted)
    };
    let mut stays = Ok(());
    for (word, wanted) in sleeper.words.iter().zip(wanted) {
        stays = stays.and_then(|()| sleeper.send(word, wanted));
    }
    match stays {
        Ok(()) => Started::Waits(handle),
        Err(errno) => match handle.call_back() {
            Some(outcome) if outcome >= 0 => Started::Not(outcome),
            Some(_) => Started::Not(errno.answer()),
            None => Started::Waits(handle),
        },
    }
}

/// What has become of a wait.
pub enum Started {
    /// It waits; or is over, and was handed in.
    Waits(Handle),
    /// It has a result already.
    Not(i32),
}

/// A thread for a task, which waits on its own words, or will.
fn find(ring: &Ring, request: *mut Request, wanted: Vec<Wanted>, mask: u32) -> Option<Handle> {
    start_over();
    let found = with_idle(Vec::pop).flatten();
    let handle =
        found.unwrap_or_else(|| Handle(NonNull::from(Box::leak(Box::new(Sleeper::new())))));
    ring.acquire();
    // SAFETY: an idle one that is in no list is the caller's; the request is, too.
    unsafe {
        (*request).ring = ring;
        let sleeper = handle.0.as_ref();
        sleeper.assign(request, wanted, mask);
        if found.is_some() {
            sleeper.tasks.fetch_add(1, Ordering::Release);
            futex::wake(&sleeper.tasks, 1);
        } else if worker::spawn(run, handle.0.as_ptr().cast()).is_err() {
            drop(Box::from_raw(handle.0.as_ptr()));
            // The caller's reference keeps the ring.
            ring.release();
            return None;
        }
    }
    Some(handle)
}

impl Handle {
    /// Ends the wait of a request: what was woken, or -errno when nothing was; none when it is over and the
    /// request has been handed in. With the ring's lock.
    pub fn call_back(self) -> Option<i32> {
        // SAFETY: a sleeper with a task stays.
        let sleeper = unsafe { self.0.as_ref() };
        let called =
            sleeper.state.compare_exchange(ASLEEP, CALLED, Ordering::AcqRel, Ordering::Acquire);
        if called.is_err() {
            return None;
        }
        sleeper.call.store(1, Ordering::Release);
        // What sleeps on its own words still does not go to sleep again.
        sleeper.words.iter().for_each(|word| word.store(1, Ordering::Release));
        let mut looks = 0;
        while sleeper.state.load(Ordering::Acquire) != BACK {
            // A signal that comes before the thread sleeps is lost.
            if looks % SPINS == 0 {
                sleeper.disturb();
            }
            looks += 1;
            pause(looks);
        }
        let outcome = sleeper.outcome.load(Ordering::Relaxed);
        // SAFETY: the request's reference of the ring is given up; the caller's keeps it.
        unsafe { (*(*(*sleeper.task.get()).request).ring).release() };
        self.retire();
        Some(outcome)
    }

    /// The request has come back, or was handed in: its thread may have another. Whoever gives it one, with a
    /// ring's lock, waits until it sleeps: it must not need a lock before that.
    fn retire(self) {
        if with_idle(|idle| idle.push(self)).is_none() {
            self.end();
        }
    }

    /// Has an idle one that nobody knows of end.
    fn end(self) {
        // SAFETY: it stays until it is told, and wakes up by itself if it was about to leave.
        unsafe {
            let sleeper = self.0.as_ref();
            sleeper.leaves.store(1, Ordering::Relaxed);
            let tasks = sleeper.tasks.as_ptr() as u64;
            sleeper.tasks.fetch_add(1, Ordering::Release);
            // It may be gone by now: its address is only a name.
            let _ = futexes::wake(tasks, 1, ANY, true);
        }
    }
}

/// The process has no ring any more: idle ones end at once.
pub fn end_idle() {
    start_over();
    let all = with_idle(core::mem::take).unwrap_or_default();
    all.into_iter().for_each(Handle::end);
}

fn start_over() {
    fork::start_over(Subject::Sleepers, || {
        // SAFETY: no other thread of this process has come here yet; what was in the list is the parent's.
        unsafe {
            IDLE_ONES.lock.reset();
            core::ptr::write(IDLE_ONES.all.get(), Vec::new());
        }
    });
}

fn pause(looks: u32) {
    match looks < SPINS {
        true => core::hint::spin_loop(),
        false => process::yield_now(),
    }
}

impl Sleeper {
    fn new() -> Self {
        Sleeper {
            state: AtomicU32::new(ASLEEP),
            tasks: AtomicU32::new(0),
            thread: AtomicI32::new(0),
            outcome: AtomicI32::new(0),
            call: AtomicU32::new(0),
            has_gone: AtomicU32::new(0),
            leaves: AtomicU32::new(0),
            words: [const { AtomicU32::new(0) }; futexes::MOST],
            task: UnsafeCell::new(Task {
                request: null_mut(),
                wanted: Vec::new(),
                own: Vec::new(),
                mask: ANY,
            }),
        }
    }

    /// Gives an idle one something to do.
    unsafe fn assign(&self, request: *mut Request, wanted: Vec<Wanted>, mask: u32) {
        let own = |word: &AtomicU32, flags| Wanted {
            value: 0,
            address: word.as_ptr() as u64,
            flags,
            reserved: 0,
        };
        let mut words = Vec::new();
        if mask == ANY && wanted.len() < futexes::MOST && futexes::has_wait_any() {
            words.push(own(&self.call, futexes::SIZE_U32 | futexes::PRIVATE));
        }
        words.extend(self.words.iter().zip(&wanted).map(|(word, wanted)| own(word, wanted.flags)));
        self.call.store(0, Ordering::Relaxed);
        self.has_gone.store(0, Ordering::Relaxed);
        self.words.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        // SAFETY: the thread does not look until the state says so.
        unsafe { *self.task.get() = Task { request, wanted, own: words, mask } };
        self.state.store(ASLEEP, Ordering::Release);
    }

    /// Has the thread, when it sleeps on one of its own words, wait for a futex instead. `EAGAIN` when that
    /// has changed, `EFAULT`.
    fn send(&self, word: &AtomicU32, wanted: &Wanted) -> crate::sys::Result<()> {
        let mut looks = 0;
        while !futexes::move_one(word, wanted.address, is_private(wanted))? {
            if self.has_gone.load(Ordering::Acquire) != 0 {
                break;
            }
            if self.state.load(Ordering::Acquire) != ASLEEP {
                // Another futex was woken.
                return Ok(());
            }
            looks += 1;
            pause(looks);
        }
        // A call that a stop begins anew must not find the word as it was.
        word.store(1, Ordering::Release);
        // SAFETY: any bytes are a value.
        match unsafe { crate::sys::peek::copy::<u32>(wanted.address) }? {
            value if u64::from(value) == wanted.value => Ok(()),
            _ => Err(Errno::EAGAIN),
        }
    }

    /// Wakes the thread by what is not the program's.
    fn disturb(&self) {
        // SAFETY: the task is not changed while the thread has it.
        let task = unsafe { &*self.task.get() };
        if task.own.len() > task.wanted.len() {
            let _ = futexes::wake(self.call.as_ptr() as u64, 1, ANY, true);
        } else if self.thread.load(Ordering::Acquire) != 0 {
            interrupt::interrupt(self.thread.load(Ordering::Acquire));
        }
    }

    /// Waits as the task says; which futex was woken, or -errno.
    fn sleep(&self, task: &Task) -> i32 {
        let is_single = task.own.len() == task.wanted.len();
        let mut slept = wait_for(&task.own, task.mask);
        loop {
            match slept {
                // The first is the one that calls.
                Ok(0) if !is_single => return Errno::ECANCELED.answer(),
                Ok(index) => return index as i32 - i32::from(!is_single),
                Err(_) if self.state.load(Ordering::Acquire) != ASLEEP => {
                    return Errno::ECANCELED.answer();
                }
                // The thread was stopped, or has met a signal: it has lost its place.
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(errno) => return errno.answer(),
            }
            self.has_gone.store(1, Ordering::Release);
            let mut wanted = Vec::with_capacity(task.own.len());
            wanted.extend_from_slice(&task.own[..task.own.len() - task.wanted.len()]);
            wanted.extend_from_slice(&task.wanted);
            slept = wait_for(&wanted, task.mask);
            if slept == Err(Errno::EAGAIN) && self.state.load(Ordering::Acquire) == ASLEEP {
                // It has changed meanwhile, for which there may have been a wake-up.
                return 0;
            }
        }
    }
}

fn is_private(wanted: &Wanted) -> bool {
    wanted.flags & futexes::PRIVATE != 0
}

fn wait_for(wanted: &[Wanted], mask: u32) -> crate::sys::Result<usize> {
    match wanted {
        [one] => {
            futexes::wait(one.address, one.value as u32, mask, is_private(one), false).map(|()| 0)
        }
        several => futexes::wait_any(several, false),
    }
}

/// The thread.
extern "C" fn run(sleeper: *mut c_void) -> *mut c_void {
    let handle = Handle(NonNull::new(sleeper.cast::<Sleeper>()).unwrap_or(NonNull::dangling()));
    // SAFETY: a sleeper stays as long as its thread.
    let sleeper = unsafe { handle.0.as_ref() };
    worker::set_name(c"anyring-futex");
    sleeper.thread.store(process::thread_id(), Ordering::Release);
    loop {
        let seen = sleeper.tasks.load(Ordering::Acquire);
        // SAFETY: it is changed only when this one is idle.
        let task = unsafe { &*sleeper.task.get() };
        let outcome = sleeper.sleep(task);
        if finish(sleeper, task.request, outcome) {
            handle.retire();
        }
        while sleeper.tasks.load(Ordering::Acquire) == seen {
            let slept = futex::wait(&sleeper.tasks, seen, Some(&LINGER));
            if slept != Err(Errno::ETIMEDOUT) {
                continue;
            }
            let leaves = with_idle(|idle| {
                let at = idle.iter().position(|one| one.0 == handle.0);
                at.map(|at| idle.swap_remove(at)).is_some()
            });
            if leaves == Some(true) {
                return leave(handle);
            }
        }
        if sleeper.leaves.load(Ordering::Relaxed) != 0 {
            return leave(handle);
        }
    }
}

/// A thread ends that nobody knows of any more.
fn leave(handle: Handle) -> *mut c_void {
    // SAFETY: as just said.
    drop(unsafe { Box::from_raw(handle.0.as_ptr()) });
    null_mut()
}

/// Hands the request in; false when it gives it to whoever has called it back.
fn finish(sleeper: &Sleeper, request: *mut Request, outcome: i32) -> bool {
    let over =
        sleeper.state.compare_exchange(ASLEEP, OVER, Ordering::AcqRel, Ordering::Acquire).is_ok();
    if over {
        // SAFETY: the request is this thread's, and its ring has a reference for it.
        unsafe {
            let ring = &*(*request).ring;
            (*request).result = outcome;
            ring.put(request);
            ring.complete_handed_in();
            super::keeper::attend_and_give_up(ring);
        }
    } else {
        sleeper.outcome.store(outcome, Ordering::Relaxed);
        sleeper.state.store(BACK, Ordering::Release);
    }
    over
}
