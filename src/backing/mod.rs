//! The seam: the four calls that a ring needs from whoever serves it.
//!
//! Everything above (`ring`, `aio`, the C faces) makes these four and no others; everything below
//! answers them with io_uring's ABI. Today one server stands behind the seam: the kernel.
//!
//! | call | what it does |
//! |---|---|
//! | [`setup`] | makes a ring of a number of entries, fills in its params, returns its fd |
//! | [`enter`] | submits SQEs and waits for CQEs |
//! | [`register`] | registers files, buffers and whatever else belongs to a ring |
//! | [`map`] | gives the ring's memory at an `IORING_OFF_*` offset |

mod kernel;

pub use kernel::{enter, map, register, setup};
