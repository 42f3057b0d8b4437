//! Threads that serve rings: nobody joins them, they end by themselves.
//!
//! They are the C library's threads where the program has those, so that what it does to each of its
//! threads (set-user-ID, cancellation of the process) reaches them; the references are weak, because the
//! library links to no C library. In other programs, as static ones that make no thread, they are the
//! kernel's alone: they call nothing of a C library and touch nothing that belongs to a thread of it.

use super::heap::weak_address;
use super::{arch, call, mem, Errno, Result};
use core::ffi::{c_int, c_void};
use core::mem::{size_of, transmute};
use core::ptr::{null, null_mut};

core::arch::global_asm!(
    ".weak pthread_create",
    ".weak pthread_detach",
    ".weak pthread_sigmask",
    ".weak sigfillset"
);

type Main = extern "C" fn(*mut c_void) -> *mut c_void;

/// Starts `main(arg)` in a thread that receives no signal. `EAGAIN` when there can be none.
///
/// # Safety
/// `arg` must be what `main` needs for as long as the thread runs.
pub unsafe fn spawn(main: Main, arg: *mut c_void) -> Result<()> {
    let library = Library {
        create: weak_address!("pthread_create"),
        detach: weak_address!("pthread_detach"),
        sigmask: weak_address!("pthread_sigmask"),
        fill: weak_address!("sigfillset"),
    };
    // SAFETY: the caller vouches for the argument.
    unsafe {
        match library {
            Library { create: 0, .. } | Library { detach: 0, .. } => spawn_bare(main, arg),
            Library { sigmask: 0, .. } | Library { fill: 0, .. } => spawn_bare(main, arg),
            _ => library.spawn(main, arg),
        }
    }
}

/// Addresses of the C library's functions.
struct Library {
    create: usize,
    detach: usize,
    sigmask: usize,
    fill: usize,
}

/// A signal set, of a C library.
type Set = [u64; 16];

impl Library {
    unsafe fn spawn(&self, main: Main, arg: *mut c_void) -> Result<()> {
        type Create = unsafe extern "C" fn(*mut usize, *const c_void, Main, *mut c_void) -> c_int;
        type Detach = unsafe extern "C" fn(usize) -> c_int;
        type Sigmask = unsafe extern "C" fn(c_int, *const Set, *mut Set) -> c_int;
        type Fill = unsafe extern "C" fn(*mut Set) -> c_int;
        let (mut all, mut old): (Set, Set) = ([0; 16], [0; 16]);
        // SAFETY: bound names are the C library's functions; the sets live in this frame.
        unsafe {
            let create = transmute::<usize, Create>(self.create);
            let detach = transmute::<usize, Detach>(self.detach);
            let sigmask = transmute::<usize, Sigmask>(self.sigmask);
            // The library leaves out the signals by which it reaches its threads: setuid() waits for
            // every one of them.
            transmute::<usize, Fill>(self.fill)(&mut all);
            // The mask is inherited, so that no signal can come before the thread has set one.
            sigmask(libc::SIG_SETMASK, &all, &mut old);
            let mut id = 0usize;
            let failed = create(&mut id, null(), main, arg);
            sigmask(libc::SIG_SETMASK, &old, null_mut());
            match failed {
                0 => {
                    detach(id);
                    Ok(())
                }
                errno => Err(Errno::of(errno)),
            }
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
    let all = u64::MAX;
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

pub use super::thread::set_name;

unsafe fn set_mask(new: *const u64, old: *mut u64) {
    let args = [libc::SIG_SETMASK as usize, new as usize, old as usize, 8, 0, 0];
    // SAFETY: the caller's sets are 8 bytes each.
    let _ = unsafe { call(libc::SYS_rt_sigprocmask, args) };
}
