//! Threads that serve rings: nobody joins them, they end by themselves.
//!
//! They are the C library's threads where the program has one, so that what it does to each of its
//! threads (set-user-ID, cancellation of the process) reaches them; the reference is weak, because the
//! library links to no C library.

use super::heap::weak_address;
use super::{call, Errno, Result};
use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr::{null, null_mut};

core::arch::global_asm!(".weak pthread_create", ".weak pthread_detach");

/// Starts `main(arg)` in a thread that receives no signal. `EAGAIN` when there can be none.
///
/// # Safety
/// `arg` must be what `main` needs for as long as the thread runs.
pub unsafe fn spawn(
    main: extern "C" fn(*mut c_void) -> *mut c_void,
    arg: *mut c_void,
) -> Result<()> {
    type Main = extern "C" fn(*mut c_void) -> *mut c_void;
    type Create = unsafe extern "C" fn(*mut usize, *const c_void, Main, *mut c_void) -> c_int;
    type Detach = unsafe extern "C" fn(usize) -> c_int;
    let (create, detach) = (weak_address!("pthread_create"), weak_address!("pthread_detach"));
    if create == 0 || detach == 0 {
        return Err(Errno::EAGAIN);
    }
    let all = u64::MAX;
    let mut old = 0u64;
    // SAFETY: bound names are the C library's functions; the sets live in this frame.
    unsafe {
        let (create, detach) =
            (transmute::<usize, Create>(create), transmute::<usize, Detach>(detach));
        // The mask is inherited, so that no signal can come before the thread has set one.
        set_mask(&all, &mut old);
        let mut id = 0usize;
        let failed = create(&mut id, null(), main, arg);
        set_mask(&old, null_mut());
        match failed {
            0 => {
                detach(id);
                Ok(())
            }
            errno => Err(Errno::of(errno)),
        }
    }
}

pub use super::thread::set_name;

unsafe fn set_mask(new: *const u64, old: *mut u64) {
    let args = [libc::SIG_SETMASK as usize, new as usize, old as usize, 8, 0, 0];
    // SAFETY: the caller's sets are 8 bytes each.
    let _ = unsafe { call(libc::SYS_rt_sigprocmask, args) };
}
