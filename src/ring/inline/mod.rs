//! The functions that C programs compile into themselves.
//!
//! They are written once, here. As they stand they are symbols of the ffi library and serve the rest
//! of this crate; capi/headers translates their bodies to C for liburing.h. The bodies keep to what
//! that translator knows (capi/headers/README.md); it names file and line of anything else.
//!
//! # Safety
//! As in the module [`ring`](super): SQE pointers come from `io_uring_get_sqe` (or are to an SQE of
//! the caller's), `ring` is an initialised ring, CQE pointers are to CQEs that were not given back.
//! Prep functions store the addresses that they are handed and follow none: what is there must live
//! until the request's completion, unless the server says `IORING_FEAT_SUBMIT_STABLE` and the
//! structure is one that it copies at submission.
// Nearly every line of these bodies goes through the caller's pointer: an unsafe block per line, or
// one around each body, would say nothing that the section above does not.
#![allow(unsafe_op_in_unsafe_fn, clippy::missing_safety_doc)]

pub mod buf_ring;
pub mod cq;
pub mod cqe;
pub mod prep_cancel;
pub mod prep_file;
pub mod prep_fs;
pub mod prep_net;
pub mod prep_open;
pub mod prep_poll;
pub mod prep_process;
pub mod prep_ring;
pub mod prep_rw;
pub mod prep_send;
pub mod prep_splice;
pub mod prep_timeout;
pub mod prep_uring_cmd;
pub mod prep_xattr;
pub mod probe;
pub mod recvmsg;
pub mod sq;
pub mod sqe;
pub mod wait;

pub use buf_ring::*;
pub use cq::*;
pub use cqe::*;
pub use prep_cancel::*;
pub use prep_file::*;
pub use prep_fs::*;
pub use prep_net::*;
pub use prep_open::*;
pub use prep_poll::*;
pub use prep_process::*;
pub use prep_ring::*;
pub use prep_rw::*;
pub use prep_send::*;
pub use prep_splice::*;
pub use prep_timeout::*;
pub use prep_uring_cmd::*;
pub use prep_xattr::*;
pub use probe::*;
pub use recvmsg::*;
pub use sq::*;
pub use sqe::*;
pub use wait::*;

mod dialect;
