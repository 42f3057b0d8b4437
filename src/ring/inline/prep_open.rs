//! Making descriptors and closing them. The `_direct` functions put the file into a slot of the
//! registered files, with no descriptor: slot `file_index`, or with IORING_FILE_INDEX_ALLOC a free
//! one, which is then the CQE's res.

use super::sqe::{__io_uring_set_target_fixed_file, io_uring_prep_rw};
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::mem::size_of;
use core::ptr::null;
use libc::AT_FDCWD;

/// openat(2). The CQE's res is the descriptor.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_openat(
    sqe: *mut io_uring_sqe,
    dfd: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) {
    io_uring_prep_rw(IORING_OP_OPENAT as c_int, sqe, dfd, path as *const c_void, mode, 0);
    (*sqe).anon_rw_flags.open_flags = flags as __u32;
}

/// openat(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_openat_direct(
    sqe: *mut io_uring_sqe,
    dfd: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
    file_index: c_uint,
) {
    io_uring_prep_openat(sqe, dfd, path, flags, mode);
    __io_uring_set_target_fixed_file(sqe, file_index);
}

/// open(2). The CQE's res is the descriptor.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_open(
    sqe: *mut io_uring_sqe,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) {
    io_uring_prep_openat(sqe, AT_FDCWD, path, flags, mode);
}

/// open(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_open_direct(
    sqe: *mut io_uring_sqe,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
    file_index: c_uint,
) {
    io_uring_prep_openat_direct(sqe, AT_FDCWD, path, flags, mode, file_index);
}

/// openat2(2). `how` must live until the request was submitted.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_openat2(
    sqe: *mut io_uring_sqe,
    dfd: c_int,
    path: *const c_char,
    how: *const open_how,
) {
    io_uring_prep_rw(
        IORING_OP_OPENAT2 as c_int,
        sqe,
        dfd,
        path as *const c_void,
        size_of::<open_how>() as c_uint,
        how as uintptr_t as __u64,
    );
}

/// openat2(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_openat2_direct(
    sqe: *mut io_uring_sqe,
    dfd: c_int,
    path: *const c_char,
    how: *const open_how,
    file_index: c_uint,
) {
    io_uring_prep_openat2(sqe, dfd, path, how);
    __io_uring_set_target_fixed_file(sqe, file_index);
}

/// close(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_close(sqe: *mut io_uring_sqe, fd: c_int) {
    io_uring_prep_rw(IORING_OP_CLOSE as c_int, sqe, fd, null(), 0, 0);
}

/// Empties slot `file_index` of the registered files.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_close_direct(sqe: *mut io_uring_sqe, file_index: c_uint) {
    io_uring_prep_close(sqe, 0);
    __io_uring_set_target_fixed_file(sqe, file_index);
}

/// pipe2(2). The two descriptors are stored at `fds`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_pipe(
    sqe: *mut io_uring_sqe,
    fds: *mut c_int,
    pipe_flags: c_int,
) {
    io_uring_prep_rw(IORING_OP_PIPE as c_int, sqe, 0, fds as *const c_void, 0, 0);
    (*sqe).anon_rw_flags.pipe_flags = pipe_flags as __u32;
}

/// pipe2(2) into slots `file_index` and the next of the registered files, or into two free ones with
/// IORING_FILE_INDEX_ALLOC; their numbers are stored at `fds`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_pipe_direct(
    sqe: *mut io_uring_sqe,
    fds: *mut c_int,
    pipe_flags: c_int,
    file_index: c_uint,
) {
    io_uring_prep_pipe(sqe, fds, pipe_flags);
    __io_uring_set_target_fixed_file(sqe, file_index);
}

/// Makes a descriptor, the CQE's res, for slot `fd` of the registered files. It is close-on-exec
/// unless `flags` has IORING_FIXED_FD_NO_CLOEXEC.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_fixed_fd_install(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_FIXED_FD_INSTALL as c_int, sqe, fd, null(), 0, 0);
    (*sqe).flags = IOSQE_FIXED_FILE as __u8;
    (*sqe).anon_rw_flags.install_fd_flags = flags;
}
