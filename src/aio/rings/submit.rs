//! From the application's SQ to the backing's.

use super::context::Inner;
use super::reap::{FAILED, PROBE};
use crate::abi::aio::*;
use crate::abi::aio_ring::*;
use crate::abi::uring::*;
use crate::aio::check::{closed_to, is_vectored, moves_data};
use crate::aio::kept::{give_back, use_kept};
use crate::aio::request::prepare;
use crate::backing;
use crate::ring::barrier::write_once;
use crate::ring::flags::enter_flags;
use crate::ring::inline::*;
use crate::ring::submit::flush_sq;
use crate::sys::{fd, file, Errno, Result};
use core::ffi::c_int;
use core::ptr::null;

/// Entries of the application's SQ that were looked at.
#[derive(Clone, Copy)]
pub struct Batch {
    /// How many.
    pub entries: u32,
    /// Those that stand in the backing's SQ; the rest are to be dropped.
    pub sqes: u32,
    pub stopped: Stopped,
}

/// Why a batch has no more entries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// There are no more, or the backing's SQ is full.
    Full,
    /// As many requests are in flight as may be.
    Busy,
    /// The next request cannot be submitted.
    Failed(Errno),
}

impl Inner {
    /// Errors arrive as events, and cached reads are told from others: what SQTHREAD and SQWQ ask for.
    #[inline]
    pub fn is_async(&self) -> bool {
        self.flags & (IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQWQ) != 0
    }

    /// Requests in flight, or complete and not delivered.
    #[inline]
    pub fn in_flight(&self) -> u32 {
        self.slots.in_flight()
    }

    /// Prepares up to `nr` entries, which must be there.
    #[inline]
    pub unsafe fn prepare_batch(&mut self, nr: u32) -> Batch {
        let mut batch = Batch { entries: 0, sqes: 0, stopped: Stopped::Full };
        // A lone request's EBADF comes out when it has been submitted, at no cost.
        let check = !self.is_async() && nr > 1;
        self.files.forget();
        // SAFETY: the ring lock is held.
        unsafe {
            let space = io_uring_sq_space_left(&raw const self.ring);
            while batch.entries < nr && batch.sqes < space {
                let Some(index) = self.queues.entry(batch.entries) else {
                    // Dropped: by itself, so that entries and SQEs of a batch correspond.
                    if batch.sqes == 0 {
                        batch.entries = 1;
                    }
                    break;
                };
                match self.convert(index, check) {
                    Ok(()) => {}
                    Err(Stopped::Failed(errno)) if self.is_async() => self.fail(index, errno),
                    Err(stopped) => {
                        batch.stopped = stopped;
                        break;
                    }
                }
                batch.entries += 1;
                batch.sqes += 1;
            }
        }
        if self.is_async() || nr != 1 || batch.sqes != 1 {
            self.alone = None;
        }
        batch
    }

    /// Puts request `index` into the backing's SQ, which has room.
    #[inline]
    unsafe fn convert(&mut self, index: u32, check: bool) -> core::result::Result<(), Stopped> {
        let address = self.queues.request(index);
        let Ok(slot) = self.slots.take() else { return Err(Stopped::Busy) };
        // SAFETY: the ring lock is held; the request is the application's, read once.
        unsafe {
            let mut request = address.read();
            let sqe = io_uring_get_sqe(&raw mut self.ring);
            if let Err(errno) = self.fill(sqe, &mut request, index, check) {
                self.slots.untake(1);
                self.ring.sq.sqe_tail = self.ring.sq.sqe_tail.wrapping_sub(1);
                return Err(Stopped::Failed(errno));
            }
            (*sqe).user_data = u64::from(slot);
            self.slots.set(slot, &request, address as u64);
            if self.depends_on_threads && self.may_wait(&request) {
                let ring = &raw const self.ring;
                // A vector that cannot be kept is the application's when it is needed again.
                let _ = self.held.keep(ring, &self.slots, slot, false);
                use_kept(sqe, &self.slots, slot);
            }
            self.alone = Some(slot);
        }
        Ok(())
    }

    /// Whether a request may wait for ever.
    #[inline]
    fn may_wait(&mut self, request: &iocb) -> bool {
        let opcode = request.aio_lio_opcode;
        (opcode == IOCB_CMD_POLL || moves_data(request))
            && self.files.may_wait(request.aio_fildes as c_int)
    }

    #[inline]
    unsafe fn fill(
        &mut self,
        sqe: *mut io_uring_sqe,
        request: &mut iocb,
        index: u32,
        check: bool,
    ) -> Result<()> {
        let opcode = request.aio_lio_opcode;
        let signals = request.aio_flags & IOCB_FLAG_RESFD != 0;
        let moves = moves_data(request);
        if self.flags & IOCTX_FLAG_IOPOLL != 0 && (signals || !moves) {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the SQE is cleared and ours.
        unsafe { prepare(sqe, request)? };
        request.aio_key = 0;
        if self.flags & IOCTX_FLAG_FIXEDBUFS != 0 && moves {
            // SAFETY: as above.
            unsafe { self.fix(sqe, request, index)? };
        }
        let fd = request.aio_fildes as c_int;
        if check {
            self.files.check(fd, closed_to(opcode))?;
        }
        let reads = matches!(opcode, IOCB_CMD_PREAD | IOCB_CMD_PREADV);
        let nowait = libc::RWF_NOWAIT;
        if reads
            && self.is_async()
            && self.flags & IOCTX_FLAG_IOPOLL == 0
            && request.aio_rw_flags & nowait == 0
            && self.files.reads_cached(fd)
        {
            // What comes at once comes from the cache; see reap.rs for what does not.
            request.aio_key = PROBE;
            // SAFETY: as above.
            unsafe { (*sqe).anon_rw_flags.rw_flags |= nowait };
        }
        if signals {
            fd::check_eventfd(request.aio_resfd as c_int)?;
            // A descriptor of our own, so that a close meanwhile does not redirect the signal.
            request.aio_resfd = fd::hold(request.aio_resfd as c_int)? as u32;
            self.deliver_promptly();
        }
        Ok(())
    }

    /// Restricts a read or write to buffer `index`.
    pub(super) unsafe fn fix(
        &self,
        sqe: *mut io_uring_sqe,
        request: &iocb,
        index: u32,
    ) -> Result<()> {
        if is_vectored(request) {
            return Err(Errno::EINVAL);
        }
        if !self.buffers.holds(index, request.aio_buf, request.aio_nbytes) {
            return Err(Errno::EFAULT);
        }
        if self.buffers.registered {
            let fixed = match request.aio_lio_opcode {
                IOCB_CMD_PREAD => io_uring_op::IORING_OP_READ_FIXED,
                _ => io_uring_op::IORING_OP_WRITE_FIXED,
            };
            // SAFETY: the caller's SQE.
            unsafe {
                (*sqe).opcode = fixed as u8;
                (*sqe).anon_buf_index.buf_index = index as u16;
            }
        }
        Ok(())
    }

    /// Lets request `index`, which cannot be submitted, end in an event with the error. Its SQE does
    /// nothing: the event takes the way of all others.
    #[cold]
    unsafe fn fail(&mut self, index: u32, errno: Errno) {
        let address = self.queues.request(index);
        // SAFETY: the ring lock is held; the slot and the SQE are those that convert() gave back.
        unsafe {
            let Ok(slot) = self.slots.take() else { return };
            let mut request = address.read();
            request.aio_key = FAILED;
            request.aio_flags = 0;
            request.aio_reserved2 = i64::from(errno.answer()) as u64;
            let sqe = io_uring_get_sqe(&raw mut self.ring);
            io_uring_prep_nop(sqe);
            (*sqe).user_data = u64::from(slot);
            self.slots.set(slot, &request, address as u64);
        }
    }

    /// Submits what is queued, `batch` last, and waits for `wait_nr` completions in the same enter.
    /// Returns how many entries of the batch are out: all, unless the server refuses them.
    #[inline]
    pub unsafe fn flush(&mut self, batch: Batch, wait_nr: u32) -> Result<u32> {
        let ring = &raw mut self.ring;
        // SAFETY: the ring lock is held.
        unsafe {
            let mut left = flush_sq(ring);
            let tail = (*ring).sq.sqe_tail;
            let flags = enter_flags(ring) | if wait_nr > 0 { IORING_ENTER_GETEVENTS } else { 0 };
            while left > 0 {
                match backing::enter((*ring).enter_ring_fd, left, wait_nr, flags, null(), 0) {
                    Ok(n) if n > 0 => left -= (n as u32).min(left),
                    Err(Errno::EINTR) => {}
                    refused => {
                        // Short of memory, or of room for CQEs: what completes makes some.
                        let progress = self.reap() > 0;
                        left = flush_sq(ring);
                        if progress {
                            continue;
                        }
                        if (*ring).sq.sqe_tail != tail {
                            // Requests that run anew stand behind the batch; the next enter takes all.
                            break;
                        }
                        let back = self.withdraw(left.min(batch.sqes));
                        let errno = refused.err().unwrap_or(Errno::EAGAIN);
                        let out = batch.entries - back;
                        return if out == 0 && batch.entries > 0 { Err(errno) } else { Ok(out) };
                    }
                }
            }
        }
        Ok(batch.entries)
    }

    /// Takes the last `sqes` requests back from the backing's SQ.
    #[cold]
    unsafe fn withdraw(&mut self, sqes: u32) -> u32 {
        let sq = &raw mut self.ring.sq;
        // SAFETY: the ring lock is held, and the server looks at the SQ only within an enter.
        unsafe {
            let tail = (*sq).sqe_tail.wrapping_sub(sqes);
            for ahead in 0..sqes {
                let at = tail.wrapping_add(ahead) & (*sq).ring_mask;
                let index = (*(*sq).sqes.add(at as usize)).user_data;
                if let Some(slot) = self.slots.get(index) {
                    Inner::close_signal(&slot.request, false);
                    give_back(&raw const self.ring, &self.slots, index as u32);
                }
            }
            (*sq).sqe_tail = tail;
            (*sq).sqe_head = tail;
            write_once((*sq).ktail, tail);
            self.slots.untake(sqes);
        }
        sqes
    }

    /// Closes our descriptor of the eventfd that a request signals, which is told first if `is_there` is an event.
    pub(super) fn close_signal(request: &iocb, is_there: bool) {
        let held = request.aio_resfd as c_int;
        // Its number may be another file's by now, which must be left alone.
        if request.aio_flags & IOCB_FLAG_RESFD == 0 || fd::check_eventfd(held).is_err() {
            return;
        }
        if is_there {
            let _ = file::signal(held);
        }
        // SAFETY: fill() made the descriptor for this request.
        let _ = unsafe { fd::close(held) };
    }
}
