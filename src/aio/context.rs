//! A context's life, and its submission side.

use super::delivery::{self, Delivery};
use super::events;
use super::ids;
use super::in_place::{self, Writes};
use super::mode::Mode;
use super::registry::{self, ContextId, Entry};
use super::request::prepare;
use super::slots::{Slot, Slots};
use super::user;
use super::user_ring::UserRing;
use crate::abi::aio::{iocb, IOCB_FLAG_RESFD};
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::backing;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once, write_once};
use crate::ring::inline::*;
use crate::ring::register::register;
use crate::ring::setup::{queue_exit, queue_init};
use crate::sys::fd::check_eventfd;
use crate::sys::{Errno, Result};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_long, c_void};
use core::mem::{size_of, zeroed};
use core::ptr::null;
use core::sync::atomic::Ordering;

/// SQEs that a ring holds: what one enter submits at the most.
const MAX_BATCH: u32 = 4096;
/// CQEs that a ring holds. More may be in flight: the server keeps what does not fit.
const MAX_CQES: u32 = 64 << 10;
/// For how long a submission thread looks for more before it sleeps: waking it costs a call.
const SQ_THREAD_IDLE_MS: u32 = 1;
/// Requests in one context; the kernel takes no more for a number either.
const MAX_REQUESTS: u32 = 4 << 20;

/// In a CQE's `user_data`: posted only to wake somebody who waits.
pub(super) const WAKE_UP: u64 = 1 << 63;

/// An aio context: a ring and the requests in flight on it.
pub struct Context {
    ring: UnsafeCell<io_uring>,
    pub(super) slots: Slots,
    pub(super) user_ring: UserRing,
    pub(super) delivery: Delivery,
    /// Set in each request's SQE.
    sqe_flags: u8,
    /// Under the SQ lock.
    writes: UnsafeCell<Writes>,
}

impl Context {
    /// The ring. Its SQ side belongs to the holder of the SQ lock, its CQ side to that of the CQ lock.
    pub(super) fn ring(&self) -> *mut io_uring {
        self.ring.get()
    }

    /// What goes into each request's SQE.
    pub(super) fn sqe_flags(&self) -> u8 {
        self.sqe_flags
    }

    /// Whether submitting looks at a request at all; otherwise errors are found later, by another thread.
    fn looked_at_in_submit(&self) -> bool {
        // SAFETY: the flags do not change.
        self.sqe_flags == 0 && unsafe { (*self.ring()).flags } & IORING_SETUP_SQPOLL == 0
    }

    fn new(nr_events: u32, mode: Mode) -> Result<Self> {
        let user_ring = UserRing::new(nr_events)?;
        let slots = Slots::new(user_ring.capacity());
        let made = slots.and_then(|slots| match new_ring(nr_events, mode) {
            Ok(ring) => Ok((slots, ring)),
            Err(errno) => {
                // SAFETY: nobody has used them.
                unsafe { slots.unmap() };
                Err(errno)
            }
        });
        let (slots, ring) = made?;
        Ok(Context {
            ring: UnsafeCell::new(ring),
            slots,
            user_ring,
            delivery: Delivery::new(),
            sqe_flags: if mode == Mode::SqWq { IOSQE_ASYNC as u8 } else { 0 },
            writes: UnsafeCell::new(Writes::new()),
        })
    }
}

fn new_ring(nr_events: u32, mode: Mode) -> Result<io_uring> {
    // SAFETY: params and ring may be zero; queue_init fills the ring in.
    unsafe {
        let mut params: io_uring_params = zeroed();
        let mut ring: io_uring = zeroed();
        params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
        params.cq_entries = nr_events.next_power_of_two().clamp(8, MAX_CQES);
        if mode == Mode::SqThread {
            params.flags |= IORING_SETUP_SQPOLL;
            params.sq_thread_idle = SQ_THREAD_IDLE_MS;
        }
        queue_init(nr_events.clamp(4, MAX_BATCH), &mut ring, &mut params)?;
        backing::keep_private(ring.ring_fd);
        Ok(ring)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: whoever drops a context is its last user.
        unsafe {
            queue_exit(self.ring.get());
            self.slots.unmap();
        }
    }
}

/// Makes a context for `nr_events` requests in flight. `EINVAL` for 0 and too many, or what
/// io_uring_setup(2) answers.
pub fn setup(nr_events: u32, mode: Mode) -> Result<ContextId> {
    match nr_events {
        n if !(1..=MAX_REQUESTS).contains(&n) => Err(Errno::EINVAL),
        n => {
            let entry = registry::insert(Context::new(n, mode)?)?;
            // SAFETY: the entry is live, and nobody else knows of it.
            ids::add(entry, unsafe { &entry.context().user_ring }).inspect_err(|_| unsafe {
                if registry::begin_removal(entry).is_ok() {
                    registry::finish_removal(entry);
                }
            })
        }
    }
}

/// Ends a context: cancels what can be, waits for the rest, wakes those who wait for events.
pub fn destroy(id: ContextId) -> Result<()> {
    let entry = ids::find(id)?;
    registry::begin_removal(entry)?;
    ids::remove(id);
    // SAFETY: the removal began in this call, so the context stays until it is finished below.
    unsafe {
        // Calls that took a lock before the removal began are over once we have had both.
        drop(entry.cq_lock.lock());
        drop(entry.sq_lock.lock());
        let context = entry.context();
        context.delivery.end(entry, context);
        cancel_all(context);
        events::drain(entry, context);
        registry::finish_removal(entry);
    }
    Ok(())
}

unsafe fn cancel_all(context: &Context) {
    // SAFETY: the register call's argument lives in this frame.
    unsafe {
        let mut all: io_uring_sync_cancel_reg = zeroed();
        all.flags = IORING_ASYNC_CANCEL_ANY;
        all.timeout.tv_sec = 0;
        all.timeout.tv_nsec = 0;
        let arg = (&raw const all).cast::<c_void>();
        // That nothing was there to cancel, or that some is past it, changes nothing: drain waits.
        let _ = register(context.ring(), io_uring_register_op::IORING_REGISTER_SYNC_CANCEL, arg, 1);
    }
}

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
        let mut submitted = 0;
        while submitted < most {
            let batch = prepare_batch(entry, context, most - submitted, requests.add(submitted));
            let flushed = match flush(context, batch.taken) {
                Err(errno) if submitted == 0 => return Err(errno),
                Err(_) => break,
                Ok(flushed) => flushed,
            };
            submitted += flushed as usize;
            match batch.stopped {
                Some(errno) if submitted == 0 => return Err(errno),
                Some(_) => break,
                None if flushed < batch.taken => break,
                None => {}
            }
        }
        if submitted == 0 {
            return Err(Errno::EAGAIN);
        }
        if nr == 1 && context.looked_at_in_submit() {
            returned_at_once(context, requests.read())?;
        }
        let delivers = context.delivery.delivers();
        Ok(Submitted { count: submitted as c_int, delivers, contested: false })
    }
}

/// Requests that stand in the SQ, and why there are no more.
struct Batch {
    taken: u32,
    stopped: Option<Errno>,
}

/// What became of a request that is to be submitted.
enum Prepared {
    /// It stands in the SQ.
    Waits,
    /// It is done, and its completion stands there.
    Done,
    /// There is no room for it, or what stands in the SQ has to go out first.
    NotYet,
}

/// Fills the SQ with requests, as many as there are and it holds.
#[inline]
unsafe fn prepare_batch(
    entry: &'static Entry,
    context: &Context,
    nr: usize,
    requests: *const *mut iocb,
) -> Batch {
    let (mut taken, mut is_empty) = (0, true);
    // SAFETY: the caller holds the SQ lock; the requests are the C caller's.
    unsafe {
        (*context.writes.get()).forget();
        while (taken as usize) < nr {
            let request = requests.add(taken as usize).read();
            match prepare_one(entry, context, request, is_empty) {
                Ok(Prepared::NotYet) => break,
                Ok(Prepared::Waits) => is_empty = false,
                Ok(Prepared::Done) => {}
                Err(errno) => return Batch { taken, stopped: Some(errno) },
            }
            taken += 1;
        }
    }
    Batch { taken, stopped: None }
}

/// Puts one request into the SQ, of which nothing is to be done yet if it `is_empty`.
#[inline]
unsafe fn prepare_one(
    entry: &'static Entry,
    context: &Context,
    address: *mut iocb,
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
        let is_here = in_place::is_write(&request) && is_done_here(context, &request);
        if is_here && !is_empty {
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
            (*ring).sq.sqe_tail = (*ring).sq.sqe_tail.wrapping_sub(1);
            return Err(errno);
        }
        context.slots.set(index, &request, address as u64);
        let result = if is_here { in_place::write(&request) } else { None };
        if let Some(result) = result {
            io_uring_prep_nop(sqe);
            context.slots.set_done(index, result);
        } else if is_here {
            (*context.writes.get()).may_be_on_ring = true;
        }
        (*sqe).flags |= context.sqe_flags;
        (*sqe).user_data = u64::from(index);
        Ok(if result.is_some() { Prepared::Done } else { Prepared::Waits })
    }
}

/// Whether a write is to be done within the call: to the page cache, with none on the ring that it would overtake.
unsafe fn is_done_here(context: &Context, request: &iocb) -> bool {
    if !context.looked_at_in_submit() {
        return false;
    }
    // SAFETY: the caller holds the SQ lock.
    let writes = unsafe { &mut *context.writes.get() };
    let is_on_ring = |slot: &Slot| {
        in_place::is_write(&slot.request) && slot.fate.load(Ordering::Acquire) != Slot::DONE
    };
    let is_here =
        writes.goes_to_cache(request) && !(writes.may_be_on_ring && context.slots.any(is_on_ring));
    writes.may_be_on_ring = !is_here;
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
        let to_submit = crate::ring::submit::flush_sq(ring);
        let mut left = to_submit;
        while left > 0 {
            let flags = crate::ring::flags::enter_flags(ring);
            match backing::enter((*ring).enter_ring_fd, left, 0, flags, null(), 0) {
                Ok(n) if n > 0 => left -= (n as u32).min(left),
                Err(Errno::EINTR) => {}
                refused => {
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
unsafe fn returned_at_once(context: &Context, address: *mut iocb) -> Result<()> {
    const NEWEST: u32 = 32;
    let ring = context.ring();
    // SAFETY: CQEs up to the tail are complete; they are read, not consumed. Without the CQ lock they may be
    // reaped meanwhile: then the fate is no longer RUNNING and the event stands.
    unsafe {
        let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
        let ready = tail.wrapping_sub(read_once((*ring).cq.khead));
        for back in 1..=ready.min(NEWEST) {
            let cqe =
                (*ring).cq.cqes.add((tail.wrapping_sub(back) & (*ring).cq.ring_mask) as usize);
            let (index, res) = ((*cqe).user_data, (*cqe).res);
            if res != Errno::EBADF.answer() {
                continue;
            }
            match context.slots.get(index) {
                Some(slot) if slot.address == address as u64 => {
                    let is_ours = events::claim(slot, Slot::RETURNED);
                    return if is_ours { Err(Errno::EBADF) } else { Ok(()) };
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Asks to cancel the request at `address`; `EINPROGRESS` when its event is on its way, `EINVAL` when
/// it is not in flight or past cancelling.
pub unsafe fn cancel(id: ContextId, address: *mut iocb) -> Result<()> {
    let entry = ids::find(id)?;
    user::checked(address, size_of::<iocb>())?;
    let _sq = entry.sq_lock.lock();
    if !entry.is_live() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the entry is live under the SQ lock; the register call's argument lives in this frame.
    unsafe { cancel_in(entry, address as u64) }
}

unsafe fn cancel_in(entry: &Entry, address: u64) -> Result<()> {
    // SAFETY: as said by the only caller.
    unsafe {
        let context = entry.context();
        let index = context.slots.find(address).ok_or(Errno::EINVAL)?;
        let slot = &context.slots[index];
        if !events::claim(slot, Slot::CANCELLED) {
            return Err(Errno::EINVAL);
        }
        let mut which: io_uring_sync_cancel_reg = zeroed();
        which.addr = u64::from(index);
        let arg = (&raw const which).cast::<c_void>();
        let opcode = io_uring_register_op::IORING_REGISTER_SYNC_CANCEL;
        match register(context.ring(), opcode, arg, 1) {
            Ok(_) | Err(Errno::ETIME) => Err(Errno::EINPROGRESS),
            Err(_) => {
                events::unclaim(slot);
                Err(Errno::EINVAL)
            }
        }
    }
}
