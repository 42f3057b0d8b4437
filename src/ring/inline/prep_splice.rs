//! Moving data between pipes and files.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// splice(2) of `nbytes`. An offset of -1 is for a pipe, or for a file's position. With
/// SPLICE_F_FD_IN_FIXED `fd_in` is a slot of the registered files.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_splice(
    sqe: *mut io_uring_sqe,
    fd_in: c_int,
    off_in: int64_t,
    fd_out: c_int,
    off_out: int64_t,
    nbytes: c_uint,
    splice_flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_SPLICE as c_int, sqe, fd_out, null(), nbytes, off_out as __u64);
    (*sqe).anon_addr.splice_off_in = off_in as __u64;
    (*sqe).anon_splice_fd_in.splice_fd_in = fd_in;
    (*sqe).anon_rw_flags.splice_flags = splice_flags;
}

/// tee(2) of `nbytes`. With SPLICE_F_FD_IN_FIXED `fd_in` is a slot of the registered files.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_tee(
    sqe: *mut io_uring_sqe,
    fd_in: c_int,
    fd_out: c_int,
    nbytes: c_uint,
    splice_flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_TEE as c_int, sqe, fd_out, null(), nbytes, 0);
    (*sqe).anon_addr.splice_off_in = 0;
    (*sqe).anon_splice_fd_in.splice_fd_in = fd_in;
    (*sqe).anon_rw_flags.splice_flags = splice_flags;
}
