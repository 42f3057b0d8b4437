//! `IORING_REGISTER_QUERY`: what a kernel offers, asked without a ring.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// io_uring_query_hdr.query_op
/// Opcodes and flags: `struct io_uring_query_opcode`.
pub const IO_URING_QUERY_OPCODES: __u32 = 0;
/// Zero-copy receive: `struct io_uring_query_zcrx`.
pub const IO_URING_QUERY_ZCRX: __u32 = 1;
/// The ring header with `IORING_SETUP_NO_MMAP`: `struct io_uring_query_scq`.
pub const IO_URING_QUERY_SCQ: __u32 = 2;
/// The number of queries known to this header.
pub const __IO_URING_QUERY_MAX: __u32 = 3;

/// One query in a list, for `IORING_REGISTER_QUERY`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_hdr {
    /// The address of the next header, or 0.
    pub next_entry: __u64,
    /// The address of the answer's struct.
    pub query_data: __u64,
    /// `IO_URING_QUERY_*`.
    pub query_op: __u32,
    /// In: the size of the answer's struct in bytes; out: how much of it was filled.
    pub size: __u32,
    /// Out: 0 or -errno for this query.
    pub result: __s32,
    /// Reserved: 0.
    pub __resv: [__u32; 3],
}

/// What a kernel offers. All out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_opcode {
    /// The number of `IORING_OP_*`.
    pub nr_request_opcodes: __u32,
    /// The number of `IORING_REGISTER_*`.
    pub nr_register_opcodes: __u32,
    /// `IORING_FEAT_*` that setup can report.
    pub feature_flags: __u64,
    /// `IORING_SETUP_*` accepted.
    pub ring_setup_flags: __u64,
    /// `IORING_ENTER_*` accepted.
    pub enter_flags: __u64,
    /// `IOSQE_*` accepted.
    pub sqe_flags: __u64,
    /// The number of `IO_URING_QUERY_*`.
    pub nr_query_opcodes: __u32,
    /// Reserved: 0.
    pub __pad: __u32,
}

/// What zero-copy receive offers. All out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_zcrx {
    /// `flags` accepted in `struct io_uring_zcrx_ifq_reg`.
    pub register_flags: __u64,
    /// `flags` accepted in `struct io_uring_zcrx_area_reg`.
    pub area_flags: __u64,
    /// The number of `ZCRX_CTRL_*`.
    pub nr_ctrl_opcodes: __u32,
    /// `ZCRX_FEATURE_*`.
    pub features: __u32,
    /// The size of a refill ring's header in bytes.
    pub rq_hdr_size: __u32,
    /// The alignment of a refill ring's header in bytes.
    pub rq_hdr_alignment: __u32,
    /// Reserved: 0.
    pub __resv2: __u64,
}

/// The header in front of the rings. All out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_scq {
    /// Its size in bytes.
    pub hdr_size: __u64,
    /// Its alignment in bytes.
    pub hdr_alignment: __u64,
}
