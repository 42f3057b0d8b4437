//! The ring calls of 2018.

use crate::answer::answer;
use anyring::abi::aio_ring::{aio_cq_ring, aio_sq_ring, anyring_aio};
use anyring::abi::ctypes::*;
use anyring::aio::registry::ContextId;
use anyring::aio::{self, rings, user};
use anyring::sys::Result;

/// Makes a context with rings that the application allocated, and stores it at `ctxp`, where 0 must
/// stand. Without IOCTX_FLAG_SCQRING it is one for io_submit() and the rings are NULL. 0; -EINVAL,
/// -EFAULT or -EAGAIN; or why the library has no ring: what io_uring_setup(2) answers.
#[no_mangle]
pub unsafe extern "C" fn io_setup2(
    nr_events: c_uint,
    flags: c_uint,
    sq_ring: *mut aio_sq_ring,
    cq_ring: *mut aio_cq_ring,
    ctxp: *mut io_context_t,
) -> c_int {
    let setup = rings::Setup::indexed(nr_events, flags, sq_ring, cq_ring);
    // SAFETY: see the module above.
    answer(unsafe { make(setup, ctxp) })
}

/// io_setup2() by its number, with what a program's registers hold behind the flags. In the series' first days there
/// was one argument more.
pub unsafe fn io_setup2_by_number(nr_events: c_uint, flags: c_uint, args: [usize; 4]) -> c_int {
    let [sq, cq, ctxp, _] = args;
    // SAFETY: see the module above.
    unsafe {
        match rings::of_first_days(nr_events, flags, args) {
            Some(setup) => answer(make(setup, args[3] as *mut io_context_t)),
            None => io_setup2(nr_events, flags, sq as _, cq as _, ctxp as _),
        }
    }
}

unsafe fn make(setup: rings::Setup, ctxp: *mut io_context_t) -> Result<c_int> {
    // SAFETY: see the module above.
    unsafe {
        user::check_is_zero(ctxp)?;
        let id = rings::setup(setup)?;
        user::hand_out(ctxp.cast(), id).inspect_err(|_| _ = aio::destroy(id))?;
    }
    Ok(0)
}

/// Submits up to `to_submit` entries of the context's SQ ring, and waits for an event when
/// `min_complete` is not 0 (for that many when the context is polled). `flags` may say
/// IORING_FLAG_SUBMIT and IORING_FLAG_GETEVENTS; the two numbers decide. Answers how many entries
/// were submitted; -EINVAL, -EBUSY when another thread is inside, -EOVERFLOW once when events had to
/// wait for room, or the first entry's error.
#[no_mangle]
pub unsafe extern "C" fn io_ring_enter(
    ctx: io_context_t,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
) -> c_int {
    // The flags' meaning was renumbered once: nothing can be told from them.
    let _ = flags;
    // SAFETY: see the module above.
    answer(unsafe { rings::enter(ctx as ContextId, to_submit, min_complete) })
}

/// Makes a context of `depth` requests (rounded up to a power of two) with rings that the library maps,
/// and stores both at `aio`, for anyring_aio_get() and its kin. `flags` are IOCTX_FLAG_*, without
/// IOCTX_FLAG_FIXEDBUFS: io_setup2() takes such buffers from requests. 0 or -errno, as io_setup2().
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_init(
    depth: c_uint,
    flags: c_uint,
    aio: *mut anyring_aio,
) -> c_int {
    // SAFETY: see the module above.
    answer(unsafe { rings::mapped::init(depth, flags, aio) }.map(|()| 0))
}

/// Ends what anyring_aio_init() made, as io_destroy(), and unmaps the rings. 0 or -EINVAL.
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_exit(aio: *mut anyring_aio) -> c_int {
    // SAFETY: see the module above.
    answer(unsafe { rings::mapped::exit(aio) }.map(|()| 0))
}
