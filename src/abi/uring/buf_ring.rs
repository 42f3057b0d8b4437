//! Provided buffer rings.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

/// `flags` of `struct io_uring_buf_reg`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_register_pbuf_ring_flags {
    /// The kernel allocates the ring; map it at `IORING_OFF_PBUF_RING`.
    IOU_PBUF_RING_MMAP = 1,
    /// A buffer is used up piece by piece, over several requests.
    IOU_PBUF_RING_INC,
}

/// A buffer in a provided buffer ring.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf {
    /// The buffer's address.
    pub addr: __u64,
    /// The buffer's length in bytes.
    pub len: __u32,
    /// The buffer's ID, which the CQE reports.
    pub bid: __u16,
    /// Reserved. In entry 0, the ring's tail.
    pub resv: __u16,
}

/// The tail lies over entry 0's reserved field.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_buf_ring_header {
    /// Lies over `bufs[0].addr`.
    pub resv1: __u64,
    /// Lies over `bufs[0].len`.
    pub resv2: __u32,
    /// Lies over `bufs[0].bid`.
    pub resv3: __u16,
    /// The application's index behind the last buffer; wraps at 65536.
    pub tail: __u16,
}

/// Header and entries share their memory.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_buf_ring_ring {
    /// The view with the tail.
    pub anon_header: anon_io_uring_buf_ring_header,
    /// The entries, a power of two of them.
    pub bufs: [io_uring_buf; 0],
}

/// A ring of buffers that the application provides for requests with `IOSQE_BUFFER_SELECT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf_ring {
    /// Header and entries.
    pub anon_ring: anon_io_uring_buf_ring_ring,
}

/// The argument of `IORING_REGISTER_PBUF_RING` and `IORING_UNREGISTER_PBUF_RING`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf_reg {
    /// The ring's address, on a page; 0 with `IOU_PBUF_RING_MMAP`.
    pub ring_addr: __u64,
    /// A power of two, at most 32768.
    pub ring_entries: __u32,
    /// The buffer group.
    pub bgid: __u16,
    /// `IOU_PBUF_RING_*`.
    pub flags: __u16,
    /// With `IOU_PBUF_RING_INC`: a buffer with fewer bytes left is not used on.
    pub min_left: __u32,
    /// Reserved: 0.
    pub resv: [__u32; 5],
}

/// The argument of `IORING_REGISTER_PBUF_STATUS`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf_status {
    /// In: the buffer group.
    pub buf_group: __u32,
    /// Out: the index of the next buffer that will be taken.
    pub head: __u32,
    /// Reserved: 0.
    pub resv: [__u32; 8],
}
