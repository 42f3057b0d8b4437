//! FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAITV.

use super::socket::{fields, unused};
use super::{answer, Op, Outcome, State};
use crate::soft::request::{Place, Request, UNFAILING};
use crate::soft::sleepers::{self, Handle, Started};
use crate::soft::turn::Turn;
use crate::sys::futexes::{self, Wanted};
use crate::sys::{copy, Errno, Result};
use alloc::vec::Vec;

/// A wait under way.
#[derive(Default)]
pub struct Futex {
    /// Of a FUTEX_WAITV, as they were submitted.
    wanted: Vec<Wanted>,
    /// Who waits.
    sleeper: Option<Handle>,
}

/// FUTEX_WAIT.
pub static FUTEX_WAIT: Op = Op {
    prepare: prepare_one,
    issue: |turn, r| {
        let is_private = flags(r) & futexes::PRIVATE != 0;
        let (at, value, mask) = (fields::addr(r), fields::off(r) as u32, mask(r));
        match futexes::wait(at, value, mask, is_private, true) {
            Err(Errno::ETIMEDOUT | Errno::EINTR) => {
                let wanted =
                    Wanted { value: u64::from(value), address: at, flags: flags(r), reserved: 0 };
                begin(turn, r, Vec::from([wanted]), mask)
            }
            result => Outcome::Done(answer(result.map(|()| 0))),
        }
    },
    finish,
    cancel,
    ..Op::NONE
};

/// FUTEX_WAKE.
pub static FUTEX_WAKE: Op = Op {
    prepare: prepare_one,
    issue: |_, r| {
        let is_private = flags(r) & futexes::PRIVATE != 0;
        let (at, count) = (fields::addr(r), fields::off(r) as u32);
        if count == 0 {
            // The system call would wake one.
            let is_aligned = at % 4 == 0;
            return Outcome::Done(if is_aligned { 0 } else { Errno::EINVAL.answer() });
        }
        futexes::wake(at, count, mask(r), is_private).into()
    },
    ..Op::NONE
};

/// FUTEX_WAITV.
pub static FUTEX_WAITV: Op = Op {
    prepare: |_, r| {
        unused(&[
            r.sqe.fd as u64,
            fields::off(r),
            mask_field(r),
            u64::from(fields::flags(r)),
            fields::buf_index(r),
            fields::file_index(r),
        ])?;
        let count = r.sqe.len as usize;
        if !(1..=futexes::MOST).contains(&count) {
            return Err(Errno::EINVAL);
        }
        // SAFETY: any bytes are valid.
        let wanted: Vec<Wanted> = unsafe { copy::many(fields::addr(r), count)? };
        let is_bad = |w: &Wanted| {
            check_flags(w.flags).is_err() || w.reserved != 0 || w.value > u64::from(u32::MAX)
        };
        if wanted.iter().any(is_bad) {
            return Err(Errno::EINVAL);
        }
        if wanted.len() < count {
            return Err(Errno::EFAULT);
        }
        r.state = State::Futex(Futex { wanted, sleeper: None });
        Ok(())
    },
    issue: |turn, r| {
        let wanted = core::mem::take(&mut state(r).wanted);
        match futexes::wait_any(&wanted, true) {
            Err(Errno::ETIMEDOUT | Errno::EINTR) => begin(turn, r, wanted, futexes::ANY),
            result => result.into(),
        }
    },
    finish,
    cancel,
    ..Op::NONE
};

fn flags(r: &Request) -> u32 {
    r.sqe.fd as u32
}

fn mask_field(r: &Request) -> u64 {
    // SAFETY: any bytes are a mask.
    unsafe { r.sqe.anon_addr3_set.anon_addr3.addr3 }
}

fn mask(r: &Request) -> u32 {
    mask_field(r) as u32
}

fn check_flags(flags: u32) -> Result<()> {
    match flags & !futexes::PRIVATE {
        futexes::SIZE_U32 => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

fn prepare_one(_: &mut Turn, r: &mut Request) -> Result<()> {
    unused(&[
        u64::from(r.sqe.len),
        u64::from(fields::flags(r)),
        fields::buf_index(r),
        fields::file_index(r),
    ])?;
    check_flags(flags(r))?;
    let (value, mask) = (fields::off(r), mask_field(r));
    let is_wide = value > u64::from(u32::MAX) || mask > u64::from(u32::MAX);
    if is_wide || mask == 0 {
        return Err(Errno::EINVAL);
    }
    r.state = State::Futex(Futex::default());
    Ok(())
}

fn state(r: &mut Request) -> &mut Futex {
    match &mut r.state {
        State::Futex(futex) => futex,
        _ => unreachable!(),
    }
}

/// Nothing has happened to them yet: the request waits.
fn begin(turn: &mut Turn, r: &mut Request, wanted: Vec<Wanted>, mask: u32) -> Outcome {
    // SAFETY: the request is at hand, and live as long as it is in flight.
    unsafe {
        turn.core.requests.put_away(&raw mut *r, Place::Kept);
        match sleepers::wait(turn.ring, &raw mut *r, wanted, mask) {
            Started::Waits(handle) => {
                state(r).sleeper = Some(handle);
                Outcome::Kept
            }
            Started::Not(result) => Outcome::Done(result),
        }
    }
}

fn finish(_: &mut Turn, r: &mut Request, result: i32) -> Outcome {
    state(r).sleeper = None;
    Outcome::Done(result)
}

fn cancel(turn: &mut Turn, r: &mut Request) -> Result<()> {
    let called = state(r).sleeper.and_then(Handle::call_back);
    let Some(outcome) = called else { return Err(Errno::ENOENT) };
    state(r).sleeper = None;
    let was_woken = outcome >= 0;
    // That it was cancelled breaks no link.
    r.flags |= UNFAILING;
    let result = if was_woken { outcome } else { Errno::ECANCELED.answer() };
    // SAFETY: it was kept, and the thread that had it does not any more.
    unsafe { turn.complete_later(&raw mut *r, result) };
    if was_woken {
        return Err(Errno::ENOENT);
    }
    Ok(())
}
