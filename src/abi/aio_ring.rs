//! The SQ/CQ rings of 2018 for Linux aio: `io_setup2` and `io_ring_enter`.
//!
//! The application allocates both rings and the array of requests, each page aligned.
#![allow(non_camel_case_types)]

use super::aio::{io_event, iocb};
use super::ctypes::*;

/// The number of io_setup2(2) in the kernel that had it. Today x86-64 has another call there.
pub const AIO_RING_NR_SETUP2: c_int = 335;
/// The number of io_ring_enter(2) in the kernel that had it.
pub const AIO_RING_NR_ENTER: c_int = 336;

/// Completions are polled for: waits end with the number of events that they ask for.
pub const IOCTX_FLAG_IOPOLL: __u32 = 1;
/// The context has an SQ and a CQ ring.
pub const IOCTX_FLAG_SCQRING: __u32 = 2;
/// The requests' buffers at setup are the only ones that will be used.
pub const IOCTX_FLAG_FIXEDBUFS: __u32 = 4;
/// A thread takes requests from the SQ.
pub const IOCTX_FLAG_SQTHREAD: __u32 = 8;
/// Requests that would block run beside each other; errors arrive as events.
pub const IOCTX_FLAG_SQWQ: __u32 = 16;
/// With `IOCTX_FLAG_SQTHREAD`: the thread polls the SQ.
pub const IOCTX_FLAG_SQPOLL: __u32 = 32;

/// io_ring_enter: submit. Not needed: it submits when `to_submit` is not 0.
pub const IORING_FLAG_SUBMIT: __u32 = 1;
/// io_ring_enter: wait. Not needed: it waits when `min_complete` is not 0.
pub const IORING_FLAG_GETEVENTS: __u32 = 2;

/// In `aio_sq_ring.kflags`: the polling thread sleeps, io_ring_enter() wakes it.
pub const AIO_SQ_NEED_WAKEUP: __u16 = 1;
/// In `aio_sq_ring.sq_thread_cpu`: the thread may run on any CPU.
pub const AIO_RING_ANY_CPU: __u16 = 0xffff;

/// In `io_event.res2`: a buffered read was served from the page cache.
pub const IOEV_RES2_CACHEHIT: __s64 = 1;

/// The submission ring: indices into the array of requests. The header takes 64 bytes.
#[repr(C)]
pub struct aio_sq_ring {
    /// Written by the server: the next entry that it takes.
    pub head: __u32,
    /// Written by the application: behind the last entry that it filled in.
    pub tail: __u32,
    /// Entries in `array` and in the array of requests.
    pub nr_events: __u32,
    /// With `IOCTX_FLAG_SQTHREAD`: the CPU that the thread runs on; `AIO_RING_ANY_CPU`.
    pub sq_thread_cpu: __u16,
    /// With `IOCTX_FLAG_SQPOLL`, written by the server: `AIO_SQ_NEED_WAKEUP`.
    pub kflags: __u16,
    /// Address of the array of requests, of 64 bytes each.
    pub iocbs: __u64,
    /// 0.
    pub pad: [__u64; 5],
    /// Indices of requests.
    pub array: [__u32; 0],
}

/// The completion ring. The header takes 32 bytes.
#[repr(C)]
pub struct aio_cq_ring {
    /// Written by the application: the next event that it takes.
    pub head: __u32,
    /// Written by the server: behind the last event.
    pub tail: __u32,
    /// Entries in `events`: twice the SQ's.
    pub nr_events: __u32,
    /// 0.
    pub pad: [__u32; 5],
    /// The events.
    pub events: [io_event; 0],
}

/// Rings that the library mapped, for anyring_aio_get() and its kin. Heads and tails run freely.
#[repr(C)]
pub struct anyring_aio {
    /// The context.
    pub ctx: io_context_t,
    /// The SQ ring.
    pub sq: *mut aio_sq_ring,
    /// Its entries.
    pub sq_array: *mut __u32,
    /// The CQ ring.
    pub cq: *mut aio_cq_ring,
    /// Its events.
    pub cq_events: *mut io_event,
    /// The requests, `nr_events` of them.
    pub iocbs: *mut iocb,
    /// Entries of the SQ, a power of two; the CQ has twice as many.
    pub nr_events: c_uint,
    /// `IOCTX_FLAG_*`.
    pub flags: c_uint,
    /// Behind the last request that was taken.
    pub sq_tail: c_uint,
    /// Behind the last that was submitted.
    pub sq_submitted: c_uint,
    /// The mapping that all of it is in.
    pub memory: *mut c_void,
    /// Its bytes.
    pub mapped: size_t,
}

mod layout {
    use super::{aio_cq_ring, aio_sq_ring};
    use core::mem::{offset_of, size_of};
    use static_assertions::const_assert_eq;

    const_assert_eq!(size_of::<aio_sq_ring>(), 64);
    const_assert_eq!(offset_of!(aio_sq_ring, sq_thread_cpu), 12);
    const_assert_eq!(offset_of!(aio_sq_ring, kflags), 14);
    const_assert_eq!(offset_of!(aio_sq_ring, iocbs), 16);
    const_assert_eq!(offset_of!(aio_sq_ring, array), 64);
    const_assert_eq!(size_of::<aio_cq_ring>(), 32);
    const_assert_eq!(offset_of!(aio_cq_ring, events), 32);
}
