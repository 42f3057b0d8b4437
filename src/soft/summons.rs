//! Rings that nobody is inside of, where no thread can be had to keep them (`RLIMIT_NPROC`, a limit of processes). The
//! kernel's aio waits for the ring's epoll instead, and signals the ring's descriptor, and the program's eventfd, when
//! there is something to serve. `IORING_SQ_TASKRUN` says to those who look at the completion queue that a call does it.
//! Where there is no aio either, the descriptor is readable until then.

use super::direct;
use super::poll::{EACH_CHANGE, TIMES};
use super::turn::Turn;
use crate::abi::aio::*;
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::{IORING_SETUP_TASKRUN_FLAG, IORING_SQ_TASKRUN};
use crate::sys::epoll::{self, EPOLL_CTL_ADD};
use crate::sys::identity::Held;
use crate::sys::{aio, clock, process, Result};
use core::ffi::{c_int, c_long};
use core::mem::zeroed;
use core::ptr::null;
use core::sync::atomic::Ordering;

/// Who is signalled: the ring's descriptor, and a registered eventfd.
const MOST: usize = 2;

/// What waits for a ring.
pub struct Summons {
    /// The context's id; 0: none yet.
    context: u64,
    /// The process whose it is.
    owner: u32,
    /// Whether it waits for each of those that are signalled.
    waits: [bool; MOST],
    /// In the ring's epoll for the first of its timers.
    timer: Held,
    /// The epoll that knows the timer.
    epoll: c_int,
    /// The program is told to look by a call.
    is_shown: bool,
}

impl Summons {
    /// Nothing.
    pub const fn new() -> Self {
        let (waits, timer) = ([false; MOST], Held::NONE);
        Summons { context: 0, owner: 0, waits, timer, epoll: -1, is_shown: false }
    }

    /// Gives up this process's copy of a timer that its parent goes on with.
    pub fn leave_behind(&self) {
        self.timer.close();
    }

    /// A context of this process; a parent's does not survive the fork.
    fn open(&mut self) -> Result<u64> {
        let pid = process::id() as u32;
        if self.context == 0 || self.owner != pid {
            self.context = aio::setup(MOST as u32)?;
            (self.owner, self.waits) = (pid, [false; MOST]);
        }
        Ok(self.context)
    }

    /// Notes what has been signalled since the last look.
    fn reap(&mut self) {
        let now = __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: events may be zero; the kernel fills in as many as there is room for.
        unsafe {
            let mut events: [io_event; MOST] = zeroed();
            let into = events.as_mut_ptr();
            let got = aio::get_events(self.context, 0, MOST as c_long, into, &now, null());
            for event in &events[..got.unwrap_or(0) as usize] {
                self.waits[event.data as usize % MOST] = false;
            }
        }
    }

    /// Has `eventfd` signalled when the epoll is readable.
    fn wait_for(&mut self, epoll: c_int, who: usize, eventfd: c_int) -> Result<()> {
        if self.waits[who] {
            return Ok(());
        }
        // SAFETY: an iocb may be zero, and the kernel copies it.
        unsafe {
            let mut iocb: iocb = zeroed();
            iocb.aio_data = who as u64;
            iocb.aio_lio_opcode = IOCB_CMD_POLL;
            iocb.aio_fildes = epoll as u32;
            iocb.aio_buf = libc::POLLIN as u64;
            iocb.aio_flags = IOCB_FLAG_RESFD;
            iocb.aio_resfd = eventfd as u32;
            aio::submit(self.context, 1, &(&raw mut iocb))?;
        }
        self.waits[who] = true;
        Ok(())
    }

    /// Has the epoll be readable at a time of the monotonic clock, in nanoseconds.
    fn set_timer(&mut self, epoll: c_int, at: u64) -> Result<()> {
        if self.timer.fd < 0 {
            self.timer = Held::of_new(clock::timer()?);
        }
        if self.epoll != epoll {
            epoll::control(epoll, EPOLL_CTL_ADD, self.timer.fd, EACH_CHANGE, TIMES)?;
            self.epoll = epoll;
        }
        clock::set_timer(self.timer.fd, at)
    }
}

impl Default for Summons {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Summons {
    fn drop(&mut self) {
        if self.context != 0 && self.owner == process::id() as u32 {
            let _ = aio::destroy(self.context);
        }
        self.timer.close();
    }
}

impl Turn<'_> {
    /// The ring is left with something under way, or with CQEs, and there can be no keeper.
    #[cold]
    pub fn summon(&mut self) {
        self.settle_readable();
        if self.core.is_unannounced && self.core.memory.ready() > 0 {
            self.make_readable();
        }
        let waits = self.core.polls.armed > 0 || self.core.timers.next().is_some();
        self.show_summons(waits);
        if !waits {
            return;
        }
        match self.arm_summons() {
            // It may be readable from now on.
            Ok(()) => self.core.memory.control().readable.store(1, Ordering::Release),
            Err(_) => self.make_readable(),
        }
    }

    fn arm_summons(&mut self) -> Result<()> {
        let core = &mut *self.core;
        let epoll = core.polls.open(core.held.fd)?;
        core.summons.open()?;
        core.summons.reap();
        if let Some(at) = core.timers.next() {
            core.summons.set_timer(epoll, at.nanoseconds())?;
        }
        core.summons.wait_for(epoll, 0, core.held.fd)?;
        match &core.announce {
            Some(announce) => core.summons.wait_for(epoll, 1, announce.eventfd()),
            None => Ok(()),
        }
    }

    /// The ring has had a visitor: it is as others are, unless there can be no keeper still.
    #[inline]
    pub fn end_summons(&mut self) {
        if self.core.summons.waits != [false; MOST] {
            // Its descriptor may have been signalled meanwhile.
            self.core.memory.control().readable.store(1, Ordering::Release);
        }
        self.show_summons(false);
    }

    /// There is a keeper after all.
    #[inline]
    pub fn give_summons_up(&mut self) {
        let summons = &mut self.core.summons;
        if summons.context != 0 {
            direct::end(core::mem::take(&mut summons.context));
            summons.waits = [false; MOST];
        }
    }

    /// Tells the program whether it has to look by a call.
    #[inline]
    fn show_summons(&mut self, waits: bool) {
        let core = &mut *self.core;
        // Others tell of it by themselves.
        let is_change = core.summons.is_shown != waits;
        if is_change && core.flags & IORING_SETUP_TASKRUN_FLAG == 0 {
            core.summons.is_shown = waits;
            let flags = &core.memory.header().sq_flags;
            match waits {
                true => flags.fetch_or(IORING_SQ_TASKRUN, Ordering::Release),
                false => flags.fetch_and(!IORING_SQ_TASKRUN, Ordering::Release),
            };
        }
    }
}
