//! The system calls that are ours: from a number and its arguments to the functions of the faces.

use crate::callers;
use crate::descriptors::{close_at_once, map, unmap};
use anyring::abi::ctypes::*;
use anyring::sys::aio::aio_sigset;
use anyring::sys::Errno;
use anyring_libaio::context::*;
use anyring_libaio::rings::*;
use anyring_liburing::syscall::*;
use core::ptr::null_mut;
use numbers::*;

/// The numbers, which `arch` tells from all others.
pub mod numbers {
    use anyring::abi::aio_ring::{AIO_RING_NR_ENTER, AIO_RING_NR_SETUP2};
    use libc::*;

    pub const IO_SETUP: c_long = SYS_io_setup;
    pub const IO_DESTROY: c_long = SYS_io_destroy;
    pub const IO_GETEVENTS: c_long = SYS_io_getevents;
    pub const IO_SUBMIT: c_long = SYS_io_submit;
    pub const IO_CANCEL: c_long = SYS_io_cancel;
    pub use anyring::sys::aio::IO_PGETEVENTS;
    /// The rings of 2018. No kernel has these calls, and clients hard-code the numbers.
    pub const IO_SETUP2: c_long = AIO_RING_NR_SETUP2 as c_long;
    /// See [`IO_SETUP2`].
    pub const IO_RING_ENTER: c_long = AIO_RING_NR_ENTER as c_long;
    pub const IO_URING_SETUP: c_long = SYS_io_uring_setup;
    pub const IO_URING_ENTER: c_long = SYS_io_uring_enter;
    pub const IO_URING_REGISTER: c_long = SYS_io_uring_register;
    /// What programs do with a ring's descriptor and memory.
    pub const MMAP: c_long = SYS_mmap;
    /// See [`MMAP`].
    pub const MUNMAP: c_long = SYS_munmap;
    /// See [`MMAP`].
    pub const CLOSE: c_long = SYS_close;
}

/// Bytes of the signal set that system calls take: 64 signals.
const SIGSET_SIZE: size_t = 8;

/// Serves one of [`numbers`]; answers as libc's syscall() does, with -1 and errno on failure. The upper
/// halves of 32-bit arguments are whatever the caller's registers held. io_uring_setup has two arguments; the third is
/// where its caller goes on.
pub unsafe extern "C" fn serve(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    // SAFETY: the caller passes what the call of that number takes; see the module above.
    unsafe {
        let answer = match c_long::from(number as c_int) {
            MMAP => match map(a as _, b, c as c_int, d as c_int, e as c_int, f as u64) {
                Ok(at) => return at as c_long,
                Err(errno) => errno.answer(),
            },
            MUNMAP => unmap(a as _, b).map_or_else(Errno::answer, |()| 0),
            CLOSE => close_at_once(a as c_int).map_or_else(Errno::answer, |()| 0),
            IO_SETUP => io_setup(a as c_int, b as _),
            IO_DESTROY => io_destroy(a as _),
            IO_SUBMIT => io_submit(a as _, b as c_long, c as _),
            IO_CANCEL => io_cancel_0_4(a as _, b as _, c as _),
            IO_GETEVENTS => io_getevents_0_4(a as _, b as c_long, c as c_long, d as _, e as _),
            IO_PGETEVENTS => pgetevents([a, b, c, d, e], f as *const aio_sigset),
            IO_SETUP2 => io_setup2_by_number(a as c_uint, b as c_uint, [c, d, e, f]),
            IO_RING_ENTER => io_ring_enter(a as _, b as c_uint, c as c_uint, d as c_uint),
            IO_URING_SETUP => callers::setup(a as c_uint, b as _, c),
            IO_URING_ENTER => {
                io_uring_enter2(a as c_uint, b as c_uint, c as c_uint, d as c_uint, e as _, f)
            }
            IO_URING_REGISTER => {
                io_uring_register(a as c_uint, b as c_uint, c as *const c_void, d as c_uint)
            }
            _ => -libc::ENOSYS,
        };
        if answer < 0 {
            *libc::__errno_location() = -answer;
            return -1;
        }
        c_long::from(answer)
    }
}

unsafe fn pgetevents(args: [usize; 5], sigset: *const aio_sigset) -> c_int {
    let [ctx, min_nr, nr, events, timeout] = args;
    let mut sigmask = null_mut();
    // SAFETY: see the module above; the struct is the caller's, or NULL.
    unsafe {
        if let Some(sigset) = sigset.as_ref() {
            if !sigset.sigmask.is_null() && sigset.sigsetsize != SIGSET_SIZE {
                return -libc::EINVAL;
            }
            sigmask = sigset.sigmask.cast_mut().cast();
        }
        io_pgetevents(ctx as _, min_nr as c_long, nr as c_long, events as _, timeout as _, sigmask)
    }
}
