//! What io_submit() answers by itself, before anything is done: what the kernel's aio finds wrong with a request and
//! the file that it names.

use super::files::{is_open_to, File, Files};
use super::judge;
use super::pages::Pages;
use super::request::MAX_RW_COUNT;
use super::user;
use crate::abi::aio::*;
use crate::abi::ctypes::iovec;
use crate::sys::file::{self, Kind};
use crate::sys::{Errno, Result};
use core::ffi::c_int;
use core::mem::size_of;

/// Entries of a vector that the kernel takes.
const MAX_VECTOR: u64 = 1024;

/// Whether a request reads or writes.
#[inline]
pub fn moves_data(request: &iocb) -> bool {
    matches!(
        request.aio_lio_opcode,
        IOCB_CMD_PREAD | IOCB_CMD_PWRITE | IOCB_CMD_PREADV | IOCB_CMD_PWRITEV
    )
}

/// Whether a request writes.
#[inline]
pub fn is_write(request: &iocb) -> bool {
    matches!(request.aio_lio_opcode, IOCB_CMD_PWRITE | IOCB_CMD_PWRITEV)
}

/// Whether a request's data is in several places.
#[inline]
pub fn is_vectored(request: &iocb) -> bool {
    matches!(request.aio_lio_opcode, IOCB_CMD_PREADV | IOCB_CMD_PWRITEV)
}

/// The mode of opening that an operation does not work with.
#[inline]
pub fn closed_to(opcode: u16) -> Option<c_int> {
    match opcode {
        IOCB_CMD_PREAD | IOCB_CMD_PREADV => Some(libc::O_WRONLY),
        IOCB_CMD_PWRITE | IOCB_CMD_PWRITEV => Some(libc::O_RDONLY),
        _ => None,
    }
}

/// What is wrong with a request whatever its file is. That it has none is said first.
#[inline]
pub unsafe fn fields(request: &iocb, pages: &mut Pages) -> Result<()> {
    if request.aio_reserved2 != 0 || request.aio_nbytes > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    let wrong = match request.aio_lio_opcode {
        // SAFETY: see the module aio.
        _ if moves_data(request) => unsafe { data(request, pages) },
        IOCB_CMD_FSYNC | IOCB_CMD_FDSYNC | IOCB_CMD_POLL => Ok(()),
        _ => Err(Errno::EINVAL),
    };
    match wrong {
        Err(errno) => file::status_flags(request.aio_fildes as c_int).and(Err(errno)),
        right => right,
    }
}

#[inline]
unsafe fn data(request: &iocb, pages: &mut Pages) -> Result<()> {
    if is_vectored(request) {
        // SAFETY: see the module aio.
        unsafe { vector(request, pages)? };
    } else if user::is_beyond(request.aio_buf, request.aio_nbytes.min(MAX_RW_COUNT)) {
        return Err(Errno::EFAULT);
    }
    let end = request.aio_offset.checked_add(request.aio_nbytes.min(i32::MAX as u64) as i64);
    match (request.aio_offset, end) {
        (0.., Some(_)) => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// What is wrong with a vector.
unsafe fn vector(request: &iocb, pages: &mut Pages) -> Result<()> {
    if request.aio_nbytes > MAX_VECTOR {
        return Err(Errno::EINVAL);
    }
    let (entries, nr) = (request.aio_buf as *const iovec, request.aio_nbytes as usize);
    if nr == 0 {
        return Ok(());
    }
    pages.check(entries, nr * size_of::<iovec>())?;
    for at in 0..nr {
        // SAFETY: the entries can be read.
        let entry = unsafe { entries.add(at).read_unaligned() };
        if entry.iov_len as isize <= -1 {
            return Err(Errno::EINVAL);
        }
        if user::is_beyond(entry.iov_base as u64, entry.iov_len as u64) {
            return Err(Errno::EFAULT);
        }
    }
    Ok(())
}

/// The file of a request, with which nothing is wrong otherwise; or what is wrong with that.
#[inline]
pub fn file_of(request: &iocb, files: &mut Files) -> Result<File> {
    let is_plain = request.aio_rw_flags == 0 && request.aio_flags & IOCB_FLAG_IOPRIO == 0;
    match files.last(request.aio_fildes as c_int, request.aio_lio_opcode) {
        Some(file) if is_plain => Ok(file),
        _ => look(request, files, is_plain),
    }
}

#[inline(never)]
fn look(request: &iocb, files: &mut Files, is_plain: bool) -> Result<File> {
    let fd = request.aio_fildes as c_int;
    let file = files.look(fd)?;
    if moves_data(request) {
        is_open_to(file.flags, closed_to(request.aio_lio_opcode))?;
        let is_write = is_write(request);
        // Sockets can be read and written, and regular files, unless they are /proc's. Others may be anything.
        let is_known = match file.kind {
            Kind::Socket => true,
            Kind::Cached => *files.takes(fd, is_write),
            _ => false,
        };
        if !is_plain || !is_known {
            judge::ask(request)?;
            *files.takes(fd, is_write) |= is_plain;
        }
        if is_plain && file.kind == Kind::Cached {
            files.remember(fd, request.aio_lio_opcode, file);
        }
    } else if request.aio_lio_opcode != IOCB_CMD_POLL
        && matches!(file.kind, Kind::Socket | Kind::Pollable)
    {
        // There is nothing to be synced.
        return Err(Errno::EINVAL);
    }
    Ok(file)
}
