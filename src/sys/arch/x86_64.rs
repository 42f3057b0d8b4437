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
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "pop rax",
            "pop rdi",
            "call rax",
            "pop rdi",
            "pop rsi",
            "mov eax, {munmap}",
            "syscall",
            "xor edi, edi",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            munmap = const libc::SYS_munmap,
            exit = const libc::SYS_exit,
            inlateout("rax") libc::SYS_clone as isize => ret,
            in("rdi") flags,
            in("rsi") start,
            in("rdx") 0,
            in("r10") 0,
            in("r8") 0,
            lateout("rcx") _,
            lateout("r11") _,
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
        asm!("mov {}, qword ptr fs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly))
    };
    pointer
}
