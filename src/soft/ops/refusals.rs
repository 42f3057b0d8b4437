//! What a read or a write is refused for before it is tried: the kernel's rings look at the file and the flags
//! first, the system calls not when there is nothing to move, and in another order.

use crate::soft::request::Request;
use crate::sys::file::{self, Kind};
use crate::sys::{rw, Errno, Result};
use core::ffi::c_int;

/// RWF_* up to this one are known, here or to some kernel.
const LAST_FLAG: c_int = 0x100;
/// All or nothing; without the page cache, in the end.
const RWF_ATOMIC: c_int = 0x40;
const RWF_DONTCACHE: c_int = 0x80;
/// Bits that files and descriptors are opened with.
const MODE: c_int = libc::O_ACCMODE | libc::O_PATH;

/// A read or a write, as far as it matters here.
pub struct Transfer {
    /// It writes.
    pub is_write: bool,
    /// There is nothing to move.
    pub is_empty: bool,
    /// A worker does it.
    pub is_async: bool,
    /// RWF_*.
    pub flags: c_int,
}

/// Whether a flag is none that any kernel knows.
pub fn is_unknown(flags: c_int) -> bool {
    flags & !(2 * LAST_FLAG - 1) != 0
}

/// Refuses what is not to be tried at all; returns the flags that count for the file of `r`.
#[inline]
pub fn check(r: &Request, transfer: &Transfer) -> Result<c_int> {
    match transfer.flags == 0 && !transfer.is_empty {
        true => Ok(0),
        false => check_closely(r.fd, transfer),
    }
}

#[cold]
fn check_closely(fd: c_int, transfer: &Transfer) -> Result<c_int> {
    let &Transfer { is_write, is_empty, flags, .. } = transfer;
    let status = file::status_flags(fd)?;
    let fits = match status & MODE {
        libc::O_RDWR => true,
        libc::O_WRONLY => is_write,
        libc::O_RDONLY => !is_write,
        _ => false,
    };
    if !fits {
        return Err(Errno::EBADF);
    }
    let kind = file::kind(fd);
    let is_cached = kind == Kind::Cached;
    let no_flag_of_its = (flags & RWF_DONTCACHE != 0 && !is_cached)
        || (flags & RWF_ATOMIC != 0 && (!is_cached || is_empty));
    if is_unknown(flags) || no_flag_of_its {
        return Err(Errno::EOPNOTSUPP);
    }
    let nowait = flags & libc::RWF_NOWAIT != 0;
    let is_directory = kind == Kind::Other && file::is_directory(fd);
    if is_directory && nowait {
        return Err(Errno::EOPNOTSUPP);
    }
    if flags & libc::RWF_HIPRI != 0 {
        return Err(Errno::EINVAL);
    }
    if is_cached && nowait {
        return match (is_write, transfer.is_async) {
            _ if !knows_nowait(fd, status) => Err(Errno::EOPNOTSUPP),
            // A worker waits.
            (true, true) => Ok(flags & !libc::RWF_NOWAIT),
            _ => Ok(flags),
        };
    }
    if is_directory {
        return Ok(0);
    }
    if kind != Kind::Pollable || !file::is_anonymous(fd) {
        return Ok(flags);
    }
    // Eventfds and their kin: reads are of so many bytes, writes have no flags.
    match is_write {
        false if is_empty => Err(Errno::EINVAL),
        false => Ok(flags),
        true if nowait && status & libc::O_NONBLOCK == 0 => Err(Errno::EAGAIN),
        true => Ok(0),
    }
}

/// Whether a cached file's filesystem knows RWF_NOWAIT, at least for reads.
fn knows_nowait(fd: c_int, status: c_int) -> bool {
    /// Behind every file's end: nothing is read.
    const FAR: u64 = i64::MAX as u64 - 1;
    let mut byte = 0u8;
    let place = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: the kernel writes at most one byte, of this frame.
    let result = unsafe { rw::readv(fd, &[place], FAR, libc::RWF_NOWAIT) };
    // Files that are written only cannot be asked; most know it.
    status & MODE == libc::O_WRONLY || result != Err(Errno::EOPNOTSUPP)
}

/// Where the file stands that a write appends to at its position; None for others.
pub fn position_before(r: &Request, offset: u64, transfer: &Transfer) -> Option<u64> {
    let appends = transfer.is_write && transfer.flags & libc::RWF_APPEND != 0;
    if !appends || offset != rw::AT_POSITION {
        return None;
    }
    rw::position(r.fd).ok()
}

/// A transfer at the file's position has failed after `done` bytes: the position stays where it was, but for
/// reads that a worker did alone.
#[cold]
pub fn go_back(r: &Request, before: Option<u64>, done: usize, transfer: &Transfer) {
    if !transfer.is_write && transfer.is_async {
        return;
    }
    let before = before.or_else(|| rw::position(r.fd).ok()?.checked_sub(done as u64));
    if let Some(before) = before {
        // What has a position can be set to it.
        let _ = rw::set_position(r.fd, before);
    }
}
