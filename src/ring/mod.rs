//! The client's side of a ring: what liburing's functions do.
//!
//! A ring is a `struct io_uring` in the caller's memory, laid out as in liburing since 2.0; its
//! pointers lead into memory that the ring's server shares. `inline` holds the functions that C
//! programs compile into themselves, the other modules those that they call in the library.
//!
//! # Safety
//! The functions take that struct by pointer, because one thread may submit while another reaps and
//! no reference to the whole would be unique. Callers uphold what liburing asks of its users: the
//! pointer is to a ring that [`setup`] initialised and that was not exited, and at a time at most one
//! thread works on its submission side and one on its completion side. Other pointers are valid for
//! what the function's documentation says that it reads or writes; the server checks those that it
//! is handed.
#![allow(clippy::missing_safety_doc)] // the section above holds for each of them

pub mod barrier;
pub mod buf_ring;
pub mod flags;
pub mod inline;
pub mod memory;
pub mod probe;
pub mod register;
pub mod resource;
pub mod ring_fd;
pub mod setup;
pub mod submit;
pub mod wait;
