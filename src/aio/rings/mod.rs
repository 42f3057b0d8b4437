//! The SQ/CQ rings of 2018, served: contexts that io_setup2() makes with `IOCTX_FLAG_SCQRING`.
//!
//! Each has one ring of the backing. Requests go from the application's SQ ring to that ring's SQ,
//! completions from its CQ to the application's CQ ring:
//!
//! - Without `SQTHREAD` the caller of io_ring_enter() does both, and a thread that sleeps meanwhile
//!   delivers what completes while the application is not inside (`reaper`).
//! - With `SQTHREAD` a thread does both (`sq_thread`), and io_ring_enter() wakes it or waits for it.
//!
//! What the application's memory says is read once and bounded; it can spoil its own results only.
//!
//! # Safety
//! Rings, requests and their buffers are the application's and must stay until the context is
//! destroyed, respectively until the request's event is there.

mod context;
mod enter;
pub mod mapped;
mod queues;
mod reap;
mod reaper;
mod refused;
mod service;
mod shape;
mod sq_thread;
mod submit;

pub(super) use context::of_leaving_thread;
pub use context::{destroy, setup, Rings, Setup};
pub use enter::enter;
pub use shape::{of_first_days, Shape};
