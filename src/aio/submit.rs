//! A context's submission side: requests become SQEs, or are done within the call.

use super::context::Context;
use super::delivery;
use super::events;
use super::ids;
use super::in_place;
use super::registry::{ContextId, Entry};
use super::request::prepare;
use super::slots::Slot;
use super::user;
use crate::abi::aio::{iocb, IOCB_FLAG_RESFD};
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::backing;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once, write_once};
use crate::ring::inline::*;
use crate::sys::fd::check_eventfd;
use crate::sys::{Errno, Result};
use core::ffi::{c_int, c_long};
use core::mem::size_of;
use core::ptr::null;
use core::sync::atomic::Ordering;

/// Submits `nr` requests from the array of addresses `requests`; returns how many, up to the first
/// that fails. Its errno when that is the first: `EINVAL` for a bad request, `EFAULT` for an address
/// that cannot be one, `EBADF` for a bad file, `EAGAIN` when as many are in flight as may be.
pub unsafe fn submit(id: ContextId, nr: c_long, requests: *const *mut iocb) -> Result<c_int> {
    let entry = ids::find(id)?;
    let nr = usize::try_from(nr).map_err(|_| Errno::EINVAL)?.min(c_int::MAX as usize);
    if nr == 0 {
        return Ok(0);
    }
    user::checked(requests.cast_mut(), nr.saturating_mul(size_of::<*mut iocb>()))?;
    // SAFETY: the requests are the C caller's; submit_to and deliver check that the entry lives.
    unsafe {
        let mut done = submit_to(entry, nr, requests, false)?;
        if done.contested {
            let _cq = entry.cq_lock.lock();
            done = submit_to(entry, nr, requests, true)?;
        }
        if done.delivers {
            delivery::deliver(entry);
        }
        Ok(done.count)
    }
}

/// What became of a call.
struct Submitted {
    count: c_int,
    /// Events are to be delivered.
    delivers: bool,
    /// Nothing was submitted yet: the CQ lock is needed.
    contested: bool,
}

/// Submits up to `nr` requests. With the CQ lock nobody takes an event that has to be looked at first.
#[inline]
unsafe fn submit_to(
    entry: &'static Entry,
    nr: usize,
    requests: *const *mut iocb,
    has_cq_lock: bool,
) -> Result<Submitted> {
    let _sq = entry.sq_lock.lock();
    if !entry.is_live() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the entry is live under the SQ lock, which makes the ring's SQ side ours.
    unsafe {
        let context = entry.context();
        if nr == 1 && context.delivery.has_begun() && !has_cq_lock {
            return Ok(Submitted { count: 0, delivers: false, contested: true });
        }
        // What wakes those who wait is theirs.
        if has_cq_lock && entry.visitors.load(Ordering::SeqCst) == 0 {
            events::skip_wake_ups(context);
        }
        let mut room = usize::MAX;
        if context.delivery.delivers() {
            context.delivery.look(entry, context)?;
            let pending = context.slots.in_flight() + context.user_ring.unreaped();
            room = context.user_ring.capacity().saturating_sub(pending) as usize;
        }
        let most = nr.min(room);
        let (mut submitted, mut is_done) = (0, false);
        while submitted < most {
            let left = requests.add(submitted);
            let batch = prepare_batch(entry, context, most - submitted, left, nr == 1);
            submitted += batch.done as usize;
            is_done |= batch.done > 0;
            let flushed = match flush(context, batch.waiting) {
                Err(errno) if submitted == 0 => return Err(errno),
                Err(_) => break,
                Ok(flushed) => flushed,
            };
            submitted += flushed as usize;
            match batch.stopped {
                Some(errno) if submitted == 0 => return Err(errno),
                Some(_) => break,
                None if flushed < batch.waiting => break,
                None => {}
            }
        }
        if submitted == 0 {
            return Err(Errno::EAGAIN);
        }
        if is_done && entry.visitors.load(Ordering::SeqCst) > 0 {
            // They came just now.
            events::post_wake_ups(context, u32::MAX);
        }
        if nr == 1 && !is_done && context.looked_at_in_submit() {
            returned_at_once(context)?;
        }
        let delivers = context.delivery.delivers();
        Ok(Submitted { count: submitted as c_int, delivers, contested: false })
    }
}

/// Requests that were prepared, in this order, and why there are no more.
struct Batch {
    /// Those that are done.
    done: u32,
    /// Those that stand in the SQ.
    waiting: u32,
    stopped: Option<Errno>,
}

/// What became of a request that is to be submitted.
enum Prepared {
    /// It stands in the SQ.
    Waits,
    /// It is done.
    Done,
    /// There is no room for it, or what stands in the SQ has to go out first.
    NotYet,
}

/// Prepares requests, as many as there are and the SQ holds. It `is_alone` when the call has no other.
#[inline]
unsafe fn prepare_batch(
    entry: &'static Entry,
    context: &Context,
    nr: usize,
    requests: *const *mut iocb,
    is_alone: bool,
) -> Batch {
    let mut batch = Batch { done: 0, waiting: 0, stopped: None };
    // SAFETY: the caller holds the SQ lock; the requests are the C caller's.
    unsafe {
        (*context.in_place.get()).forget();
        for at in 0..nr {
            let request = requests.add(at).read();
            match prepare_one(entry, context, request, is_alone, batch.waiting == 0) {
                Ok(Prepared::NotYet) => break,
                Ok(Prepared::Waits) => batch.waiting += 1,
                Ok(Prepared::Done) => batch.done += 1,
                Err(errno) => {
                    batch.stopped = Some(errno);
                    break;
                }
            }
        }
    }
    batch
}

/// Does one request, if nothing waits in the SQ, or puts it there.
#[inline]
unsafe fn prepare_one(
    entry: &'static Entry,
    context: &Context,
    address: *mut iocb,
    is_alone: bool,
    is_empty: bool,
) -> Result<Prepared> {
    user::checked(address, size_of::<iocb>())?;
    let ring = context.ring();
    // SAFETY: the caller holds the SQ lock; the request is the C caller's, read once.
    unsafe {
        if io_uring_sq_space_left(ring) == 0 {
            return Ok(Prepared::NotYet);
        }
        let request = address.read_unaligned();
        let writes_here = in_place::is_write(&request) && is_written_here(context, &request);
        if writes_here && !is_empty {
            return Ok(Prepared::NotYet);
        }
        if request.aio_flags & IOCB_FLAG_RESFD != 0 {
            check_eventfd(request.aio_resfd as c_int)?;
            context.delivery.begin(entry)?;
        }
        let index = context.slots.take()?;
        let sqe = io_uring_get_sqe(ring);
        if let Err(errno) = prepare(sqe, &request) {
            context.slots.untake(1);
            unget_sqe(ring);
            return Err(errno);
        }
        context.slots.set(index, &request, address as u64);
        (*sqe).flags |= context.sqe_flags;
        (*sqe).user_data = u64::from(index);
        let in_place = &mut *context.in_place.get();
        let result = match (writes_here, is_alone && context.looked_at_in_submit()) {
            (true, _) => in_place::write(&request),
            (false, true) => in_place.read(&request),
            _ => None,
        };
        let Some(result) = result else {
            in_place.may_be_on_ring |= writes_here;
            return Ok(Prepared::Waits);
        };
        context.slots.set_done(index, result);
        if context.delivery.has_begun() || entry.visitors.load(Ordering::SeqCst) > 0 {
            // Whoever waits for events sleeps on the ring.
            io_uring_prep_nop(sqe);
            return Ok(Prepared::Waits);
        }
        unget_sqe(ring);
        context.slots.push_done(index);
        Ok(Prepared::Done)
    }
}

/// An SQE, for which what is queued is submitted where the SQ is full. `EAGAIN` where it stays so.
///
/// # Safety
/// The caller must have the ring's SQ side.
pub(super) unsafe fn get_sqe(ring: *mut io_uring) -> Result<*mut io_uring_sqe> {
    // SAFETY: as the caller says.
    unsafe {
        let mut sqe = io_uring_get_sqe(ring);
        if sqe.is_null() {
            crate::ring::submit::submit(ring)?;
            sqe = io_uring_get_sqe(ring);
        }
        if sqe.is_null() {
            Err(Errno::EAGAIN)
        } else {
            Ok(sqe)
        }
    }
}

/// Takes back the SQE that was got last.
pub(super) unsafe fn unget_sqe(ring: *mut io_uring) {
    // SAFETY: the caller holds the SQ lock, and the server looks at the SQ only within an enter.
    unsafe { (*ring).sq.sqe_tail = (*ring).sq.sqe_tail.wrapping_sub(1) };
}

/// Whether a write is to be done within the call: to the page cache, with none on the ring that it would overtake.
unsafe fn is_written_here(context: &Context, request: &iocb) -> bool {
    if !context.looked_at_in_submit() {
        return false;
    }
    // SAFETY: the caller holds the SQ lock.
    let in_place = unsafe { &mut *context.in_place.get() };
    let is_on_ring = |_, slot: &Slot| {
        in_place::is_write(&slot.request) && slot.fate.load(Ordering::Acquire) != Slot::DONE
    };
    let is_here = in_place.goes_to_cache(request)
        && !(in_place.may_be_on_ring && context.slots.any(is_on_ring));
    in_place.may_be_on_ring = !is_here;
    is_here
}

/// Publishes what was prepared and enters until it is consumed; returns how many requests were. What
/// the server refuses to take is withdrawn, so that nothing runs for which an error is returned.
#[inline]
unsafe fn flush(context: &Context, taken: u32) -> Result<u32> {
    let ring = context.ring();
    // SAFETY: the caller holds the SQ lock.
    unsafe {
        if (*ring).flags & IORING_SETUP_SQPOLL != 0 {
            return hand_over(ring, taken);
        }
        if taken == 0 {
            return Ok(0);
        }
        let to_submit = crate::ring::submit::flush_sq(ring);
        let mut left = to_submit;
        while left > 0 {
            let flags = crate::ring::flags::enter_flags(ring);
            match backing::enter((*ring).enter_ring_fd, left, 0, flags, null(), 0) {
                Ok(n) if n > 0 => left -= (n as u32).min(left),
                Err(Errno::EINTR) => {}
                refused => {
                    // What woke others up may stand there as well.
                    let left = left.min(taken);
                    withdraw(context, left);
                    return match refused {
                        Err(errno) if left == taken => Err(errno),
                        _ => Ok(taken - left),
                    };
                }
            }
        }
        Ok(taken)
    }
}

/// Publishes what was prepared to the submission thread, which takes all of it: errors arrive as
/// events. Waits for room when the SQ is full.
unsafe fn hand_over(ring: *mut io_uring, taken: u32) -> Result<u32> {
    // SAFETY: the caller holds the SQ lock.
    unsafe {
        crate::ring::submit::submit(ring)?;
        if io_uring_sq_space_left(ring) == 0 {
            // That a signal came instead is as good: the caller looks again.
            let _ = crate::ring::submit::sqring_wait(ring);
        }
    }
    Ok(taken)
}

/// Takes the last `count` requests back from the SQ.
#[cold]
unsafe fn withdraw(context: &Context, count: u32) {
    let ring = context.ring();
    // SAFETY: the caller holds the SQ lock, and the server looks at the SQ only within an enter.
    unsafe {
        let tail = (*ring).sq.sqe_tail.wrapping_sub(count);
        (*ring).sq.sqe_tail = tail;
        (*ring).sq.sqe_head = tail;
        write_once((*ring).sq.ktail, tail);
        context.slots.untake(count);
    }
}

/// The kernel's aio looks the file up before it takes a request, and returns EBADF for the request
/// rather than in an event. A single request that has already failed so is answered the same way: its CQE
/// is among the newest, with none behind it but what others completed meanwhile.
unsafe fn returned_at_once(context: &Context) -> Result<()> {
    const NEWEST: u32 = 32;
    let ring = context.ring();
    // SAFETY: CQEs up to the tail are complete; they are read, not consumed. Without the CQ lock they may be
    // reaped meanwhile: then the fate is no longer RUNNING and the event stands.
    unsafe {
        // The SQE that this call has submitted, and no other: a program may submit the same iocb again.
        let last = (*ring).sq.sqe_tail.wrapping_sub(1) & (*ring).sq.ring_mask;
        let ours = (*(*ring).sq.sqes.add(last as usize)).user_data;
        let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
        let ready = tail.wrapping_sub(read_once((*ring).cq.khead));
        for back in 1..=ready.min(NEWEST) {
            let cqe =
                (*ring).cq.cqes.add((tail.wrapping_sub(back) & (*ring).cq.ring_mask) as usize);
            let (index, res) = ((*cqe).user_data, (*cqe).res);
            if index != ours {
                continue;
            }
            let is_bad = res == Errno::EBADF.answer();
            return match context.slots.get(index) {
                Some(slot) if is_bad && events::claim(slot, Slot::RETURNED) => Err(Errno::EBADF),
                _ => Ok(()),
            };
        }
    }
    Ok(())
}
