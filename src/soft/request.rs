//! A request in flight, where requests come from, and the lists they stand in.

mod flags;
mod queue;

use super::buffers::FixedBuffer;
use super::files::FixedFile;
use super::inbox::Linked;
use super::index::{self, Index, Neighbours};
use super::jobs::{self, Job, Lane};
use super::ops::{self, State};
use super::private_table::Passed;
use super::provided::Buffer;
use super::proxies::Held;
use crate::abi::uring::io_uring_sqe;
use crate::sys::allocator;
use crate::sys::file::{self, Kind, Look};
use crate::sys::owned::Owned;
use crate::sys::rights::Rights;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ffi::c_int;
use core::mem::size_of;
use core::ptr::null_mut;
pub use flags::*;
pub use queue::Queue;

/// Where a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// With whoever has the ring's lock.
    Here,
    /// Behind another in a link.
    Linked,
    /// Behind a drain.
    Deferred,
    /// In the work queue, not taken yet.
    Queued,
    /// With a worker, or about to be.
    Running,
    /// In the ring's epoll, in this slot.
    Polled(u32),
    /// Among the ring's timers.
    Timed,
    /// With the kernel's aio.
    Direct,
    /// Wherever its operation keeps it.
    Kept,
}

/// What keeps a request's file open.
pub enum Reference {
    /// Nothing: the program's own descriptor, in use within the call.
    None,
    /// A descriptor of our own.
    Descriptor(Owned),
    /// One that other requests for the same file have, too.
    Shared(Rc<Owned>),
    /// A registered file.
    Fixed(Rc<FixedFile>),
}

/// A request. All of it belongs to the holder of the ring's lock, except that a worker that runs it
/// reads `sqe`, `fd` and `state` and writes `result`.
pub struct Request {
    /// As it was submitted, copied.
    pub sqe: io_uring_sqe,
    /// The descriptor for system calls; -1 without a file.
    pub fd: c_int,
    /// What keeps the file open.
    pub reference: Reference,
    /// The registered buffer that it uses.
    pub buffer: Option<Rc<FixedBuffer>>,
    /// What its file is, once somebody has looked.
    pub look: Option<Look>,
    /// Its file, for a worker with a descriptor table of its own.
    pub passed: Option<Passed>,
    /// Another descriptor of `fd`'s file. See [`Request::hold_apart`].
    apart: Option<Owned>,
    /// FAILED and its kin.
    pub flags: u32,
    /// A worker's result, or a refusal.
    pub result: i32,
    /// `flags` of its CQE.
    pub cqe_flags: u32,
    /// Bytes 16 to 31 of its CQE.
    pub big: [u64; 2],
    /// Where it is.
    pub place: Place,
    /// The provided buffer that it has.
    pub provided: Option<Buffer>,
    /// What its operation keeps.
    pub state: State,
    /// The next in its link.
    pub link: *mut Request,
    /// Its ring, once it is with the work queue.
    pub ring: *const super::ring::Ring,
    /// The next in the queue where it is.
    pub queued: *mut Request,
    previous: *mut Request,
    next: *mut Request,
    /// For [`super::index`].
    pub neighbours: Neighbours,
    /// What the work queue keeps.
    pub job: Job,
    /// Who stands in for the thread that submitted it.
    pub proxy: Option<Held>,
    /// The submitter's rights, if it writes to a file and did not start in its submission.
    pub rights: Option<Rights>,
}

impl Linked for Request {
    #[inline]
    fn link(&mut self) -> &mut *mut Request {
        &mut self.queued
    }
}

impl Request {
    fn empty() -> Self {
        Request {
            // SAFETY: an SQE may be zero.
            sqe: unsafe { core::mem::zeroed() },
            fd: -1,
            reference: Reference::None,
            buffer: None,
            look: None,
            passed: None,
            apart: None,
            flags: 0,
            result: 0,
            cqe_flags: 0,
            big: [0; 2],
            place: Place::Here,
            provided: None,
            state: State::None,
            link: null_mut(),
            ring: core::ptr::null(),
            queued: null_mut(),
            previous: null_mut(),
            next: null_mut(),
            neighbours: Neighbours::NONE,
            job: Job::new(jobs::Queue::None, Lane::NONE),
            proxy: None,
            rights: None,
        }
    }

    /// Whether a flag is set.
    #[inline]
    pub fn is(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Marks it as failed: links behind it are cancelled, and it posts its CQE.
    pub fn fail(&mut self) {
        self.flags |= FAILED;
        if self.is(SKIP) {
            self.flags = self.flags & !SKIP | SKIP_LINKS;
        }
    }

    /// Keeps the file open although the program may close its descriptor. `EBADF`. When no descriptor
    /// is left, the program's own has to do.
    pub fn hold_file(&mut self) -> crate::sys::Result<()> {
        if self.fd < 0 || !matches!(self.reference, Reference::None) {
            return Ok(());
        }
        match Owned::hold_one_of_many(self.fd, self.has_socket()) {
            Ok(held) => {
                self.fd = held.fd();
                self.reference = Reference::Descriptor(held);
                Ok(())
            }
            Err(crate::sys::Errno::EMFILE) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Whether its file is known to be a socket.
    fn has_socket(&self) -> bool {
        self.is(STREAM | MESSAGES)
            || self.look.is_some_and(|look| look.kind == Kind::Socket)
            || ops::waits_for_socket(self.sqe.opcode)
    }

    /// What kind of file it has.
    pub fn file_kind(&mut self) -> Kind {
        self.look.get_or_insert_with(|| file::look(self.fd).unwrap_or(Look::NOTHING)).kind
    }

    /// Whether its file is open only as long as the program's descriptor is.
    pub fn is_unheld(&self) -> bool {
        self.fd >= 0 && matches!(self.reference, Reference::None)
    }

    /// Has a descriptor of its own, `fd` from now on: an epoll takes each only once, and the registered one
    /// is already waited for.
    pub fn hold_apart(&mut self) -> crate::sys::Result<c_int> {
        let held = Owned::hold_one_of_many(self.fd, self.has_socket())?;
        self.fd = held.fd();
        self.apart = Some(held);
        Ok(self.fd)
    }

    /// Lets its file go.
    pub fn release_file(&mut self) {
        self.apart = None;
        self.reference = Reference::None;
    }

    /// Its file is gone already, with all descriptors that the program has closed.
    pub fn forget_file(&mut self) {
        core::mem::forget(self.apart.take());
        core::mem::forget(core::mem::replace(&mut self.reference, Reference::None));
    }
}

/// Requests for reuse, and those in flight that are not at hand.
pub struct Requests {
    free: *mut Request,
    chunks: Vec<Box<[Request]>>,
    first: *mut Request,
    /// How many are not at hand.
    away: u32,
    index: Index,
    /// Started and not yet complete, or waiting to start.
    pub outstanding: u32,
}

/// Requests allocated at a time.
const CHUNK: usize = 32;

impl Requests {
    /// None.
    pub fn new() -> Self {
        Requests {
            free: null_mut(),
            chunks: Vec::new(),
            first: null_mut(),
            away: 0,
            index: Index::default(),
            outstanding: 0,
        }
    }

    /// A request for an SQE, which it copies; none when there is no memory for another.
    ///
    /// # Safety
    /// `sqe` must be readable; it may be written to meanwhile.
    #[inline]
    pub unsafe fn take(&mut self, sqe: *const io_uring_sqe) -> Option<*mut Request> {
        if self.free.is_null() || allocator::is_short() {
            self.grow()?;
        }
        let request = self.free;
        // SAFETY: free requests are ours, linked by `queued`; an SQE is eight words.
        unsafe {
            self.free = (*request).queued;
            (*request).queued = null_mut();
            let (from, to) = (sqe.cast::<u64>(), (&raw mut (*request).sqe).cast::<u64>());
            for word in 0..size_of::<io_uring_sqe>() / 8 {
                to.add(word).write(from.add(word).read_volatile());
            }
        }
        Some(request)
    }

    /// Sees to it that there is a free one, and memory for what becomes of it.
    #[cold]
    fn grow(&mut self) -> Option<()> {
        if allocator::check().is_err() {
            self.shrink();
            allocator::check().ok()?;
        }
        if !self.free.is_null() {
            return Some(());
        }
        let mut chunk: Vec<Request> = allocator::vector(CHUNK).ok()?;
        allocator::reserve_more(&mut self.chunks, 1).ok()?;
        allocator::note_requests(CHUNK as isize);
        if allocator::check().is_err() {
            allocator::note_requests(-(CHUNK as isize));
            return None;
        }
        chunk.resize_with(CHUNK, Request::empty);
        let mut chunk = chunk.into_boxed_slice();
        for request in chunk.iter_mut() {
            request.queued = self.free;
            self.free = request;
        }
        self.chunks.push(chunk);
        Some(())
    }

    /// Gives back all requests when none of them is in use.
    fn shrink(&mut self) {
        let (mut at, mut free) = (self.free, 0);
        while !at.is_null() {
            free += 1;
            // SAFETY: free requests are ours, linked by `queued`.
            at = unsafe { (*at).queued };
        }
        if free == self.chunks.len() * CHUNK {
            self.leave_behind();
            self.chunks = Vec::new();
            self.free = null_mut();
        }
    }

    /// In a new process: these are not dropped.
    pub fn leave_behind(&self) {
        allocator::note_requests(-((self.chunks.len() * CHUNK) as isize));
    }

    /// Takes a request back that is in no list.
    ///
    /// # Safety
    /// Nothing may refer to it any more.
    #[inline]
    pub unsafe fn give(&mut self, request: *mut Request) {
        // SAFETY: it came from take, and the caller gives it up.
        unsafe {
            let r = &mut *request;
            if !matches!(r.reference, Reference::None) || r.apart.is_some() {
                r.release_file();
            }
            if r.passed.is_some() {
                r.passed = None;
            }
            if !matches!(r.state, State::None) {
                r.state = State::None;
            }
            if r.buffer.is_some() {
                r.buffer = None;
            }
            if r.proxy.is_some() {
                r.proxy = None;
            }
            r.rights = None;
            r.provided = None;
            r.look = None;
            r.fd = -1;
            r.flags = 0;
            r.cqe_flags = 0;
            r.big = [0; 2];
            r.place = Place::Here;
            r.link = null_mut();
            r.queued = self.free;
            self.free = request;
        }
    }

    /// Puts a request among those in flight, at `place`.
    ///
    /// # Safety
    /// It must be live.
    pub unsafe fn put_away(&mut self, request: *mut Request, place: Place) {
        // SAFETY: the list holds live requests only; the lock makes them ours.
        unsafe {
            if (*request).place == Place::Here {
                (*request).previous = null_mut();
                (*request).next = self.first;
                if !self.first.is_null() {
                    (*self.first).previous = request;
                }
                self.first = request;
                self.away += 1;
                if self.index.is_there() {
                    self.index.insert(request);
                }
            }
            (*request).place = place;
        }
    }

    /// Takes a request out of those in flight: it is at hand again.
    ///
    /// # Safety
    /// It must be live.
    #[inline]
    pub unsafe fn fetch(&mut self, request: *mut Request) {
        // SAFETY: as above.
        unsafe {
            if (*request).place == Place::Here {
                return;
            }
            (*request).place = Place::Here;
            self.away -= 1;
            if self.index.is_there() {
                self.index.remove(request);
            }
            let (previous, next) = ((*request).previous, (*request).next);
            if !next.is_null() {
                (*next).previous = previous;
            }
            if previous.is_null() {
                self.first = next;
            } else {
                (*previous).next = next;
            }
        }
    }

    /// The newest of those in flight that are not at hand and have that user data which `fits`.
    pub fn find(
        &mut self,
        user_data: u64,
        fits: impl Fn(&Request) -> bool,
    ) -> Option<*mut Request> {
        // SAFETY: the list and the index hold live requests only.
        let does = |r: &*mut Request| unsafe { (**r).sqe.user_data == user_data && fits(&**r) };
        if !self.index.is_there() && self.away <= index::FEW {
            return self.iter().find(does);
        }
        if self.index.is_small(self.away) {
            self.make_index();
        }
        // SAFETY: as above.
        unsafe { self.index.having(user_data) }.find(does)
    }

    #[cold]
    fn make_index(&mut self) {
        self.index.start_over(self.away);
        let all: Vec<_> = self.iter().collect();
        // Each goes before those that are older.
        for request in all.into_iter().rev() {
            // SAFETY: the list holds live requests only, which stay in both.
            unsafe { self.index.insert(request) };
        }
    }

    /// Those in flight that are not at hand, newest first. None may be put away or fetched meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = *mut Request> {
        let mut at = self.first;
        core::iter::from_fn(move || {
            let request = at;
            if request.is_null() {
                return None;
            }
            // SAFETY: the list holds live requests only.
            at = unsafe { (*request).next };
            Some(request)
        })
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.leave_behind();
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self::new()
    }
}
