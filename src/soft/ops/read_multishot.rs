//! READ_MULTISHOT: a CQE, with a provided buffer, for each time that there is data.

use super::{answer, polls_first, rw, Op, Outcome};
use crate::soft::provided::selects;
use crate::soft::request::{Request, MULTISHOT, POLLED};
use crate::soft::turn::Turn;
use crate::sys::file::{self, Kind};
use crate::sys::{pipe, rw as calls, Errno, Result};

/// Reads one after another before others get their turn.
const MOST_AT_ONCE: u32 = 32;
const IN: u32 = libc::EPOLLIN as u32;

/// READ_MULTISHOT.
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
    issue,
    unpolled: |_| Outcome::Done(Errno::EBADFD.answer()),
    needs_file: true,
    selects_buffer: true,
    ..Op::NONE
};

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    if !r.is(POLLED) {
        if let Err(errno) = check(turn, r) {
            return Outcome::Done(errno.answer());
        }
        if polls_first(r) {
            return Outcome::Wait(IN);
        }
    }
    for tries in 0..MOST_AT_ONCE {
        if let Some(outcome) = read_once(turn, r, tries > 0) {
            return outcome;
        }
    }
    Outcome::Wait(IN)
}

/// Only what can be polled tells when there is more: `EBADFD`, `EBADF`.
fn check(turn: &mut Turn, r: &mut Request) -> Result<()> {
    if matches!(turn.file_kind(r), Kind::Socket | Kind::Pollable) {
        return Ok(());
    }
    file::check(r.fd)?;
    match turn.can_be_polled(r.fd)? {
        true => Ok(()),
        false => Err(Errno::EBADFD),
    }
}

fn is_at_offset(r: &Request) -> bool {
    // SAFETY: any bytes are valid as an offset.
    let offset = unsafe { r.sqe.anon_off.off };
    offset != 0 && offset != calls::AT_POSITION
}

/// One read, which is not the request's first if it `goes_on`; none when there may be more.
fn read_once(turn: &mut Turn, r: &mut Request, goes_on: bool) -> Option<Outcome> {
    let buffer = match turn.take_buffer(r) {
        Ok(buffer) => buffer,
        Err(errno) => return Some(turn.without_buffer(r, errno, goes_on, IN)),
    };
    let vector = libc::iovec { iov_base: buffer.addr as *mut _, iov_len: buffer.len as usize };
    let done = match is_at_offset(r) && file::kind(r.fd) == Kind::Socket {
        true => Err(Errno::ESPIPE),
        false => read(r, &vector),
    };
    match done {
        Ok(n) if n > 0 => {
            let flags = turn.use_buffer(r, n);
            r.provided = None;
            if !has_failed(r) && turn.post_more(r, n as i32, flags) {
                return None;
            }
            r.cqe_flags = flags;
            Some(Outcome::Done(n as i32))
        }
        Err(Errno::EAGAIN) => {
            turn.put_buffer_back(r);
            Some(Outcome::Wait(IN))
        }
        done => {
            turn.put_buffer_back(r);
            Some(Outcome::Done(answer(done)))
        }
    }
}

/// A read that does not wait: `EAGAIN`. Files that cannot be read so are read when they say that they are ready.
fn read(r: &Request, vector: &libc::iovec) -> Result<usize> {
    let place = (&raw const *vector, 1);
    // SAFETY: the buffer is the program's; the kernel checks it.
    let call = |flags| unsafe { calls::transfer(false, r.fd, place, calls::AT_POSITION, flags) };
    match call(libc::RWF_NOWAIT) {
        Err(Errno::EOPNOTSUPP) if pipe::is_ready(r.fd, libc::POLLIN) => call(0),
        Err(Errno::EOPNOTSUPP) => Err(Errno::EAGAIN),
        Err(Errno::EINVAL) if rw::waits_in_vain(r) => Err(Errno::EAGAIN),
        done => done,
    }
}

/// A device with an error, of which it tells as long as there is one, is read once.
fn has_failed(r: &mut Request) -> bool {
    matches!(r.file_kind(), Kind::Cached | Kind::Other) && pipe::is_broken(r.fd)
}
