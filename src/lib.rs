//! anyring: a ring is a ring, whoever serves it. ARCHITECTURE.md describes the rooms.
#![no_std]

extern crate alloc;

pub mod abi;
pub mod aio;
pub mod backing;
pub mod ring;
pub mod soft;
pub mod sys;

/// Only rings that are served in this process take memory from it.
#[cfg(not(test))]
#[global_allocator]
pub(crate) static HEAP: sys::allocator::Heap = sys::allocator::Heap::new();
