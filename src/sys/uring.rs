//! The kernel's three io_uring calls. The numbers are the same on every architecture that has them.

use super::{call, Result};
use crate::abi::uring::io_uring_params;
use core::ffi::{c_int, c_uint, c_void};

/// io_uring_setup(2): makes a ring of `entries` and returns its descriptor.
pub unsafe fn setup(entries: c_uint, params: *mut io_uring_params) -> Result<c_int> {
    // SAFETY: see the module sys.
    let fd =
        unsafe { call(libc::SYS_io_uring_setup, [entries as usize, params as usize, 0, 0, 0, 0]) }?;
    Ok(fd as c_int)
}

/// io_uring_enter(2): submits and waits; returns the number of SQEs that the kernel consumed.
#[inline(always)]
pub unsafe fn enter(
    fd: c_int,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    arg: *const c_void,
    arg_size: usize,
) -> Result<c_int> {
    // SAFETY: see the module sys.
    let submitted = unsafe {
        call(
            libc::SYS_io_uring_enter,
            [
                fd as usize,
                to_submit as usize,
                min_complete as usize,
                flags as usize,
                arg as usize,
                arg_size,
            ],
        )
    }?;
    Ok(submitted as c_int)
}

/// io_uring_register(2): what it returns depends on `opcode`.
pub unsafe fn register(
    fd: c_int,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Result<c_int> {
    // SAFETY: see the module sys.
    let ret = unsafe {
        call(
            libc::SYS_io_uring_register,
            [fd as usize, opcode as usize, arg as usize, nr_args as usize, 0, 0],
        )
    }?;
    Ok(ret as c_int)
}
