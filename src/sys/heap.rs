//! Memory that a program may hand to its own `free`: from the program's `malloc` where it has one.
//!
//! The library links to no C library. Its two references are weak: the loader binds them to whatever
//! allocator the program runs with, or leaves them at 0 in a program without any.

use super::{mem, Errno, Result};
use core::arch::global_asm;
use core::ffi::c_void;
use core::mem::transmute;

global_asm!(".weak malloc", ".weak free");

/// The address that the loader bound a weak name to, from the global offset table; 0 when there is
/// none. An `extern` function's address could not be compared to 0: the compiler knows that it is not.
macro_rules! weak_address {
    ($name:literal) => {{
        let address: usize;
        // SAFETY: reads a slot of the global offset table.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            core::arch::asm!(concat!("mov {0}, qword ptr [rip + ", $name, "@GOTPCREL]"), out(reg) address,
                options(pure, readonly, nostack, preserves_flags));
            #[cfg(target_arch = "aarch64")]
            core::arch::asm!(concat!("adrp {0}, :got:", $name), concat!("ldr {0}, [{0}, :got_lo12:", $name, "]"),
                out(reg) address, options(pure, readonly, nostack, preserves_flags));
            #[cfg(target_arch = "riscv64")]
            core::arch::asm!(concat!("la {0}, ", $name), out(reg) address,
                options(pure, readonly, nostack, preserves_flags));
        }
        address
    }};
}

pub(super) use weak_address;

/// `len` zeroed bytes; `ENOMEM` when there are none.
pub fn allocate_zeroed(len: usize) -> Result<*mut c_void> {
    type Malloc = unsafe extern "C" fn(usize) -> *mut c_void;
    let (malloc, free) = (weak_address!("malloc"), weak_address!("free"));
    // SAFETY: a bound `malloc` is C's; its memory is ours to write. A mapping touches nothing else.
    unsafe {
        if malloc == 0 || free == 0 {
            return mem::map_anonymous(len, 0);
        }
        let memory = transmute::<usize, Malloc>(malloc)(len);
        if memory.is_null() {
            return Err(Errno::ENOMEM);
        }
        for offset in 0..len {
            memory.cast::<u8>().add(offset).write_volatile(0);
        }
        Ok(memory)
    }
}

/// Frees what [`allocate_zeroed`] gave for the same `len`.
///
/// # Safety
/// The memory must not be used again.
pub unsafe fn free(memory: *mut c_void, len: usize) {
    type Free = unsafe extern "C" fn(*mut c_void);
    let (malloc, free) = (weak_address!("malloc"), weak_address!("free"));
    // SAFETY: the same names are bound for the life of the process, so the memory comes from there.
    unsafe {
        if malloc == 0 || free == 0 {
            // Unmapping a mapping of ours cannot fail.
            let _ = mem::unmap(memory, len);
        } else {
            transmute::<usize, Free>(free)(memory);
        }
    }
}
