//! What the files of the requests at hand are. A descriptor may be closed and reused at any time between two calls:
//! its status flags are asked for in each call, and as long as they are the same, what kind of file it is is asked
//! for once in a few. Regular files have a flag that next to nothing else has.

use crate::sys::file::{self, Kind};
use crate::sys::{Errno, Result};
use core::ffi::c_int;

const KNOWN: usize = 8;
/// Calls for which a descriptor with the same flags is taken to be the same kind of file.
const TRUST: u32 = 16;

/// A file that was looked at.
#[derive(Clone, Copy)]
struct Known {
    fd: c_int,
    /// The call that asked for the flags.
    checked: u32,
    /// The call from which the rest is.
    seen: u32,
    flags: Result<c_int>,
    /// Asked for when it matters.
    kind: Option<Kind>,
    /// The kernel's aio would take a read, respectively a write.
    takes: [bool; 2],
}

/// A file, as it is in this call.
#[derive(Clone, Copy)]
pub struct File {
    /// Its status flags.
    pub flags: c_int,
    /// What kind of file it is.
    pub kind: Kind,
}

/// Files looked at, by the low bits of their descriptors.
pub struct Files {
    known: [Known; KNOWN],
    call: u32,
    /// What the last plain request of this call was for, and what it was.
    last: Option<(c_int, u16, File)>,
}

impl Files {
    /// Nothing known.
    pub const fn new() -> Files {
        let flags = Err(Errno::EBADF);
        let nothing = Known { fd: -1, checked: 0, seen: 0, flags, kind: None, takes: [false; 2] };
        Files { known: [nothing; KNOWN], call: TRUST, last: None }
    }

    /// Another call begins: descriptors may be other files now.
    #[inline]
    pub fn forget(&mut self) {
        self.call = self.call.wrapping_add(1);
        self.last = None;
    }

    /// What was trusted was wrong.
    pub fn distrust(&mut self, fd: c_int) {
        self.known[fd as usize % KNOWN].fd = -1;
        self.last = None;
    }

    /// The file of the request before, if this one is for the same.
    #[inline(always)]
    pub fn last(&self, fd: c_int, opcode: u16) -> Option<File> {
        match self.last {
            Some((last, for_opcode, file)) if last == fd && for_opcode == opcode => Some(file),
            _ => None,
        }
    }

    /// Others of this call may be for the same.
    pub fn remember(&mut self, fd: c_int, opcode: u16, file: File) {
        self.last = Some((fd, opcode, file));
    }

    #[inline]
    fn find(&mut self, fd: c_int) -> &mut Known {
        let call = self.call;
        let known = &mut self.known[fd as usize % KNOWN];
        if known.fd != fd || known.checked != call {
            let flags = file::status_flags(fd);
            let is_as_before =
                known.fd == fd && known.flags == flags && call.wrapping_sub(known.seen) < TRUST;
            if !is_as_before {
                *known =
                    Known { fd, checked: call, seen: call, flags, kind: None, takes: [false; 2] };
            }
            known.checked = call;
        }
        known
    }

    /// What is known since a few calls at most.
    #[inline]
    fn trusted(&mut self, fd: c_int) -> &mut Known {
        let known = &self.known[fd as usize % KNOWN];
        if known.fd == fd && self.call.wrapping_sub(known.checked) < TRUST {
            return &mut self.known[fd as usize % KNOWN];
        }
        self.find(fd)
    }

    /// The file; `EBADF` when there is none that can be read or written.
    #[inline]
    pub fn look(&mut self, fd: c_int) -> Result<File> {
        let known = self.find(fd);
        let flags = known.flags?;
        if flags & libc::O_PATH != 0 {
            return Err(Errno::EBADF);
        }
        Ok(File { flags, kind: *known.kind.get_or_insert_with(|| file::kind(fd)) })
    }

    /// Whether the kernel's aio was found to take plain reads, respectively writes, of a file that [`look`](Self::look)
    /// has found.
    #[inline]
    pub fn takes(&mut self, fd: c_int, is_write: bool) -> &mut bool {
        &mut self.find(fd).takes[usize::from(is_write)]
    }

    /// `EBADF` unless `fd` is open for reading, respectively writing.
    #[inline]
    pub fn check(&mut self, fd: c_int, closed_to: Option<c_int>) -> Result<()> {
        is_open_to(self.find(fd).flags?, closed_to)
    }

    /// Whether reads of `fd` go through the page cache.
    #[inline]
    pub fn reads_cached(&mut self, fd: c_int) -> bool {
        let known = self.trusted(fd);
        let buffered = known.flags.is_ok_and(|flags| flags & libc::O_DIRECT == 0);
        buffered && *known.kind.get_or_insert_with(|| file::kind(fd)) == Kind::Cached
    }

    /// Whether reads and writes of `fd` may wait for ever.
    #[inline]
    pub fn may_wait(&mut self, fd: c_int) -> bool {
        let known = self.trusted(fd);
        known.flags.is_ok() && *known.kind.get_or_insert_with(|| file::kind(fd)) != Kind::Cached
    }

    /// Whether writes to `fd` go through the page cache.
    #[inline]
    pub fn writes_cached(&mut self, fd: c_int) -> bool {
        let known = self.trusted(fd);
        let goes_there = known.flags.is_ok_and(|flags| {
            flags & libc::O_DIRECT == 0 && flags & libc::O_ACCMODE != libc::O_RDONLY
        });
        goes_there && *known.kind.get_or_insert_with(|| file::kind(fd)) == Kind::Cached
    }
}

/// `EBADF` when a file with these flags is `closed_to` what is to be done.
#[inline]
pub fn is_open_to(flags: c_int, closed_to: Option<c_int>) -> Result<()> {
    match closed_to {
        Some(mode) if flags & libc::O_ACCMODE == mode => Err(Errno::EBADF),
        _ => Ok(()),
    }
}
