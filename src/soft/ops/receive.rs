//! Receiving, once or as often as there is data.

use super::message::{self, Message};
use super::socket::{fields, no_socket, unused};
use super::{polls_first, unpolled, why, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::provided::{selects, Buffer};
use crate::soft::request::{Request, HUNG_UP, MESSAGES, MULTISHOT, NOWAIT, POLLED, STREAM};
use crate::soft::turn::Turn;
use crate::sys::{copy, file, net, Errno, Result};
use alloc::boxed::Box;
use core::ffi::c_int;
use core::mem::size_of;

const KNOWN: u32 =
    IORING_RECVSEND_POLL_FIRST | IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE | FIXED;
/// The data goes to a registered buffer.
const FIXED: u32 = IORING_RECVSEND_FIXED_BUF;
const WAITALL: u32 = libc::MSG_WAITALL as u32;
/// Receives one after another before others get their turn.
const MOST_AT_ONCE: u32 = 32;
/// The other side has no more to send.
const GONE: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
/// ioctl(2): bytes to be read.
const SIOCINQ: u64 = 0x541b;

/// RECV.
pub static RECV: Op = Op {
    prepare,
    issue,
    unpolled: |r| Outcome::Done(unpolled(r).answer()),
    ready: |turn, r, events| {
        if events & GONE != 0 {
            r.flags |= HUNG_UP;
        }
        issue(turn, r)
    },
    needs_file: true,
    selects_buffer: true,
    has_ioprio: true,
    ..Op::NONE
};

/// RECVMSG.
pub static RECVMSG: Op = Op {
    prepare: |turn, r| {
        if u32::from(r.sqe.ioprio) & IORING_RECVSEND_BUNDLE != 0 {
            return Err(Errno::EINVAL);
        }
        prepare(turn, r)?;
        if selects(r) || fields::flags(r) & WAITALL != 0 {
            return keep(r);
        }
        Ok(())
    },
    keep,
    ..RECV
};

fn prepare(_: &mut Turn, r: &mut Request) -> Result<()> {
    unused(&[fields::off(r)])?;
    let (how, flags) = (u32::from(r.sqe.ioprio), fields::flags(r));
    let is_fixed = how & FIXED != 0;
    if how & !KNOWN != 0 || (is_fixed && (is_message(r) || selects(r))) {
        return Err(Errno::EINVAL);
    }
    if flags & libc::MSG_DONTWAIT as u32 != 0 {
        r.flags |= NOWAIT;
    }
    if how & IORING_RECV_MULTISHOT != 0 {
        if !selects(r) || flags & WAITALL != 0 {
            return Err(Errno::EINVAL);
        }
        r.flags |= MULTISHOT;
    }
    match is_message(r) || !r.is(MULTISHOT) {
        true => unused(&[fields::file_index(r)]),
        false => Ok(()),
    }
}

/// How many bytes more a request receives that has a limit of them; 0: it has none.
fn left(r: &Request) -> u64 {
    if r.is(MULTISHOT) && !is_message(r) {
        fields::file_index(r)
    } else {
        0
    }
}

/// Counts `n` bytes against the limit; whether that is reached.
fn reaches_limit(r: &mut Request, n: usize) -> bool {
    let before = left(r);
    let after = before.saturating_sub(n as u64);
    if before > 0 {
        r.sqe.anon_splice_fd_in.file_index = after as u32;
    }
    before > 0 && after == 0
}

fn keep(r: &mut Request) -> Result<()> {
    message::keep(r, false)?;
    let has_one = message::copied(r).is_none_or(|message| message.vector.len() <= 1);
    if selects(r) && !has_one {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

fn is_message(r: &Request) -> bool {
    r.sqe.opcode == io_uring_op::IORING_OP_RECVMSG as u8
}

fn flags(r: &Request) -> c_int {
    fields::flags(r) as c_int | libc::MSG_DONTWAIT
}

/// What it waits for.
fn awaited(r: &Request) -> u32 {
    let flags = fields::flags(r) as c_int;
    let events = match flags & libc::MSG_ERRQUEUE {
        0 => libc::EPOLLIN | if flags & libc::MSG_OOB != 0 { libc::EPOLLPRI } else { 0 },
        _ => libc::EPOLLERR,
    };
    // Its end comes with the last data.
    let end = if r.is(MULTISHOT) { libc::EPOLLRDHUP } else { 0 };
    (events | end) as u32
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    if u32::from(r.sqe.ioprio) & IORING_RECVSEND_POLL_FIRST != 0 && !r.is(POLLED) {
        // A RECV waits for what is no socket, too.
        let refused = match is_message(r) {
            true => no_socket(r),
            false => file::check(r.fd).err(),
        };
        return match refused {
            Some(errno) => Outcome::Done(errno.answer()),
            None => Outcome::Wait(awaited(r)),
        };
    }
    if let Err(errno) = find_buffer(turn, r) {
        return Outcome::Done(errno.answer());
    }
    let has_to_select = selects(r) && !r.provided.is_some_and(|buffer| buffer.is_used);
    if !has_to_select {
        return receive_whole(turn, r);
    }
    if polls_first(r) {
        return Outcome::Wait(awaited(r));
    }
    for tries in 0..MOST_AT_ONCE {
        if let Some(outcome) = receive_selected(turn, r, tries > 0) {
            return outcome;
        }
    }
    Outcome::Wait(awaited(r))
}

/// What is received into a registered buffer has to have room in it, once for all tries.
fn find_buffer(turn: &mut Turn, r: &mut Request) -> Result<()> {
    if u32::from(r.sqe.ioprio) & FIXED != 0 && r.buffer.is_none() {
        let index = fields::buf_index(r) as u16;
        r.buffer = Some(turn.find_buffer(index, fields::addr(r), u64::from(r.sqe.len))?);
    }
    Ok(())
}

/// One try: how many bytes came, and how many there was room for; 0 when that is not known.
fn call(r: &mut Request) -> (Result<usize>, usize) {
    let (fd, flags) = (r.fd, flags(r));
    if let Some(message) = message::copied(r) {
        let left = message.left();
        // SAFETY: the header is ours, the rest the program's; the kernel looks where it points.
        return (unsafe { net::receive_message(fd, message.for_call(), flags) }, left);
    }
    // SAFETY: the kernel looks where the message or the data is.
    unsafe {
        if is_message(r) {
            return (net::receive_message(fd, fields::addr(r) as *mut _, flags), 0);
        }
        let data = (fields::addr(r), r.sqe.len as usize);
        (net::receive(fd, data, flags), data.1)
    }
}

/// Whether it is to go on until all the room is full: a datagram is whole as it comes.
fn wants_all(r: &Request) -> bool {
    const WHOLE: [c_int; 2] = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET];
    fields::flags(r) & WAITALL != 0
        && net::option(r.fd, libc::SO_TYPE).is_ok_and(|kind| WHOLE.contains(&kind))
}

/// Whether a receive that leaves room has taken all that there was.
fn is_stream(r: &mut Request) -> bool {
    if !r.is(STREAM | MESSAGES) {
        let is_stream = net::option(r.fd, libc::SO_TYPE) == Ok(libc::SOCK_STREAM);
        r.flags |= if is_stream { STREAM } else { MESSAGES };
    }
    r.is(STREAM)
}

/// The same as [`receive_into`], for the first time; what is wrong with its message comes first.
fn receive_whole(turn: &mut Turn, r: &mut Request) -> Outcome {
    match receive_into(r) {
        Outcome::Done(result) if result < 0 && is_message(r) => {
            Outcome::Done(why(turn, r, Errno::of(-result)).answer())
        }
        outcome => outcome,
    }
}

/// Receives where the request says.
fn receive_into(r: &mut Request) -> Outcome {
    // Control data belongs to what it came with.
    let takes_control = message::copied(r).is_some_and(|message| message.header.msg_controllen > 0);
    let is_whole = fields::flags(r) & WAITALL != 0 && !takes_control && !r.is(NOWAIT);
    loop {
        let (result, left) = call(r);
        match result {
            Ok(n) if is_whole && n > 0 && n < left && wants_all(r) => message::advance(r, n),
            Ok(n) => return end(r, n, left),
            Err(Errno::EAGAIN) if !r.is(NOWAIT) => return Outcome::Wait(awaited(r)),
            Err(errno) => {
                let done = message::done(r);
                r.fail();
                return Outcome::Done(if done > 0 { done as i32 } else { errno.answer() });
            }
        }
    }
}

/// The last `n` bytes came, where there was room for `left`.
fn end(r: &mut Request, n: usize, left: usize) -> Outcome {
    if fields::flags(r) & WAITALL != 0 && n < left {
        r.fail();
    }
    // What was looked at only is still there.
    let may_leave = n == left || fields::flags(r) & libc::MSG_PEEK as u32 != 0;
    if may_leave && (n > 0 || !is_message(r)) {
        r.cqe_flags |= nonempty(r);
    }
    if is_message(r) {
        if let Err(errno) = message::tell(r) {
            return Outcome::Done(errno.answer());
        }
    }
    Outcome::Done((message::done(r) + n) as i32)
}

/// Whether a stream has more that can be received now. Asked only when all the room was used.
fn nonempty(r: &Request) -> u32 {
    let is_stream = net::option(r.fd, libc::SO_TYPE) == Ok(libc::SOCK_STREAM);
    match is_stream && net::queued(r.fd, SIOCINQ).is_ok_and(|n| n > 0) {
        true => IORING_CQE_F_SOCK_NONEMPTY,
        false => 0,
    }
}

/// Receives into provided buffers, not for the first time if it `goes_on`; none when there may be more.
fn receive_selected(turn: &mut Turn, r: &mut Request, goes_on: bool) -> Option<Outcome> {
    let buffer = match turn.take_buffer(r) {
        Ok(buffer) => buffer,
        Err(errno) => {
            let errno = no_socket(r).unwrap_or(errno);
            // Whether there is another message is not looked at.
            if goes_on && !is_stream(r) {
                return Some(Outcome::Done(errno.answer()));
            }
            return Some(turn.without_buffer(r, errno, goes_on, awaited(r)));
        }
    };
    let wanted = wanted(r);
    let len = if wanted == 0 { buffer.len } else { wanted.min(buffer.len) };
    let mut bundle = bundle(turn, r, len);
    let (result, room) = match &mut bundle {
        _ if is_message(r) => into_message(r, buffer),
        Some(message) => {
            let room = message.left();
            // SAFETY: the header is ours, the buffers the program's.
            (unsafe { net::receive_message(r.fd, message.for_call(), flags(r)) }, room)
        }
        None => {
            // SAFETY: the buffer is the program's; the kernel looks where it is.
            (unsafe { net::receive(r.fd, (buffer.addr, len as usize), flags(r)) }, len as usize)
        }
    };
    match result {
        Err(Errno::EAGAIN) => {
            turn.put_buffer_back(r);
            Some(Outcome::Wait(awaited(r)))
        }
        Ok(n) if n > 0 && n < room && waits_for_rest(r) => {
            // The rest goes behind it: it is nobody else's meanwhile.
            r.cqe_flags |= turn.use_buffer(r, room);
            match bundle {
                Some(message) => r.state = State::Message(message),
                None => (r.sqe.anon_addr.addr, r.sqe.len) = (buffer.addr, len),
            }
            message::advance(r, n);
            Some(receive_into(r))
        }
        Ok(n) if n > 0 => Some(received(turn, r, n, room)?),
        result => {
            turn.put_buffer_back(r);
            Some(Outcome::Done(super::answer(result)))
        }
    }
}

fn is_bundle(r: &Request) -> bool {
    u32::from(r.sqe.ioprio) & IORING_RECVSEND_BUNDLE != 0
}

/// The buffers of a bundle. One that wants less than the first of them has is none; a message that may be of any
/// length gets one buffer.
fn bundle(turn: &mut Turn, r: &mut Request, len: u32) -> Option<Box<Message>> {
    let wanted = wanted(r);
    let is_short = wanted > 0 && r.provided.is_some_and(|first| len < first.len);
    if !is_bundle(r) || is_short || (wanted == 0 && !is_stream(r)) {
        return None;
    }
    Some(Message::of_own(turn.bundle(r, wanted as usize)))
}

/// How many bytes are wanted at a time; 0: any number. A bundle keeps to the limit of all.
fn wanted(r: &Request) -> u32 {
    match (r.sqe.len, left(r) as u32) {
        (len, left) if !is_bundle(r) || left == 0 => len,
        (0, left) => left,
        (len, left) => len.min(left),
    }
}

/// Whether a receive that left room is to go on. A bundle that takes whatever comes has all that there was.
fn waits_for_rest(r: &Request) -> bool {
    let takes_any = is_bundle(r) && r.sqe.len == 0;
    !is_message(r) && !takes_any && !r.is(NOWAIT) && wants_all(r)
}

/// `n` bytes came into a provided buffer, or several.
fn received(turn: &mut Turn, r: &mut Request, n: usize, room: usize) -> Option<Outcome> {
    // MSG_TRUNC tells of more than there was room for.
    let flags = turn.use_buffer(r, n.min(room)) | if n == room { nonempty(r) } else { 0 };
    // At the end of a stream there is a head without data, again and again; a bundle that has taken all buffers
    // ends without waiting for more of them.
    let wanted = wanted(r);
    let is_short = wanted > 0 && r.provided.is_some_and(|first| wanted < first.len);
    let is_last = reaches_limit(r, n)
        || (is_message(r) && n == head_len(r))
        || (is_bundle(r) && !is_short && !turn.has_buffers(r));
    if !r.is(MULTISHOT) || is_last || !turn.post_more(r, n as i32, flags) {
        r.cqe_flags |= flags;
        if !r.is(MULTISHOT) && is_message(r) {
            if let Err(errno) = message::tell(r) {
                return Some(Outcome::Done(errno.answer()));
            }
        }
        return Some(Outcome::Done(n as i32));
    }
    r.provided = None;
    // There was room for more: it is seen when it comes.
    let may_end = r.is(HUNG_UP) || !r.is(POLLED);
    if is_bundle(r) && r.sqe.len > 0 && n >= r.sqe.len as usize {
        // It has had its share: others get their turn.
        return Some(Outcome::Wait(awaited(r)));
    }
    (n < room && !may_end && is_stream(r)).then(|| Outcome::Wait(awaited(r)))
}

/// Bytes before a message's data, when it is one of several.
fn head_len(r: &mut Request) -> usize {
    let Some(message) = message::copied(r) else { return 0 };
    let (name, control) = (message.header.msg_namelen as usize, message.header.msg_controllen);
    size_of::<io_uring_recvmsg_out>().saturating_add(name).saturating_add(control)
}

/// One message into a provided buffer; of several, each has a head that says what it is.
fn into_message(r: &mut Request, buffer: Buffer) -> (Result<usize>, usize) {
    let (fd, flags, is_multishot) = (r.fd, flags(r), r.is(MULTISHOT));
    let before = if is_multishot { head_len(r) } else { 0 };
    let Some(message) = message::copied(r) else { return (Err(Errno::EINVAL), 0) };
    let header = message.header;
    let (head, name) = (size_of::<io_uring_recvmsg_out>(), header.msg_namelen as usize);
    // Of several, what comes before the data counts.
    let wanted = message.vector.first().map_or(0, |v| v.iov_len);
    let len = if wanted > 0 { wanted.min(buffer.len as usize) } else { buffer.len as usize };
    if is_multishot && len < before {
        return (Err(Errno::EFAULT), 0);
    }
    let room = len - before;
    let at = buffer.addr.wrapping_add(before as u64);
    let mut vector = libc::iovec { iov_base: at as *mut _, iov_len: room };
    let mut call = header;
    (call.msg_iov, call.msg_iovlen) = (&raw mut vector, 1);
    if is_multishot {
        let at = buffer.addr.wrapping_add(head as u64);
        call.msg_name = if name > 0 { at as *mut _ } else { core::ptr::null_mut() };
        call.msg_control = at.wrapping_add(name as u64) as *mut _;
    }
    // SAFETY: the header is ours, the rest the program's; the kernel looks where it points.
    let result = unsafe { net::receive_message(fd, &raw mut call, flags) };
    let Ok(n) = result else { return (result, room) };
    if !is_multishot {
        message.header.msg_namelen = call.msg_namelen;
        message.header.msg_controllen = call.msg_controllen;
        message.header.msg_flags = call.msg_flags;
        return (Ok(n), room);
    }
    let out = io_uring_recvmsg_out {
        namelen: call.msg_namelen,
        controllen: call.msg_controllen as u32,
        payloadlen: n as u32,
        flags: call.msg_flags as u32,
    };
    (copy::put(buffer.addr, &out).map(|()| before + n.min(room)), before + room)
}
