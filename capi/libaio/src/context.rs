//! Contexts: making them, submitting to them, getting events from them.

use crate::answer::answer;
use anyring::abi::aio::{io_event, iocb};
use anyring::abi::ctypes::*;
use anyring::aio::registry::ContextId;
use anyring::aio::{self, user, Timing};
use anyring::sys::{Errno, Result};
use core::arch::global_asm;

/// A context as C programs hold it: `io_context_t`, an address that only the library looks behind.
pub type Context = *mut c_void;

// Three names stand under two nodes each: what programs linked before libaio 0.3.96 expect, and since.
global_asm!(
    ".symver io_cancel_0_1, io_cancel@LIBAIO_0.1",
    ".symver io_cancel_0_4, io_cancel@@LIBAIO_0.4",
    ".symver io_getevents_0_1, io_getevents@LIBAIO_0.1",
    ".symver io_getevents_0_4, io_getevents@@LIBAIO_0.4",
);

/// Makes a context for `maxevents` requests in flight and stores it at `ctxp`, where 0 must stand.
/// 0; -EINVAL, -EAGAIN or -EFAULT; or why there is no ring: what io_uring_setup(2) answers.
#[no_mangle]
pub unsafe extern "C" fn io_setup(maxevents: c_int, ctxp: *mut Context) -> c_int {
    // SAFETY: see the module above.
    answer(unsafe { setup(maxevents, ctxp) })
}

unsafe fn setup(maxevents: c_int, ctxp: *mut Context) -> Result<c_int> {
    // SAFETY: see the module above.
    unsafe {
        user::check_is_zero(ctxp)?;
        let nr_events = u32::try_from(maxevents).map_err(|_| Errno::EINVAL)?;
        let id = aio::setup(nr_events)?;
        user::hand_out(ctxp.cast(), id).inspect_err(|_| _ = aio::destroy(id))?;
    }
    Ok(0)
}

/// Ends a context: cancels what can be cancelled and waits for the rest. 0 or -EINVAL.
#[no_mangle]
pub unsafe extern "C" fn io_destroy(ctx: Context) -> c_int {
    answer(aio::destroy(ctx as ContextId).map(|()| 0))
}

/// Submits the `nr` requests whose addresses stand at `ios`. Answers how many went out; -errno when the
/// first of them did not.
#[no_mangle]
pub unsafe extern "C" fn io_submit(ctx: Context, nr: c_long, ios: *mut *mut iocb) -> c_int {
    // SAFETY: see the module above.
    answer(unsafe { aio::submit(ctx as ContextId, nr, ios) })
}

/// Asks to cancel a request. -EINPROGRESS: its event is on its way, by io_getevents(); `evt` is not
/// written. -EINVAL: it is not in flight, or past cancelling.
#[no_mangle]
pub unsafe extern "C" fn io_cancel_0_4(
    ctx: Context,
    request: *mut iocb,
    evt: *mut io_event,
) -> c_int {
    let _ = evt;
    // SAFETY: see the module above.
    answer(unsafe { aio::cancel(ctx as ContextId, request) }.map(|()| 0))
}

/// io_cancel() without the event, which was never written.
#[no_mangle]
pub unsafe extern "C" fn io_cancel_0_1(ctx: Context, request: *mut iocb) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_cancel_0_4(ctx, request, core::ptr::null_mut()) }
}

/// Stores up to `nr` events at `events`, waiting for `min_nr` of them, no longer than `timeout` (NULL:
/// for ever). Answers how many; -EINTR when a signal came first.
#[no_mangle]
pub unsafe extern "C" fn io_getevents_0_4(
    ctx: Context,
    min_nr: c_long,
    nr: c_long,
    events: *mut io_event,
    timeout: *mut __kernel_timespec,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_pgetevents(ctx, min_nr, nr, events, timeout, core::ptr::null_mut()) }
}

/// io_getevents() for one event at least.
#[no_mangle]
pub unsafe extern "C" fn io_getevents_0_1(
    ctx: Context,
    nr: c_long,
    events: *mut io_event,
    timeout: *const __kernel_timespec,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_getevents_0_4(ctx, 1, nr, events, timeout.cast_mut()) }
}

/// io_getevents() under the signal mask `sigmask` (NULL: the thread's own).
#[no_mangle]
pub unsafe extern "C" fn io_pgetevents(
    ctx: Context,
    min_nr: c_long,
    nr: c_long,
    events: *mut io_event,
    timeout: *mut __kernel_timespec,
    sigmask: *mut sigset_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe {
        let timing = Timing { timeout, sigmask: sigmask.cast() };
        answer(aio::get_events(ctx as ContextId, min_nr, nr, events, timing))
    }
}
