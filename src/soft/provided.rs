//! Provided buffers: groups that requests take a buffer from when they have data for it. Buffers come by
//! requests, as a list, or stand in a ring that the program fills.
//!
//! A buffer that is taken is used, or put back when the try that it was for found nothing. One in a ring
//! stays there until it was used: putting it back is nothing.

use super::ops::Outcome;
use super::request::{Request, MULTISHOT, POLLED};
use super::turn::Turn;
use crate::abi::uring::*;
use crate::sys::shared::Shared;
use crate::sys::{file, pipe, Errno, Result};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
use libc::iovec;

/// A buffer that a request has taken.
#[derive(Clone, Copy)]
pub struct Buffer {
    /// Where it is.
    pub addr: u64,
    /// Its length in bytes.
    pub len: u32,
    /// Its ID.
    pub bid: u16,
    /// It is in the CQE's flags, and gone from its group.
    pub is_used: bool,
}

/// A ring of buffers. The program writes to it at any time.
pub struct BufferRing {
    entries: *mut io_uring_buf,
    count: u16,
    head: u16,
    is_incremental: bool,
    /// A buffer with fewer bytes left is used up.
    least: u32,
    /// None when it is the program's.
    ours: Option<Shared>,
}

impl BufferRing {
    /// Over `count` entries, a power of two, at `entries`, which are in memory of `ours` or the program's. With `pieces`
    /// buffers are used piece by piece, until fewer bytes than that are left.
    pub fn new(
        entries: *mut io_uring_buf,
        count: u16,
        pieces: Option<u32>,
        ours: Option<Shared>,
    ) -> Self {
        let (is_incremental, least) = (pieces.is_some(), pieces.unwrap_or(0));
        BufferRing { entries, count, head: 0, is_incremental, least, ours }
    }

    /// The index of the next buffer.
    pub fn head(&self) -> u16 {
        self.head
    }

    fn available(&self) -> u16 {
        // SAFETY: the tail lies over the first entry's last field, in the program's memory.
        let tail = unsafe { &*(&raw const (*self.entries).resv).cast::<AtomicU16>() };
        // Acquire pairs with the program's release: the entries before it are written.
        tail.load(Ordering::Acquire).wrapping_sub(self.head)
    }

    fn entry(&self, ahead: u16) -> *mut io_uring_buf {
        let slot = self.head.wrapping_add(ahead) & (self.count - 1);
        // SAFETY: the slot is in range.
        unsafe { self.entries.add(usize::from(slot)) }
    }

    /// The buffer that is `ahead` of the next.
    fn peek(&self, ahead: u16) -> Option<Buffer> {
        if ahead >= self.available() || ahead >= self.count {
            return None;
        }
        let entry = self.entry(ahead);
        // SAFETY: the entry is there; each field is read once.
        unsafe {
            let addr = (*(&raw const (*entry).addr).cast::<AtomicU64>()).load(Ordering::Relaxed);
            let len = (*(&raw const (*entry).len).cast::<AtomicU32>()).load(Ordering::Relaxed);
            let bid = (*(&raw const (*entry).bid).cast::<AtomicU16>()).load(Ordering::Relaxed);
            Some(Buffer { addr, len, bid, is_used: false })
        }
    }

    /// Uses up `bytes` of the next buffers, all of the first at least unless they are used piece by piece.
    /// True when the last one has bytes left.
    fn advance(&mut self, bytes: usize) -> bool {
        let mut left = bytes;
        loop {
            let Some(buffer) = self.peek(0) else { return false };
            let rest = (buffer.len as usize).saturating_sub(left);
            if self.is_incremental && rest > 0 && rest >= self.least as usize {
                let entry = self.entry(0);
                // SAFETY: the entry is there, and the program leaves it alone until it is used up.
                unsafe {
                    (&raw mut (*entry).addr).write_volatile(buffer.addr + left as u64);
                    (&raw mut (*entry).len).write_volatile(buffer.len - left as u32);
                }
                return true;
            }
            if self.is_incremental {
                // SAFETY: as above.
                unsafe { (&raw mut (*self.entry(0)).len).write_volatile(0) };
            }
            self.head = self.head.wrapping_add(1);
            left = left.saturating_sub(buffer.len as usize);
            if left == 0 {
                return false;
            }
        }
    }

    /// The memory that it is in, when that is ours.
    pub fn ours(&self) -> Option<&Shared> {
        self.ours.as_ref()
    }
}

/// A group of buffers.
pub enum Group {
    /// They came by requests; the first is the next.
    List(VecDeque<Buffer>),
    /// They stand in a ring.
    Ring(BufferRing),
}

/// A ring's groups, by their number.
#[derive(Default)]
pub struct ProvidedBuffers {
    /// Those that there are.
    pub groups: BTreeMap<u16, Group>,
}

/// The buffers that a bundle has at most.
const MOST_BUNDLED: u16 = 256;

fn group_of(r: &Request) -> u16 {
    // SAFETY: any bytes are valid as a group.
    unsafe { r.sqe.anon_buf_index.buf_group }
}

/// Whether a request takes its buffer from a group.
#[inline]
pub fn selects(r: &Request) -> bool {
    r.sqe.flags & IOSQE_BUFFER_SELECT as u8 != 0
}

impl Turn<'_> {
    /// Takes a buffer for `r`, which it has until it is used or put back. `EBADF`, `ENOBUFS`.
    pub fn take_buffer(&mut self, r: &mut Request) -> Result<Buffer> {
        if let Some(buffer) = r.provided {
            return Ok(buffer);
        }
        let taken = match self.core.provided.groups.get_mut(&group_of(r)) {
            Some(Group::List(list)) => list.pop_front(),
            Some(Group::Ring(ring)) => ring.peek(0),
            None => None,
        };
        // A file that is none comes first.
        let missing = || file::check(r.fd).err().unwrap_or(Errno::ENOBUFS);
        let buffer = taken.ok_or_else(missing)?;
        r.provided = Some(buffer);
        Ok(buffer)
    }

    /// What becomes of a request that there is no buffer for. One that has had some already, or was told that there
    /// is data, fails only if there still is: `events` tell.
    pub fn without_buffer(
        &mut self,
        r: &Request,
        errno: Errno,
        goes_on: bool,
        events: u32,
    ) -> Outcome {
        let is_in_between = errno == Errno::ENOBUFS && r.is(MULTISHOT) && (goes_on || r.is(POLLED));
        match is_in_between && !pipe::is_ready(r.fd, events as i16) {
            true => Outcome::Wait(events),
            false => Outcome::Done(errno.answer()),
        }
    }

    /// Whether there is the group that `r` takes its buffer from.
    pub fn has_group(&self, r: &Request) -> bool {
        self.core.provided.groups.contains_key(&group_of(r))
    }

    /// Whether the group that `r` takes its buffers from has any.
    pub fn has_buffers(&self, r: &Request) -> bool {
        match self.core.provided.groups.get(&group_of(r)) {
            Some(Group::List(list)) => !list.is_empty(),
            Some(Group::Ring(ring)) => ring.available() > 0,
            None => false,
        }
    }

    /// The try that a buffer was taken for has found nothing: it is put back.
    pub fn put_buffer_back(&mut self, r: &mut Request) {
        let Some(buffer) = r.provided else { return };
        if buffer.is_used {
            return;
        }
        r.provided = None;
        if let Some(Group::List(list)) = self.core.provided.groups.get_mut(&group_of(r)) {
            list.push_front(buffer);
        }
    }

    /// `bytes` of the request's buffer are used, or will be by a worker: the flags for its CQE.
    pub fn use_buffer(&mut self, r: &mut Request, bytes: usize) -> u32 {
        let Some(buffer) = &mut r.provided else { return 0 };
        if buffer.is_used {
            return r.cqe_flags;
        }
        buffer.is_used = true;
        let flags = IORING_CQE_F_BUFFER | u32::from(buffer.bid) << IORING_CQE_BUFFER_SHIFT;
        let goes_on = match self.core.provided.groups.get_mut(&group_of(r)) {
            Some(Group::Ring(ring)) => ring.advance(bytes),
            _ => false,
        };
        flags | if goes_on { IORING_CQE_F_BUF_MORE } else { 0 }
    }

    /// The buffers that a bundle of at most `wanted` bytes (0: as many as there are) fills or sends, the
    /// first of which the request has taken. Of one that has more than what is wanted a part is taken when
    /// it is the first, or used piece by piece.
    pub fn bundle(&self, r: &Request, wanted: usize) -> Vec<iovec> {
        let Some(first) = r.provided else { return Vec::new() };
        let mut left = if wanted == 0 { usize::MAX } else { wanted };
        let mut vector = Vec::new();
        let mut push = |buffer: Buffer, goes_apart: bool| {
            let len = buffer.len as usize;
            if len <= left || goes_apart {
                let iov_len = len.min(left);
                vector.push(iovec { iov_base: buffer.addr as *mut _, iov_len });
            }
            left = left.saturating_sub(len);
            left > 0
        };
        let mut goes_on = push(first, true);
        let Some(Group::Ring(ring)) = self.core.provided.groups.get(&group_of(r)) else {
            return vector;
        };
        for ahead in 1..MOST_BUNDLED {
            let Some(buffer) = ring.peek(ahead).filter(|_| goes_on) else { break };
            goes_on = push(buffer, ring.is_incremental);
        }
        vector
    }
}
