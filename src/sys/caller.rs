//! Which thread calls, for the price of a load: locks say who has them, so that a fork in a signal handler does not
//! wait for the call that the signal has interrupted.

use super::arch;
use super::crew::Library;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Each thread has a thread pointer of its own.
static HAS_POINTER: AtomicBool = AtomicBool::new(false);

/// A C library is there that has a part in forks: it makes its threads with a thread pointer, and ours, too, unless
/// it cannot make any.
pub fn is_of_c_library() {
    HAS_POINTER.store(Library::find().is_some(), Ordering::Relaxed);
}

/// The bits that are no thread's.
pub const OTHER_BITS: u32 = 3;

/// The calling thread's number, as good as unique among those that live at a time; 0 where threads cannot be told
/// apart. A child that it forks has it as well.
#[inline(always)]
pub fn id() -> u32 {
    if !HAS_POINTER.load(Ordering::Relaxed) {
        return 0;
    }
    // SAFETY: there is a C library, and every thread is its.
    unsafe { arch::thread_pointer() as u32 & !OTHER_BITS }
}

/// Threads that are at something, by their number.
#[repr(align(64))]
struct Place(AtomicU32);

const PLACES: usize = 64;
static PLACES_OF_ALL: [Place; PLACES] = [const { Place(AtomicU32::new(0)) }; PLACES];

/// The calling thread is at something that a signal handler on it cannot wait for.
pub struct Busy(&'static Place);

fn place() -> &'static Place {
    // Threads' pointers are multiples of a page, and something.
    let mixed = id().wrapping_mul(0x9e37_79b1);
    &PLACES_OF_ALL[(mixed >> 26) as usize % PLACES]
}

impl Busy {
    /// From now on.
    #[inline]
    pub fn begin() -> Self {
        let place = place();
        place.0.fetch_add(1, Ordering::Relaxed);
        Busy(place)
    }

    /// Whether the calling thread is, in what a signal has interrupted. Another that has its place may be as well.
    #[inline]
    pub fn is_caller() -> bool {
        HAS_POINTER.load(Ordering::Relaxed) && place().0.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Busy {
    #[inline]
    fn drop(&mut self) {
        self.0 .0.fetch_sub(1, Ordering::Relaxed);
    }
}
