//! The three calls on a descriptor, for callers that do without a `struct io_uring`.

use crate::answer::Answer;
use anyring::abi::ctypes::*;
use anyring::abi::uring::io_uring_params;
use anyring::backing;

/// Bytes of the signal set that io_uring_enter(2) takes: 64 signals.
const SIGSET_SIZE: size_t = 8;

/// io_uring_setup(2): answers the ring's descriptor or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_setup(entries: c_uint, p: *mut io_uring_params) -> c_int {
    // SAFETY: see the module above.
    unsafe { backing::setup(entries, p) }.answer()
}

/// io_uring_enter(2) under signal mask `sig` (may be NULL): answers the SQEs consumed or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_enter(
    fd: c_uint,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    sig: *mut sigset_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_uring_enter2(fd, to_submit, min_complete, flags, sig.cast(), SIGSET_SIZE) }
}

/// io_uring_enter(2) with an argument of `sz` bytes: a signal set, or what IORING_ENTER_EXT_ARG says.
#[no_mangle]
pub unsafe extern "C" fn io_uring_enter2(
    fd: c_uint,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    arg: *mut c_void,
    sz: size_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { backing::enter(fd as c_int, to_submit, min_complete, flags, arg, sz) }.answer()
}

/// io_uring_register(2): what it answers depends on `opcode` (IORING_REGISTER_*); -errno on failure.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register(
    fd: c_uint,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { backing::register(fd as c_int, opcode, arg, nr_args) }.answer()
}
