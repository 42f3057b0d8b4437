//! Noticing that this is a new process: a child has its parent's memory, but none of its threads, and
//! locks that nobody will let go of.
//!
//! A page that the kernel empties in a child tells, for the price of a load, however the child was made;
//! one that shares its parent's memory, as after vfork, is none. Each subject that has to start over in a
//! new process has a word in it.

use super::heap::weak_address;
use super::{mem, process};
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

/// The subject has started over already, or goes on as it was.
pub fn set_known(subject: Subject) {
    page().words[subject as usize].store(KNOWN, Ordering::Release);
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

/// Has the C library call these around each fork, once per program: before, and after it in the parent
/// and in the child. Without a C library, or where it has no part in a fork, nobody calls them.
pub fn call_around(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    type Handler = extern "C" fn();
    type Glibc = unsafe extern "C" fn(Handler, Handler, Handler, *const c_void) -> c_int;
    type Posix = unsafe extern "C" fn(Handler, Handler, Handler) -> c_int;
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let (glibc, posix) = (weak_address!("__register_atfork"), weak_address!("pthread_atfork"));
    // With it the handlers go when what they are part of is unloaded; our own libraries stay loaded.
    let handle = weak_address!("__dso_handle") as *const c_void;
    // SAFETY: bound names are the C library's functions.
    unsafe {
        // That there is no memory for it leaves us with the page.
        let _ = if glibc != 0 {
            transmute::<usize, Glibc>(glibc)(prepare, parent, child, handle)
        } else if posix != 0 {
            transmute::<usize, Posix>(posix)(prepare, parent, child)
        } else {
            0
        };
    }
}
