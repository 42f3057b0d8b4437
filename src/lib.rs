//! anyring: a ring is a ring, whoever serves it. ARCHITECTURE.md describes the rooms.
#![no_std]

pub mod abi;
