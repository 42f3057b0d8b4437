//! Getting events, and waiting for them.

use super::context::{Context, WAKE_UP};
use super::ids;
use super::lost;
use super::nested;
use super::reap::{discard, reap};
use super::registry::{ContextId, Entry};
use super::request::is_synchronous_in_kernel;
use super::slots::Slot;
use super::user;
use super::visits::Visit;
use crate::abi::aio::io_event;
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::*;
use crate::backing;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::ring::inline::*;
use crate::ring::submit::{cq_needs_flush, get_events as flush_cq, submit};
use crate::sys::clock::Deadline;
use crate::sys::{futex, peek, process, Errno, Result};
use core::ffi::{c_int, c_long, c_void};
use core::mem::size_of;
use core::ptr::null;
use core::sync::atomic::Ordering;

/// Until when a wait lasts, and under which signal mask.
#[derive(Clone, Copy)]
pub struct Timing {
    /// Relative to the call; NULL: for ever.
    pub timeout: *const __kernel_timespec,
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
    entry.is_called();
    // SAFETY: the events are the C caller's; reap checks that the entry lives.
    unsafe {
        let Some(cq) = entry.cq_lock.lock_unless_interrupted() else {
            return nested_events(entry, events, (min_nr as usize, nr), timing);
        };
        let got = reap(entry, events, nr, timing.timeout);
        drop(cq);
        let got = got?;
        // A signal that is pending comes under the mask that is given, also when there is nothing to wait for.
        let is_interrupted = !timing.sigmask.is_null()
            && process::take_signals(timing.sigmask).map(|()| false).or_else(
                |errno| match errno {
                    Errno::EINTR => Ok(true),
                    errno => Err(errno),
                },
            )?;
        match got {
            0 if is_interrupted => return Err(Errno::EINTR),
            _ if is_interrupted => return Ok(got as c_int),
            _ if got >= min_nr as usize && (got > 0 || nr == 0) => return Ok(got as c_int),
            _ => {}
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
    // SAFETY: reap() has found it there.
    let timeout = unsafe { timing.timeout.as_ref() }.copied().map(normalized);
    let poll = matches!(timeout, Some(ts) if ts.tv_sec < 0 || (ts.tv_sec == 0 && ts.tv_nsec == 0));
    let mut min_nr = min_nr;
    // SAFETY: a visitor keeps the context; the events are the C caller's.
    unsafe {
        if min_nr == 0
            && !poll
            && visit(entry, |context, _| {
                // Requests are written under that lock.
                let sq = entry.sq_lock.lock_unless_interrupted();
                let such = |_, slot: &Slot| is_synchronous_in_kernel(&slot.request);
                Ok(sq.is_some() && context.slots.any(such))
            })?
        {
            // Callers that give a time and no number know that such a request has completed.
            min_nr = 1;
        }
        let poll = poll || min_nr == 0;
        let deadline = timeout.filter(|_| !poll).map(Deadline::after).transpose()?;
        loop {
            let entered = visit(entry, |context, visit| {
                // The caller is a visitor by now: what is done from here on wakes it.
                let is_done = context.slots.has_done()
                    || context.nested.is_used()
                    || has_delivered(entry, context);
                if is_done || (poll && !cq_needs_flush(context.ring())) {
                    return Ok(0);
                }
                let deadline = deadline.as_ref();
                match poll {
                    true => enter(context, 0, deadline, timing.sigmask),
                    // What is in flight on a ring that was closed wakes nobody who sleeps on another.
                    false if context.has_old.get() => nap(context, deadline, timing.sigmask),
                    false => sleep((entry, visit), context, min_nr - got, deadline, timing.sigmask),
                }
            });
            let cq = entry.cq_lock.lock();
            let more = reap(entry, events.add(got), nr - got, null());
            drop(cq);
            got += more?;
            match entered {
                _ if got >= min_nr || poll => return Ok(got),
                Err(errno) if backing::says_lost(errno) && lost::renew(entry, true) => {}
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
unsafe fn visit<T>(entry: &Entry, f: impl FnOnce(&Context, &Visit) -> Result<T>) -> Result<T> {
    let (visit, had_been) = entry.begin_visit();
    let mut result = Err(Errno::EINVAL);
    let mut awaited = false;
    if entry.is_live() {
        // SAFETY: destroy waits for visitors that it can see before it frees the context.
        let context = unsafe { entry.context() };
        if had_been && context.wanted.swap(0, Ordering::SeqCst) != 0 {
            futex::wake(&context.wanted, futex::ALL);
        }
        result = f(context, &visit);
        awaited = entry.is_visited(&visit) && context.delivery.awaits_visitors();
    }
    if entry.end_visit(visit) && awaited {
        futex::wake(&entry.visitors, 1);
    }
    result
}

/// For a signal handler that has interrupted a call on the context.
#[cold]
unsafe fn nested_events(
    entry: &Entry,
    events: *mut io_event,
    wanted: (usize, usize),
    timing: Timing,
) -> Result<c_int> {
    if !timing.timeout.is_null() && !peek::is_readable(timing.timeout as u64) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the timeout can be read; the events are the C caller's.
    unsafe {
        let timeout = timing.timeout.as_ref().copied().map(normalized);
        let deadline = timeout.map(Deadline::after).transpose()?;
        nested::get_events(entry, events, wanted, deadline.as_ref(), timing.sigmask)
            .map(|got| got as c_int)
    }
}

/// Waits for `wanted` CQEs, or for one where others wait as well: the kernel wakes those who wait for a ring in their
/// order and stops at the first who wants more than there is. For a visitor.
unsafe fn sleep(
    (entry, visit): (&Entry, &Visit),
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
            let waited =
                is_alone().then(|| enter_for((entry, visit), context, wanted, deadline, sigmask));
            if !entry.is_visited(visit) {
                return Err(Errno::EINTR);
            }
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
    (entry, visit): (&Entry, &Visit),
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
        if !entry.is_visited(visit) {
            return entered;
        }
        let came = io_uring_smp_load_acquire(cq.ktail).wrapping_sub(head);
        if came < wanted {
            entered.and(Err(Errno::EINTR))
        } else {
            entered
        }
    }
}

/// Sleeps for a moment, or for as long as there is.
#[cold]
unsafe fn nap(
    context: &Context,
    deadline: Option<&Deadline>,
    sigmask: *const c_void,
) -> Result<c_int> {
    const MOMENT: __kernel_timespec = __kernel_timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    let moment = Deadline::after(MOMENT)?;
    // SAFETY: a visitor keeps the context.
    match unsafe { enter(context, 1, Some(&moment), sigmask) } {
        Err(Errno::ETIME) if !deadline.is_some_and(Deadline::is_over) => Ok(0),
        entered => entered,
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
            // In a signal handler, who submits is not to be waited for.
            let Some(_sq) = entry.sq_lock.lock_unless_interrupted() else { return };
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
///
/// False when somebody does not leave who waits, though woken: by a jump out of a signal handler, and has not called since.
pub(super) unsafe fn drain(entry: &Entry, context: &Context) -> bool {
    const PATIENCE: __kernel_timespec = __kernel_timespec { tv_sec: 2, tv_nsec: 0 };
    let ring = context.ring();
    let mut patience: Option<Deadline> = None;
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
                    return true;
                }
            } else {
                let _ = flush_cq(ring);
                process::yield_now();
            }
            if context.slots.in_flight() > 0 {
                patience = None;
            } else if patience.is_none() {
                patience = Deadline::after(PATIENCE).ok();
            } else if patience.as_ref().is_some_and(Deadline::is_over) {
                return false;
            }
        }
    }
    true
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
