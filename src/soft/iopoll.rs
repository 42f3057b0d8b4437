//! Rings that poll for completions (`IORING_SETUP_IOPOLL`): only reads and writes that bypass the page
//! cache, and what needs no file. Completions are found as on other rings: there is no device to poll.

use super::request::Request;
use super::turn::Turn;
use crate::abi::uring::io_uring_op;
use crate::abi::uring::io_uring_op::*;
use crate::abi::uring::IORING_SETUP_IOPOLL;
use crate::sys::{file, Errno, Result};

const DIRECT: &[io_uring_op] = &[
    IORING_OP_READV,
    IORING_OP_WRITEV,
    IORING_OP_READ_FIXED,
    IORING_OP_WRITE_FIXED,
    IORING_OP_READ,
    IORING_OP_WRITE,
    IORING_OP_READV_FIXED,
    IORING_OP_WRITEV_FIXED,
];
const WITHOUT_FILE: &[io_uring_op] = &[
    IORING_OP_NOP,
    IORING_OP_NOP128,
    IORING_OP_FILES_UPDATE,
    IORING_OP_PROVIDE_BUFFERS,
    IORING_OP_REMOVE_BUFFERS,
    IORING_OP_MSG_RING,
];

fn is_of(ops: &[io_uring_op], opcode: u8) -> bool {
    ops.iter().any(|op| *op as u8 == opcode)
}

/// Whether the ring polls.
#[inline]
pub fn polls(turn: &Turn) -> bool {
    turn.core.flags & IORING_SETUP_IOPOLL != 0
}

/// `EINVAL` for an operation that such a ring does not have.
#[cold]
pub fn check(opcode: u8) -> Result<()> {
    match is_of(DIRECT, opcode) || is_of(WITHOUT_FILE, opcode) {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

/// `EOPNOTSUPP` for a request whose file has no completions to poll for.
#[cold]
pub fn check_file(r: &Request) -> Result<()> {
    if !is_of(DIRECT, r.sqe.opcode) {
        return Ok(());
    }
    let is_direct = file::status_flags(r.fd)? & libc::O_DIRECT != 0;
    if is_direct && file::is_cached(r.fd) {
        return Ok(());
    }
    Err(Errno::EOPNOTSUPP)
}
