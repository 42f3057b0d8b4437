//! Threads of our own, and what concerns the calling one.
//!
//! They are the C library's threads: what it keeps per thread is there, and fork, debuggers and
//! profilers know them. The functions of this module need a C library in the link, unlike all others.
//! Its errno may change.

use super::inject::{self, Scarce};
use super::{call, Errno, Result};
use core::ffi::{c_int, c_void};
use core::mem::{size_of, MaybeUninit};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicU32, Ordering};

/// Our threads' stacks. They call nothing deep; the C library's own data is in it as well.
const STACK_SIZE: usize = 256 << 10;

/// A thread that must be joined.
pub struct Thread(libc::pthread_t);

/// Starts `main(arg)` in a thread that receives no signal.
///
/// # Safety
/// `arg` must be what `main` needs, until the thread has been joined.
pub unsafe fn spawn(
    main: extern "C" fn(*mut c_void) -> *mut c_void,
    arg: *mut c_void,
) -> Result<Thread> {
    match inject::refusal(Scarce::Thread) {
        0 => {}
        errno => return Err(Errno::of(errno)),
    }
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut old = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sets and attributes live in this frame and are initialised before they are used.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        // The mask is inherited, so that no signal can come before the thread has set one.
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
        let mut attr = MaybeUninit::<libc::pthread_attr_t>::uninit();
        let mut id = MaybeUninit::<libc::pthread_t>::uninit();
        libc::pthread_attr_init(attr.as_mut_ptr());
        libc::pthread_attr_setstacksize(attr.as_mut_ptr(), STACK_SIZE);
        let mut failed = libc::pthread_create(id.as_mut_ptr(), attr.as_ptr(), main, arg);
        if failed == libc::EINVAL {
            // The program's thread-local data does not fit into a stack that small.
            failed = libc::pthread_create(id.as_mut_ptr(), null(), main, arg);
        }
        libc::pthread_attr_destroy(attr.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), null_mut());
        match failed {
            0 => Ok(Thread(id.assume_init())),
            errno => Err(Errno::of(errno)),
        }
    }
}

impl Thread {
    /// Waits until the thread has ended.
    pub fn join(self) {
        // SAFETY: the thread was started joinable, and taking self means nobody joins it again.
        unsafe { libc::pthread_join(self.0, null_mut()) };
    }
}

/// What is called in threads that end, those that have asked for it.
pub struct AtEnd {
    /// The key by which the C library knows, and 1; 0: none yet.
    key: AtomicU32,
}

impl AtEnd {
    /// Nobody has asked.
    pub const fn new() -> Self {
        AtEnd { key: AtomicU32::new(0) }
    }

    /// Has `last` called when the calling thread ends, by returning or by pthread_exit(3), which is what asks each time.
    /// That there is no key left is as if the thread ended otherwise.
    pub fn ask(&self, last: unsafe extern "C" fn(*mut c_void)) {
        let Some(key) = self.key(last) else { return };
        // SAFETY: the key is there and stays. The value only says that the function is to be called.
        unsafe {
            if libc::pthread_getspecific(key).is_null() {
                libc::pthread_setspecific(key, self as *const Self as *const c_void);
            }
        }
    }

    fn key(&self, last: unsafe extern "C" fn(*mut c_void)) -> Option<libc::pthread_key_t> {
        let known = self.key.load(Ordering::Acquire);
        if known != 0 {
            return Some(known - 1);
        }
        let mut new = 0;
        // SAFETY: the key lives in this frame; one that nobody else knows of may be deleted.
        unsafe {
            if libc::pthread_key_create(&mut new, Some(last)) != 0 {
                return None;
            }
            let stored = new + 1;
            match self.key.compare_exchange(0, stored, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => Some(new),
                Err(others) => {
                    libc::pthread_key_delete(new);
                    Some(others - 1)
                }
            }
        }
    }
}

impl Default for AtEnd {
    fn default() -> Self {
        Self::new()
    }
}

/// Names the calling thread, for ps and debuggers: up to 15 bytes.
pub fn set_name(name: &core::ffi::CStr) {
    // SAFETY: the kernel reads up to the NUL.
    let _ = unsafe {
        call(libc::SYS_prctl, [libc::PR_SET_NAME as usize, name.as_ptr() as usize, 0, 0, 0, 0])
    };
}

/// Binds the calling thread to `cpu`; `EINVAL` when the process may not run there.
pub fn pin(cpu: u16) -> Result<()> {
    // All that 16 bits can say.
    let mut mask = [0u64; 1 << 10];
    mask[usize::from(cpu / 64)] = 1 << (cpu % 64);
    let size = size_of::<[u64; 1 << 10]>();
    // SAFETY: the kernel reads the mask of this frame.
    unsafe { call(libc::SYS_sched_setaffinity, [0, size, mask.as_ptr() as usize, 0, 0, 0]) }
        .map(drop)
}

/// Sleeps for `microseconds`, less when interrupted.
pub fn sleep(microseconds: i64) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: microseconds * 1000 };
    // SAFETY: the kernel reads the time of this frame.
    let _ = unsafe { call(libc::SYS_nanosleep, [&raw const time as usize, 0, 0, 0, 0, 0]) };
}

/// Makes every thread of the process pass a full memory barrier, for a protocol whose other side has
/// none. Fails where the kernel does not offer it.
pub fn barrier_in_all() -> Result<()> {
    let command = |command: c_int| {
        // SAFETY: membarrier takes plain numbers.
        unsafe { call(libc::SYS_membarrier, [command as usize, 0, 0, 0, 0, 0]) }.map(drop)
    };
    if command(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED).is_ok() {
        return Ok(());
    }
    command(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)?;
    command(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
}
