//! Reading and writing: plain, vectored, on registered buffers.

use super::sqe::{io_uring_prep_rw, io_uring_sqe_set_flags};
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// pread(2) into `buf`. `offset` -1: at the file's position, which moves on.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_read(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    buf: *mut c_void,
    nbytes: c_uint,
    offset: __u64,
) {
    io_uring_prep_rw(IORING_OP_READ as c_int, sqe, fd, buf as *const c_void, nbytes, offset);
}

/// pwrite(2) from `buf`. `offset` -1: at the file's position, which moves on.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_write(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    buf: *const c_void,
    nbytes: c_uint,
    offset: __u64,
) {
    io_uring_prep_rw(IORING_OP_WRITE as c_int, sqe, fd, buf, nbytes, offset);
}

/// preadv(2) into `nr_vecs` buffers. `offset` -1: at the file's position, which moves on.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_readv(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: __u64,
) {
    io_uring_prep_rw(IORING_OP_READV as c_int, sqe, fd, iovecs as *const c_void, nr_vecs, offset);
}

/// preadv2(2): as io_uring_prep_readv(), with RWF_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_readv2(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: __u64,
    flags: c_int,
) {
    io_uring_prep_readv(sqe, fd, iovecs, nr_vecs, offset);
    (*sqe).anon_rw_flags.rw_flags = flags;
}

/// pwritev(2) from `nr_vecs` buffers. `offset` -1: at the file's position, which moves on.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_writev(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: __u64,
) {
    io_uring_prep_rw(IORING_OP_WRITEV as c_int, sqe, fd, iovecs as *const c_void, nr_vecs, offset);
}

/// pwritev2(2): as io_uring_prep_writev(), with RWF_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_writev2(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: __u64,
    flags: c_int,
) {
    io_uring_prep_writev(sqe, fd, iovecs, nr_vecs, offset);
    (*sqe).anon_rw_flags.rw_flags = flags;
}

/// pread(2) into `buf`, which lies within the registered buffer `buf_index`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_read_fixed(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    buf: *mut c_void,
    nbytes: c_uint,
    offset: __u64,
    buf_index: c_int,
) {
    io_uring_prep_rw(IORING_OP_READ_FIXED as c_int, sqe, fd, buf as *const c_void, nbytes, offset);
    (*sqe).anon_buf_index.buf_index = buf_index as __u16;
}

/// pwrite(2) from `buf`, which lies within the registered buffer `buf_index`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_write_fixed(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    buf: *const c_void,
    nbytes: c_uint,
    offset: __u64,
    buf_index: c_int,
) {
    io_uring_prep_rw(IORING_OP_WRITE_FIXED as c_int, sqe, fd, buf, nbytes, offset);
    (*sqe).anon_buf_index.buf_index = buf_index as __u16;
}

/// preadv2(2) into buffers that lie within the registered buffer `buf_index`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_readv_fixed(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: __u64,
    flags: c_int,
    buf_index: c_int,
) {
    io_uring_prep_rw(
        IORING_OP_READV_FIXED as c_int,
        sqe,
        fd,
        iovecs as *const c_void,
        nr_vecs,
        offset,
    );
    (*sqe).anon_rw_flags.rw_flags = flags;
    (*sqe).anon_buf_index.buf_index = buf_index as __u16;
}

/// pwritev2(2) from buffers that lie within the registered buffer `buf_index`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_writev_fixed(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: __u64,
    flags: c_int,
    buf_index: c_int,
) {
    io_uring_prep_rw(
        IORING_OP_WRITEV_FIXED as c_int,
        sqe,
        fd,
        iovecs as *const c_void,
        nr_vecs,
        offset,
    );
    (*sqe).anon_rw_flags.rw_flags = flags;
    (*sqe).anon_buf_index.buf_index = buf_index as __u16;
}

/// read(2) again whenever there is data, each time into a buffer of group `buf_group`; a CQE with
/// IORING_CQE_F_MORE per read. For files that poll.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_read_multishot(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    nbytes: c_uint,
    offset: __u64,
    buf_group: c_int,
) {
    io_uring_prep_rw(IORING_OP_READ_MULTISHOT as c_int, sqe, fd, null(), nbytes, offset);
    (*sqe).anon_buf_index.buf_group = buf_group as __u16;
    io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
}
