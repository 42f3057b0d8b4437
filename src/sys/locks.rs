//! All locks of the process: the order in which they are taken, and where they are, for a fork.
//!
//! Whoever holds a lock waits only for one of a higher rank, and never for two of the same. A fork takes them in that
//! order, too, so that it gets all without anybody having to give way. A build with `--cfg checked_heap` ends a thread
//! that waits for one out of order.

use super::lock::Word;
use super::process;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// The ranks.
pub mod rank {
    /// Ids of aio contexts.
    pub const AIO_IDS: u8 = 0;
    /// Being inside of a ring context of aio.
    pub const AIO_INSIDE: u8 = 1;
    /// The completion side of an aio context.
    pub const AIO_CQ: u8 = 2;
    /// Its submission side.
    pub const AIO_SQ: u8 = 3;
    /// The backing's ring of a ring context.
    pub const AIO_RING: u8 = 4;
    /// The thread of a ring context.
    pub const AIO_THREAD: u8 = 5;
    /// The eventfds that requests of an aio context signal.
    pub const AIO_EVENTFDS: u8 = 6;
    /// A ring.
    pub const RING: u8 = 7;
    /// Rings that join a thread that reads submissions.
    pub const READER: u8 = 8;
    /// The keeper's rings.
    pub const KEEPER: u8 = 9;
    /// Which descriptors are rings.
    pub const TABLE: u8 = 10;
    /// Rings that threads have registered.
    pub const REGISTERED: u8 = 11;
    /// Whose rights pools have.
    pub const RIGHTS: u8 = 12;
    /// A pool of workers.
    pub const POOL: u8 = 13;
    /// Threads that stand in for a submitter.
    pub const PROXY: u8 = 14;
    /// Threads that read ahead.
    pub const READ_AHEAD: u8 = 15;
    /// Threads that wait for futexes.
    pub const SLEEPERS: u8 = 16;
    /// Descriptor tables of workers.
    pub const PRIVATE: u8 = 17;
    /// What such workers leave to a thread.
    pub const DELIVERY: u8 = 18;
    /// Where workers run.
    pub const PLACE: u8 = 19;
    /// Descriptors that cannot be closed.
    pub const PARKED: u8 = 20;
    /// Threads on stacks of ours.
    pub const CREW: u8 = 21;
    /// The heap.
    pub const HEAP: u8 = 22;
    /// A fork under way.
    pub const FORK: u8 = 23;
    /// How many there are.
    pub const COUNT: usize = 24;
}

/// What is to be done with a lock.
pub type Visit<'a> = dyn FnMut(&Word) + 'a;

/// Locks of one rank that stay where they are.
pub struct Class {
    /// Calls with each of them.
    pub each: fn(&mut Visit),
    /// A child goes on with what they protect: a fork takes them. What the others protect starts over in a child.
    pub are_taken: bool,
}

static CLASSES: [AtomicPtr<Class>; rank::COUNT] =
    [const { AtomicPtr::new(null_mut()) }; rank::COUNT];

/// Has a fork know of all locks of a rank. To be called before one of them is used.
pub fn register(rank: u8, class: &'static Class) {
    CLASSES[usize::from(rank)].store((&raw const *class).cast_mut(), Ordering::Release);
}

fn classes() -> impl DoubleEndedIterator<Item = (u8, &'static Class)> {
    (0..rank::COUNT as u8).filter_map(|rank| {
        let class = CLASSES[usize::from(rank)].load(Ordering::Acquire);
        // SAFETY: what was registered stays.
        unsafe { class.as_ref() }.map(|class| (rank, class))
    })
}

/// Calls with every lock that stays where it is.
pub fn each(mut f: impl FnMut(&Word)) {
    classes().for_each(|(_, class)| (class.each)(&mut f));
}

/// Whether the calling thread holds one, in what a signal has interrupted.
pub fn is_any_held_by_caller() -> bool {
    let mut is_held = false;
    each(|word| is_held |= word.is_held_by_caller());
    is_held
}

/// Takes all that a fork takes of these ranks, waiting for each. The caller must hold none of them.
pub fn take_from_to(first: u8, last: u8) {
    for (_, class) in taken_ones(first, last) {
        (class.each)(&mut take);
    }
}

/// Lets go of what [`take_from_to`] has taken.
pub fn release_from_to(first: u8, last: u8) {
    for (_, class) in taken_ones(first, last).rev() {
        (class.each)(&mut Word::release);
    }
}

fn taken_ones(first: u8, last: u8) -> impl DoubleEndedIterator<Item = (u8, &'static Class)> {
    classes().filter(move |(rank, class)| (first..=last).contains(rank) && class.are_taken)
}

/// What a fork waits for.
static WAITED_FOR: AtomicPtr<Word> = AtomicPtr::new(null_mut());

/// Takes a lock for a fork, and leaves it held.
pub fn take(word: &Word) {
    if !word.try_take() {
        WAITED_FOR.store((&raw const *word).cast_mut(), Ordering::Relaxed);
        word.take_contended();
        WAITED_FOR.store(null_mut(), Ordering::Relaxed);
    }
}

/// Whoever has let go of a lock that others wait for leaves it to a fork: a thread that takes a ring's again and again
/// would be faster each time.
#[cold]
pub fn give_way(word: &Word) {
    const YIELDS: u32 = 100;
    for _ in 0..YIELDS {
        if !core::ptr::eq(WAITED_FOR.load(Ordering::Relaxed), word) {
            return;
        }
        process::yield_now();
    }
}

/// In a new process, all are free: whoever had one is in the parent.
///
/// # Safety
/// The process must have no other thread that knows of them.
pub unsafe fn reset_all() {
    // SAFETY: as the caller says.
    each(|word| unsafe { word.reset() });
}

#[cfg(not(checked_heap))]
mod order {
    /// The calling thread may have to wait for a lock.
    #[inline(always)]
    pub fn about_to_wait(_: u8) {}

    /// It has one.
    #[inline(always)]
    pub fn taken(_: u8) {}

    /// It has it no more.
    #[inline(always)]
    pub fn let_go(_: u8) {}
}

#[cfg(checked_heap)]
#[path = "locks/order.rs"]
mod order;

pub use order::{about_to_wait, let_go, taken};
