//! Submission: SQEs become requests, links become chains, drains hold back what follows.

use super::iopoll;
use super::ops::{self, timeout, Op};
use super::request::*;
use super::turn::Turn;
use crate::abi::uring::*;
use crate::sys::{Errno, Result};
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

/// SQE flags that there are.
pub const KNOWN_FLAGS: u32 = IOSQE_FIXED_FILE
    | IOSQE_IO_DRAIN
    | IOSQE_IO_LINK
    | IOSQE_IO_HARDLINK
    | IOSQE_ASYNC
    | IOSQE_BUFFER_SELECT
    | IOSQE_CQE_SKIP_SUCCESS;
/// Flags of what does not start at once.
const HELD_BACK: u8 = (IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_IO_DRAIN) as u8;
/// The same, and of what is not tried where it is submitted.
const NOT_AT_ONCE: u8 = HELD_BACK | IOSQE_ASYNC as u8;
const LINKS: u8 = (IOSQE_IO_LINK | IOSQE_IO_HARDLINK) as u8;

/// The chain that is being put together.
struct Chain {
    head: *mut Request,
    last: *mut Request,
    /// One of it was refused: none of it runs.
    failed: bool,
}

/// How long another process is waited for that takes SQEs in: a second.
const LOOKS: u32 = 50;

/// Takes up to `count` SQEs in; returns how many slots of the submission ring they had. Where there is no memory for
/// another request, the rest stands there still. `EAGAIN` when that is all of it, and when another process takes them in
/// and was stopped.
pub fn submit(turn: &mut Turn, count: u32) -> Result<u32> {
    turn.core.personalities.note_submitter();
    let control = turn.ring.memory().control();
    if control.shared.load(Ordering::Relaxed) == 0 {
        return take_in(turn, count);
    }
    // The ring's own lock keeps out other threads, this one other processes.
    if !control.intake.lock(turn.core.owner, LOOKS) {
        return Err(Errno::EAGAIN);
    }
    turn.show_posted();
    let taken = take_in(turn, count);
    control.intake.unlock();
    taken
}

fn take_in(turn: &mut Turn, count: u32) -> Result<u32> {
    let mut chain = Chain { head: null_mut(), last: null_mut(), failed: false };
    let mut sq = Submitted::open(turn, count);
    let all = sq.left;
    turn.core.posted_before = Some(turn.core.posted);
    let minds_none =
        turn.core.restrictions.is_none() && !turn.core.is_closed && !iopoll::polls(turn);
    let mut starves = false;
    let mut overflows = !turn.core.overflow.is_empty();
    while sq.left > 0 {
        let Some(sqe) = sq.next(turn) else { break };
        if minds_none && chain.head.is_null() && turn.core.deferred.is_empty() {
            if overflows && turn.has_no_room_for_another() {
                starves = true;
                sq.put_back();
                break;
            }
            // SAFETY: what next gives can be read.
            if let Some(cqe) = unsafe { ops::at_once(turn, sqe) } {
                if turn.post_and_tell(cqe) {
                    overflows = !turn.core.overflow.is_empty();
                }
                continue;
            }
        }
        // SAFETY: what next gives can be read.
        let Some(request) = (unsafe { turn.core.requests.take(sqe) }) else {
            starves = true;
            sq.put_back();
            break;
        };
        // SAFETY: the request is ours alone.
        let refused = unsafe {
            let behind = chain.last.as_ref().filter(|_| !chain.head.is_null());
            admit(turn, &mut sq, &mut *request, behind)
        };
        // SAFETY: as above.
        let links = unsafe { (*request).sqe.flags & LINKS != 0 };
        // SAFETY: the request was just taken; the chain's are at hand.
        unsafe {
            if chain.head.is_null()
                && (*request).sqe.flags & HELD_BACK == 0
                && turn.core.deferred.is_empty()
            {
                turn.core.requests.outstanding += 1;
                turn.start(request);
            } else {
                chain_up(turn, &mut chain, request);
            }
        }
        let ends = core::mem::take(&mut turn.core.ends_submission);
        overflows = !turn.core.overflow.is_empty();
        // What is linked to one that was refused is taken as well.
        if (refused || ends) && !links && turn.core.flags & IORING_SETUP_SUBMIT_ALL == 0 {
            break;
        }
    }
    // SAFETY: a chain ends with the submission.
    unsafe { dispatch_chain(turn, &mut chain) };
    turn.core.posted_before = None;
    // Once it sees that they were taken, a program may close the files.
    turn.flush_direct();
    turn.settle_own();
    sq.close(turn);
    turn.core.recent.forget_file();
    turn.run();
    turn.look_at_fresh();
    match all - sq.left {
        0 if starves => Err(Errno::EAGAIN),
        taken => Ok(taken),
    }
}

/// What the program has submitted.
struct Submitted {
    head: u32,
    /// Slots still to be taken.
    left: u32,
    /// Where the SQE stands that was taken last.
    index: u32,
}

impl Submitted {
    #[inline]
    fn open(turn: &Turn, count: u32) -> Self {
        let memory = &turn.core.memory;
        if turn.core.flags & IORING_SETUP_SQ_REWIND != 0 {
            // Head and tail are not used: a submission starts at the first slot.
            return Submitted { head: 0, left: count.min(memory.sq_entries), index: 0 };
        }
        Submitted {
            head: memory.control().sq_head.load(Ordering::Relaxed),
            left: count.min(memory.submitted()),
            index: 0,
        }
    }

    /// The next SQE; none when the submission ring names one that cannot be.
    #[inline]
    fn next(&mut self, turn: &Turn) -> Option<*const io_uring_sqe> {
        let memory = &turn.core.memory;
        let index = memory.sqe_index(self.head);
        self.head = self.head.wrapping_add(1);
        let Some(index) = index else {
            memory.header().sq_dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        self.left -= 1;
        self.index = index;
        Some(memory.sqe(index))
    }

    /// Leaves the last one where it is.
    #[cold]
    fn put_back(&mut self) {
        self.head = self.head.wrapping_sub(1);
        self.left += 1;
    }

    /// Takes the second half of an SQE of 128 bytes among smaller ones. `EINVAL` when it is not there.
    #[cold]
    fn widen(&mut self, turn: &Turn) -> Result<()> {
        let last = turn.core.memory.sq_entries - 1;
        let is_cut = self.head & last == 0 || self.index == last;
        if turn.core.flags & IORING_SETUP_SQE_MIXED == 0 || self.left == 0 || is_cut {
            return Err(Errno::EINVAL);
        }
        self.head = self.head.wrapping_add(1);
        self.left -= 1;
        Ok(())
    }

    /// The program may write to the slots again.
    #[inline]
    fn close(&self, turn: &Turn) {
        if turn.core.flags & IORING_SETUP_SQ_REWIND == 0 {
            let memory = &turn.core.memory;
            memory.control().sq_head.store(self.head, Ordering::Relaxed);
            memory.header().sq_head.store(self.head, Ordering::Release);
        }
    }
}

/// Checks a new request; true when it is refused, its answer is in `result` then.
#[inline]
fn admit(turn: &mut Turn, sq: &mut Submitted, r: &mut Request, behind: Option<&Request>) -> bool {
    r.flags = if r.sqe.flags & IOSQE_CQE_SKIP_SUCCESS as u8 != 0 { SKIP } else { 0 };
    let op = ops::of(r.sqe.opcode);
    let is_whole = match op.is_wide && turn.core.flags & IORING_SETUP_SQE128 == 0 {
        true => sq.widen(turn),
        false => Ok(()),
    };
    let copies = behind.is_some()
        || op.copies_first
        || ((r.sqe.flags & NOT_AT_ONCE != 0 || !turn.core.deferred.is_empty())
            && ops::points_at_vectors(r.sqe.opcode));
    let kept = |r: &mut Request| if copies { (op.keep)(r) } else { Ok(()) };
    let placed = |r: &Request| match timeout::is_linked_timeout(r)
        && behind.is_none_or(timeout::is_linked_timeout)
    {
        true => Err(Errno::EINVAL),
        false => Ok(()),
    };
    match is_whole.and_then(|()| check(turn, op, r)).and_then(|()| placed(r)).and_then(|()| kept(r))
    {
        Ok(()) => false,
        Err(errno) => {
            refuse(r, errno);
            true
        }
    }
}

#[cold]
fn refuse(r: &mut Request, errno: Errno) {
    r.result = errno.answer();
    r.flags |= REFUSED;
    r.fail();
}

#[inline]
fn check(turn: &mut Turn, op: &Op, r: &mut Request) -> Result<()> {
    let flags = u32::from(r.sqe.flags);
    if !op.is_known() || flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    if iopoll::polls(turn) {
        iopoll::check(r.sqe.opcode)?;
    }
    if flags & IOSQE_BUFFER_SELECT != 0 && !op.selects_buffer {
        return Err(Errno::EOPNOTSUPP);
    }
    if flags & (IOSQE_IO_DRAIN | IOSQE_CQE_SKIP_SUCCESS) != 0 {
        check_drain(turn, flags)?;
    }
    if let Some(restrictions) = &turn.core.restrictions {
        restrictions.check_request(&r.sqe)?;
    }
    if r.sqe.personality != 0 {
        turn.check_personality(r.sqe.personality)?;
    }
    if r.sqe.ioprio != 0 && !op.has_ioprio {
        return Err(Errno::EINVAL);
    }
    (op.prepare)(turn, r)
}

/// As with the kernel's rings there is no drain any more once a request asked to have no CQE: `EOPNOTSUPP`.
#[cold]
fn check_drain(turn: &mut Turn, flags: u32) -> Result<()> {
    turn.core.has_skipped |= flags & IOSQE_CQE_SKIP_SUCCESS != 0;
    match turn.core.has_skipped && flags & IOSQE_IO_DRAIN != 0 {
        true => Err(Errno::EOPNOTSUPP),
        false => Ok(()),
    }
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
            turn.bind(at);
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
            if !(*head).is(REFUSED) {
                if let Err(errno) = (ops::of((*head).sqe.opcode).keep)(&mut *head) {
                    refuse(&mut *head, errno);
                }
            }
            core.requests.put_away(head, Place::Deferred);
            core.deferred.push_back(head);
            turn.bind(head);
            return;
        }
        core.requests.outstanding += chain_length(head);
        if drains {
            core.deferred.push_back(null_mut());
        }
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
