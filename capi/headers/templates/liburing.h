/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The liburing 2.15 API, served by anyring.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIB_URING_H
#define LIB_URING_H

/* In strict dialects the C library says what a signal set or a set of CPUs is only to who asks for all it has. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#ifndef _SYS_WAIT_H
/* After <linux/wait.h> these are macros, which the C library has as enumerators of the same values. */
#undef P_ALL
#undef P_PID
#undef P_PGID
#if !defined(__GLIBC__) || __GLIBC__ > 2 || __GLIBC_MINOR__ >= 36
#undef P_PIDFD
#endif
#endif
#include <sys/wait.h>
#include <linux/swab.h>

/* A header before this one may have been included with less. */
#if defined(__GLIBC__) && !defined(__loff_t_defined)
typedef __loff_t loff_t;
#define __loff_t_defined
#endif

#include "liburing/compat.h"
#include "liburing/io_uring.h"
#include "liburing/io_uring/query.h"
#include "liburing/io_uring/bpf_filter.h"
#include "liburing/io_uring_version.h"
#include "liburing/barrier.h"

#ifndef uring_unlikely
#define uring_unlikely(cond) __builtin_expect(!!(cond), 0)
#endif
#ifndef uring_likely
#define uring_likely(cond) __builtin_expect(!!(cond), 1)
#endif

/* Inside of an if: it stays a branch, so that the processor goes on by its guess. */
#define uring_keep_branch() __asm__ __volatile__("")

/*
 * The functions that have their body here. From C++20 on they are `inline` with external linkage, so
 * that modules can export what uses them.
 */
#ifndef IOURINGINLINE
#if defined(__cplusplus) && __cplusplus >= 202002L
#define IOURINGINLINE inline
#else
#define IOURINGINLINE static inline
#endif
#endif

#ifdef __cplusplus
#define LIBURING_NOEXCEPT noexcept
#else
#define LIBURING_NOEXCEPT
#endif

/* The symbol of a function whose name a macro of liburing/io_uring.h may stand for. */
#define LIBURING_SYMBOL(name) __asm__(name)

#ifdef __cplusplus
extern "C" {
#endif

struct epoll_event;
struct statx;

@types@

@prototypes@

/* sqe->user_data and cqe->user_data of 64 bits have functions of their own. */
#define LIBURING_HAVE_DATA64

/* The index of the CQE that a head or tail stands for. */
#define io_uring_cqe_index(ring, ptr, mask) (((ptr) & (mask)) << io_uring_cqe_shift(ring))

/*
 * Walks over the CQEs that are there now: `cqe` is each of them in turn, `at` its place in the CQ.
 * They stay in the CQ until io_uring_cq_advance() gives back as many slots as they take.
 */
#define io_uring_for_each_cqe(ring, at, cqe)                                            \
	for (struct io_uring_cqe_iter uring_iter_ = io_uring_cqe_iter_init(ring);       \
	     (at) = uring_iter_.head, io_uring_cqe_iter_next(&uring_iter_, &(cqe));     \
	     (void)(at))

@inline functions@

#ifdef __cplusplus
}
#endif

/* True when these headers are OLDER than the version asked for, as io_uring_check_version(). */
#define IO_URING_CHECK_VERSION(major, minor)                                            \
	((major) > IO_URING_VERSION_MAJOR ||                                            \
	 ((major) == IO_URING_VERSION_MAJOR && (minor) > IO_URING_VERSION_MINOR))

#endif
