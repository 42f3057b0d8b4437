//! What the user sets for this process, and telling the user.
//!
//! Only the C library knows the environment: the reference is weak, for programs without one.

use super::heap::weak_address;
use super::{call, fd, stderr};
use core::ffi::{c_char, c_int, CStr};

core::arch::global_asm!(".weak secure_getenv", ".weak __environ");

/// The value of an environment variable; none for a process with more rights than its user, as one
/// that is set-user-ID.
///
/// # Safety
/// No other thread may change the environment while the value is in use: as for getenv(3).
pub unsafe fn variable(name: &CStr) -> Option<&'static CStr> {
    type Getenv = unsafe extern "C" fn(*const c_char) -> *const c_char;
    let getenv = weak_address!("secure_getenv");
    // SAFETY: a bound name is the C library's; the name ends with 0, and so does what it answers.
    unsafe {
        if getenv == 0 {
            return search(name);
        }
        let value = core::mem::transmute::<usize, Getenv>(getenv)(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// In a static program, which has only those functions of the C library that it calls itself.
unsafe fn search(name: &CStr) -> Option<&'static CStr> {
    let environ = weak_address!("__environ") as *const *const *const c_char;
    // SAFETY: the C library's variable is an array of strings that ends with NULL.
    unsafe {
        let mut at = *environ.as_ref()?;
        while !at.is_null() && !(*at).is_null() {
            let entry = CStr::from_ptr(*at);
            let rest = entry.to_bytes_with_nul().strip_prefix(name.to_bytes());
            if let Some([b'=', value @ ..]) = rest {
                return if is_secure() { None } else { CStr::from_bytes_with_nul(value).ok() };
            }
            at = at.add(1);
        }
    }
    None
}

/// Whether the process has more rights than its user, by what the kernel told it when it started. When
/// that cannot be read, it has.
fn is_secure() -> bool {
    let mut entries = [0u8; 1024];
    let entries = read_file(c"/proc/thread-self/auxv", &mut entries);
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, usize::from_ne_bytes);
    let mut pairs = entries.chunks_exact(16);
    let secure = pairs.find(|pair| word(&pair[..8]) == libc::AT_SECURE as usize);
    secure.is_none_or(|pair| word(&pair[8..]) != 0)
}

/// As much of a file as there is room for; nothing when it cannot be read.
pub fn read_file<'a>(path: &CStr, room: &'a mut [u8]) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: the path ends with 0; the kernel writes to the room behind what is there.
    unsafe {
        let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
        let at = libc::AT_FDCWD as usize;
        let Ok(file) = call(libc::SYS_openat, [at, path.as_ptr() as usize, flags, 0, 0, 0]) else {
            return &[];
        };
        while length < room.len() {
            let to = room[length..].as_mut_ptr() as usize;
            match call(libc::SYS_read, [file, to, room.len() - length, 0, 0, 0]) {
                Ok(0) | Err(_) => break,
                Ok(more) => length += more,
            }
        }
        let _ = fd::close(file as c_int);
    }
    &room[..length]
}

/// Calls with each line of a file, as far as it can be read. What is longer than most is cut.
pub fn each_line(path: &CStr, mut f: impl FnMut(&[u8])) {
    let mut room = [0u8; 1024];
    let mut length = 0;
    // SAFETY: the path ends with 0; the kernel writes to the room behind what is there.
    unsafe {
        let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
        let at = libc::AT_FDCWD as usize;
        let Ok(file) = call(libc::SYS_openat, [at, path.as_ptr() as usize, flags, 0, 0, 0]) else {
            return;
        };
        loop {
            let to = room[length..].as_mut_ptr() as usize;
            match call(libc::SYS_read, [file, to, room.len() - length, 0, 0, 0]) {
                Ok(0) | Err(_) => break,
                Ok(more) => length += more,
            }
            let mut from = 0;
            while let Some(end) = room[from..length].iter().position(|byte| *byte == b'\n') {
                f(&room[from..from + end]);
                from += end + 1;
            }
            // What has begun goes on with the next read.
            room.copy_within(from..length, 0);
            length -= from;
            if length == room.len() {
                length = 0;
            }
        }
        let _ = fd::close(file as c_int);
    }
}

/// Whether a file has `wanted` in it, which is not empty.
pub fn file_contains(path: &CStr, wanted: &[u8]) -> bool {
    let mut room = [0u8; 4096];
    let mut length = 0;
    // SAFETY: the path ends with 0; the kernel writes to the room behind what is there.
    unsafe {
        let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
        let at = libc::AT_FDCWD as usize;
        let Ok(file) = call(libc::SYS_openat, [at, path.as_ptr() as usize, flags, 0, 0, 0]) else {
            return false;
        };
        let found = loop {
            let to = room[length..].as_mut_ptr() as usize;
            match call(libc::SYS_read, [file, to, room.len() - length, 0, 0, 0]) {
                Ok(0) | Err(_) => break false,
                Ok(more) => length += more,
            }
            if room[..length].windows(wanted.len()).any(|part| part == wanted) {
                break true;
            }
            // It may have begun here.
            let kept = length.min(wanted.len() - 1);
            room.copy_within(length - kept..length, 0);
            length = kept;
        };
        let _ = fd::close(file as c_int);
        found
    }
}

/// Writes one line of several parts to stderr, in one piece. If that cannot be, nobody is told.
pub fn complain<const N: usize>(parts: [&[u8]; N]) {
    if !stderr::takes_messages() {
        return;
    }
    let iovecs =
        parts.map(|part| libc::iovec { iov_base: part.as_ptr() as *mut _, iov_len: part.len() });
    let stderr = libc::STDERR_FILENO as usize;
    // SAFETY: the parts live until the call is over, which only reads them.
    let _ = unsafe { call(libc::SYS_writev, [stderr, iovecs.as_ptr() as usize, N, 0, 0, 0]) };
}
