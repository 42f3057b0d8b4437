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
