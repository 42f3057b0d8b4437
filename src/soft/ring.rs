//! A ring as one process sees it.

use super::accepts::Accepts;
use super::announce::Announce;
use super::buffers::Buffers;
use super::direct::Direct;
use super::files::Files;
use super::inbox::Inbox;
use super::mapped::Mapped;
use super::memory::{Cqe, Memory};
use super::personality::Personalities;
use super::poll::Polls;
use super::provided::ProvidedBuffers;
use super::recent::Recent;
use super::region::Region;
use super::request::{Queue, Request, Requests};
use super::restrictions::Restrictions;
use super::sqpoll::Reader;
use super::summons::Summons;
use super::table::Used;
use super::tables::Tables;
use super::timers::Timers;
use crate::abi::uring::{IORING_SETUP_R_DISABLED, IORING_SETUP_SINGLE_ISSUER};
use crate::sys::identity::{self, Held};
use crate::sys::lock::{self, Lock};
use crate::sys::locks::rank;
use crate::sys::{allocator, process};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// What belongs to the holder of the ring's lock.
pub struct Core {
    /// The ring's memory.
    pub memory: Box<Memory>,
    /// What it was before a resize, while somebody may look at it.
    pub retired: Vec<Box<Memory>>,
    /// Setup flags.
    pub flags: u32,
    /// Our own descriptor of the eventfd that the program has as the ring: readable while CQEs wait. The
    /// program's number may be another file by now.
    pub held: Held,
    /// The process that this is in.
    pub pid: u32,
    /// Who it is to locks that processes share.
    pub owner: u32,
    /// CQEs wait for the posting lock, which another process has for long.
    pub is_held_up: bool,
    /// Submission starts only after it was enabled.
    pub disabled: bool,
    /// The program has closed it: nothing starts any more.
    pub is_closed: bool,
    /// The only thread that may submit, with SINGLE_ISSUER.
    pub issuer: i32,
    /// A page of its stack.
    pub issuer_page: usize,
    /// Who reads the submission ring, with SQPOLL.
    pub reader: Option<Arc<Reader>>,
    /// The clock of absolute waits.
    pub clock: c_int,
    /// The registered memory region.
    pub region: Option<Region>,
    /// Waits that were over without a look at files.
    pub unserved: u32,
    /// Requests.
    pub requests: Requests,
    /// Those that may be tried now: links whose predecessor is complete, deferred ones.
    pub runnable: Queue,
    /// Chains behind a drain, in order. NULL stands for a drain that has begun: what follows waits until all
    /// of it is complete.
    pub deferred: VecDeque<*mut Request>,
    /// One has asked to have no CQE.
    pub has_skipped: bool,
    /// CQEs that this turn posts at its end.
    pub pending: Vec<Cqe>,
    /// CQEs which say that data that was sent is the program's again.
    pub notices: Vec<Cqe>,
    /// CQEs that the ring had no room for.
    pub overflow: VecDeque<Cqe>,
    /// Nobody sleeps on its descriptor: it need not tell of CQEs.
    pub is_private: bool,
    /// CQEs came when nobody was inside, and no caller has slept in enter since: the program waits for the ring's
    /// descriptor.
    pub relies_on_fd: bool,
    /// CQEs are there that the descriptor does not tell of.
    pub is_unannounced: bool,
    /// The tail of the completion queue when the descriptor last told.
    pub told: u32,
    /// CQEs were posted by a thread that cannot tell of them by a descriptor.
    pub is_untold: bool,
    /// A request waits, or has waited, for what the ring itself signals.
    pub is_watched: bool,
    /// Counts the signals.
    pub signals: u32,
    /// As many had come when such requests were last served.
    pub signals_served: u32,
    /// The keeper knows of it.
    pub is_kept: bool,
    /// What has the program come in where no keeper can be had.
    pub summons: Summons,
    /// Rings that got messages from this one, and need the keeper.
    pub messaged: Vec<Used>,
    /// CQEs posted so far; what timeouts count.
    pub posted: u32,
    /// How many of them the program was told of that are held back.
    pub announced: usize,
    /// How many there were when the submission under way began: what it completes at once is counted by timeouts that
    /// it submits.
    pub posted_before: Option<u32>,
    /// What was submitted last turned out not to be as its operation wants it: the submission ends with it.
    pub ends_submission: bool,
    /// Files that are waited for.
    pub polls: Polls,
    /// Connections that are waited for.
    pub accepts: Accepts,
    /// Timeouts.
    pub timers: Timers,
    /// Reads and writes with the kernel's aio.
    pub direct: Direct,
    /// The last read of a file found its data in the page cache.
    pub reads_at_once: bool,
    /// What this turn has found out.
    pub recent: Recent,
    /// Registered files.
    pub files: Files,
    /// Registered buffers.
    pub buffers: Buffers,
    /// A registered eventfd.
    pub announce: Option<Announce>,
    /// What it may be used for, once it is enabled; none: everything.
    pub restrictions: Option<Box<Restrictions>>,
    /// Registered rights.
    pub personalities: Personalities,
    /// Provided buffers.
    pub provided: ProvidedBuffers,
    /// The descriptor table of who used it last.
    pub tables: Tables,
}

impl Core {
    /// A new ring's, or what a new process makes of one that it inherited. The descriptor becomes
    /// the core's.
    pub fn new(memory: Box<Memory>, flags: u32, held: Held) -> Self {
        let is_bound = flags & (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED)
            == IORING_SETUP_SINGLE_ISSUER;
        Core {
            memory,
            retired: Vec::new(),
            flags,
            held,
            pid: process::id() as u32,
            owner: lock::owner(process::id() as u32, 0),
            is_held_up: false,
            disabled: flags & IORING_SETUP_R_DISABLED != 0,
            is_closed: false,
            issuer: if is_bound { process::thread_id() } else { 0 },
            issuer_page: 0,
            reader: None,
            clock: libc::CLOCK_MONOTONIC,
            region: None,
            unserved: 0,
            requests: Requests::new(),
            runnable: Queue::new(),
            deferred: VecDeque::new(),
            has_skipped: false,
            pending: Vec::new(),
            notices: Vec::new(),
            overflow: VecDeque::new(),
            is_private: false,
            relies_on_fd: false,
            is_unannounced: false,
            told: 0,
            is_untold: false,
            is_watched: false,
            signals: 0,
            signals_served: 0,
            is_kept: false,
            summons: Summons::new(),
            messaged: Vec::new(),
            posted: 0,
            announced: 0,
            posted_before: None,
            ends_submission: false,
            polls: Polls::new(),
            accepts: Accepts::default(),
            timers: Timers::new(),
            direct: Direct::new(),
            reads_at_once: true,
            recent: Recent::default(),
            files: Files::default(),
            buffers: Buffers::default(),
            announce: None,
            restrictions: None,
            personalities: Personalities::default(),
            provided: ProvidedBuffers::default(),
            tables: Tables::default(),
        }
    }
}

/// A ring.
pub struct Ring {
    lock: Lock<{ rank::RING }>,
    core: UnsafeCell<Core>,
    /// The core's memory, for those without the lock.
    memory: AtomicPtr<Memory>,
    /// What workers have done, last first.
    inbox: Inbox<Request>,
    /// The table's references, one for each name, and one for each call that is inside.
    references: AtomicU32,
    /// Descriptors that the table knows it by.
    pub names: AtomicU32,
    /// When the keeper is to look at it, in nanoseconds of the monotonic clock.
    pub due: AtomicU64,
    /// How often it was entered.
    pub entered: AtomicU32,
    /// When it is left, something may be under way that needs the keeper.
    pub wants_keeper: AtomicBool,
    /// Calls since its descriptor was looked at. Changed under the table's lock.
    pub trusted: AtomicU32,
    /// Its lock is held for a fork.
    pub forking: AtomicBool,
    /// The next one of those.
    pub next_forking: AtomicPtr<Ring>,
    /// Where the program has its memory.
    pub mapped: Mapped,
    /// A signal handler has left it to the keeper's caller that it has interrupted.
    pub is_late: AtomicBool,
    /// The next one of those.
    pub next_late: AtomicPtr<Ring>,
    /// Our own descriptor, again: it does not change, and needs no lock.
    own: Held,
}

// SAFETY: the core is only touched under the lock; the rest is atomic.
unsafe impl Sync for Ring {}
// SAFETY: nothing of it belongs to a thread.
unsafe impl Send for Ring {}

impl Ring {
    /// A ring with the table's reference.
    pub fn new(core: Core) -> Self {
        // What lists of rings need for it.
        allocator::note_requests(1);
        Ring {
            own: core.held,
            mapped: Mapped::default(),
            names: AtomicU32::new(1),
            forking: AtomicBool::new(false),
            next_forking: AtomicPtr::default(),
            is_late: AtomicBool::new(false),
            next_late: AtomicPtr::default(),
            lock: Lock::new(),
            memory: AtomicPtr::new((&raw const *core.memory).cast_mut()),
            core: UnsafeCell::new(core),
            inbox: Inbox::new(),
            references: AtomicU32::new(1),
            due: AtomicU64::new(0),
            entered: AtomicU32::new(0),
            wants_keeper: AtomicBool::new(false),
            trusted: AtomicU32::new(0),
        }
    }

    /// The lock; for [`super::turn::Turn`].
    #[inline]
    pub fn lock(&self) -> &Lock<{ rank::RING }> {
        &self.lock
    }

    /// What the lock protects; for [`super::turn::Turn`].
    #[inline]
    pub fn core(&self) -> *mut Core {
        self.core.get()
    }

    /// The ring's shared memory, which needs no lock. After a resize this is another.
    #[inline]
    pub fn memory(&self) -> &Memory {
        // SAFETY: what was replaced is retired, not freed, while anybody else is inside.
        unsafe { &*self.memory.load(Ordering::SeqCst) }
    }

    /// Replaces the core's memory, with the lock held.
    pub fn replace_memory(&self, core: &mut Core, memory: Memory) {
        let memory = Box::new(memory);
        self.memory.store((&raw const *memory).cast_mut(), Ordering::SeqCst);
        let old = core::mem::replace(&mut core.memory, memory);
        core.retired.push(old);
        // The table's and this call's: nobody else has looked, or will see the old one.
        if self.references.load(Ordering::SeqCst) <= 2 {
            core.retired.clear();
        }
    }

    /// Completes what was handed in, unless whoever has the lock will.
    pub fn complete_handed_in(&self) {
        drop(super::turn::Turn::try_take(self));
    }

    /// Hands in a request that a worker has done, or that nobody could complete, for whoever takes the next turn.
    ///
    /// # Safety
    /// The request must be the ring's, and the caller's alone.
    pub unsafe fn put(&self, request: *mut Request) {
        // SAFETY: as the caller says.
        unsafe { self.inbox.put(request) };
    }

    /// Takes the lock; when somebody has it, whoever that is looks before it goes what there is to serve.
    pub fn take_or_call(&self) -> Option<super::turn::Turn<'_>> {
        super::turn::Turn::try_take(self).or_else(|| {
            self.call();
            super::turn::Turn::try_take(self)
        })
    }

    /// Whoever has the lock next, or has it, looks what there is to serve.
    pub fn call(&self) {
        self.inbox.call();
    }

    /// Whether workers have handed something in, or somebody has called.
    #[inline]
    pub fn has_inbox(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// [`Ring::has_inbox`] for whoever has just let go of the lock.
    #[inline]
    pub fn has_inbox_after_unlock(&self) -> bool {
        !self.inbox.is_empty_after_unlock()
    }

    /// What workers have handed in, first come first, and whether somebody has called.
    #[inline]
    pub fn take_inbox(&self) -> (Queue, bool) {
        let (first, is_called) = self.inbox.take();
        // SAFETY: what was handed in is live and ours now.
        (unsafe { Queue::of(first) }, is_called)
    }

    /// Whether `fd` is this ring's eventfd. Where the program has put a file of its own at all numbers, it is not.
    pub fn is_file(&self, fd: c_int) -> bool {
        identity::are_same(fd, self.own.fd) && self.own.is_ours()
    }

    /// Whether `fd` is the descriptor that we have of it.
    pub fn is_own(&self, fd: c_int) -> bool {
        fd == self.own.fd
    }

    /// In a new process: no reference is left, and nobody is inside.
    ///
    /// # Safety
    /// No other thread of this process may know of the ring yet.
    pub unsafe fn disown(&self) {
        self.references.store(0, Ordering::Relaxed);
        self.names.store(0, Ordering::Relaxed);
    }

    /// In a new process, for its first name: the lock is free, and nothing was handed in.
    ///
    /// # Safety
    /// As for [`Ring::disown`].
    pub unsafe fn start_over(&self) {
        // SAFETY: as the caller says.
        unsafe { self.lock.reset() };
        // What workers of the parent have handed in is the parent's.
        let _ = self.inbox.take();
    }

    /// Another reference; returns how many there were.
    #[inline]
    pub fn acquire(&self) -> u32 {
        // SeqCst pairs with replace_memory: either it counts this one, or its memory is what this one sees.
        self.references.fetch_add(1, Ordering::SeqCst)
    }

    /// It is known by one more name; false when it was closed meanwhile.
    pub fn gain_name(&self) -> bool {
        let more = |names: u32| (names > 0).then_some(names + 1);
        self.names.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Another reference, unless the last is gone.
    #[inline]
    pub fn try_acquire(&self) -> bool {
        self.references
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |n| (n > 0).then_some(n + 1))
            .is_ok()
    }

    /// Gives a reference up, unless it is the last.
    pub fn release_unless_last(&self) -> bool {
        let fewer = |n: u32| (n > 1).then(|| n - 1);
        self.references.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fewer).is_ok()
    }

    /// Gives a reference up; true when it was the last: the caller frees the ring.
    #[inline]
    pub fn release(&self) -> bool {
        // AcqRel: the last one sees what the others did.
        self.references.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        allocator::note_requests(-1);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.polls.close();
        self.held.close();
    }
}
