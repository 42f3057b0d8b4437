//! The thread that delivers completions while the application is not inside of io_ring_enter().
//!
//! An application that keeps entering reaps for itself, so the reaper looks at most twice in a millisecond. While
//! nothing completes it sleeps; when nothing has been in flight for a while it ends.
//!
//! It waits for one completion and never for more: the kernel wakes those who wait for a ring in their order, and goes
//! on to the next only if it has woken the one before. A reaper that waits for several would keep the wake-up from
//! a caller who came after it.

use super::context::Rings;
use super::refused::PAUSE;
use super::service::{is_timeout, wait_for, Wait, LINGER};
use crate::abi::ctypes::__kernel_timespec;
use crate::backing;
use crate::sys::thread::sleep;
use core::sync::atomic::Ordering;

/// How long a completion may wait for the application to come and take it.
const PATIENCE_USEC: u32 = 500;

const SOON: __kernel_timespec = __kernel_timespec { tv_sec: 0, tv_nsec: PAUSE * 1000 };

/// The thread.
pub unsafe fn run(rings: &Rings) {
    let service = rings.service();
    // SAFETY: the context outlives the thread. Without the lock only what does not change is used.
    unsafe {
        let inner = rings.inner_without_lock();
        let mut is_refused = false;
        while !service.stopping() {
            // What the server has refused, it is asked again to take.
            let timeout = if is_refused { SOON } else { LINGER };
            let wait = Wait { min_complete: 1, timeout };
            let waited = wait_for(&raw mut (*inner).ring, false, &wait);
            if service.stopping() {
                return;
            }
            let is_lost = waited.is_err_and(backing::says_lost);
            let is_stuck = match service.ring_lock.try_lock() {
                // The caller inside takes what there is.
                None => true,
                Some(_ring) => {
                    let inner = &mut *inner;
                    inner.reap();
                    let _ = inner.run_queued();
                    is_refused = inner.endure(false);
                    let is_idle = is_timeout(&waited) && inner.in_flight() == 0;
                    // Where the program has closed the ring there is nothing to deliver any more.
                    if (is_idle || is_lost) && service.end_thread(|| true) {
                        return;
                    }
                    inner.backlog
                }
            };
            // Who waits for an eventfd's signal is not inside either.
            if is_stuck || service.prompt.load(Ordering::Relaxed) == 0 {
                sleep(i64::from(PATIENCE_USEC));
            }
        }
    }
}
