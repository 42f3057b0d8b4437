//! From a request to an SQE.

use crate::abi::aio::*;
use crate::abi::ctypes::{iovec, off_t};
use crate::abi::uring::{io_uring_sqe, IORING_FSYNC_DATASYNC};
use crate::ring::inline::*;
use crate::sys::{file, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};

/// The most bytes that one read or write transfers, as in the kernel.
pub const MAX_RW_COUNT: u64 = 0x7fff_f000;

/// Fills `sqe` in with what `request` asks for; `EINVAL` where the kernel's aio says so.
///
/// # Safety
/// `sqe` must be a cleared SQE. Addresses in the request are stored and not followed.
#[inline]
pub unsafe fn prepare(sqe: *mut io_uring_sqe, request: &iocb) -> Result<()> {
    if request.aio_reserved2 != 0 || request.aio_nbytes > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller vouches for the SQE.
    unsafe {
        match request.aio_lio_opcode {
            IOCB_CMD_PREAD | IOCB_CMD_PWRITE | IOCB_CMD_PREADV | IOCB_CMD_PWRITEV => {
                prepare_rw(sqe, request)?
            }
            IOCB_CMD_FSYNC => prepare_fsync(sqe, request, 0)?,
            IOCB_CMD_FDSYNC => prepare_fsync(sqe, request, IORING_FSYNC_DATASYNC)?,
            IOCB_CMD_POLL => prepare_poll(sqe, request)?,
            _ => return Err(Errno::EINVAL),
        }
    }
    Ok(())
}

#[inline]
unsafe fn prepare_rw(sqe: *mut io_uring_sqe, request: &iocb) -> Result<()> {
    // -1 would be the file's own position on a ring.
    if request.aio_offset < 0 {
        return Err(Errno::EINVAL);
    }
    let (fd, offset) = (request.aio_fildes as c_int, request.aio_offset as u64);
    let len = request.aio_nbytes.min(MAX_RW_COUNT) as c_uint;
    let buf = request.aio_buf as *mut c_void;
    let iovecs = request.aio_buf as *const iovec;
    // SAFETY: the caller vouches for the SQE.
    unsafe {
        match request.aio_lio_opcode {
            IOCB_CMD_PREAD => io_uring_prep_read(sqe, fd, buf, len, offset),
            IOCB_CMD_PWRITE => io_uring_prep_write(sqe, fd, buf, len, offset),
            IOCB_CMD_PREADV => io_uring_prep_readv(sqe, fd, iovecs, len, offset),
            _ => io_uring_prep_writev(sqe, fd, iovecs, len, offset),
        }
        (*sqe).anon_rw_flags.rw_flags = rw_flags(request);
        if request.aio_flags & IOCB_FLAG_IOPRIO != 0 {
            (*sqe).ioprio = request.aio_reqprio as u16;
        }
    }
    Ok(())
}

/// The flags of a read or write. Nobody polls for its completion here: as the kernel's aio, that wish is passed over.
#[inline]
pub fn rw_flags(request: &iocb) -> c_int {
    request.aio_rw_flags & !libc::RWF_HIPRI
}

unsafe fn prepare_fsync(sqe: *mut io_uring_sqe, request: &iocb, flags: u32) -> Result<()> {
    let unused = request.aio_buf | request.aio_nbytes | request.aio_offset as off_t as u64;
    if unused != 0 || request.aio_rw_flags != 0 {
        return Err(Errno::EINVAL);
    }
    // A ring finds a closed file in a worker only, when io_submit has returned.
    file::status_flags(request.aio_fildes as c_int)?;
    // SAFETY: the caller vouches for the SQE.
    unsafe { io_uring_prep_fsync(sqe, request.aio_fildes as c_int, flags) };
    Ok(())
}

unsafe fn prepare_poll(sqe: *mut io_uring_sqe, request: &iocb) -> Result<()> {
    let unused = request.aio_nbytes | request.aio_offset as u64;
    let Ok(events) = u16::try_from(request.aio_buf) else {
        return Err(Errno::EINVAL);
    };
    if unused != 0 || request.aio_rw_flags != 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller vouches for the SQE.
    unsafe { io_uring_prep_poll_add(sqe, request.aio_fildes as c_int, c_uint::from(events)) };
    Ok(())
}

/// Whether the kernel's aio would have completed the request when io_submit returns: it reads and writes
/// the page cache there.
pub fn is_synchronous_in_kernel(request: &iocb) -> bool {
    let fd = request.aio_fildes as c_int;
    matches!(
        request.aio_lio_opcode,
        IOCB_CMD_PREAD | IOCB_CMD_PWRITE | IOCB_CMD_PREADV | IOCB_CMD_PWRITEV
    ) && file::is_cached(fd)
        && file::status_flags(fd).is_ok_and(|flags| flags & libc::O_DIRECT == 0)
}
