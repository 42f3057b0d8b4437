//! Who serves a new ring. `ANYRING_BACKING` is `auto`, `kernel` or `soft`.
//!
//! `auto`, which is also what no value means, takes the kernel's ring where there is one. Where rings are
//! blocked (`EPERM`, `EACCES`, `ENOSYS`, `EOPNOTSUPP`) it has them served here and says so once on stderr.
//! `kernel` passes the kernel's answers unchanged. `soft` does not ask the kernel.

use super::kernel;
use crate::abi::uring::io_uring_params;
use crate::soft;
use crate::sys::{env, Errno, Result};
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};

/// That rings are served here has been said.
static SAID: AtomicBool = AtomicBool::new(false);

/// Makes a ring; see [`super::setup`].
///
/// # Safety
/// As for io_uring_setup(2).
pub unsafe fn setup(entries: u32, params: *mut io_uring_params) -> Result<c_int> {
    // SAFETY: the environment is the program's to keep still, as for any library.
    let choice = unsafe { env::variable(c"ANYRING_BACKING") }.map_or(&b""[..], |v| v.to_bytes());
    // SAFETY: the caller vouches for the params.
    unsafe {
        match choice {
            b"kernel" => kernel::setup(entries, params),
            b"soft" => serve(entries, params),
            _ => match kernel::setup(entries, params) {
                Err(cause) if is_blocked(cause) => {
                    let made = serve(entries, params)?;
                    say(cause);
                    Ok(made)
                }
                made => made,
            },
        }
    }
}

unsafe fn serve(entries: u32, params: *mut io_uring_params) -> Result<c_int> {
    // SAFETY: the caller vouches for the params.
    unsafe {
        match params.as_mut() {
            Some(params) => soft::setup(entries, params),
            None => Err(Errno::EFAULT),
        }
    }
}

fn is_blocked(cause: Errno) -> bool {
    matches!(cause, Errno::EPERM | Errno::EACCES | Errno::ENOSYS | Errno::EOPNOTSUPP)
}

fn say(cause: Errno) {
    if SAID.swap(true, Ordering::Relaxed) {
        return;
    }
    let why: &[u8] = match cause {
        Errno::ENOSYS => b"this kernel has no io_uring",
        _ => b"io_uring is blocked here (a seccomp policy, or sysctl kernel.io_uring_disabled)",
    };
    env::complain([
        b"anyring: ",
        why,
        b": rings are served in user space. ANYRING_BACKING=soft silences this, =kernel fails instead.\n",
    ]);
}
