//! A context whose ring the program has closed, which it does not know of: with close_range(2), say. It gets another
//! ring. What is in flight on the kernel's old one completes in its memory, which stays mapped as long; what was in flight
//! on one that was served here is over.

use super::context::{new_ring, Context};
use super::kept;
use super::registry::Entry;
use super::slots::Slot;
use crate::abi::liburing::io_uring;
use crate::abi::uring::io_uring_cqe;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::ring::inline::io_uring_cq_advance;
use crate::ring::setup::queue_exit;
use crate::sys::Errno;
use core::sync::atomic::{AtomicU32, Ordering};

/// The ring that was closed.
pub struct Old {
    ring: io_uring,
    /// Requests in flight on it.
    left: u32,
}

/// Whether there is a closed ring with requests in flight.
pub struct HasOld(AtomicU32);

impl HasOld {
    /// There is none.
    pub const fn new() -> Self {
        HasOld(AtomicU32::new(0))
    }

    /// Whether there is one.
    #[inline]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    fn set(&self, has: bool) {
        self.0.store(u32::from(has), Ordering::Relaxed);
    }
}

/// Gives a context another ring if its own is lost; whether it did. Not where a thread of ours sleeps on that, and is not to
/// be woken. Whether it is lost `is_certain` when the ring has said so.
#[cold]
pub fn renew(entry: &Entry, is_certain: bool) -> bool {
    let Some(_cq) = entry.cq_lock.lock_unless_interrupted() else { return false };
    let Some(_sq) = entry.sq_lock.lock_unless_interrupted() else { return false };
    if !entry.is_live() {
        return false;
    }
    // SAFETY: the entry is live under both locks.
    unsafe {
        let context = entry.context();
        if context.delivery.has_begun() || !(is_certain || context.is_lost()) {
            return false;
        }
        end_old(context, true);
        let Ok((ring, private)) = new_ring(context.nr_events, context.mode) else { return false };
        let was_kernels = (*context.private.get()).is_kernels();
        context.private.get().write(private);
        let old = core::mem::replace(&mut *context.ring(), ring);
        context.held.start_over();
        let left = context.slots.count_such(is_running) as u32;
        context.slots.any(|_, slot| {
            if is_running(slot) {
                slot.gets(Slot::IS_LOST);
            }
            false
        });
        (*context.old.get()) = Some(Old { ring: old, left });
        context.has_old.set(true);
        if left == 0 || !was_kernels {
            end_old(context, true);
        }
    }
    true
}

fn is_running(slot: &Slot) -> bool {
    matches!(slot.fate.load(Ordering::Acquire), Slot::RUNNING | Slot::CANCELLED)
}

/// Takes what has completed on the closed ring; how many events `sink` was given, `nr` at the most.
///
/// # Safety
/// The caller must hold the CQ lock.
#[cold]
pub unsafe fn consume_old(context: &Context, nr: usize, mut sink: impl FnMut(u32, i64)) -> usize {
    let mut got = 0;
    // SAFETY: as the caller says. CQEs before the acquired tail are complete.
    unsafe {
        let Some(old) = &mut *context.old.get() else { return 0 };
        while got < nr {
            let Some(cqe) = next(&old.ring) else { break };
            let (user_data, res) = ((*cqe).user_data, (*cqe).res);
            io_uring_cq_advance(&raw mut old.ring, 1);
            if context.slots.get(user_data).is_some_and(|slot| slot.has(Slot::IS_LOST)) {
                old.left = old.left.saturating_sub(1);
                sink(user_data as u32, i64::from(res));
                got += 1;
            }
        }
        if old.left == 0 {
            end_old(context, false);
        }
    }
    got
}

unsafe fn next(ring: &io_uring) -> Option<*const io_uring_cqe> {
    // SAFETY: the ring is mapped.
    unsafe {
        let (head, tail) = (read_once(ring.cq.khead), io_uring_smp_load_acquire(ring.cq.ktail));
        (head != tail).then(|| ring.cq.cqes.add((head & ring.cq.ring_mask) as usize).cast_const())
    }
}

/// How many CQEs stand in the closed ring.
///
/// # Safety
/// The caller must hold the CQ lock.
pub unsafe fn ready_old(context: &Context) -> usize {
    // SAFETY: as the caller says.
    unsafe {
        let Some(old) = &*context.old.get() else { return 0 };
        io_uring_smp_load_acquire(old.ring.cq.ktail).wrapping_sub(read_once(old.ring.cq.khead))
            as usize
    }
}

/// Unmaps the closed ring. What is in flight on it is over; events say so if they `are_wanted`.
///
/// # Safety
/// The caller must hold both locks, or be the last user; without wanting events, the CQ lock is enough.
pub unsafe fn end_old(context: &Context, are_wanted: bool) {
    // SAFETY: as the caller says. The ring's descriptor is another file by now, or none.
    unsafe {
        let Some(mut old) = (*context.old.get()).take() else { return };
        context.has_old.set(false);
        old.ring.ring_fd = -1;
        queue_exit(&raw mut old.ring);
        context.slots.any(|index, slot| {
            if slot.has(Slot::IS_LOST) && is_running(slot) {
                if are_wanted {
                    context.slots.set_done(index, Errno::ECANCELED.answer().into());
                    context.slots.push_done(index);
                } else {
                    kept::give_back(context.ring(), &context.slots, index);
                    context.slots.give(index);
                }
            }
            false
        });
    }
}
