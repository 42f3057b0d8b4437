//! Writes done within io_submit, as the kernel's aio does them: to the page cache, on filesystems that cannot be
//! asked to do it only if they need not wait. A ring hands each of those to a worker, which takes ten times as long
//! as the write. Their completions go through the ring as all others do, as NOPs.
//!
//! What waits for a device is the ring's: `O_DIRECT`, `O_SYNC`, `RWF_DSYNC` and their kin. So is what is appended: a
//! request that is taken back, because the ring takes no more, must be one that may be done twice.

use super::files::Files;
use crate::abi::aio::{iocb, IOCB_CMD_PWRITE, IOCB_FLAG_IOPRIO};
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
    /// The last one whose filesystem refused to be asked.
    cannot_be_asked: c_int,
}

impl Writes {
    /// Nothing known.
    pub const fn new() -> Self {
        Writes { files: Files::new(), calls: 0, cannot_be_asked: -1 }
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

    /// Does a request that is such a write; its event's `res`. None when it is for the ring.
    ///
    /// # Safety
    /// The request's buffer must be the program's to read.
    #[inline]
    pub unsafe fn write(&mut self, request: &iocb) -> Option<i64> {
        if request.aio_lio_opcode != IOCB_CMD_PWRITE {
            return None;
        }
        // SAFETY: as the caller says.
        unsafe { self.write_if_plain(request) }
    }

    unsafe fn write_if_plain(&mut self, request: &iocb) -> Option<i64> {
        let is_plain = request.aio_rw_flags == 0
            && request.aio_flags & IOCB_FLAG_IOPRIO == 0
            && request.aio_nbytes > 0;
        let fd = request.aio_fildes as c_int;
        if !is_plain || !self.files.writes_cached(fd) {
            return None;
        }
        let buffer = libc::iovec {
            iov_base: request.aio_buf as *mut _,
            iov_len: request.aio_nbytes as usize,
        };
        // SAFETY: the kernel only reads the buffer, and says where it cannot.
        let write = |flags| unsafe { rw::writev(fd, &[buffer], request.aio_offset as u64, flags) };
        if self.cannot_be_asked != fd {
            match write(libc::RWF_NOWAIT) {
                Err(Errno::EOPNOTSUPP) => self.cannot_be_asked = fd,
                // The rest waits for something.
                Ok(n) if n < buffer.iov_len => return None,
                Err(Errno::EAGAIN) => return None,
                done => return result(done),
            }
        }
        result(write(0))
    }
}

fn result(done: crate::sys::Result<usize>) -> Option<i64> {
    match done {
        Ok(bytes) => Some(bytes as i64),
        // It is another file by now, or none.
        Err(Errno::EBADF | Errno::ESPIPE) => None,
        Err(errno) => Some(i64::from(errno.answer())),
    }
}
