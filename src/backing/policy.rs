//! Who serves a new ring: the user's choice, `ANYRING_BACKING`.
//!
//! | value | rings |
//! |---|---|
//! | `auto` | the kernel's; served here where those are blocked, which is said once on stderr. The default |
//! | `any` | as `auto`, and served here also when there is not enough memory that may be locked (`ENOMEM`) |
//! | `kernel` | the kernel's: its answers are passed on unchanged |
//! | `soft` | served here: the kernel is not asked |
//!
//! Programs with more rights than their user do not look at it.

use super::{cause, kernel};
use crate::abi::uring::io_uring_params;
use crate::soft;
use crate::sys::{env, marker, Errno, Result};
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Auto,
    Any,
    Kernel,
    Soft,
}

const NAMES: [(Choice, &[u8]); 4] = [
    (Choice::Auto, b"auto"),
    (Choice::Any, b"any"),
    (Choice::Kernel, b"kernel"),
    (Choice::Soft, b"soft"),
];

/// Makes a ring; see [`super::setup`]. Who `enters_past_us` gets none that is served here.
///
/// # Safety
/// As for io_uring_setup(2).
pub unsafe fn setup(
    entries: u32,
    params: *mut io_uring_params,
    enters_past_us: impl FnOnce() -> bool,
) -> Result<c_int> {
    let choice = choice();
    if choice == Choice::Soft {
        if enters_past_us() {
            refuse(b"ANYRING_BACKING is soft");
            return Err(Errno::ENOSYS);
        }
        // SAFETY: the caller vouches for the params.
        return unsafe { soft::setup(entries, params) };
    }
    // SAFETY: as above. A call that fails has not written to them.
    let made = unsafe { kernel::setup(entries, params) };
    let cause = match (choice, made) {
        (Choice::Auto | Choice::Any, Err(cause)) if is_blocked(cause) => cause,
        (Choice::Any, Err(Errno::ENOMEM)) => Errno::ENOMEM,
        _ => return made,
    };
    if enters_past_us() {
        refuse(cause::of(cause));
        return Err(cause);
    }
    // SAFETY: as above.
    let made = unsafe { soft::setup(entries, params) }?;
    say(cause);
    Ok(made)
}

/// Whether this process has its rings served here, as far as is known: some are, or the user wants so.
pub fn serves() -> bool {
    soft::serves() || choice() == Choice::Soft
}

/// Whether rings are served here because the kernel answers `cause`.
pub fn serves_instead(cause: Errno) -> bool {
    is_blocked(cause) && matches!(choice(), Choice::Auto | Choice::Any)
}

/// From the environment as it is now: a program may set it for its next ring.
fn choice() -> Choice {
    static SAID: AtomicBool = AtomicBool::new(false);
    // SAFETY: the environment is the program's to keep still, as for any library.
    let Some(value) = (unsafe { env::variable(c"ANYRING_BACKING") }) else { return Choice::Auto };
    let value = value.to_bytes();
    if let Some((choice, _)) = NAMES.iter().find(|(_, name)| *name == value) {
        return *choice;
    }
    if !value.is_empty()
        && !SAID.swap(true, Ordering::Relaxed)
        && marker::is_first(c"anyring-choice")
    {
        env::complain([
            b"anyring: ANYRING_BACKING is auto, any, kernel or soft; taking auto for '",
            value,
            b"'\n",
        ]);
    }
    Choice::Auto
}

/// Whether it is what a sandbox, a sysctl or an old kernel answers.
pub fn is_blocked(cause: Errno) -> bool {
    matches!(cause, Errno::EPERM | Errno::EACCES | Errno::ENOSYS | Errno::EOPNOTSUPP)
}

/// Once a process, whichever of the libraries it has, and not again in those that it forks.
fn say(answer: Errno) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if SAID.swap(true, Ordering::Relaxed) || !marker::is_first(c"anyring-said") {
        return;
    }
    env::complain([
        b"anyring: ",
        cause::of(answer),
        b": rings are served in user space. ANYRING_BACKING=soft silences this, =kernel fails instead.\n",
    ]);
}

/// Says, once a process, why a program gets no ring.
fn refuse(cause: &[u8]) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if SAID.swap(true, Ordering::Relaxed) || !marker::is_first(c"anyring-refused") {
        return;
    }
    env::complain([
        b"anyring: ",
        cause,
        b", and this program gets no rings in user space: it would enter them by system calls of its own.\n",
    ]);
}
