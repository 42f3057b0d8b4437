//! Commands that a driver, a block device or a socket defines for itself.

use super::sqe::io_uring_prep_rw;
use crate::abi::ctypes::*;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::io_uring_socket_op::*;
use crate::abi::uring::*;
use core::ptr::null;

/// Command `cmd_op` to the file `fd`, as `op`: IORING_OP_URING_CMD or IORING_OP_URING_CMD128.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_prep_uring_cmd(
    sqe: *mut io_uring_sqe,
    op: c_int,
    cmd_op: __u32,
    fd: c_int,
) {
    io_uring_prep_rw(op, sqe, fd, null(), 0, 0);
    (*sqe).anon_off.anon_cmd_op.cmd_op = cmd_op;
    (*sqe).anon_off.anon_cmd_op.__pad1 = 0;
}

/// Command `cmd_op` to the file `fd`; its data goes into sqe->cmd.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_uring_cmd(sqe: *mut io_uring_sqe, cmd_op: c_int, fd: c_int) {
    __io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD as c_int, cmd_op as __u32, fd);
}

/// Command `cmd_op` to the file `fd`, as an SQE of 128 bytes; its data goes into sqe->cmd.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_uring_cmd128(
    sqe: *mut io_uring_sqe,
    cmd_op: c_int,
    fd: c_int,
) {
    __io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD128 as c_int, cmd_op as __u32, fd);
}

/// A SOCKET_URING_OP_*: getsockopt(2) or setsockopt(2) of `optlen` bytes at `optval`, or an ioctl of
/// sockets. The CQE's res is the option's length, or what the ioctl tells.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_cmd_sock(
    sqe: *mut io_uring_sqe,
    cmd_op: c_int,
    fd: c_int,
    level: c_int,
    optname: c_int,
    optval: *mut c_void,
    optlen: c_int,
) {
    io_uring_prep_uring_cmd(sqe, cmd_op, fd);
    (*sqe).anon_addr.anon_level.level = level as __u32;
    (*sqe).anon_addr.anon_level.optname = optname as __u32;
    (*sqe).anon_addr3_set.optval = optval as uintptr_t as __u64;
    (*sqe).anon_splice_fd_in.optlen = optlen as __u32;
}

/// getsockname(2), or getpeername(2) when `peer` is 1. The address is stored at `sockaddr`, its length
/// at `sockaddr_len`.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_cmd_getsockname(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    sockaddr: *mut sockaddr,
    sockaddr_len: *mut socklen_t,
    peer: c_int,
) {
    io_uring_prep_uring_cmd(sqe, SOCKET_URING_OP_GETSOCKNAME as c_int, fd);
    (*sqe).anon_addr.addr = sockaddr as uintptr_t as __u64;
    (*sqe).anon_addr3_set.anon_addr3.addr3 = sockaddr_len as uintptr_t as __u64;
    (*sqe).anon_splice_fd_in.optlen = peer as __u32;
}

/// Discards `nbytes` from `offset` on of a block device, as its BLKDISCARD ioctl does.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_cmd_discard(
    sqe: *mut io_uring_sqe,
    fd: c_int,
    offset: uint64_t,
    nbytes: uint64_t,
) {
    io_uring_prep_uring_cmd(sqe, BLOCK_URING_CMD_DISCARD as c_int, fd);
    (*sqe).anon_addr.addr = offset;
    (*sqe).anon_addr3_set.anon_addr3.addr3 = nbytes;
}

/// Resets all zones of a zoned block device.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_cmd_zone_reset_all(sqe: *mut io_uring_sqe, fd: c_int) {
    io_uring_prep_uring_cmd(sqe, BLOCK_URING_CMD_ZONE_RESET_ALL as c_int, fd);
}
