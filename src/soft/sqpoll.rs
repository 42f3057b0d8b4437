//! Submission without a call (`IORING_SETUP_SQPOLL`): a thread of ours reads the submission rings of the
//! rings that share it. It spins while there is work and a while longer, then says `NEED_WAKEUP` and
//! sleeps. What requests wait for goes on: it looks itself while it spins, and leaves that to the keeper.

use super::ring::Ring;
use super::table;
use super::timers;
use super::turn::Turn;
use super::{intake, keeper};
use crate::abi::uring::*;
use crate::sys::clock::nanoseconds;
use crate::sys::identity::Held;
use crate::sys::lock::Lock;
use crate::sys::locks::rank;
use crate::sys::{epoll, file, futex, process, thread, worker, Errno, Result};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{fence, AtomicBool, AtomicU64, Ordering};

const MILLISECOND: u64 = 1_000_000;
/// Idle time when none is asked for, in milliseconds.
const DEFAULT_IDLE: u32 = 1000;
/// SQEs taken from a ring at a time, when several share the thread.
const SHARE: u32 = 8;
/// Looks at the submission rings between two at the clock and at the files that requests wait for.
const SPINS: u32 = 64;
/// Between two times when descriptors whose CQEs were taken become unreadable, in nanoseconds.
const GLANCE: u64 = 50_000;

/// The thread, as rings know it.
pub struct Reader {
    lock: Lock<{ rank::READER }>,
    waiting_room: UnsafeCell<WaitingRoom>,
    /// An eventfd that wakes it.
    bell: Held,
    asleep: AtomicBool,
    /// The thread is another process's, whose ring this one has inherited.
    is_foreign: AtomicBool,
    /// Nanoseconds without work until it sleeps: the longest that a ring asked for.
    idle: AtomicU64,
}

/// Rings that join.
struct WaitingRoom {
    rings: Vec<&'static Ring>,
    /// The thread has ended: nobody can join.
    is_closed: bool,
}

// SAFETY: the waiting room is only touched under the lock; the rest is atomic or does not change.
unsafe impl Sync for Reader {}
// SAFETY: nothing of it belongs to a thread.
unsafe impl Send for Reader {}

impl Reader {
    /// Starts a thread, on `cpu` if one is asked for. `EINVAL` for a CPU that it may not use.
    pub fn start(cpu: Option<u32>) -> Result<Arc<Self>> {
        if cpu.is_some_and(|cpu| !process::may_run_on(cpu)) {
            return Err(Errno::EINVAL);
        }
        let reader = Arc::new(Reader {
            lock: Lock::new(),
            waiting_room: UnsafeCell::new(WaitingRoom { rings: Vec::new(), is_closed: false }),
            bell: Held::of_new(file::eventfd_nonblocking()?),
            asleep: AtomicBool::new(false),
            is_foreign: AtomicBool::new(false),
            idle: AtomicU64::new(0),
        });
        let start = Start { reader: reader.clone(), cpu };
        let arg = alloc::boxed::Box::into_raw(alloc::boxed::Box::new(start));
        // SAFETY: the argument becomes the thread's.
        unsafe {
            worker::spawn(run, arg.cast()).inspect_err(|_| {
                drop(alloc::boxed::Box::from_raw(arg));
            })?;
        }
        Ok(reader)
    }

    /// Has the thread read a ring's submissions until it is closed. `EOWNERDEAD` when it has ended.
    pub fn join(&self, ring: &'static Ring, idle: u32) -> Result<()> {
        let idle = u64::from(if idle == 0 { DEFAULT_IDLE } else { idle }) * MILLISECOND;
        self.idle.fetch_max(idle, Ordering::Relaxed);
        let undisturbed = worker::Undisturbed::begin();
        let held = self.lock.lock();
        // SAFETY: the lock makes it ours.
        let room = unsafe { &mut *self.waiting_room.get() };
        if room.is_closed {
            return Err(Errno::of(libc::EOWNERDEAD));
        }
        ring.acquire();
        room.rings.push(ring);
        drop((held, undisturbed));
        self.wake();
        Ok(())
    }

    /// Wakes the thread if it sleeps.
    pub fn wake(&self) {
        // Whether another process's thread sleeps cannot be seen.
        let may_sleep = self.asleep.swap(false, Ordering::SeqCst) || self.is_foreign();
        if may_sleep && self.bell.is_ours() {
            let _ = file::signal(self.bell.fd);
        }
    }

    /// Whether the thread is in another process.
    pub fn is_foreign(&self) -> bool {
        self.is_foreign.load(Ordering::Relaxed)
    }

    /// In a new process, for each ring that has it: the thread is the parent's.
    pub fn leave_behind(self: &Arc<Self>) {
        if !self.is_foreign.swap(true, Ordering::Relaxed) {
            // Somebody may have been about to join: nothing of that is this process's.
            // SAFETY: the parent's threads that have used it are not here, and nobody joins any more.
            unsafe {
                let closed = WaitingRoom { rings: Vec::new(), is_closed: true };
                self.waiting_room.get().write(closed);
                self.lock.reset();
            }
            // SAFETY: the thread's own reference is not used in this process.
            unsafe { Arc::decrement_strong_count(Arc::as_ptr(self)) };
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.bell.close();
    }
}

struct Start {
    reader: Arc<Reader>,
    cpu: Option<u32>,
}

extern "C" fn run(arg: *mut c_void) -> *mut c_void {
    // SAFETY: start made it for this thread.
    let start = unsafe { alloc::boxed::Box::from_raw(arg.cast::<Start>()) };
    let Start { reader, cpu } = *start;
    worker::set_name(c"anyring-sq");
    if let Some(cpu) = cpu {
        let _ = thread::pin(cpu as u16);
    }
    Rings { reader: &reader, all: Vec::new() }.read();
    null_mut()
}

/// The thread's rings.
struct Rings<'a> {
    reader: &'a Reader,
    /// With a reference to each.
    all: Vec<&'static Ring>,
}

impl Rings<'_> {
    fn read(&mut self) {
        let now = || nanoseconds(libc::CLOCK_MONOTONIC);
        let (mut worked_at, mut settled_at) = (now(), 0);
        let mut has_joined = false;
        loop {
            has_joined |= self.let_in();
            let mut has_worked = false;
            for _ in 0..SPINS {
                has_worked |= self.submit();
                core::hint::spin_loop();
            }
            let looks_at = now();
            let settles = looks_at - settled_at >= GLANCE;
            if settles {
                settled_at = looks_at;
            }
            self.look(settles);
            if has_joined && self.all.is_empty() && self.end() {
                return;
            }
            if has_worked {
                worked_at = looks_at;
            } else if looks_at - worked_at >= self.reader.idle.load(Ordering::Relaxed) {
                self.sleep();
                worked_at = now();
            }
        }
    }

    /// Takes in rings that join; whether there were any.
    fn let_in(&mut self) -> bool {
        let _held = self.reader.lock.lock();
        // SAFETY: the lock makes it ours.
        let room = unsafe { &mut *self.reader.waiting_room.get() };
        let before = self.all.len();
        self.all.append(&mut room.rings);
        self.all.len() > before
    }

    /// Nobody needs the thread, unless somebody has joined meanwhile.
    fn end(&mut self) -> bool {
        let _held = self.reader.lock.lock();
        // SAFETY: the lock makes it ours.
        let room = unsafe { &mut *self.reader.waiting_room.get() };
        room.is_closed = room.rings.is_empty();
        room.is_closed
    }

    /// Takes in what is submitted; whether anything was.
    fn submit(&mut self) -> bool {
        let most = if self.all.len() > 1 { SHARE } else { u32::MAX };
        let mut has_worked = false;
        for ring in &self.all {
            if ring.memory().submitted() == 0 {
                continue;
            }
            let mut turn = Turn::take(ring);
            if turn.core.disabled || turn.core.is_closed {
                continue;
            }
            has_worked |= intake::submit(&mut turn, most).is_ok_and(|taken| taken > 0);
            drop(turn);
            let control = ring.memory().control();
            if control.sq_waiters.load(Ordering::SeqCst) > 0 {
                futex::wake_shared(&control.sq_head, futex::ALL);
            }
        }
        has_worked
    }

    /// Lets requests go on whose file is ready or whose time has come; lets go of rings that are closed. If it
    /// `settles`, the descriptors of rings whose CQEs were taken are readable no more.
    fn look(&mut self, settles: bool) {
        self.all.retain(|ring| {
            let mut turn = Turn::take(ring);
            if turn.core.is_closed {
                drop(turn);
                table::give_up(ring);
                return false;
            }
            timers::expire(&mut turn);
            if turn.core.polls.armed > 0 && !turn.core.polls.is_served() {
                turn.serve_now();
            }
            if settles {
                turn.publish();
                turn.settle_readable();
            }
            true
        });
    }

    /// Sleeps until it is woken. Meanwhile the keeper sees to what is under way.
    fn sleep(&mut self) {
        self.reader.asleep.store(true, Ordering::SeqCst);
        for ring in &self.all {
            ring.memory().header().sq_flags.fetch_or(IORING_SQ_NEED_WAKEUP, Ordering::SeqCst);
            keeper::attend_if_wanted(ring);
        }
        // Either the program sees that it has to wake us, or we see what it has submitted.
        fence(Ordering::SeqCst);
        if !self.has_work() {
            // SAFETY: there is no mask.
            let _ = unsafe { epoll::wait_readable(self.reader.bell.fd, None, core::ptr::null()) };
        }
        self.reader.asleep.store(false, Ordering::SeqCst);
        file::clear(self.reader.bell.fd);
        for ring in &self.all {
            ring.memory().header().sq_flags.fetch_and(!IORING_SQ_NEED_WAKEUP, Ordering::Relaxed);
        }
    }

    /// Whether something is submitted that can be taken, or a ring joins or goes.
    fn has_work(&self) -> bool {
        let needs_it = |ring: &&Ring| {
            let turn = Turn::take(ring);
            turn.core.is_closed || (!turn.core.disabled && turn.core.memory.submitted() > 0)
        };
        if self.all.iter().any(needs_it) {
            return true;
        }
        let _held = self.reader.lock.lock();
        // SAFETY: the lock makes it ours.
        unsafe { !(*self.reader.waiting_room.get()).rings.is_empty() }
    }
}

/// Waits until the submission ring has room (`IORING_ENTER_SQ_WAIT`). `EINTR`.
pub fn wait_for_room(ring: &Ring) -> Result<()> {
    let memory = ring.memory();
    let control = memory.control();
    loop {
        control.sq_waiters.fetch_add(1, Ordering::SeqCst);
        let head = control.sq_head.load(Ordering::SeqCst);
        let slept = match memory.submitted() < memory.sq_entries {
            true => None,
            false => Some(futex::wait_shared(&control.sq_head, head, None)),
        };
        control.sq_waiters.fetch_sub(1, Ordering::SeqCst);
        match slept {
            None => return Ok(()),
            Some(Err(Errno::EINTR)) => return Err(Errno::EINTR),
            Some(_) => {}
        }
    }
}
