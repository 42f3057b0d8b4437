//! Requests that the server does not take, for want of memory. It is asked again for a moment, since a shortage passes and
//! what completes makes room. Then one request after the other ends in an event with `EAGAIN`: those that stand in the
//! backing's SQ were taken from the application, and with SQTHREAD all errors come as events. Nobody would hear of them
//! otherwise. Without that thread io_ring_enter() has said so, and they are in the application's SQ still.

use super::context::Inner;
use super::reap::WAKE_UP;
use crate::abi::aio::{io_event, IOCB_FLAG_RESFD};
use crate::abi::aio_ring::IOCTX_FLAG_SQTHREAD;
use crate::abi::ctypes::__kernel_timespec;
use crate::ring::barrier::{read_once, write_once};
use crate::sys::clock::Deadline;
use crate::sys::{fd, file, Errno};
use core::ffi::c_int;

/// For how long the server is asked again.
const PATIENCE: __kernel_timespec = __kernel_timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// How long whoever asks sleeps in between, in microseconds.
pub const PAUSE: i64 = 500;

impl Inner {
    /// SQEs that the server has not taken.
    #[inline]
    pub unsafe fn unsent(&self) -> u32 {
        // SAFETY: the ring lock is held.
        unsafe { self.ring.sq.sqe_tail.wrapping_sub(read_once(self.ring.sq.khead)) }
    }

    /// After the server was asked: whether it is to be asked again, after a pause, because something was refused, as the
    /// caller says, or is unsent. What was refused for too long is ended.
    #[inline]
    pub unsafe fn endure(&mut self, is_refused: bool) -> bool {
        // SAFETY: the ring lock is held.
        unsafe {
            // While events wait for the application, what is wanting is room in its CQ.
            if self.backlog || !(is_refused || self.unsent() > 0) {
                self.refused_until = None;
                return false;
            }
            self.bear();
            true
        }
    }

    #[cold]
    unsafe fn bear(&mut self) {
        match &self.refused_until {
            None => self.refused_until = Deadline::after(PATIENCE).ok(),
            // SAFETY: as the caller says.
            Some(until) if until.is_over() => unsafe { self.end_one() },
            Some(_) => {}
        }
    }

    /// Ends a request that the server does not take, if there is room for its event.
    unsafe fn end_one(&mut self) {
        // SAFETY: the ring lock is held.
        unsafe {
            if self.queues.room() == 0 {
                return;
            }
            if let Some(user_data) = self.take_back() {
                if self.slots.get(user_data).is_some() {
                    self.end(user_data as u32, Errno::EAGAIN.answer().into(), 0);
                }
            } else if self.flags & IOCTX_FLAG_SQTHREAD != 0 && self.queues.available() > 0 {
                self.end_next();
            }
            self.queues.publish();
        }
    }

    /// Takes the last SQE back that the server has not taken; what its user data is.
    unsafe fn take_back(&mut self) -> Option<u64> {
        // SAFETY: the ring lock is held, and the server looks at the SQ only within an enter.
        unsafe {
            if self.unsent() == 0 {
                return None;
            }
            let sq = &raw mut self.ring.sq;
            let tail = (*sq).sqe_tail.wrapping_sub(1);
            let user_data = (*(*sq).sqes.add((tail & (*sq).ring_mask) as usize)).user_data;
            (*sq).sqe_tail = tail;
            (*sq).sqe_head = tail;
            write_once((*sq).ktail, tail);
            self.is_armed &= user_data != WAKE_UP;
            Some(user_data)
        }
    }

    /// Ends the next request of the application's SQ.
    unsafe fn end_next(&mut self) {
        // SAFETY: the ring lock is held; the request is the application's, read once.
        unsafe {
            let next = self.queues.entry(0).map(|index| self.queues.request(index));
            let next = next.map(|address| (address.read(), address as u64));
            self.queues.consume(1);
            let Some((request, address)) = next else { return };
            let (data, obj) = (request.aio_data, self.queues.object(address));
            self.queues.push(io_event { data, obj, res: Errno::EAGAIN.answer().into(), res2: 0 });
            let eventfd = request.aio_resfd as c_int;
            if request.aio_flags & IOCB_FLAG_RESFD != 0 && fd::check_eventfd(eventfd).is_ok() {
                self.queues.publish();
                let _ = file::signal(eventfd);
            }
        }
    }

    /// On a context that is being destroyed: what the server has not taken need not run any more.
    pub unsafe fn drop_unsent(&mut self) {
        // SAFETY: the caller is the only user.
        unsafe {
            while let Some(user_data) = self.take_back() {
                self.throw_away(user_data);
            }
        }
    }
}
