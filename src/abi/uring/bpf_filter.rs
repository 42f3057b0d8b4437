//! `IORING_REGISTER_BPF_FILTER`: programs that judge requests at submission.
#![allow(non_camel_case_types, non_upper_case_globals)]

use crate::abi::ctypes::*;

// io_uring_bpf_filter.flags
/// Opcodes without a filter are denied.
pub const IO_URING_BPF_FILTER_DENY_REST: __u32 = 1;
/// Registration fails unless `pdu_size` is exactly the kernel's.
pub const IO_URING_BPF_FILTER_SZ_STRICT: __u32 = 2;

// io_uring_bpf.cmd_type
/// Add a filter.
pub const IO_URING_BPF_CMD_FILTER: __u32 = 1;

/// What the filter of `IORING_OP_SOCKET` sees.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_bpf_socket {
    /// `AF_*`.
    pub family: __u32,
    /// `SOCK_*`.
    pub r#type: __u32,
    /// The protocol.
    pub protocol: __u32,
}

/// What the filter of `IORING_OP_OPENAT` and `IORING_OP_OPENAT2` sees.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anon_io_uring_bpf_open {
    /// `O_*`.
    pub flags: __u64,
    /// The mode of a file that is created.
    pub mode: __u64,
    /// `RESOLVE_*`.
    pub resolve: __u64,
}

/// What is special to the opcode; `pdu_size` bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_bpf_ctx_request {
    /// For `IORING_OP_SOCKET`.
    pub socket: anon_io_uring_bpf_socket,
    /// For `IORING_OP_OPENAT` and `IORING_OP_OPENAT2`.
    pub open: anon_io_uring_bpf_open,
}

/// What a filter program reads about the request that it judges.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_bpf_ctx {
    /// The SQE's `user_data`.
    pub user_data: __u64,
    /// `IORING_OP_*`.
    pub opcode: __u8,
    /// `IOSQE_*`.
    pub sqe_flags: __u8,
    /// The size in bytes of what follows the padding.
    pub pdu_size: __u8,
    /// Reserved: 0.
    pub pad: [__u8; 5],
    /// What is special to the opcode.
    pub anon_request: anon_io_uring_bpf_ctx_request,
}

/// A classic BPF program for one opcode.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_bpf_filter {
    /// `IORING_OP_*` that is filtered.
    pub opcode: __u32,
    /// `IO_URING_BPF_FILTER_*`.
    pub flags: __u32,
    /// The number of instructions.
    pub filter_len: __u32,
    /// The size in bytes of the opcode's part of `struct io_uring_bpf_ctx` that the program
    /// expects.
    pub pdu_size: __u8,
    /// Reserved: 0.
    pub resv: [__u8; 3],
    /// The address of the instructions, an array of `struct sock_filter`.
    pub filter_ptr: __u64,
    /// Reserved: 0.
    pub resv2: [__u64; 5],
}

/// The argument of the command.
#[repr(C)]
#[derive(Clone, Copy)]
pub union anon_io_uring_bpf_filter {
    /// For `IO_URING_BPF_CMD_FILTER`.
    pub filter: io_uring_bpf_filter,
}

/// The argument of `IORING_REGISTER_BPF_FILTER`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct io_uring_bpf {
    /// `IO_URING_BPF_CMD_*`.
    pub cmd_type: __u16,
    /// Flags of the command; 0.
    pub cmd_flags: __u16,
    /// Reserved: 0.
    pub resv: __u32,
    /// The argument of the command.
    pub anon_filter: anon_io_uring_bpf_filter,
}
