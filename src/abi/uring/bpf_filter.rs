#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// io_uring_bpf_filter.flags
pub const IO_URING_BPF_FILTER_DENY_REST: __u32 = 1;
pub const IO_URING_BPF_FILTER_SZ_STRICT: __u32 = 2;

// io_uring_bpf.cmd_type
pub const IO_URING_BPF_CMD_FILTER: __u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_bpf_socket {
    pub family: __u32,
    pub r#type: __u32,
    pub protocol: __u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_bpf_open {
    pub flags: __u64,
    pub mode: __u64,
    pub resolve: __u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_bpf_ctx_request {
    pub socket: anon_io_uring_bpf_socket,
    pub open: anon_io_uring_bpf_open,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_bpf_ctx {
    pub user_data: __u64,
    pub opcode: __u8,
    pub sqe_flags: __u8,
    pub pdu_size: __u8,
    pub pad: [__u8; 5],
    pub anon_request: anon_io_uring_bpf_ctx_request,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_bpf_filter {
    pub opcode: __u32,
    pub flags: __u32,
    pub filter_len: __u32,
    pub pdu_size: __u8,
    pub resv: [__u8; 3],
    pub filter_ptr: __u64,
    pub resv2: [__u64; 5],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_bpf_filter {
    pub filter: io_uring_bpf_filter,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_bpf {
    pub cmd_type: __u16,
    pub cmd_flags: __u16,
    pub resv: __u32,
    pub anon_filter: anon_io_uring_bpf_filter,
}
