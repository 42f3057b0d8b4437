//! Telling files apart that look the same: those without a name, as eventfds.

use super::{call, env, process, Errno, Result};
use core::ffi::{c_int, CStr};
use core::sync::atomic::{AtomicU32, Ordering};

const F_SETSIG: c_int = 10;
const F_GETSIG: c_int = 11;

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

/// A descriptor of ours, of an eventfd or epoll. The program may have closed all that it has, and the number be a file
/// of its own by now, or another one of ours. It may also have changed its flags.
///
/// The file is told by the signal that it would announce input with, which it does not: few files have any, and what
/// is made soon after another has another.
#[derive(Clone, Copy)]
pub struct Held {
    /// The descriptor.
    pub fd: c_int,
    /// The file's signal; 0 where it could not be given one.
    signal: c_int,
}

impl Held {
    /// No descriptor.
    pub const NONE: Held = Held { fd: -1, signal: 0 };

    /// Of a file of ours, which is marked.
    pub fn of_marked(fd: c_int) -> Self {
        const SIGNALS: u32 = 64;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let signal = NEXT.fetch_add(1, Ordering::Relaxed) % SIGNALS + 1;
        // SAFETY: fcntl with F_SETSIG takes no pointer.
        let set = unsafe {
            call(libc::SYS_fcntl, [fd as usize, F_SETSIG as usize, signal as usize, 0, 0, 0])
        };
        Held { fd, signal: set.map_or(0, |_| signal as c_int) }
    }

    /// Marks a new file, whose descriptor moves out of the program's way.
    pub fn of_new(fd: c_int) -> Self {
        // It has flags that can be set.
        let _ = mark(fd);
        Self::of_marked(super::fd::move_away(fd))
    }

    /// Whether it is the file that it was, as far as one call tells.
    #[inline]
    pub fn is_ours(&self) -> bool {
        if self.signal == 0 {
            return self.fd >= 0 && is_marked(self.fd);
        }
        // SAFETY: fcntl with F_GETSIG takes no pointer.
        let found =
            unsafe { call(libc::SYS_fcntl, [self.fd as usize, F_GETSIG as usize, 0, 0, 0, 0]) };
        found == Ok(self.signal as usize)
    }

    /// [`Held::is_ours`], and not by chance: few files have a signal, but some do.
    pub fn is_same(&self) -> bool {
        self.is_ours() && (is_marked(self.fd) || super::fd::check_eventfd(self.fd).is_ok())
    }

    /// Closes it, unless it is another file by now.
    pub fn close(&self) {
        if self.is_same() {
            // SAFETY: it is ours.
            let _ = unsafe { super::fd::close(self.fd) };
        }
    }
}

/// Whether two descriptors of this process are one open file. `EBADF`; other errors where a policy forbids to
/// ask, or the kernel was built without it.
pub fn compare(a: c_int, b: c_int) -> Result<bool> {
    const KCMP_FILE: usize = 0;
    let pid = process::own_name() as usize;
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

/// The number that /proc gives an eventfd, which is another's when it is gone. `EINVAL` for a file of another kind,
/// `EAGAIN` when it cannot be asked.
pub fn eventfd_id(eventfd: c_int) -> Result<u64> {
    const KEY: &[u8] = b"eventfd-id:";
    let path = info_path(eventfd);
    let path = CStr::from_bytes_until_nul(&path).map_err(|_| Errno::EINVAL)?;
    let mut text = [0u8; 256];
    let text = env::read_file(path, &mut text);
    if text.is_empty() {
        return Err(Errno::EAGAIN);
    }
    let found = text.windows(KEY.len()).position(|part| part == KEY).ok_or(Errno::EINVAL)?;
    Ok(number(&text[found + KEY.len()..]))
}

/// Calls with the numbers by which an epoll has its files, as far as /proc tells.
pub fn each_target(epoll: c_int, mut f: impl FnMut(c_int)) {
    const KEY: &[u8] = b"tfd:";
    let path = info_path(epoll);
    let Ok(path) = CStr::from_bytes_until_nul(&path) else { return };
    env::each_line(path, |line| {
        if line.starts_with(KEY) {
            f(number(&line[KEY.len()..]) as c_int);
        }
    });
}

/// The decimal number that a text begins with, behind spaces.
fn number(text: &[u8]) -> u64 {
    let digits = text.iter().skip_while(|byte| **byte == b' ');
    digits
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

const INFO_FOLDER: &[u8] = b"/proc/thread-self/fdinfo/";

/// Where /proc describes a descriptor, with a 0 behind it.
fn info_path(fd: c_int) -> [u8; INFO_FOLDER.len() + 11] {
    let mut path = [0u8; INFO_FOLDER.len() + 11];
    path[..INFO_FOLDER.len()].copy_from_slice(INFO_FOLDER);
    let mut digits = [0u8; 10];
    let (mut count, mut rest) = (0, fd.unsigned_abs());
    while rest > 0 || count == 0 {
        digits[count] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
    }
    for (to, digit) in path[INFO_FOLDER.len()..].iter_mut().zip(digits[..count].iter().rev()) {
        *to = *digit;
    }
    path
}
