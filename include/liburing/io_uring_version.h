/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The liburing release whose API this is.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_VERSION_H
#define LIBURING_VERSION_H

/* The major version of the liburing release that this is a drop-in for. */
#define IO_URING_VERSION_MAJOR 2

/* The minor version of the liburing release that this is a drop-in for. */
#define IO_URING_VERSION_MINOR 15

#endif
