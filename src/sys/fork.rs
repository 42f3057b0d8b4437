//! Noticing that this is a new process: a child has its parent's memory, but none of its threads, and
//! locks that nobody will let go of.
//!
//! A page that the kernel empties in a child tells, for the price of a load, however the child was made;
//! one that shares its parent's memory, as after vfork, is none. Each subject that has to start over in a
//! new process has a word in it. Where the kernel empties no page, it is asked whether one is there that no child
//! has (`fork/memory.rs`).
//!
//! Where the C library has a part in a fork, all locks are held meanwhile ([`locks`]).

mod memory;

use super::heap::weak_address;
use super::lock::Lock;
use super::locks::{self, rank};
use super::{allocator, caller, crew, mem, owned, process};
use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
pub use memory::{map_emptied, unmap_emptied};

core::arch::global_asm!(".weak __register_atfork", ".weak pthread_atfork", ".weak __dso_handle");

/// What starts over in a new process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// All locks, before anything else.
    Locks,
    /// The heap.
    Heap,
    /// The table of rings, and the rings.
    Table,
    /// The work queue.
    Work,
    /// Descriptors of rings that are registered.
    Registered,
    /// Threads that serve rings.
    Threads,
    /// Threads that wait for futexes.
    Sleepers,
}

const SUBJECTS: usize = 8;
const NEW: u32 = 0;
const STARTING: u32 = 1;
const KNOWN: u32 = 2;

struct Page {
    words: [AtomicU32; SUBJECTS],
}

static PAGE: AtomicPtr<Page> = AtomicPtr::new(null_mut());
/// The locks were held for the fork that has made this process: what they protect is in order.
static IS_TIDY: AtomicBool = AtomicBool::new(false);

/// Calls `start` when the subject is used for the first time in this process, before anybody else uses it:
/// in the first one of all, and in each that was forked.
#[inline]
pub fn start_over(subject: Subject, start: impl FnOnce()) {
    let page = PAGE.load(Ordering::Acquire);
    // SAFETY: the page stays once it is there.
    if let Some(page) = unsafe { page.as_ref() } {
        // Acquire pairs with the release in begin: what was started is visible.
        if page.words[subject as usize].load(Ordering::Acquire) == KNOWN {
            return;
        }
    }
    begin(subject, start);
}

/// Where the page does not tell, looks whether this is a new process. Every call of a program's begins with it.
#[inline]
pub fn look() {
    if memory::has_to_be_asked() {
        look_at_memory();
    }
}

#[cold]
fn look_at_memory() {
    if memory::is_new() {
        forget();
    }
}

/// This is a new process.
fn forget() {
    // SAFETY: the page stays once it is there.
    if let Some(page) = unsafe { PAGE.load(Ordering::Acquire).as_ref() } {
        page.words.iter().for_each(|word| word.store(NEW, Ordering::Relaxed));
    }
    memory::begin_anew();
}

#[cold]
fn begin(subject: Subject, start: impl FnOnce()) {
    let page = page();
    if subject != Subject::Locks {
        start_over(Subject::Locks, start_over_locks);
    }
    let word = &page.words[subject as usize];
    loop {
        match word.compare_exchange(NEW, STARTING, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => break,
            Err(KNOWN) => return,
            Err(_) => process::yield_now(),
        }
    }
    start();
    word.store(KNOWN, Ordering::Release);
}

fn page() -> &'static Page {
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        let new = make_page();
        match PAGE.compare_exchange(null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => page = new,
            // Another thread was faster. Ours stays: it may be the static one.
            Err(others) => page = others,
        }
    }
    // SAFETY: it was just made, and stays.
    unsafe { &*page }
}

/// A page that is emptied by a fork; else one that is not. In the process that makes it, locks are in use already.
fn make_page() -> *mut Page {
    for (rank, class) in
        [(rank::PARKED, &owned::LOCKS), (rank::CREW, &crew::LOCKS), (rank::HEAP, &allocator::LOCKS)]
    {
        locks::register(rank, class);
    }
    static INSTEAD: Page = Page { words: [const { AtomicU32::new(NEW) }; SUBJECTS] };
    let page = match mem::map_wiped(mem::PAGE_SIZE) {
        Ok(page) => page.cast(),
        Err(_) => {
            memory::begin();
            (&raw const INSTEAD).cast_mut()
        }
    };
    // SAFETY: the page is new, or stays; its words are atomic.
    unsafe { (*page).words[Subject::Locks as usize].store(KNOWN, Ordering::Relaxed) };
    page
}

/// In a new process.
fn start_over_locks() {
    IS_TIDY.store(is_held_by_caller(), Ordering::Relaxed);
    // SAFETY: no other thread of this process has come past start_over yet.
    unsafe {
        locks::reset_all();
        FORKING.word().reset();
    }
    DEPTH.store(0, Ordering::Relaxed);
    HOLDER.store(NOBODY, Ordering::Relaxed);
}

/// For what starts over: whether the locks were held for the fork that has made this process.
pub fn is_tidy() -> bool {
    IS_TIDY.load(Ordering::Relaxed)
}

/// What is done around each fork about rings.
pub struct Handlers {
    /// Takes all rings' locks, and those of ranks up to the table's.
    pub hold: fn(),
    /// Lets go of them, in the parent.
    pub let_go: fn(),
    /// In the child, which has what they protect.
    pub start_over: fn(),
}

static HANDLERS: AtomicPtr<Handlers> = AtomicPtr::new(null_mut());
/// Held from before a fork until after it.
static FORKING: Lock<{ rank::FORK }> = Lock::new();
/// The thread that holds the locks for a fork.
static HOLDER: AtomicU32 = AtomicU32::new(NOBODY);
/// How many forks it is in besides, in signal handlers.
static DEPTH: AtomicU32 = AtomicU32::new(0);
const NOBODY: u32 = 0;

fn this_thread() -> u32 {
    caller::id() | caller::OTHER_BITS
}

fn handlers() -> &'static Handlers {
    // SAFETY: they were set before the C library knew of those that call this.
    unsafe { &*HANDLERS.load(Ordering::Relaxed) }
}

/// Whether the calling thread, or the one of the parent that it is the copy of, holds the locks for a fork.
fn is_held_by_caller() -> bool {
    HOLDER.load(Ordering::Relaxed) == this_thread()
}

/// Takes all locks, so that what they protect is in order; not when the calling thread has one, in what a signal has
/// interrupted.
fn hold() {
    if FORKING.word().is_held_by_caller() || locks::is_any_held_by_caller() {
        return;
    }
    locks::take(FORKING.word());
    (handlers().hold)();
    locks::take_from_to(rank::TABLE + 1, rank::HEAP);
    HOLDER.store(this_thread(), Ordering::Relaxed);
}

extern "C" fn before() {
    if is_held_by_caller() {
        DEPTH.fetch_add(1, Ordering::Relaxed);
    } else {
        hold();
    }
}

extern "C" fn after_in_parent() {
    if !is_held_by_caller() {
        return;
    }
    match DEPTH.load(Ordering::Relaxed) {
        0 => _ = let_go_for_caller(),
        depth => DEPTH.store(depth - 1, Ordering::Relaxed),
    }
}

extern "C" fn after_in_child() {
    look();
    (handlers().start_over)();
}

/// Lets go of the locks if it is for a fork of the calling thread that they are held, and says so: handlers of the
/// program's, which run meanwhile, may use rings. A child is what it is after a bare clone then.
pub fn let_go_for_caller() -> bool {
    let is_held = is_held_by_caller();
    if is_held {
        DEPTH.store(0, Ordering::Relaxed);
        HOLDER.store(NOBODY, Ordering::Relaxed);
        locks::release_from_to(rank::TABLE + 1, rank::HEAP);
        (handlers().let_go)();
        FORKING.word().release();
    }
    is_held
}

/// Has the C library have these called around each fork, once per program. Without a C library, or where it has no
/// part in a fork, nobody calls them.
pub fn call_around(around: &'static Handlers) {
    type Handler = extern "C" fn();
    type Glibc = unsafe extern "C" fn(Handler, Handler, Handler, *const c_void) -> c_int;
    type Posix = unsafe extern "C" fn(Handler, Handler, Handler) -> c_int;
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    HANDLERS.store((&raw const *around).cast_mut(), Ordering::Relaxed);
    let (glibc, posix) = (weak_address!("__register_atfork"), weak_address!("pthread_atfork"));
    // With it the handlers go when what they are part of is unloaded; our own libraries stay loaded.
    let handle = weak_address!("__dso_handle") as *const c_void;
    if glibc != 0 || posix != 0 {
        caller::is_of_c_library();
    }
    // SAFETY: bound names are the C library's functions.
    unsafe {
        // That there is no memory for it leaves us with the page.
        let _ = if glibc != 0 {
            transmute::<usize, Glibc>(glibc)(before, after_in_parent, after_in_child, handle)
        } else if posix != 0 {
            transmute::<usize, Posix>(posix)(before, after_in_parent, after_in_child)
        } else {
            0
        };
    }
}
