//! The `svc 0` instruction of AArch64: number in x8, arguments in x0 to x5.

use core::arch::asm;

/// Makes system call `nr` with six arguments and returns the kernel's raw answer.
///
/// # Safety
/// The arguments must be right for that call; pointers among them must be valid for what it does.
#[inline(always)]
pub unsafe fn syscall6(nr: usize, args: [usize; 6]) -> isize {
    let ret;
    // SAFETY: the caller vouches for the arguments; the kernel preserves all other registers.
    unsafe {
        asm!(
            "svc 0",
            in("x8") nr,
            inlateout("x0") args[0] as isize => ret,
            in("x1") args[1],
            in("x2") args[2],
            in("x3") args[3],
            in("x4") args[4],
            in("x5") args[5],
            options(nostack),
        );
    }
    ret
}

/// clone(2) of a thread, which begins with what stands at `start`, the end of its stack: a function, its
/// argument, and the address and size of the stack. When the function returns, the stack is unmapped and
/// the thread ends. Returns the thread's id or the kernel's error.
///
/// # Safety
/// `flags` must be those of a thread; the stack must be the thread's alone.
pub unsafe fn clone(flags: usize, start: *mut usize) -> isize {
    let ret;
    // SAFETY: the new thread stays in the code below, on its own stack.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "ldp x9, x0, [sp], #16",
            "blr x9",
            "ldp x0, x1, [sp]",
            "mov x8, #{munmap}",
            "svc 0",
            "mov x0, xzr",
            "mov x8, #{exit}",
            "svc 0",
            "udf #0",
            "2:",
            munmap = const libc::SYS_munmap,
            exit = const libc::SYS_exit,
            in("x8") libc::SYS_clone,
            inlateout("x0") flags as isize => ret,
            in("x1") start,
            in("x2") 0,
            in("x3") 0,
            in("x4") 0,
        );
    }
    ret
}

/// The thread pointer, by which a C library finds what belongs to a thread.
///
/// # Safety
/// The calling thread must be one of a C library.
#[inline(always)]
pub unsafe fn thread_pointer() -> usize {
    let pointer;
    // SAFETY: the caller says that there is one.
    unsafe {
        asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, preserves_flags, nomem))
    };
    pointer
}
