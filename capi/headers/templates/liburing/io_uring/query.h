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
@renamed@
#else
/* Where it is included later, it has nothing to add. */
#define LINUX_IO_URING_QUERY_H
#endif

#ifdef __cplusplus
extern "C" {
#endif

@types@

#ifdef __cplusplus
}
#endif

#endif
