#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;
use crate::abi::uring::{io_uring_cqe, io_uring_sqe, io_uring_zcrx_rqe};

// user_data of the timeout SQE that a wait without IORING_FEAT_EXT_ARG submits
pub const LIBURING_UDATA_TIMEOUT: __u64 = 0xffffffffffffffff;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_sq {
    pub khead: *mut c_uint,
    pub ktail: *mut c_uint,
    pub kring_mask: *mut c_uint,
    pub kring_entries: *mut c_uint,
    pub kflags: *mut c_uint,
    pub kdropped: *mut c_uint,
    pub array: *mut c_uint,
    pub sqes: *mut io_uring_sqe,
    pub sqe_head: c_uint,
    pub sqe_tail: c_uint,
    pub ring_sz: size_t,
    pub ring_ptr: *mut c_void,
    pub ring_mask: c_uint,
    pub ring_entries: c_uint,
    pub sqes_sz: c_uint,
    pub pad: c_uint,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_cq {
    pub khead: *mut c_uint,
    pub ktail: *mut c_uint,
    pub kring_mask: *mut c_uint,
    pub kring_entries: *mut c_uint,
    pub kflags: *mut c_uint,
    pub koverflow: *mut c_uint,
    pub cqes: *mut io_uring_cqe,
    pub ring_sz: size_t,
    pub ring_ptr: *mut c_void,
    pub ring_mask: c_uint,
    pub ring_entries: c_uint,
    pub pad: [c_uint; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring {
    pub sq: io_uring_sq,
    pub cq: io_uring_cq,
    pub flags: c_uint,
    pub ring_fd: c_int,
    pub features: c_uint,
    pub enter_ring_fd: c_int,
    pub int_flags: __u8,
    pub pad: [__u8; 3],
    pub pad2: c_uint,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_rq {
    pub khead: *mut __u32,
    pub ktail: *mut __u32,
    pub rq_tail: __u32,
    pub ring_entries: c_uint,
    pub rqes: *mut io_uring_zcrx_rqe,
    pub ring_ptr: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_cqe_iter {
    pub cqes: *mut io_uring_cqe,
    pub mask: c_uint,
    pub shift: c_uint,
    pub head: c_uint,
    pub tail: c_uint,
}
