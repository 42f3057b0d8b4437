//! libaio's own names for aio's wire format, as <libaio.h> has them: the same bytes as in
//! [`aio`](super::aio).
#![allow(non_camel_case_types)]

use super::ctypes::*;

/// Reads and writes, and what all requests have in common.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_iocb_common {
    /// The data.
    pub buf: *mut c_void,
    /// Its bytes.
    pub nbytes: c_ulong,
    /// Position in the file.
    pub offset: __s64,
    /// 0.
    pub reserved: __s64,
    /// Whether `resfd` is an eventfd to signal.
    pub flags: c_uint,
    /// That eventfd.
    pub resfd: c_uint,
}

/// Vectored reads and writes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_iocb_vector {
    /// The pieces of data.
    pub vec: *const iovec,
    /// How many.
    pub nr: c_ulong,
    /// Position in the file.
    pub offset: __s64,
}

/// Polls.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_iocb_poll {
    /// `POLL*`.
    pub events: c_int,
}

/// Socket addresses; no request uses them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_iocb_sockaddr {
    /// The address.
    pub addr: *mut sockaddr,
    /// Its bytes.
    pub len: c_ulong,
}

/// What depends on the operation.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_iocb_u {
    /// Reads and writes.
    pub c: io_iocb_common,
    /// Vectored reads and writes.
    pub v: io_iocb_vector,
    /// Polls.
    pub poll: io_iocb_poll,
    /// Socket addresses.
    pub saddr: io_iocb_sockaddr,
}

/// A request.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct iocb {
    /// Comes back in the event.
    pub data: *mut c_void,
    /// 0.
    pub key: c_uint,
    /// `RWF_*`.
    pub aio_rw_flags: c_uint,
    /// `IO_CMD_*`.
    pub aio_lio_opcode: i16,
    /// I/O priority.
    pub aio_reqprio: i16,
    /// The file.
    pub aio_fildes: c_int,
    /// The operation's own.
    pub u: anon_iocb_u,
}

/// A completion.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_event {
    /// The request's `data`.
    pub data: *mut c_void,
    /// The request.
    pub obj: *mut iocb,
    /// Bytes, poll events, 0, or -errno.
    pub res: c_ulong,
    /// 0; flags of rings.
    pub res2: c_ulong,
}

/// `iocb.aio_lio_opcode`.
#[repr(C)]
pub enum io_iocb_cmd {
    /// pread(2).
    IO_CMD_PREAD = 0,
    /// pwrite(2).
    IO_CMD_PWRITE = 1,
    /// fsync(2).
    IO_CMD_FSYNC = 2,
    /// fdatasync(2).
    IO_CMD_FDSYNC = 3,
    /// poll(2) on one file, once.
    IO_CMD_POLL = 5,
    /// Nothing; no kernel serves it.
    IO_CMD_NOOP = 6,
    /// preadv(2).
    IO_CMD_PREADV = 7,
    /// pwritev(2).
    IO_CMD_PWRITEV = 8,
}

mod layout {
    use super::{io_event, iocb};
    use core::mem::{offset_of, size_of};
    use static_assertions::const_assert_eq;

    const_assert_eq!(size_of::<iocb>(), 64);
    const_assert_eq!(offset_of!(iocb, aio_rw_flags), 12);
    const_assert_eq!(offset_of!(iocb, aio_fildes), 20);
    const_assert_eq!(offset_of!(iocb, u), 24);
    const_assert_eq!(size_of::<io_event>(), 32);
}
