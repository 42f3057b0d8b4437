//! What the files of the requests at hand are. A descriptor may be closed and reused at any time
//! between two calls, so that what is known of it holds for one of them only.

use crate::sys::{file, Errno, Result};
use core::ffi::c_int;

const KNOWN: usize = 8;

/// A file that was looked at.
#[derive(Clone, Copy)]
struct Known {
    fd: c_int,
    look: u32,
    flags: Result<c_int>,
    /// Regular file or block device; asked for when it matters.
    cached: Option<bool>,
}

/// Files looked at, by the low bits of their descriptors.
pub struct Files {
    known: [Known; KNOWN],
    look: u32,
}

impl Files {
    /// Nothing known.
    pub const fn new() -> Files {
        let nothing = Known { fd: -1, look: 0, flags: Err(Errno::EBADF), cached: None };
        Files { known: [nothing; KNOWN], look: 0 }
    }

    /// Forgets what is known.
    #[inline]
    pub fn forget(&mut self) {
        self.look = self.look.wrapping_add(1);
    }

    #[inline]
    fn find(&mut self, fd: c_int) -> &mut Known {
        let look = self.look;
        let known = &mut self.known[fd as usize % KNOWN];
        if known.fd != fd || known.look != look {
            *known = Known { fd, look, flags: file::status_flags(fd), cached: None };
        }
        known
    }

    /// `EBADF` unless `fd` is open for reading, respectively writing.
    #[inline]
    pub fn check(&mut self, fd: c_int, closed_to: Option<c_int>) -> Result<()> {
        let flags = self.find(fd).flags?;
        match closed_to {
            Some(mode) if flags & libc::O_ACCMODE == mode => Err(Errno::EBADF),
            _ => Ok(()),
        }
    }

    /// Whether reads of `fd` go through the page cache.
    #[inline]
    pub fn reads_cached(&mut self, fd: c_int) -> bool {
        let known = self.find(fd);
        let buffered = known.flags.is_ok_and(|flags| flags & libc::O_DIRECT == 0);
        buffered && *known.cached.get_or_insert_with(|| file::is_cached(fd))
    }

    /// Whether writes to `fd` go to the page cache, and no further, at a place of their own.
    #[inline]
    pub fn writes_cached(&mut self, fd: c_int) -> bool {
        const NO_FURTHER: c_int = libc::O_DIRECT | libc::O_SYNC | libc::O_DSYNC | libc::O_APPEND;
        let known = self.find(fd);
        let goes_there = known.flags.is_ok_and(|flags| {
            flags & NO_FURTHER == 0 && flags & libc::O_ACCMODE != libc::O_RDONLY
        });
        goes_there && *known.cached.get_or_insert_with(|| file::is_cached(fd))
    }
}
