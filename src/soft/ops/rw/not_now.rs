//! What becomes of a read or a write that could not be done where it was submitted: it fails, waits for its file,
//! goes to a worker, or is tried in another way.

use super::{
    awaited, done, flags, go_back, has_no_data, is_read, is_vectored, is_write, nowait, refusals,
    state, transfer, waits_in_vain, wanted, Outcome, State,
};
use crate::soft::ops::{answer, why};
use crate::soft::read_ahead;
use crate::soft::request::{Request, AHEAD, POLLED, UNPOLLED};
use crate::soft::turn::Turn;
use crate::sys::file::{self, Kind};
use crate::sys::{pipe, Errno, Result};
use core::ffi::c_int;

/// What becomes of a try that ended with an error.
pub fn go_on(turn: &mut Turn, r: &mut Request, errno: Errno) -> Outcome {
    let has_done = matches!(&r.state, State::Rw(rw) if rw.done > 0);
    let would_wait = errno == Errno::EAGAIN && !nowait(r);
    if would_wait && is_read(r) && turn.file_kind(r) == Kind::Cached && read_ahead::are_ahead() {
        r.flags |= AHEAD;
    }
    match errno {
        // Few filesystems know how to write without blocking: it is not there now, rather than not at all.
        Errno::EOPNOTSUPP if nowait(r) && is_write(r) && is_plain(r) => {
            Outcome::Done(Errno::EAGAIN.answer())
        }
        Errno::EOPNOTSUPP if nowait(r) && pipe::is_pipe(r.fd) => match without_help(r) {
            Ok(n) => done(r, n),
            Err(errno) => Outcome::Done(errno.answer()),
        },
        Errno::EAGAIN | Errno::EOPNOTSUPP if nowait(r) => Outcome::Done(errno.answer()),
        Errno::EAGAIN | Errno::EOPNOTSUPP if has_done => Outcome::Punt,
        Errno::EAGAIN if turn.file_kind(r) == Kind::Cached => Outcome::Punt,
        Errno::EAGAIN => Outcome::Wait(awaited(r) as u32),
        Errno::EOPNOTSUPP => without_trying(turn, r),
        Errno::EINVAL if !nowait(r) && waits_in_vain(r) => Outcome::Wait(awaited(r) as u32),
        Errno::EINVAL if nowait(r) && has_no_data(r) => Outcome::Done(Errno::EOPNOTSUPP.answer()),
        _ if has_done => {
            go_back(r);
            done(r, 0)
        }
        _ if is_vectored(r) => Outcome::Done(why(turn, r, errno).answer()),
        _ => Outcome::Done(errno.answer()),
    }
}

/// A pipe that splice(2) was used on does not know RWF_NOWAIT any more, as a system call has it. One with a name never
/// did.
#[cold]
pub fn without_help(r: &mut Request) -> Result<usize> {
    if pipe::is_named(r.fd) {
        return Err(Errno::EOPNOTSUPP);
    }
    /// A pipe that is ready takes as much at once.
    const PAGE: usize = 4096;
    let is_nonblocking = file::status_flags(r.fd).is_ok_and(|flags| flags & libc::O_NONBLOCK != 0);
    let fits = !is_write(r) || (!is_vectored(r) && r.sqe.len as usize <= PAGE);
    let is_ready = fits && pipe::is_ready(r.fd, awaited(r) as i16);
    if !is_nonblocking && !is_ready {
        return Err(Errno::EAGAIN);
    }
    let all = flags(r);
    r.sqe.anon_rw_flags.rw_flags = all & !libc::RWF_NOWAIT;
    let result = transfer(r, 0);
    r.sqe.anon_rw_flags.rw_flags = all;
    result
}

/// A cached file, and no flag that may be what is not supported.
fn is_plain(r: &Request) -> bool {
    const PLAIN: c_int = libc::RWF_NOWAIT | libc::RWF_DSYNC | libc::RWF_SYNC | libc::RWF_APPEND;
    const NOAPPEND: c_int = 0x20;
    flags(r) & !(PLAIN | NOAPPEND) == 0 && file::is_cached(r.fd)
}

/// A file that cannot be tried without blocking: most can be asked whether they are ready.
fn without_trying(turn: &mut Turn, r: &mut Request) -> Outcome {
    if refusals::is_unknown(flags(r)) {
        return Outcome::Done(Errno::EOPNOTSUPP.answer());
    }
    let is_ready = match turn.file_kind(r) {
        Kind::Cached => return Outcome::Punt,
        Kind::Other if is_write(r) => return Outcome::Punt,
        Kind::Pollable | Kind::Socket => pipe::is_ready(r.fd, awaited(r) as i16),
        Kind::Other => r.is(POLLED),
    };
    if !is_ready {
        r.flags &= !POLLED;
        return Outcome::Wait(awaited(r) as u32);
    }
    if is_write(r) {
        // It may take part of what there is, and wait with the rest.
        return Outcome::Punt;
    }
    match transfer(r, 0) {
        Ok(n) => done(r, n),
        Err(Errno::EAGAIN) => Outcome::Wait(awaited(r) as u32),
        Err(errno) => Outcome::Done(errno.answer()),
    }
}

/// No worker can be had: what a file is ready for is done in place, unless it may take only a part of it and wait.
pub fn run_at_once(r: &mut Request) -> i32 {
    /// What is ready takes as much.
    const PAGE: usize = 4096;
    if is_write(r) && wanted(r) > PAGE {
        return Errno::ECANCELED.answer();
    }
    if !pipe::is_ready(r.fd, awaited(r) as i16) {
        // It waits, and comes back; if it can.
        state(r).has_waited = r.is(UNPOLLED);
        return Errno::EAGAIN.answer();
    }
    answer(transfer(r, 0))
}
