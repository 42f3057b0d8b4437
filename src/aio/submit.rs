//! A context's submission side: requests become SQEs, or are done within the call.

use super::check;
use super::context::{Context, WAKE_UP};
use super::delivery;
use super::events;
use super::files::File;
use super::ids;
use super::in_place;
use super::kept;
use super::lost;
use super::nested;
use super::registry::{ContextId, Entry};
use super::request::prepare;
use super::slots::Slot;
use super::user;
use crate::abi::aio::{iocb, IOCB_CMD_POLL, IOCB_FLAG_RESFD};
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::backing;
use crate::ring::barrier::write_once;
use crate::ring::inline::*;
use crate::sys::file::Kind;
use crate::sys::{Errno, Result};
use core::ffi::{c_int, c_long};
use core::mem::size_of;
use core::ptr::null;
use core::sync::atomic::Ordering;

/// Submits `nr` requests from the array of addresses `requests`; returns how many, up to the first
/// that fails. Its errno when that is the first: `EINVAL` for a bad request, `EFAULT` where there is no
/// memory, `EBADF` for a bad file, `EAGAIN` when as many are in flight as may be.
pub unsafe fn submit(id: ContextId, nr: c_long, requests: *const *mut iocb) -> Result<c_int> {
    let entry = ids::find(id)?;
    let nr = usize::try_from(nr).map_err(|_| Errno::EINVAL)?.min(c_int::MAX as usize);
    if nr == 0 {
        return Ok(0);
    }
    user::checked(requests.cast_mut(), nr.saturating_mul(size_of::<*mut iocb>()))?;
    entry.is_called();
    // SAFETY: the requests are the C caller's; submit_to and deliver check that the entry lives.
    unsafe {
        let sq = match entry.cq_lock.word().is_held_by_caller() {
            // What is done would be with those events that the interrupted call takes.
            true => None,
            false => entry.sq_lock.lock_unless_interrupted(),
        };
        let Some(sq) = sq else { return nested::submit(entry, nr, requests) };
        let mut submitted = submit_to(entry, nr, requests);
        drop(sq);
        if submitted.is_err_and(|errno| backing::says_lost(errno) && lost::renew(entry, false)) {
            let _sq = entry.sq_lock.lock();
            submitted = submit_to(entry, nr, requests);
        }
        let (count, delivers) = submitted?;
        if delivers {
            delivery::deliver(entry);
        }
        Ok(count)
    }
}

/// Submits up to `nr` requests, under the SQ lock; how many, and whether events are to be delivered.
#[inline]
unsafe fn submit_to(
    entry: &'static Entry,
    nr: usize,
    requests: *const *mut iocb,
) -> Result<(c_int, bool)> {
    if !entry.is_live() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the entry is live under the SQ lock, which makes the ring's SQ side ours.
    unsafe {
        let context = entry.context();
        let mut room = usize::MAX;
        if context.delivery.delivers() {
            context.delivery.look(entry, context)?;
            let pending = context.slots.in_flight() + context.user_ring.unreaped();
            room = context.user_ring.capacity().saturating_sub(pending) as usize;
        }
        (*context.pages.get()).begin_call();
        (*context.in_place.get()).files.forget();
        let (submitted, done, stopped) =
            submit_each(entry, context, nr.min(room), requests, nr == 1);
        if submitted == 0 {
            return Err(stopped.unwrap_or(Errno::EAGAIN));
        }
        let done = done + u32::from(context.nested.is_used());
        if done > 0 && entry.visitors.load(Ordering::SeqCst) > 0 {
            // They sleep on the ring.
            events::post_wake_ups(context, done);
        }
        Ok((submitted as c_int, context.delivery.delivers()))
    }
}

/// Submits requests one batch after another: how many, how many of them are done, and what is wrong with the next.
unsafe fn submit_each(
    entry: &'static Entry,
    context: &Context,
    nr: usize,
    requests: *const *mut iocb,
    is_alone: bool,
) -> (usize, u32, Option<Errno>) {
    let (mut submitted, mut done) = (0, 0);
    // SAFETY: the caller holds the SQ lock.
    unsafe {
        while submitted < nr {
            let left = requests.add(submitted);
            let batch = prepare_batch(entry, context, nr - submitted, left, is_alone);
            submitted += (batch.done + batch.sent) as usize;
            done += batch.done;
            // One that is served here is not told that it is closed as long as it has no need of its descriptors.
            let is_ours = !(*context.private.get()).is_kernels();
            if batch.waiting > 0 && is_ours && context.is_lost() {
                withdraw(context, batch.waiting);
                return (submitted, done, Some(Errno::EBADF));
            }
            match flush(context, batch.waiting) {
                Err(errno) => return (submitted, done, Some(errno)),
                Ok(flushed) => {
                    submitted += flushed as usize;
                    if flushed > 0 && context.depends_on_threads {
                        context.submitter.note();
                    }
                    if batch.stopped.is_some() || flushed < batch.waiting {
                        return (submitted, done, batch.stopped);
                    }
                }
            }
        }
    }
    (submitted, done, None)
}

/// Requests that were prepared, in this order, and why there are no more.
struct Batch {
    /// Those that are done.
    done: u32,
    /// Those that are with the ring.
    sent: u32,
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
    /// The ring has it.
    Sent,
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
    let mut batch = Batch { done: 0, sent: 0, waiting: 0, stopped: None };
    // SAFETY: the caller holds the SQ lock; the requests are the C caller's.
    unsafe {
        for at in 0..nr {
            let call = Call { entry, context, is_alone, is_empty: batch.waiting == 0 };
            match call.prepare_one(requests.add(at)) {
                Ok(Prepared::NotYet) => break,
                Ok(Prepared::Waits) => batch.waiting += 1,
                Ok(Prepared::Done) => batch.done += 1,
                Ok(Prepared::Sent) => batch.sent += 1,
                Err(errno) => {
                    batch.stopped = Some(errno);
                    break;
                }
            }
        }
    }
    batch
}

/// A request's surroundings.
struct Call<'a> {
    entry: &'static Entry,
    context: &'a Context,
    /// The call has no other request.
    is_alone: bool,
    /// Nothing waits in the SQ.
    is_empty: bool,
}

/// Where a request goes.
enum Way {
    /// It is done, with this result.
    Done(i64),
    /// To the ring.
    Ring(File),
    NotYet,
}

impl Call<'_> {
    /// Does one request, if nothing waits in the SQ, or puts it there.
    #[inline]
    unsafe fn prepare_one(&self, at: *const *mut iocb) -> Result<Prepared> {
        let (context, ring) = (self.context, self.context.ring());
        // SAFETY: the caller holds the SQ lock; the request is the C caller's, read once.
        unsafe {
            // One may need two.
            if io_uring_sq_space_left(ring) < 2 {
                return Ok(Prepared::NotYet);
            }
            let pages = &mut *context.pages.get();
            pages.check(at, size_of::<*mut iocb>())?;
            let address = at.read_unaligned();
            pages.check(address, size_of::<iocb>())?;
            let mut request = address.read_unaligned();
            check::fields(&request, pages)?;
            if context.slots.is_full() {
                return Err(Errno::EAGAIN);
            }
            let signals = request.aio_flags & IOCB_FLAG_RESFD != 0;
            if signals {
                let eventfd = context.eventfds.hold(request.aio_resfd as c_int)?;
                request.aio_resfd = eventfd as u32;
                if let Err(errno) = self.context.delivery.begin(self.entry) {
                    context.eventfds.let_go(eventfd, 1, false);
                    return Err(errno);
                }
            }
            let prepared = self.take(&request, address);
            if signals && matches!(prepared, Ok(Prepared::NotYet) | Err(_)) {
                context.eventfds.let_go(request.aio_resfd as c_int, 1, false);
            }
            if request.aio_key != 0 && prepared.is_ok() && pages.writable(address, 1) == 1 {
                (&raw mut (*address).aio_key).write_unaligned(0);
            }
            prepared
        }
    }

    unsafe fn take(&self, request: &iocb, address: *mut iocb) -> Result<Prepared> {
        let slots = &self.context.slots;
        // SAFETY: the caller holds the SQ lock.
        unsafe {
            match self.way(request)? {
                Way::NotYet => Ok(Prepared::NotYet),
                Way::Done(result) => {
                    let index = slots.take()?;
                    slots.set(index, request, address as u64);
                    slots.set_done(index, result);
                    slots.push_done(index);
                    Ok(Prepared::Done)
                }
                Way::Ring(file) => self.queue(request, address, file),
            }
        }
    }

    /// What is to become of a request; what is done within the call is done.
    #[inline]
    unsafe fn way(&self, request: &iocb) -> Result<Way> {
        let looks = self.context.looked_at_in_submit();
        // SAFETY: the caller holds the SQ lock.
        unsafe {
            let in_place = &mut *self.context.in_place.get();
            if looks && in_place.goes_to_cache(request) && !self.overtakes() {
                if !self.is_empty {
                    return Ok(Way::NotYet);
                }
                if let Some(result) = in_place::write(request) {
                    return Ok(Way::Done(result));
                }
                in_place.files.distrust(request.aio_fildes as c_int);
            } else if looks && self.is_alone {
                if let Some(result) = in_place.read(request) {
                    return Ok(Way::Done(result));
                }
            }
            let file = check::file_of(request, &mut in_place.files)?;
            let is_here = in_place::is_done_here(request, &file)
                && (looks || file.kind != Kind::Cached)
                && !(check::is_write(request) && file.kind == Kind::Cached && self.overtakes());
            match (is_here, self.is_empty) {
                (true, true) => in_place::do_here(request, &file).map(Way::Done),
                (true, false) => Ok(Way::NotYet),
                (false, _) => Ok(Way::Ring(file)),
            }
        }
    }

    /// Whether a write within the call would overtake one that is on the ring.
    unsafe fn overtakes(&self) -> bool {
        // SAFETY: the caller holds the SQ lock.
        let in_place = unsafe { &mut *self.context.in_place.get() };
        let is_on_ring = |_, slot: &Slot| {
            check::is_write(&slot.request) && slot.fate.load(Ordering::Acquire) != Slot::DONE
        };
        in_place.may_be_on_ring &= self.context.slots.any(is_on_ring);
        in_place.may_be_on_ring
    }

    /// Puts a request into the SQ.
    unsafe fn queue(&self, request: &iocb, address: *mut iocb, file: File) -> Result<Prepared> {
        let (context, ring) = (self.context, self.context.ring());
        let (fd, is_write) = (request.aio_fildes as c_int, check::is_write(request));
        let is_poll = request.aio_lio_opcode == IOCB_CMD_POLL;
        let may_wait = file.kind != Kind::Cached && (is_poll || check::moves_data(request));
        let limit = match file.kind {
            Kind::Socket if may_wait && !is_poll => kept::limit_of(fd, is_write),
            _ => None,
        };
        // SAFETY: the caller holds the SQ lock.
        unsafe {
            if limit.is_some() && !self.is_empty {
                return Ok(Prepared::NotYet);
            }
            let index = context.slots.take()?;
            let sqe = io_uring_get_sqe(ring);
            let prepared = prepare(sqe, request).and_then(|()| {
                context.slots.set(index, request, address as u64);
                match may_wait {
                    true => context.held.keep(ring, &context.slots, index, true),
                    false => Ok(()),
                }
            });
            if let Err(errno) = prepared {
                kept::give_back(ring, &context.slots, index);
                context.slots.untake(1);
                unget_sqe(ring);
                return Err(errno);
            }
            (*sqe).flags |= context.sqe_flags;
            (*sqe).user_data = u64::from(index);
            if may_wait {
                kept::use_kept(sqe, &context.slots, index);
            }
            (*context.in_place.get()).may_be_on_ring |= is_write;
            match limit {
                None => Ok(Prepared::Waits),
                Some(limit) => {
                    (*context.slots.kept(index)).limit = limit;
                    submit_limited(context, sqe, index).map(|()| Prepared::Sent)
                }
            }
        }
    }
}

/// Submits the only request in the SQ together with the time after which it is over.
#[cold]
unsafe fn submit_limited(context: &Context, sqe: *mut io_uring_sqe, index: u32) -> Result<()> {
    let (ring, slots) = (context.ring(), &context.slots);
    // SAFETY: the caller holds the SQ lock, and the slot stays until the request is over.
    unsafe {
        slots[index].gets(Slot::HAS_LIMIT);
        (*sqe).flags |= IOSQE_IO_LINK as u8;
        let after = io_uring_get_sqe(ring);
        io_uring_prep_link_timeout(after, &raw const (*slots.kept(index)).limit, 0);
        (*after).user_data = WAKE_UP;
        // Both, or none; a time whose request is out already is of no use by itself.
        flush(context, 2).map(drop)
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
    let (ring, slots) = (context.ring(), &context.slots);
    // SAFETY: the caller holds the SQ lock, and the server looks at the SQ only within an enter.
    unsafe {
        let tail = (*ring).sq.sqe_tail.wrapping_sub(count);
        let mut requests = 0;
        for ahead in 0..count {
            let at = tail.wrapping_add(ahead) & (*ring).sq.ring_mask;
            let user_data = (*(*ring).sq.sqes.add(at as usize)).user_data;
            let Some(slot) = slots.get(user_data) else { continue };
            if slot.request.aio_flags & IOCB_FLAG_RESFD != 0 {
                context.eventfds.let_go(slot.request.aio_resfd as c_int, 1, false);
            }
            kept::give_back(ring, slots, user_data as u32);
            requests += 1;
        }
        (*ring).sq.sqe_tail = tail;
        (*ring).sq.sqe_head = tail;
        write_once((*ring).sq.ktail, tail);
        slots.untake(requests);
    }
}
