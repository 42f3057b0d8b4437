//! CONNECT.

use super::socket::{address, fields, keep_address, unused};
use super::{answer, Bound, Op, Outcome};
use crate::soft::request::Request;
use crate::sys::{file, net, Errno, Result};
use core::ffi::c_int;

/// CONNECT: to the end, whatever the socket's O_NONBLOCK says.
pub static CONNECT: Op = Op {
    prepare: |_, r| {
        let fields = [
            u64::from(r.sqe.len),
            u64::from(fields::flags(r)),
            fields::buf_index(r),
            fields::file_index(r),
        ];
        unused(&fields)
    },
    keep: keep_address,
    copies_first: true,
    issue: |_, r| match begin(r) {
        Err(Errno::EINPROGRESS | Errno::EALREADY) => Outcome::Wait(libc::EPOLLOUT as u32),
        // A local socket whose peer's queue is full has nothing to wait for: a worker waits in the call.
        Err(Errno::EAGAIN) => Outcome::Punt,
        result => result.into(),
    },
    ready: |_, r, events| how_it_ended(r, events),
    run: Some(|r| {
        let (at, len) = address(r);
        // SAFETY: the address is our copy.
        answer(unsafe { net::connect(r.fd, at, len) })
    }),
    finish: |_, _, result| match Errno::of(-result) {
        // It does not block there either.
        Errno::EINPROGRESS | Errno::EALREADY => Outcome::Wait(libc::EPOLLOUT as u32),
        _ => Outcome::Done(result),
    },
    needs_file: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

/// What has become of a connection that was under way. Whoever looks may be another than who connects.
fn how_it_ended(r: &Request, events: u32) -> Outcome {
    const OVER: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;
    match net::option(r.fd, libc::SO_ERROR) {
        // Somebody else was told why.
        Ok(0) if !net::has_peer(r.fd) && events & OVER != 0 => {
            Outcome::Done(Errno::of(libc::ECONNABORTED).answer())
        }
        Ok(0) if !net::has_peer(r.fd) => Outcome::Wait(libc::EPOLLOUT as u32),
        Ok(0) => {
            let (at, len) = address(r);
            // Only now the socket knows it, and says so to who connects it again.
            // SAFETY: the address is our copy.
            let _ = unsafe { net::connect(r.fd, at, len) };
            Outcome::Done(0)
        }
        Ok(errno) => Outcome::Done(Errno::of(errno).answer()),
        Err(errno) => Outcome::Done(errno.answer()),
    }
}

/// Begins without blocking. Only O_NONBLOCK does that, which belongs to the open file: it is set for as
/// long as the call takes, and nothing but it is touched. Nobody uses a socket meanwhile that is not
/// connected; a worker for each that would block instead were many.
fn begin(r: &Request) -> Result<usize> {
    const CONNECTED: [c_int; 2] = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET];
    let (at, len) = address(r);
    let blocks = file::status_flags(r.fd)? & libc::O_NONBLOCK == 0
        // Datagrams have nobody to wait for, and what is no socket is refused.
        && net::option(r.fd, libc::SO_TYPE).is_ok_and(|kind| CONNECTED.contains(&kind));
    if blocks {
        net::set_nonblocking(r.fd, true)?;
    }
    // SAFETY: the kernel looks where the address is.
    let result = unsafe { net::connect(r.fd, at, len) };
    if blocks {
        net::set_nonblocking(r.fd, false)?;
    }
    result
}
