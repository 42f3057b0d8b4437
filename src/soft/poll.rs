//! Waiting for files to become ready: the ring's epoll. It is made when the first request waits, and run
//! by whoever waits on the ring.

use super::ops::Outcome;
use super::request::*;
use super::timers;
use super::turn::Turn;
use crate::sys::epoll::{self, Event};
use crate::sys::identity::Held;
use crate::sys::{allocator, Errno, Result};
use alloc::vec::Vec;
use core::ffi::c_int;
use core::sync::atomic::Ordering;

mod plain;
mod serving;
mod sharing;
pub mod signals;

pub use serving::{begin_serving, count_poller, end_serving, look, serve};

/// `data` of the ring's own descriptor in its epoll.
const OWN: u64 = u64::MAX;
/// Waits that are over at once go without a look at files, so many at the most after a look at which none was ready.
pub const LOOK_AFTER: u32 = 16;
/// For an epoll that is to tell each time that an eventfd is signalled, not as long as it is readable.
pub const EACH_CHANGE: u32 = (libc::EPOLLIN | libc::EPOLLET) as u32;
/// `data` of the eventfd that the kernel's aio signals.
pub const DIRECT: u64 = u64::MAX - 1;
/// `data` of a file that nobody waits for.
const NOBODY: u64 = u64::MAX >> 1;
/// `data` of the timer that stands for the ring's timers where nobody keeps it.
pub const TIMES: u64 = u64::MAX - 2;
/// Events taken at a time.
const BATCH: usize = 64;

/// A request that waits for its file.
struct Slot {
    request: *mut Request,
    fd: c_int,
    /// It stays when an event comes: each change is told.
    stays: bool,
    /// The program's descriptor that the epoll knows the file by, rather than `fd`; -1: none.
    number: c_int,
    /// What the epoll is to tell of: `EPOLL*`.
    events: u32,
    /// What the epoll has is another slot's, which waits for the same file.
    shares: bool,
    /// Others share what the epoll has for it.
    is_shared: bool,
    /// Which use of the slot this is: events of an earlier one are stale.
    generation: u32,
}

impl Slot {
    const UNUSED: Slot = Slot {
        request: core::ptr::null_mut(),
        fd: -1,
        stays: false,
        number: -1,
        events: 0,
        shares: false,
        is_shared: false,
        generation: 0,
    };

    /// The descriptor that the epoll knows its file by.
    fn key(&self) -> c_int {
        if self.number >= 0 {
            self.number
        } else {
            self.fd
        }
    }
}

/// What a ring waits for.
pub struct Polls {
    epoll: Held,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// By the program's descriptor: the slot of the request that waits for the file that it is, or was.
    numbers: Vec<Option<u32>>,
    /// Bits by the program's descriptor: as long as the epoll has it, nothing that the ring signals is seen there.
    plain: Vec<u64>,
    /// The epoll did not have the descriptor yet that was armed last.
    is_new: bool,
    /// How many requests wait.
    pub armed: u32,
    /// Somebody came to watch a file in this turn.
    is_fresh: bool,
    /// A thread is in the epoll.
    served: bool,
    /// Those that wait for signalfds.
    pub signals: signals::SignalWaits,
}

impl Polls {
    /// None.
    pub fn new() -> Self {
        Polls {
            epoll: Held::NONE,
            slots: Vec::new(),
            free: Vec::new(),
            numbers: Vec::new(),
            plain: Vec::new(),
            is_new: false,
            armed: 0,
            is_fresh: false,
            served: false,
            signals: signals::SignalWaits::default(),
        }
    }

    /// Gives up this process's descriptor of the epoll, which is at its end or which the parent goes on with.
    pub fn close(&mut self) {
        core::mem::replace(&mut self.epoll, Held::NONE).close();
    }

    /// The epoll is gone already.
    pub fn forget(&mut self) {
        self.epoll = Held::NONE;
    }

    /// The epoll, made when it is needed first.
    pub fn open(&mut self, ring_fd: c_int) -> Result<c_int> {
        if self.epoll.fd < 0 {
            let made = Held::of_new(epoll::create()?);
            epoll::control(made.fd, epoll::EPOLL_CTL_ADD, ring_fd, EACH_CHANGE, OWN)
                .inspect_err(|_| made.close())?;
            self.epoll = made;
        }
        Ok(self.epoll.fd)
    }

    /// Wakes whoever serves: the ring's descriptor can always be written to.
    fn nudge(&self, ring_fd: c_int) {
        let events = EACH_CHANGE | libc::EPOLLOUT as u32;
        let _ = epoll::control(self.epoll.fd, epoll::EPOLL_CTL_MOD, ring_fd, events, OWN);
    }

    /// Who was [nudged](Self::nudge) is awake.
    fn end_nudge(&self, ring_fd: c_int) {
        let _ = epoll::control(self.epoll.fd, epoll::EPOLL_CTL_MOD, ring_fd, EACH_CHANGE, OWN);
    }

    /// The epoll; -1 before it is needed.
    pub fn epoll(&self) -> c_int {
        self.epoll.fd
    }

    /// Whether a thread inside of enter serves it.
    pub fn is_served(&self) -> bool {
        self.served
    }

    fn tag(&self, slot: u32) -> u64 {
        u64::from(self.slots[slot as usize].generation) << 32 | u64::from(slot)
    }

    /// The slot that an event belongs to, unless its request has gone.
    fn find(&self, tag: u64) -> Option<u32> {
        let slot = tag as u32;
        let found = self.slots.get(slot as usize)?;
        (found.generation == (tag >> 32) as u32 && !found.request.is_null()).then_some(slot)
    }

    fn take_slot(&mut self, request: *mut Request, fd: c_int) -> u32 {
        self.armed += 1;
        if let Some(slot) = self.free.pop() {
            let found = &mut self.slots[slot as usize];
            *found = Slot { request, fd, generation: found.generation, ..Slot::UNUSED };
            return slot;
        }
        self.slots.push(Slot { request, fd, ..Slot::UNUSED });
        self.slots.len() as u32 - 1
    }

    /// Has the epoll tell once of a file by the program's own descriptor. Nothing has to be undone then,
    /// and the next wait is one call: the epoll has the file under that number as long as it is open, and
    /// `EPOLL_CTL_MOD` finds it only if the number is still that file. An event that comes for a request
    /// that has gone is stale. False when somebody waits so already, or it cannot be done.
    fn arm_by_number(&mut self, slot: u32, number: c_int, events: u32) -> bool {
        const MOST: usize = 1 << 16;
        let index = number as usize;
        if index >= MOST || self.numbers.get(index).is_some_and(Option::is_some) {
            return false;
        }
        let missing = (index + 1).saturating_sub(self.numbers.len());
        if allocator::reserve_more(&mut self.numbers, missing).is_err() {
            return false;
        }
        let tag = self.tag(slot);
        let mut done = epoll::control(self.epoll.fd, epoll::EPOLL_CTL_MOD, number, events, tag);
        self.is_new = done == Err(Errno::ENOENT);
        if self.is_new {
            done = epoll::control(self.epoll.fd, epoll::EPOLL_CTL_ADD, number, events, tag);
        }
        if done.is_err() {
            return false;
        }
        if self.numbers.len() <= index {
            self.numbers.resize(index + 1, None);
        }
        self.numbers[index] = Some(slot);
        self.slots[slot as usize].number = number;
        true
    }

    fn give_slot(&mut self, slot: u32) {
        let found = &mut self.slots[slot as usize];
        if found.number >= 0 {
            self.numbers[found.number as usize] = None;
        }
        found.request = core::ptr::null_mut();
        found.generation = found.generation.wrapping_add(1);
        self.free.push(slot);
        self.armed -= 1;
    }
}

impl Default for Polls {
    fn default() -> Self {
        Self::new()
    }
}

impl Turn<'_> {
    /// Has a request wait until its file has one of `events` (`EPOLL*`); it is tried again then. `EPERM`
    /// when the file cannot be polled: it is always ready.
    ///
    /// # Safety
    /// It must be live, at hand, and have its file.
    pub unsafe fn wait_for(&mut self, request: *mut Request, events: u32) -> Result<()> {
        // SAFETY: as the caller says.
        unsafe { self.arm(request, events | libc::EPOLLONESHOT as u32) }.map(drop)
    }

    /// Has a request told, by its operation's `ready`, of each change of its file to one of `events`, and of
    /// what it has already, until it completes. `EPERM` when the file cannot be polled.
    ///
    /// # Safety
    /// As for [`Turn::wait_for`].
    pub unsafe fn watch(&mut self, request: *mut Request, events: u32) -> Result<()> {
        // SAFETY: as the caller says.
        let slot = unsafe { self.arm(request, events | libc::EPOLLET as u32) }?;
        self.core.polls.slots[slot as usize].stays = true;
        self.core.polls.is_fresh = true;
        Ok(())
    }

    unsafe fn arm(&mut self, request: *mut Request, events: u32) -> Result<u32> {
        let polls = &mut self.core.polls;
        let epoll = polls.open(self.core.held.fd)?;
        // SAFETY: the request is at hand.
        let fd = unsafe { (*request).fd };
        let slot = polls.take_slot(request, fd);
        let tag = polls.tag(slot);
        // SAFETY: as above.
        let (is_programs, number) = unsafe {
            let is_unheld = (*request).is_unheld() && fd == (*request).sqe.fd;
            ((*request).is(JUST_HELD) || is_unheld, (*request).sqe.fd)
        };
        polls.slots[slot as usize].events = events;
        let once = events & libc::EPOLLONESHOT as u32 != 0;
        let by_number = once && is_programs && polls.arm_by_number(slot, number, events);
        let mut added = match by_number {
            true => Ok(()),
            false => epoll::control(epoll, epoll::EPOLL_CTL_ADD, fd, events, tag),
        };
        if added == Err(Errno::EEXIST) {
            // Another request waits for the same registered file.
            // SAFETY: as above.
            added = match unsafe { (*request).hold_apart() } {
                Ok(fd) => {
                    polls.slots[slot as usize].fd = fd;
                    epoll::control(epoll, epoll::EPOLL_CTL_ADD, fd, events, tag)
                }
                Err(errno) if once => polls.share(slot).map_err(|_| errno),
                Err(errno) => Err(errno),
            };
        }
        if let Err(errno) = added {
            polls.give_slot(slot);
            return Err(errno);
        }
        // SAFETY: the request is live.
        unsafe {
            if once {
                self.look_for_own_signals(&mut *request, by_number);
            }
            self.core.requests.put_away(request, Place::Polled(slot));
            self.note_signals(request, tag);
        }
        self.ring.wants_keeper.store(true, Ordering::Relaxed);
        if !self.core.polls.served {
            self.rouse();
        }
        Ok(slot)
    }

    /// Whether a file tells when it is ready, rather than always being so.
    pub fn can_be_polled(&mut self, fd: c_int) -> Result<bool> {
        let epoll = self.core.polls.open(self.core.held.fd)?;
        match epoll::control(epoll, epoll::EPOLL_CTL_ADD, fd, 0, NOBODY) {
            Ok(()) => epoll::control(epoll, epoll::EPOLL_CTL_DEL, fd, 0, 0).map(|()| true),
            Err(Errno::EEXIST) => Ok(true),
            Err(Errno::EPERM) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Tells requests that came to watch a file what it has already: they complete in the call that submits
    /// them.
    #[inline]
    pub fn look_at_fresh(&mut self) {
        if core::mem::take(&mut self.core.polls.is_fresh) && !self.core.polls.served {
            self.serve_now();
        }
    }

    /// Serves what is ready in the ring's epoll now, for whoever has nothing to take there: all of it, because the
    /// keeper is told of each change once.
    pub fn serve_now(&mut self) {
        const MOST: u32 = 16;
        if self.core.polls.epoll.fd < 0 {
            return;
        }
        for _ in 0..MOST {
            let mut events = [Event { events: 0, u64: 0 }; BATCH];
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let epoll = self.core.polls.epoll.fd;
            // SAFETY: there is no mask.
            let got = unsafe { epoll::wait(epoll, &mut events, Some(&now), core::ptr::null()) };
            let got = got.unwrap_or(0);
            self.handle(&events[..got]);
            if got < BATCH {
                return;
            }
        }
        // There is more: at the end of the turn.
        self.ring.call();
    }

    fn handle(&mut self, events: &[Event]) {
        for event in events {
            match event.u64 {
                OWN if event.events & libc::EPOLLOUT as u32 != 0 => {
                    self.core.polls.end_nudge(self.core.held.fd);
                }
                OWN => {}
                DIRECT => self.reap_direct(),
                TIMES => timers::expire(self),
                tag => {
                    // Where something was ready, more is soon.
                    self.core.unserved = LOOK_AFTER;
                    self.is_ready(tag, event.events);
                }
            }
        }
    }

    /// Has the ring's epoll tell of each signal of an eventfd of ours, as `tag`.
    pub fn listen_to(&mut self, eventfd: c_int, tag: u64) -> Result<()> {
        let epoll = self.core.polls.open(self.core.held.fd)?;
        match epoll::control(epoll, epoll::EPOLL_CTL_ADD, eventfd, EACH_CHANGE, tag) {
            Err(Errno::EEXIST) => Ok(()),
            added => added,
        }
    }

    /// Has those who wait for CQEs look again what there is to serve.
    pub fn rouse(&mut self) {
        let waiters = &self.core.memory.control().waiters;
        // They have arrived in turns of theirs.
        if waiters.are_there() {
            waiters.wake();
        }
        if self.core.polls.served && !self.serves {
            self.core.polls.nudge(self.core.held.fd);
        }
    }

    /// Ends a request's wait: it is at hand again.
    ///
    /// # Safety
    /// It must wait in `slot`.
    pub unsafe fn stop_waiting(&mut self, request: *mut Request, slot: u32) {
        let polls = &mut self.core.polls;
        let found = &polls.slots[slot as usize];
        if found.is_shared {
            polls.hand_over(slot);
        } else if found.number < 0 && !found.shares {
            // That the file is gone from the epoll already is as good.
            let _ = epoll::control(polls.epoll.fd, epoll::EPOLL_CTL_DEL, found.fd, 0, 0);
        }
        polls.give_slot(slot);
        // SAFETY: the request is live.
        unsafe { self.core.requests.fetch(request) };
    }

    /// A file that requests wait for has `events`.
    fn is_ready(&mut self, tag: u64, events: u32) {
        let Some(slot) = self.core.polls.find(tag) else { return };
        let others = self.core.polls.take_sharers(slot);
        // SAFETY: a slot in use has a live request. Those that share are at hand from here on.
        unsafe {
            let at_hand: Vec<_> = others.iter().map(|&other| self.stop(other)).collect();
            self.has_event(slot, events);
            for request in at_hand {
                self.goes_on(request, events);
            }
        }
    }

    unsafe fn has_event(&mut self, slot: u32, events: u32) {
        // SAFETY: a slot in use has a live request.
        unsafe {
            if !self.core.polls.slots[slot as usize].stays {
                let request = self.stop(slot);
                return self.goes_on(request, events);
            }
            let request = self.core.polls.slots[slot as usize].request;
            let outcome = self.tell(request, events);
            if !matches!(outcome, Outcome::Kept) {
                self.stop_waiting(request, slot);
                self.settle(request, outcome);
            }
        }
    }

    unsafe fn stop(&mut self, slot: u32) -> *mut Request {
        let request = self.core.polls.slots[slot as usize].request;
        // SAFETY: a slot in use has a live request.
        unsafe { self.stop_waiting(request, slot) };
        request
    }
}

/// Cancels every request that waits for a file.
pub fn cancel_all(turn: &mut Turn) {
    turn.core.polls.end_sharing();
    for slot in 0..turn.core.polls.slots.len() {
        let request = turn.core.polls.slots[slot].request;
        if !request.is_null() {
            // SAFETY: a slot in use has a live request.
            unsafe {
                turn.stop_waiting(request, slot as u32);
                turn.complete(request, Errno::ECANCELED.answer());
            }
        }
    }
}
