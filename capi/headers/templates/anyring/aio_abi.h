/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The SQ/CQ rings of 2018 for Linux aio, served by anyring's libaio: link with -laio.
 *
 * struct iocb and struct io_event are those of <libaio.h> when that was included before, else those of
 * <linux/aio_abi.h>; they are the same bytes.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef ANYRING_AIO_ABI_H
#define ANYRING_AIO_ABI_H

#include <stddef.h>
#include <linux/types.h>
#ifndef __LIBAIO_H
#include <linux/aio_abi.h>
#endif
#include "../liburing/barrier.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct io_context *io_context_t;

@types@

@prototypes@

@inline functions@

#ifdef __cplusplus
}
#endif

#endif
