//! The functions that C programs compile into themselves: `<libaio.h>`'s, and the helpers of
//! `<anyring/aio_abi.h>`. capi/headers translates their bodies to C, as those of
//! [`ring::inline`](crate::ring::inline).
//!
//! # Safety
//! Requests and rings are the caller's, valid and initialised as each function says.
#![allow(unsafe_op_in_unsafe_fn, clippy::missing_safety_doc)]
// In C, pointers to functions become pointers to data by a cast only.
#![allow(clippy::unnecessary_cast)]

pub mod prep;
pub mod queue;
