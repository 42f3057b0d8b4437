//! ACCEPT, once or for each connection that comes.

use super::slots::file_index;
use super::socket::{fields, unused};
use super::{polls_first, unpolled, Op, Outcome};
use crate::abi::uring::*;
use crate::soft::request::{Request, CANCELLED, MULTISHOT, NOWAIT, POLLED};
use crate::soft::turn::Turn;
use crate::sys::{file, net, pipe, Errno, Result};
use core::ffi::c_int;

/// Connections taken one after another before others get their turn.
const MOST_AT_ONCE: u32 = 32;
const KNOWN: u32 = IORING_ACCEPT_MULTISHOT | IORING_ACCEPT_DONTWAIT | IORING_ACCEPT_POLL_FIRST;

/// ACCEPT.
pub static ACCEPT: Op = Op {
    prepare,
    issue,
    run: Some(run),
    unpolled: |r| Outcome::Done(unpolled(r).answer()),
    run_at_once: Some(run_at_once),
    finish,
    cancel: |turn, r| turn.leave_line(r),
    needs_file: true,
    has_ioprio: true,
    ..Op::NONE
};

fn prepare(_: &mut Turn, r: &mut Request) -> Result<()> {
    unused(&[u64::from(r.sqe.len), fields::buf_index(r)])?;
    let (how, flags) = (u32::from(r.sqe.ioprio), fields::flags(r) as c_int);
    let known_flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    if how & !KNOWN != 0 || flags & !known_flags != 0 {
        return Err(Errno::EINVAL);
    }
    let index = file_index(r);
    if index != 0 && flags & libc::SOCK_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    if how & IORING_ACCEPT_MULTISHOT != 0 {
        if index != 0 && index != IORING_FILE_INDEX_ALLOC {
            return Err(Errno::EINVAL);
        }
        r.flags |= MULTISHOT;
    }
    if how & IORING_ACCEPT_DONTWAIT != 0 {
        r.flags |= NOWAIT;
    }
    Ok(())
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    let how = u32::from(r.sqe.ioprio);
    if how & IORING_ACCEPT_POLL_FIRST != 0 && !r.is(POLLED) || polls_first(r) {
        return Outcome::Wait(libc::EPOLLIN as u32);
    }
    let blocks = match file::status_flags(r.fd) {
        Ok(flags) if flags & libc::O_PATH != 0 => return Outcome::Done(Errno::EBADF.answer()),
        Ok(flags) => flags & libc::O_NONBLOCK == 0,
        Err(errno) => return Outcome::Done(errno.answer()),
    };
    if turn.has_to_line_up(r) && is_listening(r) {
        return turn.wait_in_line(r);
    }
    for tries in 0..MOST_AT_ONCE {
        if blocks || tries > 0 {
            if !is_ready(r) {
                return turn.wait_in_line(r);
            }
            // Whoever else accepts here may be faster, and the call would block.
            if blocks && !r.is(NOWAIT) {
                return Outcome::Punt;
            }
        }
        let result = accept(r);
        if let Some(outcome) = accepted(turn, r, result) {
            return outcome;
        }
    }
    Outcome::Wait(libc::EPOLLIN as u32)
}

/// Whether there is a connection, or an error.
fn is_ready(r: &Request) -> bool {
    pipe::is_ready(r.fd, libc::POLLIN) || !is_listening(r)
}

fn is_listening(r: &Request) -> bool {
    net::option(r.fd, libc::SO_ACCEPTCONN) == Ok(1)
}

fn accept(r: &Request) -> Result<c_int> {
    let closes_on_exec = if file_index(r) != 0 { libc::SOCK_CLOEXEC } else { 0 };
    let flags = fields::flags(r) as c_int | closes_on_exec;
    // SAFETY: the kernel looks where the addresses are.
    unsafe { net::accept(r.fd, fields::addr(r), fields::off(r), flags) }
}

/// What becomes of a request that has accepted; none when there may be more.
fn accepted(turn: &mut Turn, r: &mut Request, result: Result<c_int>) -> Option<Outcome> {
    let fd = match result {
        Ok(fd) => fd,
        Err(Errno::EAGAIN) => return Some(turn.wait_in_line(r)),
        Err(errno) => return Some(Outcome::Done(errno.answer())),
    };
    let result = turn.hand_over(fd, file_index(r));
    let flags = if pipe::is_ready(r.fd, libc::POLLIN) { IORING_CQE_F_SOCK_NONEMPTY } else { 0 };
    if r.is(MULTISHOT) && result >= 0 && turn.post_more(r, result, flags) {
        return None;
    }
    r.cqe_flags |= if result < 0 { 0 } else { flags };
    Some(Outcome::Done(result))
}

/// On a worker: there was a connection a moment ago.
fn run(r: &mut Request) -> i32 {
    let waits_first = u32::from(r.sqe.ioprio) & IORING_ACCEPT_POLL_FIRST != 0 && !r.is(POLLED);
    if waits_first || polls_first(r) || !is_ready(r) {
        return Errno::EAGAIN.answer();
    }
    accept(r).unwrap_or_else(Errno::answer)
}

/// In place: the listening socket does not block for as long as the call takes.
fn run_at_once(r: &mut Request) -> i32 {
    if let Err(errno) = net::set_nonblocking(r.fd, true) {
        return errno.answer();
    }
    let result = accept(r);
    let _ = net::set_nonblocking(r.fd, false);
    result.unwrap_or_else(Errno::answer)
}

fn finish(turn: &mut Turn, r: &mut Request, result: i32) -> Outcome {
    if result == Errno::EINTR.answer() && r.is(CANCELLED) {
        return Outcome::Done(Errno::ECANCELED.answer());
    }
    let result = if result < 0 { Err(Errno::of(-result)) } else { Ok(result) };
    accepted(turn, r, result).unwrap_or(Outcome::Wait(libc::EPOLLIN as u32))
}
