//! Reading into provided buffers, once or as often as there is data.

use super::{rw, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::provided::selects;
use crate::soft::request::{Request, MULTISHOT};
use crate::soft::turn::Turn;
use crate::sys::file::{self, Kind};
use crate::sys::{peek, rw as calls, Errno, Result};

/// Reads one after another before others get their turn.
const MOST_AT_ONCE: u32 = 32;

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
        Outcome::Done(n) if n == Errno::EBADF.answer() && file::status_flags(r.fd).is_err() => {
            turn.put_buffer_back(r);
        }
        Outcome::Done(n) => r.cqe_flags |= turn.use_buffer(r, n.max(0) as usize),
        // It will be filled out of our sight, and is nobody else's until then.
        Outcome::Punt | Outcome::Kept => r.cqe_flags |= turn.use_buffer(r, r.sqe.len as usize),
    }
    outcome
}

/// READ_MULTISHOT: a CQE for each time that there is data.
pub static READ_MULTISHOT: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as an address.
        let address = unsafe { r.sqe.anon_addr.addr };
        if !selects(r) || r.sqe.len != 0 || address != 0 {
            return Err(Errno::EINVAL);
        }
        r.flags |= MULTISHOT;
        Ok(())
    },
    issue: |turn, r| {
        if matches!(file::kind(r.fd), Kind::Cached | Kind::Other) {
            return Outcome::Done(Errno::EBADFD.answer());
        }
        for _ in 0..MOST_AT_ONCE {
            if let Some(outcome) = read_once(turn, r) {
                return outcome;
            }
        }
        Outcome::Wait(libc::EPOLLIN as u32)
    },
    needs_file: true,
    selects_buffer: true,
    ..Op::NONE
};

fn is_at_offset(r: &Request) -> bool {
    // SAFETY: any bytes are valid as an offset.
    let offset = unsafe { r.sqe.anon_off.off };
    offset != 0 && offset != calls::AT_POSITION
}

/// One read; none when there may be more.
fn read_once(turn: &mut Turn, r: &mut Request) -> Option<Outcome> {
    let buffer = match turn.take_buffer(r) {
        Ok(buffer) => buffer,
        Err(errno) => return Some(Outcome::Done(errno.answer())),
    };
    let vector = libc::iovec { iov_base: buffer.addr as *mut _, iov_len: buffer.len as usize };
    let place = (&raw const vector, 1);
    let done = match is_at_offset(r) && file::kind(r.fd) == Kind::Socket {
        true => Err(Errno::ESPIPE),
        // SAFETY: the buffer is the program's; the kernel checks it.
        false => unsafe {
            calls::transfer(false, r.fd, place, calls::AT_POSITION, libc::RWF_NOWAIT)
        },
    };
    match done {
        Ok(n) if n > 0 => {
            let flags = turn.use_buffer(r, n);
            r.provided = None;
            if turn.post_more(r, n as i32, flags) {
                return None;
            }
            r.cqe_flags = flags;
            Some(Outcome::Done(n as i32))
        }
        Err(Errno::EAGAIN) => {
            turn.put_buffer_back(r);
            Some(Outcome::Wait(libc::EPOLLIN as u32))
        }
        done => {
            turn.put_buffer_back(r);
            Some(Outcome::Done(super::answer(done)))
        }
    }
}
