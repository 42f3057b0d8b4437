//! epoll: which descriptors are ready.

use super::{call, Errno, Result};
use core::ffi::{c_int, c_void};
use core::mem::size_of;
use core::sync::atomic::{AtomicBool, Ordering};

/// `EPOLL_CTL_*` and what they do.
pub use libc::{epoll_event as Event, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD};

/// A new epoll, closed on exec.
pub fn create() -> Result<c_int> {
    // SAFETY: epoll_create1 takes no pointer.
    unsafe { call(libc::SYS_epoll_create1, [libc::EPOLL_CLOEXEC as usize, 0, 0, 0, 0, 0]) }
        .map(|fd| fd as c_int)
}

/// epoll_ctl(2): `EPERM` for a file that cannot be polled, `ENOENT`, `EEXIST`.
pub fn control(epoll: c_int, op: c_int, fd: c_int, events: u32, data: u64) -> Result<()> {
    let mut event = Event { events, u64: data };
    let args = [epoll as usize, op as usize, fd as usize, &raw mut event as usize, 0, 0];
    // SAFETY: the kernel reads the event of this frame.
    unsafe { call(libc::SYS_epoll_ctl, args) }.map(drop)
}

/// Waits for at most `timeout` (none: for ever) under `sigmask` (8 bytes; NULL: the thread's own), by
/// epoll_pwait(2) or, where the time is too fine for that, epoll_pwait2(2); returns how many of `events` it
/// filled in. `EINTR`.
///
/// # Safety
/// `sigmask` must be NULL or point at a signal set.
pub unsafe fn wait(
    epoll: c_int,
    events: &mut [Event],
    timeout: Option<&libc::timespec>,
    sigmask: *const c_void,
) -> Result<usize> {
    // Either call will do: the older one is known wherever there is an epoll.
    let milliseconds = match timeout {
        None => Some(-1),
        Some(libc::timespec { tv_sec: 0, tv_nsec: 0 }) => Some(0),
        Some(_) => None,
    };
    let at = events.as_mut_ptr() as u64;
    if let Some(milliseconds) = milliseconds {
        // SAFETY: the kernel fills in as many events as there are; the caller vouches for the mask.
        match unsafe { wait_coarsely(epoll, at, events.len() as c_int, milliseconds, sigmask) } {
            Err(Errno::ENOSYS | Errno::EPERM) => {}
            waited => return waited,
        }
    }
    // SAFETY: as the caller says.
    unsafe { wait_finely(epoll, events, timeout, sigmask) }
}

unsafe fn wait_finely(
    epoll: c_int,
    events: &mut [Event],
    timeout: Option<&libc::timespec>,
    sigmask: *const c_void,
) -> Result<usize> {
    /// There is no epoll_pwait2(2): older than Linux 5.11, or a policy that is. Valgrind complains of each call.
    static IS_MISSING: AtomicBool = AtomicBool::new(false);
    let timeout = timeout.map_or(core::ptr::null(), |ts| ts as *const libc::timespec);
    if IS_MISSING.load(Ordering::Relaxed) {
        // SAFETY: as the caller says.
        return unsafe { wait_in_two(epoll, events, timeout, sigmask) };
    }
    let args = [
        epoll as usize,
        events.as_mut_ptr() as usize,
        events.len(),
        timeout as usize,
        sigmask as usize,
        size_of::<u64>(),
    ];
    // SAFETY: the kernel fills in as many events as there are; the caller vouches for the mask.
    match unsafe { call(libc::SYS_epoll_pwait2, args) } {
        Err(Errno::ENOSYS | Errno::EPERM) => {
            IS_MISSING.store(true, Ordering::Relaxed);
            // SAFETY: as above.
            unsafe { wait_in_two(epoll, events, timeout, sigmask) }
        }
        waited => waited,
    }
}

/// The same where there is no epoll_pwait2(2), whose time is finer than epoll_pwait(2)'s.
#[cold]
unsafe fn wait_in_two(
    epoll: c_int,
    events: &mut [Event],
    timeout: *const libc::timespec,
    sigmask: *const c_void,
) -> Result<usize> {
    // SAFETY: the caller vouches for the time and the mask; the kernel fills in as many events as there are.
    unsafe {
        wait_readable(epoll, timeout.as_ref(), sigmask)?;
        wait_at(epoll, events.as_mut_ptr() as u64, events.len() as c_int)
    }
}

/// epoll_wait(2) without waiting, into `count` events at a program's address. `EFAULT`, `EINVAL`.
///
/// # Safety
/// There must be room for as many, or no memory at all.
pub unsafe fn wait_at(epoll: c_int, events: u64, count: c_int) -> Result<usize> {
    // SAFETY: the kernel checks the address. A timeout of 0 does not wait.
    unsafe { wait_coarsely(epoll, events, count, 0, core::ptr::null()) }
}

/// epoll_pwait(2) for so many milliseconds, -1: for ever.
unsafe fn wait_coarsely(
    epoll: c_int,
    events: u64,
    count: c_int,
    milliseconds: c_int,
    sigmask: *const c_void,
) -> Result<usize> {
    let args = [
        epoll as usize,
        events as usize,
        count as usize,
        milliseconds as usize,
        sigmask as usize,
        size_of::<u64>(),
    ];
    // SAFETY: the caller vouches for the mask, and for the address or that the kernel refuses it.
    unsafe { call(libc::SYS_epoll_pwait, args) }
}

/// Which of `events` (`POLL*`) `fd` has now, or that it is in error. `EBADF`.
pub fn ready(fd: c_int, events: u32) -> Result<u32> {
    let mut file = libc::pollfd { fd, events: events as i16, revents: 0 };
    let time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let args = [&raw mut file as usize, 1, &raw const time as usize, 0, size_of::<u64>(), 0];
    loop {
        // SAFETY: file and time are this frame's.
        match unsafe { call(libc::SYS_ppoll, args) } {
            // A signal that comes at that moment says nothing about the file.
            Err(Errno::EINTR) => {}
            looked => {
                looked?;
                break;
            }
        }
    }
    match file.revents & libc::POLLNVAL {
        0 => Ok(file.revents as u16 as u32),
        _ => Err(Errno::EBADF),
    }
}

/// Sleeps until `fd` is readable, for at most `timeout` (none: for ever), under `sigmask` (8 bytes; NULL: the thread's own).
/// `EINTR`.
///
/// # Safety
/// `sigmask` must be NULL or point at a signal set.
pub unsafe fn wait_readable(
    fd: c_int,
    timeout: Option<&libc::timespec>,
    sigmask: *const c_void,
) -> Result<()> {
    let mut file = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // The kernel writes to it what is left.
    let mut time = timeout.copied();
    let time = time.as_mut().map_or(core::ptr::null_mut(), |time| time as *mut libc::timespec);
    let args = [&raw mut file as usize, 1, time as usize, sigmask as usize, size_of::<u64>(), 0];
    // SAFETY: file and time are this frame's; the caller vouches for the mask.
    unsafe { call(libc::SYS_ppoll, args) }.map(drop)
}
