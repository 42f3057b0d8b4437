//! From the backing's CQ to the application's.
//!
//! # Reads from the cache
//! With SQTHREAD or SQWQ a buffered read is first submitted with `RWF_NOWAIT` ([`PROBE`]). When all of
//! it comes, it came from the page cache, within the submitting call: its event says so. Otherwise the
//! read is submitted once more as it was asked for. One that ends early tells apart the end of the
//! file and of what is cached by the second answer: the same number of bytes is all that there is.

use super::context::Inner;
use super::refused::PAUSE;
use crate::abi::aio::*;
use crate::abi::aio_ring::*;
use crate::abi::uring::io_uring_sqe;
use crate::aio::kept::{give_back, use_kept};
use crate::aio::request::prepare;
use crate::aio::slots::Slot;
use crate::aio::submit::unget_sqe;
use crate::backing;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::ring::inline::*;
use crate::ring::submit::{cq_needs_flush, get_events, submit, submit_and_wait};
use crate::sys::{thread, Errno, Result};
use core::sync::atomic::Ordering;

// What a slot's copy of a request keeps in `aio_key`, with `aio_reserved2` beside it.
/// Submitted with `RWF_NOWAIT`.
pub(super) const PROBE: u32 = 1;
/// Submitted again, after a probe that gave as many bytes as `aio_reserved2` says.
const PROBED: u32 = 2;
/// Could not be submitted; `aio_reserved2` is the event's result.
pub(super) const FAILED: u32 = 3;

/// In a CQE's `user_data`: the SQ thread was woken.
pub(super) const WAKE_UP: u64 = 1 << 63;
/// In a CQE's `user_data`: the reaper is to look at the stop word.
pub(super) const STOP: u64 = 1 << 62;

enum Outcome {
    Event {
        res: i64,
        res2: i64,
    },
    /// To be submitted anew, with this in `aio_key` and `aio_reserved2`.
    Again {
        key: u32,
        res: u64,
    },
    Returned,
}

impl Inner {
    /// Delivers completions as far as the application's CQ has room; returns how many CQEs went by.
    /// What must be submitted again is queued.
    #[inline]
    pub unsafe fn reap(&mut self) -> u32 {
        let mut reaped = 0;
        // SAFETY: the ring lock is held.
        unsafe {
            loop {
                let (passed, all) = self.reap_visible();
                reaped += passed;
                if !all {
                    // Said once for each time that the CQ becomes too small.
                    self.overflowed |= !self.backlog;
                    self.backlog = true;
                    return reaped;
                }
                let more = cq_needs_flush(&raw const self.ring)
                    && get_events(&raw mut self.ring).is_ok()
                    && passed > 0;
                if !more {
                    self.backlog = false;
                    return reaped;
                }
            }
        }
    }

    /// Delivers what stands in the backing's CQ; returns how many CQEs, and whether that was all.
    #[inline]
    unsafe fn reap_visible(&mut self) -> (u32, bool) {
        // SAFETY: the ring lock is held; CQEs before the acquired tail are complete.
        unsafe {
            let cq = &raw const self.ring.cq;
            let head = read_once((*cq).khead);
            let tail = io_uring_smp_load_acquire((*cq).ktail);
            if head == tail {
                return (0, true);
            }
            let (cqes, mask) = ((*cq).cqes, (*cq).ring_mask);
            let mut room = self.queues.room();
            let mut at = head;
            while at != tail {
                let cqe = cqes.add((at & mask) as usize);
                let (user_data, res) = ((*cqe).user_data, (*cqe).res);
                if self.slots.get(user_data).is_none() {
                    self.note(user_data, res);
                } else if room == 0 {
                    break;
                } else {
                    room -= u32::from(self.finish(user_data as u32, res));
                }
                at = at.wrapping_add(1);
            }
            self.queues.publish();
            io_uring_cq_advance(&raw mut self.ring, at.wrapping_sub(head));
            (at.wrapping_sub(head), at == tail)
        }
    }

    /// Ends the request in a slot, or submits it anew; whether there is an event.
    #[inline]
    unsafe fn finish(&mut self, index: u32, res: i32) -> bool {
        let slot = &self.slots[index];
        let outcome = if slot.request.aio_key == 0 && res >= 0 {
            Outcome::Event { res: i64::from(res), res2: 0 }
        } else {
            self.outcome(index, slot, res)
        };
        // SAFETY: the ring lock is held; there is room for the event.
        unsafe {
            let (res, res2) = match outcome {
                Outcome::Event { res, res2 } => (res, res2),
                Outcome::Again { key, res } => match self.again(index, key, res) {
                    Ok(()) => return false,
                    Err(errno) => (i64::from(errno.answer()), 0),
                },
                Outcome::Returned => {
                    self.returned = true;
                    Inner::close_signal(&slot.request, false);
                    self.give(index);
                    return false;
                }
            };
            self.end(index, res, res2);
            true
        }
    }

    /// Pushes the event of the request in a slot, for which there is room, and gives the slot back.
    #[inline]
    pub(super) unsafe fn end(&mut self, index: u32, res: i64, res2: i64) {
        let slot = &self.slots[index];
        let (data, obj) = (slot.request.aio_data, self.queues.object(slot.address));
        // SAFETY: the ring lock is held.
        unsafe {
            self.queues.push(io_event { data, obj, res, res2 });
            let request = &self.slots[index].request;
            if request.aio_flags & IOCB_FLAG_RESFD != 0 {
                // An eventfd that is readable means that the event is there.
                self.queues.publish();
                Inner::close_signal(request, true);
            }
            self.give(index);
        }
    }

    /// Gives a slot back, and what its request keeps.
    #[inline]
    unsafe fn give(&self, index: u32) {
        if self.slots[index].traits.load(Ordering::Relaxed) != 0 {
            // SAFETY: the ring lock is held, and the request is over.
            unsafe { give_back(&raw const self.ring, &self.slots, index) };
        }
        self.slots.give(index);
    }

    fn outcome(&self, index: u32, slot: &Slot, res: i32) -> Outcome {
        let request = &slot.request;
        let (key, kept) = (request.aio_key, request.aio_reserved2);
        let hit = |res: i32| Outcome::Event { res: i64::from(res), res2: IOEV_RES2_CACHEHIT };
        let plain = |res: i32| Outcome::Event { res: i64::from(res), res2: 0 };
        if res == Errno::ECANCELED.answer() && slot.has(Slot::HOLDS_FILE) && !self.is_ending() {
            // The thread that submitted has ended, and the server gave up what it had in flight.
            return Outcome::Again { key: 0, res: 0 };
        }
        match key {
            FAILED => Outcome::Event { res: kept as i64, res2: 0 },
            PROBED if res > 0 && res as u64 == kept => hit(res),
            PROBED => plain(res),
            PROBE if res > 0 && res as u64 == request.aio_nbytes && !is_vector(request) => hit(res),
            // Vectors' lengths are the application's memory; their probes are told by a second look.
            PROBE if res > 0 => Outcome::Again { key: PROBED, res: res as u64 },
            PROBE if res == Errno::EAGAIN.answer() || res == Errno::EOPNOTSUPP.answer() => {
                Outcome::Again { key: 0, res: 0 }
            }
            _ if res == Errno::EBADF.answer() && self.alone == Some(index) => Outcome::Returned,
            _ => plain(res),
        }
    }

    /// Queues a request anew. `EBADF` when its file is gone; or the ring is.
    #[cold]
    unsafe fn again(&mut self, index: u32, key: u32, res: u64) -> Result<()> {
        let ring = &raw mut self.ring;
        let (mut request, address) = (self.slots[index].request, self.slots[index].address);
        // SAFETY: the ring lock is held.
        unsafe {
            let sqe = self.sqe()?;
            request.aio_reserved2 = 0;
            prepare(sqe, &request).inspect_err(|_| unget_sqe(ring))?;
            if self.flags & IOCTX_FLAG_FIXEDBUFS != 0 {
                let base = self.queues.request(0) as u64;
                let which = (address - base) / core::mem::size_of::<iocb>() as u64;
                let _ = self.fix(sqe, &request, which as u32);
            }
            use_kept(sqe, &self.slots, index);
            (*sqe).user_data = u64::from(index);
            request.aio_key = key;
            request.aio_reserved2 = res;
            self.slots.set(index, &request, address);
        }
        Ok(())
    }

    /// An SQE, for which room is made. `EAGAIN` where the server keeps the SQ full.
    unsafe fn sqe(&mut self) -> Result<*mut io_uring_sqe> {
        const TRIES: u32 = 40;
        let ring = &raw mut self.ring;
        // SAFETY: the ring lock is held.
        unsafe {
            let mut sqe = io_uring_get_sqe(ring);
            for _ in 0..TRIES {
                if !sqe.is_null() {
                    return Ok(sqe);
                }
                // Short of memory, it takes them later; where the program has closed it, never.
                match submit(ring) {
                    Err(errno) if backing::says_lost(errno) => return Err(errno),
                    Err(_) => thread::sleep(PAUSE),
                    Ok(_) => {}
                }
                sqe = io_uring_get_sqe(ring);
            }
            if sqe.is_null() {
                Err(Errno::EAGAIN)
            } else {
                Ok(sqe)
            }
        }
    }

    /// A CQE that is no request's.
    #[cold]
    fn note(&mut self, user_data: u64, res: i32) {
        // A cancelled one was a thread's that has ended: the next arms its own.
        self.is_armed &= user_data != WAKE_UP || res <= 0;
    }

    /// Queues the read that an eventfd write ends, to wake the SQ thread from its wait, unless there is one.
    pub unsafe fn arm_wake_up(&mut self) -> Result<()> {
        if self.is_armed {
            return Ok(());
        }
        // SAFETY: the ring lock is held. What is read goes into the context itself.
        unsafe {
            let sqe = self.sqe()?;
            let value = (&raw mut self.woken).cast();
            io_uring_prep_read(sqe, self.wake_fd, value, 8, 0);
            (*sqe).user_data = WAKE_UP;
        }
        self.is_armed = true;
        Ok(())
    }

    /// Nobody waits for it any more.
    pub unsafe fn disarm_wake_up(&mut self) {
        let ring = &raw mut self.ring;
        // SAFETY: the ring lock is held.
        unsafe {
            let sqe = io_uring_get_sqe(ring);
            if !sqe.is_null() {
                io_uring_prep_cancel64(sqe, WAKE_UP, 0);
                (*sqe).user_data = STOP;
            }
            let _ = submit(ring);
        }
    }

    /// Posts a CQE, to wake the reaper from its wait.
    pub unsafe fn wake_reaper(&mut self) {
        let ring = &raw mut self.ring;
        // SAFETY: the ring lock is held.
        unsafe {
            let sqe = io_uring_get_sqe(ring);
            if !sqe.is_null() {
                io_uring_prep_nop(sqe);
                (*sqe).user_data = STOP;
            }
            let _ = submit(ring);
        }
    }

    /// Throws completions of a context away that is being destroyed.
    pub unsafe fn discard(&mut self) {
        let ring = &raw mut self.ring;
        // SAFETY: the caller is the only user.
        unsafe {
            self.drop_unsent();
            if self.in_flight() == 0 {
                return;
            }
            let _ = submit_and_wait(ring, 1);
            let head = read_once((*ring).cq.khead);
            let tail = io_uring_smp_load_acquire((*ring).cq.ktail);
            let mut at = head;
            while at != tail {
                let cqe = (*ring).cq.cqes.add((at & (*ring).cq.ring_mask) as usize);
                self.throw_away((*cqe).user_data);
                at = at.wrapping_add(1);
            }
            io_uring_cq_advance(ring, at.wrapping_sub(head));
        }
    }

    /// Gives the slot back of a request whose event nobody takes, if it is one's user data.
    pub(super) unsafe fn throw_away(&self, user_data: u64) {
        if let Some(slot) = self.slots.get(user_data) {
            Inner::close_signal(&slot.request, false);
            // SAFETY: the caller is the only user, and the request is over.
            unsafe { self.give(user_data as u32) };
        }
    }
}

fn is_vector(request: &iocb) -> bool {
    request.aio_lio_opcode == IOCB_CMD_PREADV
}
