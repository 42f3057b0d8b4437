//! Threads that serve rings: nobody joins them, they end by themselves.
//!
//! They are the C library's threads where the program has those, so that what it does to each of its
//! threads (set-user-ID, cancellation of the process) reaches them; the references are weak, because the
//! library links to no C library. In other programs, as static ones that make no thread, they are the
//! kernel's alone: they call nothing of a C library and touch nothing that belongs to a thread of it.

use super::crew::Library;
use super::inject::{self, Scarce};
use super::{arch, call, mem, Errno, Result};
use core::ffi::c_void;
use core::mem::size_of;
use core::ptr::null_mut;

/// What a thread does.
pub type Main = extern "C" fn(*mut c_void) -> *mut c_void;

/// Starts `main(arg)` in a thread that receives no signal. `EAGAIN` when there can be none.
///
/// # Safety
/// `arg` must be what `main` needs for as long as the thread runs.
pub unsafe fn spawn(main: Main, arg: *mut c_void) -> Result<()> {
    match inject::refusal(Scarce::Thread) {
        0 => {}
        errno => return Err(Errno::of(errno)),
    }
    // SAFETY: the caller vouches for the argument.
    unsafe {
        match Library::find() {
            Some(library) => library.spawn(main, arg),
            None => spawn_bare(main, arg),
        }
    }
}

/// A thread of the kernel's alone. It unmaps its stack when it ends.
unsafe fn spawn_bare(main: Main, arg: *mut c_void) -> Result<()> {
    /// What is done there is shallow.
    const STACK_SIZE: usize = 256 << 10;
    let flags = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM;
    let all = !super::interrupt::BIT;
    let mut old = 0u64;
    // SAFETY: the stack is new, and its end has room for what the thread begins with: its function, the
    // argument, and what to unmap.
    unsafe {
        let stack = mem::map_anonymous(STACK_SIZE, libc::MAP_STACK | libc::MAP_NORESERVE)?;
        let _ = mem::protect(stack, mem::PAGE_SIZE, libc::PROT_NONE);
        let start = stack.byte_add(STACK_SIZE - size_of::<[usize; 4]>()).cast::<[usize; 4]>();
        start.write([main as usize, arg as usize, stack as usize, STACK_SIZE]);
        set_mask(&all, &mut old);
        let made = arch::clone(flags as usize, start.cast());
        set_mask(&old, null_mut());
        if made < 0 {
            let _ = mem::unmap(stack, STACK_SIZE);
            return Err(Errno::EAGAIN);
        }
    }
    Ok(())
}

pub use super::crew::wait_until_gone;
pub use super::thread::set_name;

/// While it lives, the calling thread has no signal: for what a handler must not interrupt, and is done rarely.
pub struct Undisturbed {
    before: u64,
}

impl Undisturbed {
    /// From now on.
    pub fn begin() -> Self {
        let (all, mut before) = (!super::interrupt::BIT, 0);
        // SAFETY: the sets are this frame's.
        unsafe { set_mask(&all, &mut before) };
        Undisturbed { before }
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        // SAFETY: the set is its own.
        unsafe { set_mask(&self.before, null_mut()) };
    }
}

unsafe fn set_mask(new: *const u64, old: *mut u64) {
    let args = [libc::SIG_SETMASK as usize, new as usize, old as usize, 8, 0, 0];
    // SAFETY: the caller's sets are 8 bytes each.
    let _ = unsafe { call(libc::SYS_rt_sigprocmask, args) };
}
