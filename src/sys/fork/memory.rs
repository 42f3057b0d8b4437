//! Where the kernel empties no memory in a child (before Linux 4.14, gVisor): one page is not handed on to children,
//! and the kernel is asked whether it is there. A child that shares its parent's memory, as after vfork, has it: it is
//! no new process, whatever its id is.

use crate::sys::{futex, mem, process, Result};
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// The kernel empties no memory.
static ASKS: AtomicBool = AtomicBool::new(false);
/// The page that children do not have; NULL where the kernel gives it to them, too.
static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());
/// What stands there: another mapping may have its place in a child.
static COOKIE: AtomicU32 = AtomicU32::new(0);
/// The process, where there is no such page.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Memory that is to be empty in a child, and of which the kernel does not see to that.
struct Emptied {
    next: AtomicPtr<Emptied>,
    len: usize,
    /// Somebody has it.
    is_used: AtomicBool,
}

/// All of it. Pieces stay, for others of the same length.
static FIRST: AtomicPtr<Emptied> = AtomicPtr::new(null_mut());

/// Whether only the kernel can tell that this is a new process.
#[inline]
pub fn has_to_be_asked() -> bool {
    ASKS.load(Ordering::Relaxed)
}

/// From now on it has to be asked.
pub fn begin() {
    mark();
    ASKS.store(true, Ordering::Relaxed);
}

fn mark() {
    let id = process::id() as u32;
    OWNER.store(id, Ordering::Relaxed);
    // SAFETY: a new mapping touches nothing that exists, and nobody knows of it yet.
    unsafe {
        let Ok(page) = mem::map_anonymous(mem::PAGE_SIZE, 0) else { return };
        if mem::advise(page, mem::PAGE_SIZE, libc::MADV_DONTFORK).is_err() {
            let _ = mem::unmap(page, mem::PAGE_SIZE);
            return;
        }
        let page = page.cast::<AtomicU32>();
        let cookie = id ^ (page as usize >> 12) as u32 ^ 0x616e_7972;
        COOKIE.store(cookie, Ordering::Relaxed);
        (*page).store(cookie, Ordering::Relaxed);
        MARK.store(page, Ordering::Release);
    }
}

/// Whether this is another process than the one that has begun.
pub fn is_new() -> bool {
    let mark = MARK.load(Ordering::Acquire);
    match mark.is_null() {
        true => OWNER.load(Ordering::Relaxed) != process::id() as u32,
        false => !futex::is(mark, COOKIE.load(Ordering::Relaxed)),
    }
}

/// In a new process: the memory is emptied, and there is another mark.
pub fn begin_anew() {
    if !has_to_be_asked() {
        return;
    }
    for piece in pieces() {
        // SAFETY: the memory is a private mapping of ours, whose users start over.
        let _ = unsafe { mem::advise(memory_of(piece), piece.len, libc::MADV_DONTNEED) };
    }
    MARK.store(null_mut(), Ordering::Relaxed);
    mark();
}

fn memory_of(piece: &Emptied) -> *mut c_void {
    // SAFETY: the head is the page in front of the memory.
    unsafe { (&raw const *piece).cast_mut().byte_add(mem::PAGE_SIZE).cast() }
}

/// `len` zeroed bytes, in whole pages, that are zero again in a child. Calls on what is there begin with
/// [`super::look`]. `ENOMEM`.
pub fn map_emptied(len: usize) -> Result<*mut c_void> {
    if !has_to_be_asked() {
        if let Ok(memory) = mem::map_wiped(len) {
            return Ok(memory);
        }
    }
    // Sees to it that it is asked.
    super::page();
    if !has_to_be_asked() {
        begin();
    }
    let claim = |piece: &&Emptied| piece.len == len && !piece.is_used.swap(true, Ordering::AcqRel);
    if let Some(piece) = pieces().find(claim) {
        return Ok(memory_of(piece));
    }
    // SAFETY: a new mapping touches nothing that exists; the head has a page of it.
    unsafe {
        let head = mem::map_anonymous(mem::PAGE_SIZE + len, libc::MAP_NORESERVE)?;
        let piece = head.cast::<Emptied>();
        (*piece).len = len;
        (*piece).is_used.store(true, Ordering::Relaxed);
        let mut first = FIRST.load(Ordering::Acquire);
        loop {
            (*piece).next.store(first, Ordering::Relaxed);
            match FIRST.compare_exchange(first, piece, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(memory_of(&*piece)),
                Err(now) => first = now,
            }
        }
    }
}

/// Gives back what [`map_emptied`] gave.
///
/// # Safety
/// Nobody may use it any more.
pub unsafe fn unmap_emptied(memory: *mut c_void, len: usize) {
    let piece = pieces().find(|piece| memory_of(piece) == memory);
    // SAFETY: as the caller says; what is in the list is a private mapping.
    unsafe {
        match piece {
            Some(piece) => {
                let _ = mem::advise(memory, len, libc::MADV_DONTNEED);
                piece.is_used.store(false, Ordering::Release);
            }
            None => _ = mem::unmap(memory, len),
        }
    }
}

fn pieces() -> impl Iterator<Item = &'static Emptied> {
    let mut at = FIRST.load(Ordering::Acquire);
    core::iter::from_fn(move || {
        // SAFETY: what is in the list stays.
        let piece = unsafe { at.as_ref() }?;
        at = piece.next.load(Ordering::Acquire);
        Some(piece)
    })
}
