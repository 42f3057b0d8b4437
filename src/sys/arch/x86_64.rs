//! The `syscall` instruction of x86-64: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9.

use core::arch::asm;

/// Makes system call `nr` with six arguments and returns the kernel's raw answer.
///
/// # Safety
/// The arguments must be right for that call; pointers among them must be valid for what it does.
#[inline(always)]
pub unsafe fn syscall6(nr: usize, args: [usize; 6]) -> isize {
    let ret;
    // SAFETY: the caller vouches for the arguments; the kernel clobbers rcx and r11 only.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") nr as isize => ret,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") args[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    ret
}
