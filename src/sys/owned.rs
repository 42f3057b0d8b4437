//! Descriptors of ours of files that are a program's. close(2) takes away all record locks (`F_SETLK`) that the process
//! has on the file, whichever descriptor it closes. So one of ours of a file that has any is not closed but parked: it is
//! used again when the same file is to be held once more, and closed when somebody looks later and no lock is left.

use super::lock::Lock;
use super::locks::{rank, Class};
use super::{call, fd, identity, Errno, Result};
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const F_OFD_GETLK: usize = 36;
const F_SETSIG: usize = 10;
const F_GETSIG: usize = 11;

/// A descriptor of our own, given up when dropped.
pub struct Owned {
    fd: c_int,
    /// It is no file that a program could have locked.
    is_plain: bool,
}

impl Owned {
    /// One that the caller gives up.
    pub const fn new(fd: c_int) -> Self {
        Owned { fd, is_plain: false }
    }

    /// One that the caller gives up, of a file that nobody locks, as a socket.
    pub const fn of_plain(fd: c_int) -> Self {
        Owned { fd, is_plain: true }
    }

    /// Another descriptor of a program's file, out of the way. `EMFILE`, `EBADF`.
    pub fn hold(fd: c_int) -> Result<Self> {
        take_parked(fd).map_or_else(|| fd::hold(fd), Ok).map(Owned::new)
    }

    /// [`Owned::hold`] for one of many, which must not be more than a program can do without, as told whether it is of a file
    /// that nobody locks. `EMFILE`, `EBADF`.
    pub fn hold_one_of_many(fd: c_int, is_plain: bool) -> Result<Self> {
        if let Some(fd) = if is_plain { None } else { take_parked(fd) } {
            return Ok(Owned { fd, is_plain });
        }
        let held = fd::hold_one_of_many(fd);
        let (fd, is_in_place) =
            held.map_err(|errno| if errno == Errno::EINVAL { Errno::EMFILE } else { errno })?;
        let held = Owned { fd, is_plain };
        if is_in_place {
            Ok(held)
        } else {
            Err(Errno::EMFILE)
        }
    }

    /// A new file's descriptor, moved out of the program's way. One of a locked file stays where it is.
    pub fn moved_away(fd: c_int) -> Self {
        match fd::hold(fd) {
            Ok(held) => {
                drop(Owned::new(fd));
                Owned::new(held)
            }
            Err(_) => Owned::new(fd),
        }
    }

    /// The descriptor.
    #[inline]
    pub fn fd(&self) -> c_int {
        self.fd
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.is_plain || !is_locked(self.fd) || !park(self.fd) {
            // SAFETY: it is ours alone.
            let _ = unsafe { fd::close(self.fd) };
        }
    }
}

/// Whether anybody has a lock on the file, this process as well: all that it does not tell of are those of the open file
/// itself, which lose nothing.
fn is_locked(fd: c_int) -> bool {
    // SAFETY: the kernel reads and writes the struct of this frame, whose fields may all be zero: all of the file.
    unsafe {
        let mut lock: libc::flock = core::mem::zeroed();
        lock.l_type = libc::F_WRLCK as _;
        let asked =
            call(libc::SYS_fcntl, [fd as usize, F_OFD_GETLK, &raw mut lock as usize, 0, 0, 0]);
        asked.is_ok() && c_int::from(lock.l_type) != libc::F_UNLCK
    }
}

/// A bit for each of some files that had locks when somebody looked; files share bits.
static LOCKED: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];

fn bit_of(identity: u64) -> (&'static AtomicU64, u64) {
    let at = (identity.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize;
    (&LOCKED[at / 64], 1 << (at % 64))
}

/// Whether anybody has a lock on a file, or had when it was looked at before: it is one that is locked now and then.
/// `identity` is its device and inode, one or-ed exclusively to the other.
pub fn has_been_locked(fd: c_int, identity: u64) -> bool {
    let (word, bit) = bit_of(identity);
    if word.load(Ordering::Relaxed) & bit != 0 {
        return true;
    }
    let is_locked = is_locked(fd);
    if is_locked {
        word.fetch_or(bit, Ordering::Relaxed);
    }
    is_locked
}

/// A descriptor that could not be closed, and which file it is.
struct Parked {
    fd: c_int,
    file: (u64, u64),
}

impl Parked {
    /// Whether it still is that file: the program may have closed all that it has.
    fn is_there(&self) -> bool {
        file_of(self.fd) == Some(self.file)
    }
}

struct Parking {
    lock: Lock<{ rank::PARKED }>,
    parked: UnsafeCell<Vec<Parked>>,
    /// How many, as far as those know who do not hold the lock.
    count: AtomicU32,
}

// SAFETY: the list is only touched under the lock.
unsafe impl Sync for Parking {}

static PARKING: Parking =
    Parking { lock: Lock::new(), parked: UnsafeCell::new(Vec::new()), count: AtomicU32::new(0) };

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(PARKING.lock.word()), are_taken: true };

impl Parking {
    /// None for a signal handler that has interrupted its thread here.
    fn with<T>(&self, f: impl FnOnce(&mut Vec<Parked>) -> T) -> Option<T> {
        let _held = self.lock.lock_unless_interrupted()?;
        // SAFETY: the lock makes the list ours.
        let parked = unsafe { &mut *self.parked.get() };
        let done = f(parked);
        self.count.store(parked.len() as u32, Ordering::Relaxed);
        Some(done)
    }
}

fn file_of(fd: c_int) -> Option<(u64, u64)> {
    fd::status(fd).ok().map(|status| (status.st_dev, status.st_ino))
}

/// Parks a descriptor; false when it is no file.
fn park(fd: c_int) -> bool {
    let Some(file) = file_of(fd) else { return false };
    let (word, bit) = bit_of(file.0 ^ file.1);
    word.fetch_or(bit, Ordering::Relaxed);
    // In a signal handler that has interrupted this it stays open: a lock counts for more than a descriptor.
    let _ = PARKING.with(|parked| {
        look_again(parked);
        parked.push(Parked { fd, file });
    });
    true
}

/// A parked descriptor of the same open file.
fn take_parked(fd: c_int) -> Option<c_int> {
    if PARKING.count.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let file = file_of(fd)?;
    PARKING.with(|parked| {
        look_again(parked);
        let is_it = |parked: &Parked| parked.file == file && are_one(parked.fd, fd);
        parked.iter().position(is_it).map(|at| parked.swap_remove(at).fd)
    })?
}

/// Closes what has no lock any more.
pub fn close_parked() {
    if PARKING.count.load(Ordering::Relaxed) > 0 {
        PARKING.with(look_again);
    }
}

fn look_again(parked: &mut Vec<Parked>) {
    parked.retain(|parked| {
        let is_there = parked.is_there();
        if is_there && !is_locked(parked.fd) {
            // SAFETY: it is ours alone.
            let _ = unsafe { fd::close(parked.fd) };
            return false;
        }
        is_there
    });
}

/// In a new process: the lock is free, and the descriptors are its own.
///
/// # Safety
/// No other thread of this process may use it yet.
pub unsafe fn start_over() {
    // SAFETY: as the caller says.
    unsafe { PARKING.lock.reset() };
}

/// Whether two descriptors are one open file. Where the system may not be asked, by the signal that a file announces input
/// with, which is the open file's.
fn are_one(ours: c_int, theirs: c_int) -> bool {
    match identity::compare(ours, theirs) {
        Ok(are_one) => are_one,
        Err(Errno::EBADF) => false,
        Err(_) => has_same_signal(ours, theirs).unwrap_or(false),
    }
}

fn has_same_signal(ours: c_int, theirs: c_int) -> Result<bool> {
    // SAFETY: fcntl with these takes no pointer.
    let signal = |command: usize, fd: c_int, signal: usize| unsafe {
        call(libc::SYS_fcntl, [fd as usize, command, signal, 0, 0, 0])
    };
    let (before, other) = (signal(F_GETSIG, ours, 0)?, signal(F_GETSIG, theirs, 0)?);
    if before != other {
        return Ok(false);
    }
    const TELLING: usize = 63;
    signal(F_SETSIG, ours, if before == TELLING { TELLING - 1 } else { TELLING })?;
    let seen = signal(F_GETSIG, theirs, 0);
    signal(F_SETSIG, ours, before)?;
    Ok(seen? != other)
}
