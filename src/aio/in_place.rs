//! Requests done within io_submit, as the kernel's aio does them, without the ring:
//!
//! - Writes to the page cache. Most filesystems cannot be asked to do that only if they need not wait, so that a ring
//!   hands each of those to a worker, which takes ten times as long as the write. What waits for a device is the
//!   ring's: `O_DIRECT`, `O_SYNC`, `RWF_DSYNC` and their kin. So is what is appended: a request that is taken back,
//!   because the ring takes no more, must be one that may be done twice.
//! - A single read of what is in the page cache: one call less than by the ring.
//!
//! Their events are taken without a system call. Where a thread delivers events, which sleeps on the ring, they are
//! completed there, as NOPs.

use super::files::Files;
use crate::abi::aio::{iocb, IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_PWRITEV, IOCB_FLAG_IOPRIO};
use crate::sys::{rw, Errno};
use core::ffi::c_int;

/// Calls for which a descriptor is taken to be the same file, opened for the same: where that is wrong, a device is
/// waited for in place. What has no places to write at, as a pipe, says so.
const TRUST: u32 = 16;

/// Single reads for which the cache is not asked after it had nothing.
const PATIENCE: u32 = 15;

/// What is known of the files that are read and written.
pub struct InPlace {
    files: Files,
    /// Calls since they were looked at.
    calls: u32,
    /// Writes may be with the ring, which those in place must not overtake.
    pub may_be_on_ring: bool,
    /// For so many single reads the cache is not asked.
    patience: u32,
}

/// Whether a request writes.
#[inline]
pub fn is_write(request: &iocb) -> bool {
    matches!(request.aio_lio_opcode, IOCB_CMD_PWRITE | IOCB_CMD_PWRITEV)
}

impl InPlace {
    /// Nothing known.
    pub const fn new() -> Self {
        InPlace { files: Files::new(), calls: 0, may_be_on_ring: false, patience: 0 }
    }

    /// For the requests of another call: descriptors may be other files now.
    #[inline]
    pub fn forget(&mut self) {
        self.calls += 1;
        if self.calls >= TRUST {
            self.calls = 0;
            self.files.forget();
        }
    }

    /// Reads what is in the page cache; the event's `res`. None when that is not all, or none such is asked for.
    ///
    /// # Safety
    /// The request's buffer must be the program's to write.
    pub unsafe fn read(&mut self, request: &iocb) -> Option<i64> {
        let is_plain = request.aio_lio_opcode == IOCB_CMD_PREAD
            && request.aio_rw_flags == 0
            && request.aio_flags & IOCB_FLAG_IOPRIO == 0;
        if !is_plain || !self.files.reads_cached(request.aio_fildes as c_int) {
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

    /// Whether a write goes to the page cache, and no further.
    pub fn goes_to_cache(&mut self, request: &iocb) -> bool {
        request.aio_rw_flags == 0
            && request.aio_flags & IOCB_FLAG_IOPRIO == 0
            && self.files.writes_cached(request.aio_fildes as c_int)
    }
}

/// Does such a write; its event's `res`. None when its descriptor is another file by now, or none.
///
/// # Safety
/// The request's buffer must be the program's to read.
pub unsafe fn write(request: &iocb) -> Option<i64> {
    let (address, count) = (request.aio_buf, request.aio_nbytes as usize);
    let single = libc::iovec { iov_base: address as *mut _, iov_len: count };
    let vector = match request.aio_lio_opcode {
        IOCB_CMD_PWRITE => (&raw const single, 1),
        _ => (address as *const libc::iovec, count),
    };
    let (fd, offset) = (request.aio_fildes as c_int, request.aio_offset as u64);
    // SAFETY: the kernel only reads the vector and what it points at, and says where it cannot.
    match unsafe { rw::transfer(true, fd, vector, offset, 0) } {
        Ok(bytes) => Some(bytes as i64),
        Err(Errno::EBADF | Errno::ESPIPE) => None,
        Err(errno) => Some(i64::from(errno.answer())),
    }
}
