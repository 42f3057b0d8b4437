//! Submission: SQEs become requests, links become chains, drains hold back what follows.

use super::ops;
use super::request::*;
use super::turn::Turn;
use crate::abi::uring::*;
use crate::sys::{Errno, Result};
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

/// SQE flags that there are.
const KNOWN_FLAGS: u32 = IOSQE_FIXED_FILE
    | IOSQE_IO_DRAIN
    | IOSQE_IO_LINK
    | IOSQE_IO_HARDLINK
    | IOSQE_ASYNC
    | IOSQE_BUFFER_SELECT
    | IOSQE_CQE_SKIP_SUCCESS;
const LINKS: u8 = (IOSQE_IO_LINK | IOSQE_IO_HARDLINK) as u8;

/// The chain that is being put together.
struct Chain {
    head: *mut Request,
    last: *mut Request,
    /// One of it was refused: none of it runs.
    failed: bool,
}

/// Takes up to `count` SQEs in; returns how many were.
pub fn submit(turn: &mut Turn, count: u32) -> u32 {
    let pid = turn.core.pid;
    let control = turn.ring.memory().control();
    if control.shared.load(Ordering::Relaxed) == 0 {
        return take_in(turn, count);
    }
    // The ring's own lock keeps out other threads, this one other processes.
    control.intake.lock(pid);
    let taken = take_in(turn, count);
    control.intake.unlock();
    taken
}

fn take_in(turn: &mut Turn, count: u32) -> u32 {
    let mut chain = Chain { head: null_mut(), last: null_mut(), failed: false };
    let mut taken = 0;
    while taken < count {
        let Some(sqe) = next_sqe(turn) else { break };
        taken += 1;
        let request = turn.core.requests.take(sqe);
        // SAFETY: it was just taken: ours alone.
        let refused = unsafe { admit(turn, &mut *request, !chain.head.is_null()) };
        // SAFETY: as above; the chain's requests are at hand.
        unsafe { chain_up(turn, &mut chain, request) };
        turn.run();
        if refused && turn.core.flags & IORING_SETUP_SUBMIT_ALL == 0 {
            break;
        }
    }
    // SAFETY: a chain ends with the submission.
    unsafe { dispatch_chain(turn, &mut chain) };
    turn.run();
    taken
}

/// The next SQE, copied; none when the submission ring is empty or names one that cannot be.
#[inline]
fn next_sqe(turn: &mut Turn) -> Option<io_uring_sqe> {
    let memory = &turn.core.memory;
    let header = memory.header();
    let head = header.sq_head.load(Ordering::Relaxed);
    // Acquire pairs with the program's release of its tail: the SQEs before it are written.
    if head == header.sq_tail.load(Ordering::Acquire) {
        return None;
    }
    let sqe = memory.sqe_index(head).map(|index| memory.sqe(index));
    // Release: the program may write to the slot again.
    header.sq_head.store(head.wrapping_add(1), Ordering::Release);
    if sqe.is_none() {
        header.sq_dropped.fetch_add(1, Ordering::Relaxed);
    }
    sqe
}

/// Checks a new request; true when it is refused, its answer is in `result` then.
fn admit(turn: &mut Turn, r: &mut Request, is_linked: bool) -> bool {
    r.flags = if r.sqe.flags & IOSQE_CQE_SKIP_SUCCESS as u8 != 0 { SKIP } else { 0 };
    let kept = |r: &mut Request| if is_linked { (ops::of(r.sqe.opcode).keep)(r) } else { Ok(()) };
    match check(turn, r).and_then(|()| kept(r)) {
        Ok(()) => false,
        Err(errno) => {
            refuse(r, errno);
            true
        }
    }
}

fn refuse(r: &mut Request, errno: Errno) {
    r.result = errno.answer();
    r.flags |= REFUSED;
    r.fail();
}

fn check(turn: &mut Turn, r: &mut Request) -> Result<()> {
    let op = ops::of(r.sqe.opcode);
    let flags = u32::from(r.sqe.flags);
    if !op.is_known() || flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & IOSQE_BUFFER_SELECT != 0 && !op.selects_buffer {
        return Err(Errno::EOPNOTSUPP);
    }
    if r.sqe.ioprio != 0 && !op.has_ioprio {
        return Err(Errno::EINVAL);
    }
    (op.prepare)(turn, r)
}

/// Puts a request behind those that it is linked to, or lets it go when its chain is complete.
unsafe fn chain_up(turn: &mut Turn, chain: &mut Chain, request: *mut Request) {
    // SAFETY: the caller has the request at hand, and the chain's are.
    unsafe {
        let links = (*request).sqe.flags & LINKS != 0;
        chain.failed |= (*request).is(REFUSED);
        if chain.head.is_null() {
            chain.head = request;
        } else {
            (*chain.last).link = request;
        }
        chain.last = request;
        if !links {
            dispatch_chain(turn, chain);
        }
    }
}

unsafe fn dispatch_chain(turn: &mut Turn, chain: &mut Chain) {
    let head = chain.head;
    if head.is_null() {
        return;
    }
    // SAFETY: the chain is at hand.
    unsafe {
        if chain.failed && !(*head).is(REFUSED) {
            refuse(&mut *head, Errno::ECANCELED);
        }
        let mut at = (*head).link;
        while !at.is_null() {
            turn.core.requests.put_away(at, Place::Linked);
            at = (*at).link;
        }
        *chain = Chain { head: null_mut(), last: null_mut(), failed: false };
        dispatch(turn, head);
    }
}

/// Starts a chain, or holds it back behind a drain.
unsafe fn dispatch(turn: &mut Turn, head: *mut Request) {
    // SAFETY: the chain is live and at hand.
    unsafe {
        let drains = drains(head);
        if drains {
            (*head).sqe.flags |= IOSQE_IO_DRAIN as u8;
        }
        let core = &mut *turn.core;
        if !core.deferred.is_empty() || (drains && core.requests.outstanding > 0) {
            if let Err(errno) = (ops::of((*head).sqe.opcode).keep)(&mut *head) {
                refuse(&mut *head, errno);
            }
            core.requests.put_away(head, Place::Deferred);
            core.deferred.push_back(head);
            return;
        }
        core.requests.outstanding += chain_length(head);
        turn.start(head);
    }
}

/// Whether any of a chain asks for a drain: the whole waits.
unsafe fn drains(head: *mut Request) -> bool {
    let mut at = head;
    // SAFETY: the chain is live.
    unsafe {
        while !at.is_null() {
            if (*at).sqe.flags & IOSQE_IO_DRAIN as u8 != 0 {
                return true;
            }
            at = (*at).link;
        }
    }
    false
}

/// How many requests a chain has.
///
/// # Safety
/// They must be live.
pub unsafe fn chain_length(head: *mut Request) -> u32 {
    let (mut at, mut length) = (head, 0);
    while !at.is_null() {
        length += 1;
        // SAFETY: the caller says so.
        at = unsafe { (*at).link };
    }
    length
}
