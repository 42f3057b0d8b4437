//! A context's completion side: reaping CQEs into events, and waiting for them.

use super::context::{Context, WAKE_UP};
use super::delivery::Signals;
use super::ids;
use super::registry::{ContextId, Entry};
use super::request::{is_synchronous_in_kernel, prepare};
use super::slots::Slot;
use super::submit::{get_sqe, unget_sqe};
use super::user;
use crate::abi::aio::{io_event, IOCB_FLAG_RESFD};
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::*;
use crate::backing;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::ring::inline::*;
use crate::ring::submit::{cq_needs_flush, get_events as flush_cq, submit};
use crate::sys::clock::Deadline;
use crate::sys::{futex, Errno, Result};
use core::ffi::{c_int, c_long, c_void};
use core::mem::size_of;
use core::sync::atomic::Ordering;

/// Until when a wait lasts, and under which signal mask.
#[derive(Clone, Copy)]
pub struct Timing {
    /// Relative to the call; none: for ever.
    pub timeout: Option<__kernel_timespec>,
    /// The signal mask for the wait, 8 bytes; NULL: the thread's own.
    pub sigmask: *const c_void,
}

/// Stores up to `nr` events, waiting for `min_nr` of them; returns how many, which is fewer than
/// `min_nr` when the time is over or a signal came. `EINTR` when one came before the first event.
pub unsafe fn get_events(
    id: ContextId,
    min_nr: c_long,
    nr: c_long,
    events: *mut io_event,
    timing: Timing,
) -> Result<c_int> {
    let entry = ids::find(id)?;
    if min_nr < 0 || nr < min_nr {
        return Err(Errno::EINVAL);
    }
    let nr = nr.min(c_int::MAX as c_long) as usize;
    if nr > 0 {
        user::checked(events, nr.saturating_mul(size_of::<io_event>()))?;
    }
    // SAFETY: the events are the C caller's; reap checks that the entry lives.
    unsafe {
        let got = reap(entry, events, nr)?;
        if got >= min_nr as usize && (got > 0 || nr == 0) {
            return Ok(got as c_int);
        }
        wait(entry, events, got, min_nr as usize, nr, timing).map(|got| got as c_int)
    }
}

/// Waits until there are `min_nr` events, with `got` of them there already.
#[cold]
unsafe fn wait(
    entry: &'static Entry,
    events: *mut io_event,
    mut got: usize,
    min_nr: usize,
    nr: usize,
    timing: Timing,
) -> Result<usize> {
    let timeout = timing.timeout.map(normalized);
    let poll = matches!(timeout, Some(ts) if ts.tv_sec < 0 || (ts.tv_sec == 0 && ts.tv_nsec == 0));
    let mut min_nr = min_nr;
    // SAFETY: a visitor keeps the context; the events are the C caller's.
    unsafe {
        if min_nr == 0
            && !poll
            && visit(entry, |context| {
                // Requests are written under that lock.
                let _sq = entry.sq_lock.lock();
                Ok(context.slots.any(|_, slot| is_synchronous_in_kernel(&slot.request)))
            })?
        {
            // Callers that give a time and no number know that such a request has completed.
            min_nr = 1;
        }
        let poll = poll || min_nr == 0;
        let deadline = timeout.filter(|_| !poll).map(Deadline::after).transpose()?;
        loop {
            let entered = visit(entry, |context| {
                // The caller is a visitor by now: what is done from here on wakes it.
                let is_done = context.slots.has_done() || has_delivered(entry, context);
                if is_done || (poll && !cq_needs_flush(context.ring())) {
                    return Ok(0);
                }
                let deadline = deadline.as_ref();
                match poll {
                    true => enter(context, 0, deadline, timing.sigmask),
                    false => sleep(entry, context, min_nr - got, deadline, timing.sigmask),
                }
            });
            got += reap(entry, events.add(got), nr - got)?;
            match entered {
                _ if got >= min_nr || poll => return Ok(got),
                Ok(_) => {}
                Err(Errno::ETIME) => return Ok(got),
                Err(_) if got > 0 => return Ok(got),
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// The same time with nanoseconds below a second.
fn normalized(time: __kernel_timespec) -> __kernel_timespec {
    const SECOND: i64 = 1_000_000_000;
    let carry = time.tv_nsec.div_euclid(SECOND);
    __kernel_timespec {
        tv_sec: time.tv_sec.saturating_add(carry),
        tv_nsec: time.tv_nsec.rem_euclid(SECOND),
    }
}

/// Whether events have been delivered to the user ring. While the caller is a visitor none will be.
fn has_delivered(entry: &Entry, context: &Context) -> bool {
    context.delivery.delivers() && {
        // A delivery that began before the caller was a visitor is over once we have the lock.
        drop(entry.cq_lock.lock());
        context.user_ring.unreaped() > 0
    }
}

/// Counts as a visitor meanwhile, so that the context stays although no lock is held.
unsafe fn visit<T>(entry: &Entry, f: impl FnOnce(&Context) -> Result<T>) -> Result<T> {
    // SeqCst on both sides: either destroy sees the visitor, or the visitor sees the entry dying.
    entry.visitors.fetch_add(1, Ordering::SeqCst);
    let (result, awaited) = if entry.is_live() {
        // SAFETY: destroy waits for visitors that it can see before it frees the context.
        let context = unsafe { entry.context() };
        (f(context), context.delivery.awaits_visitors())
    } else {
        (Err(Errno::EINVAL), false)
    };
    if entry.visitors.fetch_sub(1, Ordering::SeqCst) == 1 && awaited {
        futex::wake(&entry.visitors, 1);
    }
    result
}

/// Waits for `wanted` CQEs, or for one where others wait as well: the kernel wakes those who wait for a ring in their
/// order and stops at the first who wants more than there is. For a visitor.
unsafe fn sleep(
    entry: &Entry,
    context: &Context,
    wanted: usize,
    deadline: Option<&Deadline>,
    sigmask: *const c_void,
) -> Result<c_int> {
    // SAFETY: a visitor keeps the context.
    unsafe {
        // What wakes others up fits into the SQ.
        let wanted = (wanted as u32).min((*context.ring()).sq.ring_entries);
        let is_alone = || entry.visitors.load(Ordering::SeqCst) == 1;
        // Each event that has an eventfd is signalled when it comes.
        if wanted > 1 && is_alone() && !context.delivery.has_begun() {
            context.wanted.store(wanted, Ordering::SeqCst);
            // SeqCst on both sides: whoever comes sees the number, or is seen.
            let waited = is_alone().then(|| enter_for(context, wanted, deadline, sigmask));
            context.wanted.store(0, Ordering::SeqCst);
            if !is_alone() {
                futex::wake(&context.wanted, futex::ALL);
            }
            if let Some(waited) = waited {
                return waited;
            }
        }
        if context.wanted.load(Ordering::SeqCst) > 1 {
            have_others_want_one(entry, context);
        }
        enter(context, 1, deadline, sigmask)
    }
}

/// [`enter`] for several CQEs. `EINTR` also when a signal ended it with fewer of them, which the server does not say.
unsafe fn enter_for(
    context: &Context,
    wanted: u32,
    deadline: Option<&Deadline>,
    sigmask: *const c_void,
) -> Result<c_int> {
    // SAFETY: a visitor keeps the context.
    unsafe {
        let cq = &(*context.ring()).cq;
        let head = read_once(cq.khead);
        let entered = enter(context, wanted, deadline, sigmask);
        let came = io_uring_smp_load_acquire(cq.ktail).wrapping_sub(head);
        if came < wanted {
            entered.and(Err(Errno::EINTR))
        } else {
            entered
        }
    }
}

/// Wakes the visitor who wants several CQEs, and waits until that does not any more. It may not have slept yet, and others
/// may have taken what was to wake it: then it is woken anew.
#[cold]
unsafe fn have_others_want_one(entry: &Entry, context: &Context) {
    const NAP: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    loop {
        let wanted = context.wanted.load(Ordering::SeqCst);
        if wanted <= 1 || !entry.is_live() {
            return;
        }
        {
            let _sq = entry.sq_lock.lock();
            // SAFETY: the SQ lock is held; the caller is a visitor, who keeps the context.
            unsafe { post_wake_ups(context, wanted) };
        }
        let _ = futex::wait(&context.wanted, wanted, Some(&NAP));
    }
}

pub(super) unsafe fn enter(
    context: &Context,
    wanted: u32,
    deadline: Option<&Deadline>,
    sigmask: *const c_void,
) -> Result<c_int> {
    let left = deadline.map(Deadline::left);
    let arg = io_uring_getevents_arg {
        sigmask: sigmask as u64,
        sigmask_sz: 8,
        min_wait_usec: 0,
        ts: left.as_ref().map_or(0, |ts| ts as *const __kernel_timespec as u64),
    };
    let ring = context.ring();
    // SAFETY: the argument lives in this frame; the descriptor belongs to the context.
    unsafe {
        let flags =
            IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | crate::ring::flags::enter_flags(ring);
        let size = size_of::<io_uring_getevents_arg>();
        backing::enter((*ring).enter_ring_fd, 0, wanted, flags, (&raw const arg).cast(), size)
    }
}

/// Moves up to `nr` completions to `events`.
#[inline]
unsafe fn reap(entry: &'static Entry, events: *mut io_event, nr: usize) -> Result<usize> {
    let _cq = entry.cq_lock.lock();
    if !entry.is_live() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the entry is live under the CQ lock; the events are the C caller's.
    unsafe {
        let context = entry.context();
        let mut got = 0;
        if context.delivery.may_hold() {
            context.delivery.decide(entry, context)?;
            got = context.user_ring.take(events, nr);
        }
        let first = got;
        consume(entry, context, nr - first, |event| {
            events.add(got).write(event);
            got += 1;
        });
        Ok(got)
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
        let (mut at, mut got, mut again, mut signals) = (head, 0, false, Signals::none());
        while got < nr {
            let Some(index) = context.slots.pop_done() else { break };
            let slot = &context.slots[index];
            sink(event_of(slot, slot.request.aio_reserved2 as i64));
            context.slots.give(index);
            got += 1;
        }
        while at != tail && got < nr {
            let cqe = (*ring).cq.cqes.add((at & mask) as usize);
            at = at.wrapping_add(1);
            let (event, eventfd) = match outcome(context, (*cqe).user_data, (*cqe).res) {
                Outcome::Event(event, eventfd) => (event, eventfd),
                Outcome::Again(index) => match resubmit(entry, context, index) {
                    Ok(()) => {
                        again = true;
                        continue;
                    }
                    Err(errno) => end(context, index, i64::from(errno.answer())),
                },
                Outcome::Nothing => continue,
            };
            sink(event);
            got += 1;
            if let Some(eventfd) = eventfd {
                signals.add(eventfd);
            }
        }
        io_uring_cq_advance(ring, at.wrapping_sub(head));
        signals.send();
        if again {
            let _sq = entry.sq_lock.lock();
            let _ = submit(ring);
        }
    }
}

enum Outcome {
    /// With the eventfd to signal.
    Event(io_event, Option<c_int>),
    /// The request in this slot must run once more.
    Again(u32),
    Nothing,
}

#[inline]
fn event_of(slot: &Slot, res: i64) -> io_event {
    io_event { data: slot.request.aio_data, obj: slot.address, res, res2: 0 }
}

#[inline]
unsafe fn outcome(context: &Context, user_data: u64, res: i32) -> Outcome {
    let Some(slot) = context.slots.get(user_data) else {
        debug_assert!(user_data & WAKE_UP != 0);
        return Outcome::Nothing;
    };
    let index = user_data as u32;
    let fate = slot.fate.load(Ordering::Acquire);
    // The thread that submitted has ended, and the server gave up what it had in flight.
    if res == Errno::ECANCELED.answer() && fate == Slot::RUNNING {
        return Outcome::Again(index);
    }
    let res = match fate {
        Slot::DONE => slot.request.aio_reserved2 as i64,
        _ => i64::from(res),
    };
    let (event, eventfd) = end(context, index, res);
    if fate == Slot::RETURNED {
        Outcome::Nothing
    } else {
        Outcome::Event(event, eventfd)
    }
}

/// Gives a slot back; its request's event, and the eventfd to signal. Under the CQ lock.
#[inline]
fn end(context: &Context, index: u32, res: i64) -> (io_event, Option<c_int>) {
    let slot = &context.slots[index];
    let event = event_of(slot, res);
    let signals = slot.request.aio_flags & IOCB_FLAG_RESFD != 0;
    let eventfd = signals.then_some(slot.request.aio_resfd as c_int);
    context.slots.give(index);
    (event, eventfd)
}

/// Queues the request in a slot anew. `EBADF` when its file is gone; what the server answers where the SQ stays full.
#[cold]
unsafe fn resubmit(entry: &Entry, context: &Context, index: u32) -> Result<()> {
    let _sq = entry.sq_lock.lock();
    let ring = context.ring();
    // SAFETY: the SQ lock makes the ring's SQ side ours; the request was prepared before.
    unsafe {
        let sqe = get_sqe(ring)?;
        prepare(sqe, &context.slots[index].request).inspect_err(|_| unget_sqe(ring))?;
        (*sqe).flags |= context.sqe_flags();
        (*sqe).user_data = u64::from(index);
    }
    Ok(())
}

/// Changes a running request's fate; false when it is not running any more.
pub(super) fn claim(slot: &Slot, fate: u32) -> bool {
    slot.fate.compare_exchange(Slot::RUNNING, fate, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Takes [`claim`] of CANCELLED back.
pub(super) fn unclaim(slot: &Slot) {
    let _ = slot.fate.compare_exchange(
        Slot::CANCELLED,
        Slot::RUNNING,
        Ordering::AcqRel,
        Ordering::Relaxed,
    );
}

/// Waits until nothing is in flight and nobody waits on a context whose removal began.
pub(super) unsafe fn drain(entry: &Entry, context: &Context) {
    let ring = context.ring();
    // SAFETY: the removal keeps others from beginning calls; the locks keep out those that had.
    unsafe {
        while context.slots.in_flight() > 0 || entry.visitors.load(Ordering::SeqCst) > 0 {
            wake_visitors(entry, context);
            {
                let _cq = entry.cq_lock.lock();
                discard(context);
            }
            if context.slots.in_flight() > 0 && entry.visitors.load(Ordering::SeqCst) == 0 {
                let flags = IORING_ENTER_GETEVENTS | crate::ring::flags::enter_flags(ring);
                let (fd, nothing) = ((*ring).enter_ring_fd, core::ptr::null());
                let waited = backing::enter(fd, 0, 1, flags, nothing, 0);
                if waited.is_err_and(backing::says_lost) {
                    // The program has closed it meanwhile: the kernel cancels what is in flight.
                    return;
                }
            } else {
                let _ = flush_cq(ring);
                crate::sys::process::yield_now();
            }
        }
    }
}

/// Posts CQEs for threads that wait, and for those about to.
pub(super) unsafe fn wake_visitors(entry: &Entry, context: &Context) {
    let _sq = entry.sq_lock.lock();
    if entry.visitors.load(Ordering::SeqCst) > 0 {
        // SAFETY: the SQ lock is held.
        unsafe { post_wake_ups(context, u32::MAX) };
    }
}

/// Posts `count` CQEs, or as many as there is room for. Under the SQ lock.
pub(super) unsafe fn post_wake_ups(context: &Context, count: u32) {
    let ring = context.ring();
    // SAFETY: the SQ lock makes the ring's SQ side ours.
    unsafe {
        for _ in 0..count.min(io_uring_sq_space_left(ring)) {
            let sqe = io_uring_get_sqe(ring);
            io_uring_prep_nop(sqe);
            (*sqe).user_data = WAKE_UP;
        }
        let _ = submit(ring);
    }
}

/// Consumes the oldest CQEs as far as they were posted only to wake somebody: they take the room of those
/// that say something. Under the CQ lock.
pub(super) unsafe fn skip_wake_ups(context: &Context) {
    let ring = context.ring();
    // SAFETY: the caller holds the CQ lock.
    unsafe {
        loop {
            let head = read_once((*ring).cq.khead);
            let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
            let mut at = head;
            while at != tail {
                let cqe = (*ring).cq.cqes.add((at & (*ring).cq.ring_mask) as usize);
                if (*cqe).user_data & WAKE_UP == 0 {
                    break;
                }
                at = at.wrapping_add(1);
            }
            io_uring_cq_advance(ring, at.wrapping_sub(head));
            // What the queue had no room for follows; what cannot be skipped stays.
            if at == head || !cq_needs_flush(ring) || flush_cq(ring).is_err() {
                return;
            }
        }
    }
}

unsafe fn discard(context: &Context) {
    let ring = context.ring();
    while let Some(index) = context.slots.pop_done() {
        context.slots.give(index);
    }
    // SAFETY: the caller holds the CQ lock.
    unsafe {
        let head = read_once((*ring).cq.khead);
        let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
        let mut at = head;
        while at != tail {
            let cqe = (*ring).cq.cqes.add((at & (*ring).cq.ring_mask) as usize);
            if let Some(slot) = context.slots.get((*cqe).user_data) {
                debug_assert!(slot.fate.load(Ordering::Relaxed) != Slot::IDLE);
                context.slots.give((*cqe).user_data as u32);
            }
            at = at.wrapping_add(1);
        }
        io_uring_cq_advance(ring, at.wrapping_sub(head));
    }
}
