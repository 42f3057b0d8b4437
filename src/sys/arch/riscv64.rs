//! The `ecall` instruction of RISC-V 64: number in a7, arguments in a0 to a5.

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
            "ecall",
            in("a7") nr,
            inlateout("a0") args[0] as isize => ret,
            in("a1") args[1],
            in("a2") args[2],
            in("a3") args[3],
            in("a4") args[4],
            in("a5") args[5],
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
            "ecall",
            "bnez a0, 2f",
            "li fp, 0",
            "ld t0, 0(sp)",
            "ld a0, 8(sp)",
            "addi sp, sp, 16",
            "jalr t0",
            "ld a0, 0(sp)",
            "ld a1, 8(sp)",
            "li a7, {munmap}",
            "ecall",
            "li a0, 0",
            "li a7, {exit}",
            "ecall",
            "unimp",
            "2:",
            munmap = const libc::SYS_munmap,
            exit = const libc::SYS_exit,
            in("a7") libc::SYS_clone,
            inlateout("a0") flags as isize => ret,
            in("a1") start,
            in("a2") 0,
            in("a3") 0,
            in("a4") 0,
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
    unsafe { asm!("mv {}, tp", out(reg) pointer, options(nostack, preserves_flags, nomem)) };
    pointer
}
