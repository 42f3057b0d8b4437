//! Sockets: making them, connecting, accepting. The `_direct` functions put the socket into a slot of
//! the registered files, with no descriptor: slot `file_index`, or with IORING_FILE_INDEX_ALLOC a
//! free one, which is then the CQE's res.

use super::sqe::{__io_uring_set_target_fixed_file, io_uring_prep_rw};
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// socket(2). The CQE's res is the descriptor; `flags` must be 0.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_socket(
    sqe: *mut io_uring_sqe,
    domain: c_int,
    r#type: c_int,
    protocol: c_int,
    flags: c_uint,
) {
    io_uring_prep_rw(
        IORING_OP_SOCKET as c_int,
        sqe,
        domain,
        null(),
        protocol as c_uint,
        r#type as __u64,
    );
    (*sqe).anon_rw_flags.rw_flags = flags as __kernel_rwf_t;
}

/// socket(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_socket_direct(
    sqe: *mut io_uring_sqe,
    domain: c_int,
    r#type: c_int,
    protocol: c_int,
    file_index: c_uint,
    flags: c_uint,
) {
    io_uring_prep_socket(sqe, domain, r#type, protocol, flags);
    __io_uring_set_target_fixed_file(sqe, file_index);
}

/// socket(2) into a free slot of the registered files, whose number is the CQE's res.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_socket_direct_alloc(
    sqe: *mut io_uring_sqe,
    domain: c_int,
    r#type: c_int,
    protocol: c_int,
    flags: c_uint,
) {
    io_uring_prep_socket_direct(sqe, domain, r#type, protocol, IORING_FILE_INDEX_ALLOC, flags);
}

/// bind(2). `addr` must live until the request was submitted.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_bind(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    addr: *const sockaddr,
    addrlen: socklen_t,
) {
    io_uring_prep_rw(IORING_OP_BIND as c_int, sqe, fd, addr as *const c_void, 0, addrlen as __u64);
}

/// listen(2).
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_listen(sqe: *mut io_uring_sqe, fd: c_int, backlog: c_int) {
    io_uring_prep_rw(IORING_OP_LISTEN as c_int, sqe, fd, null(), backlog as c_uint, 0);
}

/// connect(2). `addr` must live until the request was submitted.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_connect(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    addr: *const sockaddr,
    addrlen: socklen_t,
) {
    io_uring_prep_rw(
        IORING_OP_CONNECT as c_int,
        sqe,
        fd,
        addr as *const c_void,
        0,
        addrlen as __u64,
    );
}

/// shutdown(2); `how` is SHUT_RD, SHUT_WR or SHUT_RDWR.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_shutdown(sqe: *mut io_uring_sqe, fd: c_int, how: c_int) {
    io_uring_prep_rw(IORING_OP_SHUTDOWN as c_int, sqe, fd, null(), how as c_uint, 0);
}

/// accept4(2). The CQE's res is the descriptor; `addr` and `addrlen` may be NULL.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_accept(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
    flags: c_int,
) {
    io_uring_prep_rw(
        IORING_OP_ACCEPT as c_int,
        sqe,
        fd,
        addr as *const c_void,
        0,
        addrlen as uintptr_t as __u64,
    );
    (*sqe).anon_rw_flags.accept_flags = flags as __u32;
}

/// accept4(2) into a slot of the registered files; IORING_FILE_INDEX_ALLOC takes a free one.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_accept_direct(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
    flags: c_int,
    file_index: c_uint,
) {
    io_uring_prep_accept(sqe, fd, addr, addrlen, flags);
    __io_uring_set_target_fixed_file(sqe, file_index);
}

/// accept4(2) again for each connection; a CQE with IORING_CQE_F_MORE per connection.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_multishot_accept(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
    flags: c_int,
) {
    io_uring_prep_accept(sqe, fd, addr, addrlen, flags);
    (*sqe).ioprio |= IORING_ACCEPT_MULTISHOT as __u16;
}

/// accept4(2) again for each connection, into free slots of the registered files; a CQE with
/// IORING_CQE_F_MORE per connection, its res the slot.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_multishot_accept_direct(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
    flags: c_int,
) {
    io_uring_prep_multishot_accept(sqe, fd, addr, addrlen, flags);
    __io_uring_set_target_fixed_file(sqe, IORING_FILE_INDEX_ALLOC);
}
