//! How many workers there may be, and where they run: for all rings of the process, which share them.

use crate::sys::lock::Lock;
use crate::sys::locks::{rank, Class};
use crate::sys::worker::Undisturbed;
use crate::sys::{fd, process};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

/// What workers do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What ends by itself, as reading a file.
    Bounded,
    /// What may wait for ever, as for a peer.
    Unbounded,
    /// Bounded work on a file, by threads with a descriptor table of their own.
    Files,
}

impl Kind {
    /// Which of the limits counts for it.
    fn limit(self) -> &'static AtomicU32 {
        &LIMITS[usize::from(self == Kind::Unbounded)]
    }
}

/// The limits that were set, by kind; 0: none was.
static LIMITS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// The most workers of a kind where no limit was set: two a CPU of the calling thread for bounded work, and as
/// many threads as the user may have for other.
pub fn usual(kind: Kind) -> u32 {
    match kind {
        Kind::Bounded | Kind::Files => 2 * process::cpus().max(2),
        Kind::Unbounded => most_threads(),
    }
}

/// The most workers of a kind.
fn most(kind: Kind) -> u32 {
    match kind.limit().load(Ordering::Relaxed) {
        0 => usual(kind),
        limit => limit,
    }
}

/// The limit that was set; without one there is none.
pub fn limit_set(kind: Kind) -> u32 {
    match kind.limit().load(Ordering::Relaxed) {
        0 => u32::MAX,
        limit => limit,
    }
}

fn most_threads() -> u32 {
    let limit = fd::limit(libc::RLIMIT_NPROC).map_or(u64::MAX, |limit| limit.rlim_cur);
    limit.clamp(1, 1 << 20) as u32
}

/// Sets the limits of bounded and other work, where that is not 0; returns what they were.
pub fn limit(limits: [u32; 2]) -> [u32; 2] {
    let were = [most(Kind::Bounded), most(Kind::Unbounded)];
    let allowed = [limits[0], limits[1].min(most_threads())];
    for (set, limit) in LIMITS.iter().zip(allowed) {
        if limit != 0 {
            set.store(limit, Ordering::Relaxed);
        }
    }
    were
}

/// A bit a CPU.
pub type Cpus = [u8; 128];

struct Place {
    lock: Lock<{ rank::PLACE }>,
    cpus: UnsafeCell<Cpus>,
    /// Counts the changes; 0: workers run where those run who start them.
    changes: AtomicU32,
}

// SAFETY: the mask is only touched under the lock.
unsafe impl Sync for Place {}

static PLACE: Place =
    Place { lock: Lock::new(), cpus: UnsafeCell::new([0; 128]), changes: AtomicU32::new(0) };

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(PLACE.lock.word()), are_taken: true };

/// Has workers run on some CPUs only; without a mask, on all.
pub fn run_on(cpus: Option<Cpus>) {
    let _undisturbed = Undisturbed::begin();
    let _held = PLACE.lock.lock();
    // SAFETY: the lock makes the mask ours.
    unsafe { *PLACE.cpus.get() = cpus.unwrap_or([0xff; 128]) };
    PLACE.changes.fetch_add(1, Ordering::Release);
}

/// Where a worker runs.
#[derive(Default)]
pub struct Placed {
    /// The last change that it knows.
    change: u32,
}

impl Placed {
    /// Moves the calling thread to where workers are to run.
    #[inline]
    pub fn settle(&mut self) {
        let change = PLACE.changes.load(Ordering::Acquire);
        if change != self.change {
            self.change = change;
            let _held = PLACE.lock.lock();
            // SAFETY: the lock makes the mask ours. CPUs that there are not do not count.
            let _ = process::run_on(unsafe { &*PLACE.cpus.get() });
        }
    }
}
