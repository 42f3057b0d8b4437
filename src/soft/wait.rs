//! Waiting for CQEs. Whoever waits serves the ring meanwhile: it runs the ring's epoll and its timers,
//! unless another thread does.

use super::direct;
use super::iopoll;
use super::jobs;
use super::keeper;
use super::memory::Memory;
use super::perform;
use super::poll;
use super::request::Request;
use super::ring::Ring;
use super::timers;
use super::turn::Turn;
use super::waiters::Arrival;
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::*;
use crate::sys::clock::{self, Deadline};
use crate::sys::{epoll, fd, peek, Errno, Result};
use core::ffi::{c_int, c_void};
use core::mem::size_of;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

/// What a caller waits for.
pub struct Wait {
    min_complete: u32,
    /// Until then all of them count, afterwards any.
    all_until: Option<Deadline>,
    deadline: Option<Deadline>,
    /// 8 bytes; NULL: the thread's own mask.
    sigmask: *const c_void,
}

const SIGSET_SIZE: usize = 8;
const MICROSECOND: u64 = 1000;
const SECOND: i128 = 1_000_000_000;

/// What the kinds of arguments have in common.
struct Argument {
    sigmask: u64,
    sigmask_size: u32,
    min_wait_usec: u32,
    time: Option<__kernel_timespec>,
}

impl Wait {
    /// As enter's argument says it. `EINVAL`, `EFAULT`. With `min_complete` 0 only what cannot be read
    /// is looked at.
    ///
    /// # Safety
    /// The argument must be what the flags say it is.
    pub unsafe fn from_argument(
        turn: &Turn,
        min_complete: u32,
        flags: u32,
        arg: *const c_void,
        arg_size: usize,
    ) -> Result<Self> {
        let plain = Wait { min_complete, all_until: None, deadline: None, sigmask: arg };
        if flags & IORING_ENTER_EXT_ARG == 0 {
            if min_complete > 0 && !arg.is_null() {
                check_mask(arg as u64, arg_size as u32)?;
            }
            return Ok(plain);
        }
        if !has_size(flags, arg_size) {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the caller vouches for the argument.
        let found = unsafe {
            match flags & IORING_ENTER_EXT_ARG_REG {
                0 => extended(arg)?,
                _ => registered(turn, arg as usize)?,
            }
        };
        if min_complete > 0 && found.sigmask != 0 {
            check_mask(found.sigmask, found.sigmask_size)?;
        }
        let clock = turn.core.clock;
        let is_absolute = flags & IORING_ENTER_ABS_TIMER != 0;
        let now = clock::nanoseconds(libc::CLOCK_MONOTONIC);
        let all_until = match found.min_wait_usec {
            0 => None,
            time => {
                let at = now.saturating_add(u64::from(time) * MICROSECOND);
                Some(Deadline::at_nanoseconds(at))
            }
        };
        Ok(Wait {
            all_until,
            // Without a time for the whole it ends with that of all, if there is none at all.
            deadline: found.time.map(|time| end(time, is_absolute, clock, now)).or(all_until),
            sigmask: found.sigmask as *const c_void,
            ..plain
        })
    }

    /// How many CQEs are enough now.
    fn wanted(&self, memory: &Memory) -> u32 {
        match &self.all_until {
            Some(time) if time.is_over() => self.min_complete.min(1),
            _ => self.min_complete.min(memory.cq_entries),
        }
    }

    /// When there is something else to do than to wait.
    fn until(&self, next_timer: Option<Deadline>) -> Option<Deadline> {
        let all_until = self.all_until.filter(|time| !time.is_over());
        // The time of all comes first, even if the whole should have ended before.
        earlier(all_until.or(self.deadline), next_timer)
    }

    /// It ends with CQEs only, or a signal.
    fn is_plain(&self) -> bool {
        self.all_until.is_none() && self.deadline.is_none() && self.sigmask.is_null()
    }

    fn is_over(&self) -> bool {
        self.all_until.is_none_or(|time| time.is_over())
            && self.deadline.is_some_and(|time| time.is_over())
    }
}

/// A signal mask of the program: `EINVAL` for another size, `EFAULT` where there is none.
fn check_mask(mask: u64, size: u32) -> Result<()> {
    if size as usize != SIGSET_SIZE {
        return Err(Errno::EINVAL);
    }
    // SAFETY: any bytes are a mask.
    unsafe { peek::copy::<u64>(mask) }.map(drop)
}

/// Whether enter's argument is as long as one of its kind.
pub fn has_size(flags: u32, size: usize) -> bool {
    match (flags & IORING_ENTER_EXT_ARG, flags & IORING_ENTER_EXT_ARG_REG) {
        (0, _) => true,
        (_, 0) => size == size_of::<io_uring_getevents_arg>(),
        _ => size == size_of::<io_uring_reg_wait>(),
    }
}

/// The argument with `IORING_ENTER_EXT_ARG`.
unsafe fn extended(arg: *const c_void) -> Result<Argument> {
    // SAFETY: the structs are valid for any bytes.
    unsafe {
        let arg: io_uring_getevents_arg = peek::copy(arg as u64)?;
        Ok(Argument {
            sigmask: arg.sigmask,
            sigmask_size: arg.sigmask_sz,
            min_wait_usec: arg.min_wait_usec,
            time: if arg.ts != 0 { Some(peek::copy(arg.ts)?) } else { None },
        })
    }
}

/// The argument in the registered region, at `offset`.
fn registered(turn: &Turn, offset: usize) -> Result<Argument> {
    let region = turn.core.region.as_ref().ok_or(Errno::EFAULT)?;
    let arg = region.wait_argument(offset)?;
    if arg.flags & !IORING_REG_WAIT_TS != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(Argument {
        sigmask: arg.sigmask,
        sigmask_size: arg.sigmask_sz,
        min_wait_usec: arg.min_wait_usec,
        time: (arg.flags & IORING_REG_WAIT_TS != 0).then_some(arg.ts),
    })
}

/// When a wait for `time` that begins `now` ends, or one until that time of `clock`, on the monotonic clock.
/// Like the kernel it takes any numbers: what is negative is past.
pub fn end(time: __kernel_timespec, is_absolute: bool, clock: c_int, now: u64) -> Deadline {
    let time = i128::from(time.tv_sec) * SECOND + i128::from(time.tv_nsec);
    let from = if is_absolute { i128::from(clock::nanoseconds(clock)) } else { 0 };
    let at = i128::from(now) + (time - from).max(0);
    Deadline::at_nanoseconds(u64::try_from(at).unwrap_or(u64::MAX))
}

/// The one of two times that comes first, if there is any.
pub fn earlier(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if a.is_before(&b) { a } else { b }),
        (a, b) => a.or(b),
    }
}

/// Whether there is nothing to wait for: as many CQEs are there. Files that requests wait for get a look
/// now and then all the same.
pub fn is_over(turn: &mut Turn, min_complete: u32) -> bool {
    turn.publish();
    turn.flush_overflow();
    let wanted = min_complete.min(turn.core.memory.cq_entries);
    if wanted == 0 || turn.core.memory.ready() < wanted {
        return false;
    }
    turn.core.unserved += 1;
    turn.core.polls.armed == 0 || turn.core.unserved < poll::LOOK_AFTER
}

/// Waits until there are as many CQEs as asked for. `ETIME` and `EINTR` when there is none at all.
///
/// # Safety
/// The wait's signal mask must be one.
pub unsafe fn wait(mut turn: Turn, wait: &Wait) -> Result<()> {
    let ring = turn.ring;
    let timeouts = ring.memory().control().timeouts.load(Ordering::Relaxed);
    let mut has_slept = false;
    loop {
        turn.reaps = true;
        look(&mut turn);
        let wanted = wait.wanted(&turn.core.memory);
        let is_there = is_enough(&turn, wanted, timeouts);
        let look = next_look(&turn, &mut has_slept);
        let until = earlier(wait.until(turn.core.timers.next()), look);
        let own = match is_there || !wait.is_plain() {
            true => null_mut(),
            false => turn.take_own(wanted.saturating_sub(turn.core.memory.ready())),
        };
        if !own.is_null() {
            // SAFETY: it was taken to be done, and nobody else has it.
            turn = match unsafe { perform(turn, own) } {
                (turn, Ok(())) => turn,
                (turn, Err(errno)) => return end_early(turn, errno),
            };
            continue;
        }
        let serves = poll::begin_serving(&mut turn, !is_there && !wait.sigmask.is_null())?;
        let (fd, pid) = (turn.core.held.fd, turn.core.owner);
        turn.core.relies_on_fd &= is_there;
        // Within the turn: whoever stops serving the ring, in one of its own, finds us.
        let sleeps = !serves && !is_there && wait.sigmask.is_null();
        let arrival = sleeps.then(|| arrive(&turn.core.memory, pid, wanted));
        let direct = match serves && !is_there && wait.sigmask.is_null() {
            true => turn.awaits_direct(wanted),
            false => None,
        };
        let_go(turn, !is_there);
        // SAFETY: the caller vouches for the mask.
        let slept = unsafe {
            match (&arrival, &direct) {
                (Some(arrival), _) => sleep(ring, arrival, pid, wanted, until),
                (None, Some(direct)) => direct::wait(ring, direct, until),
                _ if serves && is_there => poll::look(ring),
                _ if serves => poll::serve(ring, wanted, until, wait.sigmask),
                _ if is_there => Ok(()),
                _ => sleep_masked(ring, fd, pid, wanted, until, wait.sigmask),
            }
        };
        if serves {
            poll::end_serving(ring);
        }
        if has_enough(ring, wait, is_there) {
            return Ok(());
        }
        let cause = match slept {
            Err(errno) => errno,
            Ok(()) if wait.is_over() => Errno::ETIME,
            Ok(()) => {
                turn = Turn::take(ring);
                continue;
            }
        };
        return end_early(Turn::take(ring), cause);
    }
}

/// Takes what has come without a file's or a worker's telling, and posts what is complete.
fn look(turn: &mut Turn) {
    turn.look_at_signals();
    timers::expire(turn);
    turn.run();
    turn.publish();
    turn.flush_overflow();
}

/// When to look again at signalfds: the keeper, or who serves the ring, may just have done so in this thread's stead.
fn next_look(turn: &Turn, has_slept: &mut bool) -> Option<Deadline> {
    let (polls, has_slept) = (&turn.core.polls, core::mem::replace(has_slept, true));
    let looks = polls.signals.are_there() && (!has_slept || polls.is_served());
    // What another process holds up is tried again.
    (looks || turn.core.is_held_up).then(poll::signals::next_look)
}

/// Whether there is nothing to wait for: `wanted` CQEs are there, no request is under way whose device is polled, or a
/// timeout has ended since there were `timeouts`.
fn is_enough(turn: &Turn, wanted: u32, timeouts: u32) -> bool {
    turn.core.memory.ready() >= wanted
        || (iopoll::polls(turn) && turn.core.requests.outstanding == 0)
        || turn.core.memory.control().timeouts.load(Ordering::Relaxed) != timeouts
}

/// Ends a turn before its holder sleeps, or looks at files.
fn let_go(mut turn: Turn, sleeps: bool) {
    let ring = turn.ring;
    let messaged = core::mem::take(&mut turn.core.messaged);
    // Others may wait for the descriptor, who want fewer.
    let is_too_little = sleeps && turn.has_untold();
    if is_too_little {
        turn.leave_unannounced();
    }
    drop(turn);
    if is_too_little {
        keeper::attend_if_wanted(ring);
    }
    messaged.iter().for_each(|ring| keeper::attend(ring));
}

/// Whether there are as many CQEs as were waited for, when there was no look that says so.
fn has_enough(ring: &Ring, wait: &Wait, is_there: bool) -> bool {
    let memory = ring.memory();
    let (ready, wanted) = (memory.ready(), wait.wanted(memory));
    if ready > wanted {
        // The program may go on to wait for the descriptor.
        Turn::take(ring).leave_unannounced();
    }
    is_there || ready >= wanted
}

/// The end of a wait with fewer CQEs than it was for; the error is for none at all.
fn end_early(mut turn: Turn, cause: Errno) -> Result<()> {
    turn.flush_overflow();
    if turn.core.memory.ready() == 0 {
        return Err(cause);
    }
    turn.leave_unannounced();
    Ok(())
}

/// Does a request in the calling thread, between two turns. `EINTR` when a signal came first: a worker does it.
///
/// # Safety
/// It must have been taken for that, and nobody else have it.
unsafe fn perform<'a>(turn: Turn<'a>, own: *mut Request) -> (Turn<'a>, Result<()>) {
    let ring = turn.ring;
    drop(turn);
    // SAFETY: as the caller says.
    unsafe {
        let done = match jobs::may_wait(&*own) {
            true => Err(Errno::EAGAIN),
            false => perform::perform_own(own),
        };
        let mut turn = Turn::take(ring);
        match done {
            Ok(result) => {
                turn.completes_async();
                turn.finish(own, result);
                (turn, Ok(()))
            }
            Err(errno) => {
                turn.push_again(own);
                (turn, if errno == Errno::EAGAIN { Ok(()) } else { Err(errno) })
            }
        }
    }
}

/// Makes a thread known that is to sleep until there are `wanted` CQEs.
fn arrive(memory: &Memory, pid: u32, wanted: u32) -> Arrival {
    let control = memory.control();
    let wake_at = memory.header().cq_head.load(Ordering::Relaxed).wrapping_add(wanted);
    control.waiters.arrive(&control.posting, pid, wake_at)
}

/// Sleeps until there may be `wanted` CQEs or the time has come. `EINTR`.
fn sleep(
    ring: &Ring,
    arrival: &Arrival,
    pid: u32,
    wanted: u32,
    until: Option<Deadline>,
) -> Result<()> {
    let memory = ring.memory();
    let control = memory.control();
    let slept = if memory.ready() >= wanted || ring.has_inbox() {
        Ok(())
    } else {
        // With a time, however long, a signal always ends the sleep.
        let left =
            until.map_or(libc::timespec { tv_sec: 1 << 30, tv_nsec: 0 }, |d| d.left_as_libc());
        control.waiters.sleep(arrival, &left)
    };
    control.waiters.leave(&control.posting, pid);
    match slept {
        Err(Errno::EINTR) => Err(Errno::EINTR),
        _ => Ok(()),
    }
}

/// The same under a signal mask, which no futex takes: on the ring's own descriptor.
unsafe fn sleep_masked(
    ring: &Ring,
    fd: c_int,
    pid: u32,
    wanted: u32,
    until: Option<Deadline>,
    mask: *const c_void,
) -> Result<()> {
    let memory = ring.memory();
    let control = memory.control();
    poll::count_poller(control, pid);
    let slept = if memory.ready() >= wanted || ring.has_inbox() {
        Ok(())
    } else {
        // SAFETY: the caller vouches for the mask.
        unsafe { sleep_until_signalled(fd, memory, wanted, until, mask) }
    };
    control.pollers.fetch_sub(1, Ordering::Relaxed);
    slept
}

/// Sleeps until the ring's descriptor is signalled: it may be readable for what was there before.
unsafe fn sleep_until_signalled(
    fd: c_int,
    memory: &Memory,
    wanted: u32,
    until: Option<Deadline>,
    mask: *const c_void,
) -> Result<()> {
    let mut events = [epoll::Event { events: 0, u64: 0 }];
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let signals = epoll::create()?;
    let slept =
        epoll::control(signals, epoll::EPOLL_CTL_ADD, fd, poll::EACH_CHANGE, 0).and_then(|()| {
            // SAFETY: there is no mask; the caller vouches for the other.
            unsafe {
                // What was there before is told once.
                epoll::wait(signals, &mut events, Some(&now), core::ptr::null())?;
                if memory.ready() >= wanted {
                    return Ok(());
                }
                let left = until.map(|deadline| deadline.left_as_libc());
                epoll::wait(signals, &mut events, left.as_ref(), mask).map(drop)
            }
        });
    // SAFETY: it was just made.
    let _ = unsafe { fd::close(signals) };
    slept
}
