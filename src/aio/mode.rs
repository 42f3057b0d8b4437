//! What serves contexts made by io_setup(): the user's choice, `ANYRING_AIO`.
//!
//! | value | contexts |
//! |---|---|
//! | `auto` | on rings; the kernel's aio where the process may have no rings. The default |
//! | `native` | the kernel's aio |
//! | `sqthread` | on rings that a submission thread serves: submitting is a store |
//! | `sqwq` | on rings whose requests all go to the work queue, also those that need not wait |

use crate::sys::env;
use core::sync::atomic::{AtomicU32, Ordering};

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Rings if there can be some.
    Auto,
    /// The kernel's aio.
    Native,
    /// A submission thread.
    SqThread,
    /// A work queue.
    SqWq,
}

const NAMES: [(Mode, &[u8]); 4] = [
    (Mode::Auto, b"auto"),
    (Mode::Native, b"native"),
    (Mode::SqThread, b"sqthread"),
    (Mode::SqWq, b"sqwq"),
];

const UNREAD: u32 = 0;
/// 1 + index in NAMES, once the environment has been read.
static MODE: AtomicU32 = AtomicU32::new(UNREAD);

/// The mode, from the environment as it was at the first call.
pub fn mode() -> Mode {
    match MODE.load(Ordering::Relaxed) {
        UNREAD => read(),
        known => NAMES[(known - 1) as usize % NAMES.len()].0,
    }
}

#[cold]
fn read() -> Mode {
    // SAFETY: as safe as any getenv(); the value is not kept.
    let value = unsafe { env::variable(c"ANYRING_AIO") }.map_or(&b"auto"[..], |v| v.to_bytes());
    let index = NAMES.iter().position(|(_, name)| *name == value);
    let known = index.map_or(1, |index| index as u32 + 1);
    let first = MODE.compare_exchange(UNREAD, known, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if first && index.is_none() {
        env::complain([
            b"anyring: ANYRING_AIO is auto, native, sqthread or sqwq; taking auto for '",
            value,
            b"'\n",
        ]);
    }
    NAMES[(known - 1) as usize].0
}
