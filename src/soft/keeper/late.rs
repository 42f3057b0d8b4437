//! Rings that are left to whoever has the keeper's lock for long: a signal handler may have interrupted that thread.

use super::{attend_in, forget, KEEPER};
use crate::soft::ring::Ring;
use crate::soft::table;
use crate::soft::turn::Turn;
use core::ptr::null_mut;
use core::sync::atomic::{fence, AtomicPtr, Ordering};

/// Them, linked, with a reference to each. Whoever has the lock sees to them afterwards.
static LATE: AtomicPtr<Ring> = AtomicPtr::new(null_mut());

/// Leaves a ring for whoever has the lock, or its own.
#[cold]
pub fn leave(ring: &Ring) {
    put(ring);
    // Either it is seen there, or the lock is free now.
    if !KEEPER.lock.word().is_held() {
        see_to();
    }
}

fn put(ring: &Ring) {
    if ring.is_late.swap(true, Ordering::SeqCst) {
        return;
    }
    ring.acquire();
    let (this, mut next) = ((&raw const *ring).cast_mut(), LATE.load(Ordering::Relaxed));
    loop {
        ring.next_late.store(next, Ordering::Relaxed);
        match LATE.compare_exchange(next, this, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return fence(Ordering::SeqCst),
            Err(now) => next = now,
        }
    }
}

/// Sees to what was left while this thread had the lock. Without any lock.
pub fn see_to() {
    fence(Ordering::SeqCst);
    if !LATE.load(Ordering::Relaxed).is_null() {
        see_to_each();
    }
}

#[cold]
fn see_to_each() {
    let mut at = LATE.swap(null_mut(), Ordering::AcqRel);
    // SAFETY: what is in the list has a reference, which is given up last.
    while let Some(ring) = unsafe { at.as_ref() } {
        at = ring.next_late.load(Ordering::Relaxed);
        ring.is_late.store(false, Ordering::SeqCst);
        match Turn::take_patiently(ring) {
            // Who has it attends to it when it leaves.
            None => ring.wants_keeper.store(true, Ordering::SeqCst),
            Some(turn) if turn.core.is_closed => {
                drop(turn);
                forget(ring);
            }
            Some(turn) => attend_in(turn),
        }
        table::give_up(ring);
    }
}
