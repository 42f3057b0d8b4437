#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_zcrx_area_flags {
    IORING_ZCRX_AREA_DMABUF = 1,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum zcrx_reg_flags {
    ZCRX_REG_IMPORT = 1,
    ZCRX_REG_NODEV,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum zcrx_features {
    ZCRX_FEATURE_RX_PAGE_SIZE = 1,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum zcrx_ctrl_op {
    ZCRX_CTRL_FLUSH_RQ,
    ZCRX_CTRL_EXPORT,
    __ZCRX_CTRL_LAST,
}

// a token's area
pub const IORING_ZCRX_AREA_SHIFT: __u32 = 0x30;

// a token's area
pub const IORING_ZCRX_AREA_MASK: __u64 = 0xffff000000000000;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_rqe {
    pub off: __u64,
    pub len: __u32,
    pub __pad: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_cqe {
    pub off: __u64,
    pub __pad: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_offsets {
    pub head: __u32,
    pub tail: __u32,
    pub rqes: __u32,
    pub __resv2: __u32,
    pub __resv: [__u64; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_area_reg {
    pub addr: __u64,
    pub len: __u64,
    pub rq_area_token: __u64,
    pub flags: __u32,
    pub dmabuf_fd: __u32,
    pub __resv2: [__u64; 2],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_zcrx_ifq_reg {
    pub if_idx: __u32,
    pub if_rxq: __u32,
    pub rq_entries: __u32,
    pub flags: __u32,
    pub area_ptr: __u64,
    pub region_ptr: __u64,
    pub offsets: io_uring_zcrx_offsets,
    pub zcrx_id: __u32,
    pub rx_buf_len: __u32,
    pub __resv: [__u64; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zcrx_ctrl_flush_rq {
    pub __resv: [__u64; 6],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zcrx_ctrl_export {
    pub zcrx_fd: __u32,
    pub __resv1: [__u32; 11],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_zcrx_ctrl_zc_export {
    pub zc_export: zcrx_ctrl_export,
    pub zc_flush: zcrx_ctrl_flush_rq,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct zcrx_ctrl {
    pub zcrx_id: __u32,
    pub op: __u32,
    pub __resv: [__u64; 2],
    pub anon_zc_export: anon_zcrx_ctrl_zc_export,
}
