/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * io_uring's wire format, as <linux/io_uring.h> of current kernels describes it.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_IO_URING_H
#define LIBURING_IO_URING_H

#include <linux/fs.h>
#include <linux/time_types.h>
#include <linux/types.h>

#ifdef LINUX_IO_URING_H
/*
 * <linux/io_uring.h> came first and may be older. What it defines goes out of the way: from here
 * on, its names stand for the definitions below.
 */
@renamed@
#else
/* Where it is included later, it has nothing to add. */
#define LINUX_IO_URING_H
#endif

#ifdef __cplusplus
extern "C" {
#endif

@types@

#ifdef __cplusplus
}
#endif

#endif
