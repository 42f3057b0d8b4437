#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// io_uring_query_hdr.query_op
pub const IO_URING_QUERY_OPCODES: __u32 = 0;
pub const IO_URING_QUERY_ZCRX: __u32 = 1;
pub const IO_URING_QUERY_SCQ: __u32 = 2;
pub const __IO_URING_QUERY_MAX: __u32 = 3;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_hdr {
    pub next_entry: __u64,
    pub query_data: __u64,
    pub query_op: __u32,
    pub size: __u32,
    pub result: __s32,
    pub __resv: [__u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_opcode {
    pub nr_request_opcodes: __u32,
    pub nr_register_opcodes: __u32,
    pub feature_flags: __u64,
    pub ring_setup_flags: __u64,
    pub enter_flags: __u64,
    pub sqe_flags: __u64,
    pub nr_query_opcodes: __u32,
    pub __pad: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_zcrx {
    pub register_flags: __u64,
    pub area_flags: __u64,
    pub nr_ctrl_opcodes: __u32,
    pub features: __u32,
    pub rq_hdr_size: __u32,
    pub rq_hdr_alignment: __u32,
    pub __resv2: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_query_scq {
    pub hdr_size: __u64,
    pub hdr_alignment: __u64,
}
