//! A ring context's life.

use super::queues::Queues;
use super::reap::STOP;
use super::service::Service;
use super::shape::Shape;
use crate::abi::aio::{io_event, iocb};
use crate::abi::aio_ring::*;
use crate::abi::ctypes::iovec;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::aio::cancel;
use crate::aio::context::{exit_ring, init_ring};
use crate::aio::files::Files;
use crate::aio::kept::HeldFiles;
use crate::aio::leaving::Submitter;
use crate::aio::registry::{self, ContextId, Entry};
use crate::aio::slots::Slots;
use crate::aio::user;
use crate::backing::Private;
use crate::ring::barrier::{read_once, write_once};
use crate::ring::register::register;
use crate::sys::clock::Deadline;
use crate::sys::{caller, fd, file, mem, peek, Errno, Result};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_uint, c_void};
use core::mem::{size_of, zeroed};
use core::sync::atomic::Ordering;

const KNOWN_FLAGS: u32 = IOCTX_FLAG_IOPOLL
    | IOCTX_FLAG_SCQRING
    | IOCTX_FLAG_FIXEDBUFS
    | IOCTX_FLAG_SQTHREAD
    | IOCTX_FLAG_SQWQ
    | IOCTX_FLAG_SQPOLL;
const NEED_RINGS: u32 = IOCTX_FLAG_FIXEDBUFS | IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQWQ;
/// What page that rings must be aligned to: the smallest of any kernel.
const PAGE: u64 = 4096;
/// Entries of an SQ, by the memory that slots for its requests take.
const MAX_EVENTS: u32 = 1 << 20;
/// Bytes of one fixed buffer.
const MAX_BUFFER: u64 = 4 << 20;
/// Buffers that a ring of the backing takes.
const MAX_REGISTERED: u32 = 1 << 14;
/// SQEs of the backing's ring: what one enter submits at the most.
const MAX_BATCH: u32 = 4096;
const MAX_CQES: u32 = 64 << 10;

/// What io_setup2() is called with.
pub struct Setup {
    /// Entries of the SQ.
    pub nr_events: u32,
    /// `IOCTX_FLAG_*`.
    pub flags: u32,
    /// The SQ ring.
    pub sq: *mut aio_sq_ring,
    /// The CQ ring.
    pub cq: *mut aio_cq_ring,
    /// How they are laid out.
    pub shape: Shape,
    /// With `IOCTX_FLAG_FIXEDBUFS` and embedded requests: the ones that name the buffers.
    pub buffers: *const iocb,
}

/// A ring context.
pub struct Rings {
    pub(super) setup: Setup,
    /// Threads and the words that they share with callers; all zero in a process that has none.
    pub(super) service: *mut Service,
    /// Held by the thread that is served, under the service's ring lock.
    inner: UnsafeCell<Inner>,
}

/// What belongs to the holder of the ring lock.
pub(super) struct Inner {
    pub ring: io_uring,
    private: Private,
    /// A caller that sleeps in the kernel can be woken by cancelling; before Linux 6.0 it looks now and then.
    pub wakes: bool,
    pub slots: Slots,
    pub queues: Queues,
    pub buffers: Buffers,
    pub files: Files,
    pub held: HeldFiles,
    pub submitter: Submitter,
    /// The kernel's ring gives up, or fails, what a thread has in flight that ends; with SQTHREAD it is ours.
    pub depends_on_threads: bool,
    pub flags: u32,
    service: *const Service,
    /// Completions wait for room in the application's CQ.
    pub backlog: bool,
    /// That was so, and no call has said it.
    pub overflowed: bool,
    /// Slot of the only request just submitted, whose EBADF the call itself returns.
    pub alone: Option<u32>,
    pub returned: bool,
    /// The eventfd that wakes the SQ thread, and where its value is read to; -1 without that thread.
    pub wake_fd: c_int,
    pub woken: u64,
    /// That read is in flight, or unsent.
    pub is_armed: bool,
    /// The server refuses something, and is asked again until then.
    pub refused_until: Option<Deadline>,
}

/// The buffers of a context with FIXEDBUFS.
pub(super) struct Buffers {
    table: *mut iovec,
    mapped: usize,
    /// Whether the backing's ring knows them.
    pub registered: bool,
}

impl Buffers {
    const NONE: Buffers = Buffers { table: core::ptr::null_mut(), mapped: 0, registered: false };

    /// Takes buffer i from request i.
    unsafe fn of_requests(requests: *const iocb, count: u32) -> Result<Buffers> {
        let mapped = count as usize * size_of::<iovec>();
        // SAFETY: a new mapping touches nothing that exists; the requests are the application's.
        unsafe {
            let table = mem::map_anonymous(mapped, 0)?.cast::<iovec>();
            let buffers = Buffers { table, mapped, registered: false };
            for index in 0..count as usize {
                let request = requests.add(index).read();
                let (base, len) = (request.aio_buf as *mut c_void, request.aio_nbytes);
                let usable = len != 0 && len <= MAX_BUFFER;
                if !usable || user::checked(base, len as usize).is_err() {
                    buffers.unmap();
                    return Err(Errno::EFAULT);
                }
                table.add(index).write(iovec { iov_base: base, iov_len: len as usize });
            }
            Ok(buffers)
        }
    }

    /// Hands them to the ring. A limit on locked memory may forbid that: then they are ordinary
    /// memory, and only the check of their bounds remains.
    unsafe fn register(&mut self, ring: *const io_uring, count: u32) {
        if self.table.is_null() || count > MAX_REGISTERED {
            return;
        }
        let opcode = io_uring_register_op::IORING_REGISTER_BUFFERS;
        // SAFETY: the table has `count` entries.
        self.registered = unsafe { register(ring, opcode, self.table.cast(), count) }.is_ok();
    }

    /// Whether `len` bytes at `start` are inside of buffer `index`.
    pub fn holds(&self, index: u32, start: u64, len: u64) -> bool {
        // SAFETY: the table has an entry for each request's index.
        let buffer = unsafe { self.table.add(index as usize).read() };
        let base = buffer.iov_base as u64;
        start >= base
            && start - base <= buffer.iov_len as u64
            && len <= buffer.iov_len as u64 - (start - base)
    }

    unsafe fn unmap(&self) {
        if !self.table.is_null() {
            // SAFETY: the mapping is our own; unmapping one that exists cannot fail.
            let _ = unsafe { mem::unmap(self.table.cast(), self.mapped) };
        }
    }
}

impl Setup {
    /// The usual one.
    pub fn indexed(
        nr_events: u32,
        flags: u32,
        sq: *mut aio_sq_ring,
        cq: *mut aio_cq_ring,
    ) -> Setup {
        let buffers = core::ptr::null();
        Setup { nr_events, flags, sq, cq, shape: Shape::Indexed, buffers }
    }

    /// How many events the CQ holds.
    pub(super) fn cq_length(&self) -> u32 {
        self.shape.cq_length(self.nr_events)
    }

    /// The checks of io_setup2(), in its order; returns the array of requests.
    unsafe fn check(&self) -> Result<*mut iocb> {
        let misaligned = |address: u64| address % PAGE != 0;
        if misaligned(self.sq as u64) || misaligned(self.cq as u64) {
            return Err(Errno::EINVAL);
        }
        let (nr, shape) = (self.nr_events, self.shape);
        let events = shape.cq_length(nr);
        user::checked(self.sq, size_of::<aio_sq_ring>() + shape.sq_bytes(nr))?;
        user::checked(self.cq, size_of::<aio_cq_ring>() + events as usize * size_of::<io_event>())?;
        if !peek::is_readable(self.sq as u64) || !peek::is_readable(self.cq as u64) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the rings are the application's.
        unsafe {
            let iocbs = match shape {
                Shape::Indexed => (*self.sq).iocbs,
                Shape::Embedded => self.sq.wrapping_add(1) as u64,
            };
            if shape == Shape::Indexed && misaligned(iocbs) {
                return Err(Errno::EINVAL);
            }
            if read_once(&raw const (*self.sq).nr_events) != nr
                || read_once(&raw const (*self.cq).nr_events) != events
            {
                return Err(Errno::EFAULT);
            }
            user::checked(iocbs as *mut iocb, self.nr_events as usize * size_of::<iocb>())
        }
    }
}

/// Makes a context as io_setup2() does. Without `IOCTX_FLAG_SCQRING` it is a plain one.
pub unsafe fn setup(setup: Setup) -> Result<ContextId> {
    let flags = setup.flags;
    let polls_alone = flags & (IOCTX_FLAG_SQTHREAD | IOCTX_FLAG_SQPOLL) == IOCTX_FLAG_SQPOLL;
    if flags & !KNOWN_FLAGS != 0 || setup.nr_events == 0 || polls_alone {
        return Err(Errno::EINVAL);
    }
    if flags & IOCTX_FLAG_SCQRING == 0 {
        // A plain one has no rings: another call had the same number for a while.
        if flags & NEED_RINGS != 0 || !setup.sq.is_null() || !setup.cq.is_null() {
            return Err(Errno::EINVAL);
        }
        return crate::aio::setup(setup.nr_events);
    }
    if setup.nr_events > MAX_EVENTS {
        return Err(Errno::EAGAIN);
    }
    // SAFETY: the rings are the application's; the context is new and ours.
    unsafe {
        let iocbs = setup.check()?;
        let rings = Rings::new(setup, iocbs)?;
        registry::insert_rings(rings).map(Entry::id).inspect_err(|_| Rings::free(rings))
    }
}

impl Rings {
    /// The context's memory: a mapping of its own, freed by [`free`](Self::free).
    unsafe fn new(setup: Setup, iocbs: *mut iocb) -> Result<*mut Rings> {
        // Threads are told apart.
        caller::is_of_c_library();
        // SAFETY: new mappings touch nothing that exists; what fails is taken back.
        unsafe {
            let buffers = match setup.flags & IOCTX_FLAG_FIXEDBUFS {
                0 => Buffers::NONE,
                _ if setup.shape == Shape::Embedded => {
                    Buffers::of_requests(setup.buffers, setup.nr_events)?
                }
                _ => Buffers::of_requests(iocbs, setup.nr_events)?,
            };
            let service = Service::map().inspect_err(|_| buffers.unmap())?;
            let inner = Inner::new(&setup, iocbs, buffers, service)
                .inspect_err(|_| Service::unmap(service))?;
            let memory = match mem::map_anonymous(size_of::<Rings>(), 0) {
                Ok(memory) => memory.cast::<Rings>(),
                Err(errno) => {
                    inner.free();
                    Service::unmap(service);
                    return Err(errno);
                }
            };
            write_once(&raw mut (*setup.sq).head, 0);
            write_once(&raw mut (*setup.sq).tail, 0);
            write_once(&raw mut (*setup.cq).head, 0);
            write_once(&raw mut (*setup.cq).tail, 0);
            if setup.flags & IOCTX_FLAG_SQPOLL != 0 {
                // The thread is made by the process that submits first: it has to call once.
                inner.queues.set_kflags(AIO_SQ_NEED_WAKEUP);
            }
            memory.write(Rings { setup, service, inner: UnsafeCell::new(inner) });
            Ok(memory)
        }
    }

    /// The threads' side.
    #[inline]
    pub(super) fn service(&self) -> &Service {
        // SAFETY: it is mapped as long as the context.
        unsafe { &*self.service }
    }

    /// What belongs to the holder of the ring lock.
    #[allow(clippy::mut_from_ref)] // the lock makes it exclusive
    #[inline]
    pub(super) unsafe fn inner(&self) -> &mut Inner {
        // SAFETY: the caller holds the ring lock.
        unsafe { &mut *self.inner.get() }
    }

    /// The same, for what does not change or is a word that is shared.
    pub(super) fn inner_without_lock(&self) -> *mut Inner {
        self.inner.get()
    }

    /// The CPU that the application wants the SQ thread on.
    pub(super) fn setup_cpu(&self) -> u16 {
        // SAFETY: the ring is the application's.
        unsafe { read_once(&raw const (*self.setup.sq).sq_thread_cpu) }
    }

    pub(super) fn has(&self, flag: u32) -> bool {
        self.setup.flags & flag != 0
    }

    /// Gives this process a ring of its own: it inherited the context by fork, and what is in flight
    /// on the inherited ring is the parent's.
    pub(super) unsafe fn adopt(&self) -> Result<()> {
        // SAFETY: the caller is inside alone, in a process without threads of this context.
        unsafe {
            let inner = self.inner();
            let (mut ring, mut private, slots) = new_ring(self.setup.nr_events)?;
            core::mem::swap(&mut inner.ring, &mut ring);
            core::mem::swap(&mut inner.private, &mut private);
            exit_ring(&mut ring, private);
            inner.slots.unmap();
            inner.slots = slots;
            // What the parent was about to say when it forked is said there.
            (inner.backlog, inner.overflowed, inner.returned) = (false, false, false);
            (inner.alone, inner.refused_until) = (None, None);
            inner.held = HeldFiles::new();
            inner.buffers.registered = false;
            inner.buffers.register(&inner.ring, self.setup.nr_events);
            if inner.wake_fd >= 0 {
                let old = core::mem::replace(&mut inner.wake_fd, fd::move_away(file::eventfd()?));
                close_wake_fd(old);
            }
        }
        self.service().present.store(1, Ordering::Release);
        Ok(())
    }

    /// Frees a context that nobody uses any more.
    pub unsafe fn free(rings: *mut Rings) {
        // SAFETY: the caller vouches for that. The memory is unmapped last.
        unsafe {
            (*rings).inner().free();
            Service::unmap((*rings).service);
            let _ = mem::unmap(rings.cast(), size_of::<Rings>());
        }
    }
}

impl Inner {
    unsafe fn new(
        setup: &Setup,
        iocbs: *mut iocb,
        mut buffers: Buffers,
        service: *const Service,
    ) -> Result<Inner> {
        // SAFETY: the ring is new; what fails is taken back.
        unsafe {
            let (mut ring, private, slots) =
                new_ring(setup.nr_events).inspect_err(|_| buffers.unmap())?;
            buffers.register(&ring, setup.nr_events);
            let wake_fd = match setup.flags & IOCTX_FLAG_SQTHREAD {
                0 => -1,
                _ => file::eventfd().map(fd::move_away).inspect_err(|_| {
                    exit_ring(&mut ring, private);
                    slots.unmap();
                    buffers.unmap();
                })?,
            };
            Ok(Inner {
                wakes: cancel::cancel_now(&ring, None) != Err(Errno::EINVAL),
                ring,
                private,
                slots,
                queues: Queues::new(setup, iocbs),
                buffers,
                files: Files::new(),
                held: HeldFiles::new(),
                submitter: Submitter::new(),
                depends_on_threads: private.is_kernels() && setup.flags & IOCTX_FLAG_SQTHREAD == 0,
                flags: setup.flags,
                service,
                backlog: false,
                overflowed: false,
                alone: None,
                returned: false,
                wake_fd,
                woken: 0,
                is_armed: false,
                refused_until: None,
            })
        }
    }

    /// A request signals an eventfd: its event is awaited elsewhere than in a call.
    pub fn deliver_promptly(&self) {
        // SAFETY: it is mapped as long as the context.
        unsafe { (*self.service).prompt.store(1, Ordering::Relaxed) };
    }

    /// Whether the context is being destroyed.
    pub fn is_ending(&self) -> bool {
        // SAFETY: it is mapped as long as the context.
        unsafe { (*self.service).stopping() }
    }

    /// Whether the program has closed the ring, which it does not know: nothing that is in flight comes any more.
    pub fn is_lost(&self) -> bool {
        !self.private.is_at(self.ring.ring_fd)
    }

    unsafe fn free(&self) {
        // SAFETY: the caller is the last user.
        unsafe {
            exit_ring((&raw const self.ring).cast_mut(), self.private);
            self.slots.unmap();
            self.buffers.unmap();
            close_wake_fd(self.wake_fd);
        }
    }
}

/// Closes the eventfd that wakes the SQ thread, unless its number is none, or another file's.
fn close_wake_fd(wake_fd: c_int) {
    if fd::check_eventfd(wake_fd).is_ok() {
        // SAFETY: it is ours.
        let _ = unsafe { fd::close(wake_fd) };
    }
}

/// A ring, and slots for what may be in flight: more than the CQ holds, since the application may
/// submit before it reaps.
unsafe fn new_ring(nr_events: u32) -> Result<(io_uring, Private, Slots)> {
    let slots = Slots::new(nr_events.saturating_mul(4).max(64))?;
    // SAFETY: params and ring may be zero; queue_init fills the ring in.
    unsafe {
        let mut params: io_uring_params = zeroed();
        let mut ring: io_uring = zeroed();
        params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        params.cq_entries = (2 * nr_events).next_power_of_two().clamp(16, MAX_CQES);
        let entries: c_uint = nr_events.clamp(8, MAX_BATCH);
        match init_ring(entries, &mut ring, &mut params) {
            Ok(private) => Ok((ring, private, slots)),
            Err(errno) => {
                slots.unmap();
                Err(errno)
            }
        }
    }
}

/// Ends a ring context: stops its thread, cancels what is in flight and waits for the rest.
pub unsafe fn destroy(entry: &Entry) -> Result<()> {
    registry::begin_removal_of_rings(entry)?;
    // SAFETY: the removal began in this call, so the context stays until it is finished below.
    unsafe {
        let rings = entry.rings();
        let inside = loop {
            match entry.inside().try_lock() {
                Some(guard) => break guard,
                // It waits for events: those of what is cancelled come at once.
                None => (*rings).interrupt(),
            }
            crate::sys::thread::sleep(200);
        };
        if (*rings).service().present.load(Ordering::Acquire) != 0 {
            (*rings).stop_thread();
            let inner = (*rings).inner();
            while inner.in_flight() > 0 && !inner.is_lost() {
                // That nothing was there to cancel, or that some is past it, changes nothing.
                if cancel_all(inner) == Err(Errno::EINVAL) {
                    cancel::cancel_each(&raw mut inner.ring, &inner.slots, STOP);
                    // What is past it is not asked again at once.
                    crate::sys::thread::sleep(200);
                }
                inner.discard();
            }
        }
        drop(inside);
        // Threads that are about to end look at it.
        while entry.visitors.load(Ordering::SeqCst) > 0 {
            crate::sys::thread::sleep(200);
        }
        registry::finish_removal_of_rings(entry);
    }
    Ok(())
}

/// The backing's ring and the requests of a live ring context that a thread looks at, `id`, which is about to end; none
/// if it need not.
pub(in crate::aio) unsafe fn of_leaving_thread(
    entry: &Entry,
    id: u32,
) -> Option<(*const io_uring, &'static Slots)> {
    // SAFETY: the caller is a visitor, who keeps the context. Without the lock only what does not change is used, and
    // words that are shared.
    unsafe {
        let rings = &*entry.rings();
        let inner = rings.inner_without_lock();
        (*inner).submitter.forget(id);
        let is_present = rings.service().present.load(Ordering::Acquire) != 0;
        (is_present && (*inner).depends_on_threads)
            .then(|| (&raw const (*inner).ring, &(*inner).slots))
    }
}

/// Cancels what can be, without the ring lock.
pub(super) unsafe fn cancel_all(inner: *const Inner) -> Result<()> {
    // SAFETY: nothing of the ring is touched but its descriptor.
    unsafe { cancel::cancel_now(&raw const (*inner).ring, None) }
}
