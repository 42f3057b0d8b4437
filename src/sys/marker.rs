//! What is true of the whole process, whichever of our libraries asks: each has variables of its own.

use super::heap::weak_address;
use super::{call, env, fd, file, mem, net};
use core::ffi::{c_int, CStr};

/// Whether nobody in this process, or in those that it was forked from, has asked so with this name before.
/// The answer is kept as a mapping by that name, which nothing is in. Where there is none to have, true.
pub fn is_first(name: &CStr) -> bool {
    if env::file_contains(c"/proc/self/maps", name.to_bytes()) {
        return false;
    }
    let flags = libc::MFD_CLOEXEC as usize;
    // SAFETY: the name ends with 0; a new mapping touches nothing that exists, and this one is never used.
    unsafe {
        let made = call(libc::SYS_memfd_create, [name.as_ptr() as usize, flags, 0, 0, 0, 0]);
        if let Ok(memory) = made {
            let memory = memory as c_int;
            let (at, flags) = (core::ptr::null_mut(), libc::MAP_PRIVATE);
            let _ = mem::map(at, mem::PAGE_SIZE, libc::PROT_NONE, flags, memory, 0);
            let _ = fd::close(memory);
        }
    }
    true
}

// The preload library has it. Hidden, it is bound when a library is linked, and to nothing in the others.
core::arch::global_asm!(".weak anyring_maps", ".hidden anyring_maps");

/// Whether the program's mmap(2) is ours: where it is not, nothing can be handed out that the program is to map.
pub fn has_mmap() -> bool {
    weak_address!("anyring_maps") != 0
}

/// Whether descriptor 2 is where messages go. A program that was started without stderr may have a file of its own
/// there: one that is not for an exec to inherit, that can be read as well, or that is a socket to another host. Some
/// runtimes let no exec inherit stderr either: it is known by being a terminal, or stdout as well.
pub fn has_stderr() -> bool {
    let Ok(status) = fd::status(libc::STDERR_FILENO) else { return false };
    let is_stdout = fd::status(libc::STDOUT_FILENO)
        .is_ok_and(|stdout| (stdout.st_dev, stdout.st_ino) == (status.st_dev, status.st_ino));
    let kind = status.st_mode & libc::S_IFMT;
    if kind != libc::S_IFCHR && !is_stdout && fd::closes_on_exec(libc::STDERR_FILENO) {
        return false;
    }
    match kind {
        libc::S_IFCHR | libc::S_IFIFO => true,
        libc::S_IFREG => {
            let mode =
                file::status_flags(libc::STDERR_FILENO).map_or(0, |flags| flags & libc::O_ACCMODE);
            mode == libc::O_WRONLY || is_stdout
        }
        // As a journal's; what is on another host is the program's peer, also when it is stdout as inetd has it.
        libc::S_IFSOCK => net::option(libc::STDERR_FILENO, libc::SO_DOMAIN) == Ok(libc::AF_UNIX),
        _ => false,
    }
}
