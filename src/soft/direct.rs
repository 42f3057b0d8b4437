//! Reads and writes that bypass the page cache, by the kernel's aio: it is seldom blocked where io_uring is,
//! and gives them their depth without threads. Tried in place they would block: RWF_NOWAIT does not keep a
//! device from being waited for. Where there is no aio, workers do them.
//!
//! What a turn collects goes out at its end, in one call. The kernel signals an eventfd in the ring's epoll;
//! what has completed is then taken from the context's own ring of events, without a call.

use super::poll::{self, DIRECT};
use super::request::*;
use super::ring::Ring;
use super::turn::Turn;
use crate::abi::aio::*;
use crate::sys::clock::Deadline;
use crate::sys::identity::Held;
use crate::sys::{aio, fd, file, process, worker, Errno, Result};
use alloc::vec::Vec;
use core::ffi::{c_int, c_void};
use core::mem::zeroed;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};
/// Requests in one context: what is beyond goes to workers.
const DEPTH: u32 = 256;
/// Addresses, lengths and offsets that bypass the page cache are multiples of it, on any device.
const ALIGNMENT: u64 = 512;

/// What a ring has under way in the kernel's aio.
pub struct Direct {
    /// The context's id; 0: none yet.
    context: u64,
    /// The process whose it is.
    owner: u32,
    /// Signalled at each completion.
    eventfd: Held,
    /// There is no aio to have.
    refused: bool,
    /// To go out at the end of the turn.
    queued: Vec<iocb>,
    /// Queued, or gone out and not yet taken.
    in_flight: u32,
    /// The epoll that knows the eventfd.
    epoll: c_int,
    seen: Seen,
}

/// The last descriptor that was looked at.
struct Seen {
    fd: c_int,
    /// It bypasses the page cache.
    is_direct: bool,
    /// For so many turns, this one included, it is taken to be the same file.
    turns: u32,
}

impl Seen {
    const NOTHING: Seen = Seen { fd: -1, is_direct: false, turns: 0 };
    /// Turns for which a file is taken to be read through the page cache. Where that is wrong, because its flags
    /// were changed or the descriptor is another file, a device is waited for in place. For a file that bypasses
    /// the cache the call would be saved, too, but another under its number may block for ever: a pipe.
    const TRUST: u32 = 16;
}

/// A transfer.
pub struct Transfer {
    /// Whether it writes.
    pub is_write: bool,
    /// Where the data is, or its vectors: they have to be there until the end of the turn.
    pub address: u64,
    /// Bytes, or vectors.
    pub count: usize,
    /// The address is that of vectors.
    pub is_vectored: bool,
    /// The place in the file.
    pub offset: u64,
    /// `RWF_*`.
    pub flags: c_int,
    /// As ioprio_set(2) has it; 0: the thread's.
    pub priority: u16,
}

impl Transfer {
    fn opcode(&self) -> u16 {
        match (self.is_write, self.is_vectored) {
            (false, false) => IOCB_CMD_PREAD,
            (false, true) => IOCB_CMD_PREADV,
            (true, false) => IOCB_CMD_PWRITE,
            (true, true) => IOCB_CMD_PWRITEV,
        }
    }
}

/// The head of a context's ring of events, in the program's memory. The kernel's aio has had it since its
/// beginning, and libaio reads it.
#[repr(C)]
struct EventRing {
    id: u32,
    nr: u32,
    head: AtomicU32,
    tail: AtomicU32,
    magic: u32,
    compat: u32,
    incompat: u32,
    header_length: u32,
}

const MAGIC: u32 = 0xa10a_10a1;

impl Direct {
    /// Nothing.
    pub const fn new() -> Self {
        Direct {
            context: 0,
            owner: 0,
            eventfd: Held::NONE,
            refused: false,
            queued: Vec::new(),
            in_flight: 0,
            epoll: -1,
            seen: Seen::NOTHING,
        }
    }

    fn open(&mut self, pid: u32) -> bool {
        if self.context != 0 && self.owner != pid {
            // The parent's: contexts do not survive a fork.
            *self = Direct::new();
        }
        if self.context == 0 && !self.refused {
            self.refused = match (aio::setup(DEPTH), file::eventfd_nonblocking()) {
                (Ok(context), Ok(eventfd)) => {
                    (self.context, self.owner) = (context, pid);
                    self.eventfd = Held::of_new(eventfd);
                    false
                }
                (Ok(context), Err(_)) => {
                    let _ = aio::destroy(context);
                    true
                }
                (Err(_), Ok(eventfd)) => {
                    // SAFETY: it was just made.
                    let _ = unsafe { fd::close(eventfd) };
                    true
                }
                _ => true,
            };
        }
        !self.refused
    }
}

impl Default for Direct {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        if self.context != 0 && self.owner == process::id() as u32 {
            end(self.context);
        }
        self.eventfd.close();
    }
}

/// Threads that end contexts.
static ENDING: AtomicU32 = AtomicU32::new(0);

/// In a new process, there are none.
pub fn start_over() {
    ENDING.store(0, Ordering::Relaxed);
}

/// How many threads end contexts: for each, the kernel takes its time.
pub fn ending() -> u32 {
    ENDING.load(Ordering::Relaxed)
}

/// Ends a context. The kernel waits for what is under way, and then until no CPU can be looking at it, which is
/// some 30 ms: whoever closes a ring is not to wait for that.
pub fn end(context: u64) {
    ENDING.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the argument is a number.
    if unsafe { worker::spawn(end_in_thread, context as *mut c_void) }.is_err() {
        end_in_thread(context as *mut c_void);
    }
}

extern "C" fn end_in_thread(context: *mut c_void) -> *mut c_void {
    let _ = aio::destroy(context as u64);
    ENDING.fetch_sub(1, Ordering::Relaxed);
    null_mut()
}

/// What a caller waits for that nothing else can bring.
pub struct Awaited {
    context: u64,
    missing: u32,
    wanted: u32,
}

/// Sleeps until all that is awaited has come, which is one wake-up for all of it, or until a time. What other
/// threads submit meanwhile is seen after a millisecond. `EINTR`.
///
/// # Safety
/// The caller must have begun to serve the ring: it is the only one who takes events.
pub unsafe fn wait(ring: &Ring, awaited: &Awaited, until: Option<Deadline>) -> Result<()> {
    const MOST: usize = 64;
    const LOOK_AGAIN: i64 = 1_000_000;
    if ring.has_inbox() {
        return Ok(());
    }
    let left = until.map_or(libc::timespec { tv_sec: 1, tv_nsec: 0 }, |time| time.left_as_libc());
    let tv_nsec = if left.tv_sec > 0 { LOOK_AGAIN } else { LOOK_AGAIN.min(left.tv_nsec) };
    let time = crate::abi::ctypes::__kernel_timespec { tv_sec: 0, tv_nsec };
    // SAFETY: events may be zero; the kernel fills in as many as there is room for. Each is of a request that
    // was live until now.
    unsafe {
        let mut events: [crate::abi::aio::io_event; MOST] = zeroed();
        let (least, into) = (awaited.missing.min(MOST as u32), events.as_mut_ptr());
        let no_mask = core::ptr::null();
        let got =
            match aio::get_events(awaited.context, least.into(), MOST as _, into, &time, no_mask) {
                Ok(got) => got as usize,
                Err(Errno::EINTR) => return Err(Errno::EINTR),
                // Forbidden by now.
                Err(_) => return poll::serve(ring, awaited.wanted, until, core::ptr::null()),
            };
        let mut turn = Turn::take(ring);
        (turn.reaps, turn.serves) = (true, true);
        if turn.core.direct.context != awaited.context {
            // The ring was closed meanwhile: they are over.
            return Ok(());
        }
        for event in &events[..got] {
            turn.direct_done(event.data, event.res);
        }
    }
    Ok(())
}

impl Direct {
    /// Whether a turn has collected anything.
    pub fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// Gives up this process's copy of an eventfd that its parent goes on with.
    pub fn leave_behind(&self) {
        self.eventfd.close();
    }
}

impl Turn<'_> {
    /// Whether what is read or written bypasses the page cache. `places` are the addresses, lengths and
    /// offset, or-ed.
    #[inline]
    pub fn is_direct(&mut self, fd: c_int, places: u64) -> bool {
        if places % ALIGNMENT != 0 {
            return false;
        }
        let seen = &mut self.core.direct.seen;
        if seen.fd != fd || seen.turns == 0 {
            let flags = file::status_flags(fd).unwrap_or(0);
            // A pipe may have O_DIRECT too.
            let is_direct = flags & libc::O_DIRECT != 0 && file::is_cached(fd);
            *seen = Seen { fd, is_direct, turns: if is_direct { 1 } else { Seen::TRUST } };
        }
        seen.is_direct
    }

    /// A descriptor is about to be closed: requests for its file go out before that.
    pub fn forget_file(&mut self) {
        self.core.direct.seen = Seen::NOTHING;
        self.flush_direct();
        self.core.recent.forget_file();
    }

    /// What was collected goes out.
    #[inline]
    pub fn flush_direct(&mut self) {
        if !self.core.direct.queued.is_empty() {
            self.send_queued();
        }
    }

    /// Hands a request to the kernel's aio, at the end of the turn; false where that cannot be. Its
    /// operation's `finish` gets the result. The kernel has a reference of its own to the file: the request
    /// needs none.
    ///
    /// # Safety
    /// The request must be live and at hand.
    pub unsafe fn start_direct(&mut self, request: *mut Request, transfer: &Transfer) -> bool {
        let pid = self.core.pid;
        let direct = &mut self.core.direct;
        if direct.in_flight >= DEPTH || !direct.open(pid) {
            return false;
        }
        let eventfd = direct.eventfd.fd;
        if direct.epoll < 0 || direct.epoll != self.core.polls.epoll() {
            if self.listen_to(eventfd, DIRECT).is_err() {
                return false;
            }
            self.core.direct.epoll = self.core.polls.epoll();
        }
        // SAFETY: an iocb may be zero; the request is at hand.
        unsafe {
            let mut iocb: iocb = zeroed();
            iocb.aio_data = request as u64;
            iocb.aio_lio_opcode = transfer.opcode();
            iocb.aio_fildes = (*request).fd as u32;
            iocb.aio_buf = transfer.address;
            iocb.aio_nbytes = transfer.count as u64;
            iocb.aio_offset = transfer.offset as i64;
            iocb.aio_rw_flags = transfer.flags;
            iocb.aio_flags = IOCB_FLAG_RESFD;
            if transfer.priority != 0 {
                iocb.aio_flags |= IOCB_FLAG_IOPRIO;
                iocb.aio_reqprio = transfer.priority as i16;
            }
            iocb.aio_resfd = eventfd as u32;
            self.core.direct.queued.push(iocb);
            self.core.direct.in_flight += 1;
            self.core.polls.armed += 1;
            self.ring.wants_keeper.store(true, Ordering::Relaxed);
            self.core.requests.put_away(request, Place::Direct);
        }
        true
    }

    /// The end of a turn: what was collected goes out. What the kernel refuses completes with its errno; what
    /// it has no room for goes to workers.
    #[inline]
    pub fn send_direct(&mut self) {
        let seen = &mut self.core.direct.seen;
        seen.turns = seen.turns.saturating_sub(1);
        while !self.core.direct.queued.is_empty() {
            self.send_queued();
            // What was refused lets links go on.
            self.run();
        }
    }

    fn send_queued(&mut self) {
        let mut queued = core::mem::take(&mut self.core.direct.queued);
        let context = self.core.direct.context;
        let mut addresses: Vec<*mut iocb> = queued.iter_mut().map(|iocb| &raw mut *iocb).collect();
        let mut rest = &mut addresses[..];
        while !rest.is_empty() {
            // SAFETY: the iocbs are in `queued`; the kernel copies them.
            let sent = unsafe { aio::submit(context, rest.len() as _, rest.as_ptr()) };
            // Both come back to the list of requests at hand through the normal ways.
            let (count, refused) = match sent {
                Ok(count) if count > 0 => (count as usize, None),
                Ok(_) => (1, Some(Errno::EAGAIN)),
                Err(errno) => (1, Some(errno)),
            };
            if let Some(errno) = refused {
                // SAFETY: the iocb is live, and its request too.
                unsafe { self.direct_refused((*rest[0]).aio_data as *mut Request, errno) };
            }
            rest = &mut rest[count..];
        }
        drop(addresses);
        queued.clear();
        if self.core.direct.queued.is_empty() {
            self.core.direct.queued = queued;
        }
    }

    unsafe fn direct_refused(&mut self, request: *mut Request, errno: Errno) {
        // SAFETY: the caller says that it is live; it is under way no more.
        unsafe {
            self.direct_returned(request);
            match errno {
                // Full, or forbidden since.
                Errno::EAGAIN | Errno::EPERM | Errno::EACCES | Errno::ENOSYS => {
                    self.settle(request, super::ops::Outcome::Punt)
                }
                errno => self.finish(request, errno.answer()),
            }
        }
    }

    /// A request is not with the kernel any more.
    unsafe fn direct_returned(&mut self, request: *mut Request) {
        self.core.direct.in_flight -= 1;
        self.core.polls.armed -= 1;
        // SAFETY: the caller says that it is live.
        unsafe { self.core.requests.fetch(request) };
    }

    /// Takes what the kernel has completed.
    pub fn reap_direct(&mut self) {
        let context = self.core.direct.context;
        if self.core.direct.in_flight == 0 || context == 0 {
            return;
        }
        // SAFETY: the context is ours, its ring is mapped until it is destroyed, and the ring's lock makes us
        // the only one who takes events.
        unsafe {
            let ring = context as *const EventRing;
            if (*ring).magic != MAGIC {
                return self.reap_by_call();
            }
            let events =
                ring.byte_add((*ring).header_length as usize).cast::<crate::abi::aio::io_event>();
            let mut head = (*ring).head.load(Ordering::Relaxed);
            // Acquire pairs with the kernel's barrier: the events before the tail are written.
            while head != (*ring).tail.load(Ordering::Acquire) && head < (*ring).nr {
                let event = events.add(head as usize).read();
                head = (head + 1) % (*ring).nr;
                (*ring).head.store(head, Ordering::Release);
                self.direct_done(event.data, event.res);
            }
        }
    }

    /// How many of the requests that the kernel has would have to complete for `wanted` CQEs, where there is
    /// nothing else to wait for; none for fewer than two, or when something else could come.
    pub fn awaits_direct(&self, wanted: u32) -> Option<Awaited> {
        let core = &*self.core;
        let missing = wanted.saturating_sub(core.memory.ready()).min(core.direct.in_flight);
        let is_all = core.requests.outstanding == core.direct.in_flight
            && core.timers.next().is_none()
            && core.overflow.is_empty();
        (is_all && missing > 1).then_some(Awaited { context: core.direct.context, missing, wanted })
    }

    fn reap_by_call(&mut self) {
        const BATCH: usize = 32;
        loop {
            // SAFETY: events may be zero; the kernel fills in as many as there is room for.
            unsafe {
                let mut events: [crate::abi::aio::io_event; BATCH] = zeroed();
                let now = crate::abi::ctypes::__kernel_timespec { tv_sec: 0, tv_nsec: 0 };
                let (context, into) = (self.core.direct.context, events.as_mut_ptr());
                let got = aio::get_events(context, 0, BATCH as _, into, &now, core::ptr::null());
                let got = got.unwrap_or(0) as usize;
                for event in &events[..got] {
                    self.direct_done(event.data, event.res);
                }
                if got < BATCH {
                    return;
                }
            }
        }
    }

    unsafe fn direct_done(&mut self, data: u64, result: i64) {
        let request = data as *mut Request;
        // SAFETY: the kernel gives back what it was given, once; the request was live until now.
        unsafe {
            self.direct_returned(request);
            self.finish(request, result as i32);
        }
    }

    /// Completes what is with the kernel: the ring goes away.
    pub fn end_direct(&mut self) {
        if self.core.direct.in_flight == 0 {
            return;
        }
        // Nothing of it is told any more.
        end(core::mem::take(&mut self.core.direct.context));
        self.core.direct.queued.clear();
        let with_kernel: Vec<_> = self
            .core
            .requests
            .iter()
            // SAFETY: the list holds live requests only.
            .filter(|&request| unsafe { (*request).place == Place::Direct })
            .collect();
        for request in with_kernel {
            // SAFETY: as above; nobody else has it now.
            unsafe {
                self.direct_returned(request);
                self.complete(request, Errno::ECANCELED.answer());
            }
        }
    }
}
