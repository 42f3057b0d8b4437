/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Ordered access to the words that a ring shares with its server. The compilers' builtins serve C and
 * C++ alike, and sanitizers know them.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_BARRIER_H
#define LIBURING_BARRIER_H

/* One access to `var`, not ordered against others. */
#define IO_URING_READ_ONCE(var) __atomic_load_n(&(var), __ATOMIC_RELAXED)
#define IO_URING_WRITE_ONCE(var, val) __atomic_store_n(&(var), (val), __ATOMIC_RELAXED)

/* What the writer of *p stored before its release is visible after the load. */
#define io_uring_smp_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)

/* Whoever acquires *p sees what was read and written before the store. */
#define io_uring_smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Stores before the fence are visible before loads after it are made. */
#define io_uring_smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)

#endif
