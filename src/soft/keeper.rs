//! The keeper: one thread a process, while it is needed, that serves rings which nobody is inside of. Files
//! become ready and times come also when the program only looks at its completion queue, or sleeps in poll
//! or epoll on the ring's descriptor.
//!
//! A ring that is entered again and again keeps itself: the keeper looks at it once a tick and does nothing.
//! One that was not entered for a tick it serves, until it is: its epoll is in the keeper's. Where the program
//! sleeps in poll or epoll on the ring's descriptor and not in enter, it goes on serving. It also ends the
//! readiness of a ring's descriptor when the program has taken the CQEs without a call.

use super::ring::Ring;
use super::table::Used;
use super::timers;
use super::turn::Turn;
use crate::sys::clock::{nanoseconds, Deadline};
use crate::sys::epoll::{self, Event, EPOLL_CTL_ADD, EPOLL_CTL_DEL};
use crate::sys::lock::Lock;
use crate::sys::{fd, file, worker};
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// Between two looks at rings that were entered since the last.
const TICK: u64 = 1_000_000;
/// Between two looks at a descriptor that is readable: it must not be so much longer than there are CQEs.
const GLANCE: u64 = 50_000;
const RARELY: u64 = 50_000_000;
/// After so many glances in vain they become ticks, and rare after as many of those.
const GLANCES: u32 = 100;
/// How long it stays when there is nothing to keep.
const LINGER: u64 = 200_000_000;
/// `data` of what wakes the keeper.
const CALL: u64 = u64::MAX;

/// A ring that is kept.
struct Kept {
    /// With a reference of its own.
    ring: &'static Ring,
    /// How often it had been entered at the last look.
    entered: u32,
    /// The head of its completion queue then.
    head: u32,
    /// It was looked at before.
    is_known: bool,
    /// Its epoll, while that is in the keeper's; -1.
    epoll: c_int,
    /// Looks at its readable descriptor since that was last not so.
    glances: u32,
}

struct Keeper {
    lock: Lock,
    rings: UnsafeCell<Vec<Kept>>,
    /// The thread runs.
    runs: AtomicU32,
    /// It looks again within a tick: it needs no call.
    looks: AtomicU32,
    /// It is not to linger.
    hurries: AtomicU32,
    epoll: AtomicI32,
    /// Readable when the keeper is called.
    call: AtomicI32,
}

// SAFETY: the rings are only touched under the lock.
unsafe impl Sync for Keeper {}

static KEEPER: Keeper = Keeper {
    lock: Lock::new(),
    rings: UnsafeCell::new(Vec::new()),
    runs: AtomicU32::new(0),
    looks: AtomicU32::new(0),
    hurries: AtomicU32::new(0),
    epoll: AtomicI32::new(-1),
    call: AtomicI32::new(-1),
};

/// Has the keeper see to a ring that its last visitor leaves with something under way.
#[cold]
pub fn attend(ring: &Ring) {
    let turn = Turn::take(ring);
    let messaged = core::mem::take(&mut turn.core.messaged);
    attend_in(turn);
    messaged.iter().for_each(|ring| attend(ring));
}

fn attend_in(turn: Turn) {
    let ring = turn.ring;
    if !needs_keeper(&turn) {
        ring.wants_keeper.store(false, Ordering::Relaxed);
        return;
    }
    let held = KEEPER.lock.lock();
    if !turn.core.is_kept {
        ring.acquire();
        turn.core.is_kept = true;
        // SAFETY: the reference keeps the ring; the lock makes the list ours.
        unsafe {
            let ring: &'static Ring = core::mem::transmute::<&Ring, &'static Ring>(ring);
            (*KEEPER.rings.get()).push(Kept {
                ring,
                entered: 0,
                head: 0,
                is_known: false,
                epoll: -1,
                glances: 0,
            });
        }
    }
    ring.due.store(0, Ordering::Relaxed);
    KEEPER.hurries.store(0, Ordering::Relaxed);
    call();
    drop(held);
}

/// [`attend`], if the ring needs it. Without any ring's lock.
#[inline]
pub fn attend_if_wanted(ring: &Ring) {
    if ring.wants_keeper.load(Ordering::Relaxed) {
        attend(ring);
    }
}

/// The same, and gives up a reference that was counted by hand.
pub fn attend_and_give_up(ring: &'static Ring) {
    attend_if_wanted(ring);
    super::table::give_up(ring);
}

/// The process has no ring any more: the keeper ends at once, and its descriptors go.
pub fn end() {
    let _held = KEEPER.lock.lock();
    // SAFETY: the lock makes the list ours.
    let is_needed = unsafe { !(*KEEPER.rings.get()).is_empty() };
    if !is_needed && KEEPER.runs.load(Ordering::Relaxed) != 0 {
        KEEPER.hurries.store(1, Ordering::Relaxed);
        let _ = file::signal(KEEPER.call.load(Ordering::Relaxed));
    }
}

/// The program has closed a ring: it is not kept any more. Without the ring's lock.
pub fn forget(ring: &Ring) {
    let held = KEEPER.lock.lock();
    // SAFETY: the lock makes the list ours.
    let rings = unsafe { &mut *KEEPER.rings.get() };
    let Some(at) = rings.iter().position(|kept| core::ptr::eq(kept.ring, ring)) else { return };
    let mut gone = rings.swap_remove(at);
    release(&mut gone, KEEPER.epoll.load(Ordering::Relaxed));
    drop(held);
    super::table::give_up(gone.ring);
}

fn needs_keeper(turn: &Turn) -> bool {
    !turn.core.is_closed
        && (turn.core.polls.armed > 0
            || turn.core.timers.next().is_some()
            || turn.core.memory.control().readable.load(Ordering::Relaxed) != 0
            || (turn.core.is_unannounced && turn.core.memory.ready() > 0))
}

/// Wakes the keeper, or starts it. Under the lock.
fn call() {
    if KEEPER.runs.load(Ordering::Relaxed) == 0 {
        return start();
    }
    if KEEPER.looks.swap(1, Ordering::AcqRel) == 0 {
        let _ = file::signal(KEEPER.call.load(Ordering::Relaxed));
    }
}

fn start() {
    if KEEPER.epoll.load(Ordering::Relaxed) < 0 {
        let Ok(made) = epoll::create() else { return };
        let Ok(call) = file::eventfd_nonblocking() else {
            // SAFETY: it was just made.
            let _ = unsafe { fd::close(made) };
            return;
        };
        let (made, call) = (fd::move_away(made), fd::move_away(call));
        let _ = epoll::control(made, EPOLL_CTL_ADD, call, libc::EPOLLIN as u32, CALL);
        KEEPER.epoll.store(made, Ordering::Relaxed);
        KEEPER.call.store(call, Ordering::Relaxed);
    }
    KEEPER.looks.store(1, Ordering::Relaxed);
    KEEPER.runs.store(1, Ordering::Relaxed);
    // SAFETY: the keeper needs nothing.
    if unsafe { worker::spawn(run, null_mut()) }.is_err() {
        KEEPER.runs.store(0, Ordering::Relaxed);
        close_own();
    }
}

/// A new process has no keeper.
pub fn start_over() {
    // SAFETY: the process has one thread.
    unsafe { KEEPER.lock.reset() };
    // SAFETY: the process has one thread. What the rings were is the parent's.
    unsafe { core::ptr::write(KEEPER.rings.get(), Vec::new()) };
    KEEPER.runs.store(0, Ordering::Relaxed);
    close_own();
}

/// Closes what wakes the keeper. Under the lock, without a keeper.
fn close_own() {
    for own in [&KEEPER.epoll, &KEEPER.call] {
        let own = own.swap(-1, Ordering::Relaxed);
        if own >= 0 {
            // SAFETY: nobody else knows of it.
            let _ = unsafe { fd::close(own) };
        }
    }
}

/// The thread.
extern "C" fn run(_: *mut c_void) -> *mut c_void {
    worker::set_name(c"anyring-keeper");
    let (outer, call) = (KEEPER.epoll.load(Ordering::Relaxed), KEEPER.call.load(Ordering::Relaxed));
    let mut idle_since = 0;
    while let Some(until) = look_at_all(outer, &mut idle_since) {
        let mut events = [Event { events: 0, u64: 0 }; 16];
        let left = until.map(|until| until.left_as_libc());
        // SAFETY: there is no mask.
        let got = unsafe { epoll::wait(outer, &mut events, left.as_ref(), core::ptr::null()) };
        KEEPER.looks.store(1, Ordering::Relaxed);
        for event in &events[..got.unwrap_or(0)] {
            match event.u64 {
                CALL => file::clear(call),
                ring => make_due(ring as *const Ring),
            }
        }
    }
    null_mut()
}

/// Something has happened to a ring, unless it was forgotten since and is no more.
fn make_due(ring: *const Ring) {
    let _held = KEEPER.lock.lock();
    // SAFETY: the lock makes the list ours.
    let rings = unsafe { &*KEEPER.rings.get() };
    if let Some(kept) = rings.iter().find(|kept| core::ptr::eq(kept.ring, ring)) {
        kept.ring.due.store(0, Ordering::Relaxed);
    }
}

/// Looks at each ring; returns when to look again, none for when something happens. None at all when there
/// is nothing to keep: the thread ends.
fn look_at_all(outer: c_int, idle_since: &mut u64) -> Option<Option<Deadline>> {
    let held = KEEPER.lock.lock();
    // SAFETY: the lock makes the list ours.
    let rings = unsafe { &mut *KEEPER.rings.get() };
    let now = nanoseconds(libc::CLOCK_MONOTONIC);
    let mut next = u64::MAX;
    let mut at = 0;
    let mut messaged = Vec::new();
    while at < rings.len() {
        let due = rings[at].ring.due.load(Ordering::Relaxed);
        let again = match due > now {
            true => Some(due),
            false => look(&mut rings[at], outer, now, &mut messaged),
        };
        match again {
            Some(again) => {
                rings[at].ring.due.store(again, Ordering::Relaxed);
                next = next.min(again);
                at += 1;
            }
            None => {
                let gone = rings.swap_remove(at);
                super::table::give_up(gone.ring);
            }
        }
    }
    if !rings.is_empty() {
        *idle_since = 0;
    } else if *idle_since == 0 {
        *idle_since = now;
    }
    let hurries = KEEPER.hurries.load(Ordering::Relaxed) != 0;
    if rings.is_empty() && (hurries || now - *idle_since >= LINGER) {
        *rings = Vec::new();
        KEEPER.runs.store(0, Ordering::Relaxed);
        close_own();
        return None;
    }
    if *idle_since != 0 {
        next = *idle_since + LINGER;
    }
    // Without a time, whoever leaves a ring has to call.
    let looks = next <= now.saturating_add(TICK);
    KEEPER.looks.store(u32::from(looks), Ordering::Relaxed);
    drop(held);
    messaged.iter().for_each(|ring: &Used| attend(ring));
    Some((next != u64::MAX).then(|| Deadline::at_nanoseconds(next)))
}

/// Looks at a ring, and serves it when nobody has entered it since the last look. Returns when to look again,
/// in nanoseconds; none when it needs no keeper any more. Rings that it sent messages to are added to `messaged`.
fn look(kept: &mut Kept, outer: c_int, now: u64, messaged: &mut Vec<Used>) -> Option<u64> {
    let entered = kept.ring.entered.load(Ordering::Relaxed);
    let is_attended = core::mem::replace(&mut kept.entered, entered) != entered;
    let Some(mut turn) = Turn::try_take(kept.ring) else {
        return Some(now + if kept.epoll >= 0 { GLANCE } else { TICK });
    };
    // What workers have handed in may need it.
    turn.run();
    messaged.append(&mut turn.core.messaged);
    if !turn.core.memory.is_there() || !needs_keeper(&turn) {
        release(kept, outer);
        turn.core.is_kept = false;
        kept.ring.wants_keeper.store(false, Ordering::Relaxed);
        return None;
    }
    announce(kept, &mut turn);
    if turn.core.polls.is_served() {
        release(kept, outer);
        // Whoever is inside calls when it leaves.
        return Some(if turn.core.is_unannounced { now + TICK } else { u64::MAX });
    }
    if is_attended && !turn.core.relies_on_fd {
        release(kept, outer);
        return Some(now + TICK);
    }
    timers::expire(&mut turn);
    turn.serve_now();
    turn.publish();
    messaged.append(&mut turn.core.messaged);
    // Nobody is inside to take what came: the program is told by the descriptor, if at all.
    turn.core.relies_on_fd |= !turn.core.is_private && turn.core.memory.ready() > 0;
    let epoll = turn.core.polls.epoll();
    if kept.epoll != epoll && epoll >= 0 {
        release(kept, outer);
        let tag = &raw const *kept.ring as u64;
        let _ = epoll::control(outer, EPOLL_CTL_ADD, epoll, libc::EPOLLIN as u32, tag);
        kept.epoll = epoll;
    }
    if turn.core.is_unannounced {
        return Some(now + TICK);
    }
    let timer = turn.core.timers.next().map_or(u64::MAX, |at| at.nanoseconds());
    let again = timer.min(glance(kept, &mut turn, now));
    // Unless it is used again at once it is let go of.
    Some(if needs_keeper(&turn) { again } else { now + TICK })
}

/// CQEs that nobody has taken for a tick: the program may sleep on the ring's descriptor.
fn announce(kept: &mut Kept, turn: &mut Turn) {
    let head = turn.core.memory.header().cq_head.load(Ordering::Relaxed);
    let has_moved = core::mem::replace(&mut kept.head, head) != head;
    if turn.core.memory.ready() == 0 {
        turn.core.is_unannounced = false;
    } else if turn.core.is_unannounced && kept.is_known && !has_moved {
        turn.core.relies_on_fd = true;
        turn.make_readable();
    }
    kept.is_known = true;
}

/// Ends the readiness of the ring's descriptor when everything was taken; when to look again.
fn glance(kept: &mut Kept, turn: &mut Turn, now: u64) -> u64 {
    turn.publish();
    turn.settle_readable();
    if turn.core.memory.control().readable.load(Ordering::Relaxed) == 0 {
        kept.glances = 0;
        return u64::MAX;
    }
    kept.glances = kept.glances.saturating_add(1);
    now + match kept.glances / GLANCES {
        0 => GLANCE,
        1 => TICK,
        // Nobody takes them.
        _ => RARELY,
    }
}

fn release(kept: &mut Kept, outer: c_int) {
    if kept.epoll >= 0 {
        // That it is closed already is as good.
        let _ = epoll::control(outer, EPOLL_CTL_DEL, kept.epoll, 0, 0);
        kept.epoll = -1;
    }
}
