//! Whether threads share a descriptor table.

use super::{call, process};
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

const KCMP_VM: c_int = 1;
const KCMP_FILES: c_int = 2;

/// Whether two threads have a resource in common; none where a policy forbids to ask.
fn share(one: i32, other: i32, resource: c_int) -> Option<bool> {
    let args = [one as usize, other as usize, resource as usize, 0, 0, 0];
    // SAFETY: kcmp takes plain numbers.
    match unsafe { call(libc::SYS_kcmp, args) } {
        Ok(order) => Some(order == 0),
        Err(errno) if errno == super::Errno::of(libc::ESRCH) => Some(false),
        Err(_) => None,
    }
}

/// Whether the calling thread has another descriptor table than the process, which is its first thread; or, once that has
/// ended, the first other one that asked. Where nobody tells, it has not.
pub fn is_own() -> bool {
    static SECOND: AtomicI32 = AtomicI32::new(0);
    let (this, first) = (process::thread_id(), process::id());
    if this == first || share(this, first, KCMP_FILES) != Some(false) {
        return false;
    }
    // A thread that has ended has no memory.
    if share(this, first, KCMP_VM) == Some(true) {
        return true;
    }
    let second = SECOND.load(Ordering::Relaxed);
    if second != 0 && share(this, second, KCMP_VM) == Some(true) {
        return share(this, second, KCMP_FILES) == Some(false);
    }
    SECOND.store(this, Ordering::Relaxed);
    false
}

/// Whether the calling thread shares its descriptor table with another one of the process.
pub fn is_shared_with(thread: i32) -> bool {
    share(process::thread_id(), thread, KCMP_FILES) != Some(false)
}
