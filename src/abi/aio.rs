//! Linux aio's wire format, as <linux/aio_abi.h> has it: requests and events.
#![allow(non_camel_case_types)]

use super::ctypes::*;

/// A request: 64 bytes that the caller fills in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct iocb {
    /// Returned in the event's `data`.
    pub aio_data: __u64,
    /// Written by the server; 0.
    pub aio_key: __u32,
    /// `RWF_*` for reads and writes.
    pub aio_rw_flags: __kernel_rwf_t,
    /// `IOCB_CMD_*`.
    pub aio_lio_opcode: __u16,
    /// I/O priority, with [`IOCB_FLAG_IOPRIO`].
    pub aio_reqprio: i16,
    /// The file.
    pub aio_fildes: __u32,
    /// The buffer, the `iovec` array, or the poll events.
    pub aio_buf: __u64,
    /// Bytes, or entries of the `iovec` array.
    pub aio_nbytes: __u64,
    /// Position in the file.
    pub aio_offset: __s64,
    /// 0.
    pub aio_reserved2: __u64,
    /// `IOCB_FLAG_*`.
    pub aio_flags: __u32,
    /// The eventfd to signal, with [`IOCB_FLAG_RESFD`].
    pub aio_resfd: __u32,
}

/// A completion.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_event {
    /// The request's `aio_data`.
    pub data: __u64,
    /// The request's address.
    pub obj: __u64,
    /// The result: bytes, poll events, 0, or -errno.
    pub res: __s64,
    /// 0.
    pub res2: __s64,
}

/// What stands at a context's address, before its ring of events: programs may reap there by themselves.
#[repr(C)]
pub struct aio_ring {
    /// The kernel's number of the context.
    pub id: __u32,
    /// Events that the ring has room for, one of which stays free.
    pub nr: __u32,
    /// The oldest event; advanced by who reaps.
    pub head: __u32,
    /// Where the next event will stand.
    pub tail: __u32,
    /// [`AIO_RING_MAGIC`] in contexts of the kernel's.
    pub magic: __u32,
    /// 1.
    pub compat_features: __u32,
    /// 0.
    pub incompat_features: __u32,
    /// Bytes before the events.
    pub header_length: __u32,
}

/// pread(2).
pub const IOCB_CMD_PREAD: __u16 = 0;
/// pwrite(2).
pub const IOCB_CMD_PWRITE: __u16 = 1;
/// fsync(2).
pub const IOCB_CMD_FSYNC: __u16 = 2;
/// fdatasync(2).
pub const IOCB_CMD_FDSYNC: __u16 = 3;
/// poll(2) on one file, once.
pub const IOCB_CMD_POLL: __u16 = 5;
/// preadv(2).
pub const IOCB_CMD_PREADV: __u16 = 7;
/// pwritev(2).
pub const IOCB_CMD_PWRITEV: __u16 = 8;

/// `aio_resfd` is an eventfd to signal upon completion.
pub const IOCB_FLAG_RESFD: __u32 = 1;
/// `aio_reqprio` is an I/O priority.
pub const IOCB_FLAG_IOPRIO: __u32 = 2;

/// What a user-space reaper looks for in `aio_ring.magic`, at byte 16 of a context of the kernel's.
pub const AIO_RING_MAGIC: __u32 = 0xa10a_10a1;

mod layout {
    use super::{aio_ring, io_event, iocb};
    use core::mem::{offset_of, size_of};
    use static_assertions::const_assert_eq;

    const_assert_eq!(size_of::<iocb>(), 64);
    const_assert_eq!(offset_of!(iocb, aio_rw_flags), 12);
    const_assert_eq!(offset_of!(iocb, aio_lio_opcode), 16);
    const_assert_eq!(offset_of!(iocb, aio_fildes), 20);
    const_assert_eq!(offset_of!(iocb, aio_buf), 24);
    const_assert_eq!(offset_of!(iocb, aio_offset), 40);
    const_assert_eq!(offset_of!(iocb, aio_resfd), 60);
    const_assert_eq!(size_of::<io_event>(), 32);
    const_assert_eq!(size_of::<aio_ring>(), 32);
    const_assert_eq!(offset_of!(aio_ring, magic), 16);
}
