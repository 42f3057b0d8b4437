//! Telling files apart that look the same: those without a name, as eventfds.

use super::{call, env, process, Errno, Result};
use core::ffi::{c_int, CStr};

/// Status flags that next to no file has: they mark ours, for the price of asking for them.
pub const MARK: c_int = libc::O_RDWR | libc::O_NONBLOCK | libc::O_APPEND;

/// Gives a file status flags that can be set: [`MARK`]'s.
pub fn mark(fd: c_int) -> Result<()> {
    // SAFETY: fcntl with F_SETFL takes no pointer.
    unsafe { call(libc::SYS_fcntl, [fd as usize, libc::F_SETFL as usize, MARK as usize, 0, 0, 0]) }
        .map(drop)
}

/// Whether a file has [`MARK`].
pub fn is_marked(fd: c_int) -> bool {
    super::file::status_flags(fd) == Ok(MARK)
}

/// Whether a descriptor of ours is still the file that it was: the program may have closed all that it has,
/// and the number be a file of its own by now. It may also have changed our eventfd's flags.
pub fn is_ours(fd: c_int) -> bool {
    is_marked(fd) || eventfd_id(fd).is_ok()
}

/// Closes a descriptor of ours, unless it is not any more.
pub fn close_ours(fd: c_int) {
    if is_ours(fd) {
        // SAFETY: it is ours.
        let _ = unsafe { super::fd::close(fd) };
    }
}

/// Whether two descriptors of this process are one open file. `EBADF`; other errors where a policy forbids to
/// ask, or the kernel was built without it.
pub fn compare(a: c_int, b: c_int) -> Result<bool> {
    const KCMP_FILE: usize = 0;
    let pid = process::id() as usize;
    // SAFETY: kcmp takes plain numbers.
    unsafe { call(libc::SYS_kcmp, [pid, pid, KCMP_FILE, a as usize, b as usize, 0]) }
        .map(|order| order == 0)
}

/// Whether two descriptors of this process, of which one is an eventfd, are one open file.
pub fn are_same(a: c_int, b: c_int) -> bool {
    match compare(a, b) {
        Ok(are_same) => are_same,
        Err(Errno::EBADF) => false,
        Err(_) => match (eventfd_id(a), eventfd_id(b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        },
    }
}

/// The number that /proc gives an eventfd. `EINVAL` for a file of another kind.
pub fn eventfd_id(eventfd: c_int) -> Result<u64> {
    const KEY: &[u8] = b"eventfd-id:";
    const FOLDER: &[u8] = b"/proc/self/fdinfo/";
    let mut path = [0u8; FOLDER.len() + 11];
    path[..FOLDER.len()].copy_from_slice(FOLDER);
    let mut digits = [0u8; 10];
    let (mut count, mut rest) = (0, eventfd.unsigned_abs());
    while rest > 0 || count == 0 {
        digits[count] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
    }
    for (to, digit) in path[FOLDER.len()..].iter_mut().zip(digits[..count].iter().rev()) {
        *to = *digit;
    }
    let path = CStr::from_bytes_until_nul(&path).map_err(|_| Errno::EINVAL)?;
    let mut text = [0u8; 256];
    let text = env::read_file(path, &mut text);
    let found = text.windows(KEY.len()).position(|part| part == KEY).ok_or(Errno::EINVAL)?;
    let id = text[found + KEY.len()..].iter().skip_while(|byte| **byte == b' ');
    Ok(id
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |id, digit| id * 10 + u64::from(digit - b'0')))
}
