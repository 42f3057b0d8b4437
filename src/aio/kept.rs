//! What a request keeps that may wait for ever: its file, by a place in the ring's table of registered files, and its
//! vector. It is submitted again when the thread that submitted it has ended, by which time the program may have closed
//! the file, or when a part of it is written: the kernel's aio goes on until all is.

use super::check;
use super::slots::{Slot, Slots};
use crate::abi::aio::*;
use crate::abi::ctypes::{__kernel_timespec, iovec};
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::ring::register::register;
use crate::sys::{fd, mem, net, Errno, Result};
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::mem::ManuallyDrop;

/// A copy of a request's vector, less what is done. Zeros are none.
pub struct Kept {
    entries: *mut iovec,
    count: u32,
    room: u32,
    /// Entries that are done.
    first: u32,
    /// Bytes that are done.
    pub moved: i64,
    /// With `Slot::HAS_LIMIT`.
    pub limit: __kernel_timespec,
}

impl Kept {
    /// Copies a request's vector, or makes one of its buffer. `ENOMEM`.
    ///
    /// # Safety
    /// This must be none, and the request's vector readable.
    pub unsafe fn copy(&mut self, request: &iocb) -> Result<()> {
        let single =
            iovec { iov_base: request.aio_buf as *mut _, iov_len: request.aio_nbytes as usize };
        let (from, count) = match check::is_vectored(request) {
            true => (request.aio_buf as *const iovec, request.aio_nbytes as usize),
            false => (&raw const single, 1),
        };
        let mut copy = Vec::<iovec>::new();
        copy.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        for at in 0..count {
            // SAFETY: as the caller says.
            copy.push(unsafe { from.add(at).read_unaligned() });
        }
        let mut copy = ManuallyDrop::new(copy);
        (self.entries, self.count) = (copy.as_mut_ptr(), count as u32);
        (self.room, self.first, self.moved) = (copy.capacity() as u32, 0, 0);
        Ok(())
    }

    /// What is left.
    pub fn rest(&self) -> (*const iovec, u32) {
        (self.entries.wrapping_add(self.first as usize), self.count - self.first)
    }

    /// Notes that `bytes` more are done; whether some are left.
    ///
    /// # Safety
    /// This must be a copy.
    pub unsafe fn advance(&mut self, bytes: i64) -> bool {
        let mut left = bytes as usize;
        self.moved += bytes;
        while self.first < self.count {
            // SAFETY: the entry is in the copy.
            let entry = unsafe { &mut *self.entries.add(self.first as usize) };
            if entry.iov_len > left {
                entry.iov_base = entry.iov_base.wrapping_byte_add(left);
                entry.iov_len -= left;
                return true;
            }
            left -= entry.iov_len;
            self.first += 1;
        }
        false
    }

    /// Gives the copy back, if it is one.
    ///
    /// # Safety
    /// Nobody may use it any more.
    pub unsafe fn free(&mut self) {
        if self.room > 0 {
            // SAFETY: copy() made it so.
            drop(unsafe { Vec::from_raw_parts(self.entries, 0, self.room as usize) });
            (self.room, self.count, self.moved) = (0, 0, 0);
        }
    }
}

/// The table of a ring's registered files, which has a place for each slot.
pub struct HeldFiles {
    /// Its places, once there is one. Under the SQ lock.
    places: UnsafeCell<Option<u32>>,
}

/// More places than any kernel has.
const MAX_PLACES: u32 = 1 << 15;

impl HeldFiles {
    /// There is no table.
    pub const fn new() -> Self {
        HeldFiles { places: UnsafeCell::new(None) }
    }

    /// There is none on a new ring.
    ///
    /// # Safety
    /// The caller must hold the SQ lock.
    pub unsafe fn start_over(&self) {
        // SAFETY: as the caller says.
        unsafe { *self.places.get() = None };
    }

    /// Has the request in a slot, which is about to be submitted, keep what it may need when it has waited. If it
    /// `writes_all`, it goes on until all is written.
    ///
    /// # Safety
    /// The caller must hold the SQ lock, and the request's vector be readable.
    #[cold]
    pub unsafe fn keep(
        &self,
        ring: *const io_uring,
        slots: &Slots,
        index: u32,
        writes_all: bool,
    ) -> Result<()> {
        let slot = &slots[index];
        // SAFETY: as the caller says.
        unsafe {
            if !self.hold(ring, slots, index, slot.request.aio_fildes as c_int) {
                return Ok(());
            }
            slot.gets(Slot::HOLDS_FILE);
            let writes_all = writes_all && check::is_write(&slot.request);
            if writes_all || check::is_vectored(&slot.request) {
                (*slots.kept(index)).copy(&slot.request)?;
                slot.gets(Slot::HAS_VECTOR | if writes_all { Slot::WRITES_ALL } else { 0 });
            }
        }
        Ok(())
    }

    /// Has the ring hold file `fd` at a slot's index; false where there is no place for it.
    ///
    /// # Safety
    /// The caller must hold the SQ lock.
    unsafe fn hold(&self, ring: *const io_uring, slots: &Slots, index: u32, fd: c_int) -> bool {
        // SAFETY: as the caller says.
        unsafe {
            let places = *(*self.places.get())
                .get_or_insert_with(|| make_table(ring, slots.count()).unwrap_or(0));
            index < places && update(ring, index, fd)
        }
    }
}

/// Registers a table without files; how many places it has.
unsafe fn make_table(ring: *const io_uring, slots: u32) -> Result<u32> {
    let limit = fd::nofile_limit(None)?.rlim_cur.min(u64::from(MAX_PLACES)) as u32;
    let places = slots.min(limit);
    let len = places as usize * size_of::<c_int>();
    // SAFETY: the mapping is ours, and has as many entries.
    unsafe {
        let files = mem::map_anonymous(len, 0)?.cast::<c_int>();
        for at in 0..places as usize {
            files.add(at).write(-1);
        }
        let opcode = io_uring_register_op::IORING_REGISTER_FILES;
        let made = register(ring, opcode, files.cast(), places);
        let _ = mem::unmap(files.cast(), len);
        made.map(|_| places)
    }
}

/// Puts a file, or with -1 none, in a place of the table.
unsafe fn update(ring: *const io_uring, place: u32, fd: c_int) -> bool {
    let update = io_uring_files_update { offset: place, resv: 0, fds: &raw const fd as u64 };
    let opcode = io_uring_register_op::IORING_REGISTER_FILES_UPDATE;
    // SAFETY: the argument lives in this frame.
    unsafe { register(ring, opcode, (&raw const update).cast(), 1) == Ok(1) }
}

/// Gives back what the request in a slot keeps, with which it is over.
///
/// # Safety
/// The caller must be the only one to look at the slot.
#[cold]
pub unsafe fn give_back(ring: *const io_uring, slots: &Slots, index: u32) {
    let slot = &slots[index];
    // SAFETY: as the caller says.
    unsafe {
        if slot.has(Slot::HOLDS_FILE) && !slot.has(Slot::IS_LOST) {
            update(ring, index, -1);
        }
        if slot.has(Slot::HAS_VECTOR) {
            (*slots.kept(index)).free();
        }
    }
    slot.traits.store(0, core::sync::atomic::Ordering::Relaxed);
}

/// Has `sqe`, which was prepared for the request in a slot, use what that keeps.
///
/// # Safety
/// The SQE is the caller's, who is the only one to look at the slot.
pub unsafe fn use_kept(sqe: *mut io_uring_sqe, slots: &Slots, index: u32) {
    let slot = &slots[index];
    // SAFETY: as the caller says.
    unsafe {
        if slot.has(Slot::HOLDS_FILE) {
            (*sqe).fd = index as c_int;
            (*sqe).flags |= IOSQE_FIXED_FILE as u8;
        }
        if slot.has(Slot::HAS_VECTOR) {
            let (vector, count) = slot.kept.rest();
            let is_write = check::is_write(&slot.request);
            let opcode =
                if is_write { io_uring_op::IORING_OP_WRITEV } else { io_uring_op::IORING_OP_READV };
            (*sqe).opcode = opcode as u8;
            (*sqe).anon_addr.addr = vector as u64;
            (*sqe).len = count;
        }
    }
}

/// For how long a blocking socket lets a read, respectively a write, wait; none: for ever.
pub fn limit_of(socket: c_int, is_write: bool) -> Option<__kernel_timespec> {
    let which = if is_write { libc::SO_SNDTIMEO } else { libc::SO_RCVTIMEO };
    let mut limit = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut len = size_of::<libc::timeval>() as u32;
    // SAFETY: the limit lives in this frame, and the kernel is told how long it is.
    unsafe {
        net::get_option(socket, libc::SOL_SOCKET, which, &raw mut limit as u64, &mut len).ok()?
    };
    let (tv_sec, tv_nsec) = (limit.tv_sec, limit.tv_usec * 1000);
    (tv_sec > 0 || tv_nsec > 0).then_some(__kernel_timespec { tv_sec, tv_nsec })
}
