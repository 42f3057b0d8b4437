//! Requests in the work queue, and with a worker.

use super::ops::{self, Bound};
use super::request::Request;
use super::workers::Kind;
use crate::abi::ctypes::__kernel_timespec;
use crate::abi::uring::{io_uring_op, IOSQE_ASYNC, IOSQE_CQE_SKIP_SUCCESS};
use crate::sys::clock::Deadline;
use crate::sys::interrupt::{self, Repeated};
use crate::sys::{file, process, thread, Errno};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// No worker has begun with it.
const NOBODY: i32 = 0;
/// The worker has done it.
const DONE: i32 = -1;

/// Where a request is, or was, queued.
#[derive(Clone, Copy)]
pub enum Queue {
    /// Nowhere.
    None,
    /// Among what that pool's workers do.
    Pool(*const super::work::Pool),
    /// Among the reads whose data is on its way.
    Readers,
    /// With the proxy that it has.
    Proxy,
}

/// What a request has for the work queue.
pub struct Job {
    /// Whose queue it is in, or was.
    pub queue: Queue,
    /// It is in there; under that one's lock.
    is_queued: bool,
    /// Writes to its file run one after another: in this lane.
    lane: Lane,
    /// It is not in the queue, but behind another one of its lane.
    is_behind: bool,
    previous: *mut Request,
    /// The thread that does it.
    worker: AtomicI32,
    /// Somebody wants it to end.
    is_called_off: AtomicBool,
    /// Interrupts its thread until it has ended.
    calls: Repeated,
}

impl Job {
    /// Before it goes to a worker.
    pub const fn new(queue: Queue, lane: Lane) -> Self {
        Job {
            queue,
            is_queued: false,
            lane,
            is_behind: false,
            previous: null_mut(),
            worker: AtomicI32::new(NOBODY),
            is_called_off: AtomicBool::new(false),
            calls: Repeated::none(),
        }
    }

    /// `thread` has it from now on.
    pub fn begin(&self, thread: i32) {
        // SeqCst: either it sees that it was called off, or whoever does that sees whom to interrupt.
        self.worker.store(thread, Ordering::SeqCst);
    }

    /// It is done, and its result is there.
    pub fn end(&self) {
        // SeqCst: either it ends the calls, or who begins them sees that it is done.
        self.worker.store(DONE, Ordering::SeqCst);
        self.calls.end();
    }

    /// Whether somebody wants it to end. Whoever does it looks before each system call that may wait.
    pub fn is_called_off(&self) -> bool {
        self.is_called_off.load(Ordering::SeqCst)
    }

    /// Whether a result stands: a signal was meant for this one, or has changed nothing.
    pub fn stands(&self, result: i32) -> bool {
        result != Errno::EINTR.answer() || self.is_called_off()
    }

    /// Interrupts whoever does it, and waits for a moment. Whether it is done. If it is not, it is interrupted until
    /// it is: a signal that comes before the system call is lost, and the thread may not have come that far.
    pub fn call_off(&self) -> bool {
        const CALLS: u32 = 12;
        const LOOKS: u32 = 24;
        const PAUSE: i64 = 50;
        self.is_called_off.store(true, Ordering::SeqCst);
        for call in 0..CALLS {
            match self.worker.load(Ordering::SeqCst) {
                DONE => return true,
                NOBODY => {}
                id => interrupt::interrupt(id),
            }
            for _ in 0..LOOKS {
                if self.is_done() {
                    return true;
                }
                process::yield_now();
            }
            if call > 0 {
                thread::sleep(PAUSE);
            }
        }
        self.interrupt_until_done()
    }

    /// The same for what a signal ends in any case, as soon as its thread has a CPU: waits for that. On a machine that
    /// is at work with other things it takes longer than a moment.
    pub fn call_off_for_certain(&self) -> bool {
        /// Where no signal may be sent it would not end.
        const PATIENCE: __kernel_timespec = __kernel_timespec { tv_sec: 2, tv_nsec: 0 };
        const PAUSE: i64 = 100;
        if self.call_off() {
            return true;
        }
        let deadline = Deadline::after(PATIENCE).ok();
        while !self.is_done() && deadline.is_some_and(|deadline| !deadline.is_over()) {
            // It may have had no thread yet.
            self.interrupt_until_done();
            thread::sleep(PAUSE);
        }
        self.is_done()
    }

    fn is_done(&self) -> bool {
        self.worker.load(Ordering::Acquire) == DONE
    }

    /// Begins with that, if a thread has it; whether it is done.
    fn interrupt_until_done(&self) -> bool {
        if let id @ 1.. = self.worker.load(Ordering::SeqCst) {
            self.calls.begin(id);
        }
        let is_done = self.worker.load(Ordering::SeqCst) == DONE;
        if is_done {
            self.calls.end();
        }
        is_done
    }
}

/// Whether a request that blocks ends by itself, sooner or later.
pub fn ends_by_itself(r: &Request) -> bool {
    matches!(kind(r), Kind::Bounded)
}

/// Whether a thread that waits for its CQE may do it as well as a worker: it reads, writes or syncs a file or does
/// something by path, which takes no longer than the disk does. An open that [`may_wait`] may not.
pub fn may_be_done_here(r: &Request) -> bool {
    const NOT_THESE: u32 = IOSQE_ASYNC | IOSQE_CQE_SKIP_SUCCESS;
    let syncs = r.sqe.opcode == io_uring_op::IORING_OP_FSYNC as u8;
    let is_by_path = ops::bound(r) != Bound::No && (!is_interrupted(r) || opens(r));
    let is_such = syncs || is_by_path || ops::is_read(r) || ops::is_write(r);
    is_such && u32::from(r.sqe.flags) & NOT_THESE == 0 && ends_by_itself(r)
}

fn opens(r: &Request) -> bool {
    use io_uring_op::*;
    [IORING_OP_OPENAT as u8, IORING_OP_OPENAT2 as u8].contains(&r.sqe.opcode)
}

/// Whether a worker that does it is interrupted when its ring is closed: what it waits for may never come.
pub fn is_interrupted(r: &Request) -> bool {
    use io_uring_op::*;
    const ALSO: [u8; 2] = [IORING_OP_WAITID as u8, IORING_OP_CONNECT as u8];
    opens(r) || ALSO.contains(&r.sqe.opcode) || !ends_by_itself(r)
}

/// Whether it may wait for ever for what is not a disk's, as for the other end of a FIFO. It may have to look at the
/// file.
pub fn may_wait(r: &Request) -> bool {
    if opens(r) {
        return ops::open_may_wait(r);
    }
    is_interrupted(r)
}

/// What may wait for ever, although its file is a cached one.
const WAITING: [u8; 4] = {
    use io_uring_op::*;
    [IORING_OP_WAITID as u8, IORING_OP_MSG_RING as u8, IORING_OP_SPLICE as u8, IORING_OP_TEE as u8]
};

/// What kind of work it is.
pub fn kind(r: &Request) -> Kind {
    let is_cached = || match r.look {
        Some(look) => look.kind == file::Kind::Cached,
        None => file::is_cached(r.fd),
    };
    if WAITING.contains(&r.sqe.opcode) || (r.fd >= 0 && !is_cached()) {
        Kind::Unbounded
    } else {
        Kind::Bounded
    }
}

/// Which requests run one after another, as those that write to one file: the later of two writes to a place is
/// the later one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lane(u8);

impl Lane {
    /// With nobody.
    pub const NONE: Lane = Lane(0);
    /// Files share lanes.
    const COUNT: usize = 32;

    /// A request's. What bypasses the page cache is written in any order.
    pub fn of(r: &Request) -> Lane {
        let is_direct = |fd| file::status_flags(fd).is_ok_and(|flags| flags & libc::O_DIRECT != 0);
        if !ops::is_write(r) || !ends_by_itself(r) || is_direct(r.fd) {
            return Lane::NONE;
        }
        let look = r.look.or_else(|| file::look(r.fd)).unwrap_or(file::Look::NOTHING);
        Lane((look.identity % Lane::COUNT as u64) as u8 + 1)
    }
}

/// What waits for workers. Under a pool's lock.
pub struct Backlog {
    queue: Jobs,
    /// How many stand in the queue.
    len: u32,
    /// By lane: one of it stands in the queue, or is with a worker.
    is_taken: [bool; Lane::COUNT],
    /// By lane: those behind it.
    behind: [Jobs; Lane::COUNT],
}

impl Backlog {
    /// Nothing.
    pub const fn new() -> Self {
        Backlog {
            queue: Jobs::new(),
            len: 0,
            is_taken: [false; Lane::COUNT],
            behind: [const { Jobs::new() }; Lane::COUNT],
        }
    }

    /// How many requests a worker could begin with.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is nothing that a worker could begin with.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a request at the end.
    ///
    /// # Safety
    /// It must be live, stay so while it is in here, and be in no other queue.
    pub unsafe fn push(&mut self, request: *mut Request) {
        // SAFETY: as the caller says.
        unsafe {
            let lane = (*request).job.lane;
            if lane != Lane::NONE && core::mem::replace(self.taken(lane), true) {
                (*request).job.is_behind = true;
                return self.behind[usize::from(lane.0) - 1].push(request);
            }
            self.queue.push(request);
        }
        self.len += 1;
    }

    fn taken(&mut self, lane: Lane) -> &mut bool {
        &mut self.is_taken[usize::from(lane.0) - 1]
    }

    /// Takes the first one out, and which lane is to be [let go of](Self::let_go) when it is done.
    pub fn pop(&mut self) -> Option<(*mut Request, Lane)> {
        let request = self.queue.pop()?;
        self.len -= 1;
        // SAFETY: the queue holds live requests only.
        Some((request, unsafe { (*request).job.lane }))
    }

    /// One of a lane is done, or was taken out: the next of it may begin.
    pub fn let_go(&mut self, lane: Lane) {
        if lane == Lane::NONE {
            return;
        }
        let Some(next) = self.behind[usize::from(lane.0) - 1].pop() else {
            *self.taken(lane) = false;
            return;
        };
        // SAFETY: queues hold live requests only; this one is in none now.
        unsafe {
            (*next).job.is_behind = false;
            self.queue.push(next);
        }
        self.len += 1;
    }

    /// Takes a request out, if it is in here.
    ///
    /// # Safety
    /// It must be live.
    pub unsafe fn remove(&mut self, request: *mut Request) -> bool {
        // SAFETY: as the caller says.
        unsafe {
            let lane = (*request).job.lane;
            if (*request).job.is_behind {
                return self.behind[usize::from(lane.0) - 1].remove(request);
            }
            if !self.queue.remove(request) {
                return false;
            }
            self.len -= 1;
            self.let_go(lane);
        }
        true
    }
}

impl Default for Backlog {
    fn default() -> Self {
        Self::new()
    }
}

/// A queue from which each request can be taken at once. Under its owner's lock.
pub struct Jobs {
    first: *mut Request,
    last: *mut Request,
}

impl Jobs {
    /// An empty one.
    pub const fn new() -> Self {
        Jobs { first: null_mut(), last: null_mut() }
    }

    /// Puts a request at the end.
    ///
    /// # Safety
    /// It must be live, stay so while it is in here, and be in no other queue.
    pub unsafe fn push(&mut self, request: *mut Request) {
        // SAFETY: the queue holds live requests only.
        unsafe {
            (*request).queued = null_mut();
            (*request).job.previous = self.last;
            (*request).job.is_queued = true;
            match self.last.as_mut() {
                Some(last) => last.queued = request,
                None => self.first = request,
            }
        }
        self.last = request;
    }

    /// The first one.
    pub fn first(&self) -> Option<*mut Request> {
        (!self.first.is_null()).then_some(self.first)
    }

    /// Takes the first one out.
    pub fn pop(&mut self) -> Option<*mut Request> {
        let first = self.first;
        // SAFETY: the queue holds live requests only.
        (!first.is_null() && unsafe { self.remove(first) }).then_some(first)
    }

    /// Takes a request out, if it is in here.
    ///
    /// # Safety
    /// It must be live.
    pub unsafe fn remove(&mut self, request: *mut Request) -> bool {
        // SAFETY: the queue holds live requests only.
        unsafe {
            let r = &mut *request;
            if !core::mem::take(&mut r.job.is_queued) {
                return false;
            }
            let (previous, next) = (r.job.previous, r.queued);
            match previous.as_mut() {
                Some(previous) => previous.queued = next,
                None => self.first = next,
            }
            match next.as_mut() {
                Some(next) => next.job.previous = previous,
                None => self.last = previous,
            }
        }
        true
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self::new()
    }
}
