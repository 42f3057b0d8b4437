//! SQTHREAD: the thread that takes requests from the SQ and delivers completions. It has the ring to
//! itself as long as it runs.

use super::context::Rings;
use super::refused::PAUSE;
use super::service::{has_completions, is_timeout, wait_for, Wait, LINGER};
use crate::abi::aio_ring::*;
use crate::abi::ctypes::__kernel_timespec;
use crate::backing;
use crate::sys::clock::Deadline;
use crate::sys::process::yield_now;
use crate::sys::thread;
use core::sync::atomic::{fence, Ordering};

/// How long a thread that polls the SQ keeps doing so without anything to do.
const POLL_IDLE: __kernel_timespec = __kernel_timespec { tv_sec: 1, tv_nsec: 0 };
/// How long one that does not stays awake: going to sleep and being woken takes about as long.
pub const SPIN_IDLE: __kernel_timespec = __kernel_timespec { tv_sec: 0, tv_nsec: 50_000 };
const NO_TIME: __kernel_timespec = __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
/// Looks at the SQ between two yields: others may need the CPU to make progress.
const LOOKS: u32 = 64;

/// The thread.
pub unsafe fn run(rings: &Rings) {
    let cpu = rings.setup_cpu();
    if cpu != AIO_RING_ANY_CPU {
        // A CPU that the process may not use leaves it where it is.
        let _ = thread::pin(cpu);
    }
    let service = rings.service();
    let polls = rings.has(IOCTX_FLAG_SQPOLL);
    let idle = if polls { POLL_IDLE } else { SPIN_IDLE };
    let _ring = service.ring_lock.lock();
    // SAFETY: the ring lock is held, and the context outlives the thread.
    unsafe {
        let inner = rings.inner();
        // The one before had its own.
        inner.is_armed = false;
        if polls {
            inner.queues.set_kflags(0);
        }
        let mut deadline: Option<Deadline> = None;
        let mut looks = 0;
        while !service.stopping() {
            if work(rings) {
                deadline = None;
                looks = 0;
                continue;
            }
            looks += 1;
            if looks < LOOKS {
                core::hint::spin_loop();
                continue;
            }
            looks = 0;
            if deadline.is_none() {
                deadline = Deadline::after(idle).ok();
            }
            let left = deadline.map_or(NO_TIME, |deadline| deadline.left());
            if left.tv_sec > 0 || left.tv_nsec > 0 {
                yield_now();
                continue;
            }
            if !rest(rings, polls) {
                return;
            }
            deadline = None;
        }
    }
}

/// Takes what is in the SQ and delivers what is complete; whether there was anything.
unsafe fn work(rings: &Rings) -> bool {
    let service = rings.service();
    // SAFETY: this is the thread that has the ring.
    unsafe {
        let inner = rings.inner();
        let available = inner.queues.available();
        let (mut taken, mut is_refused) = (0, false);
        if available > 0 {
            let batch = inner.prepare_batch(available);
            // Errors are in the batch as requests that fail; what is refused stays in the SQ for a while.
            let flushed = inner.flush(batch, 0);
            (taken, is_refused) = (flushed.unwrap_or(0), flushed.is_err());
            inner.queues.consume(taken);
        }
        let before = inner.queues.delivered();
        let reaped = inner.reap();
        let _ = inner.run_queued();
        inner.endure(is_refused);
        if inner.overflowed {
            inner.overflowed = false;
            service.overflowed.store(1, Ordering::Release);
        }
        if inner.queues.delivered() != before {
            service.tell();
        }
        taken > 0 || reaped > 0
    }
}

/// Sleeps until there is something to do. False when the thread has ended.
unsafe fn rest(rings: &Rings, polls: bool) -> bool {
    let service = rings.service();
    // SAFETY: this is the thread that has the ring.
    unsafe {
        let inner = rings.inner();
        service.sleeping.store(1, Ordering::SeqCst);
        let mut timeout = LINGER;
        if polls {
            inner.queues.set_kflags(AIO_SQ_NEED_WAKEUP);
            // The application stores its tail and then reads the flag, with no fence between the
            // two. Either it sees the flag, or we see the tail, once every CPU has passed a barrier;
            // without that, once its store has had time to come through.
            if thread::barrier_in_all().is_err() {
                timeout = __kernel_timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            }
        }
        fence(Ordering::SeqCst);
        let has_work = inner.queues.available() > 0 || has_completions(inner);
        let mut is_lost = has_work && inner.is_lost();
        let sleeps = !has_work && !service.stopping();
        let armed = if sleeps { inner.arm_wake_up() } else { Ok(()) };
        if sleeps && armed.is_ok() {
            let wait = Wait { min_complete: 1, timeout };
            let waited = wait_for(&raw mut inner.ring, true, &wait);
            let lingered = is_timeout(&waited) && timeout.tv_sec > 0;
            is_lost = waited.is_err_and(backing::says_lost);
            // Kept asleep for whoever looks now: the last look at the SQ is made after the end
            // is announced.
            if lingered && inner.in_flight() == 0 {
                service.sleeping.store(0, Ordering::SeqCst);
                if service.end_thread(|| inner.queues.available() == 0) {
                    inner.disarm_wake_up();
                    return false;
                }
            }
        }
        is_lost |= armed.is_err_and(backing::says_lost);
        let is_refused = has_work && inner.refused_until.is_some();
        if (has_work && inner.backlog) || is_refused || inner.unsent() > 0 {
            // For the application to make room for events, or the server for requests.
            thread::sleep(PAUSE);
        }
        service.sleeping.store(0, Ordering::SeqCst);
        // Where the program has closed the ring there is nothing to do any more.
        if is_lost && service.end_thread(|| true) {
            return false;
        }
        if polls {
            inner.queues.set_kflags(0);
        }
    }
    true
}
