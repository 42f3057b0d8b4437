//! In a checked build: which ranks each thread holds, and that it waits for none out of order.

use super::rank;
use crate::sys::{abort, env, process};
use core::sync::atomic::{AtomicI32, AtomicU8, Ordering};

/// Threads that hold locks at a time.
const THREADS: usize = 512;

/// A thread that holds locks.
struct Holder {
    thread: AtomicI32,
    /// How many of each rank.
    held: [AtomicU8; rank::COUNT],
}

static HOLDERS: [Holder; THREADS] = [const {
    Holder { thread: AtomicI32::new(0), held: [const { AtomicU8::new(0) }; rank::COUNT] }
}; THREADS];

/// The calling thread's place; the last resort is none, and nothing is checked.
fn holder(is_new: bool) -> Option<&'static Holder> {
    let id = process::thread_id();
    let is_mine = |holder: &&Holder| holder.thread.load(Ordering::Relaxed) == id;
    let claim = |holder: &&Holder| {
        is_new && holder.thread.compare_exchange(0, id, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    };
    HOLDERS.iter().find(is_mine).or_else(|| HOLDERS.iter().find(claim))
}

/// The calling thread may have to wait for a lock.
pub fn about_to_wait(rank: u8) {
    let Some(holder) = holder(false) else { return };
    let is_held = |held: &AtomicU8| held.load(Ordering::Relaxed) > 0;
    if holder.held[usize::from(rank)..].iter().any(is_held) {
        env::complain([b"anyring: a lock is waited for out of order\n"]);
        abort();
    }
}

/// It has one.
pub fn taken(rank: u8) {
    if let Some(holder) = holder(true) {
        holder.held[usize::from(rank)].fetch_add(1, Ordering::Relaxed);
    }
}

/// It has it no more.
pub fn let_go(rank: u8) {
    let Some(holder) = holder(false) else { return };
    let held = &holder.held[usize::from(rank)];
    let fewer = |count: u8| count.checked_sub(1);
    let _ = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
    if holder.held.iter().all(|held| held.load(Ordering::Relaxed) == 0) {
        holder.thread.store(0, Ordering::Release);
    }
}
