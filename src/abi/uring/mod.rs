//! io_uring's wire format: what <linux/io_uring.h> of kernel 6.18 and later describes.

pub mod bpf_filter;
pub mod buf_ring;
pub mod cqe;
pub mod op;
pub mod query;
pub mod register;
pub mod setup;
pub mod sqe;
pub mod zcrx;

pub use bpf_filter::*;
pub use buf_ring::*;
pub use cqe::*;
pub use op::*;
pub use query::*;
pub use register::*;
pub use setup::*;
pub use sqe::*;
pub use zcrx::*;
