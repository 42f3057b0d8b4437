//! Reading, writing and syncing files.

use super::{call, Errno, Result};
use core::ffi::{c_int, c_void};

/// Offset -1: at the file's position.
pub const AT_POSITION: u64 = u64::MAX;

/// preadv2(2); offset [`AT_POSITION`] reads at the file's position.
#[inline]
pub unsafe fn readv(fd: c_int, iov: &[libc::iovec], offset: u64, flags: c_int) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { transfer(false, fd, (iov.as_ptr(), iov.len()), offset, flags) }
}

/// pwritev2(2); offset [`AT_POSITION`] writes at the file's position.
#[inline]
pub unsafe fn writev(fd: c_int, iov: &[libc::iovec], offset: u64, flags: c_int) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { transfer(true, fd, (iov.as_ptr(), iov.len()), offset, flags) }
}

/// The file's position. `ESPIPE`.
pub fn position(fd: c_int) -> Result<u64> {
    // SAFETY: lseek takes no pointer.
    unsafe { call(libc::SYS_lseek, [fd as usize, 0, libc::SEEK_CUR as usize, 0, 0, 0]) }
        .map(|at| at as u64)
}

/// Moves the file's position.
pub fn set_position(fd: c_int, at: u64) -> Result<()> {
    // SAFETY: lseek takes no pointer.
    unsafe { call(libc::SYS_lseek, [fd as usize, at as usize, libc::SEEK_SET as usize, 0, 0, 0]) }
        .map(drop)
}

/// preadv2(2) or pwritev2(2), with vectors at an address.
#[inline]
pub unsafe fn transfer(
    is_write: bool,
    fd: c_int,
    (vector, count): (*const libc::iovec, usize),
    offset: u64,
    flags: c_int,
) -> Result<usize> {
    let number = if is_write { libc::SYS_pwritev2 } else { libc::SYS_preadv2 };
    let high = if usize::BITS == 64 { 0 } else { (offset >> 32) as usize };
    let args = [fd as usize, vector as usize, count, offset as usize, high, flags as usize];
    // SAFETY: see the module sys.
    match unsafe { call(number, args) } {
        // SAFETY: as above.
        Err(Errno::ENOSYS) => unsafe { transfer_without(is_write, args) },
        done => done,
    }
}

/// The same on a kernel or in a sandbox that does not know these calls: `EOPNOTSUPP` for any flag, as from a file
/// that knows none.
#[cold]
unsafe fn transfer_without(is_write: bool, args: [usize; 6]) -> Result<usize> {
    let is_at_position = args[3] == AT_POSITION as usize && (usize::BITS == 64 || args[4] != 0);
    let number = match (is_write, is_at_position) {
        _ if args[5] != 0 => return Err(Errno::EOPNOTSUPP),
        (false, false) => libc::SYS_preadv,
        (true, false) => libc::SYS_pwritev,
        (false, true) => libc::SYS_readv,
        (true, true) => libc::SYS_writev,
    };
    // SAFETY: the caller's arguments are those of preadv2 or pwritev2.
    unsafe { call(number, args) }
}

/// read(2).
pub unsafe fn read(fd: c_int, buf: *mut c_void, len: usize) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_read, [fd as usize, buf as usize, len, 0, 0, 0]) }
}

/// fsync(2), or fdatasync(2).
pub unsafe fn sync(fd: c_int, only_data: bool) -> Result<usize> {
    let number = if only_data { libc::SYS_fdatasync } else { libc::SYS_fsync };
    // SAFETY: see the module sys.
    unsafe { call(number, [fd as usize, 0, 0, 0, 0, 0]) }
}
