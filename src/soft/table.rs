//! Which descriptors are rings of ours.
//!
//! A ring has a reference for each descriptor that is one of its names, and for each call that is inside.
//! A program may close a descriptor without telling us; that it is another file by now is noticed when it
//! is used, when its number becomes a ring again, and by looking at a few whenever a ring is made.

use super::ring::Ring;
use super::turn::Turn;
use super::{direct, fork, keeper, mapped, sleepers, work};
use crate::sys::lock::{Guard, Lock};
use crate::sys::locks::{rank, Class};
use crate::sys::{fd, identity, mem, owned, process, worker, Errno, Result};
use alloc::boxed::Box;
use core::ffi::c_int;
use core::mem::size_of;
use core::ops::Deref;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

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
    /// How many descriptors are rings, and rings that are kept without; without any, nothing has to be looked up.
    count: AtomicU32,
    /// Rings that were not closed.
    rings: AtomicU32,
    /// The process whose rings these are.
    owner: AtomicU32,
    /// One has been asked for.
    serves: AtomicBool,
    /// Where the search for rings that were closed behind our back goes on.
    swept: AtomicUsize,
    /// Held by whoever adds, removes or looks up.
    lock: Lock<{ rank::TABLE }>,
}

/// For the descriptors that most programs have, without any allocation.
static FIRST: Chunk = Chunk::new();

static TABLE: Table = Table {
    chunks: [const { AtomicPtr::new(null_mut()) }; CHUNKS],
    count: AtomicU32::new(0),
    rings: AtomicU32::new(0),
    owner: AtomicU32::new(0),
    serves: AtomicBool::new(false),
    swept: AtomicUsize::new(0),
    lock: Lock::new(),
};

/// A ring that cannot go away meanwhile.
pub struct Used(&'static Ring);

impl Used {
    /// Another use.
    pub fn again(&self) -> Used {
        self.0.acquire();
        Used(self.0)
    }

    /// The ring is known by one name less; with its last one it shuts down. Not under a ring's lock.
    pub fn lose_name(self) {
        lose_name(self.0);
        drop(self);
        end_threads();
    }

    /// The ring, for one that takes a reference of its own.
    pub fn get(&self) -> &'static Ring {
        self.0
    }
}

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

/// A ring is known by one name less. Not under its lock.
fn lose_name(ring: &Ring) {
    if ring.names.fetch_sub(1, Ordering::Relaxed) == 1 {
        Turn::take(ring).shut_down();
        keeper::forget(ring);
        TABLE.rings.fetch_sub(1, Ordering::Relaxed);
    }
}

/// With the last ring, the threads that have served it go. What is still at work ends later.
fn end_threads() {
    if TABLE.rings.load(Ordering::Relaxed) == 0 {
        keeper::end();
        sleepers::end_idle();
        work::end_idle();
        owned::close_parked();
        worker::wait_until_gone(|| {
            sleepers::end_idle();
            work::end_idle() + direct::ending()
        });
    }
}

/// Takes the table's lock. None for a signal handler that has interrupted its thread while that had it: nobody else
/// changes the table meanwhile, each of whose steps leaves it in order.
fn lock() -> Option<Guard<'static, { rank::TABLE }>> {
    TABLE.lock.lock_unless_interrupted()
}

fn slot(fd: c_int) -> Option<&'static AtomicPtr<Ring>> {
    let fd = usize::try_from(fd).ok()?;
    let chunk = TABLE.chunks.get(fd / CHUNK)?.load(Ordering::Acquire);
    // SAFETY: chunks are never freed.
    unsafe { chunk.as_ref() }.map(|chunk| &chunk.rings[fd % CHUNK])
}

/// The ring that descriptor `fd` is; none when it is none of ours. Not under a ring's lock.
#[inline]
pub fn find(fd: c_int) -> Option<Used> {
    if TABLE.count.load(Ordering::Relaxed) == 0 {
        return None;
    }
    find_in_table(fd)
}

/// After so many calls a descriptor is looked at again.
const TRUST: u32 = 64;

/// [`find`] for a call that submits. A ring in whose memory SQEs stand to be taken is the one that is meant:
/// mostly, the system call that would tell whether the descriptor still is its file is saved.
#[inline]
pub fn find_to_submit(fd: c_int) -> Option<Used> {
    if TABLE.count.load(Ordering::Relaxed) == 0 {
        return None;
    }
    fork::start_over(start_over);
    {
        let _held = lock();
        // SAFETY: under the lock the table's own reference keeps what the slot has.
        let ring = slot(fd).and_then(|slot| unsafe { slot.load(Ordering::Acquire).as_ref() });
        if let Some(ring) = ring {
            // The reference first: a resize frees what nobody can be looking at.
            ring.acquire();
            let used = Used(ring);
            let trusted = ring.trusted.load(Ordering::Relaxed);
            if trusted < TRUST && ring.memory().has_to_be_taken() {
                ring.trusted.store(trusted + 1, Ordering::Relaxed);
                return Some(used);
            }
            // The table's reference is left: this one is not the last.
            ring.release();
            core::mem::forget(used);
        }
    }
    find_in_table(fd)
}

/// [`find`] for whoever may hold the lock of another ring: one that was closed behind our back stays for others to
/// find.
pub fn look_up(fd: c_int) -> Option<Used> {
    if TABLE.count.load(Ordering::Relaxed) == 0 {
        return None;
    }
    find_and(fd, |_| Removed::NONE)
}

fn find_in_table(fd: c_int) -> Option<Used> {
    find_and(fd, let_go_of)
}

/// Finds a ring; what is in the table and is it no more is `let_go` of, under the lock.
fn find_and(fd: c_int, let_go: impl FnOnce(c_int) -> Removed) -> Option<Used> {
    fork::start_over(start_over);
    let is_marked = identity::is_marked(fd);
    let held = lock();
    let ring = slot(fd).map_or(null_mut(), |slot| slot.load(Ordering::Acquire));
    // SAFETY: under the lock the table's own reference keeps what the slot has.
    match unsafe { ring.as_ref() } {
        Some(ring) if is_marked || ring.is_file(fd) => {
            if !is_marked {
                // The program has changed its flags: the next look should be a quick one.
                let _ = identity::mark(fd);
            }
            ring.trusted.store(0, Ordering::Relaxed);
            ring.acquire();
            Some(Used(ring))
        }
        Some(_) => {
            let gone = let_go(fd);
            drop(held);
            gone.give_up();
            None
        }
        None if is_marked => {
            let ring = namesake(fd)?;
            ring.acquire();
            Some(Used(ring))
        }
        None => None,
    }
}

/// The ring that `fd` is another descriptor of, as by dup(2); from now on the table knows it by that one
/// too. Under the lock.
fn namesake(fd: c_int) -> Option<&'static Ring> {
    let known = each_slot().find_map(|slot| {
        // SAFETY: under the lock the table's own reference keeps what a slot has.
        unsafe { slot.load(Ordering::Relaxed).as_ref() }.filter(|ring| ring.is_file(fd))
    });
    let slot = slot_made(fd).ok()?;
    if let Some(ring) = known {
        ring.acquire();
        ring.names.fetch_add(1, Ordering::Relaxed);
        let (none, this) = (null_mut(), (&raw const *ring).cast_mut());
        match slot.compare_exchange(none, this, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => _ = TABLE.count.fetch_add(1, Ordering::Relaxed),
            // A signal handler was faster, and has found the same.
            Err(_) => {
                ring.names.fetch_sub(1, Ordering::Relaxed);
                ring.release();
            }
        }
        return Some(ring);
    }
    // One that was kept without a name has the reference of its last one.
    let ring = mapped::take(|ring| ring.is_file(fd))?;
    slot.store((&raw const *ring).cast_mut(), Ordering::Release);
    Some(ring)
}

fn each_slot() -> impl Iterator<Item = &'static AtomicPtr<Ring>> {
    // SAFETY: chunks are never freed.
    let chunks =
        TABLE.chunks.iter().filter_map(|chunk| unsafe { chunk.load(Ordering::Acquire).as_ref() });
    chunks.flat_map(|chunk| chunk.rings.iter())
}

/// The slot for `fd`, whose chunk may have to be made. Under the lock.
fn slot_made(fd: c_int) -> Result<&'static AtomicPtr<Ring>> {
    let index = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
    // Not from the start: a table of nothing but zeros takes no room in the library's file.
    TABLE.chunks[0].store((&raw const FIRST).cast_mut(), Ordering::Release);
    let chunk = TABLE.chunks.get(index / CHUNK).ok_or(Errno::EMFILE)?;
    if chunk.load(Ordering::Acquire).is_null() {
        // SAFETY: zeroed memory is a chunk without rings. It stays.
        let new = unsafe { mem::map_anonymous(size_of::<Chunk>(), 0) }?;
        let (none, release) = (null_mut(), Ordering::Release);
        if chunk.compare_exchange(none, new.cast(), release, Ordering::Relaxed).is_err() {
            // A signal handler was faster.
            // SAFETY: nobody knows of it.
            let _ = unsafe { mem::unmap(new, size_of::<Chunk>()) };
        }
    }
    slot(fd).ok_or(Errno::EMFILE)
}

/// Makes a ring known as `fd`. One that had this descriptor before was closed behind our back.
pub fn insert(fd: c_int, ring: Box<Ring>) -> Result<()> {
    fork::prepare();
    fork::start_over(start_over);
    let held = lock();
    let slot = slot_made(fd)?;
    let replaced = let_go_of(fd);
    let closed = sweep();
    slot.store(Box::into_raw(ring), Ordering::Release);
    TABLE.rings.fetch_add(1, Ordering::Relaxed);
    TABLE.owner.store(process::id() as u32, Ordering::Relaxed);
    TABLE.count.fetch_add(1, Ordering::Relaxed);
    drop(held);
    replaced.give_up();
    closed.give_up();
    mapped::look(null_mut(), 0);
    Ok(())
}

/// Makes the ring that is known as `from` known as `to` instead, another descriptor of it, and closes `from`. A ring that
/// had `to` before was closed behind our back.
pub fn rename(from: c_int, to: c_int) -> Result<()> {
    let held = lock();
    let after = slot_made(to)?;
    let replaced = let_go_of(to);
    let before = slot(from).map_or(null_mut(), |slot| slot.swap(null_mut(), Ordering::AcqRel));
    after.store(before, Ordering::Release);
    drop(held);
    replaced.give_up();
    // SAFETY: the caller gives it up.
    let _ = unsafe { fd::close(from) };
    Ok(())
}

/// Looks at some descriptors, others each time, for a ring that was closed behind our back.
fn sweep() -> Removed {
    const AT_A_TIME: usize = 32;
    let from = TABLE.swept.load(Ordering::Relaxed);
    for index in from..from + AT_A_TIME {
        if index / CHUNK >= CHUNKS || TABLE.chunks[index / CHUNK].load(Ordering::Relaxed).is_null()
        {
            TABLE.swept.store(0, Ordering::Relaxed);
            return Removed::NONE;
        }
        let fd = index as c_int;
        let Some(slot) = slot(fd) else { continue };
        // SAFETY: under the lock the table's own reference keeps what the slot has.
        let Some(ring) = (unsafe { slot.load(Ordering::Relaxed).as_ref() }) else { continue };
        if !identity::is_marked(fd) && !ring.is_file(fd) {
            TABLE.swept.store(index, Ordering::Relaxed);
            return let_go_of(fd);
        }
    }
    TABLE.swept.store(from + AT_A_TIME, Ordering::Relaxed);
    Removed::NONE
}

/// Closes the ring that `fd` is, of which the program has no more use; false when it is none of ours.
pub fn close(fd: c_int) -> bool {
    close_and(fd, remove)
}

/// [`close`] for a program that may go on with another descriptor of the ring, or with its memory: it is over with the
/// last of them.
pub fn close_by_program(fd: c_int) -> bool {
    close_and(fd, let_go_of)
}

fn close_and(fd: c_int, let_go: impl FnOnce(c_int) -> Removed) -> bool {
    // Without the lock: what a program does with a descriptor that it closes, it does in order.
    if slot(fd).is_none_or(|slot| slot.load(Ordering::Relaxed).is_null()) {
        return false;
    }
    fork::start_over(start_over);
    if TABLE.owner.load(Ordering::Relaxed) != process::id() as u32 {
        // After vfork: the memory is the parent's, the descriptor is not.
        // SAFETY: it was handed to us to close.
        return unsafe { fd::close(fd) }.is_ok();
    }
    let held = lock();
    if slot(fd).is_none_or(|slot| slot.load(Ordering::Relaxed).is_null()) {
        return false;
    }
    let gone = let_go(fd);
    drop(held);
    // SAFETY: the descriptor is the ring's, and was handed to us to close.
    let _ = unsafe { fd::close(fd) };
    gone.give_up();
    mapped::look(null_mut(), 0);
    true
}

/// A reference of the table's that it gives up.
#[must_use]
pub struct Removed(*mut Ring);

impl Removed {
    /// None.
    pub const NONE: Removed = Removed(null_mut());

    /// The ring.
    pub fn ring(&self) -> Option<&'static Ring> {
        // SAFETY: the table's reference has become this one's.
        unsafe { self.0.as_ref() }
    }

    /// Not under the lock: with its last name, the ring shuts down.
    pub fn give_up(self) {
        if let Some(ring) = self.ring() {
            lose_name(ring);
            drop(Used(ring));
            end_threads();
        }
    }
}

/// Takes `fd` out of the table, of which the program has closed it without an end of the ring: there may be a descriptor
/// that the table does not know yet, which it knows the ring by then, or the program has its memory. Under the lock.
fn let_go_of(fd: c_int) -> Removed {
    const LIKELY: c_int = 256;
    let Some(slot) = slot(fd) else { return Removed::NONE };
    // SAFETY: under the lock the table's own reference keeps what the slot has.
    let Some(ring) = (unsafe { slot.load(Ordering::Relaxed).as_ref() }) else {
        return Removed::NONE;
    };
    if ring.names.load(Ordering::Relaxed) == 1 {
        let is_name = |other: &c_int| {
            *other != fd
                && identity::is_marked(*other)
                && !ring.is_own(*other)
                && ring.is_file(*other)
        };
        if let Some(other) = (0..LIKELY).find(is_name) {
            namesake(other);
        }
    }
    let gone = mapped::keep(remove(fd));
    if gone.ring().is_none() {
        TABLE.count.fetch_add(1, Ordering::Relaxed);
    }
    gone
}

/// Runs for each ring that has a name.
pub fn each_locked(run: impl Fn(&Ring)) {
    if TABLE.count.load(Ordering::Relaxed) == 0 {
        return;
    }
    fork::start_over(start_over);
    let _held = TABLE.lock.lock();
    // SAFETY: under the lock the table's own reference keeps what a slot has.
    each_slot().filter_map(|slot| unsafe { slot.load(Ordering::Relaxed).as_ref() }).for_each(run);
}

/// Takes a ring that was kept without a name, if it is one that `is_over`.
pub fn take_kept(is_over: impl Fn(&Ring) -> bool) -> Option<Removed> {
    if TABLE.owner.load(Ordering::Relaxed) != process::id() as u32 {
        // After vfork.
        return None;
    }
    let _held = TABLE.lock.lock();
    let ring = mapped::take(is_over)?;
    TABLE.count.fetch_sub(1, Ordering::Relaxed);
    Some(Removed((&raw const *ring).cast_mut()))
}

/// Takes `fd` out of the table. Under the lock.
fn remove(fd: c_int) -> Removed {
    let ring = slot(fd).map_or(null_mut(), |slot| slot.swap(null_mut(), Ordering::AcqRel));
    if !ring.is_null() {
        TABLE.count.fetch_sub(1, Ordering::Relaxed);
    }
    Removed(ring)
}

/// Rings are served in this process from now on, not the kernel's.
pub fn begin_serving() {
    TABLE.serves.store(true, Ordering::Relaxed);
}

/// Whether a program has asked for a ring that is served in this process.
#[inline]
pub fn serves() -> bool {
    TABLE.serves.load(Ordering::Relaxed)
}

/// Gives up a reference to a ring that was counted by hand.
pub fn give_up(ring: &'static Ring) {
    drop(Used(ring));
}

/// In a new process: the rings become its own.
fn start_over() {
    // SAFETY: no other thread of this process has come past fork::start_over yet.
    unsafe {
        super::keeper::start_over();
        mapped::start_over();
        owned::start_over();
        direct::start_over();
        // A ring that has several names counts them anew, and is adopted once.
        for ring in each_ring() {
            ring.disown();
        }
        let mut rings = 0;
        for ring in each_ring() {
            ring.names.fetch_add(1, Ordering::Relaxed);
            if ring.acquire() == 0 {
                fork::adopt(ring);
                rings += 1;
            }
        }
        TABLE.rings.store(rings, Ordering::Relaxed);
        TABLE.owner.store(process::id() as u32, Ordering::Relaxed);
    }
}

/// `start_over`, in a child that is new, unless somebody was faster.
pub fn start_over_now() {
    fork::start_over(start_over);
}

fn each_ring() -> impl Iterator<Item = &'static Ring> {
    // SAFETY: the caller sees to it that the table's references stay.
    each_slot().filter_map(|slot| unsafe { slot.load(Ordering::Relaxed).as_ref() })
}

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(TABLE.lock.word()), are_taken: true };

/// Calls with every ring. With the lock held for a fork.
pub fn for_each_held(each: impl FnMut(&'static Ring)) {
    each_ring().for_each(each);
}
