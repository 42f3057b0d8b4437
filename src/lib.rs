//! anyring: a ring is a ring, whoever serves it. ARCHITECTURE.md describes the rooms.
#![no_std]

extern crate alloc;

pub mod abi;
pub mod aio;
pub mod backing;
pub mod ring;
pub mod soft;
pub mod sys;
