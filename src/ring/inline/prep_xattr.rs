//! Extended attributes.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;

/// fgetxattr(2) into `len` bytes at `value`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_fgetxattr(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    name: *const c_char,
    value: *mut c_char,
    len: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_FGETXATTR as c_int,
        sqe,
        fd,
        name as *const c_void,
        len,
        value as uintptr_t as __u64,
    );
    (*sqe).anon_rw_flags.xattr_flags = 0;
}

/// fsetxattr(2) of `len` bytes at `value`, with XATTR_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_fsetxattr(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    name: *const c_char,
    value: *const c_char,
    flags: c_int,
    len: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_FSETXATTR as c_int,
        sqe,
        fd,
        name as *const c_void,
        len,
        value as uintptr_t as __u64,
    );
    (*sqe).anon_rw_flags.xattr_flags = flags as __u32;
}

/// getxattr(2) into `len` bytes at `value`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_getxattr(
    sqe: *mut io_uring_sqe,
    name: *const c_char,
    value: *mut c_char,
    path: *const c_char,
    len: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_GETXATTR as c_int,
        sqe,
        0,
        name as *const c_void,
        len,
        value as uintptr_t as __u64,
    );
    (*sqe).anon_addr3_set.anon_addr3.addr3 = path as uintptr_t as __u64;
    (*sqe).anon_rw_flags.xattr_flags = 0;
}

/// setxattr(2) of `len` bytes at `value`, with XATTR_* `flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_setxattr(
    sqe: *mut io_uring_sqe,
    name: *const c_char,
    value: *const c_char,
    path: *const c_char,
    flags: c_int,
    len: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_SETXATTR as c_int,
        sqe,
        0,
        name as *const c_void,
        len,
        value as uintptr_t as __u64,
    );
    (*sqe).anon_addr3_set.anon_addr3.addr3 = path as uintptr_t as __u64;
    (*sqe).anon_rw_flags.xattr_flags = flags as __u32;
}
