/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the API takes from the kernel's headers.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_COMPAT_H
#define LIBURING_COMPAT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <linux/openat2.h>
#include <linux/time_types.h>

/* <linux/io_uring.h> need not define struct __kernel_timespec. */
#ifndef UAPI_LINUX_IO_URING_H_SKIP_LINUX_TIME_TYPES_H
#define UAPI_LINUX_IO_URING_H_SKIP_LINUX_TIME_TYPES_H 1
#endif

/* Only its address is passed on; <linux/futex.h> of kernel 5.16 and later defines it. */
struct futex_waitv;

#ifndef BLOCK_URING_CMD_DISCARD
/* `uring_cmd` of a block device that discards a range, <linux/blkdev.h>: `_IO(0x12, 0)`. */
#define BLOCK_URING_CMD_DISCARD 4608U

/* `uring_cmd` of a block device that resets all zones, <linux/blkdev.h>: `_IO(0x12, 1)`. */
#define BLOCK_URING_CMD_ZONE_RESET_ALL 4609U
#endif

#endif
