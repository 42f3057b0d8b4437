//! Names in file systems.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use libc::AT_FDCWD;

/// statx(2). The result is stored at `statxbuf`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_statx(
    sqe: *mut io_uring_sqe,
    dfd: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    statxbuf: *mut statx,
) {
    io_uring_prep_rw(
        IORING_OP_STATX as c_int,
        sqe,
        dfd,
        path as *const c_void,
        mask,
        statxbuf as uintptr_t as __u64,
    );
    (*sqe).anon_rw_flags.statx_flags = flags as __u32;
}

/// unlinkat(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_unlinkat(
    sqe: *mut io_uring_sqe,
    dfd: c_int,
    path: *const c_char,
    flags: c_int,
) {
    io_uring_prep_rw(IORING_OP_UNLINKAT as c_int, sqe, dfd, path as *const c_void, 0, 0);
    (*sqe).anon_rw_flags.unlink_flags = flags as __u32;
}

/// unlink(2), or rmdir(2) with AT_REMOVEDIR.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_unlink(
    sqe: *mut io_uring_sqe,
    path: *const c_char,
    flags: c_int,
) {
    io_uring_prep_unlinkat(sqe, AT_FDCWD, path, flags);
}

/// renameat2(2), with RENAME_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_renameat(
    sqe: *mut io_uring_sqe,
    olddfd: c_int,
    oldpath: *const c_char,
    newdfd: c_int,
    newpath: *const c_char,
    flags: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_RENAMEAT as c_int,
        sqe,
        olddfd,
        oldpath as *const c_void,
        newdfd as c_uint,
        newpath as uintptr_t as __u64,
    );
    (*sqe).anon_rw_flags.rename_flags = flags;
}

/// rename(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_rename(
    sqe: *mut io_uring_sqe,
    oldpath: *const c_char,
    newpath: *const c_char,
) {
    io_uring_prep_renameat(sqe, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

/// mkdirat(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_mkdirat(
    sqe: *mut io_uring_sqe,
    dfd: c_int,
    path: *const c_char,
    mode: mode_t,
) {
    io_uring_prep_rw(IORING_OP_MKDIRAT as c_int, sqe, dfd, path as *const c_void, mode, 0);
}

/// mkdir(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_mkdir(
    sqe: *mut io_uring_sqe,
    path: *const c_char,
    mode: mode_t,
) {
    io_uring_prep_mkdirat(sqe, AT_FDCWD, path, mode);
}

/// symlinkat(2): makes `linkpath`, below `newdirfd`, a link that reads `target`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_symlinkat(
    sqe: *mut io_uring_sqe,
    target: *const c_char,
    newdirfd: c_int,
    linkpath: *const c_char,
) {
    io_uring_prep_rw(
        IORING_OP_SYMLINKAT as c_int,
        sqe,
        newdirfd,
        target as *const c_void,
        0,
        linkpath as uintptr_t as __u64,
    );
}

/// symlink(2): makes `linkpath` a link that reads `target`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_symlink(
    sqe: *mut io_uring_sqe,
    target: *const c_char,
    linkpath: *const c_char,
) {
    io_uring_prep_symlinkat(sqe, target, AT_FDCWD, linkpath);
}

/// linkat(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_linkat(
    sqe: *mut io_uring_sqe,
    olddfd: c_int,
    oldpath: *const c_char,
    newdfd: c_int,
    newpath: *const c_char,
    flags: c_int,
) {
    io_uring_prep_rw(
        IORING_OP_LINKAT as c_int,
        sqe,
        olddfd,
        oldpath as *const c_void,
        newdfd as c_uint,
        newpath as uintptr_t as __u64,
    );
    (*sqe).anon_rw_flags.hardlink_flags = flags as __u32;
}

/// link(2), with linkat(2)'s `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_link(
    sqe: *mut io_uring_sqe,
    oldpath: *const c_char,
    newpath: *const c_char,
    flags: c_int,
) {
    io_uring_prep_linkat(sqe, AT_FDCWD, oldpath, AT_FDCWD, newpath, flags);
}
