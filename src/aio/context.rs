//! A context's life, and cancelling what is in flight on it.

use super::cancel::{cancel_by_sqe, cancel_each, cancel_now, have_taken};
use super::delivery::Delivery;
use super::eventfds::Eventfds;
use super::events;
use super::ids;
use super::in_place::InPlace;
use super::kept::HeldFiles;
use super::leaving::Submitter;
use super::lost::{self, HasOld, Old};
use super::mode::Mode;
use super::nested::Nested;
use super::pages::Pages;
use super::registry::{self, ContextId, Entry};
use super::slots::{Slot, Slots};
use super::user_ring::UserRing;
use crate::abi::aio::iocb;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::backing::{self, Private};
use crate::ring::setup::{queue_exit, queue_init};
use crate::sys::{caller, fd, Errno, Result};
use core::cell::UnsafeCell;
use core::mem::{size_of, zeroed};
use core::sync::atomic::{AtomicU32, Ordering};

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
    /// Changes under both locks.
    pub(super) private: UnsafeCell<Private>,
    /// What its ring was made for.
    pub(super) nr_events: u32,
    pub(super) mode: Mode,
    /// Under the CQ lock.
    pub(super) old: UnsafeCell<Option<Old>>,
    pub(super) has_old: HasOld,
    pub(super) slots: Slots,
    pub(super) user_ring: UserRing,
    pub(super) delivery: Delivery,
    /// How many CQEs a visitor waits for who came alone; 0: each waits for one.
    pub(super) wanted: AtomicU32,
    /// Set in each request's SQE.
    pub(super) sqe_flags: u8,
    /// Under the SQ lock.
    pub(super) in_place: UnsafeCell<InPlace>,
    /// Memory of requests. Under the SQ lock.
    pub(super) pages: UnsafeCell<Pages>,
    /// Memory of events. Under the CQ lock.
    pub(super) event_pages: UnsafeCell<Pages>,
    pub(super) held: HeldFiles,
    pub(super) nested: Nested,
    pub(super) submitter: Submitter,
    /// The kernel's ring gives up, or fails, what a thread has in flight that ends.
    pub(super) depends_on_threads: bool,
    pub(super) eventfds: Eventfds,
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

    /// Whether the program has closed the ring, which it does not know: nothing that is in flight comes any more.
    pub(super) fn is_lost(&self) -> bool {
        // SAFETY: the descriptor does not change.
        unsafe { !(*self.private.get()).is_at((*self.ring()).ring_fd) }
    }

    /// Whether submitting looks at a request at all; otherwise errors are found later, by another thread.
    pub(super) fn looked_at_in_submit(&self) -> bool {
        // SAFETY: the flags do not change.
        self.sqe_flags == 0 && unsafe { (*self.ring()).flags } & IORING_SETUP_SQPOLL == 0
    }

    fn new(nr_events: u32, mode: Mode) -> Result<Self> {
        // Threads are told apart.
        caller::is_of_c_library();
        let user_ring = UserRing::new(nr_events)?;
        let slots = Slots::new(user_ring.capacity());
        let made = slots.and_then(|slots| match new_ring(nr_events, mode) {
            Ok(made) => Ok((slots, made)),
            Err(errno) => {
                // SAFETY: nobody has used them.
                unsafe { slots.unmap() };
                Err(errno)
            }
        });
        let (slots, (ring, private)) = made?;
        WITH_RINGS.fetch_add(1, Ordering::Relaxed);
        Ok(Context {
            ring: UnsafeCell::new(ring),
            private: UnsafeCell::new(private),
            nr_events,
            mode,
            old: UnsafeCell::new(None),
            has_old: HasOld::new(),
            slots,
            user_ring,
            delivery: Delivery::new(),
            wanted: AtomicU32::new(0),
            sqe_flags: if mode == Mode::SqWq { IOSQE_ASYNC as u8 } else { 0 },
            in_place: UnsafeCell::new(InPlace::new()),
            pages: UnsafeCell::new(Pages::new()),
            event_pages: UnsafeCell::new(Pages::new()),
            held: HeldFiles::new(),
            nested: Nested::new(),
            submitter: Submitter::new(),
            depends_on_threads: private.is_kernels() && mode != Mode::SqThread,
            eventfds: Eventfds::new(),
        })
    }
}

/// [`queue_init`] of a private ring that takes what follows a refused SQE, where the kernel knows that (since Linux 5.18).
///
/// # Safety
/// As for that.
pub(super) unsafe fn init_ring(
    entries: u32,
    ring: &mut io_uring,
    params: &mut io_uring_params,
) -> Result<Private> {
    // SAFETY: as the caller says. A setup that fails has left nothing in the ring.
    unsafe {
        let plain = *params;
        params.flags |= IORING_SETUP_SUBMIT_ALL;
        match queue_init(entries, ring, params) {
            Err(Errno::EINVAL) => {
                *params = plain;
                queue_init(entries, ring, params)?;
            }
            made => made?,
        }
        let (fd, private) = backing::keep_private(ring.ring_fd);
        (ring.ring_fd, ring.enter_ring_fd) = (fd, fd);
        Ok(private)
    }
}

/// Unmaps such a ring and closes it, unless its descriptor is another file by now.
///
/// # Safety
/// The ring must not be used again.
pub(super) unsafe fn exit_ring(ring: *mut io_uring, private: Private) {
    // SAFETY: as the caller says.
    unsafe {
        if !private.is_at((*ring).ring_fd) {
            (*ring).ring_fd = -1;
        }
        queue_exit(ring);
    }
}

pub(super) fn new_ring(nr_events: u32, mode: Mode) -> Result<(io_uring, Private)> {
    // SAFETY: params and ring may be zero; queue_init fills the ring in.
    unsafe {
        let mut params: io_uring_params = zeroed();
        let mut ring: io_uring = zeroed();
        params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        params.cq_entries = nr_events.next_power_of_two().clamp(8, MAX_CQES);
        if mode == Mode::SqThread {
            params.flags |= IORING_SETUP_SQPOLL;
            params.sq_thread_idle = SQ_THREAD_IDLE_MS;
        }
        let private = init_ring(nr_events.clamp(4, MAX_BATCH), &mut ring, &mut params)?;
        Ok((ring, private))
    }
}

/// Contexts that have a ring, with descriptors that the kernel's aio does without.
static WITH_RINGS: AtomicU32 = AtomicU32::new(0);

/// Whether one more leaves the program most of the descriptors that it may have.
pub fn has_descriptors_left() -> bool {
    /// This part of them may be contexts'.
    const SHARE: u64 = 8;
    let wanted = u64::from(WITH_RINGS.load(Ordering::Relaxed) + 1) * backing::descriptors_of_ring();
    fd::nofile_limit(None).is_ok_and(|limit| wanted <= limit.rlim_cur / SHARE)
}

impl Drop for Context {
    fn drop(&mut self) {
        WITH_RINGS.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: whoever drops a context is its last user.
        unsafe {
            lost::end_old(self, false);
            exit_ring(self.ring.get(), *self.private.get());
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
    // A signal handler cannot end what it has interrupted.
    drop(entry.cq_lock.lock_unless_interrupted().ok_or(Errno::EAGAIN)?);
    drop(entry.sq_lock.lock_unless_interrupted().ok_or(Errno::EAGAIN)?);
    registry::begin_removal(entry)?;
    ids::remove(id);
    entry.forget_own_visits();
    // SAFETY: the removal began in this call, so the context stays until it is finished below.
    unsafe {
        // Calls that took a lock before the removal began are over once we have had both.
        drop(entry.cq_lock.lock());
        drop(entry.sq_lock.lock());
        let context = entry.context();
        if context.is_lost() {
            end_lost(entry, context);
            return Ok(());
        }
        context.delivery.end(entry, context);
        lost::end_old(context, false);
        cancel_all(entry, context);
        if events::drain(entry, context) {
            registry::finish_removal(entry);
        }
    }
    Ok(())
}

/// Ends a context whose ring is gone. Threads that sleep on that cannot be woken: with them, the context stays.
unsafe fn end_lost(entry: &Entry, context: &Context) {
    // SAFETY: the caller began the removal.
    unsafe {
        if context.delivery.stop() && entry.visitors.load(Ordering::SeqCst) == 0 {
            registry::finish_removal(entry);
        }
    }
}

unsafe fn cancel_all(entry: &Entry, context: &Context) {
    // SAFETY: the SQ lock makes the ring's SQ side ours; after the removal began nobody else takes it.
    unsafe {
        have_taken(context.ring());
        // That nothing was there to cancel, or that some is past it, changes nothing: drain waits.
        if cancel_now(context.ring(), None) == Err(Errno::EINVAL) {
            let _sq = entry.sq_lock.lock();
            cancel_each(context.ring(), &context.slots, WAKE_UP);
        }
    }
}

/// Asks to cancel the request at `address`; `EINPROGRESS` when its event is on its way, `EINVAL` when
/// it is not in flight or past cancelling.
pub unsafe fn cancel(id: ContextId, address: *mut iocb) -> Result<()> {
    let entry = ids::find(id)?;
    // In a signal handler that has interrupted a call on the context.
    let _sq = entry.sq_lock.lock_unless_interrupted().ok_or(Errno::EAGAIN)?;
    if !entry.is_live() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the entry is live under the SQ lock; the request can be read.
    unsafe {
        let context = entry.context();
        (*context.pages.get()).check(address, size_of::<iocb>())?;
        // What was submitted has 0 there.
        if (&raw const (*address).aio_key).read_unaligned() != 0 {
            return Err(Errno::EINVAL);
        }
        cancel_in(entry, address as u64)
    }
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
        let (ring, which) = (context.ring(), u64::from(index));
        have_taken(ring);
        let cancelled = match cancel_now(ring, Some(which)) {
            Err(Errno::EINVAL) => cancel_by_sqe(ring, which, WAKE_UP | which),
            cancelled => cancelled,
        };
        match cancelled {
            Ok(()) | Err(Errno::ETIME) => Err(Errno::EINPROGRESS),
            Err(_) => {
                events::unclaim(slot);
                Err(Errno::EINVAL)
            }
        }
    }
}
