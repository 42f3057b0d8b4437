/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What io_uring_register_query() asks and is answered.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_IO_URING_QUERY_H
#define LIBURING_IO_URING_QUERY_H

#include <linux/fs.h>
#include <linux/time_types.h>
#include <linux/types.h>

#ifdef LINUX_IO_URING_QUERY_H
/*
 * <linux/io_uring/query.h> came first and may be older. What it defines goes out of the way: from here
 * on, its names stand for the definitions below.
 */
#undef io_uring_query_hdr
#define io_uring_query_hdr liburing_io_uring_query_hdr
#undef io_uring_query_opcode
#define io_uring_query_opcode liburing_io_uring_query_opcode
#undef io_uring_query_scq
#define io_uring_query_scq liburing_io_uring_query_scq
#undef io_uring_query_zcrx
#define io_uring_query_zcrx liburing_io_uring_query_zcrx
#undef IO_URING_QUERY_OPCODES
#undef IO_URING_QUERY_ZCRX
#undef IO_URING_QUERY_SCQ
#undef __IO_URING_QUERY_MAX
#else
/* Where it is included later, it has nothing to add. */
#define LINUX_IO_URING_QUERY_H
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One query in a list, for `IORING_REGISTER_QUERY`. */
struct io_uring_query_hdr {
	/* The address of the next header, or 0. */
	__u64 next_entry;
	/* The address of the answer's struct. */
	__u64 query_data;
	/* `IO_URING_QUERY_*`. */
	__u32 query_op;
	/* In: the size of the answer's struct in bytes; out: how much of it was filled. */
	__u32 size;
	/* Out: 0 or -errno for this query. */
	__s32 result;
	/* Reserved: 0. */
	__u32 __resv[3];
};

/* What a kernel offers. All out. */
struct io_uring_query_opcode {
	/* The number of `IORING_OP_*`. */
	__u32 nr_request_opcodes;
	/* The number of `IORING_REGISTER_*`. */
	__u32 nr_register_opcodes;
	/* `IORING_FEAT_*` that setup can report. */
	__u64 feature_flags;
	/* `IORING_SETUP_*` accepted. */
	__u64 ring_setup_flags;
	/* `IORING_ENTER_*` accepted. */
	__u64 enter_flags;
	/* `IOSQE_*` accepted. */
	__u64 sqe_flags;
	/* The number of `IO_URING_QUERY_*`. */
	__u32 nr_query_opcodes;
	/* Reserved: 0. */
	__u32 __pad;
};

/* The header in front of the rings. All out. */
struct io_uring_query_scq {
	/* Its size in bytes. */
	__u64 hdr_size;
	/* Its alignment in bytes. */
	__u64 hdr_alignment;
};

/* What zero-copy receive offers. All out. */
struct io_uring_query_zcrx {
	/* `flags` accepted in `struct io_uring_zcrx_ifq_reg`. */
	__u64 register_flags;
	/* `flags` accepted in `struct io_uring_zcrx_area_reg`. */
	__u64 area_flags;
	/* The number of `ZCRX_CTRL_*`. */
	__u32 nr_ctrl_opcodes;
	/* `ZCRX_FEATURE_*`. */
	__u32 features;
	/* The size of a refill ring's header in bytes. */
	__u32 rq_hdr_size;
	/* The alignment of a refill ring's header in bytes. */
	__u32 rq_hdr_alignment;
	/* Reserved: 0. */
	__u64 __resv2;
};

/* Opcodes and flags: `struct io_uring_query_opcode`. */
#define IO_URING_QUERY_OPCODES 0U

/* Zero-copy receive: `struct io_uring_query_zcrx`. */
#define IO_URING_QUERY_ZCRX 1U

/* The ring header with `IORING_SETUP_NO_MMAP`: `struct io_uring_query_scq`. */
#define IO_URING_QUERY_SCQ 2U

/* The number of queries known to this header. */
#define __IO_URING_QUERY_MAX 3U

#ifdef __cplusplus
}
#endif

#endif
