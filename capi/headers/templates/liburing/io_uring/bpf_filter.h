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
@renamed@
#else
/* Where it is included later, it has nothing to add. */
#define LINUX_IO_URING_BPF_FILTER_H
#endif

#ifdef __cplusplus
extern "C" {
#endif

@types@

#ifdef __cplusplus
}
#endif

#endif
