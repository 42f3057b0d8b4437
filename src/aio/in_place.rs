//! Requests done within io_submit, as the kernel's aio does them, without the ring:
//!
//! - Writes through the page cache, also those that are synced or appended. Most filesystems cannot be asked to do that
//!   only if they need not wait, so that a ring hands each of those to a worker, which takes ten times as long as the
//!   write, and is ended with the process. `O_DIRECT` is the ring's.
//! - A single read of what is in the page cache: one call less than by the ring.
//! - What is not to wait, by `O_NONBLOCK` or `RWF_NOWAIT`: a ring would wait for a file that can be polled.
//! - Syncing a device, most of which know no such thing.
//!
//! Their events are taken without a system call.

use super::check::is_write;
use super::files::{File, Files};
use super::request::rw_flags;
use crate::abi::aio::*;
use crate::sys::file::{self, Kind};
use crate::sys::{rw, Errno, Result};
use core::ffi::c_int;

/// Single reads for which the cache is not asked after it had nothing.
const PATIENCE: u32 = 15;

/// What is known of the files that are read and written.
pub struct InPlace {
    /// The files.
    pub files: Files,
    /// Writes may be with the ring, which those in place must not overtake.
    pub may_be_on_ring: bool,
    /// For so many single reads the cache is not asked.
    patience: u32,
}

/// A read or write that asks for nothing more.
#[inline]
fn is_plain(request: &iocb) -> bool {
    request.aio_rw_flags == 0 && request.aio_flags & IOCB_FLAG_IOPRIO == 0
}

impl InPlace {
    /// Nothing known.
    pub const fn new() -> Self {
        InPlace { files: Files::new(), may_be_on_ring: false, patience: 0 }
    }

    /// Reads what is in the page cache; the event's `res`. None when that is not all, or none such is asked for.
    ///
    /// # Safety
    /// The request's buffer must be the program's to write.
    pub unsafe fn read(&mut self, request: &iocb) -> Option<i64> {
        let is_single = request.aio_lio_opcode == IOCB_CMD_PREAD && is_plain(request);
        if !is_single || !self.files.reads_cached(request.aio_fildes as c_int) {
            return None;
        }
        if self.patience > 0 {
            self.patience -= 1;
            return None;
        }
        let len = request.aio_nbytes as usize;
        let buffer = libc::iovec { iov_base: request.aio_buf as *mut _, iov_len: len };
        let (fd, offset) = (request.aio_fildes as c_int, request.aio_offset as u64);
        // SAFETY: the kernel checks the program's address.
        match unsafe { rw::readv(fd, &[buffer], offset, libc::RWF_NOWAIT) } {
            Ok(n) if n == len || n == 0 => Some(n as i64),
            Err(Errno::EAGAIN | Errno::EOPNOTSUPP) => {
                self.patience = PATIENCE;
                None
            }
            _ => None,
        }
    }

    /// Whether a request is a write to the page cache, as far as is known of its file.
    pub fn goes_to_cache(&mut self, request: &iocb) -> bool {
        is_write(request)
            && is_plain(request)
            && self.files.writes_cached(request.aio_fildes as c_int)
    }
}

/// Does such a write; its event's `res`. None when its descriptor is another file by now, or none.
///
/// # Safety
/// The request's buffer must be the program's to read.
pub unsafe fn write(request: &iocb) -> Option<i64> {
    // SAFETY: as the caller says.
    match unsafe { transfer(request, request.aio_offset as u64) } {
        Ok(bytes) => Some(bytes as i64),
        Err(Errno::EBADF | Errno::ESPIPE) => None,
        Err(errno) => Some(i64::from(errno.answer())),
    }
}

/// Whether a request is to be done here and now, of whose file more is known.
#[inline]
pub fn is_done_here(request: &iocb, file: &File) -> bool {
    let is_direct = file.flags & libc::O_DIRECT != 0;
    match request.aio_lio_opcode {
        IOCB_CMD_POLL => false,
        IOCB_CMD_FSYNC | IOCB_CMD_FDSYNC => {
            file.kind == Kind::Other && !file::is_directory(request.aio_fildes as c_int)
        }
        _ if file.kind == Kind::Cached => {
            let waits_not = request.aio_rw_flags & libc::RWF_NOWAIT != 0;
            !is_direct && (waits_not || is_write(request))
        }
        _ => file.flags & libc::O_NONBLOCK != 0 || request.aio_rw_flags & libc::RWF_NOWAIT != 0,
    }
}

/// Does it; the event's `res`, or what io_submit() is to answer.
///
/// # Safety
/// As for [`write`] and [`InPlace::read`].
pub unsafe fn do_here(request: &iocb, file: &File) -> Result<i64> {
    let fd = request.aio_fildes as c_int;
    let only_data = match request.aio_lio_opcode {
        IOCB_CMD_FSYNC => Some(false),
        IOCB_CMD_FDSYNC => Some(true),
        _ => None,
    };
    // SAFETY: as the caller says.
    let done = unsafe {
        match only_data {
            // A file that knows no syncing has no such event.
            Some(only_data) => match rw::sync(fd, only_data) {
                Err(Errno::EINVAL) => return Err(Errno::EINVAL),
                done => done,
            },
            None if file.kind == Kind::Socket => transfer(request, rw::AT_POSITION),
            None => match transfer(request, request.aio_offset as u64) {
                // There is but one place to read or write at.
                Err(Errno::ESPIPE) => transfer(request, rw::AT_POSITION),
                done => done,
            },
        }
    };
    Ok(done.map_or_else(|errno| i64::from(errno.answer()), |bytes| bytes as i64))
}

unsafe fn transfer(request: &iocb, offset: u64) -> Result<usize> {
    let (address, count) = (request.aio_buf, request.aio_nbytes as usize);
    let single = libc::iovec { iov_base: address as *mut _, iov_len: count };
    let vector = match request.aio_lio_opcode {
        IOCB_CMD_PREAD | IOCB_CMD_PWRITE => (&raw const single, 1),
        _ => (address as *const libc::iovec, count),
    };
    let (fd, flags) = (request.aio_fildes as c_int, rw_flags(request));
    // SAFETY: the kernel says where it cannot read or write, of the vector and what it points at.
    unsafe { rw::transfer(is_write(request), fd, vector, offset, flags) }
}
