//! Requests about rings: NOPs, messages to another ring, registered files, provided buffers.

use super::sqe::{__io_uring_set_target_fixed_file, io_uring_prep_rw};
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_msg_ring_flags::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// Does nothing but complete.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_nop(sqe: *mut io_uring_sqe) {
    io_uring_prep_rw(IORING_OP_NOP as c_int, sqe, -1, null(), 0, 0);
}

/// Does nothing but complete, as an SQE of 128 bytes.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_nop128(sqe: *mut io_uring_sqe) {
    io_uring_prep_rw(IORING_OP_NOP128 as c_int, sqe, -1, null(), 0, 0);
}

/// Posts a CQE with res `len` and user_data `data` to the ring `fd`; IORING_MSG_RING_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_msg_ring(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    len: c_uint,
    data: __u64,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_MSG_RING as c_int, sqe, fd, null(), len, data);
    (*sqe).anon_rw_flags.msg_ring_flags = flags;
}

/// As io_uring_prep_msg_ring(), with `cqe_flags` for the CQE's flags.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_msg_ring_cqe_flags(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    len: c_uint,
    data: __u64,
    flags: c_uint,
    cqe_flags: c_uint,
) {
    io_uring_prep_msg_ring(sqe, fd, len, data, flags | IORING_MSG_RING_FLAGS_PASS);
    (*sqe).anon_splice_fd_in.file_index = cqe_flags;
}

/// Puts the registered file `source_fd` into slot `target_fd` of the ring `fd`'s registered files and
/// posts a CQE with user_data `data` there.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_msg_ring_fd(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    source_fd: c_int,
    target_fd: c_int,
    data: __u64,
    flags: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_MSG_RING as c_int,
        sqe,
        fd,
        IORING_MSG_SEND_FD as uintptr_t as *const c_void,
        0,
        data,
    );
    (*sqe).anon_addr3_set.anon_addr3.addr3 = source_fd as __u64;
    __io_uring_set_target_fixed_file(sqe, target_fd as c_uint);
    (*sqe).anon_rw_flags.msg_ring_flags = flags;
}

/// As io_uring_prep_msg_ring_fd(), into a free slot, whose number is the CQE's res.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_msg_ring_fd_alloc(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    source_fd: c_int,
    data: __u64,
    flags: c_uint,
) {
    io_uring_prep_msg_ring_fd(sqe, fd, source_fd, IORING_FILE_INDEX_ALLOC as c_int, data, flags);
}

/// Replaces `nr_fds` registered files from slot `offset` on with `fds`: -1 empties a slot,
/// IORING_REGISTER_FILES_SKIP keeps it. With `offset` IORING_FILE_INDEX_ALLOC free slots are taken and
/// their numbers stored at `fds`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_files_update(
    sqe: *mut io_uring_sqe,
    fds: *mut c_int,
    nr_fds: c_uint,
    offset: c_int,
) {
    io_uring_prep_rw(
        IORING_OP_FILES_UPDATE as c_int,
        sqe,
        -1,
        fds as *const c_void,
        nr_fds,
        offset as __u64,
    );
}

/// Gives group `bgid` `nr` buffers of `len` bytes each from `addr` on, numbered from `bid`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_provide_buffers(
    sqe: *mut io_uring_sqe,
    addr: *mut c_void,
    len: c_int,
    nr: c_int,
    bgid: c_int,
    bid: c_int,
) {
    io_uring_prep_rw(
        IORING_OP_PROVIDE_BUFFERS as c_int,
        sqe,
        nr,
        addr as *const c_void,
        len as c_uint,
        bid as __u64,
    );
    (*sqe).anon_buf_index.buf_group = bgid as __u16;
}

/// Takes `nr` provided buffers out of group `bgid`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_remove_buffers(
    sqe: *mut io_uring_sqe,
    nr: c_int,
    bgid: c_int,
) {
    io_uring_prep_rw(IORING_OP_REMOVE_BUFFERS as c_int, sqe, nr, null(), 0, 0);
    (*sqe).anon_buf_index.buf_group = bgid as __u16;
}
