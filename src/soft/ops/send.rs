//! Sending. What is sent without copying is copied here, and says so to who asks.

use super::message::{self, Message};
use super::socket::{fields, no_socket, unused};
use super::{why, Bound, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::memory::Cqe;
use crate::soft::provided::selects;
use crate::soft::request::{Request, FAILED, NOTIFIES, NOWAIT, POLLED, SKIP};
use crate::soft::turn::Turn;
use crate::sys::{net, Errno, Result};
use core::ffi::c_int;

const KNOWN: u32 =
    IORING_RECVSEND_POLL_FIRST | IORING_RECVSEND_BUNDLE | IORING_SEND_VECTORIZED | FIXED;
const KNOWN_MSG: u32 = IORING_RECVSEND_POLL_FIRST | IORING_SEND_VECTORIZED;
const KNOWN_ZC: u32 =
    IORING_RECVSEND_POLL_FIRST | IORING_SEND_ZC_REPORT_USAGE | IORING_SEND_VECTORIZED | FIXED;
/// The data is in a registered buffer.
const FIXED: u32 = IORING_RECVSEND_FIXED_BUF;
/// Bundles sent one after another before others get their turn.
const MOST_AT_ONCE: u32 = 32;
const EMSGSIZE: Errno = Errno::of(libc::EMSGSIZE);
const OUT: u32 = libc::EPOLLOUT as u32;

/// SEND.
pub static SEND: Op = Op {
    prepare: |_, r| {
        let how = u32::from(r.sqe.ioprio);
        if how & !KNOWN != 0 || (how & FIXED != 0 && selects(r)) {
            return Err(Errno::EINVAL);
        }
        prepare(r, how)
    },
    keep: |r| keep(r),
    issue: |turn, r| match find_buffer(turn, r) {
        Ok(()) => issue(turn, r),
        Err(errno) => Outcome::Done(errno.answer()),
    },
    needs_file: true,
    selects_buffer: true,
    has_ioprio: true,
    bound,
    ..Op::NONE
};

/// SENDMSG.
pub static SENDMSG: Op = Op {
    prepare: |_, r| {
        unused(&[fields::off(r), fields::file_index(r)])?;
        if u32::from(r.sqe.ioprio) & !KNOWN_MSG != 0 {
            return Err(Errno::EINVAL);
        }
        prepare(r, 0)
    },
    selects_buffer: false,
    ..SEND
};

/// SEND_ZC.
pub static SEND_ZC: Op =
    Op { prepare: |_, r| prepare_zc(r), issue: issue_zc, selects_buffer: false, ..SEND };

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
        let too_many = |errno| if errno == EMSGSIZE { Errno::EINVAL } else { errno };
        let vectors = Message::of_vectors(fields::addr(r), r.sqe.len as usize);
        let mut message = vectors.map_err(too_many)?;
        let (address, len) = destination(r);
        if address != 0 && len != 0 {
            message.send_to(address, len)?;
        }
        r.state = State::Message(message);
    }
    Ok(())
}

fn prepare_zc(r: &mut Request) -> Result<()> {
    // There are two CQEs, or none.
    if r.is(SKIP) {
        return Err(Errno::EINVAL);
    }
    // SAFETY: any bytes are valid as numbers.
    let (third, pad) = unsafe {
        let rest = &r.sqe.anon_addr3_set.anon_addr3;
        (rest.addr3, rest.__pad2[0])
    };
    unused(&[third, pad])?;
    r.flags |= NOTIFIES;
    let how = u32::from(r.sqe.ioprio);
    if how & !KNOWN_ZC != 0 {
        return Err(Errno::EINVAL);
    }
    prepare(r, how)
}

/// The second CQE of what was sent without copying, as far as the program can tell.
pub fn notice(r: &Request) -> Cqe {
    let how = u32::from(r.sqe.ioprio);
    let reports = how & !KNOWN_ZC == 0 && how & IORING_SEND_ZC_REPORT_USAGE != 0;
    let res = if reports { IORING_NOTIF_USAGE_ZC_COPIED as i32 } else { 0 };
    Cqe { user_data: r.sqe.user_data, res, flags: IORING_CQE_F_NOTIF, big: [0; 2] }
}

/// What is sent from a registered buffer has to lie in it, once for all tries.
fn find_buffer(turn: &mut Turn, r: &mut Request) -> Result<()> {
    if u32::from(r.sqe.ioprio) & FIXED == 0 || r.buffer.is_some() {
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

/// An address is looked up, and descriptors and credentials in a message are the sender's.
fn bound(r: &Request) -> Bound {
    let is_bound = match &r.state {
        State::Message(message) if message.is_copy => {
            message.header.msg_namelen > 0 || message.header.msg_controllen > 0
        }
        _ => !is_message(r) && destination(r) != (0, 0),
    };
    if is_bound {
        Bound::Always
    } else {
        Bound::No
    }
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
        return send_selected(turn, r);
    }
    if fields::flags(r) & WAITALL != 0 && is_message(r) {
        if let Err(errno) = message::keep(r, true) {
            return Outcome::Done(errno.answer());
        }
    }
    match send(r) {
        Outcome::Done(result) if result < 0 => {
            Outcome::Done(why(turn, r, Errno::of(-result)).answer())
        }
        outcome => outcome,
    }
}

/// Sends what is left; all of it when that is asked for, as far as it may wait.
fn send(r: &mut Request) -> Outcome {
    loop {
        let (result, left) = call(r);
        match result {
            Ok(n) if is_whole(r) && n > 0 && n < left => {
                message::advance(r, n);
                if r.is(NOWAIT) {
                    return failed(r, Errno::EAGAIN);
                }
            }
            Ok(n) => return Outcome::Done((message::done(r) + n) as i32),
            Err(Errno::EAGAIN) if !r.is(NOWAIT) => return Outcome::Wait(OUT),
            Err(errno) => return failed(r, errno),
        }
    }
}

fn is_bundle(r: &Request) -> bool {
    selects(r) && u32::from(r.sqe.ioprio) & IORING_RECVSEND_BUNDLE != 0
}

/// Whether less than everything is too little. A bundle's buffers all go.
fn is_whole(r: &Request) -> bool {
    fields::flags(r) & WAITALL != 0 || is_bundle(r)
}

/// It ends with an error; what went before counts, but is too little.
fn failed(r: &mut Request, errno: Errno) -> Outcome {
    let done = message::done(r);
    r.fail();
    Outcome::Done(if done > 0 { done as i32 } else { errno.answer() })
}

/// Sends the next provided buffer; with a bundle what was wanted, and then all that there are.
fn send_selected(turn: &mut Turn, r: &mut Request) -> Outcome {
    let mut wanted = r.sqe.len as usize;
    for _ in 0..MOST_AT_ONCE {
        let outcome = send_buffers(turn, r, wanted);
        let Outcome::Done(n) = outcome else { return outcome };
        let is_last = n < 0 || !is_bundle(r) || r.is(FAILED | POLLED);
        if is_last || !turn.has_buffers(r) || !turn.post_more(r, n, r.cqe_flags) {
            return outcome;
        }
        (r.provided, r.cqe_flags, wanted) = (None, 0, 0);
        if let Err(errno) = message::begin_anew(r) {
            return failed(r, errno);
        }
    }
    Outcome::Wait(OUT)
}

/// Sends one provided buffer, or those of a bundle. They are used up once something was sent or it failed.
fn send_buffers(turn: &mut Turn, r: &mut Request, wanted: usize) -> Outcome {
    let buffer = match turn.take_buffer(r) {
        Ok(buffer) => buffer,
        Err(errno) => {
            let errno = if turn.has_group(r) { errno } else { Errno::ENOENT };
            return Outcome::Done(no_socket(r).unwrap_or(errno).answer());
        }
    };
    let vector = match is_bundle(r) {
        true => turn.bundle(r, wanted),
        false => {
            let len = buffer.len as usize;
            let len = if wanted == 0 { len } else { wanted.min(len) };
            alloc::vec![libc::iovec { iov_base: buffer.addr as *mut _, iov_len: len }]
        }
    };
    let mut message = Message::of_own(vector);
    let (address, len) = destination(r);
    if let Some(kept) = message::copied(r) {
        message.send_to_same(kept);
    } else if address != 0 {
        message.header.msg_name = address as *mut _;
        message.header.msg_namelen = len;
    }
    let total = message.left();
    r.state = State::Message(message);
    let outcome = send(r);
    let used = match outcome {
        Outcome::Done(n) if n < 0 && no_socket(r).is_some() => None,
        // What was sent by one call; the rest of the buffer is not lost where it is used piece by piece.
        Outcome::Done(n) if n >= 0 && !is_whole(r) => Some(n as usize),
        Outcome::Wait(_) if message::done(r) == 0 => None,
        _ => Some(total),
    };
    match used {
        Some(used) => r.cqe_flags |= turn.use_buffer(r, used),
        None => {
            turn.put_buffer_back(r);
            if let Err(errno) = message::begin_anew(r) {
                return failed(r, errno);
            }
        }
    }
    outcome
}

fn issue_zc(turn: &mut Turn, r: &mut Request) -> Outcome {
    if let Err(errno) = only_copies(r).and_then(|()| find_buffer(turn, r)) {
        return Outcome::Done(errno.answer());
    }
    issue(turn, r)
}

/// `EOPNOTSUPP` for a socket that only copies.
fn only_copies(r: &Request) -> Result<()> {
    match net::option(r.fd, libc::SO_DOMAIN)? {
        libc::AF_INET | libc::AF_INET6 | libc::AF_VSOCK => Ok(()),
        _ => Err(Errno::EOPNOTSUPP),
    }
}
