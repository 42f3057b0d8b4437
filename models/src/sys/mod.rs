//! In place of the core's `sys`.

pub mod atomic {
    pub use loom::sync::atomic::{fence, AtomicPtr, AtomicU32, Ordering};

    /// A model's exchange is no barrier.
    pub fn barrier_after_exchange() {
        fence(Ordering::SeqCst);
    }
}

/// Sleeping on a word, as the kernel has it: looking and going to sleep are one step for those who wake.
/// No sleep ends by itself: what would need that to go on hangs, and loom says so.
pub mod futex {
    use super::atomic::{AtomicU32, Ordering};
    use super::{Errno, Result};
    use loom::sync::{Condvar, Mutex};

    pub const ALL: u32 = i32::MAX as u32;

    loom::lazy_static! {
        static ref STEP: Mutex<()> = Mutex::new(());
        static ref WOKEN: Condvar = Condvar::new();
    }

    pub fn wait(word: &AtomicU32, expected: u32, _: Option<&libc::timespec>) -> Result<()> {
        let step = STEP.lock().unwrap();
        if word.load(Ordering::SeqCst) != expected {
            return Err(Errno::EAGAIN);
        }
        drop(WOKEN.wait(step).unwrap());
        Ok(())
    }

    pub fn wake(_: &AtomicU32, _: u32) {
        let _step = STEP.lock().unwrap();
        WOKEN.notify_all();
    }

    /// How many were woken: at least one, for all that a model asks.
    pub fn wake_shared(word: &AtomicU32, count: u32) -> usize {
        wake(word, count);
        1
    }

    pub use wait as wait_shared;
}

/// Threads of a model are not told apart.
pub mod caller {
    pub const OTHER_BITS: u32 = 3;

    pub fn id() -> u32 {
        0
    }
}

/// No process of a model forks.
pub mod fork {
    pub fn let_go_for_caller() -> bool {
        false
    }
}

/// A model has one lock of a kind.
pub mod locks {
    pub fn about_to_wait(_: u8) {}
    pub fn taken(_: u8) {}
    pub fn let_go(_: u8) {}
    pub fn give_way(_: &super::lock::Word) {}
}

/// No process of a model dies.
pub mod process {
    pub fn lives(_: u32) -> bool {
        true
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errno {
    EAGAIN,
    ETIMEDOUT,
}

pub type Result<T> = core::result::Result<T, Errno>;

#[path = "../../../src/sys/lock.rs"]
pub mod lock;
