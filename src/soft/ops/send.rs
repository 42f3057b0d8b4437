//! Sending. What is sent without copying is copied here, and says so to who asks.

use super::message::{self, Message};
use super::socket::{fields, no_socket, unused};
use super::{Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::memory::Cqe;
use crate::soft::provided::selects;
use crate::soft::request::{Request, NOWAIT, POLLED, SKIP};
use crate::soft::turn::Turn;
use crate::sys::{net, Errno, Result};
use core::ffi::c_int;

const KNOWN: u32 = IORING_RECVSEND_POLL_FIRST | IORING_RECVSEND_BUNDLE | IORING_SEND_VECTORIZED;
const KNOWN_ZC: u32 =
    IORING_RECVSEND_POLL_FIRST | IORING_SEND_ZC_REPORT_USAGE | IORING_SEND_VECTORIZED | FIXED;
/// The data is in a registered buffer.
const FIXED: u32 = IORING_RECVSEND_FIXED_BUF;
const OUT: u32 = libc::EPOLLOUT as u32;

/// SEND.
pub static SEND: Op = Op {
    prepare: |_, r| {
        let how = u32::from(r.sqe.ioprio);
        if how & !KNOWN != 0
            || (how & IORING_RECVSEND_BUNDLE != 0 && fields::flags(r) & WAITALL != 0)
        {
            return Err(Errno::EINVAL);
        }
        prepare(r, how)
    },
    keep: |r| keep(r),
    issue,
    needs_file: true,
    selects_buffer: true,
    has_ioprio: true,
    ..Op::NONE
};

/// SENDMSG.
pub static SENDMSG: Op = Op {
    prepare: |_, r| {
        unused(&[fields::off(r), fields::file_index(r)])?;
        if u32::from(r.sqe.ioprio) & !IORING_RECVSEND_POLL_FIRST != 0 {
            return Err(Errno::EINVAL);
        }
        prepare(r, 0)
    },
    selects_buffer: false,
    ..SEND
};

/// SEND_ZC.
pub static SEND_ZC: Op = Op {
    prepare: |_, r| prepare_zc(r),
    assign: Some(find_buffer),
    issue: issue_zc,
    selects_buffer: false,
    ..SEND
};

/// SENDMSG_ZC.
pub static SENDMSG_ZC: Op = Op {
    prepare: |_, r| {
        unused(&[fields::off(r), fields::file_index(r)])?;
        prepare_zc(r)
    },
    ..SEND_ZC
};

const WAITALL: u32 = libc::MSG_WAITALL as u32;

fn prepare(r: &mut Request, how: u32) -> Result<()> {
    if fields::flags(r) & libc::MSG_DONTWAIT as u32 != 0 {
        r.flags |= NOWAIT;
    }
    if how & IORING_SEND_VECTORIZED != 0 && !is_message(r) {
        let message = Message::of_vectors(fields::addr(r), r.sqe.len as usize)?;
        r.state = State::Message(message);
    }
    Ok(())
}

fn prepare_zc(r: &mut Request) -> Result<()> {
    // There are two CQEs, or none.
    if r.is(SKIP) {
        return Err(Errno::EINVAL);
    }
    prepare(r, u32::from(r.sqe.ioprio) & KNOWN_ZC)
}

/// What is sent from a registered buffer has to lie in it.
fn find_buffer(turn: &mut Turn, r: &mut Request) -> Result<()> {
    if u32::from(r.sqe.ioprio) & FIXED == 0 {
        return Ok(());
    }
    let index = fields::buf_index(r) as u16;
    if is_message(r) {
        message::keep(r, true)?;
    }
    let single = libc::iovec { iov_base: fields::addr(r) as *mut _, iov_len: r.sqe.len as usize };
    let places = match message::copied(r) {
        Some(message) => message.vector.clone(),
        None => alloc::vec![single],
    };
    for place in places {
        r.buffer = Some(turn.find_buffer(index, place.iov_base as u64, place.iov_len as u64)?);
    }
    Ok(())
}

fn is_message(r: &Request) -> bool {
    use io_uring_op::*;
    [IORING_OP_SENDMSG as u8, IORING_OP_SENDMSG_ZC as u8].contains(&r.sqe.opcode)
}

/// What the program may change: the message, and the address that it is sent to.
fn keep(r: &mut Request) -> Result<()> {
    if is_message(r) {
        return message::keep(r, true);
    }
    let (address, len) = destination(r);
    if address == 0 || len == 0 || message::copied(r).is_some() {
        return Ok(());
    }
    message::keep_destination(r, address, len)
}

/// Where a SEND goes, when it says so.
fn destination(r: &Request) -> (u64, u32) {
    // SAFETY: any bytes are valid in the fields.
    unsafe { (r.sqe.anon_off.addr2, u32::from(r.sqe.anon_splice_fd_in.anon_addr_len.addr_len)) }
}

fn flags(r: &Request) -> c_int {
    fields::flags(r) as c_int | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL
}

/// One try: how many bytes went, and how many were to.
fn call(r: &mut Request) -> (Result<usize>, usize) {
    let (fd, flags) = (r.fd, flags(r));
    if let Some(message) = message::copied(r) {
        let left = message.left();
        // SAFETY: the header is ours, the rest the program's; the kernel looks where it points.
        return (unsafe { net::send_message(fd, message.for_call(), flags) }, left);
    }
    if is_message(r) {
        // SAFETY: the kernel looks where it is.
        return (unsafe { net::send_message(fd, fields::addr(r) as *const _, flags) }, 0);
    }
    let (address, len) = destination(r);
    let data = (fields::addr(r), r.sqe.len as usize);
    // SAFETY: the kernel looks where the data and the address are.
    (unsafe { net::send(fd, data, flags, address, if address == 0 { 0 } else { len }) }, data.1)
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    let how = u32::from(r.sqe.ioprio);
    if how & IORING_RECVSEND_POLL_FIRST != 0 && !r.is(POLLED) {
        return match no_socket(r) {
            Some(errno) => Outcome::Done(errno.answer()),
            None => Outcome::Wait(OUT),
        };
    }
    if selects(r) && !r.provided.is_some_and(|buffer| buffer.is_used) {
        return send_selected(turn, r, how & IORING_RECVSEND_BUNDLE != 0);
    }
    let is_whole = fields::flags(r) & WAITALL != 0;
    if is_whole && is_message(r) {
        if let Err(errno) = message::keep(r, true) {
            return Outcome::Done(errno.answer());
        }
    }
    loop {
        let (result, left) = call(r);
        match result {
            Ok(n) if is_whole && n > 0 && n < left => message::advance(r, n),
            Ok(n) => return Outcome::Done((message::done(r) + n) as i32),
            Err(Errno::EAGAIN) if !r.is(NOWAIT) => return Outcome::Wait(OUT),
            Err(errno) => return failed(r, errno),
        }
    }
}

/// It ends with an error; what went before counts, but is too little.
fn failed(r: &mut Request, errno: Errno) -> Outcome {
    let done = message::done(r);
    r.fail();
    Outcome::Done(if done > 0 { done as i32 } else { errno.answer() })
}

/// Sends the next provided buffer, or all that there are.
fn send_selected(turn: &mut Turn, r: &mut Request, is_bundle: bool) -> Outcome {
    let buffer = match turn.take_buffer(r) {
        Ok(buffer) => buffer,
        Err(errno) => {
            let errno = if turn.has_group(r) { errno } else { Errno::ENOENT };
            return Outcome::Done(no_socket(r).unwrap_or(errno).answer());
        }
    };
    let wanted = r.sqe.len;
    let vector = match is_bundle {
        true => turn.bundle(r, wanted as usize),
        false => {
            let len = if wanted == 0 { buffer.len } else { wanted.min(buffer.len) };
            alloc::vec![libc::iovec { iov_base: buffer.addr as *mut _, iov_len: len as usize }]
        }
    };
    let mut message = Message::of_own(vector);
    let (address, len) = destination(r);
    if address != 0 {
        message.header.msg_name = address as *mut _;
        message.header.msg_namelen = len;
    }
    // SAFETY: the header is ours, the rest the program's; the kernel looks where it points.
    match unsafe { net::send_message(r.fd, message.for_call(), flags(r)) } {
        Err(Errno::EAGAIN) => {
            turn.put_buffer_back(r);
            Outcome::Wait(OUT)
        }
        Ok(n) => {
            r.cqe_flags |= turn.use_buffer(r, n);
            Outcome::Done(n as i32)
        }
        Err(errno) => {
            turn.put_buffer_back(r);
            Outcome::Done(errno.answer())
        }
    }
}

fn issue_zc(turn: &mut Turn, r: &mut Request) -> Outcome {
    let how = u32::from(r.sqe.ioprio);
    let outcome = match zc_error(r, how) {
        Some(errno) => Outcome::Done(errno.answer()),
        None => issue(turn, r),
    };
    let Outcome::Done(result) = outcome else { return outcome };
    if result < 0 {
        r.fail();
    }
    // Both come, whether there is room or not.
    let user_data = r.sqe.user_data;
    turn.post(Cqe { user_data, res: result, flags: IORING_CQE_F_MORE, big: [0; 2] });
    r.cqe_flags = IORING_CQE_F_NOTIF;
    let reports = how & IORING_SEND_ZC_REPORT_USAGE != 0;
    Outcome::Done(if reports { IORING_NOTIF_USAGE_ZC_COPIED as i32 } else { 0 })
}

/// Why it is not even tried: unknown flags, or a socket that only copies.
fn zc_error(r: &Request, how: u32) -> Option<Errno> {
    if how & !KNOWN_ZC != 0 {
        return Some(Errno::EINVAL);
    }
    match net::option(r.fd, libc::SO_DOMAIN) {
        Ok(libc::AF_INET | libc::AF_INET6 | libc::AF_VSOCK) => None,
        Ok(_) => Some(Errno::EOPNOTSUPP),
        Err(errno) => Some(errno),
    }
}
