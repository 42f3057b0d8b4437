//! File descriptors and the limit on their number.

use super::{call, Errno, Result};
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// close(2).
pub unsafe fn close(fd: c_int) -> Result<()> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_close, [fd as usize, 0, 0, 0, 0, 0]) }.map(drop)
}

/// One of this process's limits (`RLIMIT_*`).
pub fn limit(which: u32) -> Result<libc::rlimit64> {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let at = &raw mut limit as usize;
    // SAFETY: the kernel fills in the struct of this frame.
    unsafe { call(libc::SYS_prlimit64, [0, which as usize, 0, at, 0, 0]) }?;
    Ok(limit)
}

/// Reads this process's RLIMIT_NOFILE, or replaces it by `new` and returns what it was.
pub fn nofile_limit(new: Option<&libc::rlimit64>) -> Result<libc::rlimit64> {
    let mut old = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let new = new.map_or(core::ptr::null(), |limit| limit as *const libc::rlimit64);
    // SAFETY: both pointers are to rlimit structs of the caller's frame, or NULL for "leave it".
    unsafe {
        call(
            libc::SYS_prlimit64,
            [0, libc::RLIMIT_NOFILE as usize, new as usize, &raw mut old as usize, 0, 0],
        )
    }?;
    Ok(old)
}

/// What fstat(2) says of a file. `EBADF`.
pub fn status(fd: c_int) -> Result<libc::stat> {
    // SAFETY: the kernel fills in the struct of this frame; all its fields may be zero.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        call(libc::SYS_fstat, [fd as usize, &raw mut status as usize, 0, 0, 0, 0])?;
        Ok(status)
    }
}

/// Whether an exec closes it.
pub fn closes_on_exec(fd: c_int) -> bool {
    // SAFETY: fcntl with F_GETFD takes no pointer.
    let flags = unsafe { call(libc::SYS_fcntl, [fd as usize, libc::F_GETFD as usize, 0, 0, 0, 0]) };
    flags.is_ok_and(|flags| flags as c_int & libc::FD_CLOEXEC != 0)
}

/// `EBADF` when `fd` is closed, `EINVAL` when it is a file of some type: an eventfd has none, as few
/// others that programs hold. Without effect on the file, unlike any read or write that would tell.
pub fn check_eventfd(fd: c_int) -> Result<()> {
    match status(fd)?.st_mode & libc::S_IFMT {
        0 => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// What few descriptors there are of ours are above these, out of the way of those that a program counts on.
const ABOVE: usize = 768;

fn duplicate_from(fd: c_int, lowest: usize) -> Result<c_int> {
    let command = libc::F_DUPFD_CLOEXEC as usize;
    // SAFETY: fcntl with F_DUPFD_CLOEXEC takes no pointer.
    unsafe { call(libc::SYS_fcntl, [fd as usize, command, lowest, 0, 0, 0]) }.map(|fd| fd as c_int)
}

/// Another descriptor of the same file, closed on exec, out of the way of those that a program counts on
/// getting: they are the lowest. `EMFILE`, `EBADF`.
pub fn hold(fd: c_int) -> Result<c_int> {
    match duplicate_from(fd, ABOVE) {
        // The limit is below that, or nothing above it is free.
        Err(Errno::EINVAL | Errno::EMFILE) => duplicate_from(fd, 0),
        held => held,
    }
}

/// [`hold`] for one of many, which have their own place; whether it is in there, or to be given up. `EMFILE`, `EINVAL` when
/// there is none.
pub fn hold_one_of_many(fd: c_int) -> Result<(c_int, bool)> {
    let place = Place::known();
    let held = match duplicate_from(fd, place.from) {
        // The limit is below that by now.
        Err(Errno::EINVAL) => duplicate_from(fd, Place::look().from),
        held => held,
    }?;
    Ok((held, (held as usize) < place.to))
}

/// Where descriptors are of which there may be many: behind those that select(2) knows, in the upper part of what a limit
/// leaves. Where that is what programs have by default, it is theirs but for a handful.
#[derive(Clone, Copy)]
struct Place {
    from: usize,
    to: usize,
}

static PLACE: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
/// How often it is used until the limit is looked at again.
const TRUST: u32 = 256;
static USES: AtomicU32 = AtomicU32::new(0);

impl Place {
    /// The place for a limit.
    const fn of(limit: usize) -> Self {
        /// What select(2) knows.
        const SELECTED: usize = 1024;
        /// From here on a limit was raised for a program that wants many.
        const MANY: usize = 4096;
        const HANDFUL: usize = 4;
        let share = if limit >= MANY { limit / 4 } else { limit / 32 };
        let room = if share < HANDFUL { HANDFUL } else { share };
        match limit >= SELECTED + room {
            true => Place { from: SELECTED, to: SELECTED + room },
            false => Place { from: limit.saturating_sub(room), to: limit },
        }
    }

    /// As the limit was some uses ago.
    fn known() -> Self {
        if USES.fetch_add(1, Ordering::Relaxed) % TRUST == 0 {
            return Place::look();
        }
        let [from, to] = &PLACE;
        Place { from: from.load(Ordering::Relaxed), to: to.load(Ordering::Relaxed) }
    }

    fn look() -> Self {
        /// Where the limit may not be asked for.
        const USUAL: u64 = 1024;
        let limit = nofile_limit(None).map_or(USUAL, |limit| limit.rlim_cur);
        let place = Place::of(usize::try_from(limit).unwrap_or(usize::MAX));
        PLACE[0].store(place.from, Ordering::Relaxed);
        PLACE[1].store(place.to, Ordering::Relaxed);
        place
    }
}

/// Moves a descriptor of ours out of the program's way.
pub fn move_away(fd: c_int) -> c_int {
    match hold(fd) {
        Ok(held) => {
            // SAFETY: the caller gives it up for the one returned.
            let _ = unsafe { close(fd) };
            held
        }
        Err(_) => fd,
    }
}

/// Another descriptor of the same file for the program: the lowest that is free. `EMFILE`.
pub fn duplicate_for_program(fd: c_int, closes_on_exec: bool) -> Result<c_int> {
    let command = if closes_on_exec { libc::F_DUPFD_CLOEXEC } else { libc::F_DUPFD };
    // SAFETY: fcntl with F_DUPFD takes no pointer.
    unsafe { call(libc::SYS_fcntl, [fd as usize, command as usize, 0, 0, 0, 0]) }
        .map(|fd| fd as c_int)
}
