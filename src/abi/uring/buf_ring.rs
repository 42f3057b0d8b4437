#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_register_pbuf_ring_flags {
    IOU_PBUF_RING_MMAP = 1,
    IOU_PBUF_RING_INC,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf {
    pub addr: __u64,
    pub len: __u32,
    pub bid: __u16,
    pub resv: __u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_buf_ring_header {
    pub resv1: __u64,
    pub resv2: __u32,
    pub resv3: __u16,
    pub tail: __u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_buf_ring_ring {
    pub anon_header: anon_io_uring_buf_ring_header,
    pub bufs: [io_uring_buf; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf_ring {
    pub anon_ring: anon_io_uring_buf_ring_ring,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf_reg {
    pub ring_addr: __u64,
    pub ring_entries: __u32,
    pub bgid: __u16,
    pub flags: __u16,
    pub min_left: __u32,
    pub resv: [__u32; 5],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_buf_status {
    pub buf_group: __u32,
    pub head: __u32,
    pub resv: [__u32; 8],
}
