//! The thread that delivers completions while the application is not inside of io_ring_enter().
//!
//! An application that keeps entering reaps for itself, so the reaper waits for many completions and
//! takes what there is twice in a millisecond at the most. While nothing completes it sleeps; when
//! nothing has been in flight for a while it ends.

use super::context::Rings;
use super::service::{is_timeout, wait_for, Wait, LINGER};
use crate::abi::uring::IORING_FEAT_MIN_TIMEOUT;
use crate::sys::lock::Lock;
use crate::sys::thread::sleep;
use core::sync::atomic::Ordering;

/// How long a completion may wait for the application to come and take it.
const PATIENCE_USEC: u32 = 500;
/// More completions than anybody waits for.
const MANY: u32 = 1 << 20;

/// The thread.
pub unsafe fn run(rings: &Rings) {
    let service = rings.service();
    // SAFETY: the context outlives the thread. Without the lock only what does not change is used.
    unsafe {
        let inner = rings.inner_without_lock();
        let is_patient = (*inner).ring.features & IORING_FEAT_MIN_TIMEOUT != 0;
        while !service.stopping() {
            // Who waits for an eventfd's signal is not inside either.
            let wait = if service.prompt.load(Ordering::Relaxed) != 0 {
                Wait { min_complete: 1, then_one_usec: 0, timeout: LINGER }
            } else if is_patient {
                Wait { min_complete: MANY, then_one_usec: PATIENCE_USEC, timeout: LINGER }
            } else {
                Wait { min_complete: 1, then_one_usec: 0, timeout: LINGER }
            };
            let waited = wait_for(&raw mut (*inner).ring, false, &wait);
            if !is_patient && service.prompt.load(Ordering::Relaxed) == 0 {
                sleep(i64::from(PATIENCE_USEC));
            }
            if service.stopping() {
                return;
            }
            let is_stuck = match Lock::try_lock(&service.ring_lock) {
                // The caller inside takes what there is.
                None => true,
                Some(_ring) => {
                    let inner = &mut *inner;
                    inner.reap();
                    let _ = inner.run_queued();
                    if is_timeout(&waited) && inner.in_flight() == 0 && service.end_thread(|| true)
                    {
                        return;
                    }
                    inner.backlog
                }
            };
            if is_stuck {
                sleep(i64::from(PATIENCE_USEC));
            }
        }
    }
}
