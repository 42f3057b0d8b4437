//! The keeper: one thread a process, while it is needed, that serves rings which nobody is inside of. Files
//! become ready and times come also when the program only looks at its completion queue, or sleeps in poll
//! or epoll on the ring's descriptor.
//!
//! A ring that is entered again and again keeps itself: the keeper looks at it once a tick and does nothing.
//! One that was not entered for a tick it serves, until it is: its epoll is in the keeper's. Where the program
//! sleeps in poll or epoll on the ring's descriptor and not in enter, it goes on serving. It also ends the
//! readiness of a ring's descriptor when the program has taken the CQEs without a call.

mod bell;
mod late;
mod own_table;
mod readiness;

use super::poll::signals::LOOK_AGAIN;
use super::poll::EACH_CHANGE;
use super::ring::Ring;
use super::table::Used;
use super::timers;
use super::turn::Turn;
use crate::sys::clock::{nanoseconds, Deadline};
use crate::sys::epoll::{self, Event, EPOLL_CTL_ADD, EPOLL_CTL_DEL};
use crate::sys::interrupt::interrupt;
use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::{file, process, thread, worker, Errno};
use alloc::vec::Vec;
pub use bell::Own;
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use readiness::{announce, glance};

/// Between two looks at rings that were entered since the last.
const TICK: u64 = 1_000_000;
/// How long it stays when there is nothing to keep: a program of one thread may do what one of two may not.
const LINGER: u64 = 10_000_000;
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
    lock: Lock<{ rank::KEEPER }>,
    rings: UnsafeCell<Vec<Kept>>,
    /// The thread runs.
    runs: AtomicU32,
    /// It looks again within a tick: it needs no call.
    looks: AtomicU32,
    /// It is not to linger.
    hurries: AtomicU32,
    /// The thread's id.
    thread: AtomicI32,
    own: UnsafeCell<Own>,
}

// SAFETY: the rings and descriptors are only touched under the lock.
unsafe impl Sync for Keeper {}

static KEEPER: Keeper = Keeper {
    lock: Lock::new(),
    rings: UnsafeCell::new(Vec::new()),
    runs: AtomicU32::new(0),
    looks: AtomicU32::new(0),
    hurries: AtomicU32::new(0),
    thread: AtomicI32::new(0),
    own: UnsafeCell::new(Own::NONE),
};

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(KEEPER.lock.word()), are_taken: true };

/// Under the lock.
fn own() -> &'static mut Own {
    // SAFETY: the lock makes it the caller's, who looks at it for a moment.
    unsafe { &mut *KEEPER.own.get() }
}

/// Has the keeper see to a ring that its last visitor leaves with something under way.
#[cold]
pub fn attend(ring: &Ring) {
    attend_with(Turn::take(ring));
}

fn attend_with(mut turn: Turn) {
    let messaged = core::mem::take(&mut turn.core.messaged);
    match turn.has_own_table() && !turn.core.is_kept {
        true => own_table::attend(turn),
        false => attend_in(turn),
    }
    messaged.iter().for_each(|ring| attend(ring));
}

fn attend_in(mut turn: Turn) {
    let ring = turn.ring;
    turn.end_summons();
    let is_needed = needs_keeper(&turn);
    ring.wants_keeper.store(is_needed, Ordering::Relaxed);
    // The keeper may sleep until something happens that has happened already: it lets go of the ring. One that was
    // closed it has forgotten, or is about to.
    if !is_needed && (!turn.core.is_kept || turn.core.is_closed) {
        return;
    }
    let Some(held) = KEEPER.lock.lock_patiently() else {
        drop(turn);
        return late::leave(ring);
    };
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
    if is_needed {
        KEEPER.hurries.store(0, Ordering::Relaxed);
    }
    if call() {
        drop(held);
        turn.give_summons_up();
        return late::see_to();
    }
    // SAFETY: the lock makes the list ours.
    let gone = take_out(unsafe { &mut *KEEPER.rings.get() }, ring);
    drop(held);
    turn.core.is_kept = false;
    turn.summon();
    drop(turn);
    if let Some(gone) = gone {
        super::table::give_up(gone.ring);
    }
    late::see_to();
}

fn take_out(rings: &mut Vec<Kept>, ring: &Ring) -> Option<Kept> {
    let at = rings.iter().position(|kept| core::ptr::eq(kept.ring, ring))?;
    Some(rings.swap_remove(at))
}

/// [`attend`], if the ring needs it. Without any ring's lock.
#[inline]
pub fn attend_if_wanted(ring: &Ring) {
    if ring.wants_keeper.load(Ordering::Relaxed) {
        attend(ring);
    }
}

/// The same, and gives up a reference that was counted by hand.
///
/// By a thread that others wait for: it does not wait for a lock that a signal handler may keep. Whoever has the ring's
/// attends to it when it leaves.
pub fn attend_and_give_up(ring: &'static Ring) {
    if ring.wants_keeper.load(Ordering::Relaxed) {
        if let Some(turn) = Turn::take_patiently(ring) {
            attend_with(turn);
        }
    }
    super::table::give_up(ring);
}

/// The process has no ring any more: the keeper ends at once, and its descriptors go.
pub fn end() {
    // Interrupted, it ends by itself, somewhat later.
    let Some(_held) = KEEPER.lock.lock_unless_interrupted() else { return };
    // SAFETY: the lock makes the list ours.
    let is_needed = unsafe { !(*KEEPER.rings.get()).is_empty() };
    if !is_needed && KEEPER.runs.load(Ordering::Relaxed) != 0 {
        KEEPER.hurries.store(1, Ordering::Relaxed);
        signal();
    }
}

/// The program has closed a ring: it is not kept any more. Without the ring's lock.
pub fn forget(ring: &Ring) {
    own_table::forget(ring);
    let Some(held) = KEEPER.lock.lock_unless_interrupted() else { return late::leave(ring) };
    if KEEPER.runs.load(Ordering::Relaxed) != 0 && !own().call.is_ours() {
        // The program has closed all, perhaps with a call that had not come through.
        signal();
    }
    // SAFETY: the lock makes the list ours.
    let rings = unsafe { &mut *KEEPER.rings.get() };
    let Some(mut gone) = take_out(rings, ring) else { return };
    release(&mut gone, own().epoll.fd);
    if rings.is_empty() {
        call();
    }
    drop(held);
    super::table::give_up(gone.ring);
    late::see_to();
}

fn needs_keeper(turn: &Turn) -> bool {
    !turn.core.is_closed
        && (turn.core.polls.armed > 0
            || turn.core.timers.next().is_some()
            || turn.core.is_held_up
            || turn.core.memory.control().readable.load(Ordering::Relaxed) != 0
            || (turn.core.is_unannounced && turn.core.memory.ready() > 0))
}

/// Wakes the keeper, or starts it; false when there can be none. Under the lock.
fn call() -> bool {
    if KEEPER.runs.load(Ordering::Relaxed) == 0 {
        return start();
    }
    if KEEPER.looks.swap(1, Ordering::AcqRel) == 0 {
        signal();
    }
    true
}

/// Wakes the keeper: where the program has closed what it sleeps on, by interrupting it. Under the lock.
fn signal() {
    let call = own().call;
    if call.is_ours() {
        let _ = file::signal(call.fd);
    } else {
        interrupt(KEEPER.thread.load(Ordering::Relaxed));
    }
}

/// Starts the keeper, unless that was refused a moment ago.
fn start() -> bool {
    static REFUSED: AtomicU64 = AtomicU64::new(0);
    const MOMENT: u64 = 10 * TICK;
    let now = nanoseconds(libc::CLOCK_MONOTONIC);
    let refused = REFUSED.load(Ordering::Relaxed);
    if refused != 0 && now < refused + MOMENT {
        return false;
    }
    if own().epoll.fd < 0 {
        let Ok(made) = Own::open() else { return false };
        *own() = made;
    }
    KEEPER.looks.store(1, Ordering::Relaxed);
    KEEPER.runs.store(1, Ordering::Relaxed);
    // SAFETY: the keeper needs nothing.
    if unsafe { worker::spawn(run, null_mut()) }.is_err() {
        KEEPER.runs.store(0, Ordering::Relaxed);
        close_own();
        REFUSED.store(now, Ordering::Relaxed);
        return false;
    }
    true
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
    core::mem::replace(own(), Own::NONE).close();
}

/// What the keeper sleeps on: anew if the program has closed that, and what its rings have. Under the lock.
fn own_still(rings: &mut Vec<Kept>) -> Own {
    if !own().call.is_ours() {
        close_own();
        rings.retain_mut(|kept| {
            kept.epoll = -1;
            let is_lost = Turn::try_take(kept.ring).is_some_and(|mut turn| {
                let is_lost = turn.let_go_of_lost();
                turn.core.is_kept &= !is_lost;
                is_lost
            });
            if is_lost {
                super::table::give_up(kept.ring);
            }
            !is_lost
        });
        *own() = Own::open().unwrap_or(Own::NONE);
    }
    *own()
}

/// The thread.
extern "C" fn run(_: *mut c_void) -> *mut c_void {
    worker::set_name(c"anyring-keeper");
    KEEPER.thread.store(process::thread_id(), Ordering::Relaxed);
    let (mut idle_since, mut has_slept_out) = (0, true);
    while let Some((own, until)) = look_at_all(&mut idle_since, has_slept_out) {
        let mut events = [Event { events: 0, u64: 0 }; 16];
        let left = until.map(|until| until.left_as_libc());
        // SAFETY: there is no mask.
        let got =
            unsafe { epoll::wait(own.epoll.fd, &mut events, left.as_ref(), core::ptr::null()) };
        has_slept_out = !matches!(got, Ok(1..));
        if got.is_err_and(|errno| errno != Errno::EINTR) {
            thread::sleep(TICK as i64 / 1000);
            let _held = KEEPER.lock.lock();
            close_own();
        }
        KEEPER.looks.store(1, Ordering::Relaxed);
        for event in &events[..got.unwrap_or(0)] {
            match event.u64 {
                CALL => file::clear(own.call.fd),
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
    // What is left meanwhile is seen when all are looked at, which is next.
}

/// Looks at each ring; returns what to sleep on, and when to look again, none for when something happens. None at
/// all when there is nothing to keep: the thread ends. What it sleeps on is there if that has woken it.
fn look_at_all(idle_since: &mut u64, has_slept_out: bool) -> Option<(Own, Option<Deadline>)> {
    let held = KEEPER.lock.lock();
    // SAFETY: the lock makes the list ours.
    let rings = unsafe { &mut *KEEPER.rings.get() };
    let own = if has_slept_out { own_still(rings) } else { *own() };
    let now = nanoseconds(libc::CLOCK_MONOTONIC);
    let mut next = u64::MAX;
    let mut at = 0;
    let mut messaged = Vec::new();
    while at < rings.len() {
        let due = rings[at].ring.due.load(Ordering::Relaxed);
        let again = match due > now {
            true => Some(due),
            false => look(&mut rings[at], own.epoll.fd, now, &mut messaged),
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
    late::see_to();
    Some((own, (next != u64::MAX).then(|| Deadline::at_nanoseconds(next))))
}

/// Looks at a ring, and serves it when nobody has entered it since the last look. Returns when to look again,
/// in nanoseconds; none when it needs no keeper any more. Rings that it sent messages to are added to `messaged`.
fn look(kept: &mut Kept, outer: c_int, now: u64, messaged: &mut Vec<Used>) -> Option<u64> {
    let entered = kept.ring.entered.load(Ordering::Relaxed);
    let is_attended = core::mem::replace(&mut kept.entered, entered) != entered;
    let Some(mut turn) = kept.ring.take_or_call() else {
        // Whoever has the lock serves it in the keeper's stead: that may have no CPU for now.
        return Some(now + TICK);
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
    if turn.core.is_held_up {
        turn.flush_overflow();
        return Some(now + TICK);
    }
    if turn.core.polls.is_served() {
        release(kept, outer);
        if turn.core.is_unannounced {
            return Some(now + TICK);
        }
        // Whoever is inside calls when it leaves.
        turn.core.is_kept = false;
        kept.ring.wants_keeper.store(true, Ordering::Relaxed);
        return None;
    }
    if is_attended && !turn.core.relies_on_fd {
        release(kept, outer);
        return Some(now + TICK);
    }
    timers::expire(&mut turn);
    turn.serve_now();
    let looks_for_signals = turn.core.polls.signals.are_there();
    if looks_for_signals {
        turn.look_at_others_signals();
    }
    turn.publish();
    messaged.append(&mut turn.core.messaged);
    // Nobody is inside to take what came: the program is told by the descriptor, if at all.
    turn.core.relies_on_fd |= !turn.core.is_private && turn.core.memory.ready() > 0;
    let epoll = turn.core.polls.epoll();
    if kept.epoll != epoll && epoll >= 0 {
        release(kept, outer);
        let tag = &raw const *kept.ring as u64;
        // Each change: as long as another thread has the ring's lock, nothing can be done about what is ready.
        match epoll::control(outer, EPOLL_CTL_ADD, epoll, EACH_CHANGE, tag) {
            Ok(()) | Err(Errno::EEXIST) => kept.epoll = epoll,
            // There is no memory for it now. Nothing tells of the ring's files until there is.
            Err(_) => return Some(now + TICK),
        }
    }
    if turn.core.is_unannounced {
        return Some(now + TICK);
    }
    let timer = turn.core.timers.next().map_or(u64::MAX, |at| at.nanoseconds());
    let signals = if looks_for_signals { now + LOOK_AGAIN } else { u64::MAX };
    let again = timer.min(glance(kept, &mut turn, now)).min(signals);
    // Unless it is used again at once it is let go of.
    Some(if needs_keeper(&turn) { again } else { now + TICK })
}

fn release(kept: &mut Kept, outer: c_int) {
    if kept.epoll >= 0 {
        // That it is closed already is as good.
        let _ = epoll::control(outer, EPOLL_CTL_DEL, kept.epoll, 0, 0);
        kept.epoll = -1;
    }
}
