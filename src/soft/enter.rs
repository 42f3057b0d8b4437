//! io_uring_enter(2): submit, then wait.

use super::intake;
use super::ring::Ring;
use super::turn::Turn;
use super::wait::{self, Wait};
use crate::abi::uring::*;
use crate::sys::{process, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

const KNOWN_FLAGS: u32 = IORING_ENTER_GETEVENTS
    | IORING_ENTER_SQ_WAKEUP
    | IORING_ENTER_SQ_WAIT
    | IORING_ENTER_EXT_ARG
    | IORING_ENTER_REGISTERED_RING
    | IORING_ENTER_ABS_TIMER
    | IORING_ENTER_EXT_ARG_REG
    | IORING_ENTER_NO_IOWAIT;

/// Submits up to `to_submit` SQEs and, with `IORING_ENTER_GETEVENTS`, waits for `min_complete` CQEs.
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
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let waits = flags & IORING_ENTER_GETEVENTS != 0;
    let mut submitted = 0;
    {
        let mut turn = Turn::take(ring);
        if turn.core.disabled {
            return Err(Errno::EBADFD);
        }
        turn.reaps = waits && min_complete > 0;
        turn.settle_readable();
        if to_submit > 0 {
            check_issuer(&mut turn)?;
            submitted = intake::submit(&mut turn, to_submit);
        }
        if waits {
            turn.flush_overflow();
        }
    }
    if !waits || (submitted < to_submit && to_submit > 0 && submitted > 0) {
        return Ok(submitted as c_int);
    }
    // SAFETY: the caller vouches for the argument.
    let waited = unsafe {
        Wait::from_argument(min_complete, flags, arg, arg_size).and_then(|w| wait::wait(ring, &w))
    };
    match waited {
        Err(errno) if submitted == 0 => Err(errno),
        _ => Ok(submitted as c_int),
    }
}

/// With SINGLE_ISSUER, the first thread that submits is the only one that may.
fn check_issuer(turn: &mut Turn) -> Result<()> {
    if turn.core.flags & IORING_SETUP_SINGLE_ISSUER == 0 {
        return Ok(());
    }
    let me = process::thread_id();
    if turn.core.issuer == 0 {
        turn.core.issuer = me;
    }
    if turn.core.issuer != me {
        return Err(Errno::EEXIST);
    }
    Ok(())
}
