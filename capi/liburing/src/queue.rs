//! Submitting and waiting.

use crate::answer::{waited, Answer};
use anyring::abi::ctypes::*;
use anyring::abi::liburing::io_uring;
use anyring::abi::uring::*;
use anyring::ring::wait::{self, Limits};
use anyring::ring::{flags, submit};

/// Submits what was prepared. Answers how many SQEs went out (with SQPOLL: may go out), or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_submit(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { submit::submit(ring) }.answer()
}

/// Submits what was prepared and waits for `wait_nr` completions in the same call. Answers how many
/// SQEs went out, or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_submit_and_wait(ring: *mut io_uring, wait_nr: c_uint) -> c_int {
    // SAFETY: see the module above.
    unsafe { submit::submit_and_wait(ring, wait_nr) }.answer()
}

/// Submits what was prepared and has pending completions posted, without waiting for any.
#[no_mangle]
pub unsafe extern "C" fn io_uring_submit_and_get_events(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { submit::submit_and_get_events(ring) }.answer()
}

/// Has pending completions posted: overflowed CQEs, deferred task work, polled I/O.
#[no_mangle]
pub unsafe extern "C" fn io_uring_get_events(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { submit::get_events(ring) }.answer()
}

/// Waits until an SQPOLL ring's full SQ has room. io_uring_sqring_wait() calls it when it has none.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_sqring_wait(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { submit::sqring_wait(ring) }.answer()
}

/// Submits `submit` published SQEs and waits for `wait_nr` CQEs under `sigmask` (may be NULL); the
/// inline wait functions call it when the CQ holds too few. Answers what the first enter did, 0
/// without one, or -errno.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_get_cqe(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    submit: c_uint,
    wait_nr: c_uint,
    sigmask: *mut sigset_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { waited(wait::get_cqe(ring, submit, wait_nr, sigmask.cast()), cqe_ptr) }
}

/// Waits for `wait_nr` CQEs, no longer than `ts` and under `sigmask` (NULL: for ever, the thread's
/// own). 0 with the oldest in `cqe_ptr`, -ETIME, -EINTR or another -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_wait_cqes(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    sigmask: *mut sigset_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { waited(wait::wait_cqes(ring, wait_nr, limits(ts, 0, sigmask)), cqe_ptr) }
}

/// io_uring_wait_cqes() for one CQE under the thread's own signal mask.
#[no_mangle]
pub unsafe extern "C" fn io_uring_wait_cqe_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    ts: *mut __kernel_timespec,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_uring_wait_cqes(ring, cqe_ptr, 1, ts, core::ptr::null_mut()) }
}

/// io_uring_wait_cqes() that is content with fewer CQEs, but at least one, once `min_ts_usec`
/// microseconds have passed. -EINVAL without IORING_FEAT_MIN_TIMEOUT.
#[no_mangle]
pub unsafe extern "C" fn io_uring_wait_cqes_min_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    min_ts_usec: c_uint,
    sigmask: *mut sigset_t,
) -> c_int {
    let limits = limits(ts, min_ts_usec, sigmask);
    // SAFETY: see the module above.
    unsafe { waited(wait::wait_cqes_min_timeout(ring, wait_nr, limits), cqe_ptr) }
}

/// Submits what was prepared and waits for `wait_nr` CQEs, no longer than `ts`. Answers how many
/// SQEs went out also when the time is over (`cqe_ptr` is NULL then); -ETIME when none did.
#[no_mangle]
pub unsafe extern "C" fn io_uring_submit_and_wait_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    sigmask: *mut sigset_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { waited(wait::submit_and_wait(ring, wait_nr, limits(ts, 0, sigmask)), cqe_ptr) }
}

/// io_uring_submit_and_wait_timeout() that is content with fewer CQEs, but at least one, once
/// `min_wait` microseconds have passed. Without `ts` there is no minimum either. -EINVAL without
/// IORING_FEAT_MIN_TIMEOUT.
#[no_mangle]
pub unsafe extern "C" fn io_uring_submit_and_wait_min_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    min_wait: c_uint,
    sigmask: *mut sigset_t,
) -> c_int {
    let limits = limits(ts, min_wait, sigmask);
    // SAFETY: see the module above.
    unsafe { waited(wait::submit_and_wait_min_timeout(ring, wait_nr, limits), cqe_ptr) }
}

/// Submits what was prepared and waits as entry `reg_index` of the ring's registered wait region
/// says (struct io_uring_reg_wait). -EINVAL without IORING_FEAT_EXT_ARG.
#[no_mangle]
pub unsafe extern "C" fn io_uring_submit_and_wait_reg(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    reg_index: c_int,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { waited(wait::submit_and_wait_reg(ring, wait_nr, reg_index), cqe_ptr) }
}

/// Stores the addresses of up to `count` ready CQEs in `cqes`, oldest first, without consuming
/// them; answers how many.
#[no_mangle]
pub unsafe extern "C" fn io_uring_peek_batch_cqe(
    ring: *mut io_uring,
    cqes: *mut *mut io_uring_cqe,
    count: c_uint,
) -> c_uint {
    // SAFETY: see the module above.
    unsafe { wait::peek_batch(ring, cqes, count) }
}

/// Says whether waits on this ring count as I/O wait in the system's statistics (they do at first).
/// -EOPNOTSUPP without IORING_FEAT_NO_IOWAIT.
#[no_mangle]
pub unsafe extern "C" fn io_uring_set_iowait(ring: *mut io_uring, enable_iowait: bool) -> c_int {
    // SAFETY: see the module above.
    unsafe { flags::set_iowait(ring, enable_iowait) }.answer()
}

fn limits(ts: *mut __kernel_timespec, min_wait_usec: c_uint, sigmask: *mut sigset_t) -> Limits {
    Limits { ts, min_wait_usec, sigmask: sigmask.cast() }
}
