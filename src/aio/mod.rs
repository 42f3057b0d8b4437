//! Linux aio served on rings: contexts for io_submit and io_getevents.
//!
//! The kernel's own aio reads a buffered file within io_submit, one request after another; on a ring
//! such reads are under way together, and what is cached is complete when io_submit returns.
//!
//! # Safety
//! Addresses of requests, events and their buffers come from C callers and must be valid for what the
//! functions say that they do; a request's buffers until its event has been reaped. NULL and addresses
//! that no user memory has are told from those and answered with `EFAULT`. Context ids are checked:
//! what is no context, or no longer, is answered with `EINVAL`.
#![allow(clippy::missing_safety_doc)] // the section above holds for each of them

mod cancel;
mod check;
pub mod context;
mod delivery;
mod eventfds;
mod events;
mod files;
mod ids;
mod in_place;
pub mod inline;
mod judge;
mod kept;
mod leaving;
mod lost;
pub mod mode;
mod nested;
mod pages;
mod reap;
pub mod registry;
mod request;
pub mod rings;
mod route;
mod slots;
mod submit;
pub mod user;
mod user_ring;
mod visits;

pub use events::Timing;
pub use route::{cancel, get_events, setup, submit};

use crate::sys::Result;
use registry::ContextId;

/// Ends a context of either kind: cancels what can be, waits for the rest.
pub fn destroy(id: ContextId) -> Result<()> {
    match registry::find_rings(id) {
        // SAFETY: the entry is a ring context's; the first to begin its removal ends it.
        Ok(entry) => unsafe { rings::destroy(entry) },
        Err(_) => route::destroy(id),
    }
}
