//! Wire formats: the structs, flags and opcodes that programs and ring servers share, pinned by
//! compile-time assertions. This room imports no other.

pub mod aio;
pub mod aio_ring;
pub mod ctypes;
mod layout;
pub mod libaio;
pub mod liburing;
pub mod uring;
mod values;
