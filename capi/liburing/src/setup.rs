//! Making rings, sizing them, taking them down.

use crate::answer::Answer;
use anyring::abi::ctypes::*;
use anyring::abi::liburing::io_uring;
use anyring::abi::uring::*;
use anyring::ring::memory::OwnMemory;
use anyring::ring::{probe, setup};
use anyring::sys::Result;
use core::mem::zeroed;
use core::ptr::null_mut;

/// Makes a ring with room for `entries` SQEs (rounded up to a power of two, at most 32768) and
/// `flags` (`IORING_SETUP_*`). 0 on success, else -errno of io_uring_setup(2) or mmap(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_queue_init(
    entries: c_uint,
    ring: *mut io_uring,
    flags: c_uint,
) -> c_int {
    let mut params = params_with(flags);
    // SAFETY: see the module above.
    unsafe { setup::queue_init(entries, ring, &mut params) }.answer()
}

/// As io_uring_queue_init(), with all parameters; `p` is answered with what the ring became.
#[no_mangle]
pub unsafe extern "C" fn io_uring_queue_init_params(
    entries: c_uint,
    ring: *mut io_uring,
    p: *mut io_uring_params,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { setup::queue_init(entries, ring, &mut *p) }.answer()
}

/// As io_uring_queue_init_params(), in the `buf_size` bytes at `buf` (page aligned), which stay the
/// caller's and must outlive the ring. Answers the bytes used; -ENOMEM when there are not enough.
#[no_mangle]
pub unsafe extern "C" fn io_uring_queue_init_mem(
    entries: c_uint,
    ring: *mut io_uring,
    p: *mut io_uring_params,
    buf: *mut c_void,
    buf_size: size_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { setup::queue_init_mem(entries, ring, &mut *p, buf, buf_size) }
        .map(|used| used as c_int)
        .answer()
}

/// Maps ring `fd`, which io_uring_setup() made with the answer `p`, into `ring`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_queue_mmap(
    fd: c_int,
    p: *mut io_uring_params,
    ring: *mut io_uring,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { setup::queue_mmap(fd, &*p, ring) }.answer()
}

/// Unmaps and closes the ring.
#[no_mangle]
pub unsafe extern "C" fn io_uring_queue_exit(ring: *mut io_uring) {
    // SAFETY: see the module above.
    unsafe { setup::queue_exit(ring) }
}

/// Keeps the ring's memory out of children of a fork(2). -EINVAL when there is none.
#[no_mangle]
pub unsafe extern "C" fn io_uring_ring_dontfork(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { setup::dontfork(ring) }.answer()
}

/// Gives the ring `p->sq_entries` (and with IORING_SETUP_CQSIZE `p->cq_entries`); what is queued
/// moves along. For rings with IORING_SETUP_DEFER_TASKRUN whose memory is the kernel's.
#[no_mangle]
pub unsafe extern "C" fn io_uring_resize_rings(
    ring: *mut io_uring,
    p: *mut io_uring_params,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { setup::resize(ring, &mut *p) }.answer()
}

/// How many bytes of locked memory (RLIMIT_MEMLOCK) a ring takes: 0 since kernel 5.12. Where no ring can be made to see
/// which kernel runs, as many as before it.
#[no_mangle]
pub unsafe extern "C" fn io_uring_mlock_size(entries: c_uint, flags: c_uint) -> ssize_t {
    let mut params = params_with(flags);
    // SAFETY: see the module above.
    size_answer(unsafe { locked_memory(entries, &mut params) })
}

/// As io_uring_mlock_size(), with all parameters.
#[no_mangle]
pub unsafe extern "C" fn io_uring_mlock_size_params(
    entries: c_uint,
    p: *mut io_uring_params,
) -> ssize_t {
    // SAFETY: see the module above.
    size_answer(unsafe { locked_memory(entries, &mut *p) })
}

/// How many bytes io_uring_queue_init_mem() needs for a ring of `entries` with `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_memory_size(entries: c_uint, flags: c_uint) -> ssize_t {
    size_answer(own_memory(entries, &params_with(flags)))
}

/// As io_uring_memory_size(), with all parameters.
#[no_mangle]
pub unsafe extern "C" fn io_uring_memory_size_params(
    entries: c_uint,
    p: *mut io_uring_params,
) -> ssize_t {
    // SAFETY: see the module above.
    size_answer(own_memory(entries, unsafe { &*p }))
}

/// Which operations a new ring would serve; NULL when there can be none. Free with
/// io_uring_free_probe().
#[no_mangle]
pub unsafe extern "C" fn io_uring_get_probe() -> *mut io_uring_probe {
    probe::of_new_ring().unwrap_or(null_mut())
}

/// Which operations this ring serves; NULL on failure. Free with io_uring_free_probe().
#[no_mangle]
pub unsafe extern "C" fn io_uring_get_probe_ring(ring: *mut io_uring) -> *mut io_uring_probe {
    // SAFETY: see the module above.
    unsafe { probe::of_ring(ring) }.unwrap_or(null_mut())
}

/// Frees what io_uring_get_probe() or io_uring_get_probe_ring() answered; NULL is allowed.
#[no_mangle]
pub unsafe extern "C" fn io_uring_free_probe(probe: *mut io_uring_probe) {
    // SAFETY: see the module above.
    unsafe { probe::free(probe) }
}

fn params_with(flags: c_uint) -> io_uring_params {
    // SAFETY: all fields are integers.
    let mut params: io_uring_params = unsafe { zeroed() };
    params.flags = flags;
    params
}

fn own_memory(entries: c_uint, params: &io_uring_params) -> Result<usize> {
    OwnMemory::needed(entries, params).map(OwnMemory::total)
}

/// Which kernel runs shows only in the features of a ring, so the smallest one is made to ask. Where there is none to
/// have, as without the memory that the caller wants to know about, it may be one that locks memory.
unsafe fn locked_memory(entries: c_uint, params: &mut io_uring_params) -> Result<usize> {
    let size = OwnMemory::needed(entries, params)?.allocated();
    let mut asked = params_with(0);
    // SAFETY: the ring lives in this frame only.
    unsafe {
        let mut ring: io_uring = zeroed();
        if setup::queue_init(1, &mut ring, &mut asked).is_ok() {
            params.features = ring.features;
            setup::queue_exit(&mut ring);
        }
    }
    let is_free = asked.features & IORING_FEAT_NATIVE_WORKERS != 0;
    Ok(if is_free { 0 } else { size })
}

fn size_answer(size: Result<usize>) -> ssize_t {
    match size {
        Ok(bytes) => bytes as ssize_t,
        Err(errno) => errno.answer() as ssize_t,
    }
}
