//! A ring's memory: what the program maps, laid out as the kernel lays it out, and a page of our own in
//! front of it. All of it is shared, so that it survives a fork and another process can reap.
//!
//! The program may write to its part at any time: every word is read once and bounded.

use super::region;
use super::waiters::Waiters;
use crate::abi::uring::*;
use crate::sys::lock::SharedLock;
use crate::sys::shared::Shared;
use crate::sys::{mem, peek, Errno, Result};
use alloc::rc::Rc;
use core::ffi::c_void;
use core::mem::{offset_of, size_of};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};
use static_assertions::const_assert_eq;

/// The head of the rings, as the program sees it: the offsets are the kernel's.
#[repr(C)]
pub struct Header {
    /// How far SQEs were taken.
    pub sq_head: AtomicU32,
    /// How far SQEs were submitted; the program's.
    pub sq_tail: AtomicU32,
    /// How far CQEs were taken; the program's.
    pub cq_head: AtomicU32,
    /// How far CQEs were posted.
    pub cq_tail: AtomicU32,
    /// `sq_entries` - 1.
    pub sq_mask: AtomicU32,
    /// `cq_entries` - 1.
    pub cq_mask: AtomicU32,
    /// SQEs that there is room for.
    pub sq_entries: AtomicU32,
    /// CQEs that there is room for.
    pub cq_entries: AtomicU32,
    /// SQEs that could not be taken: their index is out of range.
    pub sq_dropped: AtomicU32,
    /// `IORING_SQ_*`.
    pub sq_flags: AtomicU32,
    /// `IORING_CQ_*`; the program's.
    pub cq_flags: AtomicU32,
    /// CQEs that were lost.
    pub cq_overflow: AtomicU32,
    pad: [u32; 4],
}
const_assert_eq!(size_of::<Header>(), 64);

/// Bytes of the head.
pub const HEADER_SIZE: u64 = size_of::<Header>() as u64;
/// What its address is a multiple of.
pub const HEADER_ALIGNMENT: u64 = 64;

/// Our own page: what posting and waiting need in every process that shares the ring.
#[repr(C)]
pub struct Control {
    /// Whoever posts CQEs holds it.
    pub posting: SharedLock,
    /// Those who sleep until there are CQEs.
    pub waiters: Waiters,
    /// How many sleep in an epoll that the ring's descriptor belongs to.
    pub pollers: AtomicU32,
    /// The ring's descriptor is readable.
    pub readable: AtomicU32,
    /// Counts timeouts that have ended: each ends the waits for CQEs.
    pub timeouts: AtomicU32,
    /// Several processes have the ring: who submits needs `intake`.
    pub shared: AtomicU32,
    /// Whoever takes SQEs in holds it.
    pub intake: SharedLock,
    /// How far CQEs were posted; the program may write to the one that it sees.
    pub cq_tail: AtomicU32,
    /// How far SQEs were taken; likewise.
    pub sq_head: AtomicU32,
    /// How many wait for `sq_head` to go on.
    pub sq_waiters: AtomicU32,
}

/// The mapping of our own page. It stays when the rings are resized.
pub struct ControlPage(*mut Control);

impl ControlPage {
    const LEN: usize = in_pages(size_of::<Control>());

    /// A new one, zeroed. `ENOMEM`.
    pub fn new() -> Result<Rc<Self>> {
        // SAFETY: a new mapping touches nothing that exists.
        unsafe { mem::map_shared(Self::LEN) }.map(|page| Rc::new(ControlPage(page.cast())))
    }
}

impl Drop for ControlPage {
    fn drop(&mut self) {
        // SAFETY: nobody uses it through us any more.
        let _ = unsafe { mem::unmap(self.0.cast(), Self::LEN) };
    }
}

/// Where the parts are, in this process.
pub struct Memory {
    /// None when the memory is the program's.
    ours: Option<Shared>,
    control: Rc<ControlPage>,
    header: *mut Header,
    cqes: *mut u64,
    array: *mut AtomicU32,
    sqes: *mut io_uring_sqe,
    rings_len: usize,
    sqes_len: usize,
    /// Setup flags: they say how large entries are.
    flags: u32,
    /// SQEs that there is room for.
    pub sq_entries: u32,
    /// CQEs that there is room for.
    pub cq_entries: u32,
}

/// Words of a CQE of 16 bytes.
const NARROW_WORDS: usize = 2;

/// The first half of a CQE.
///
/// # Safety
/// There must be room for it.
#[inline]
unsafe fn write_half(at: *mut u64, cqe: &Cqe) {
    // SAFETY: as the caller says.
    unsafe {
        at.write(cqe.user_data);
        let result = at.add(1).cast::<u32>();
        result.write(cqe.res as u32);
        result.add(1).write(cqe.flags);
    }
}

const fn in_pages(bytes: usize) -> usize {
    bytes.next_multiple_of(mem::PAGE_SIZE)
}

/// Where the SQ array begins, behind the CQEs. With CQE32 the kernel doubles the head too.
pub fn array_offset(cq_entries: u32, flags: u32) -> usize {
    let plain = size_of::<Header>() + cq_entries as usize * size_of::<io_uring_cqe>();
    (plain << u32::from(flags & IORING_SETUP_CQE32 != 0)).next_multiple_of(64)
}

fn sqe_size(flags: u32) -> usize {
    size_of::<io_uring_sqe>() << u32::from(flags & IORING_SETUP_SQE128 != 0)
}

/// Whether a program's own memory will do.
fn check_own(address: u64, len: usize) -> Result<()> {
    const KERNEL_PAGE: u64 = 4096;
    if address == 0 {
        return Err(Errno::EFAULT);
    }
    if address % KERNEL_PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    peek::check_writable(address, len)
}

impl Memory {
    /// Memory for a ring of these sizes; with `NO_MMAP` in `flags` the program's own, at the addresses
    /// for the rings and the SQEs. `EINVAL` when those are not page aligned, `EFAULT` when there is no
    /// memory that can be written to, `ENOMEM`.
    pub fn new(
        (sq_entries, cq_entries): (u32, u32),
        flags: u32,
        own: (u64, u64),
        control: Rc<ControlPage>,
    ) -> Result<Self> {
        let array_at = array_offset(cq_entries, flags);
        let has_array = flags & IORING_SETUP_NO_SQARRAY == 0;
        let array_len = if has_array { sq_entries as usize * size_of::<u32>() } else { 0 };
        let rings_len = in_pages(array_at + array_len);
        let sqes_len = in_pages(sq_entries as usize * sqe_size(flags));
        let is_own = flags & IORING_SETUP_NO_MMAP != 0;
        if is_own {
            check_own(own.1, sqes_len)?;
            check_own(own.0, rings_len)?;
        }
        let ours = if is_own { None } else { Some(Shared::new(rings_len + sqes_len)?) };
        // SAFETY: the parts lie inside of the mapping; a program's own memory was looked at.
        unsafe {
            let (rings, sqes) = match &ours {
                None => (own.0 as *mut u8, own.1 as *mut u8),
                Some(ours) => (ours.base().cast(), ours.base().cast::<u8>().add(rings_len)),
            };
            let memory = Memory {
                ours,
                control,
                header: rings.cast(),
                cqes: rings.add(size_of::<Header>()).cast(),
                array: if has_array { rings.add(array_at).cast() } else { null_mut() },
                sqes: sqes.cast(),
                rings_len,
                sqes_len,
                flags,
                sq_entries,
                cq_entries,
            };
            memory.fill_in();
            Ok(memory)
        }
    }

    fn fill_in(&self) {
        let header = self.header();
        for word in [&header.sq_head, &header.sq_tail, &header.cq_head, &header.cq_tail] {
            word.store(0, Ordering::Relaxed);
        }
        for word in [&header.sq_dropped, &header.sq_flags, &header.cq_flags, &header.cq_overflow] {
            word.store(0, Ordering::Relaxed);
        }
        header.sq_mask.store(self.sq_entries - 1, Ordering::Relaxed);
        header.cq_mask.store(self.cq_entries - 1, Ordering::Relaxed);
        header.sq_entries.store(self.sq_entries, Ordering::Relaxed);
        header.cq_entries.store(self.cq_entries, Ordering::Relaxed);
    }

    /// What setup answers about it.
    pub fn describe(&self, params: &mut io_uring_params) {
        params.sq_entries = self.sq_entries;
        params.cq_entries = self.cq_entries;
        let has_array = !self.array.is_null();
        let own = (params.cq_off.user_addr, params.sq_off.user_addr);
        params.sq_off = io_sqring_offsets {
            head: offset_of!(Header, sq_head) as u32,
            tail: offset_of!(Header, sq_tail) as u32,
            ring_mask: offset_of!(Header, sq_mask) as u32,
            ring_entries: offset_of!(Header, sq_entries) as u32,
            flags: offset_of!(Header, sq_flags) as u32,
            dropped: offset_of!(Header, sq_dropped) as u32,
            array: if has_array { array_offset(self.cq_entries, self.flags) as u32 } else { 0 },
            resv1: 0,
            user_addr: if self.ours.is_none() { own.1 } else { 0 },
        };
        params.cq_off = io_cqring_offsets {
            head: offset_of!(Header, cq_head) as u32,
            tail: offset_of!(Header, cq_tail) as u32,
            ring_mask: offset_of!(Header, cq_mask) as u32,
            ring_entries: offset_of!(Header, cq_entries) as u32,
            overflow: offset_of!(Header, cq_overflow) as u32,
            cqes: size_of::<Header>() as u32,
            flags: offset_of!(Header, cq_flags) as u32,
            resv1: 0,
            user_addr: if self.ours.is_none() { own.0 } else { 0 },
        };
    }

    /// Takes over what is queued in memory that this replaces, with the posting lock held. `EOVERFLOW`
    /// when it does not fit.
    pub fn take_over(&self, old: &Memory) -> Result<()> {
        let (from, to) = (old.header(), self.header());
        let head = self.control().sq_head.load(Ordering::Relaxed);
        let tail = from.sq_tail.load(Ordering::Acquire);
        let (cq_head, cq_tail) =
            (from.cq_head.load(Ordering::Acquire), self.control().cq_tail.load(Ordering::Relaxed));
        if tail.wrapping_sub(head) > self.sq_entries
            || cq_tail.wrapping_sub(cq_head) > self.cq_entries
        {
            return Err(Errno::EOVERFLOW);
        }
        let mut at = head;
        while at != tail {
            self.take_sqe(old, at);
            at = at.wrapping_add(1);
        }
        at = cq_head;
        while at != cq_tail {
            // SAFETY: the slots are in range; a CQE is that many words.
            unsafe {
                old.cqe_slot(at).copy_to_nonoverlapping(self.cqe_slot(at), self.cqe_words());
            }
            at = at.wrapping_add(1);
        }
        to.sq_head.store(head, Ordering::Relaxed);
        to.sq_tail.store(tail, Ordering::Relaxed);
        to.cq_head.store(cq_head, Ordering::Relaxed);
        to.cq_tail.store(cq_tail, Ordering::Relaxed);
        for (from, to) in [
            (&from.sq_dropped, &to.sq_dropped),
            (&from.sq_flags, &to.sq_flags),
            (&from.cq_flags, &to.cq_flags),
            (&from.cq_overflow, &to.cq_overflow),
        ] {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes over the SQE at `position`, which stands in its own slot then.
    fn take_sqe(&self, old: &Memory, position: u32) {
        let slot = position & (self.sq_entries - 1);
        let index = old.sqe_index(position).unwrap_or(position & (old.sq_entries - 1));
        // SAFETY: both are in range, and the halves of a wide one too; the array has sq_entries slots.
        unsafe {
            let count = 1 << u32::from(self.flags & IORING_SETUP_SQE128 != 0);
            old.sqe(index).copy_to_nonoverlapping(self.sqe(slot).cast_mut(), count);
            if !self.array.is_null() {
                (*self.array.add(slot as usize)).store(slot, Ordering::Relaxed);
            }
        }
    }

    /// The page of our own.
    pub fn control_page(&self) -> Rc<ControlPage> {
        self.control.clone()
    }

    /// Where the CQE at `position` stands.
    #[inline]
    fn cqe_slot(&self, position: u32) -> *mut u64 {
        let slot = (position & (self.cq_entries - 1)) as usize;
        // SAFETY: the slot is in range.
        unsafe { self.cqes.add(slot * self.cqe_words()) }
    }

    /// Words from one slot of a CQE to the next.
    #[inline]
    fn cqe_words(&self) -> usize {
        if self.flags & IORING_SETUP_CQE32 != 0 {
            2 * NARROW_WORDS
        } else {
            NARROW_WORDS
        }
    }

    /// The rings' head.
    #[inline]
    pub fn header(&self) -> &Header {
        // SAFETY: the mapping lives as long as self; its words are atomics, whoever writes to them.
        unsafe { &*self.header }
    }

    /// Whether the ring's head can be read: a program may unmap memory that it has brought before it closes
    /// the ring.
    pub fn is_there(&self) -> bool {
        // SAFETY: a word is valid for any bytes.
        self.ours.is_some() || unsafe { peek::copy::<u32>(self.header as u64) }.is_ok()
    }

    /// Our own page.
    #[inline]
    pub fn control(&self) -> &Control {
        // SAFETY: the page lives as long as self; zeroed memory is a valid one.
        unsafe { &*self.control.0 }
    }

    /// How many CQEs the program has not taken.
    #[inline]
    pub fn ready(&self) -> u32 {
        // Acquire pairs with the program's release of its head: the slots before it are free.
        let head = self.header().cq_head.load(Ordering::Acquire);
        self.control().cq_tail.load(Ordering::Relaxed).wrapping_sub(head)
    }

    /// How many SQEs are submitted and not taken; whatever the program wrote, no more than there are.
    #[inline]
    pub fn submitted(&self) -> u32 {
        // Acquire pairs with the program's release of its tail: the SQEs before it are written.
        let tail = self.header().sq_tail.load(Ordering::Acquire);
        tail.wrapping_sub(self.control().sq_head.load(Ordering::Relaxed)).min(self.sq_entries)
    }

    /// Whether SQEs were submitted and not taken, in memory of our own. What the program has brought may be gone.
    #[inline]
    pub fn has_to_be_taken(&self) -> bool {
        self.ours.is_some() && self.submitted() > 0
    }

    /// The index of the SQE that stands at `position` of the submission ring; none when the program
    /// wrote one that is out of range.
    #[inline]
    pub fn sqe_index(&self, position: u32) -> Option<u32> {
        let slot = position & (self.sq_entries - 1);
        if self.array.is_null() {
            return Some(slot);
        }
        // SAFETY: the array has sq_entries slots.
        let index = unsafe { (*self.array.add(slot as usize)).load(Ordering::Relaxed) };
        (index < self.sq_entries).then_some(index)
    }

    /// The SQE at `index`, which is in range. The program may write to it: it is to be copied first.
    #[inline]
    pub fn sqe(&self, index: u32) -> *const io_uring_sqe {
        let wide = u32::from(self.flags & IORING_SETUP_SQE128 != 0);
        // SAFETY: the index is in range.
        unsafe { self.sqes.add((index << wide) as usize) }
    }

    /// CQEs of 16 and of 32 bytes stand in the completion queue.
    #[inline]
    pub fn is_mixed(&self) -> bool {
        self.flags & IORING_SETUP_CQE_MIXED != 0
    }

    /// CQEs are of 16 bytes, all of them.
    #[inline]
    pub fn is_narrow(&self) -> bool {
        self.flags & (IORING_SETUP_CQE32 | IORING_SETUP_CQE_MIXED) == 0
    }

    /// [`Memory::write_cqe`] where CQEs are [narrow](Memory::is_narrow).
    #[inline]
    pub fn write_narrow_cqe(&self, position: u32, cqe: &Cqe) {
        let slot = (position & (self.cq_entries - 1)) as usize;
        // SAFETY: the slot is in range, and ours until the tail is published.
        unsafe { write_half(self.cqes.add(slot * NARROW_WORDS), cqe) };
    }

    /// Writes the CQE at `position` of the completion ring, which must be free. Under the posting lock.
    pub fn write_cqe(&self, position: u32, cqe: &Cqe) {
        let all_big = self.flags & IORING_SETUP_CQE32 != 0;
        let is_big = all_big || (self.is_mixed() && cqe.flags & IORING_CQE_F_32 != 0);
        // SAFETY: the slot is in range, and ours until the tail is published. A big one among small ones
        // is never the last.
        unsafe {
            let at = self.cqe_slot(position);
            write_half(at, cqe);
            if is_big {
                at.add(2).write(cqe.big[0]);
                at.add(3).write(cqe.big[1]);
            }
        }
    }

    /// The program's own mapping of a part: `ENOMEM` for an offset that none has, `EINVAL` for too many
    /// bytes.
    fn map_part(&self, offset: u64, len: usize) -> Result<*mut c_void> {
        let ours = self.ours.as_ref().ok_or(Errno::EINVAL)?;
        let (part, part_len) = match offset & IORING_OFF_MMAP_MASK {
            IORING_OFF_SQ_RING | IORING_OFF_CQ_RING => (0, self.rings_len),
            IORING_OFF_SQES => (self.rings_len, self.sqes_len),
            // As mmap(2) of the kernel's.
            _ => return Err(Errno::ENOMEM),
        };
        let len = in_pages(len);
        if len > part_len {
            return Err(Errno::EINVAL);
        }
        ours.map(part, len)
    }
}

/// A completion.
#[derive(Clone, Copy)]
pub struct Cqe {
    /// The request's.
    pub user_data: u64,
    /// The result.
    pub res: i32,
    /// `IORING_CQE_F_*`.
    pub flags: u32,
    /// Bytes 16 to 31, in rings that have them.
    pub big: [u64; 2],
}

/// Maps `len` bytes of ring `fd`'s memory at `offset` (`IORING_OFF_*`).
pub fn map(ring: &super::ring::Ring, offset: u64, len: usize) -> Result<*mut c_void> {
    if offset % mem::PAGE_SIZE as u64 != 0 {
        return Err(Errno::EINVAL);
    }
    let mut turn = super::turn::Turn::take(ring);
    let mapped = if offset & IORING_OFF_MMAP_MASK == IORING_OFF_PBUF_RING {
        let group = (offset & !IORING_OFF_MMAP_MASK) >> IORING_OFF_PBUF_SHIFT;
        turn.map_buffer_ring(group, len)
    } else {
        match (offset, &turn.core.region) {
            (region::MAP_OFFSET, Some(region)) => region.map(len),
            _ => turn.core.memory.map_part(offset, len),
        }
    };
    mapped.inspect(|at| ring.mapped.note(*at))
}
