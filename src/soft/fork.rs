//! Rings in a process that inherited them. The memory is shared with the parent, the descriptors are the
//! same files, what was registered stays usable; requests in flight, and all that serves them, are the
//! parent's alone.
//!
//! Where the C library has a part in a fork, every lock of ours is held meanwhile, so that the child gets
//! all of it in order. Else a ring that was in use gives up what was registered.

use super::delivery;
use super::ops;
use super::ring::{Core, Ring};
use super::sqpoll::Reader;
use super::turn::Turn;
use super::{keeper, read_ahead, registered_rings, sleepers, table, work, workers};
use crate::sys::fork::{self, Handlers, Subject};
use crate::sys::locks::{self, rank};
use crate::sys::{allocator, crew, lock, process};
use core::ptr::{null_mut, read};
use core::sync::atomic::{AtomicPtr, Ordering};

/// Before a process gets its first ring.
pub fn prepare() {
    for (rank, class) in [
        (rank::KEEPER, &keeper::LOCKS),
        (rank::TABLE, &table::LOCKS),
        (rank::REGISTERED, &registered_rings::LOCKS),
        (rank::RIGHTS, &work::RIGHTS_LOCKS),
        (rank::POOL, &work::POOL_LOCKS),
        (rank::READ_AHEAD, &read_ahead::LOCKS),
        (rank::SLEEPERS, &sleepers::LOCKS),
        (rank::PRIVATE, &work::TABLE_LOCKS),
        (rank::DELIVERY, &delivery::LOCKS),
        (rank::PLACE, &workers::LOCKS),
    ] {
        locks::register(rank, class);
    }
    fork::call_around(&Handlers { hold, let_go, start_over: start_over_in_child });
}

/// The rings whose locks are held for a fork, linked. Its thread's alone.
static HELD: AtomicPtr<Ring> = AtomicPtr::new(null_mut());

/// Rings' locks come first, as wherever one is held, and then what says which rings there are: what has come meanwhile
/// is taken as well, until nothing has.
fn hold() {
    loop {
        locks::take_from_to(rank::RING, rank::TABLE);
        let known = HELD.load(Ordering::Relaxed);
        table::for_each_held(pin);
        let first = HELD.load(Ordering::Relaxed);
        if first == known {
            return;
        }
        locks::release_from_to(rank::RING, rank::TABLE);
        held_from(first).take_while(|ring| !core::ptr::eq(*ring, known)).for_each(hold_ring);
    }
}

/// A ring is to be held, unless it is, by another name of it, or by the call that this fork has interrupted. It stays,
/// however it is closed meanwhile. With the table's lock.
fn pin(ring: &'static Ring) {
    if ring.forking.load(Ordering::Relaxed) || ring.lock().word().is_held_by_caller() {
        return;
    }
    ring.acquire();
    ring.forking.store(true, Ordering::Relaxed);
    let this = (&raw const *ring).cast_mut();
    ring.next_forking.store(HELD.swap(this, Ordering::Relaxed), Ordering::Relaxed);
}

fn hold_ring(ring: &'static Ring) {
    locks::take(ring.lock().word());
    // SAFETY: it was just taken.
    let turn = unsafe { Turn::resume(ring) };
    share(turn.core);
    turn.suspend();
}

/// Another process has the ring, too.
fn share(core: &mut Core) {
    core.owner = lock::owner(core.pid, process::namespace());
    core.memory.control().shared.store(1, Ordering::Relaxed);
}

fn let_go() {
    let first = HELD.swap(null_mut(), Ordering::Relaxed);
    held_from(first).for_each(|ring| ring.forking.store(false, Ordering::Relaxed));
    locks::release_from_to(rank::RING, rank::TABLE);
    // What a turn does at its end may look into the table.
    let mut next = first;
    // SAFETY: pin has taken a reference to each, which is given up once its next one is known.
    while let Some(ring) = unsafe { next.as_ref() } {
        next = ring.next_forking.load(Ordering::Relaxed);
        // SAFETY: hold_ring has suspended a turn.
        drop(unsafe { Turn::resume(ring) });
        keeper::attend_if_wanted(ring);
        table::give_up(ring);
    }
}

/// The rings from `first` on.
fn held_from(first: *mut Ring) -> impl Iterator<Item = &'static Ring> {
    let mut at = first;
    core::iter::from_fn(move || {
        // SAFETY: pin has taken a reference to each.
        let here = unsafe { at.as_ref() }?;
        at = here.next_forking.load(Ordering::Relaxed);
        Some(here)
    })
}

fn start_over_in_child() {
    allocator::start_over();
    crew::start_over();
    table::start_over_now();
}

/// Makes a ring that this process inherited its own.
///
/// # Safety
/// No other thread of this process may know of rings yet.
pub unsafe fn adopt(ring: &Ring) {
    let was_forking = ring.forking.swap(false, Ordering::Relaxed) && fork::is_tidy();
    let is_tidy = was_forking || !ring.lock().is_held();
    // SAFETY: the caller says that this is the only thread.
    unsafe {
        let core = &mut *ring.core();
        // What is not taken over is not dropped either: threads of the parent may have been at it.
        core.requests.leave_behind();
        core.accepts.forget();
        let mut new = Core::new(read(&core.memory), core.flags, core.held);
        share(&mut new);
        new.disabled = core.disabled;
        new.issuer = core.issuer;
        // The page of the issuer's stack is here, too: it is looked for by its id.
        new.clock = core.clock;
        new.is_private = core.is_private;
        new.has_skipped = core.has_skipped;
        core.polls.close();
        core.tables.keeper.close();
        if was_forking {
            // Right after the fork: the numbers are still what they were.
            for request in core.requests.iter() {
                core::mem::forget((*request).passed.take());
                (*request).release_file();
                ops::leave_behind(&mut *request);
            }
            core.direct.leave_behind();
            core.summons.leave_behind();
        }
        if is_tidy {
            new.files = read(&core.files);
            new.buffers = read(&core.buffers);
            new.provided = read(&core.provided);
            new.announce = read(&core.announce);
            new.personalities = read(&core.personalities);
            new.region = read(&core.region);
            new.reader = read(&core.reader);
            new.reader.iter().for_each(Reader::leave_behind);
        }
        // Nobody changes them once the ring is enabled.
        new.restrictions = read(&core.restrictions);
        core::ptr::write(core, new);
        ring.start_over();
    }
}

/// Calls `start` if the rings are not yet this process's.
#[inline]
pub fn start_over(start: impl FnOnce()) {
    fork::look();
    fork::start_over(Subject::Table, start);
}
