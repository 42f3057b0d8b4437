//! Posting: a turn's CQEs go to the completion queue, or wait where there is room; those who wait for
//! them are woken.

use super::memory::{Cqe, Memory};
use super::turn::Turn;
use crate::abi::uring::*;
use crate::sys::{allocator, file};
use core::sync::atomic::Ordering;

/// How long the posting lock is waited for: what is done under it takes microseconds.
const LOOKS: u32 = 3;
/// CQEs that are posted together at most.
const BATCH: usize = 32;

/// The end of the completion queue, under the posting lock.
struct Writer<'a> {
    memory: &'a Memory,
    tail: u32,
    /// Free slots.
    room: u32,
}

impl<'a> Writer<'a> {
    #[inline]
    fn new(memory: &'a Memory) -> Self {
        let tail = memory.control().cq_tail.load(Ordering::Relaxed);
        Writer { memory, tail, room: memory.cq_entries.saturating_sub(memory.ready()) }
    }

    /// Writes a CQE; false when there is no room.
    #[inline]
    fn put(&mut self, cqe: &Cqe) -> bool {
        if self.room == 0 {
            return false;
        }
        if !self.memory.is_narrow() {
            return self.put_any(cqe);
        }
        self.memory.write_narrow_cqe(self.tail, cqe);
        self.step(1);
        true
    }

    fn put_any(&mut self, cqe: &Cqe) -> bool {
        if self.memory.is_mixed() && cqe.flags & IORING_CQE_F_32 != 0 {
            return self.put_big(cqe);
        }
        self.memory.write_cqe(self.tail, cqe);
        self.step(1);
        true
    }

    /// One of two slots, among others of one. It does not straddle the end: one to skip fills the last.
    #[cold]
    fn put_big(&mut self, cqe: &Cqe) -> bool {
        let is_last = self.tail.wrapping_add(1) & (self.memory.cq_entries - 1) == 0;
        if self.room < 2 + u32::from(is_last) {
            return false;
        }
        if is_last {
            let filler = Cqe { user_data: 0, res: 0, flags: IORING_CQE_F_SKIP, big: [0; 2] };
            self.memory.write_cqe(self.tail, &filler);
            self.step(1);
        }
        self.memory.write_cqe(self.tail, cqe);
        self.step(2);
        true
    }

    #[inline]
    fn step(&mut self, slots: u32) {
        self.tail = self.tail.wrapping_add(slots);
        self.room -= slots;
    }

    /// Shows the program what was written.
    #[inline]
    fn commit(self) {
        self.memory.control().cq_tail.store(self.tail, Ordering::Relaxed);
        // Pairs with the program's acquire of the tail: the CQEs before it are complete.
        self.memory.header().cq_tail.store(self.tail, Ordering::Release);
    }
}

impl Turn<'_> {
    /// Posts a CQE, at the end of the turn at the latest.
    #[inline]
    pub fn post(&mut self, cqe: Cqe) {
        _ = self.post_and_tell(cqe);
    }

    /// [`Turn::post`]; whether it has moved CQEs to the completion queue, which may be full now.
    #[inline]
    pub fn post_and_tell(&mut self, cqe: Cqe) -> bool {
        self.core.posted = self.core.posted.wrapping_add(1);
        self.core.pending.push(cqe);
        let is_much = self.core.pending.len() >= BATCH;
        if is_much {
            self.publish();
        }
        is_much
    }

    /// Moves the turn's CQEs to the completion queue.
    #[inline]
    pub fn publish(&mut self) {
        if self.core.pending.is_empty() {
            return;
        }
        if self.core.flags & IORING_SETUP_DEFER_TASKRUN != 0 && self.is_held_back() {
            return self.announce_held_back();
        }
        let core = &mut *self.core;
        core.announced = 0;
        let control = core.memory.control();
        if !control.posting.lock(core.owner, LOOKS) {
            return self.hold_up();
        }
        let mut writer = Writer::new(&core.memory);
        for cqe in &core.pending {
            // Those that wait already come first.
            if !core.overflow.is_empty() || !writer.put(cqe) {
                // As the kernel does it: what there is no memory for is counted.
                match core.overflow.try_reserve(1) {
                    Ok(()) => core.overflow.push_back(*cqe),
                    Err(_) => _ = core.memory.header().cq_overflow.fetch_add(1, Ordering::Relaxed),
                }
            }
        }
        writer.commit();
        core.pending.clear();
        core.recent.forget_file();
        if !core.overflow.is_empty() {
            core.memory.header().sq_flags.fetch_or(IORING_SQ_CQ_OVERFLOW, Ordering::Release);
        }
        self.unlock_and_wake();
    }

    /// Another process has the posting lock for long, perhaps because it was stopped: what is to be posted waits, not who
    /// posts it. The keeper tries again.
    #[cold]
    fn hold_up(&mut self) {
        let core = &mut *self.core;
        for cqe in core.pending.drain(..) {
            match core.overflow.try_reserve(1) {
                Ok(()) => core.overflow.push_back(cqe),
                Err(_) => _ = core.memory.header().cq_overflow.fetch_add(1, Ordering::Relaxed),
            }
        }
        core.is_held_up = true;
        core.memory.header().sq_flags.fetch_or(IORING_SQ_CQ_OVERFLOW, Ordering::Release);
        self.ring.wants_keeper.store(true, Ordering::Relaxed);
    }

    /// Whether what has completed is to be posted when the program asks for it: completions are posted by the thread
    /// that submits, and an eventfd tells it to.
    fn is_held_back(&self) -> bool {
        let control = self.core.memory.control();
        let is_inside = self.reaps
            || self.submits
            || self.is_apart
            || self.core.polls.is_served()
            || control.waiters.are_there()
            || control.pollers.load(Ordering::Relaxed) > 0;
        self.core.announce.is_some() && !is_inside
    }

    /// Tells the program of what is held back, once.
    #[cold]
    fn announce_held_back(&mut self) {
        if core::mem::replace(&mut self.core.announced, self.core.pending.len())
            < self.core.pending.len()
        {
            if self.core.flags & IORING_SETUP_TASKRUN_FLAG != 0 {
                let flags = &self.core.memory.header().sq_flags;
                flags.fetch_or(IORING_SQ_TASKRUN, Ordering::Relaxed);
            }
            self.announce();
            self.make_readable();
        }
    }

    /// Whether there is no memory for a CQE that belongs to no request, where the completion queue has no room for it:
    /// each request has brought what its own needs.
    #[cold]
    pub fn has_no_room_for_another(&mut self) -> bool {
        if self.core.overflow.is_empty() {
            return false;
        }
        let more = self.core.pending.len() + 1;
        allocator::check().is_err() || self.core.overflow.try_reserve(more).is_err()
    }

    /// Shows the program CQEs that a process has posted which was killed before it showed them.
    pub fn show_posted(&mut self) {
        let memory = &self.core.memory;
        let (control, header) = (memory.control(), memory.header());
        if !control.posting.lock(self.core.owner, LOOKS) {
            return;
        }
        header.cq_tail.store(control.cq_tail.load(Ordering::Relaxed), Ordering::Release);
        control.posting.unlock();
    }

    /// Moves CQEs that had no room to the completion queue, as far as it has some now.
    #[inline]
    pub fn flush_overflow(&mut self) {
        if !self.core.overflow.is_empty() {
            self.flush();
        }
    }

    #[cold]
    fn flush(&mut self) {
        self.publish();
        let core = &mut *self.core;
        let control = core.memory.control();
        if !control.posting.lock(core.owner, LOOKS) {
            return self.hold_up();
        }
        core.is_held_up = false;
        let mut writer = Writer::new(&core.memory);
        while let Some(cqe) = core.overflow.front() {
            if !writer.put(cqe) {
                break;
            }
            core.overflow.pop_front();
        }
        writer.commit();
        if core.overflow.is_empty() {
            core.memory.header().sq_flags.fetch_and(!IORING_SQ_CQ_OVERFLOW, Ordering::Release);
        }
        self.unlock_and_wake();
    }

    /// Lets go of the posting lock and wakes those who wait for the CQEs that there are now. They make
    /// themselves known under that lock, and look at the tail afterwards.
    #[inline]
    fn unlock_and_wake(&mut self) {
        let core = &*self.core;
        let control = core.memory.control();
        let tail = control.cq_tail.load(Ordering::Relaxed);
        let wakes = control.waiters.want(tail)
            || (!core.overflow.is_empty() && control.waiters.are_there());
        let is_polled =
            control.pollers.load(Ordering::Relaxed) > u32::from(self.serves) || core.is_watched;
        control.posting.unlock();
        if core.announce.is_some() {
            match self.is_apart {
                true => self.core.is_untold = true,
                false => self.announce(),
            }
        }
        let core = &*self.core;
        let control = core.memory.control();
        // Whoever slept in enter takes them. One that is known to sleep and does not wake up was killed.
        let is_taken = wakes && control.waiters.wake() > 0;
        let is_told = self.reaps || is_taken || core.is_private;
        if (is_polled || !is_told) && core.memory.ready() > 0 {
            let is_looked_at = self.submits || control.waiters.are_there();
            match is_looked_at && !is_polled && !core.relies_on_fd {
                true => {
                    self.leave_unannounced();
                    self.core.is_untold |= self.is_apart && !self.core.is_kept;
                }
                false if self.is_apart => self.core.is_untold = true,
                false => self.make_readable(),
            }
        }
    }

    /// Tells of what a thread has posted that could not.
    pub fn tell_of_posted(mut self) {
        let is_untold = core::mem::take(&mut self.core.is_untold);
        self.run();
        self.publish();
        if is_untold && self.core.memory.ready() > 0 {
            self.announce();
            let control = self.core.memory.control();
            let is_polled = control.pollers.load(Ordering::Relaxed) > 0;
            match control.waiters.are_there() && !is_polled && !self.core.relies_on_fd {
                true => self.leave_unannounced(),
                false if self.core.is_private && !is_polled => {}
                false => self.make_readable(),
            }
        }
    }

    /// CQEs are there that the program probably looks at next. The keeper tells it if it does not.
    pub fn leave_unannounced(&mut self) {
        self.core.is_unannounced = true;
        self.ring.wants_keeper.store(true, Ordering::Relaxed);
    }

    /// Whether CQEs are there that the program's descriptor does not tell of, or not of all of them.
    pub fn has_untold(&self) -> bool {
        let (core, control) = (&*self.core, self.core.memory.control());
        let is_told = control.readable.load(Ordering::Relaxed) != 0
            && core.told == control.cq_tail.load(Ordering::Relaxed);
        !core.is_private && !is_told && core.memory.ready() > 0
    }

    /// Has the ring's descriptor be readable. Those are told again who ask for changes only: each time is one.
    pub fn make_readable(&mut self) {
        self.core.is_unannounced = false;
        self.core.signals = self.core.signals.wrapping_add(1);
        self.core.told = self.core.memory.control().cq_tail.load(Ordering::Relaxed);
        if self.core.held.is_ours() {
            let _ = file::signal(self.core.held.fd);
            // Afterwards: another process that ends the readiness in between does so once more, rather than never.
            self.core.memory.control().readable.store(1, Ordering::Release);
            self.ring.wants_keeper.store(true, Ordering::Relaxed);
        }
    }

    /// The ring's descriptor is readable no more when the program has taken everything.
    #[inline]
    pub fn settle_readable(&mut self) {
        let control = self.core.memory.control();
        let is_needed = self.core.memory.ready() > 0
            || self.core.announced > 0
            || self.core.polls.signals.call();
        if control.readable.load(Ordering::Relaxed) == 0 || is_needed {
            return;
        }
        // Another process may be about to post, and to find it readable.
        if !control.posting.lock(self.core.owner, LOOKS) {
            return;
        }
        if self.core.memory.ready() == 0 && control.readable.swap(0, Ordering::AcqRel) != 0 {
            file::clear(self.core.held.fd);
        }
        control.posting.unlock();
    }
}
