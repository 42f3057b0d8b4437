//! Looking at this process's own memory from outside: reading where nothing may be mapped, and telling
//! whether a page has been used.

use super::{call, fd, Errno, Result};
use core::ffi::c_int;
use core::mem::{size_of, zeroed};

/// In an entry of /proc/thread-self/pagemap: the page is in memory, or was and is in swap.
const USED: u64 = 3 << 62;

/// Reads a `T` at `address`; `EFAULT` where there is no memory to read.
///
/// # Safety
/// `T` must be valid for any bytes.
pub unsafe fn read<T>(address: u64) -> Result<T> {
    // SAFETY: the kernel writes to the value of this frame, and says where it could not read.
    unsafe {
        let mut value: T = zeroed();
        let to = libc::iovec { iov_base: (&raw mut value).cast(), iov_len: size_of::<T>() };
        let from = libc::iovec { iov_base: address as *mut _, iov_len: size_of::<T>() };
        let pid = super::process::own_name() as usize;
        let args = [pid, &raw const to as usize, 1, &raw const from as usize, 1, 0];
        match call(libc::SYS_process_vm_readv, args)? {
            n if n == size_of::<T>() => Ok(value),
            _ => Err(Errno::EFAULT),
        }
    }
}

/// A copy of a program's `T` at `address`; `EFAULT` where there is none to read. Where looking is not
/// allowed, the address is trusted.
///
/// # Safety
/// `T` must be valid for any bytes.
pub unsafe fn copy<T>(address: u64) -> Result<T> {
    if address == 0 {
        return Err(Errno::EFAULT);
    }
    // SAFETY: as the caller says.
    match unsafe { read(address) } {
        Err(Errno::EPERM | Errno::ENOSYS) => {
            // SAFETY: this is the program's own claim, and its own loss.
            Ok(unsafe { (address as *const T).read_unaligned() })
        }
        copied => copied,
    }
}

/// Whether 8 bytes at `address` can be read: signalfd4(2) reads a signal set before it finds flags that there are not.
pub fn is_readable(address: u64) -> bool {
    const NO_FLAGS: usize = 1;
    let args = [usize::MAX, address as usize, 8, NO_FLAGS, 0, 0];
    // SAFETY: no descriptor is made or changed, and the kernel says where it cannot read.
    unsafe { call(libc::SYS_signalfd4, args) != Err(Errno::EFAULT) }
}

/// Whether 8 bytes at `address`, which is not NULL, can be written to. They are something else then.
pub fn overwrite(address: u64) -> bool {
    let args = [libc::SIG_BLOCK as usize, 0, address as usize, 8, 0, 0];
    // SAFETY: the mask stays what it is, and the kernel says where it cannot write.
    unsafe { call(libc::SYS_rt_sigprocmask, args) != Err(Errno::EFAULT) }
}

/// `EFAULT` unless all of `len` bytes at `address`, the start of a page, can be written to. They are
/// in memory then, unchanged.
pub fn check_writable(address: u64, len: usize) -> Result<()> {
    const POPULATE_WRITE: usize = 23;
    // SAFETY: populating changes no byte.
    let populated =
        unsafe { call(libc::SYS_madvise, [address as usize, len, POPULATE_WRITE, 0, 0, 0]) };
    match populated {
        Ok(_) => Ok(()),
        Err(Errno::EFAULT | Errno::ENOMEM) => Err(Errno::EFAULT),
        // A kernel without it.
        Err(_) => (address..address + len as u64).step_by(4096).try_for_each(rewrite),
    }
}

/// Writes a byte to where it is: `EFAULT` when that cannot be done.
fn rewrite(address: u64) -> Result<()> {
    let byte = libc::iovec { iov_base: address as *mut _, iov_len: 1 };
    let pid = super::process::own_name() as usize;
    let at = &raw const byte as usize;
    // SAFETY: the kernel says where it cannot read or write.
    match unsafe { call(libc::SYS_process_vm_readv, [pid, at, 1, at, 1, 0]) } {
        Ok(1) | Err(Errno::EPERM | Errno::ENOSYS) => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// Whether the process has used the page at `address` through that address. Fails where /proc is not
/// mounted.
pub fn is_used(address: u64) -> Result<bool> {
    // SAFETY: the path is a C string, and the kernel writes to the entry of this frame.
    unsafe {
        let path = c"/proc/thread-self/pagemap".as_ptr() as usize;
        let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
        let file =
            call(libc::SYS_openat, [libc::AT_FDCWD as usize, path, flags, 0, 0, 0])? as c_int;
        let mut entry = 0u64;
        // The file is in pages that the kernel calls pages, however large those are.
        let at = address / page_size() * 8;
        let args = [file as usize, &raw mut entry as usize, 8, at as usize, 0, 0];
        let got = call(libc::SYS_pread64, args);
        let _ = fd::close(file);
        got.map(|n| n == 8 && entry & USED != 0)
    }
}

fn page_size() -> u64 {
    // SAFETY: getauxval only reads what the kernel handed to the process.
    unsafe { libc::getauxval(libc::AT_PAGESZ) }
}
