//! Rings that the program does not know: what it does with descriptors does not concern them.

use super::policy;
use crate::soft;
use crate::sys::{fd, file, Errno};
use core::ffi::c_int;

/// How a private ring is told from another file that has its number: the program may have closed all that it has not
/// opened itself.
#[derive(Clone, Copy)]
pub struct Private {
    /// What the kernel's ring is known by; none: it is served here. Old kernels give all their rings the same.
    identity: Option<u64>,
}

/// Moves ring `fd`, which the program is not told of, out of its way, and tells whoever serves it that nobody is going
/// to sleep on its descriptor, as by poll(2). Returns the ring's descriptor from now on.
pub fn keep_private(fd: c_int) -> (c_int, Private) {
    match soft::keep_private(fd) {
        Some(fd) => (fd, Private { identity: None }),
        None => {
            let fd = fd::move_away(fd);
            (fd, Private { identity: Some(identity(fd)) })
        }
    }
}

/// How many descriptors a new ring is going to have, at the most.
pub fn descriptors_of_ring() -> u64 {
    if policy::serves() {
        3
    } else {
        1
    }
}

/// Whether a call on a private ring was answered so because the program has closed it: its number is none, or another
/// file's.
pub fn says_lost(errno: Errno) -> bool {
    matches!(errno, Errno::EBADF | Errno::EOPNOTSUPP)
}

impl Private {
    /// Whether the kernel serves it.
    pub fn is_kernels(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether `fd`, where the ring was, still is the ring.
    pub fn is_at(&self, fd: c_int) -> bool {
        match (soft::find(fd), self.identity) {
            (ring, None) => ring.is_some(),
            (Some(_), Some(_)) => false,
            (None, Some(of_ring)) => of_ring == identity(fd),
        }
    }
}

/// What tells files apart; 0 for none.
fn identity(fd: c_int) -> u64 {
    file::look(fd).map_or(0, |look| look.identity)
}
