//! Waiting for CQEs. Whoever waits serves the ring meanwhile: it runs the ring's epoll and its timers,
//! unless another thread does.

use super::poll;
use super::ring::Ring;
use super::timers;
use super::turn::Turn;
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::*;
use crate::sys::clock::Deadline;
use crate::sys::{futex, peek, Errno, Result};
use core::ffi::c_void;
use core::mem::size_of;
use core::sync::atomic::{fence, Ordering};

/// What a caller waits for.
pub struct Wait {
    min_complete: u32,
    deadline: Option<Deadline>,
    /// 8 bytes; NULL: the thread's own mask.
    sigmask: *const c_void,
}

const SIGSET_SIZE: usize = 8;

impl Wait {
    /// As enter's argument says it. `EINVAL`, `EFAULT`.
    ///
    /// # Safety
    /// The argument must be what the flags say it is.
    pub unsafe fn from_argument(
        min_complete: u32,
        flags: u32,
        arg: *const c_void,
        arg_size: usize,
    ) -> Result<Self> {
        let mut wait = Wait { min_complete, deadline: None, sigmask: arg };
        if flags & IORING_ENTER_EXT_ARG_REG != 0 {
            return Err(Errno::EINVAL);
        }
        if flags & IORING_ENTER_EXT_ARG == 0 {
            if !arg.is_null() && arg_size != SIGSET_SIZE {
                return Err(Errno::EINVAL);
            }
            return Ok(wait);
        }
        if arg_size != size_of::<io_uring_getevents_arg>() {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the structs are valid for any bytes.
        unsafe {
            let arg: io_uring_getevents_arg = peek::copy(arg as u64)?;
            if arg.sigmask != 0 && arg.sigmask_sz as usize != SIGSET_SIZE {
                return Err(Errno::EINVAL);
            }
            wait.sigmask = arg.sigmask as *const c_void;
            if arg.ts != 0 {
                let time: __kernel_timespec = peek::copy(arg.ts)?;
                let absolute = flags & IORING_ENTER_ABS_TIMER != 0;
                wait.deadline =
                    Some(if absolute { Deadline::at(time)? } else { Deadline::after(time)? });
            }
        }
        Ok(wait)
    }
}

/// Waits until there are as many CQEs as asked for. `ETIME`, `EINTR`.
///
/// # Safety
/// The wait's signal mask must be one.
pub unsafe fn wait(ring: &Ring, wait: &Wait) -> Result<()> {
    let memory = ring.memory();
    let wanted = wait.min_complete.min(memory.cq_entries);
    loop {
        let next_timer;
        let serves;
        {
            let mut turn = Turn::take(ring);
            turn.reaps = true;
            timers::expire(&mut turn);
            turn.run();
            next_timer = turn.core.timers.next();
            serves =
                memory.ready() < wanted && poll::begin_serving(&mut turn, !wait.sigmask.is_null())?;
        }
        if memory.ready() >= wanted {
            if serves {
                poll::end_serving(ring);
            }
            return Ok(());
        }
        // SAFETY: the caller vouches for the mask.
        let slept = unsafe {
            if serves {
                let slept =
                    poll::serve(ring, wanted, earlier(wait.deadline, next_timer), wait.sigmask);
                poll::end_serving(ring);
                slept
            } else {
                sleep(ring, wanted, earlier(wait.deadline, next_timer))
            }
        };
        if memory.ready() >= wanted {
            return Ok(());
        }
        slept?;
        if wait.deadline.is_some_and(|deadline| deadline.is_over()) {
            let mut turn = Turn::take(ring);
            turn.flush_overflow();
            drop(turn);
            return if memory.ready() >= wanted { Ok(()) } else { Err(Errno::ETIME) };
        }
    }
}

fn earlier(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if a.is_before(&b) { a } else { b }),
        (a, b) => a.or(b),
    }
}

/// Sleeps until there may be `wanted` CQEs or the time has come. `EINTR`.
fn sleep(ring: &Ring, wanted: u32, until: Option<Deadline>) -> Result<()> {
    let memory = ring.memory();
    let (header, control) = (memory.header(), memory.control());
    let sequence = control.sequence.load(Ordering::Relaxed);
    let wake_at = header.cq_head.load(Ordering::Relaxed).wrapping_add(wanted);
    if control.sleepers.fetch_add(1, Ordering::Relaxed) == 0
        || (wake_at.wrapping_sub(control.wake_at.load(Ordering::Relaxed)) as i32) < 0
    {
        control.wake_at.store(wake_at, Ordering::Relaxed);
    }
    // Pairs with the fence in Turn::wake: either it sees us, or we see its CQEs.
    fence(Ordering::SeqCst);
    let slept = if memory.ready() >= wanted || ring.has_inbox() {
        Ok(())
    } else {
        // With a time, however long, a signal always ends the sleep.
        let left =
            until.map_or(libc::timespec { tv_sec: 1 << 30, tv_nsec: 0 }, |d| d.left_as_libc());
        futex::wait_shared(&control.sequence, sequence, Some(&left))
    };
    control.sleepers.fetch_sub(1, Ordering::Relaxed);
    match slept {
        Err(Errno::EINTR) => Err(Errno::EINTR),
        _ => Ok(()),
    }
}
