//! Whether descriptor 2 is where a user reads. A program that was started without stderr, or has closed it, may have a
//! file of its own there: what is the program's gets no line of ours, rather none is written. No system call tells
//! who has opened a file; each kind of file tells something else.

use super::{call, env, fd, file, identity, net, process};
use core::ffi::c_int;

const STDERR: c_int = libc::STDERR_FILENO;
const STDOUT: c_int = libc::STDOUT_FILENO;

/// Whether a message may be written to descriptor 2, and who writes it neither waits nor gets a signal. A runtime
/// that lets no exec inherit its files does so with its stderr, too: then it has to be stdout as well.
pub fn takes_messages() -> bool {
    let Ok(status) = fd::status(STDERR) else { return false };
    let is_stdout = fd::status(STDOUT).is_ok_and(|stdout| is_same(&stdout, &status));
    let kind = status.st_mode & libc::S_IFMT;
    let may_be_inherited = kind == libc::S_IFCHR || is_stdout || !fd::closes_on_exec(STDERR);
    may_be_inherited
        && match kind {
            libc::S_IFCHR => is_terminal(&status),
            libc::S_IFIFO => !is_read_here(&status),
            // A redirection of both: what is only stderr may be a program's data.
            libc::S_IFREG => identity::compare(STDERR, STDOUT) == Ok(true),
            libc::S_IFSOCK => is_journal(&status) || is_pair_of_others(),
            _ => false,
        }
        && is_ready()
}

fn is_same(a: &libc::stat, b: &libc::stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

fn is_written(fd: c_int) -> bool {
    file::status_flags(fd).is_ok_and(|flags| flags & libc::O_ACCMODE == libc::O_WRONLY)
}

/// The user's: a pseudo terminal from the side of programs, or the one that controls this process. Other devices, lines
/// to other machines among them, are not looked at by anyone.
fn is_terminal(status: &libc::stat) -> bool {
    const TIOCGSID: u64 = 0x5429;
    matches!(libc::major(status.st_rdev), 136..=143) || net::queued(STDERR, TIOCGSID).is_ok()
}

/// Whether this process has a pipe's other end.
fn is_read_here(pipe: &libc::stat) -> bool {
    const DESCRIPTORS: c_int = 1024;
    (0..DESCRIPTORS)
        .any(|fd| fd::status(fd).is_ok_and(|status| is_same(&status, pipe)) && !is_written(fd))
}

/// Whether a service manager says that this is its journal's.
fn is_journal(status: &libc::stat) -> bool {
    // SAFETY: as in `policy`, the environment is the program's to keep still.
    let Some(value) = (unsafe { env::variable(c"JOURNAL_STREAM") }) else { return false };
    let mut numbers = value.to_bytes().split(|byte| *byte == b':').map(number);
    let mut next = || numbers.next().flatten();
    (next(), next()) == (Some(status.st_dev), Some(status.st_ino))
}

fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// One end of a socketpair(2) that another process has made (of who it was, its id comes first), as some do in place of pipes. What has an address is a
/// connection, be it to another host as inetd hands it over.
fn is_pair_of_others() -> bool {
    let is_local = net::option(STDERR, libc::SO_DOMAIN) == Ok(libc::AF_UNIX);
    is_local
        && !has_address(false)
        && !has_address(true)
        && net::option(STDERR, libc::SO_PEERCRED).is_ok_and(|maker| maker != process::id())
}

fn has_address(peer: bool) -> bool {
    const FAMILY_ONLY: u32 = 2;
    let (mut address, mut len) = ([0u8; 128], 128u32);
    let (address_at, len_at) = (&raw mut address as u64, &raw mut len as u64);
    // SAFETY: the kernel writes to this frame.
    unsafe { net::name(STDERR, peer, address_at, len_at) }.is_err() || len > FAMILY_ONLY
}

/// Whether a write is neither for a reader who is gone nor for one who lets it wait.
fn is_ready() -> bool {
    let mut asked = libc::pollfd { fd: STDERR, events: libc::POLLOUT, revents: 0 };
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let (asked_at, now_at) = (&raw mut asked as usize, &raw const now as usize);
    // SAFETY: the kernel reads and writes what is in this frame.
    let polled = unsafe { call(libc::SYS_ppoll, [asked_at, 1, now_at, 0, 0, 0]) };
    polled == Ok(1) && asked.revents == libc::POLLOUT
}
