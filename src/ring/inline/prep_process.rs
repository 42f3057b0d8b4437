//! Waiting for children and futexes.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// waitid(2) with `options` (WEXITED and so on); `flags` must be 0. The result is stored at `infop`,
/// which may be NULL.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_waitid(
    sqe: *mut io_uring_sqe,
    idtype: idtype_t,
    id: id_t,
    infop: *mut siginfo_t,
    options: c_int,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_WAITID as c_int, sqe, id as c_int, null(), idtype, 0);
    (*sqe).anon_rw_flags.waitid_flags = flags;
    (*sqe).anon_splice_fd_in.splice_fd_in = options;
    (*sqe).anon_off.addr2 = infop as uintptr_t as __u64;
}

/// futex(2) wait while `*futex` is `val`, for a wake that shares a bit with `mask`. `futex_flags` are
/// FUTEX2_*; `flags` must be 0.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_futex_wait(
    sqe: *mut io_uring_sqe,
    futex: *const uint32_t,
    val: uint64_t,
    mask: uint64_t,
    futex_flags: uint32_t,
    flags: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_FUTEX_WAIT as c_int,
        sqe,
        futex_flags as c_int,
        futex as *const c_void,
        0,
        val,
    );
    (*sqe).anon_rw_flags.futex_flags = flags;
    (*sqe).anon_addr3_set.anon_addr3.addr3 = mask;
}

/// futex(2) wake of at most `val` waiters that share a bit with `mask`. `futex_flags` are FUTEX2_*;
/// `flags` must be 0. The CQE's res is their number.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_futex_wake(
    sqe: *mut io_uring_sqe,
    futex: *const uint32_t,
    val: uint64_t,
    mask: uint64_t,
    futex_flags: uint32_t,
    flags: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_FUTEX_WAKE as c_int,
        sqe,
        futex_flags as c_int,
        futex as *const c_void,
        0,
        val,
    );
    (*sqe).anon_rw_flags.futex_flags = flags;
    (*sqe).anon_addr3_set.anon_addr3.addr3 = mask;
}

/// futex_waitv(2) on `nr_futex` futexes; `flags` must be 0. The CQE's res is the index of the one that
/// was woken.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_futex_waitv(
    sqe: *mut io_uring_sqe,
    futex: *const futex_waitv,
    nr_futex: uint32_t,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_FUTEX_WAITV as c_int, sqe, 0, futex as *const c_void, nr_futex, 0);
    (*sqe).anon_rw_flags.futex_flags = flags;
}
