//! Contexts of ours and contexts of the kernel's own aio beside each other. The mode decides at setup;
//! afterwards the id tells: what is none of ours may be one of the kernel's, once one was made here.

use super::context;
use super::events::{self, Timing};
use super::mode::{mode, Mode};
use super::registry::ContextId;
use crate::abi::aio::{io_event, iocb};
use crate::sys::{aio, Errno, Result};
use core::ffi::{c_int, c_long};
use core::sync::atomic::{AtomicBool, Ordering};

/// Whether there may be contexts of the kernel's.
static NATIVE: AtomicBool = AtomicBool::new(false);

/// Makes a context for `nr_events` requests in flight. `EINVAL` for 0, `EAGAIN` for too many, or what
/// io_uring_setup(2) answers; with the kernel's aio, what io_setup(2) does.
pub fn setup(nr_events: u32) -> Result<ContextId> {
    let mode = mode();
    let is_short = mode == Mode::Auto && !context::has_descriptors_left();
    if mode != Mode::Native && !is_short {
        let ours = context::setup(nr_events, mode);
        match ours {
            // No kernel support, or a policy that forbids it: a sysctl, a container's filter.
            Err(Errno::ENOSYS | Errno::EPERM) if mode == Mode::Auto => {}
            // The kernel's aio needs no descriptor, and no memory that is locked: that of rings counts since Linux 6.14.
            Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) if mode == Mode::Auto => {}
            _ => return ours,
        }
    }
    match aio::setup(nr_events) {
        Ok(id) => {
            NATIVE.store(true, Ordering::Relaxed);
            Ok(id)
        }
        // Better a ring than nothing.
        Err(errno) if is_short => context::setup(nr_events, mode).map_err(|_| errno),
        Err(errno) => Err(errno),
    }
}

/// Whether, after this answer of ours, the kernel should be asked.
#[inline(always)]
fn not_ours<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Errno::EINVAL)) && NATIVE.load(Ordering::Relaxed)
}

/// Ends a context. `EINVAL` when it is none.
pub fn destroy(id: ContextId) -> Result<()> {
    let ours = context::destroy(id);
    if not_ours(&ours) {
        return aio::destroy(id);
    }
    ours
}

/// Submits `nr` requests from the array of addresses `requests`; returns how many. See
/// `submit::submit`.
#[inline]
pub unsafe fn submit(id: ContextId, nr: c_long, requests: *const *mut iocb) -> Result<c_int> {
    // SAFETY: see the module aio.
    unsafe {
        let ours = super::submit::submit(id, nr, requests);
        if not_ours(&ours) {
            return aio::submit(id, nr, requests);
        }
        ours
    }
}

/// Asks to cancel the request at `address`. See [`context::cancel`].
pub unsafe fn cancel(id: ContextId, address: *mut iocb) -> Result<()> {
    // SAFETY: see the module aio.
    unsafe {
        let ours = context::cancel(id, address);
        if not_ours(&ours) {
            return aio::cancel(id, address);
        }
        ours
    }
}

/// Stores up to `nr` events, waiting for `min_nr` of them; returns how many. See
/// `events::get_events`.
#[inline]
pub unsafe fn get_events(
    id: ContextId,
    min_nr: c_long,
    nr: c_long,
    events: *mut io_event,
    timing: Timing,
) -> Result<c_int> {
    // SAFETY: see the module aio.
    unsafe {
        let ours = events::get_events(id, min_nr, nr, events, timing);
        if not_ours(&ours) {
            return aio::get_events(id, min_nr, nr, events, timing.timeout, timing.sigmask);
        }
        ours
    }
}
