//! Opening files, and what is done by path.

use super::{call, Errno, Result};
use crate::abi::ctypes::open_how;
use core::ffi::c_int;
use core::mem::size_of;
use core::sync::atomic::{AtomicBool, Ordering};

/// openat2(2): only what the caches have; otherwise `EAGAIN`.
pub const RESOLVE_CACHED: u64 = 0x20;

/// The kernel's O_LARGEFILE, which C libraries hide where every file is.
#[cfg(target_arch = "aarch64")]
const O_LARGEFILE: u64 = 0o400000;
#[cfg(not(target_arch = "aarch64"))]
const O_LARGEFILE: u64 = 0o100000;

const O_PATH: u64 = libc::O_PATH as u64;
/// What openat(2) heeds; it ignores other bits, where openat2(2) refuses them.
const OPEN_FLAGS: c_int = libc::O_ACCMODE
    | libc::O_CREAT
    | libc::O_EXCL
    | libc::O_NOCTTY
    | libc::O_TRUNC
    | libc::O_APPEND
    | libc::O_NONBLOCK
    | libc::O_SYNC
    | libc::O_DSYNC
    | libc::O_ASYNC
    | libc::O_DIRECT
    | libc::O_DIRECTORY
    | libc::O_NOFOLLOW
    | libc::O_NOATIME
    | libc::O_CLOEXEC
    | libc::O_PATH
    | libc::O_TMPFILE;
/// And with O_PATH.
const PATH_FLAGS: c_int = libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_PATH | libc::O_CLOEXEC;
/// The flags that fcntl(2) can change afterwards.
const STATUS_FLAGS: c_int =
    libc::O_APPEND | libc::O_NONBLOCK | libc::O_DIRECT | libc::O_NOATIME | libc::O_ASYNC;

/// What openat(2) means by its flags and mode, for openat2(2).
pub fn how(flags: c_int, mode: u32) -> open_how {
    let creates = flags & (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY) != 0;
    let heeded = if flags & libc::O_PATH != 0 { PATH_FLAGS } else { OPEN_FLAGS };
    // SAFETY: zeroed, the struct asks for nothing.
    let mut how: open_how = unsafe { core::mem::zeroed() };
    how.flags = u64::from((flags & heeded) as u32);
    if creates && how.flags & O_PATH == 0 {
        how.mode = u64::from(mode & 0o7777);
    }
    how
}

/// `ENOSYS` where there is none, which is found out once: Valgrind complains of each call.
unsafe fn openat2(dir: c_int, path: *const u8, how: &open_how) -> Result<c_int> {
    static IS_MISSING: AtomicBool = AtomicBool::new(false);
    if IS_MISSING.load(Ordering::Relaxed) {
        return Err(Errno::ENOSYS);
    }
    let size = size_of::<open_how>();
    let args = [dir as usize, path as usize, &raw const *how as usize, size, 0, 0];
    // SAFETY: see the module sys.
    let opened = unsafe { call(libc::SYS_openat2, args) };
    if opened == Err(Errno::ENOSYS) {
        IS_MISSING.store(true, Ordering::Relaxed);
    }
    opened.map(|fd| fd as c_int)
}

fn is_large(mut how: open_how) -> open_how {
    if how.flags & O_PATH == 0 {
        how.flags |= O_LARGEFILE;
    }
    how
}

/// openat2(2) as far as it does not block: `EAGAIN` for what the caches do not have, and for creating
/// and truncating.
pub unsafe fn open_cached(dir: c_int, path: *const u8, how: &open_how) -> Result<c_int> {
    let changes = (libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE & !libc::O_DIRECTORY) as u64;
    if how.flags & changes != 0 {
        return Err(Errno::EAGAIN);
    }
    let mut cached = is_large(*how);
    cached.resolve |= RESOLVE_CACHED;
    let nonblocking = libc::O_NONBLOCK as u64;
    let adds = cached.flags & (O_PATH | nonblocking) == 0;
    if adds {
        // A pipe's other end is not waited for, nor a lease.
        cached.flags |= nonblocking;
    }
    // SAFETY: see the module sys; the flags are of the file that was just made.
    unsafe {
        let fd = openat2(dir, path, &cached)?;
        if adds {
            let status = how.flags as c_int & STATUS_FLAGS;
            let args = [fd as usize, libc::F_SETFL as usize, status as usize, 0, 0, 0];
            let _ = call(libc::SYS_fcntl, args);
        }
        Ok(fd)
    }
}

/// openat2(2), or with `older` openat(2), which more kernels and filters know.
pub unsafe fn open(dir: c_int, path: *const u8, how: &open_how, older: bool) -> Result<c_int> {
    if !older {
        // SAFETY: see the module sys.
        return unsafe { openat2(dir, path, &is_large(*how)) };
    }
    let args = [dir as usize, path as usize, how.flags as usize, how.mode as usize, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_openat, args) }.map(|fd| fd as c_int)
}

/// Whether closing `fd` may have to wait for a server: its file is on a network or in user space.
pub fn closes_slowly(fd: c_int) -> bool {
    const NFS: i64 = 0x6969;
    const FUSE: i64 = 0x65735546;
    const CIFS: i64 = 0xff534d42;
    const SMB2: i64 = 0xfe534d42;
    const CEPH: i64 = 0x00c36400;
    // SAFETY: the kernel fills in the struct of this frame; all its fields may be zero.
    unsafe {
        let mut status: libc::statfs = core::mem::zeroed();
        let args = [fd as usize, &raw mut status as usize, 0, 0, 0, 0];
        call(libc::SYS_fstatfs, args).is_ok()
            && matches!(status.f_type as i64, NFS | FUSE | CIFS | SMB2 | CEPH)
    }
}

/// Whether to open a file may wait for more than a disk: it is a FIFO, a terminal or the like, or that is not told.
pub unsafe fn waits_when_opened(dir: c_int, path: *const u8, follows: bool) -> bool {
    let nofollow = if follows { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let flags = (libc::AT_NO_AUTOMOUNT | nofollow) as u32;
    // SAFETY: see the module sys; the struct of this frame may be all zeros.
    let found = unsafe {
        let mut status: libc::statx = core::mem::zeroed();
        let at = &raw mut status as u64;
        statx(dir, path, flags, libc::STATX_TYPE, at).map(|_| u32::from(status.stx_mode))
    };
    match found {
        Ok(mode) => matches!(mode & libc::S_IFMT, libc::S_IFIFO | libc::S_IFCHR),
        Err(errno) => matches!(errno, Errno::ENOSYS | Errno::EPERM),
    }
}

/// statx(2).
pub unsafe fn statx(dir: c_int, path: *const u8, flags: u32, mask: u32, to: u64) -> Result<usize> {
    let args = [dir as usize, path as usize, flags as usize, mask as usize, to as usize, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_statx, args) }
}

/// unlinkat(2).
pub unsafe fn unlink(dir: c_int, path: *const u8, flags: u32) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_unlinkat, [dir as usize, path as usize, flags as usize, 0, 0, 0]) }
}

/// renameat2(2).
pub unsafe fn rename(
    (from, old): (c_int, *const u8),
    (to, new): (c_int, *const u8),
    flags: u32,
) -> Result<usize> {
    let args = [from as usize, old as usize, to as usize, new as usize, flags as usize, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_renameat2, args) }
}

/// linkat(2).
pub unsafe fn link(
    (from, old): (c_int, *const u8),
    (to, new): (c_int, *const u8),
    flags: u32,
) -> Result<usize> {
    let args = [from as usize, old as usize, to as usize, new as usize, flags as usize, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_linkat, args) }
}

/// symlinkat(2).
pub unsafe fn symlink(target: *const u8, dir: c_int, path: *const u8) -> Result<usize> {
    let args = [target as usize, dir as usize, path as usize, 0, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_symlinkat, args) }
}

/// mkdirat(2).
pub unsafe fn mkdir(dir: c_int, path: *const u8, mode: u32) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_mkdirat, [dir as usize, path as usize, mode as usize, 0, 0, 0]) }
}
