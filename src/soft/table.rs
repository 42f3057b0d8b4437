//! Which descriptors are rings of ours.
//!
//! Looking one up takes no lock: rings are never unmapped before the last call inside has left, and a
//! slot says whether it is in use.

use super::ring::Ring;
use crate::sys::lock::Lock;
use crate::sys::{fd, Errno, Result};
use alloc::boxed::Box;
use core::ffi::c_int;
use core::ops::Deref;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const CHUNK: usize = 512;
const CHUNKS: usize = 2048;

struct Chunk {
    rings: [AtomicPtr<Ring>; CHUNK],
}

impl Chunk {
    const fn new() -> Self {
        Chunk { rings: [const { AtomicPtr::new(null_mut()) }; CHUNK] }
    }
}

struct Table {
    chunks: [AtomicPtr<Chunk>; CHUNKS],
    /// How many rings there are; without any, nothing has to be looked up.
    count: AtomicU32,
    /// Held by whoever adds, removes or looks up.
    lock: Lock,
}

/// For the descriptors that most programs have, without any allocation.
static FIRST: Chunk = Chunk::new();

static TABLE: Table = Table {
    chunks: {
        let mut chunks = [const { AtomicPtr::new(null_mut()) }; CHUNKS];
        chunks[0] = AtomicPtr::new((&raw const FIRST).cast_mut());
        chunks
    },
    count: AtomicU32::new(0),
    lock: Lock::new(),
};

/// A ring that cannot go away meanwhile.
pub struct Used(&'static Ring);

impl Deref for Used {
    type Target = Ring;

    #[inline]
    fn deref(&self) -> &Ring {
        self.0
    }
}

impl Drop for Used {
    #[inline]
    fn drop(&mut self) {
        if self.0.release() {
            // SAFETY: the last reference is gone, and rings are boxed.
            unsafe { drop(Box::from_raw((&raw const *self.0).cast_mut())) };
        }
    }
}

fn slot(fd: c_int) -> Option<&'static AtomicPtr<Ring>> {
    let fd = usize::try_from(fd).ok()?;
    let chunk = TABLE.chunks.get(fd / CHUNK)?.load(Ordering::Acquire);
    // SAFETY: chunks are never freed.
    unsafe { chunk.as_ref() }.map(|chunk| &chunk.rings[fd % CHUNK])
}

/// The ring that descriptor `fd` is; none when it is none of ours.
#[inline]
pub fn find(fd: c_int) -> Option<Used> {
    if TABLE.count.load(Ordering::Relaxed) == 0 {
        return None;
    }
    find_in_table(fd)
}

fn find_in_table(fd: c_int) -> Option<Used> {
    let slot = slot(fd)?;
    let _held = TABLE.lock.lock();
    // SAFETY: under the lock the table's own reference keeps what the slot has.
    let ring = unsafe { slot.load(Ordering::Acquire).as_ref() }?;
    ring.acquire();
    Some(Used(ring))
}

/// Makes a ring known as `fd`. One that had this descriptor before was closed behind our back.
pub fn insert(fd: c_int, ring: Box<Ring>) -> Result<()> {
    let index = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
    let chunk = TABLE.chunks.get(index / CHUNK).ok_or(Errno::EMFILE)?;
    let held = TABLE.lock.lock();
    if chunk.load(Ordering::Acquire).is_null() {
        let new = Box::new(Chunk::new());
        chunk.store(Box::into_raw(new), Ordering::Release);
    }
    let slot = slot(fd).ok_or(Errno::EMFILE)?;
    let old = slot.swap(Box::into_raw(ring), Ordering::AcqRel);
    if old.is_null() {
        TABLE.count.fetch_add(1, Ordering::Relaxed);
    }
    drop(held);
    forget(old);
    Ok(())
}

/// Closes the ring that `fd` is; false when it is none of ours.
pub fn close(fd: c_int) -> bool {
    let Some(slot) = slot(fd) else { return false };
    let held = TABLE.lock.lock();
    let ring = slot.swap(null_mut(), Ordering::AcqRel);
    if ring.is_null() {
        return false;
    }
    TABLE.count.fetch_sub(1, Ordering::Relaxed);
    drop(held);
    // SAFETY: the descriptor is the ring's, and was handed to us to close.
    let _ = unsafe { fd::close(fd) };
    forget(ring);
    true
}

/// Gives up a reference to a ring that was counted by hand.
pub fn give_up(ring: &'static Ring) {
    drop(Used(ring));
}

/// Gives up the table's reference to a ring that is not in it any more.
fn forget(ring: *mut Ring) {
    // SAFETY: it was the table's, whose reference becomes this one's.
    if let Some(ring) = unsafe { ring.as_ref() } {
        super::turn::Turn::take(ring).shut_down();
        drop(Used(ring));
    }
}
