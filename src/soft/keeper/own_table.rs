//! Keepers of rings whose descriptors are in a table of a thread's own: each has a thread, which is made from whoever
//! leaves the ring, and shares that table.

use super::{look, needs_keeper, Kept, Own, LINGER};
use crate::soft::ring::Ring;
use crate::soft::table;
use crate::soft::turn::Turn;
use crate::sys::clock::{nanoseconds, Deadline};
use crate::sys::epoll::{self, Event};
use crate::sys::{file, worker, Errno};
use alloc::vec::Vec;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

/// Has a keeper see to a ring that its last visitor leaves, who has a table of its own.
pub fn attend(mut turn: Turn) {
    let ring = turn.ring;
    let is_needed = needs_keeper(&turn);
    ring.wants_keeper.store(is_needed, Ordering::Relaxed);
    if turn.core.tables.keeper.is_there() {
        turn.core.tables.keeper.call();
    } else if is_needed {
        start(&mut turn);
    }
}

/// The program has closed a ring: its keeper is to end.
pub fn forget(ring: &Ring) {
    let turn = Turn::take(ring);
    if turn.core.tables.keeper.is_there() {
        turn.core.tables.keeper.call();
    }
}

fn start(turn: &mut Turn) {
    let Ok(own) = Own::open() else { return };
    turn.ring.acquire();
    turn.core.tables.keeper = own;
    let arg = (&raw const *turn.ring).cast_mut().cast();
    // SAFETY: the reference keeps the ring.
    if unsafe { worker::spawn(run, arg) }.is_err() {
        // The caller's keeps it now.
        turn.ring.release();
        core::mem::replace(&mut turn.core.tables.keeper, Own::NONE).close();
    }
}

/// The thread.
extern "C" fn run(ring: *mut c_void) -> *mut c_void {
    // SAFETY: whoever made the thread gave it a reference.
    let ring: &'static Ring = unsafe { &*ring.cast::<Ring>() };
    worker::set_name(c"anyring-keeper");
    let own = Turn::take(ring).core.tables.keeper;
    keep(ring, &own);
    own.close();
    table::give_up(ring);
    null_mut()
}

/// Keeps the ring until it needs no keeper. Whoever leaves it from then on has another one made.
fn keep(ring: &'static Ring, own: &Own) {
    let mut kept = Kept { ring, entered: 0, head: 0, is_known: false, epoll: -1, glances: 0 };
    loop {
        let now = nanoseconds(libc::CLOCK_MONOTONIC);
        let mut messaged = Vec::new();
        let again = look(&mut kept, own.epoll.fd, now, &mut messaged);
        messaged.iter().for_each(|ring| super::attend(ring));
        if again.is_none() && leaves(ring, |turn| turn.core.is_closed) {
            return;
        }
        let until = again.unwrap_or(now + LINGER);
        let left = (until != u64::MAX).then(|| Deadline::at_nanoseconds(until).left_as_libc());
        let mut events = [Event { events: 0, u64: 0 }; 2];
        // SAFETY: there is no mask.
        let got =
            unsafe { epoll::wait(own.epoll.fd, &mut events, left.as_ref(), core::ptr::null()) };
        file::clear(own.call.fd);
        let is_idle = again.is_none() && got == Ok(0);
        let is_lost = got.is_err_and(|errno| errno != Errno::EINTR);
        if is_lost || (is_idle && leaves(ring, is_unneeded)) {
            return leave(&mut Turn::take(ring));
        }
    }
}

fn is_unneeded(turn: &Turn) -> bool {
    turn.core.polls.is_served() || !needs_keeper(turn)
}

/// Leaves the ring if that is so.
fn leaves(ring: &Ring, is_so: impl Fn(&Turn) -> bool) -> bool {
    let mut turn = Turn::take(ring);
    let leaves = is_so(&turn);
    if leaves {
        leave(&mut turn);
    }
    leaves
}

fn leave(turn: &mut Turn) {
    turn.core.tables.keeper = Own::NONE;
}
