//! Files that are open: syncing, sizes, advice.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// fsync(2), or fdatasync(2) with IORING_FSYNC_DATASYNC.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_fsync(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    fsync_flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_FSYNC as c_int, sqe, fd, null(), 0, 0);
    (*sqe).anon_rw_flags.fsync_flags = fsync_flags;
}

/// sync_file_range(2) of `len` bytes from `offset`, with SYNC_FILE_RANGE_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_sync_file_range(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    len: c_uint,
    offset: __u64,
    flags: c_int,
) {
    io_uring_prep_rw(IORING_OP_SYNC_FILE_RANGE as c_int, sqe, fd, null(), len, offset);
    (*sqe).anon_rw_flags.sync_range_flags = flags as __u32;
}

/// fallocate(2) of `len` bytes from `offset`, with FALLOC_FL_* `mode`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_fallocate(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    mode: c_int,
    offset: __u64,
    len: __u64,
) {
    io_uring_prep_rw(IORING_OP_FALLOCATE as c_int, sqe, fd, null(), mode as c_uint, offset);
    (*sqe).anon_addr.addr = len;
}

/// ftruncate(2) to `len` bytes.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_ftruncate(sqe: *mut io_uring_sqe, fd: c_int, len: loff_t) {
    io_uring_prep_rw(IORING_OP_FTRUNCATE as c_int, sqe, fd, null(), 0, len as __u64);
}

/// posix_fadvise(2) on `len` bytes from `offset`, with a POSIX_FADV_* `advice`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_fadvise(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    offset: __u64,
    len: __u32,
    advice: c_int,
) {
    io_uring_prep_rw(IORING_OP_FADVISE as c_int, sqe, fd, null(), len, offset);
    (*sqe).anon_rw_flags.fadvise_advice = advice as __u32;
}

/// As io_uring_prep_fadvise(), with a `len` of 64 bits, which kernels before 6.11 do not read.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_fadvise64(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    offset: __u64,
    len: off_t,
    advice: c_int,
) {
    io_uring_prep_rw(IORING_OP_FADVISE as c_int, sqe, fd, null(), 0, offset);
    (*sqe).anon_addr.addr = len as __u64;
    (*sqe).anon_rw_flags.fadvise_advice = advice as __u32;
}

/// madvise(2) on `length` bytes of memory at `addr`, with an MADV_* `advice`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_madvise(
    sqe: *mut io_uring_sqe,
    addr: *mut c_void,
    length: __u32,
    advice: c_int,
) {
    io_uring_prep_rw(IORING_OP_MADVISE as c_int, sqe, -1, addr as *const c_void, length, 0);
    (*sqe).anon_rw_flags.fadvise_advice = advice as __u32;
}

/// As io_uring_prep_madvise(), with a `length` of 64 bits, which kernels before 6.11 do not read.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_madvise64(
    sqe: *mut io_uring_sqe,
    addr: *mut c_void,
    length: off_t,
    advice: c_int,
) {
    io_uring_prep_rw(
        IORING_OP_MADVISE as c_int,
        sqe,
        -1,
        addr as *const c_void,
        0,
        length as __u64,
    );
    (*sqe).anon_rw_flags.fadvise_advice = advice as __u32;
}
