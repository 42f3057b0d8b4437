//! What is true of the whole process, whichever of our libraries asks: each has variables of its own.

use super::heap::weak_address;
use super::{call, env, fd, mem};
use core::ffi::{c_int, CStr};

/// Whether nobody in this process, or in those that it was forked from, has asked so with this name before.
/// The answer is kept as a mapping by that name, which nothing is in. Where there is none to have, true.
pub fn is_first(name: &CStr) -> bool {
    if env::file_contains(c"/proc/thread-self/maps", name.to_bytes()) {
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
