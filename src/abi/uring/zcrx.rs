//! Zero-copy receive.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

/// `flags` of `struct io_uring_zcrx_area_reg`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_zcrx_area_flags {
    /// The area is the dmabuf `dmabuf_fd`, not memory of the process.
    IORING_ZCRX_AREA_DMABUF = 1,
}

/// `flags` of `struct io_uring_zcrx_ifq_reg`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum zcrx_reg_flags {
    /// Use the interface queue that another ring exported; `if_idx` holds its file descriptor.
    ZCRX_REG_IMPORT = 1,
    /// No device: the queue only copies.
    ZCRX_REG_NODEV,
}

/// `features` of `struct io_uring_query_zcrx`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum zcrx_features {
    /// `rx_buf_len` may be chosen.
    ZCRX_FEATURE_RX_PAGE_SIZE = 1,
}

/// `op` of `struct zcrx_ctrl`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum zcrx_ctrl_op {
    /// Take in the refill ring's entries.
    ZCRX_CTRL_FLUSH_RQ,
    /// Make a file descriptor with which another ring can import the queue.
    ZCRX_CTRL_EXPORT,
    /// The number of operations known to this header.
    __ZCRX_CTRL_LAST,
}

// a token's area
/// The first bit of the area in an offset.
pub const IORING_ZCRX_AREA_SHIFT: __u32 = 0x30;

// a token's area
/// The bits of the area in an offset.
pub const IORING_ZCRX_AREA_MASK: __u64 = 0xffff000000000000;

/// An entry of the refill ring: a buffer given back.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_rqe {
    /// The offset of the buffer, with its area's token.
    pub off: __u64,
    /// The length in bytes.
    pub len: __u32,
    /// Reserved: 0.
    pub __pad: __u32,
}

/// The second half of the CQE of a zero-copy receive.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_cqe {
    /// The offset of the data, with its area's token.
    pub off: __u64,
    /// Reserved: 0.
    pub __pad: __u64,
}

/// Where the parts of the refill ring lie: bytes from the start of its region. Filled by
/// registration.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_offsets {
    /// The kernel's index of the next entry to take.
    pub head: __u32,
    /// The application's index behind the last entry.
    pub tail: __u32,
    /// The entries.
    pub rqes: __u32,
    /// Reserved: 0.
    pub __resv2: __u32,
    /// Reserved: 0.
    pub __resv: [__u64; 2],
}

/// The memory that receives the data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_area_reg {
    /// In: its address; with a dmabuf, the offset in it.
    pub addr: __u64,
    /// In: its length in bytes.
    pub len: __u64,
    /// Out: the area, to be or-ed into the offsets of refill entries.
    pub rq_area_token: __u64,
    /// In: `IORING_ZCRX_AREA_*`.
    pub flags: __u32,
    /// In: the dmabuf, with `IORING_ZCRX_AREA_DMABUF`.
    pub dmabuf_fd: __u32,
    /// Reserved: 0.
    pub __resv2: [__u64; 2],
}

/// The argument of `IORING_REGISTER_ZCRX_IFQ`: a network queue for zero-copy receive.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_ifq_reg {
    /// In: the index of the interface.
    pub if_idx: __u32,
    /// In: its receive queue.
    pub if_rxq: __u32,
    /// In and out: entries of the refill ring.
    pub rq_entries: __u32,
    /// In: `ZCRX_REG_*`.
    pub flags: __u32,
    /// In: the address of a `struct io_uring_zcrx_area_reg`.
    pub area_ptr: __u64,
    /// In: the address of a `struct io_uring_region_desc` for the refill ring.
    pub region_ptr: __u64,
    /// Out: the layout of the refill ring.
    pub offsets: io_uring_zcrx_offsets,
    /// Out: the queue's ID, for `zcrx_ifq_idx` of an SQE and for `struct zcrx_ctrl`.
    pub zcrx_id: __u32,
    /// In: the size of a receive buffer in bytes; 0 is the default.
    pub rx_buf_len: __u32,
    /// Reserved: 0.
    pub __resv: [__u64; 3],
}

/// The argument of `ZCRX_CTRL_FLUSH_RQ`: none yet.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zcrx_ctrl_flush_rq {
    /// Reserved: 0.
    pub __resv: [__u64; 6],
}

/// The argument of `ZCRX_CTRL_EXPORT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zcrx_ctrl_export {
    /// Out: the file descriptor.
    pub zcrx_fd: __u32,
    /// Reserved: 0.
    pub __resv1: [__u32; 11],
}

/// The argument of the operation.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_zcrx_ctrl_zc_export {
    /// For `ZCRX_CTRL_EXPORT`.
    pub zc_export: zcrx_ctrl_export,
    /// For `ZCRX_CTRL_FLUSH_RQ`.
    pub zc_flush: zcrx_ctrl_flush_rq,
}

/// The argument of `IORING_REGISTER_ZCRX_CTRL`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zcrx_ctrl {
    /// The queue: `zcrx_id` of its registration.
    pub zcrx_id: __u32,
    /// `ZCRX_CTRL_*`.
    pub op: __u32,
    /// Reserved: 0.
    pub __resv: [__u64; 2],
    /// The argument of the operation.
    pub anon_zc_export: anon_zcrx_ctrl_zc_export,
}
