//! In place of the core's `soft`.

pub use crate::sys::atomic;

#[path = "../../../src/soft/inbox.rs"]
pub mod inbox;

#[path = "../../../src/soft/waiters.rs"]
pub mod waiters;
