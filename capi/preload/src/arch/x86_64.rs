//! `syscall()` of x86-64. A number that is none of ours goes the way that libc's function goes: no
//! stack is touched and no function called until the kernel has answered, since a child of vfork or
//! clone comes back here on its parent's stack or on a fresh one.

use crate::serve::{numbers::*, serve};
use core::arch::global_asm;

global_asm!(
    ".text",
    ".globl syscall",
    ".type syscall, @function",
    ".p2align 4",
    "syscall:",
    ".cfi_startproc",
    "endbr64",
    // The kernel looks at the lower half of a number. Our variadic arguments stand where a Rust
    // function of seven arguments looks for them.
    "lea eax, [rdi - {aio_first}]",
    "cmp eax, {aio_last} - {aio_first}",
    "jbe {serve}",
    "lea eax, [rdi - {uring_first}]",
    "cmp eax, {uring_last} - {uring_first}",
    "jbe 3f",
    "cmp edi, {pgetevents}",
    "je {serve}",
    "cmp edi, {setup2}",
    "je {serve}",
    "cmp edi, {ring_enter}",
    "je {serve}",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "mov r9, [rsp + 8]",
    "syscall",
    "cmp rax, -4095",
    "jae 2f",
    "ret",
    // Only who made the call gets here: a child is told 0.
    "2:",
    "push rax",
    ".cfi_adjust_cfa_offset 8",
    "call {errno_location}@PLT",
    "pop rcx",
    ".cfi_adjust_cfa_offset -8",
    "neg ecx",
    "mov [rax], ecx",
    "mov rax, -1",
    "ret",
    // Where the caller of a setup goes on is the argument after its two.
    "3:",
    "test eax, eax",
    "jne {serve}",
    "mov rcx, [rsp]",
    "jmp {serve}",
    ".cfi_endproc",
    ".size syscall, . - syscall",
    aio_first = const IO_SETUP,
    aio_last = const IO_CANCEL,
    uring_first = const IO_URING_SETUP,
    uring_last = const IO_URING_REGISTER,
    pgetevents = const IO_PGETEVENTS,
    setup2 = const IO_SETUP2,
    ring_enter = const IO_RING_ENTER,
    serve = sym serve,
    errno_location = sym libc::__errno_location,
);
