//! Noticing that this is a new process: a child has its parent's memory, but none of its threads, and
//! locks that nobody will let go of.
//!
//! A page that the kernel empties in a child tells, for the price of a load, however the child was made;
//! one that shares its parent's memory, as after vfork, is none. Each subject that has to start over in a
//! new process has a word in it.

use super::heap::weak_address;
use super::lock::Lock;
use super::{caller, mem, process};
use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

core::arch::global_asm!(".weak __register_atfork", ".weak pthread_atfork", ".weak __dso_handle");

/// What starts over in a new process.
#[derive(Clone, Copy)]
pub enum Subject {
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
/// The process that the page is of, where the kernel does not empty it; else 0.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Calls `start` when the subject is used for the first time in this process, before anybody else uses it:
/// in the first one of all, and in each that was forked.
#[inline]
pub fn start_over(subject: Subject, start: impl FnOnce()) {
    let page = PAGE.load(Ordering::Acquire);
    // SAFETY: the page stays once it is there.
    if let Some(page) = unsafe { page.as_ref() } {
        // Acquire pairs with the release in begin: what was started is visible.
        if page.words[subject as usize].load(Ordering::Acquire) == KNOWN
            && OWNER.load(Ordering::Relaxed) == 0
        {
            return;
        }
    }
    begin(subject, start);
}

#[cold]
fn begin(subject: Subject, start: impl FnOnce()) {
    let page = page();
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
        let (new, is_emptied) = make_page();
        if !is_emptied {
            OWNER.store(process::id() as u32, Ordering::Relaxed);
        }
        match PAGE.compare_exchange(null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => page = new,
            // Another thread was faster. Ours stays: it may be the static one.
            Err(others) => page = others,
        }
    }
    // SAFETY: it was just made, and stays.
    let page = unsafe { &*page };
    let owner = OWNER.load(Ordering::Relaxed);
    if owner != 0 && owner != process::id() as u32 {
        page.words.iter().for_each(|word| word.store(NEW, Ordering::Relaxed));
        OWNER.store(process::id() as u32, Ordering::Relaxed);
    }
    page
}

/// A page that is emptied by a fork; else one that is not.
fn make_page() -> (*mut Page, bool) {
    static INSTEAD: Page = Page { words: [const { AtomicU32::new(NEW) }; SUBJECTS] };
    let instead = ((&raw const INSTEAD).cast_mut(), false);
    // SAFETY: a new mapping touches nothing that exists.
    unsafe {
        let Ok(page) = mem::map_anonymous(mem::PAGE_SIZE, 0) else { return instead };
        if mem::advise(page, mem::PAGE_SIZE, libc::MADV_WIPEONFORK).is_err() {
            let _ = mem::unmap(page, mem::PAGE_SIZE);
            return instead;
        }
        (page.cast(), true)
    }
}

/// What is done around each fork.
pub struct Handlers {
    /// Takes all locks, so that what they protect is in order; false if that cannot be, and then it holds none.
    pub hold: fn() -> bool,
    /// Lets go of them, in the parent.
    pub let_go: fn(),
    /// In the child, which has what they protect.
    pub start_over: fn(),
}

static HANDLERS: AtomicPtr<Handlers> = AtomicPtr::new(null_mut());
/// The thread that holds the locks for a fork.
static HOLDER: AtomicU32 = AtomicU32::new(NOBODY);
/// How many forks it is in besides, in signal handlers.
static DEPTH: AtomicU32 = AtomicU32::new(0);
const NOBODY: u32 = 0;
/// How often a fork looks whether a lock has become free.
const PATIENCE: u32 = 10_000;

fn this_thread() -> u32 {
    caller::id() | caller::OTHER_BITS
}

fn handlers() -> &'static Handlers {
    // SAFETY: they were set before the C library knew of those that call this.
    unsafe { &*HANDLERS.load(Ordering::Relaxed) }
}

/// Whether the calling thread, or the one of the parent that it is the copy of, holds the locks for a fork.
pub fn is_held_by_caller() -> bool {
    HOLDER.load(Ordering::Relaxed) == this_thread()
}

extern "C" fn before() {
    if is_held_by_caller() {
        DEPTH.fetch_add(1, Ordering::Relaxed);
    } else if (handlers().hold)() {
        HOLDER.store(this_thread(), Ordering::Relaxed);
    }
}

extern "C" fn after_in_parent() {
    if !is_held_by_caller() {
        return;
    }
    match DEPTH.load(Ordering::Relaxed) {
        0 => let_go_for_caller(),
        depth => DEPTH.store(depth - 1, Ordering::Relaxed),
    }
}

extern "C" fn after_in_child() {
    (handlers().start_over)();
    DEPTH.store(0, Ordering::Relaxed);
    HOLDER.store(NOBODY, Ordering::Relaxed);
}

/// Lets go of the locks if it is for a fork of the calling thread that they are held: handlers of the program's, which
/// run meanwhile, may use rings. A child is what it is after a bare clone then.
pub fn let_go_for_caller() {
    if is_held_by_caller() {
        DEPTH.store(0, Ordering::Relaxed);
        HOLDER.store(NOBODY, Ordering::Relaxed);
        (handlers().let_go)();
    }
}

/// Takes a lock for a fork, and leaves it held. False when the calling thread has it already, in what a signal has
/// interrupted, or nobody lets go of it.
pub fn take(lock: &Lock) -> bool {
    let mut looks = 0;
    while looks < PATIENCE && !lock.is_held_by_caller() {
        if let Some(guard) = lock.try_lock() {
            core::mem::forget(guard);
            return true;
        }
        process::yield_now();
        // Another thread's fork ends.
        looks += u32::from(HOLDER.load(Ordering::Relaxed) == NOBODY);
    }
    false
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
