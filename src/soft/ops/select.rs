//! Reading into a provided buffer.

use super::{rw, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::provided::selects;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::file::{self, Kind};
use crate::sys::{peek, Errno, Result};

/// READ, also into a provided buffer.
pub static READ: Op = Op { issue, selects_buffer: true, ..rw::READ };

/// READV, into a provided buffer with one vector.
pub static READV: Op = Op {
    prepare: |turn, r| {
        if selects(r) {
            become_read(r)?;
            return (READ.prepare)(turn, r);
        }
        (rw::READV.prepare)(turn, r)
    },
    issue,
    selects_buffer: true,
    ..rw::READV
};

/// The vector of a READV says how much it wants: it is a READ.
fn become_read(r: &mut Request) -> Result<()> {
    if r.sqe.len != 1 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: any bytes are valid as an address and as a vector.
    let vector: libc::iovec = unsafe { peek::copy(r.sqe.anon_addr.addr) }?;
    r.sqe.opcode = io_uring_op::IORING_OP_READ as u8;
    r.sqe.len = vector.iov_len.min(u32::MAX as usize) as u32;
    Ok(())
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    if !selects(r) || r.provided.is_some_and(|buffer| buffer.is_used) {
        return (rw::READ.issue)(turn, r);
    }
    let wanted = r.sqe.len;
    let buffer = match turn.take_buffer(r) {
        Ok(buffer) => buffer,
        Err(errno) => return Outcome::Done(errno.answer()),
    };
    r.sqe.anon_addr.addr = buffer.addr;
    r.sqe.len = if wanted == 0 { buffer.len } else { wanted.min(buffer.len) };
    let mut outcome = (rw::READ.issue)(turn, r);
    if matches!(outcome, Outcome::Wait(_)) && file::kind(r.fd) == Kind::Other {
        // It may be that nothing tells when it is ready, and a worker needs a buffer.
        outcome = Outcome::Punt;
    }
    match outcome {
        Outcome::Wait(_) => {
            turn.put_buffer_back(r);
            r.state = State::None;
            r.sqe.len = wanted;
        }
        // There was no file.
        Outcome::Done(n) if n == Errno::EBADF.answer() && file::check(r.fd).is_err() => {
            turn.put_buffer_back(r);
        }
        Outcome::Done(n) => r.cqe_flags |= turn.use_buffer(r, n.max(0) as usize),
        // It will be filled out of our sight, and is nobody else's until then.
        Outcome::Punt | Outcome::Kept => r.cqe_flags |= turn.use_buffer(r, r.sqe.len as usize),
    }
    outcome
}
