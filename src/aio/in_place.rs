//! Writes done within io_submit, as the kernel's aio does them: to the page cache. Most filesystems cannot be asked to
//! do that only if they need not wait, so that a ring hands each of those to a worker, which takes ten times as long
//! as the write. Their completions go through the ring as all others do, as NOPs.
//!
//! What waits for a device is the ring's: `O_DIRECT`, `O_SYNC`, `RWF_DSYNC` and their kin. So is what is appended: a
//! request that is taken back, because the ring takes no more, must be one that may be done twice.

use super::files::Files;
use crate::abi::aio::{iocb, IOCB_CMD_PWRITE, IOCB_CMD_PWRITEV, IOCB_FLAG_IOPRIO};
use crate::sys::{rw, Errno};
use core::ffi::c_int;

/// Calls for which a descriptor is taken to be the same file, opened for the same: where that is wrong, a device is
/// waited for in place. What has no places to write at, as a pipe, says so.
const TRUST: u32 = 16;

/// What is known of the files that are written.
pub struct Writes {
    files: Files,
    /// Calls since they were looked at.
    calls: u32,
    /// Writes may be with the ring, which those in place must not overtake.
    pub may_be_on_ring: bool,
}

/// Whether a request writes.
#[inline]
pub fn is_write(request: &iocb) -> bool {
    matches!(request.aio_lio_opcode, IOCB_CMD_PWRITE | IOCB_CMD_PWRITEV)
}

impl Writes {
    /// Nothing known.
    pub const fn new() -> Self {
        Writes { files: Files::new(), calls: 0, may_be_on_ring: false }
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
