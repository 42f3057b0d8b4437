//! A context's thread, and the words that it shares with the callers.
//!
//! The thread is made when a process first needs it and ends when it has been idle for a while. All of
//! this is zero in a child that was forked: it has none of its parent's threads, and none of the locks
//! that those held is held.

use super::context::{cancel_all, Inner, Rings};
use super::{reaper, sq_thread};
use crate::abi::aio_ring::IOCTX_FLAG_SQTHREAD;
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::backing;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::ring::flags::enter_flags;
use crate::ring::submit::flush_sq;
use crate::sys::lock::Lock;
use crate::sys::locks::rank;
use crate::sys::thread::{self, Thread};
use crate::sys::{file, fork, futex, mem, Errno, Result};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::size_of;
use core::sync::atomic::{fence, AtomicU32, Ordering};

/// There is a thread; 0: none.
const RUNNING: u32 = 1;
/// It has ended, or is about to, and must be joined.
const ENDED: u32 = 2;

/// How long a thread stays without anything to do.
pub const LINGER: __kernel_timespec = __kernel_timespec { tv_sec: 5, tv_nsec: 0 };

/// The words.
#[repr(C)]
pub struct Service {
    /// 0 in a process that inherited the context by fork.
    pub present: AtomicU32,
    /// Held by whoever uses the backing's ring and the application's heads and tails.
    pub ring_lock: Lock<{ rank::AIO_RING }>,
    thread_lock: Lock<{ rank::AIO_THREAD }>,
    state: AtomicU32,
    /// The context is being destroyed.
    pub stop: AtomicU32,
    /// The SQ thread sleeps, or is about to: a write to its eventfd wakes it.
    pub sleeping: AtomicU32,
    /// The SQ thread found no room in the CQ, and no call has said it.
    pub overflowed: AtomicU32,
    /// The reaper is not to be patient: an eventfd is to be signalled.
    pub prompt: AtomicU32,
    /// A caller waits for `events` to change.
    waiting: AtomicU32,
    /// Counts deliveries of the SQ thread.
    events: AtomicU32,
    thread: UnsafeCell<Option<Thread>>,
}

impl Service {
    /// New, and present in this process.
    pub fn map() -> Result<*mut Service> {
        let service = fork::map_emptied(mem::PAGE_SIZE)?.cast::<Service>();
        // SAFETY: the mapping is new; zeros are a service without a thread.
        unsafe { (*service).present.store(1, Ordering::Release) };
        Ok(service)
    }

    /// Frees it.
    pub unsafe fn unmap(service: *mut Service) {
        // SAFETY: the mapping is map()'s own.
        unsafe { fork::unmap_emptied(service.cast(), mem::PAGE_SIZE) };
    }

    /// Whether the context is being destroyed.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire) != 0
    }

    /// Tells a caller that waits that something was delivered.
    pub fn tell(&self) {
        self.events.fetch_add(1, Ordering::SeqCst);
        if self.waiting.swap(0, Ordering::SeqCst) != 0 {
            futex::wake(&self.events, futex::ALL);
        }
    }

    /// Sleeps until [`tell`](Self::tell), unless `ready` says first that there is no need to.
    pub fn listen(&self, ready: impl FnOnce() -> bool) {
        let seen = self.events.load(Ordering::SeqCst);
        self.waiting.store(1, Ordering::SeqCst);
        if !ready() && !self.stopping() {
            let _ = futex::wait(&self.events, seen, None);
        }
    }

    /// The thread ends if `idle` still holds when nobody can take it for running.
    pub fn end_thread(&self, idle: impl FnOnce() -> bool) -> bool {
        let _state = self.thread_lock.lock();
        self.state.store(ENDED, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let idle = idle();
        if !idle {
            self.state.store(RUNNING, Ordering::SeqCst);
        }
        idle
    }
}

impl Rings {
    /// Makes the thread unless it runs. A reaper is looked for under the ring lock, an SQ thread after
    /// the SQ's tail was stored: it ends only where that is seen.
    #[inline]
    pub(super) fn ensure_thread(&self) -> Result<()> {
        fence(Ordering::SeqCst);
        if self.service().state.load(Ordering::Acquire) == RUNNING {
            return Ok(());
        }
        self.make_thread()
    }

    #[cold]
    fn make_thread(&self) -> Result<()> {
        let service = self.service();
        let _state = service.thread_lock.lock();
        if service.state.load(Ordering::Acquire) == RUNNING {
            return Ok(());
        }
        let main = if self.has(IOCTX_FLAG_SQTHREAD) { sq_thread_main } else { reaper_main };
        // SAFETY: the thread lock is held. The context outlives the thread, which destroy() joins.
        unsafe {
            if let Some(ended) = (*service.thread.get()).take() {
                ended.join();
            }
            let thread = thread::spawn(main, (self as *const Rings).cast_mut().cast())?;
            *service.thread.get() = Some(thread);
        }
        service.state.store(RUNNING, Ordering::Release);
        Ok(())
    }

    /// Wakes the SQ thread if it sleeps.
    #[inline]
    pub(super) fn wake_sq_thread(&self) {
        let service = self.service();
        if service.sleeping.load(Ordering::SeqCst) != 0
            && service.sleeping.swap(0, Ordering::SeqCst) != 0
        {
            // SAFETY: the descriptor does not change while the thread runs.
            let _ = file::signal(unsafe { (*self.inner_without_lock()).wake_fd });
        }
    }

    /// Ends the thread of a context whose removal began, and takes the ring over from it.
    pub(super) unsafe fn stop_thread(&self) {
        let service = self.service();
        service.stop.store(1, Ordering::SeqCst);
        // SAFETY: the caller is inside alone. The thread gives the ring up when it sees the stop. It
        // may take the thread lock on its way, so that is not held for long.
        unsafe {
            let taken = {
                let _state = service.thread_lock.lock();
                (*service.thread.get()).take()
            };
            let Some(thread) = taken else { return };
            if self.has(IOCTX_FLAG_SQTHREAD) {
                let _ = file::signal((*self.inner_without_lock()).wake_fd);
            } else {
                let _ring = service.ring_lock.lock();
                self.inner().wake_reaper();
            }
            thread.join();
        }
    }

    /// What destroy() does to a caller that waits inside.
    pub(super) unsafe fn interrupt(&self) {
        let service = self.service();
        service.stop.store(1, Ordering::SeqCst);
        service.tell();
        // SAFETY: cancelling uses the ring's descriptor only.
        let _ = unsafe { cancel_all(self.inner_without_lock()) };
    }
}

extern "C" fn reaper_main(rings: *mut c_void) -> *mut c_void {
    thread::set_name(c"anyring-reaper");
    // SAFETY: the context outlives its thread.
    unsafe { reaper::run(&*rings.cast::<Rings>()) };
    core::ptr::null_mut()
}

extern "C" fn sq_thread_main(rings: *mut c_void) -> *mut c_void {
    thread::set_name(c"anyring-sq");
    // SAFETY: the context outlives its thread.
    unsafe { sq_thread::run(&*rings.cast::<Rings>()) };
    core::ptr::null_mut()
}

/// Until when a thread waits for completions.
pub struct Wait {
    /// How many end the wait.
    pub min_complete: u32,
    /// When it is over; `ETIME`.
    pub timeout: __kernel_timespec,
}

/// Submits what is queued if `submit`, and waits. Without `submit` nobody's SQ side is touched.
pub unsafe fn wait_for(ring: *mut io_uring, submit: bool, wait: &Wait) -> Result<c_int> {
    let arg = io_uring_getevents_arg {
        sigmask: 0,
        sigmask_sz: 8,
        min_wait_usec: 0,
        ts: &raw const wait.timeout as u64,
    };
    // SAFETY: the argument lives in this frame; with `submit` the caller holds the ring lock.
    unsafe {
        let to_submit = if submit { flush_sq(ring) } else { 0 };
        let flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | enter_flags(ring);
        let size = size_of::<io_uring_getevents_arg>();
        let arg = (&raw const arg).cast();
        backing::enter((*ring).enter_ring_fd, to_submit, wait.min_complete, flags, arg, size)
    }
}

/// Whether completions stand in the backing's CQ.
pub unsafe fn has_completions(inner: *const Inner) -> bool {
    // SAFETY: the words of the ring are mapped as long as the context.
    unsafe {
        let cq = &raw const (*inner).ring.cq;
        io_uring_smp_load_acquire((*cq).ktail) != read_once((*cq).khead)
    }
}

/// Whether an error of [`wait_for`] means that nothing came in time.
pub fn is_timeout(waited: &Result<c_int>) -> bool {
    matches!(waited, Err(Errno::ETIME))
}
