//! Threads of the C library on stacks of ours. The C library keeps the stacks that it makes; these go with
//! their threads, as soon as somebody looks: who starts the next thread, or who waits until all have ended.
//!
//! The references are weak: see [`super::worker`].

use super::fork::{self, Subject};
use super::heap::weak_address;
use super::lock::Lock;
use super::locks::{rank, Class};
use super::worker::Main;
use super::{mem, process, thread, Errno, Result};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::{size_of, transmute};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

core::arch::global_asm!(
    ".weak pthread_create",
    ".weak pthread_detach",
    ".weak pthread_tryjoin_np",
    ".weak pthread_attr_init",
    ".weak pthread_attr_setstack",
    ".weak pthread_attr_destroy",
    ".weak pthread_sigmask",
    ".weak sigfillset",
    ".weak __tsan_init"
);

/// What is done there is shallow; the C library's own data is in it as well.
const STACK_SIZE: usize = 256 << 10;

/// Stands at the low end of a thread's stack, behind the page that nobody may touch.
struct Head {
    main: Main,
    arg: *mut c_void,
    /// The thread, as the C library knows it.
    id: usize,
    next: *mut Head,
    /// The thread, as the kernel knows it.
    thread: AtomicI32,
    /// Next to nothing is left for it to do.
    has_ended: AtomicBool,
}

impl Head {
    /// Gives the stack back, on which nobody is any more.
    unsafe fn free(this: *mut Head) {
        // SAFETY: the mapping begins a page before the head.
        let _ = unsafe { mem::unmap(this.byte_sub(mem::PAGE_SIZE).cast(), STACK_SIZE) };
    }
}

struct Crew {
    lock: Lock<{ rank::CREW }>,
    /// Those on stacks of ours.
    first: UnsafeCell<*mut Head>,
    /// How many there are, or are about to be.
    count: AtomicU32,
    /// Those of them that have ended, as far as they can say so.
    ended: AtomicU32,
}

// SAFETY: the list is only touched under the lock.
unsafe impl Sync for Crew {}

static CREW: Crew = Crew {
    lock: Lock::new(),
    first: UnsafeCell::new(null_mut()),
    count: AtomicU32::new(0),
    ended: AtomicU32::new(0),
};

impl Crew {
    /// In a child none of the threads is there, and what those of the parent stood on is of no use.
    fn start_over(&self) {
        // SAFETY: no other thread of this process has come past fork::start_over yet, and this is none of ours.
        unsafe {
            let mut at = if fork::is_tidy() { *self.first.get() } else { null_mut() };
            while !at.is_null() {
                let next = (*at).next;
                Head::free(at);
                at = next;
            }
            self.first.get().write(null_mut());
        }
        self.count.store(0, Ordering::Relaxed);
        self.ended.store(0, Ordering::Relaxed);
    }

    fn with<T>(&self, work: impl FnOnce(&mut *mut Head) -> T) -> T {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the list ours.
        work(unsafe { &mut *self.first.get() })
    }
}

/// Addresses of the C library's functions.
pub struct Library {
    create: usize,
    detach: usize,
    try_join: usize,
    attr_init: usize,
    attr_set_stack: usize,
    attr_destroy: usize,
    sigmask: usize,
    fill: usize,
}

/// A signal set, of a C library.
type Set = [u64; 16];
/// Attributes of a thread, of a C library: they have room.
type Attributes = [u64; 32];

type Create = unsafe extern "C" fn(*mut usize, *const c_void, Main, *mut c_void) -> c_int;

impl Library {
    /// The C library's functions; none in a program that has no threads of a C library.
    pub fn find() -> Option<Self> {
        let library = Library {
            create: weak_address!("pthread_create"),
            detach: weak_address!("pthread_detach"),
            try_join: weak_address!("pthread_tryjoin_np"),
            attr_init: weak_address!("pthread_attr_init"),
            attr_set_stack: weak_address!("pthread_attr_setstack"),
            attr_destroy: weak_address!("pthread_attr_destroy"),
            sigmask: weak_address!("pthread_sigmask"),
            fill: weak_address!("sigfillset"),
        };
        let needed = [library.create, library.detach, library.sigmask, library.fill];
        (!needed.contains(&0)).then_some(library)
    }

    /// Starts `main(arg)` in a thread that receives no signal. `EAGAIN`.
    ///
    /// # Safety
    /// As for [`super::worker::spawn`].
    pub unsafe fn spawn(&self, main: Main, arg: *mut c_void) -> Result<()> {
        type Sigmask = unsafe extern "C" fn(c_int, *const Set, *mut Set) -> c_int;
        type Fill = unsafe extern "C" fn(*mut Set) -> c_int;
        let (mut all, mut old): (Set, Set) = ([0; 16], [0; 16]);
        // SAFETY: bound names are the C library's functions; the sets live in this frame.
        unsafe {
            let sigmask = transmute::<usize, Sigmask>(self.sigmask);
            // The library leaves out the signals by which it reaches its threads: setuid() waits for
            // every one of them.
            transmute::<usize, Fill>(self.fill)(&mut all);
            // The mask is inherited, so that no signal can come before the thread has set one.
            sigmask(libc::SIG_SETMASK, &all, &mut old);
            let started = match self.start_on_own_stack(main, arg) {
                // The program's thread-local data does not fit into a stack that small, or there is none.
                Err(Errno::EINVAL | Errno::ENOSYS) => self.start_detached(main, arg),
                started => started,
            };
            sigmask(libc::SIG_SETMASK, &old, null_mut());
            started
        }
    }

    unsafe fn start_detached(&self, main: Main, arg: *mut c_void) -> Result<()> {
        type Detach = unsafe extern "C" fn(usize) -> c_int;
        let mut id = 0usize;
        // SAFETY: bound names are the C library's functions.
        unsafe {
            match transmute::<usize, Create>(self.create)(&mut id, null(), main, arg) {
                0 => {
                    transmute::<usize, Detach>(self.detach)(id);
                    Ok(())
                }
                errno => Err(Errno::of(errno)),
            }
        }
    }

    /// `ENOSYS` where the C library cannot, and under ThreadSanitizer: its own data does not fit, of which it
    /// complains, and it reports threads that nobody has joined at exit.
    unsafe fn start_on_own_stack(&self, main: Main, arg: *mut c_void) -> Result<()> {
        if CREW.lock.word().is_held_by_caller() {
            return Err(Errno::ENOSYS);
        }
        let needed = [self.try_join, self.attr_init, self.attr_set_stack, self.attr_destroy];
        if needed.contains(&0) || weak_address!("__tsan_init") != 0 {
            return Err(Errno::ENOSYS);
        }
        start_over();
        reap();
        // SAFETY: a new mapping touches nothing that exists; the head is its second page's first bytes.
        let (mapping, head) = unsafe {
            let mapping = mem::map_anonymous(STACK_SIZE, libc::MAP_STACK | libc::MAP_NORESERVE)?;
            let _ = mem::protect(mapping, mem::PAGE_SIZE, libc::PROT_NONE);
            let head = mapping.byte_add(mem::PAGE_SIZE).cast::<Head>();
            let (next, has_ended) = (null_mut(), AtomicBool::new(false));
            let thread = AtomicI32::new(0);
            head.write(Head { main, arg, id: 0, next, thread, has_ended });
            (mapping, head)
        };
        CREW.count.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the stack is the thread's alone.
        let made = unsafe { self.create_on(head) };
        match made {
            0 => {
                CREW.with(|first| {
                    // SAFETY: until it is in the list nobody takes its stack away.
                    unsafe { (*head).next = *first };
                    *first = head;
                });
                Ok(())
            }
            errno => {
                CREW.count.fetch_sub(1, Ordering::Relaxed);
                // SAFETY: there is no thread on it.
                let _ = unsafe { mem::unmap(mapping, STACK_SIZE) };
                Err(Errno::of(errno))
            }
        }
    }

    unsafe fn create_on(&self, head: *mut Head) -> c_int {
        type Init = unsafe extern "C" fn(*mut Attributes) -> c_int;
        type SetStack = unsafe extern "C" fn(*mut Attributes, *mut c_void, usize) -> c_int;
        let mut attributes: Attributes = [0; 32];
        let head_size = size_of::<Head>().next_multiple_of(64);
        let room = STACK_SIZE - mem::PAGE_SIZE - head_size;
        // SAFETY: bound names are the C library's functions; the attributes live in this frame. The id is
        // ours to write as long as the thread does not read it.
        unsafe {
            transmute::<usize, Init>(self.attr_init)(&mut attributes);
            let set_stack = transmute::<usize, SetStack>(self.attr_set_stack);
            let lowest = head.byte_add(head_size);
            let mut failed = set_stack(&mut attributes, lowest.cast(), room);
            if failed == 0 {
                let create = transmute::<usize, Create>(self.create);
                let id = &raw mut (*head).id;
                failed = create(id, (&raw const attributes).cast(), begin, head.cast());
            }
            transmute::<usize, Init>(self.attr_destroy)(&mut attributes);
            failed
        }
    }
}

extern "C" fn begin(head: *mut c_void) -> *mut c_void {
    let head = head.cast::<Head>();
    // SAFETY: the stack, with its head, is there until this thread has ended.
    unsafe {
        (*head).thread.store(process::thread_id(), Ordering::Relaxed);
        ((*head).main)((*head).arg);
        (*head).has_ended.store(true, Ordering::Release);
    }
    CREW.ended.fetch_add(1, Ordering::Release);
    null_mut()
}

/// Gives back the stacks of threads that have ended.
fn reap() {
    type TryJoin = unsafe extern "C" fn(usize, *mut *mut c_void) -> c_int;
    if CREW.ended.load(Ordering::Acquire) == 0 {
        return;
    }
    if CREW.lock.word().is_held_by_caller() {
        return;
    }
    let try_join = weak_address!("pthread_tryjoin_np");
    CREW.with(|first| {
        let mut at: *mut *mut Head = first;
        // SAFETY: what is in the list has a stack. A thread that is joined is off its own.
        unsafe {
            while !(*at).is_null() {
                let head = *at;
                // What the kernel has to do with a thread's memory is over when it does not know it any more.
                let is_gone = (*head).has_ended.load(Ordering::Acquire)
                    && !process::has_thread((*head).thread.load(Ordering::Relaxed))
                    && transmute::<usize, TryJoin>(try_join)((*head).id, null_mut()) == 0;
                if is_gone {
                    *at = (*head).next;
                    Head::free(head);
                    CREW.ended.fetch_sub(1, Ordering::Relaxed);
                    CREW.count.fetch_sub(1, Ordering::Relaxed);
                } else {
                    at = &raw mut (*head).next;
                }
            }
        }
    });
}

/// Waits until the threads have ended, for a moment at most; for as many as are still `busy` a shorter one.
pub fn wait_until_gone(busy: impl Fn() -> u32) {
    const YIELDS: u32 = 200;
    const LOOKS_AT_BUSY: u32 = YIELDS + 4;
    const LOOKS: u32 = 1000;
    const PAUSE: i64 = 100;
    start_over();
    for look in 0..LOOKS {
        reap();
        let count = CREW.count.load(Ordering::Relaxed);
        if count == 0 || (look >= LOOKS_AT_BUSY && count <= busy()) {
            return;
        }
        match look {
            0..YIELDS => process::yield_now(),
            _ => thread::sleep(PAUSE),
        }
    }
}

/// For a fork.
pub static LOCKS: Class = Class { each: |f| f(CREW.lock.word()), are_taken: true };

/// In a child, whose parent's threads' stacks go.
pub fn start_over() {
    fork::start_over(Subject::Threads, || CREW.start_over());
}
