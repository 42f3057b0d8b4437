//! The LD_PRELOAD library: what an unmodified program calls of libaio and liburing, and the system
//! calls behind them when it makes these through libc's `syscall()`.
//!
//! Loading it runs no code and makes nothing; only what a program calls here does something. Where
//! `syscall()` has no entry of ours (see `arch`), it stays libc's.
//!
//! # Safety
//! As C callers know it: arguments are what the call of that number takes.
#![no_std]
#![allow(clippy::missing_safety_doc)] // the section above holds for each of them

// The faces' functions are exported under their own names.
use anyring_libaio as _;
use anyring_liburing as _;

#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod arch;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod callers;
mod descriptors;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod serve;
