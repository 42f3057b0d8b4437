//! Sending and receiving, with MSG_* `flags`. Zero-copy sends complete with two CQEs: the result, with
//! IORING_CQE_F_MORE, and one with IORING_CQE_F_NOTIF when the buffer may be written again.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// send(2) of `len` bytes at `buf`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_send(
    sqe: *mut io_uring_sqe,
    sockfd: c_int,
    buf: *const c_void,
    len: size_t,
    flags: c_int,
) {
    io_uring_prep_rw(IORING_OP_SEND as c_int, sqe, sockfd, buf, len as c_uint, 0);
    (*sqe).anon_rw_flags.msg_flags = flags as __u32;
}

/// Gives a send the address to send to. Call it after the prep function; `dest_addr` must live until
/// the request was submitted.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_send_set_addr(
    sqe: *mut io_uring_sqe,
    dest_addr: *const sockaddr,
    addr_len: __u16,
) {
    (*sqe).anon_off.addr2 = dest_addr as uintptr_t as __u64;
    (*sqe).anon_splice_fd_in.anon_addr_len.addr_len = addr_len;
}

/// sendto(2) of `len` bytes at `buf` to `addr`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_sendto(
    sqe: *mut io_uring_sqe,
    sockfd: c_int,
    buf: *const c_void,
    len: size_t,
    flags: c_int,
    addr: *const sockaddr,
    addrlen: socklen_t,
) {
    io_uring_prep_send(sqe, sockfd, buf, len, flags);
    io_uring_prep_send_set_addr(sqe, addr, addrlen as __u16);
}

/// send(2) of as many buffers of a buffer group as there are, at most `len` bytes (0: no limit). Set the
/// group and IOSQE_BUFFER_SELECT too.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_send_bundle(
    sqe: *mut io_uring_sqe,
    sockfd: c_int,
    len: size_t,
    flags: c_int,
) {
    io_uring_prep_send(sqe, sockfd, null(), len, flags);
    (*sqe).ioprio |= IORING_RECVSEND_BUNDLE as __u16;
}

/// send(2) of `len` bytes at `buf` without copying them; IORING_RECVSEND_* and IORING_SEND_ZC_*
/// `zc_flags`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_send_zc(
    sqe: *mut io_uring_sqe,
    sockfd: c_int,
    buf: *const c_void,
    len: size_t,
    flags: c_int,
    zc_flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_SEND_ZC as c_int, sqe, sockfd, buf, len as c_uint, 0);
    (*sqe).anon_rw_flags.msg_flags = flags as __u32;
    (*sqe).ioprio = zc_flags as __u16;
}

/// As io_uring_prep_send_zc(), from the registered buffer `buf_index`, within which `buf` lies.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_send_zc_fixed(
    sqe: *mut io_uring_sqe,
    sockfd: c_int,
    buf: *const c_void,
    len: size_t,
    flags: c_int,
    zc_flags: c_uint,
    buf_index: c_uint,
) {
    io_uring_prep_send_zc(sqe, sockfd, buf, len, flags, zc_flags);
    (*sqe).ioprio |= IORING_RECVSEND_FIXED_BUF as __u16;
    (*sqe).anon_buf_index.buf_index = buf_index as __u16;
}

/// sendmsg(2). What `msg` points to must live until the request was submitted, its buffers until it
/// completed.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_sendmsg(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    msg: *const msghdr,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_SENDMSG as c_int, sqe, fd, msg as *const c_void, 1, 0);
    (*sqe).anon_rw_flags.msg_flags = flags;
}

/// sendmsg(2) without copying the buffers.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_sendmsg_zc(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    msg: *const msghdr,
    flags: c_uint,
) {
    io_uring_prep_sendmsg(sqe, fd, msg, flags);
    (*sqe).opcode = IORING_OP_SENDMSG_ZC as __u8;
}

/// sendmsg(2) without copying, from buffers that lie within the registered buffer `buf_index`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_sendmsg_zc_fixed(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    msg: *const msghdr,
    flags: c_uint,
    buf_index: c_uint,
) {
    io_uring_prep_sendmsg_zc(sqe, fd, msg, flags);
    (*sqe).ioprio |= IORING_RECVSEND_FIXED_BUF as __u16;
    (*sqe).anon_buf_index.buf_index = buf_index as __u16;
}

/// recv(2) of at most `len` bytes into `buf`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_recv(
    sqe: *mut io_uring_sqe,
    sockfd: c_int,
    buf: *mut c_void,
    len: size_t,
    flags: c_int,
) {
    io_uring_prep_rw(IORING_OP_RECV as c_int, sqe, sockfd, buf as *const c_void, len as c_uint, 0);
    (*sqe).anon_rw_flags.msg_flags = flags as __u32;
}

/// recv(2) again whenever there is data, each time into a buffer of a group (set it and
/// IOSQE_BUFFER_SELECT too); a CQE with IORING_CQE_F_MORE per receive.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_recv_multishot(
    sqe: *mut io_uring_sqe,
    sockfd: c_int,
    buf: *mut c_void,
    len: size_t,
    flags: c_int,
) {
    io_uring_prep_recv(sqe, sockfd, buf, len, flags);
    (*sqe).ioprio |= IORING_RECV_MULTISHOT as __u16;
}

/// recvmsg(2). `msg` and what it points to must live until the completion.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_recvmsg(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    msg: *mut msghdr,
    flags: c_uint,
) {
    io_uring_prep_rw(IORING_OP_RECVMSG as c_int, sqe, fd, msg as *const c_void, 1, 0);
    (*sqe).anon_rw_flags.msg_flags = flags;
}

/// recvmsg(2) again whenever there is data, each time into a buffer of a group (set it and
/// IOSQE_BUFFER_SELECT too); io_uring_recvmsg_validate() and its kin take the buffer apart.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_recvmsg_multishot(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    msg: *mut msghdr,
    flags: c_uint,
) {
    io_uring_prep_recvmsg(sqe, fd, msg, flags);
    (*sqe).ioprio |= IORING_RECV_MULTISHOT as __u16;
}
