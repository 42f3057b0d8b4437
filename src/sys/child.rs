//! Children of the process.

use super::{call, Result};
use core::ffi::c_int;

/// waitid(2), which says what became of a child at `info`, a program's address. `ECHILD`, `EINVAL`, `EFAULT`,
/// `EINTR`.
///
/// # Safety
/// There must be room for a `siginfo_t`, or no memory at all.
pub unsafe fn wait(kind: u32, id: u32, info: u64, options: c_int) -> Result<()> {
    let args = [kind as usize, id as usize, info as usize, options as usize, 0, 0];
    // SAFETY: the kernel checks the address.
    unsafe { call(libc::SYS_waitid, args) }.map(drop)
}

/// Whether there is something to tell of a child now, which stays to be told.
pub fn is_there(kind: u32, id: u32, options: c_int) -> Result<bool> {
    // A siginfo_t: its third word is the signal's error, the fourth the child's id.
    let mut info = [0u64; 16];
    let options = options | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the info is this frame's.
    unsafe { wait(kind, id, info.as_mut_ptr() as u64, options) }?;
    Ok(info[0] as u32 != 0)
}

/// A descriptor of process `id`, closed on exec, readable when it has exited. `ESRCH`, `EMFILE`.
pub fn open(id: u32) -> Result<c_int> {
    // SAFETY: pidfd_open takes no pointer.
    unsafe { call(libc::SYS_pidfd_open, [id as usize, 0, 0, 0, 0, 0]) }.map(|fd| fd as c_int)
}
