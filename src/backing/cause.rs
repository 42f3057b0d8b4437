//! Why the kernel makes no ring: what to tell the user, who may be able to change it.

use crate::sys::{env, process, Errno};
use core::ffi::CStr;

/// The cause of io_uring_setup(2)'s `answer`, as the first words of a sentence.
pub fn of(answer: Errno) -> &'static [u8] {
    match answer {
        Errno::ENOMEM => b"too little memory may be locked for io_uring (ulimit -l)",
        Errno::ENOSYS if is_older_than_io_uring() => b"this kernel is older than io_uring",
        _ if has_filter() && !is_disabled() => b"io_uring is blocked here by a seccomp policy",
        Errno::ENOSYS => b"this kernel has no io_uring",
        _ if is_disabled() => b"io_uring is blocked here by sysctl kernel.io_uring_disabled",
        _ => b"io_uring is blocked here by a security policy",
    }
}

/// Whether the process has a seccomp filter.
fn has_filter() -> bool {
    let mut text = [0u8; 4096];
    let status = env::read_file(c"/proc/thread-self/status", &mut text);
    status.split(|byte| *byte == b'\n').any(|line| line == b"Seccomp:\t2")
}

/// Whether the sysctl keeps this process from rings: 2 keeps all, 1 those without rights or a group.
fn is_disabled() -> bool {
    const SYSCTL: &CStr = c"/proc/sys/kernel/io_uring_disabled";
    let mut text = [0u8; 16];
    match env::read_file(SYSCTL, &mut text).first() {
        Some(b'2') => true,
        Some(b'1') => !process::is_root(),
        _ => false,
    }
}

fn is_older_than_io_uring() -> bool {
    const FIRST: (u32, u32) = (5, 1);
    process::kernel_version().is_some_and(|version| version < FIRST)
}
