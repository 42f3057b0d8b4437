/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The liburing release whose API this is.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_VERSION_H
#define LIBURING_VERSION_H

@version@

#endif
