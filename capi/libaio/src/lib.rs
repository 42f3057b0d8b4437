//! libaio's C face. Each function converts its arguments and delegates to `anyring::aio`.
//! `libaio.map` says under which node each symbol stands.
//!
//! # Safety
//! As C callers know it: pointers are valid for what the function's comment says, requests' buffers
//! until their event has been reaped. What cannot be an address is answered with -EFAULT.
#![no_std]
#![allow(clippy::missing_safety_doc)] // the section above holds for each of them

mod answer;
pub mod context;
pub mod queue;
pub mod rings;

use anyring_panic as _;
