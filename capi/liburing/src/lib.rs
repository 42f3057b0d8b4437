//! liburing's C face. Each function converts its arguments and delegates to `anyring::ring`; the
//! functions that liburing.h defines inline come from `anyring::ring::inline` and are exported for
//! those who cannot use a header. `liburing.map` and `liburing-ffi.map` say which library shows what.
//!
//! # Safety
//! As C callers know it: a `struct io_uring` pointer is to a ring that an init function filled in and
//! that was not exited; other pointers are valid for what the function's comment says. Where NULL is
//! allowed, the comment says so.
#![no_std]
#![allow(clippy::missing_safety_doc)] // the section above holds for each of them

mod answer;
pub mod queue;
pub mod register;
pub mod resource;
pub mod setup;
pub mod syscall;
pub mod version;

pub use anyring::ring::inline;

use anyring_mem as _;
use anyring_panic as _;
