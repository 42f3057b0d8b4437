//! TIMEOUT, TIMEOUT_REMOVE, LINK_TIMEOUT.

use super::{Op, Outcome, State};
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::*;
use crate::soft::cancel;
use crate::soft::request::*;
use crate::soft::timers::Key;
use crate::soft::turn::Turn;
use crate::sys::{clock, peek, Errno, Result};
use core::ptr::null_mut;

const NANOSECONDS: u64 = 1_000_000_000;
const ETIME: i32 = Errno::ETIME.answer();

/// A timeout under way.
pub struct Timeout {
    /// Nanoseconds: from the start, or on its clock.
    time: u64,
    flags: u32,
    /// When it is due, among the ring's timers.
    key: Option<Key>,
    /// Repetitions left; 0: without end.
    repeats: u32,
    /// What it is linked to; for LINK_TIMEOUT.
    main: *mut Request,
}

/// TIMEOUT.
pub static TIMEOUT: Op = Op {
    prepare: |_, r| prepare(r, false),
    issue: |turn, r| {
        let count = offset(r);
        let repeats = state(r).flags & IORING_TIMEOUT_MULTISHOT != 0;
        if count != 0 && !repeats {
            // SAFETY: it is at hand.
            unsafe { turn.count_for(&raw mut *r, count as u32) };
        }
        // SAFETY: it is at hand.
        unsafe { arm(turn, &raw mut *r) };
        Outcome::Kept
    },
    ready: |turn, r, _| expired(turn, r),
    ..Op::NONE
};

/// LINK_TIMEOUT: never started by itself; [`arm_linked`] arms it.
pub static LINK_TIMEOUT: Op = Op {
    prepare: |_, r| prepare(r, true),
    issue: |_, _| Outcome::Done(Errno::ECANCELED.answer()),
    ready: |turn, r, _| {
        let main = core::mem::replace(&mut state(r).main, null_mut());
        // SAFETY: what it is linked to is live as long as it is linked.
        let (cancelled, count) = unsafe {
            (*main).link = core::mem::replace(&mut r.link, null_mut());
            (cancel::one(turn, main), cancel::count_of_one(&*main))
        };
        match cancelled {
            Ok(()) if count > 0 => Outcome::Done(count),
            Ok(()) => Outcome::Done(ETIME),
            // As the kernel says it.
            Err(Errno::EALREADY) => Outcome::Done(Errno::ENOENT.answer()),
            Err(errno) => Outcome::Done(errno.answer()),
        }
    },
    ..Op::NONE
};

/// TIMEOUT_REMOVE: removes a timeout, or gives it another time.
pub static TIMEOUT_REMOVE: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as flags and indices.
        let (flags, buffer, file) = unsafe {
            (
                r.sqe.anon_rw_flags.timeout_flags,
                r.sqe.anon_buf_index.buf_index,
                r.sqe.anon_splice_fd_in.splice_fd_in,
            )
        };
        if r.sqe.flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT) as u8 != 0
            || buffer != 0
            || r.sqe.len != 0
            || file != 0
        {
            return Err(Errno::EINVAL);
        }
        if flags & IORING_TIMEOUT_UPDATE_MASK == 0 {
            return if flags == 0 { Ok(()) } else { Err(Errno::EINVAL) };
        }
        // A timeout keeps its clock.
        const KNOWN: u32 =
            IORING_TIMEOUT_UPDATE_MASK | IORING_TIMEOUT_ABS | IORING_TIMEOUT_IMMEDIATE_ARG;
        if flags & !KNOWN != 0 {
            return Err(Errno::EINVAL);
        }
        let time = time_of(offset(r), flags)?;
        r.state = State::Timeout(Timeout { time, flags, key: None, repeats: 0, main: null_mut() });
        Ok(())
    },
    issue: |turn, r| {
        // SAFETY: any bytes are valid as an address and flags.
        let (wanted, flags) = unsafe { (r.sqe.anon_addr.addr, r.sqe.anon_rw_flags.timeout_flags) };
        let linked = flags & IORING_LINK_TIMEOUT_UPDATE != 0;
        let Some(found) = find(turn, wanted, linked) else {
            return Outcome::Done(Errno::ENOENT.answer());
        };
        // SAFETY: what is found among the timers is live.
        unsafe {
            if flags & IORING_TIMEOUT_UPDATE_MASK == 0 {
                cancel(turn, found);
            } else {
                disarm(turn, found);
                let keep = state(&mut *found).flags & !IORING_TIMEOUT_ABS;
                let new = state(r);
                let (time, flags) = (new.time, keep | new.flags & IORING_TIMEOUT_ABS);
                let found_state = state(&mut *found);
                (found_state.time, found_state.flags) = (time, flags);
                arm(turn, found);
            }
        }
        Outcome::Done(0)
    },
    ..Op::NONE
};

fn state(r: &mut Request) -> &mut Timeout {
    match &mut r.state {
        State::Timeout(timeout) => timeout,
        _ => unreachable!(),
    }
}

fn offset(r: &Request) -> u64 {
    // SAFETY: any bytes are valid as an offset.
    unsafe { r.sqe.anon_off.off }
}

/// The time at `address`, or that it is itself, in nanoseconds. `EFAULT`, `EINVAL`.
fn time_of(address: u64, flags: u32) -> Result<u64> {
    if flags & IORING_TIMEOUT_IMMEDIATE_ARG != 0 {
        return if address as i64 >= 0 { Ok(address) } else { Err(Errno::EINVAL) };
    }
    // SAFETY: a time is valid for any bytes.
    let time: __kernel_timespec = unsafe { peek::copy(address)? };
    if time.tv_sec < 0 || time.tv_nsec < 0 {
        return Err(Errno::EINVAL);
    }
    let (seconds, rest) = (time.tv_sec as u64, time.tv_nsec as u64);
    Ok(seconds.saturating_mul(NANOSECONDS).saturating_add(rest))
}

fn prepare(r: &mut Request, linked: bool) -> Result<()> {
    const KNOWN: u32 = IORING_TIMEOUT_ABS
        | IORING_TIMEOUT_CLOCK_MASK
        | IORING_TIMEOUT_ETIME_SUCCESS
        | IORING_TIMEOUT_MULTISHOT
        | IORING_TIMEOUT_IMMEDIATE_ARG;
    // SAFETY: any bytes are valid as flags and indices.
    let (flags, address, buffer, file) = unsafe {
        (
            r.sqe.anon_rw_flags.timeout_flags,
            r.sqe.anon_addr.addr,
            r.sqe.anon_buf_index.buf_index,
            r.sqe.anon_splice_fd_in.splice_fd_in,
        )
    };
    let count = offset(r);
    if buffer != 0 || r.sqe.len != 1 || file != 0 || (linked && count != 0) || flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if (flags & IORING_TIMEOUT_CLOCK_MASK).count_ones() > 1
        || flags & (IORING_TIMEOUT_MULTISHOT | IORING_TIMEOUT_ABS)
            == IORING_TIMEOUT_MULTISHOT | IORING_TIMEOUT_ABS
    {
        return Err(Errno::EINVAL);
    }
    let time = time_of(address, flags)?;
    if flags & IORING_TIMEOUT_ETIME_SUCCESS != 0 {
        r.flags |= GOOD_ETIME;
    }
    if linked {
        // Neither being over nor being cancelled is a failure of it.
        r.flags |= UNFAILING;
    }
    r.state =
        State::Timeout(Timeout { time, flags, key: None, repeats: count as u32, main: null_mut() });
    Ok(())
}

/// When a time is due, in nanoseconds of the monotonic clock.
fn due(time: u64, flags: u32) -> u64 {
    let now = clock::nanoseconds(libc::CLOCK_MONOTONIC);
    if flags & IORING_TIMEOUT_ABS == 0 {
        return now.saturating_add(time);
    }
    let clock = match flags & IORING_TIMEOUT_CLOCK_MASK {
        IORING_TIMEOUT_BOOTTIME => libc::CLOCK_BOOTTIME,
        IORING_TIMEOUT_REALTIME => libc::CLOCK_REALTIME,
        _ => return time,
    };
    now.saturating_add(time.saturating_sub(clock::nanoseconds(clock)))
}

/// Puts a timeout among the ring's timers.
unsafe fn arm(turn: &mut Turn, request: *mut Request) {
    // SAFETY: it is live and at hand.
    unsafe {
        let timeout = state(&mut *request);
        let at = due(timeout.time, timeout.flags);
        let key = turn.wait_until(request, at);
        state(&mut *request).key = Some(key);
    }
}

/// Takes a timeout out of the ring's timers: it is at hand.
///
/// # Safety
/// It must be a live timeout.
pub unsafe fn disarm(turn: &mut Turn, request: *mut Request) {
    // SAFETY: it is live.
    unsafe {
        if let Some(key) = state(&mut *request).key.take() {
            turn.stop_timer(key);
        }
    }
}

/// Its time has come, or it repeats.
fn expired(turn: &mut Turn, r: &mut Request) -> Outcome {
    let last = state(r).key.take();
    if state(r).flags & IORING_TIMEOUT_MULTISHOT == 0 || state(r).repeats == 1 {
        return Outcome::Done(ETIME);
    }
    if !turn.post_more(r, ETIME, 0) {
        return Outcome::Done(ETIME);
    }
    let timeout = state(r);
    timeout.repeats = timeout.repeats.saturating_sub(1);
    let at = last
        .map_or_else(|| due(timeout.time, timeout.flags), |key| key.0.saturating_add(timeout.time));
    // SAFETY: it is at hand.
    let key = unsafe { turn.wait_until(&raw mut *r, at) };
    state(r).key = Some(key);
    Outcome::Kept
}

/// The armed timeout with that user data.
fn find(turn: &mut Turn, user_data: u64, linked: bool) -> Option<*mut Request> {
    use io_uring_op::*;
    let opcode = if linked { IORING_OP_LINK_TIMEOUT } else { IORING_OP_TIMEOUT } as u8;
    turn.core.requests.find(user_data, |r| r.place == Place::Timed && r.sqe.opcode == opcode)
}

/// Arms the timeout that is linked to a request, which has not completed at once.
///
/// # Safety
/// The request and what is linked to it must be live.
pub unsafe fn arm_linked(turn: &mut Turn, main: *mut Request) {
    // SAFETY: as the caller says.
    unsafe {
        let timeout = (*main).link;
        if timeout.is_null() || !is_linked_timeout(&*timeout) || (*timeout).place != Place::Linked {
            return;
        }
        turn.core.requests.fetch(timeout);
        state(&mut *timeout).main = main;
        arm(turn, timeout);
    }
}

/// Ends the timeout that is linked to a request which is complete; what is linked behind it moves up.
///
/// # Safety
/// The request and what is linked to it must be live.
pub unsafe fn end_linked(turn: &mut Turn, main: &mut Request) {
    // SAFETY: as the caller says.
    unsafe {
        let timeout = main.link;
        if timeout.is_null() || !is_linked_timeout(&*timeout) || (*timeout).is(REFUSED) {
            return;
        }
        main.link = core::mem::replace(&mut (*timeout).link, null_mut());
        disarm(turn, timeout);
        turn.complete(timeout, Errno::ECANCELED.answer());
    }
}

/// Whether it is a LINK_TIMEOUT.
pub fn is_linked_timeout(r: &Request) -> bool {
    r.sqe.opcode == io_uring_op::IORING_OP_LINK_TIMEOUT as u8
}

/// Cancels an armed TIMEOUT.
///
/// # Safety
/// It must be live.
pub unsafe fn cancel(turn: &mut Turn, request: *mut Request) {
    // SAFETY: as the caller says.
    unsafe {
        disarm(turn, request);
        turn.complete_later(request, Errno::ECANCELED.answer());
    }
}
