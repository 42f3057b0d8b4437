/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What io_uring_register_bpf_filter() takes, and what a filter program sees.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_IO_URING_BPF_FILTER_H
#define LIBURING_IO_URING_BPF_FILTER_H

#include <linux/fs.h>
#include <linux/time_types.h>
#include <linux/types.h>

#ifdef LINUX_IO_URING_BPF_FILTER_H
/*
 * <linux/io_uring/bpf_filter.h> came first and may be older. What it defines goes out of the way: from here
 * on, its names stand for the definitions below.
 */
#undef io_uring_bpf
#define io_uring_bpf liburing_io_uring_bpf
#undef io_uring_bpf_ctx
#define io_uring_bpf_ctx liburing_io_uring_bpf_ctx
#undef io_uring_bpf_filter
#define io_uring_bpf_filter liburing_io_uring_bpf_filter
#undef IO_URING_BPF_FILTER_DENY_REST
#undef IO_URING_BPF_FILTER_SZ_STRICT
#undef IO_URING_BPF_CMD_FILTER
#else
/* Where it is included later, it has nothing to add. */
#define LINUX_IO_URING_BPF_FILTER_H
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A classic BPF program for one opcode. */
struct io_uring_bpf_filter {
	/* `IORING_OP_*` that is filtered. */
	__u32 opcode;
	/* `IO_URING_BPF_FILTER_*`. */
	__u32 flags;
	/* The number of instructions. */
	__u32 filter_len;
	/*
	 * The size in bytes of the opcode's part of `struct io_uring_bpf_ctx` that the program
	 * expects.
	 */
	__u8 pdu_size;
	/* Reserved: 0. */
	__u8 resv[3];
	/* The address of the instructions, an array of `struct sock_filter`. */
	__u64 filter_ptr;
	/* Reserved: 0. */
	__u64 resv2[5];
};

/* The argument of `IORING_REGISTER_BPF_FILTER`. */
struct io_uring_bpf {
	/* `IO_URING_BPF_CMD_*`. */
	__u16 cmd_type;
	/* Flags of the command; 0. */
	__u16 cmd_flags;
	/* Reserved: 0. */
	__u32 resv;
	/* The argument of the command. */
	union {
		/* For `IO_URING_BPF_CMD_FILTER`. */
		struct io_uring_bpf_filter filter;
	};
};

/* What a filter program reads about the request that it judges. */
struct io_uring_bpf_ctx {
	/* The SQE's `user_data`. */
	__u64 user_data;
	/* `IORING_OP_*`. */
	__u8 opcode;
	/* `IOSQE_*`. */
	__u8 sqe_flags;
	/* The size in bytes of what follows the padding. */
	__u8 pdu_size;
	/* Reserved: 0. */
	__u8 pad[5];
	/* What is special to the opcode. */
	union {
		/* For `IORING_OP_SOCKET`. */
		struct {
			/* `AF_*`. */
			__u32 family;
			/* `SOCK_*`. */
			__u32 type;
			/* The protocol. */
			__u32 protocol;
		} socket;
		/* For `IORING_OP_OPENAT` and `IORING_OP_OPENAT2`. */
		struct {
			/* `O_*`. */
			__u64 flags;
			/* The mode of a file that is created. */
			__u64 mode;
			/* `RESOLVE_*`. */
			__u64 resolve;
		} open;
	};
};

/* Opcodes without a filter are denied. */
#define IO_URING_BPF_FILTER_DENY_REST 1U

/* Registration fails unless `pdu_size` is exactly the kernel's. */
#define IO_URING_BPF_FILTER_SZ_STRICT 2U

/* Add a filter. */
#define IO_URING_BPF_CMD_FILTER 1U

#ifdef __cplusplus
}
#endif

#endif
