//! Asking which operations a server knows.

use super::register::register;
use super::setup;
use crate::abi::liburing::io_uring;
use crate::abi::uring::io_uring_register_op::IORING_REGISTER_PROBE;
use crate::abi::uring::*;
use crate::sys::{heap, Result};
use core::ffi::c_uint;
use core::mem::{size_of, MaybeUninit};

/// A probe names at most as many operations as an opcode has values.
const MAX_OPS: usize = 256;
const PROBE_SIZE: usize = size_of::<io_uring_probe>() + MAX_OPS * size_of::<io_uring_probe_op>();

/// Asks the server of `ring`. The probe is to be given to [`free`]; there are programs that give it to
/// C's `free` instead, so it comes from their heap.
pub unsafe fn of_ring(ring: *const io_uring) -> Result<*mut io_uring_probe> {
    // SAFETY: see the module ring; the memory has room for MAX_OPS and is zeroed.
    unsafe {
        let memory = heap::allocate_zeroed(PROBE_SIZE)?;
        register(ring, IORING_REGISTER_PROBE, memory, MAX_OPS as c_uint).inspect_err(|_| {
            heap::free(memory, PROBE_SIZE);
        })?;
        Ok(memory.cast())
    }
}

/// Asks the server that a new ring would get, on a ring made for the question.
pub fn of_new_ring() -> Result<*mut io_uring_probe> {
    let mut ring = MaybeUninit::<io_uring>::uninit();
    // SAFETY: params may be zero; the ring is initialised by queue_init before it is used.
    unsafe {
        let mut params: io_uring_params = core::mem::zeroed();
        setup::queue_init(2, ring.as_mut_ptr(), &mut params)?;
        let probe = of_ring(ring.as_ptr());
        setup::queue_exit(ring.as_mut_ptr());
        probe
    }
}

/// Frees a probe; NULL is none.
///
/// # Safety
/// It must come from this module and not be used again.
pub unsafe fn free(probe: *mut io_uring_probe) {
    if !probe.is_null() {
        // SAFETY: the memory is of_ring's, and the caller does not use it again.
        unsafe { heap::free(probe.cast(), PROBE_SIZE) };
    }
}
