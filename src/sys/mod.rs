//! Raw system calls: no libc function is called and errno is never touched, so that the rings can be
//! driven from any context and without a C library.
//!
//! # Safety
//! Every wrapper is unsafe in the way its system call is: pointers must be valid for what the call
//! reads and writes, and descriptors must be ones that the caller may use so.
#![allow(clippy::missing_safety_doc)] // the section above holds for each of them

pub mod aio;
pub mod allocator;
#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "arch/riscv64.rs")]
mod arch;
pub mod atomic;
pub mod caller;
pub mod callers;
pub mod child;
pub mod clock;
pub mod copy;
pub mod crew;
pub mod env;
pub mod epoll;
pub mod fd;
pub mod file;
pub mod fork;
pub mod fs;
pub mod futex;
pub mod futexes;
pub mod heap;
pub mod identity;
pub mod image;
#[cfg_attr(inject, path = "inject/on.rs")]
#[cfg_attr(not(inject), path = "inject/off.rs")]
mod inject;
pub mod interrupt;
pub mod lock;
pub mod locks;
pub mod mappings;
pub mod marker;
pub mod mem;
pub mod net;
pub mod owned;
pub mod passing;
pub mod peek;
pub mod pipe;
pub mod priority;
pub mod process;
pub mod rights;
pub mod rw;
pub mod shared;
pub mod signals;
pub mod space;
pub mod stderr;
pub mod tables;
pub mod thread;
pub mod uring;
pub mod worker;

/// Why a call failed. Held as calls answer it, negated, so that handing it on costs no instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(i32);

/// The errno values that we make or look at ourselves, by their names in C.
macro_rules! errno_values {
    ($($name:ident)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub const $name: Errno = Errno::of(libc::$name);
            )*
        }
    };
}
errno_values! { EACCES EAGAIN EALREADY EBADF EBADFD EBUSY ECANCELED EEXIST EFAULT EINPROGRESS EINTR EINVAL EMFILE ENFILE ENOBUFS ENOENT ENOMEM ENOSYS ENXIO EOPNOTSUPP EOVERFLOW EPERM ESPIPE ETIME ETIMEDOUT }

impl Errno {
    /// From a positive errno value.
    pub const fn of(errno: i32) -> Self {
        Errno(-errno)
    }

    /// -errno, as C callers are answered.
    #[inline(always)]
    pub const fn answer(self) -> i32 {
        self.0
    }
}

/// What a system call answers.
pub type Result<T> = core::result::Result<T, Errno>;

/// The kernel answers errors as -4095 to -1.
const MAX_ERRNO: isize = 4095;

/// Makes system call `nr` and tells its errors from its results.
#[inline(always)]
unsafe fn call(nr: libc::c_long, args: [usize; 6]) -> Result<usize> {
    // SAFETY: the caller of the wrapper vouches for the arguments.
    let ret = unsafe { inject::syscall6(nr as usize, args) };
    if (-MAX_ERRNO..0).contains(&ret) {
        Err(Errno(ret as i32))
    } else {
        Ok(ret as usize)
    }
}

/// Ends the process by an illegal instruction: there is no way back and nothing to unwind to.
pub fn abort() -> ! {
    // SAFETY: each of the instructions traps.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("ud2", options(noreturn));
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("udf #0", options(noreturn));
        #[cfg(target_arch = "riscv64")]
        core::arch::asm!("unimp", options(noreturn));
    }
}
