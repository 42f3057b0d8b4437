//! NOP.

use super::{Op, Outcome};
use crate::abi::uring::*;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::{file, Errno, Result};

const KNOWN_FLAGS: u32 = IORING_NOP_INJECT_RESULT
    | IORING_NOP_FILE
    | IORING_NOP_FIXED_FILE
    | IORING_NOP_FIXED_BUFFER
    | IORING_NOP_TW
    | IORING_NOP_CQE32;
const BIG_CQES: u32 = IORING_SETUP_CQE32 | IORING_SETUP_CQE_MIXED;

/// NOP: completes with 0, or with `len` when asked to; with a CQE of 32 bytes when asked to. It uses nothing of
/// the file and the buffer that it may have.
pub static NOP: Op = Op { prepare, issue, ..Op::NONE };
/// NOP128: the same in an SQE of 128 bytes.
pub static NOP128: Op = Op { is_wide: true, ..NOP };

fn flags(r: &Request) -> u32 {
    // SAFETY: any bytes are valid as flags.
    unsafe { r.sqe.anon_rw_flags.nop_flags }
}

fn prepare(turn: &mut Turn, r: &mut Request) -> Result<()> {
    match flags(r) {
        0 => Ok(()),
        flags if flags & !KNOWN_FLAGS != 0 => Err(Errno::EINVAL),
        flags if flags & IORING_NOP_CQE32 != 0 => widen(turn, r),
        _ => Ok(()),
    }
}

/// Asks for a CQE of 32 bytes. `EINVAL` on a ring that has none.
fn widen(turn: &Turn, r: &mut Request) -> Result<()> {
    if turn.core.flags & BIG_CQES == 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: any bytes are valid as numbers.
    r.big = unsafe { [r.sqe.anon_off.off, r.sqe.anon_addr.addr] };
    if turn.core.memory.is_mixed() {
        r.cqe_flags |= IORING_CQE_F_32;
    }
    Ok(())
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    let flags = flags(r);
    let injected = if flags & IORING_NOP_INJECT_RESULT != 0 { r.sqe.len as i32 } else { 0 };
    let result = find(turn, r, flags).map_or_else(Errno::answer, |()| injected);
    if flags & IORING_NOP_TW == 0 {
        return Outcome::Done(result);
    }
    // SAFETY: the request is at hand and in no list.
    unsafe { turn.complete_later(&raw mut *r, result) };
    Outcome::Kept
}

/// Finds the file and the buffer that it has. `EBADF`, `EFAULT`.
fn find(turn: &mut Turn, r: &mut Request, flags: u32) -> Result<()> {
    if flags & IORING_NOP_FILE != 0 {
        if flags & IORING_NOP_FIXED_FILE != 0 {
            r.sqe.flags |= IOSQE_FIXED_FILE as u8;
        }
        turn.find_file(r)?;
        file::check(r.fd)?;
    }
    if flags & IORING_NOP_FIXED_BUFFER != 0 {
        // SAFETY: any bytes are valid as an index.
        let index = unsafe { r.sqe.anon_buf_index.buf_index };
        turn.core.buffers.get(u32::from(index)).ok_or(Errno::EFAULT)?;
    }
    Ok(())
}
