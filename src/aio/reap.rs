//! A context's completion side: CQEs become events.

use super::context::{Context, WAKE_UP};
use super::delivery::Signals;
use super::kept;
use super::lost::{consume_old, ready_old};
use super::registry::Entry;
use super::request::prepare;
use super::slots::Slot;
use super::submit::{get_sqe, unget_sqe};
use crate::abi::aio::{io_event, IOCB_CMD_POLL, IOCB_FLAG_RESFD};
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::*;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::ring::inline::*;
use crate::ring::submit::submit;
use crate::sys::{Errno, Result};
use core::ffi::c_int;
use core::mem::size_of;
use core::sync::atomic::Ordering;

/// Moves up to `nr` completions to `events`, under the CQ lock. `EFAULT` where that, or the `timeout` of the call, is no memory.
#[inline]
pub(super) unsafe fn reap(
    entry: &'static Entry,
    events: *mut io_event,
    nr: usize,
    timeout: *const __kernel_timespec,
) -> Result<usize> {
    if !entry.is_live() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the entry is live under the CQ lock; the events are the C caller's.
    unsafe {
        let context = entry.context();
        let pages = &mut *context.event_pages.get();
        pages.begin_call();
        if !timeout.is_null() {
            pages.check(timeout, size_of::<__kernel_timespec>())?;
        }
        let mut got = 0;
        if context.delivery.may_hold() {
            context.delivery.decide(entry, context)?;
            let there = nr.min(context.user_ring.unreaped() as usize);
            got = context.user_ring.take(events, writable(context, events, there)?);
        }
        let there = (nr - got).min(ready(context));
        let there = writable(context, events.add(got), there).or(match got {
            0 => Err(Errno::EFAULT),
            _ => Ok(0),
        })?;
        consume(entry, context, there, |event| {
            events.add(got).write(event);
            got += 1;
        });
        Ok(got)
    }
}

/// As many as are done, or may be.
#[inline]
unsafe fn ready(context: &Context) -> usize {
    // SAFETY: the caller holds the CQ lock.
    unsafe {
        let nested = if context.nested.is_used() { usize::MAX / 2 } else { 0 };
        let old = if context.has_old.get() { ready_old(context) } else { 0 };
        nested + old + context.slots.done() as usize + io_uring_cq_ready(context.ring()) as usize
    }
}

/// For how many of `nr` events, which are there, is room in the program's memory. `EFAULT` for none.
#[inline]
unsafe fn writable(context: &Context, events: *mut io_event, nr: usize) -> Result<usize> {
    // SAFETY: the caller holds the CQ lock.
    match unsafe { (*context.event_pages.get()).writable(events, nr) } {
        0 if nr > 0 => Err(Errno::EFAULT),
        room => Ok(room),
    }
}

/// Hands up to `nr` completions' events to `sink`, under the CQ lock, and signals their eventfds.
#[inline(always)]
pub(super) unsafe fn consume(
    entry: &Entry,
    context: &Context,
    nr: usize,
    mut sink: impl FnMut(io_event),
) {
    // SAFETY: the caller holds the CQ lock, which makes the ring's CQ side ours.
    unsafe {
        let ring = context.ring();
        let mask = (*ring).cq.ring_mask;
        let head = read_once((*ring).cq.khead);
        // Pairs with the server's release of the tail: the CQEs before it are complete.
        let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
        let mut signals = Signals::none(&context.eventfds);
        let (mut at, mut got, mut again) = (head, 0, false);
        let nested = &context.nested;
        if nested.is_used() {
            got += take_nested(context, nr, &mut sink);
        }
        if context.has_old.get() {
            got += consume_old(context, nr - got, |index, res| {
                let slot = &context.slots[index];
                let Outcome::Event(res) = outcome(context, index, slot, res) else { return };
                sink(end(context, index, res, &mut signals));
            });
        }
        while got < nr {
            let Some(index) = context.slots.pop_done() else { break };
            let res = context.slots[index].request.aio_reserved2 as i64;
            sink(end(context, index, res, &mut signals));
            got += 1;
        }
        while at != tail && got < nr {
            let cqe = (*ring).cq.cqes.add((at & mask) as usize);
            nested.takes(at.wrapping_add(1));
            let (user_data, res) = ((*cqe).user_data, (*cqe).res);
            let Some(slot) = context.slots.get(user_data) else {
                debug_assert!(user_data & WAKE_UP != 0);
                at = at.wrapping_add(1);
                continue;
            };
            let index = user_data as u32;
            let mut res = i64::from(res);
            if res < 0 || slot.traits.load(Ordering::Relaxed) != 0 {
                match outcome(context, index, slot, res) {
                    Outcome::Event(outcome) => res = outcome,
                    Outcome::Again => match resubmit(entry, context, index) {
                        Resubmitted::Yes => {
                            again = true;
                            at = at.wrapping_add(1);
                            continue;
                        }
                        Resubmitted::NotYet => break,
                        Resubmitted::No(errno) => res = i64::from(errno.answer()),
                    },
                }
            }
            sink(end(context, index, res, &mut signals));
            at = at.wrapping_add(1);
            got += 1;
        }
        io_uring_cq_advance(ring, at.wrapping_sub(head));
        nested.is_through();
        signals.send();
        if again {
            if let Some(_sq) = entry.sq_lock.lock_unless_interrupted() {
                let _ = submit(ring);
            }
        }
    }
}

/// Hands over up to `nr` events of calls that signal handlers have made within others; how many.
#[cold]
fn take_nested(context: &Context, nr: usize, sink: &mut impl FnMut(io_event)) -> usize {
    context.nested.leave_limbo(|index| context.slots.give(index));
    let events = core::iter::from_fn(|| context.nested.pop());
    events.take(nr).map(sink).count()
}

enum Outcome {
    /// With this `res`.
    Event(i64),
    /// The request must run once more.
    Again,
}

/// What becomes of a request that has failed, or has something beside it.
#[cold]
unsafe fn outcome(context: &Context, index: u32, slot: &Slot, res: i64) -> Outcome {
    let is_cancelled = res == i64::from(Errno::ECANCELED.answer());
    let is_running = slot.fate.load(Ordering::Acquire) == Slot::RUNNING;
    let goes_on = slot.has(Slot::HOLDS_FILE) && !slot.has(Slot::IS_LOST) && is_running;
    if is_cancelled && slot.has(Slot::HAS_LIMIT) && is_running {
        return Outcome::Event(moved(slot).unwrap_or(Errno::EAGAIN.answer().into()));
    }
    // The thread that submitted has ended, and the server gave up what it had in flight.
    if is_cancelled && goes_on {
        return match slot.may_run_again() {
            true => Outcome::Again,
            false => Outcome::Event(moved(slot).unwrap_or(Errno::EAGAIN.answer().into())),
        };
    }
    if is_cancelled && slot.request.aio_lio_opcode == IOCB_CMD_POLL {
        // None of what it waited for has come: so the kernel's aio says that it was cancelled.
        return Outcome::Event(0);
    }
    if res > 0 && slot.has(Slot::WRITES_ALL) {
        // SAFETY: the caller holds the CQ lock, and the request is over.
        let is_left = unsafe { (*context.slots.kept(index)).advance(res) };
        if is_left && goes_on {
            return Outcome::Again;
        }
    }
    Outcome::Event(moved(slot).unwrap_or(res))
}

/// What a request that goes on has done; none if nothing.
fn moved(slot: &Slot) -> Option<i64> {
    (slot.has(Slot::WRITES_ALL) && slot.kept.moved > 0).then_some(slot.kept.moved)
}

/// Gives a slot back; its request's event, whose eventfd is to be signalled. Under the CQ lock.
#[inline]
fn end(context: &Context, index: u32, res: i64, signals: &mut Signals) -> io_event {
    let slot = &context.slots[index];
    let event = io_event { data: slot.request.aio_data, obj: slot.address, res, res2: 0 };
    if slot.request.aio_flags & IOCB_FLAG_RESFD != 0 {
        signals.add(slot.request.aio_resfd as c_int);
    }
    if slot.traits.load(Ordering::Relaxed) != 0 {
        // SAFETY: the request is over.
        unsafe { kept::give_back(context.ring(), &context.slots, index) };
    }
    context.slots.give(index);
    event
}

/// What became of a request that is to run once more.
enum Resubmitted {
    Yes,
    No(Errno),
    /// A signal handler has interrupted who submits.
    NotYet,
}

/// Queues the request in a slot anew. What the server answers where the SQ stays full.
#[cold]
unsafe fn resubmit(entry: &Entry, context: &Context, index: u32) -> Resubmitted {
    let Some(_sq) = entry.sq_lock.lock_unless_interrupted() else { return Resubmitted::NotYet };
    // SAFETY: the SQ lock makes the ring's SQ side ours.
    match unsafe { queue_anew(context, index) } {
        Ok(()) => Resubmitted::Yes,
        Err(errno) => Resubmitted::No(errno),
    }
}

unsafe fn queue_anew(context: &Context, index: u32) -> Result<()> {
    let (ring, slots) = (context.ring(), &context.slots);
    // SAFETY: as the caller says; the request was prepared before.
    unsafe {
        let sqe = get_sqe(ring)?;
        prepare(sqe, &slots[index].request).inspect_err(|_| unget_sqe(ring))?;
        (*sqe).flags |= context.sqe_flags();
        (*sqe).user_data = u64::from(index);
        kept::use_kept(sqe, slots, index);
        if slots[index].has(Slot::HAS_LIMIT) {
            (*sqe).flags |= IOSQE_IO_LINK as u8;
            let after = get_sqe(ring)?;
            io_uring_prep_link_timeout(after, &raw const (*slots.kept(index)).limit, 0);
            (*after).user_data = WAKE_UP;
        }
    }
    Ok(())
}

/// Gives back what has completed on a context whose removal began.
pub(super) unsafe fn discard(context: &Context) {
    let ring = context.ring();
    let give = |index: u32| {
        let slot = &context.slots[index];
        debug_assert!(slot.fate.load(Ordering::Relaxed) != Slot::IDLE);
        if slot.request.aio_flags & IOCB_FLAG_RESFD != 0 {
            context.eventfds.let_go(slot.request.aio_resfd as c_int, 1, false);
        }
        // SAFETY: the request is over.
        unsafe { kept::give_back(ring, &context.slots, index) };
        context.slots.give(index);
    };
    while let Some(index) = context.slots.pop_done() {
        give(index);
    }
    context.nested.leave_limbo(|index| context.slots.give(index));
    // SAFETY: the caller holds the CQ lock.
    unsafe {
        let head = read_once((*ring).cq.khead);
        let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
        let mut at = head;
        while at != tail {
            let cqe = (*ring).cq.cqes.add((at & (*ring).cq.ring_mask) as usize);
            if context.slots.get((*cqe).user_data).is_some() {
                give((*cqe).user_data as u32);
            }
            at = at.wrapping_add(1);
        }
        io_uring_cq_advance(ring, at.wrapping_sub(head));
    }
}
