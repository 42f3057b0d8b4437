//! The seam: the calls that a ring needs from whoever serves it.
//!
//! Everything above (`ring`, `aio`, the C faces) makes these and no others; everything below answers
//! them with io_uring's ABI. Two servers stand behind the seam: the kernel, and `soft`, which serves rings
//! in this process where the kernel's are blocked. `policy` chooses when a ring is made; afterwards its
//! descriptor says whose it is.
//!
//! | call | what it does |
//! |---|---|
//! | [`setup`] | makes a ring of a number of entries, fills in its params, returns its fd |
//! | [`enter`] | submits SQEs and waits for CQEs |
//! | [`register`] | registers files, buffers and whatever else belongs to a ring |
//! | [`map`], [`unmap`] | gives the ring's memory at an `IORING_OFF_*` offset, and takes it back |
//! | [`close`] | closes the ring's fd |

mod cause;
pub mod descriptor;
mod kernel;
mod policy;
mod private;

pub use private::{descriptors_of_ring, keep_private, says_lost, Private};

use crate::abi::uring::io_uring_register_op::IORING_REGISTER_LAST;
use crate::abi::uring::{
    io_uring_params, IORING_ENTER_REGISTERED_RING, IORING_REGISTER_USE_REGISTERED_RING,
};
use crate::soft;
use crate::sys::{fd, file, mem, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

/// Makes a ring of `entries` SQEs; `params` says what kind and is answered with what it became. What
/// io_uring_setup(2) answers, unless `policy` has the ring served here.
///
/// # Safety
/// As for io_uring_setup(2): with `NO_MMAP`, `params` names memory that is large enough.
pub unsafe fn setup(entries: c_uint, params: *mut io_uring_params) -> Result<c_int> {
    // SAFETY: the caller vouches for the params.
    unsafe { policy::setup(entries, params, || false) }
}

/// [`setup`] for a caller of whom is only known that this one call goes through us. Where rings would be served here,
/// `enters_past_us` says whether the others do not (see [`crate::sys::callers`]): then it has no use for one, and gets the kernel's
/// answer.
///
/// # Safety
/// As for [`setup`].
pub unsafe fn setup_for_caller(
    entries: c_uint,
    params: *mut io_uring_params,
    enters_past_us: impl FnOnce() -> bool,
) -> Result<c_int> {
    // SAFETY: the caller vouches for the params.
    unsafe { policy::setup(entries, params, enters_past_us) }
}

/// io_uring_enter2(2).
///
/// # Safety
/// As for that call.
#[inline]
pub unsafe fn enter(
    fd: c_int,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    arg: *const c_void,
    arg_size: usize,
) -> Result<c_int> {
    // SAFETY: the caller vouches for the arguments.
    unsafe {
        match soft::serves() {
            // No ring was ever made here.
            false => kernel::enter(fd, to_submit, min_complete, flags, arg, arg_size),
            true => enter_either(fd, to_submit, min_complete, flags, arg, arg_size),
        }
    }
}

/// [`enter`] where a ring may be ours.
#[inline(never)]
unsafe fn enter_either(
    fd: c_int,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    arg: *const c_void,
    arg_size: usize,
) -> Result<c_int> {
    // SAFETY: the caller vouches for the arguments.
    unsafe {
        match soft::find_to_enter(fd, to_submit, flags) {
            Some(ring) => soft::enter(&ring, to_submit, min_complete, flags, arg, arg_size),
            None => {
                let answer = kernel::enter(fd, to_submit, min_complete, flags, arg, arg_size);
                let answer = match flags & IORING_ENTER_REGISTERED_RING {
                    0 => none_of_ours(fd, answer),
                    _ => none_registered(fd, answer),
                };
                match answer {
                    // The kernel looks at the flags first.
                    Err(Errno::EBADF | Errno::EOPNOTSUPP) if flags & !soft::ENTER_FLAGS != 0 => {
                        Err(Errno::EINVAL)
                    }
                    answer => answer,
                }
            }
        }
    }
}

/// The kernel's answer about a descriptor that is no ring of ours. Where its own are blocked, it would
/// answer so for any: what it says of a file that is no ring, then.
#[inline]
fn none_of_ours(fd: c_int, answer: Result<c_int>) -> Result<c_int> {
    match answer {
        Err(errno) if policy::is_blocked(errno) && soft::serves() && !is_kernels(fd) => {
            Err(file::status_flags(fd).map_or(Errno::EBADF, |_| Errno::EOPNOTSUPP))
        }
        answer => answer,
    }
}

/// Whether it is one of the kernel's rings, which it forbids something else: entering is never that.
#[cold]
fn is_kernels(fd: c_int) -> bool {
    // SAFETY: nothing is submitted or waited for.
    let entered = unsafe { kernel::enter(fd, 0, 0, 0, core::ptr::null(), 0) };
    matches!(entered, Ok(_) | Err(Errno::EBADFD))
}

/// [`none_of_ours`] for a slot of the calling thread's registered rings. A thread that has none of the kernel's
/// is told `EINVAL` by it.
#[cold]
fn none_registered(slot: c_int, answer: Result<c_int>) -> Result<c_int> {
    match answer {
        Err(Errno::EPERM | Errno::EACCES | Errno::ENOSYS | Errno::EINVAL) if soft::serves() => {
            Err(soft::find_registered(slot).err().unwrap_or(Errno::EINVAL))
        }
        answer => answer,
    }
}

/// io_uring_register(2).
///
/// # Safety
/// As for that call.
pub unsafe fn register(
    fd: c_int,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Result<c_int> {
    // SAFETY: the caller vouches for the arguments.
    unsafe {
        match soft::find_for_register(fd, opcode) {
            Some(ring) => soft::register(&ring, opcode, arg, nr_args),
            None if fd == -1 => register_without_ring(opcode, arg, nr_args),
            None => {
                let answer = kernel::register(fd, opcode, arg, nr_args);
                let (registered, last) =
                    (IORING_REGISTER_USE_REGISTERED_RING, IORING_REGISTER_LAST as u32);
                match opcode & registered {
                    0 => none_of_ours(fd, answer),
                    // The kernel looks at the opcode first.
                    _ if opcode & !registered >= last => Err(Errno::EINVAL),
                    _ => none_registered(fd, answer),
                }
            }
        }
    }
}

/// [`register`] for what is about no ring, or a ring that the argument names: descriptor -1.
unsafe fn register_without_ring(
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Result<c_int> {
    // SAFETY: the caller vouches for the arguments.
    unsafe {
        let here = || soft::register_without_ring(opcode, arg, nr_args);
        let kernel = || kernel::register(-1, opcode, arg, nr_args);
        if policy::serves() {
            return here().unwrap_or_else(|| none_of_ours(-1, kernel()));
        }
        match kernel() {
            Err(cause) if policy::serves_instead(cause) => here().unwrap_or(Err(cause)),
            answer => answer,
        }
    }
}

/// Maps `len` bytes of ring `fd`'s memory at `offset` (`IORING_OFF_*`), shared.
///
/// # Safety
/// `fd` must be a ring whose mapping at `offset` has at least `len` bytes.
pub unsafe fn map(fd: c_int, offset: u64, len: usize) -> Result<*mut c_void> {
    match soft::find(fd) {
        Some(ring) => soft::map(&ring, offset, len),
        // SAFETY: the caller vouches for the length.
        None => unsafe { kernel::map(fd, offset, len) },
    }
}

/// Unmaps what [`map`] has given. Of a ring that the program has closed by itself, this is the end.
///
/// # Safety
/// Nothing may use the memory any more.
pub unsafe fn unmap(addr: *mut c_void, len: usize) -> Result<()> {
    // SAFETY: as the caller says.
    let unmapped = unsafe { mem::unmap(addr, len) };
    soft::look_for_unmapped(addr, len);
    unmapped
}

/// Closes ring `fd`: what is in flight is cancelled or finishes on its own.
///
/// # Safety
/// The descriptor must not be used again.
pub unsafe fn close(fd: c_int) -> Result<()> {
    if soft::close(fd) {
        return Ok(());
    }
    // SAFETY: the caller gives it up.
    unsafe { fd::close(fd) }
}
