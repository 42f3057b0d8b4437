//! POLL_ADD, POLL_REMOVE, EPOLL_CTL, EPOLL_WAIT.

use super::{Bound, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::request::*;
use crate::soft::turn::Turn;
use crate::sys::epoll::{self, Event};
use crate::sys::file::Kind;
use crate::sys::{peek, Errno};

const ENOENT: Outcome = Outcome::Done(Errno::ENOENT.answer());
/// Errors are always told of, and that the other side sends no more.
const ALWAYS: u32 = (libc::EPOLLERR | libc::EPOLLHUP | libc::EPOLLRDHUP) as u32;
/// What a program may wait for. `EPOLLEXCLUSIVE`, which lets others be woken too, an epoll does not take with the
/// rest.
const EVENTS: u32 = 0xffff | libc::EPOLLONESHOT as u32;

/// A poll under way.
pub struct Poll {
    events: u32,
    repeats: bool,
    /// The ring's signals so far, if it is one of those that is waited for.
    own_signals: Option<u32>,
}

/// POLL_ADD.
pub static POLL_ADD: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as indices, an address and an offset.
        let (buffer, offset, address) =
            unsafe { (r.sqe.anon_buf_index.buf_index, r.sqe.anon_off.off, r.sqe.anon_addr.addr) };
        let repeats = r.sqe.len & IORING_POLL_ADD_MULTI != 0;
        let skips = r.sqe.flags & IOSQE_CQE_SKIP_SUCCESS as u8 != 0;
        let unknown = r.sqe.len & !IORING_POLL_ADD_MULTI != 0;
        if buffer != 0 || offset != 0 || address != 0 || unknown || (repeats && skips) {
            return Err(Errno::EINVAL);
        }
        r.state = State::Poll(Poll { events: events_of(r), repeats, own_signals: None });
        Ok(())
    },
    issue: |turn, r| {
        let (events, repeats) = (state(r).events, state(r).repeats);
        if repeats {
            return watch(turn, r);
        }
        match epoll::ready(r.fd, events) {
            Ok(0) => Outcome::Wait(events),
            Ok(found) => Outcome::Done(found as i32),
            Err(errno) => Outcome::Done(errno.answer()),
        }
    },
    unpolled: |_| Outcome::Done(Errno::EINVAL.answer()),
    ready: |turn, r, found| {
        let found = found & state(r).events & 0xffff;
        if found == 0 {
            // Only what it shares the file with.
            return if state(r).repeats { Outcome::Kept } else { Outcome::Wait(state(r).events) };
        }
        let repeats = state(r).repeats && !is_told_once(r, found) && !has_own_signal(turn, r);
        if repeats && turn.post_more(r, found as i32, 0) {
            return Outcome::Kept;
        }
        Outcome::Done(found as i32)
    },
    needs_file: true,
    ..Op::NONE
};

/// POLL_REMOVE: removes a poll, or changes it.
pub static POLL_REMOVE: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as indices, offsets and events.
        let (buffer, file, user_data, events) = unsafe {
            (
                r.sqe.anon_buf_index.buf_index,
                r.sqe.anon_splice_fd_in.splice_fd_in,
                r.sqe.anon_off.off,
                r.sqe.anon_rw_flags.poll32_events,
            )
        };
        let flags = r.sqe.len;
        let updates = IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA;
        if buffer != 0
            || file != 0
            || flags & !(updates | IORING_POLL_ADD_MULTI) != 0
            || flags == IORING_POLL_ADD_MULTI
            || (flags & IORING_POLL_UPDATE_USER_DATA == 0 && user_data != 0)
            || (flags & IORING_POLL_UPDATE_EVENTS == 0 && events != 0)
        {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |turn, r| {
        // SAFETY: any bytes are valid as an address.
        let wanted = unsafe { r.sqe.anon_addr.addr };
        match find(turn, wanted) {
            // SAFETY: what is found waits in the epoll.
            Some(found) => unsafe { change(turn, found, r) },
            None => ENOENT,
        }
    },
    ..Op::NONE
};

/// EPOLL_CTL.
pub static EPOLL_CTL: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as indices.
        let (buffer, file) =
            unsafe { (r.sqe.anon_buf_index.buf_index, r.sqe.anon_splice_fd_in.splice_fd_in) };
        if buffer != 0 || file != 0 || r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0 {
            return Err(Errno::EINVAL);
        }
        r.state = State::Event(Event { events: 0, u64: 0 });
        if r.sqe.len as i32 != epoll::EPOLL_CTL_DEL {
            // SAFETY: any bytes are valid as an address and an event.
            r.state = State::Event(unsafe { peek::copy(r.sqe.anon_addr.addr)? });
        }
        Ok(())
    },
    issue: |_, r| {
        let State::Event(event) = r.state else { unreachable!() };
        // SAFETY: any bytes are valid as an offset.
        let fd = unsafe { r.sqe.anon_off.off } as i32;
        match epoll::control(r.sqe.fd, r.sqe.len as i32, fd, event.events, event.u64) {
            Ok(()) => Outcome::Done(0),
            Err(errno) => Outcome::Done(errno.answer()),
        }
    },
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

/// EPOLL_WAIT.
pub static EPOLL_WAIT: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as indices, flags and offsets.
        let unused = unsafe {
            r.sqe.anon_off.off
                | u64::from(r.sqe.anon_rw_flags.poll32_events)
                | u64::from(r.sqe.anon_buf_index.buf_index)
                | r.sqe.anon_splice_fd_in.splice_fd_in as u64
        };
        if unused != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |_, r| {
        // SAFETY: any bytes are valid as an address; the kernel checks it.
        let got = unsafe { epoll::wait_at(r.fd, r.sqe.anon_addr.addr, r.sqe.len as i32) };
        match got {
            Ok(0) => Outcome::Wait(libc::EPOLLIN as u32),
            Ok(count) => Outcome::Done(count as i32),
            Err(errno) => Outcome::Done(errno.answer()),
        }
    },
    needs_file: true,
    ..Op::NONE
};

fn state(r: &mut Request) -> &mut Poll {
    match &mut r.state {
        State::Poll(poll) => poll,
        _ => unreachable!(),
    }
}

/// What to wait for; on big-endian machines the halves are exchanged.
fn events_of(r: &Request) -> u32 {
    // SAFETY: any bytes are valid as events.
    let events = unsafe { r.sqe.anon_rw_flags.poll32_events };
    let events = if cfg!(target_endian = "big") { events.rotate_left(16) } else { events };
    events & EVENTS | ALWAYS
}

/// A device that has an error has nothing else to tell.
fn is_told_once(r: &mut Request, found: u32) -> bool {
    found & libc::EPOLLERR as u32 != 0 && matches!(r.file_kind(), Kind::Cached | Kind::Other)
}

/// Whether the ring itself has signalled what is waited for since the last time.
fn has_own_signal(turn: &Turn, r: &mut Request) -> bool {
    let signals = turn.core.signals;
    match &mut state(r).own_signals {
        Some(before) => core::mem::replace(before, signals) != signals,
        None => false,
    }
}

/// Has every change of the file told, until the request is removed.
fn watch(turn: &mut Turn, r: &mut Request) -> Outcome {
    let events = state(r).events & !(libc::EPOLLONESHOT as u32);
    let is_own = turn.expects_own_signals(r);
    state(r).own_signals = is_own.then_some(turn.core.signals);
    // SAFETY: the request is at hand and has its file.
    let watched = r.hold_file().and_then(|()| unsafe { turn.watch(&raw mut *r, events) });
    match watched {
        Ok(()) => Outcome::Kept,
        // Always ready, or never: told once.
        Err(Errno::EPERM) => match epoll::ready(r.fd, events) {
            Ok(0) => Outcome::Done(Errno::EINVAL.answer()),
            Ok(found) => Outcome::Done(found as i32),
            Err(errno) => Outcome::Done(errno.answer()),
        },
        Err(errno) => Outcome::Done(errno.answer()),
    }
}

/// The poll under way with that user data.
fn find(turn: &mut Turn, user_data: u64) -> Option<*mut Request> {
    turn.core.requests.find(user_data, |r| {
        matches!(r.place, Place::Polled(_)) && r.sqe.opcode == io_uring_op::IORING_OP_POLL_ADD as u8
    })
}

/// Removes or changes a poll under way, as `r` says.
unsafe fn change(turn: &mut Turn, found: *mut Request, r: &Request) -> Outcome {
    let flags = r.sqe.len;
    // SAFETY: the caller found it in the epoll; any bytes are valid as an offset.
    unsafe {
        let Place::Polled(slot) = (*found).place else { return ENOENT };
        turn.stop_waiting(found, slot);
        if flags == 0 {
            turn.complete_later(found, Errno::ECANCELED.answer());
            return Outcome::Done(0);
        }
        if flags & IORING_POLL_UPDATE_USER_DATA != 0 {
            (*found).sqe.user_data = r.sqe.anon_off.off;
        }
        if flags & IORING_POLL_UPDATE_EVENTS != 0 {
            let poll = state(&mut *found);
            poll.events = events_of(r);
            poll.repeats = flags & IORING_POLL_ADD_MULTI != 0;
        }
        turn.attempt(found);
    }
    Outcome::Done(0)
}
