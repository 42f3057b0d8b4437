//! liburing's own structs: the ring as an application holds it. Only pads ever changed.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;
use crate::abi::uring::{io_uring_cqe, io_uring_sqe, io_uring_zcrx_rqe};

/// The major version of the liburing release that this is a drop-in for.
pub const IO_URING_VERSION_MAJOR: c_int = 2;
/// The minor version of the liburing release that this is a drop-in for.
pub const IO_URING_VERSION_MINOR: c_int = 15;

/// `user_data` of the timeout that a wait submits when the kernel lacks `IORING_FEAT_EXT_ARG`.
pub const LIBURING_UDATA_TIMEOUT: __u64 = 0xffffffffffffffff;

/// The submission queue of a ring, as the application sees it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_sq {
    /// Shared: the server's index of the next entry to take.
    pub khead: *mut c_uint,
    /// Shared: the index behind the last entry submitted.
    pub ktail: *mut c_uint,
    /// Shared: the number of entries minus one. Read by programs built before 2.3.
    pub kring_mask: *mut c_uint,
    /// Shared: the number of entries. Read by programs built before 2.3.
    pub kring_entries: *mut c_uint,
    /// Shared: `IORING_SQ_*`.
    pub kflags: *mut c_uint,
    /// Shared: the count of entries refused for a bad index.
    pub kdropped: *mut c_uint,
    /// Shared: the index array; NULL with `IORING_SETUP_NO_SQARRAY`.
    pub array: *mut c_uint,
    /// The SQEs.
    pub sqes: *mut io_uring_sqe,
    /// The index of the first SQE that is not yet in the ring.
    pub sqe_head: c_uint,
    /// The index behind the last SQE handed out.
    pub sqe_tail: c_uint,
    /// The size of the ring's mapping in bytes.
    pub ring_sz: size_t,
    /// The ring's mapping.
    pub ring_ptr: *mut c_void,
    /// The number of entries minus one.
    pub ring_mask: c_uint,
    /// The number of entries.
    pub ring_entries: c_uint,
    /// The size of the SQEs' memory in bytes.
    pub sqes_sz: c_uint,
    /// Reserved: 0.
    pub pad: c_uint,
}

/// The completion queue of a ring, as the application sees it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_cq {
    /// Shared: the index of the next CQE to read.
    pub khead: *mut c_uint,
    /// Shared: the server's index behind the last CQE.
    pub ktail: *mut c_uint,
    /// Shared: the number of entries minus one. Read by programs built before 2.3.
    pub kring_mask: *mut c_uint,
    /// Shared: the number of entries. Read by programs built before 2.3.
    pub kring_entries: *mut c_uint,
    /// Shared: `IORING_CQ_*`; NULL on kernels without them.
    pub kflags: *mut c_uint,
    /// Shared: the count of CQEs lost for want of room.
    pub koverflow: *mut c_uint,
    /// The CQEs.
    pub cqes: *mut io_uring_cqe,
    /// The size of the ring's mapping in bytes.
    pub ring_sz: size_t,
    /// The ring's mapping; may be the submission queue's.
    pub ring_ptr: *mut c_void,
    /// The number of entries minus one.
    pub ring_mask: c_uint,
    /// The number of entries.
    pub ring_entries: c_uint,
    /// Reserved: 0.
    pub pad: [c_uint; 2],
}

/// A ring. The size has been 216 bytes since liburing 2.0; the application owns the struct.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring {
    /// The submission queue.
    pub sq: io_uring_sq,
    /// The completion queue.
    pub cq: io_uring_cq,
    /// `IORING_SETUP_*` that the ring was made with.
    pub flags: c_uint,
    /// The ring's file descriptor, or -1 when it has none.
    pub ring_fd: c_int,
    /// `IORING_FEAT_*` of the server.
    pub features: c_uint,
    /// What enter is called with: `ring_fd` or the registered index.
    pub enter_ring_fd: c_int,
    /// The library's own flags.
    pub int_flags: __u8,
    /// Reserved: 0.
    pub pad: [__u8; 3],
    /// Reserved: 0.
    pub pad2: c_uint,
}

/// The refill ring of a zero-copy receive queue, as the application sees it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_rq {
    /// Shared: the kernel's index of the next entry to take.
    pub khead: *mut __u32,
    /// Shared: the index behind the last entry given back.
    pub ktail: *mut __u32,
    /// The application's copy of the tail.
    pub rq_tail: __u32,
    /// The number of entries.
    pub ring_entries: c_uint,
    /// The entries.
    pub rqes: *mut io_uring_zcrx_rqe,
    /// The ring's mapping.
    pub ring_ptr: *mut c_void,
}

/// A walk over the CQEs that were ready when it began.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_cqe_iter {
    /// The ring's CQEs.
    pub cqes: *mut io_uring_cqe,
    /// The number of entries minus one.
    pub mask: c_uint,
    /// 1 if entries are 32 bytes, otherwise 0.
    pub shift: c_uint,
    /// The index of the next CQE.
    pub head: c_uint,
    /// The index behind the last CQE.
    pub tail: c_uint,
}
