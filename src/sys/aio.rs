//! The kernel's own aio. A context's id is the address that the kernel chose for it.

use super::{call, Result};
use crate::abi::aio::{io_event, iocb};
use crate::abi::ctypes::__kernel_timespec;
use core::ffi::{c_int, c_long, c_uint, c_void};

/// io_pgetevents(2)'s number, which libc does not name on each architecture.
pub const IO_PGETEVENTS: c_long = if cfg!(target_arch = "x86_64") { 333 } else { 292 };

/// io_pgetevents(2)'s last argument.
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct aio_sigset {
    /// The mask; NULL: the thread's own.
    pub sigmask: *const c_void,
    /// Its bytes.
    pub sigsetsize: usize,
}

/// io_setup(2); the new context's id.
pub fn setup(nr_events: c_uint) -> Result<u64> {
    let mut id = 0u64;
    // SAFETY: the id of this frame is what the kernel writes.
    unsafe { call(libc::SYS_io_setup, [nr_events as usize, &raw mut id as usize, 0, 0, 0, 0]) }?;
    Ok(id)
}

/// io_destroy(2).
pub fn destroy(id: u64) -> Result<()> {
    // SAFETY: the kernel checks the id.
    unsafe { call(libc::SYS_io_destroy, [id as usize, 0, 0, 0, 0, 0]) }.map(drop)
}

/// io_submit(2); how many of the `nr` requests went out.
pub unsafe fn submit(id: u64, nr: c_long, requests: *const *mut iocb) -> Result<c_int> {
    let args = [id as usize, nr as usize, requests as usize, 0, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_io_submit, args) }.map(|n| n as c_int)
}

/// io_cancel(2), without the event, which kernels leave alone.
pub unsafe fn cancel(id: u64, request: *mut iocb) -> Result<()> {
    let args = [id as usize, request as usize, 0, 0, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_io_cancel, args) }.map(drop)
}

/// io_pgetevents(2), or without a mask io_getevents(2), which older kernels have as well.
pub unsafe fn get_events(
    id: u64,
    min_nr: c_long,
    nr: c_long,
    events: *mut io_event,
    timeout: *const __kernel_timespec,
    sigmask: *const c_void,
) -> Result<c_int> {
    let sigset = aio_sigset { sigmask, sigsetsize: 8 };
    let (number, last) = if sigmask.is_null() {
        (libc::SYS_io_getevents, 0)
    } else {
        (IO_PGETEVENTS, &raw const sigset as usize)
    };
    let args = [id as usize, min_nr as usize, nr as usize, events as usize, timeout as usize, last];
    // SAFETY: see the module sys.
    unsafe { call(number, args) }.map(|n| n as c_int)
}
