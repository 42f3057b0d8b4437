//! io_uring_enter(2): submit, then wait.

use super::ring::Ring;
use super::sqpoll;
use super::turn::Turn;
use super::wait::{self, Wait};
use super::{intake, keeper};
use crate::abi::uring::*;
use crate::sys::{process, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::sync::atomic::Ordering;

/// Flags of enter that there are.
pub const KNOWN_FLAGS: u32 = IORING_ENTER_GETEVENTS
    | IORING_ENTER_SQ_WAKEUP
    | IORING_ENTER_SQ_WAIT
    | IORING_ENTER_EXT_ARG
    | IORING_ENTER_REGISTERED_RING
    | IORING_ENTER_ABS_TIMER
    | IORING_ENTER_EXT_ARG_REG
    | IORING_ENTER_NO_IOWAIT;

/// Submits up to `to_submit` SQEs and, with `IORING_ENTER_GETEVENTS`, waits for `min_complete` CQEs. What
/// was submitted is the answer, even if waiting failed.
///
/// # Safety
/// `arg` must be what the flags say it is; the SQEs' addresses what their operations need.
pub unsafe fn enter(
    ring: &Ring,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    arg: *const c_void,
    arg_size: usize,
) -> Result<c_int> {
    // SAFETY: as the caller says.
    let done = unsafe { submit_and_wait(ring, to_submit, min_complete, flags, arg, arg_size) };
    ring.entered.store(ring.entered.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    keeper::attend_if_wanted(ring);
    done
}

unsafe fn submit_and_wait(
    ring: &Ring,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    arg: *const c_void,
    arg_size: usize,
) -> Result<c_int> {
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let waits = flags & IORING_ENTER_GETEVENTS != 0;
    let mut turn = Turn::take(ring);
    if turn.core.disabled {
        return Err(Errno::EBADFD);
    }
    turn.reaps = waits && min_complete > 0;
    turn.submits = !turn.reaps;
    turn.settle_readable();
    let shows_taskrun = turn.core.flags & IORING_SETUP_TASKRUN_FLAG != 0;
    let mut submitted = 0;
    if turn.core.flags & IORING_SETUP_SQPOLL != 0 {
        turn = call_reader(turn, flags);
        submitted = to_submit;
    } else if to_submit > 0 {
        check_issuer(&mut turn)?;
        submitted = intake::submit(&mut turn, to_submit)?;
        if shows_taskrun {
            show_taskrun(&turn);
        }
        if submitted < to_submit {
            leave(&mut turn, 0);
            return Ok(submitted as c_int);
        }
    }
    if !waits {
        return Ok(submitted as c_int);
    }
    if turn.core.flags & IORING_SETUP_DEFER_TASKRUN != 0 {
        check_issuer(&mut turn)?;
    }
    // SAFETY: the caller vouches for the argument.
    let waited = unsafe {
        if wait::is_over(&mut turn, min_complete) && wait::has_size(flags, arg_size) {
            leave(&mut turn, min_complete);
            return Ok(submitted as c_int);
        }
        Wait::from_argument(&turn, min_complete, flags, arg, arg_size)
            .and_then(|wanted| wait::wait(turn, &wanted))
    };
    if shows_taskrun {
        show_taskrun(&Turn::take(ring));
    }
    match waited {
        Err(errno) if submitted == 0 => Err(errno),
        _ => Ok(submitted as c_int),
    }
}

/// Whoever reaps leaves. If it does not take what is more than it waited for, the program is to be told of that.
#[inline]
fn leave(turn: &mut Turn, taken: u32) {
    if turn.reaps {
        turn.publish();
        if turn.core.memory.ready() > taken {
            turn.leave_unannounced();
        }
    }
}

/// Wakes the thread that reads the submissions, or waits for it, as `flags` say.
#[cold]
fn call_reader<'a>(turn: Turn<'a>, flags: u32) -> Turn<'a> {
    if flags & IORING_ENTER_SQ_WAKEUP != 0 {
        if let Some(reader) = &turn.core.reader {
            reader.wake();
        }
    }
    if flags & IORING_ENTER_SQ_WAIT == 0 {
        return turn;
    }
    let ring = turn.ring;
    drop(turn);
    // That a signal ends it is no error.
    let _ = sqpoll::wait_for_room(ring);
    Turn::take(ring)
}

/// What waits for its file or its time completes when somebody enters to look: the program is told to.
fn show_taskrun(turn: &Turn) {
    let flags = &turn.core.memory.header().sq_flags;
    if turn.core.polls.armed > 0 || turn.core.timers.next().is_some() {
        flags.fetch_or(IORING_SQ_TASKRUN, Ordering::Relaxed);
    } else {
        flags.fetch_and(!IORING_SQ_TASKRUN, Ordering::Relaxed);
    }
}

/// With SINGLE_ISSUER, only the thread that made the ring, or enabled it, may submit. `EEXIST`.
pub fn check_issuer(turn: &mut Turn) -> Result<()> {
    if turn.core.flags & IORING_SETUP_SINGLE_ISSUER == 0 {
        return Ok(());
    }
    // No two threads have a page of stack in common: that is cheaper to see than the thread's id.
    let here = 0u8;
    let page = &raw const here as usize / 4096;
    if turn.core.issuer_page == page {
        return Ok(());
    }
    if turn.core.issuer != process::thread_id() {
        return Err(Errno::EEXIST);
    }
    turn.core.issuer_page = page;
    Ok(())
}
