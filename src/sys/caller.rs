//! Which thread calls, for the price of a load: locks say who has them, so that a fork in a signal handler does not
//! wait for the call that the signal has interrupted.

use super::arch;
use super::crew::Library;
use core::sync::atomic::{AtomicBool, Ordering};

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
