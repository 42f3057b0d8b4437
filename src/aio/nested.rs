//! Calls of a signal handler on a context that its thread is inside of: the handler has interrupted what holds a lock,
//! and neither can wait for it. A request is done within the call, whatever that takes, as the kernel's aio does most;
//! its event stands in a cell until somebody takes it. Events are taken from those, and of what has completed as far
//! as the interrupted call has not come.

use super::check;
use super::context::{Context, WAKE_UP};
use super::events::enter;
use super::files::Files;
use super::in_place;
use super::pages::Pages;
use super::registry::Entry;
use super::slots::Slot;
use super::user;
use crate::abi::aio::*;
use crate::ring::barrier::{io_uring_smp_load_acquire, read_once};
use crate::sys::clock::Deadline;
use crate::sys::{epoll, fd, file, Errno, Result};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::size_of;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Events of such calls that nobody has taken.
const CELLS: usize = 32;

const FREE: u32 = 0;
const BUSY: u32 = 1;
const FULL: u32 = 2;

struct Cell {
    state: AtomicU32,
    event: UnsafeCell<io_event>,
}

/// A context's part in such calls.
pub struct Nested {
    cells: [Cell; CELLS],
    /// Cells that are not free, more or less: some are.
    used: AtomicU32,
    /// How far the call has come that takes CQEs, and [`TAKING`]; 0: there is none.
    at: AtomicU64,
    /// Slots whose events were taken from before it: given back by the next that may.
    limbo: [AtomicU32; CELLS],
}

/// Beside a position.
const TAKING: u64 = 1 << 32;

impl Nested {
    /// None.
    pub const fn new() -> Self {
        const EVENT: io_event = io_event { data: 0, obj: 0, res: 0, res2: 0 };
        Nested {
            cells: [const { Cell { state: AtomicU32::new(FREE), event: UnsafeCell::new(EVENT) } };
                CELLS],
            used: AtomicU32::new(0),
            at: AtomicU64::new(0),
            limbo: [const { AtomicU32::new(0) }; CELLS],
        }
    }

    /// Whether there may be something to take, or to give back.
    #[inline]
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed) != 0
    }

    /// The holder of the CQ lock is about to take the CQE at a position.
    #[inline]
    pub fn takes(&self, position: u32) {
        self.at.store(TAKING | u64::from(position), Ordering::Relaxed);
        // The handler runs in this thread: the compiler alone must keep the order.
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
    }

    /// It takes none any more.
    #[inline]
    pub fn is_through(&self) {
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
        self.at.store(0, Ordering::Relaxed);
    }

    /// Reserves a cell.
    fn reserve(&self) -> Option<&Cell> {
        let claim = |cell: &&Cell| {
            let state = &cell.state;
            state.compare_exchange(FREE, BUSY, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let cell = self.cells.iter().find(claim)?;
        self.used.fetch_add(1, Ordering::Relaxed);
        Some(cell)
    }

    /// Takes an event from a cell.
    #[cold]
    pub fn pop(&self) -> Option<io_event> {
        let claim = |cell: &&Cell| {
            let state = &cell.state;
            state.compare_exchange(FULL, BUSY, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let cell = self.cells.iter().find(claim)?;
        // SAFETY: the cell is ours.
        let event = unsafe { *cell.event.get() };
        self.free(cell);
        Some(event)
    }

    fn free(&self, cell: &Cell) {
        cell.state.store(FREE, Ordering::Release);
        self.used.fetch_sub(1, Ordering::Relaxed);
    }

    /// Slots to be given back, for the holder of the CQ lock.
    #[cold]
    pub fn leave_limbo(&self, mut give: impl FnMut(u32)) {
        for place in &self.limbo {
            let index = place.swap(0, Ordering::Relaxed);
            if index != 0 {
                self.used.fetch_sub(1, Ordering::Relaxed);
                give(index - 1);
            }
        }
    }

    /// Has a slot given back later; false where there is no place.
    fn to_limbo(&self, index: u32) -> bool {
        let put = |place: &&AtomicU32| {
            place.compare_exchange(0, index + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        let is_put = self.limbo.iter().find(put).is_some();
        self.used.fetch_add(u32::from(is_put), Ordering::Relaxed);
        is_put
    }
}

/// io_submit() where the calling thread holds one of the locks.
#[cold]
pub unsafe fn submit(entry: &Entry, nr: usize, requests: *const *mut iocb) -> Result<c_int> {
    if !entry.is_live() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the call that was interrupted keeps the context; the requests are the C caller's.
    unsafe {
        let context = entry.context();
        let (mut pages, mut files) = (Pages::new(), Files::new());
        for at in 0..nr {
            if let Err(errno) = submit_one(context, requests.add(at), &mut pages, &mut files) {
                return if at == 0 { Err(errno) } else { Ok(at as c_int) };
            }
        }
    }
    Ok(nr as c_int)
}

unsafe fn submit_one(
    context: &Context,
    at: *const *mut iocb,
    pages: &mut Pages,
    files: &mut Files,
) -> Result<()> {
    // SAFETY: the caller keeps the context; what is not there is told from what is.
    unsafe {
        pages.check(at, size_of::<*mut iocb>())?;
        let address = at.read_unaligned();
        pages.check(address, size_of::<iocb>())?;
        let request = address.read_unaligned();
        check::fields(&request, pages)?;
        let signals = request.aio_flags & IOCB_FLAG_RESFD != 0;
        if signals {
            fd::check_eventfd(request.aio_resfd as c_int)?;
        }
        let file = check::file_of(&request, files)?;
        let cell = context.nested.reserve().ok_or(Errno::EAGAIN)?;
        let done = match request.aio_lio_opcode {
            IOCB_CMD_POLL => poll_now(&request),
            _ => in_place::do_here(&request, &file),
        };
        match done {
            Err(errno) => {
                context.nested.free(cell);
                return Err(errno);
            }
            Ok(res) => {
                let (data, obj) = (request.aio_data, address as u64);
                *cell.event.get() = io_event { data, obj, res, res2: 0 };
                cell.state.store(FULL, Ordering::Release);
            }
        }
        if signals {
            let _ = file::signal(request.aio_resfd as c_int);
        }
    }
    Ok(())
}

/// What is ready of what a poll waits for; `EAGAIN` for nothing: there is nobody who could wait.
fn poll_now(request: &iocb) -> Result<i64> {
    match epoll::ready(request.aio_fildes as c_int, request.aio_buf as u32)? {
        0 => Err(Errno::EAGAIN),
        events => Ok(i64::from(events)),
    }
}

/// io_getevents() where the calling thread holds the CQ lock: up to `nr` events, with a wait for `min_nr`.
#[cold]
pub unsafe fn get_events(
    entry: &Entry,
    events: *mut io_event,
    (min_nr, nr): (usize, usize),
    deadline: Option<&Deadline>,
    sigmask: *const c_void,
) -> Result<usize> {
    let mut got = 0;
    // SAFETY: the call that was interrupted keeps the context; the events are the C caller's.
    unsafe {
        let context = entry.context();
        if nr > 0 {
            user::checked(events, nr.saturating_mul(size_of::<io_event>()))?;
        }
        loop {
            if !entry.is_live() {
                return Err(Errno::EINVAL);
            }
            while got < nr {
                let Some(event) = context.nested.pop().or_else(|| steal(context)) else { break };
                events.add(got).write(event);
                got += 1;
            }
            if got >= min_nr || deadline.is_some_and(Deadline::is_over) {
                return Ok(got);
            }
            let ready = crate::ring::inline::io_uring_cq_ready(context.ring());
            match enter(context, ready + 1, deadline, sigmask) {
                Err(Errno::ETIME) => return Ok(got),
                Err(errno) if got == 0 => return Err(errno),
                Err(_) => return Ok(got),
                Ok(_) => {}
            }
        }
    }
}

/// Takes an event that the interrupted call has not come to.
unsafe fn steal(context: &Context) -> Option<io_event> {
    let takes = |index| is_plain(&context.slots[index]) && context.nested.to_limbo(index);
    match context.slots.steal_done(takes) {
        Some(index) => {
            let slot = &context.slots[index];
            Some(event_of(slot, slot.request.aio_reserved2 as i64))
        }
        // SAFETY: as the caller says.
        None => unsafe { steal_cqe(context) },
    }
}

/// Whether a request has nothing to be given back but its slot.
fn is_plain(slot: &Slot) -> bool {
    slot.traits.load(Ordering::Relaxed) == 0 && slot.request.aio_flags & IOCB_FLAG_RESFD == 0
}

fn event_of(slot: &Slot, res: i64) -> io_event {
    io_event { data: slot.request.aio_data, obj: slot.address, res, res2: 0 }
}

/// Takes a CQE that the interrupted call has not come to, which finds one there that says nothing. Only of a request
/// that has nothing to be given back but its slot.
unsafe fn steal_cqe(context: &Context) -> Option<io_event> {
    // SAFETY: the calling thread has the CQ lock, in what it has interrupted.
    unsafe {
        let cq = &(*context.ring()).cq;
        let begun = context.nested.at.load(Ordering::Relaxed);
        let head = if begun & TAKING != 0 { begun as u32 } else { read_once(cq.khead) };
        let tail = io_uring_smp_load_acquire(cq.ktail);
        for ahead in 0..tail.wrapping_sub(head).min(cq.ring_entries) {
            let cqe = cq.cqes.add((head.wrapping_add(ahead) & cq.ring_mask) as usize);
            let (user_data, res) = ((*cqe).user_data, (*cqe).res);
            let Some(slot) = context.slots.get(user_data) else { continue };
            let is_running = slot.fate.load(Ordering::Relaxed) == Slot::RUNNING;
            if is_running && is_plain(slot) && context.nested.to_limbo(user_data as u32) {
                (&raw mut (*cqe).user_data).write(WAKE_UP);
                slot.fate.store(Slot::DONE, Ordering::Release);
                return Some(event_of(slot, i64::from(res)));
            }
        }
    }
    None
}
