//! Pipes, and moving data through them.

use super::{call, epoll, Result};
use core::ffi::{c_int, c_short};
use core::ptr::null_mut;

/// pipe2(2): the end to read and the end to write.
pub fn create(flags: c_int) -> Result<[c_int; 2]> {
    let mut ends = [-1; 2];
    // SAFETY: the kernel writes to the array of this frame.
    unsafe { call(libc::SYS_pipe2, [ends.as_mut_ptr() as usize, flags as usize, 0, 0, 0, 0]) }?;
    Ok(ends)
}

/// A descriptor and the offset in its file; none for a pipe, or at the file's position.
pub type End = (c_int, Option<i64>);

/// splice(2).
pub fn splice((from, mut at): End, (to, mut to_at): End, len: usize, flags: u32) -> Result<usize> {
    let at = at.as_mut().map_or(null_mut(), |at| &raw mut *at);
    let to_at = to_at.as_mut().map_or(null_mut(), |at| &raw mut *at);
    let args = [from as usize, at as usize, to as usize, to_at as usize, len, flags as usize];
    // SAFETY: the kernel writes to the offsets of this frame only.
    unsafe { call(libc::SYS_splice, args) }
}

/// tee(2).
pub fn tee(from: c_int, to: c_int, len: usize, flags: u32) -> Result<usize> {
    // SAFETY: tee takes no pointer.
    unsafe { call(libc::SYS_tee, [from as usize, to as usize, len, flags as usize, 0, 0]) }
}

/// What is up with `fd` now, of `events` (`POLL*`) and the errors that are always told.
fn look(fd: c_int, events: c_short) -> c_short {
    epoll::ready(fd, events as u16 as u32).map_or(libc::POLLERR, |ready| ready as c_short)
}

/// Whether `fd` has one of `events` (`POLL*`) now, or an error, or is no file.
pub fn is_ready(fd: c_int, events: c_short) -> bool {
    look(fd, events) != 0
}

/// Whether `fd` is the end to write of a pipe that nobody reads.
pub fn is_broken(fd: c_int) -> bool {
    look(fd, 0) & libc::POLLERR != 0
}

/// Whether a pipe has a name: it is a FIFO in a filesystem.
pub fn is_named(pipe: c_int) -> bool {
    const PIPEFS: i64 = 0x5049_5045;
    // SAFETY: the kernel fills in the struct of this frame; all its fields may be zero.
    unsafe {
        let mut status: libc::statfs = core::mem::zeroed();
        call(libc::SYS_fstatfs, [pipe as usize, &raw mut status as usize, 0, 0, 0, 0]).is_ok()
            && status.f_type as i64 != PIPEFS
    }
}

/// Whether `fd` is an end of a pipe.
pub fn is_pipe(fd: c_int) -> bool {
    // SAFETY: the kernel fills in the struct of this frame; all its fields may be zero.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        call(libc::SYS_fstat, [fd as usize, &raw mut status as usize, 0, 0, 0, 0]).is_ok()
            && status.st_mode & libc::S_IFMT == libc::S_IFIFO
    }
}
