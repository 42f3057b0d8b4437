//! What a descriptor stands for, and eventfds.

use super::{call, Errno, Result};
use core::ffi::c_int;

/// The file's status flags: `O_ACCMODE`, `O_DIRECT` and their kin. `EBADF` when it is closed.
#[inline]
pub fn status_flags(fd: c_int) -> Result<c_int> {
    // SAFETY: fcntl with F_GETFL takes no pointer.
    unsafe { call(libc::SYS_fcntl, [fd as usize, libc::F_GETFL as usize, 0, 0, 0, 0]) }
        .map(|flags| flags as c_int)
}

/// `EBADF` unless there is a file that can be used, rather than only named.
pub fn check(fd: c_int) -> Result<()> {
    match status_flags(fd)? & libc::O_PATH {
        0 => Ok(()),
        _ => Err(Errno::EBADF),
    }
}

/// How reads and writes of a file wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// They go through the page cache: a regular file or a block device.
    Cached,
    /// A socket.
    Socket,
    /// Poll tells when it is ready: a pipe, a terminal, an eventfd and its kin.
    Pollable,
    /// A device that may be anything, or a directory.
    Other,
}

/// What a look at a file tells.
#[derive(Clone, Copy)]
pub struct Look {
    /// What kind of file it is.
    pub kind: Kind,
    /// Which one: two of the same number may be one file.
    pub identity: u64,
    /// It is a directory.
    pub is_directory: bool,
}

impl Look {
    /// There is no file.
    pub const NOTHING: Look = Look { kind: Kind::Other, identity: 0, is_directory: false };
}

/// What kind of file `fd` is.
pub fn kind(fd: c_int) -> Kind {
    look(fd).unwrap_or(Look::NOTHING).kind
}

/// Looks at a file; none when there is none.
pub fn look(fd: c_int) -> Option<Look> {
    status(fd).map(|status| Look {
        kind: kind_of(&status),
        identity: status.st_ino ^ status.st_dev,
        is_directory: status.st_mode & libc::S_IFMT == libc::S_IFDIR,
    })
}

fn kind_of(status: &libc::stat) -> Kind {
    /// Terminals: tty, console, virtual ones, and both sides of pseudo terminals.
    fn is_terminal(device: u64) -> bool {
        matches!((device >> 8) & 0xfff, 4 | 5 | 128..=143)
    }
    match status.st_mode & libc::S_IFMT {
        libc::S_IFREG | libc::S_IFBLK => Kind::Cached,
        libc::S_IFSOCK => Kind::Socket,
        libc::S_IFIFO | 0 => Kind::Pollable,
        libc::S_IFCHR if is_terminal(status.st_rdev) => Kind::Pollable,
        _ => Kind::Other,
    }
}

fn status(fd: c_int) -> Option<libc::stat> {
    // SAFETY: the kernel fills in the struct of this frame; all its fields may be zero.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        let args = [fd as usize, &raw mut status as usize, 0, 0, 0, 0];
        call(libc::SYS_fstat, args).is_ok().then_some(status)
    }
}

/// Whether `fd` is a directory.
pub fn is_directory(fd: c_int) -> bool {
    status(fd).is_some_and(|status| status.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

/// Whether `fd` is an eventfd or one of its kin, which have no type.
pub fn is_anonymous(fd: c_int) -> bool {
    status(fd).is_some_and(|status| status.st_mode & libc::S_IFMT == 0)
}

/// Whether reads come from the page cache when it has the data: a regular file or a block device.
pub fn is_cached(fd: c_int) -> bool {
    kind(fd) == Kind::Cached
}

/// Another descriptor of the same file, closed on exec.
pub fn duplicate(fd: c_int) -> Result<c_int> {
    let command = libc::F_DUPFD_CLOEXEC as usize;
    // SAFETY: fcntl with F_DUPFD_CLOEXEC takes no pointer.
    unsafe { call(libc::SYS_fcntl, [fd as usize, command, 0, 0, 0, 0]) }.map(|fd| fd as c_int)
}

/// A new eventfd, closed on exec, whose reads block.
pub fn eventfd() -> Result<c_int> {
    // SAFETY: eventfd2 takes no pointer.
    unsafe { call(libc::SYS_eventfd2, [0, libc::EFD_CLOEXEC as usize, 0, 0, 0, 0]) }
        .map(|fd| fd as c_int)
}

/// A new eventfd, closed on exec, whose reads do not block.
pub fn eventfd_nonblocking() -> Result<c_int> {
    let flags = (libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) as usize;
    // SAFETY: eventfd2 takes no pointer.
    unsafe { call(libc::SYS_eventfd2, [0, flags, 0, 0, 0, 0]) }.map(|fd| fd as c_int)
}

/// Sets an eventfd back to 0, one whose reads do not block.
pub fn clear(eventfd: c_int) {
    let mut count = 0u64;
    // SAFETY: the kernel writes 8 bytes of this frame. That it was 0 already is no error.
    let _ =
        unsafe { call(libc::SYS_read, [eventfd as usize, &raw mut count as usize, 8, 0, 0, 0]) };
}

/// Adds 1 to an eventfd.
pub fn signal(eventfd: c_int) -> Result<()> {
    signal_several(eventfd, 1)
}

/// Adds `count` to an eventfd.
pub fn signal_several(eventfd: c_int, count: u64) -> Result<()> {
    // SAFETY: the kernel reads 8 bytes of this frame.
    unsafe { call(libc::SYS_write, [eventfd as usize, &raw const count as usize, 8, 0, 0, 0]) }
        .map(drop)
}
