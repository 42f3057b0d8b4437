//! What needs no request: a NOP, and a read of a file of which the page cache has all that is wanted, when
//! nothing more is asked of them. They are complete where they were submitted, or have not begun.

use crate::abi::uring::*;
use crate::soft::memory::Cqe;
use crate::soft::turn::Turn;
use crate::sys::file::{self, Kind};
use crate::sys::{rw, Errno};

/// The first four bytes of an SQE without flags and priority.
const fn plain(opcode: io_uring_op) -> u32 {
    u32::from_ne_bytes([opcode as u8, 0, 0, 0])
}
const NOP: u32 = plain(io_uring_op::IORING_OP_NOP);
const READ: u32 = plain(io_uring_op::IORING_OP_READ);

/// The CQE of such a one. None for any other SQE: nothing was done for it.
///
/// # Safety
/// `sqe` must be readable; it may be written to meanwhile.
#[inline]
pub unsafe fn at_once(turn: &mut Turn, sqe: *const io_uring_sqe) -> Option<Cqe> {
    // SAFETY: the fields lie inside of the SQE, which the caller says can be read. Any bytes are valid.
    unsafe {
        let first = sqe.cast::<u32>().read_volatile();
        if first != NOP && (first != READ || !turn.core.reads_at_once) {
            return None;
        }
        let is_plain = (&raw const (*sqe).anon_rw_flags.nop_flags).read_volatile() == 0
            && (&raw const (*sqe).personality).read_volatile() == 0;
        if !is_plain {
            return None;
        }
        let res = if first == NOP { 0 } else { read(turn, sqe)? };
        let user_data = (&raw const (*sqe).user_data).read_volatile();
        Some(Cqe { user_data, res, flags: 0, big: [0; 2] })
    }
}

/// The result of a read. None when it is to be tried as a request.
unsafe fn read(turn: &mut Turn, sqe: *const io_uring_sqe) -> Option<i32> {
    // SAFETY: as for at_once.
    let (fd, offset, address, len) = unsafe {
        (
            (&raw const (*sqe).fd).read_volatile(),
            (&raw const (*sqe).anon_off.off).read_volatile(),
            (&raw const (*sqe).anon_addr.addr).read_volatile(),
            (&raw const (*sqe).len).read_volatile() as usize,
        )
    };
    // What is read at the file's position cannot be read again.
    let is_fit = fd >= 0 && len > 0 && offset != rw::AT_POSITION;
    if !is_fit || turn.is_direct(fd, address | len as u64 | offset) {
        return None;
    }
    let buffer = libc::iovec { iov_base: address as *mut _, iov_len: len };
    // SAFETY: the kernel checks the program's address.
    match unsafe { rw::readv(fd, &[buffer], offset, libc::RWF_NOWAIT) } {
        Ok(n) if n == 0 || n == len => Some(n as i32),
        // There is more, perhaps.
        Ok(_) if file::kind(fd) == Kind::Cached => None,
        Ok(n) => Some(n as i32),
        Err(errno) => {
            // The next is not tried twice.
            turn.core.reads_at_once &= errno != Errno::EAGAIN;
            None
        }
    }
}
