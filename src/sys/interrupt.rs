//! Interrupting a system call of a thread of ours, by a signal. It is one that the C library keeps to
//! itself, and uses to cancel threads: programs cannot block or handle it. Where the library has its handler
//! there, that one ignores what no thread has sent by tgkill(2).

use super::{call, process};
use core::ffi::c_int;
use core::mem::zeroed;
use core::sync::atomic::{AtomicI32, Ordering};

const SIGNAL: c_int = 32;
const SET_SIZE: usize = 8;
/// The signal in a set: threads that are to be interrupted do not block it.
pub const BIT: u64 = 1 << (SIGNAL - 1);

/// As the kernel has it.
#[repr(C)]
struct Action {
    handler: usize,
    flags: usize,
    #[cfg(not(target_arch = "riscv64"))]
    restorer: usize,
    mask: u64,
}

extern "C" fn nothing(_: c_int) {}

/// The address of what a handler returns to: rt_sigreturn(2).
#[cfg(target_arch = "x86_64")]
fn restorer() -> usize {
    let at;
    // SAFETY: the call is jumped over.
    unsafe {
        core::arch::asm!(
            "lea {at}, [rip + 2f]",
            "jmp 3f",
            "2:",
            "mov eax, {nr}",
            "syscall",
            "3:",
            at = out(reg) at,
            nr = const libc::SYS_rt_sigreturn,
        );
    }
    at
}

/// Sees to it that the signal ends a system call and nothing else.
fn prepare() {
    // SAFETY: the structs live in this frame; the handler does nothing.
    unsafe {
        let mut found: Action = zeroed();
        let args = [SIGNAL as usize, 0, &raw mut found as usize, SET_SIZE, 0, 0];
        // Programs started by posix_spawn(3) of some C libraries inherit that it is ignored.
        let is_free = |found: &Action| matches!(found.handler, libc::SIG_DFL | libc::SIG_IGN);
        if call(libc::SYS_rt_sigaction, args).is_err() || !is_free(&found) {
            return;
        }
        let mut action: Action = zeroed();
        action.handler = nothing as *const () as usize;
        #[cfg(target_arch = "x86_64")]
        {
            const SA_RESTORER: usize = 0x0400_0000;
            action.flags = SA_RESTORER;
            action.restorer = restorer();
        }
        action.flags |= libc::SA_ONSTACK as usize;
        let args = [SIGNAL as usize, &raw const action as usize, 0, SET_SIZE, 0, 0];
        let _ = call(libc::SYS_rt_sigaction, args);
    }
}

/// Interrupts the thread `id` of this process in the system call that it is in.
pub fn interrupt(id: i32) {
    prepare();
    // SAFETY: the struct lives in this frame, and is valid with zeros.
    unsafe {
        let mut info: libc::siginfo_t = zeroed();
        info.si_signo = SIGNAL;
        info.si_code = libc::SI_QUEUE;
        let args = [process::id() as usize, id as usize, SIGNAL as usize, &raw const info as usize];
        let args = [args[0], args[1], args[2], args[3], 0, 0];
        let _ = call(libc::SYS_rt_tgsigqueueinfo, args);
    }
}

/// Interrupts of a thread, again and again, by a timer of the kernel's: nobody has to stay for them.
pub struct Repeated {
    /// The timer's number and one; 0: none.
    timer: AtomicI32,
}

impl Repeated {
    /// No interrupts.
    pub const fn none() -> Self {
        Repeated { timer: AtomicI32::new(0) }
    }

    /// Interrupts the thread `id` of this process from now on; where there can be no timer, not. One caller at a time.
    pub fn begin(&self, id: i32) {
        const MILLISECOND: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        if self.timer.load(Ordering::SeqCst) != 0 {
            return;
        }
        prepare();
        // SAFETY: the structs live in this frame, and are valid with zeros.
        unsafe {
            let mut event: libc::sigevent = zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = SIGNAL;
            event.sigev_notify_thread_id = id;
            let mut timer: c_int = 0;
            let clock = libc::CLOCK_MONOTONIC as usize;
            let args = [clock, &raw const event as usize, &raw mut timer as usize, 0, 0, 0];
            if call(libc::SYS_timer_create, args).is_err() {
                return;
            }
            let times = libc::itimerspec { it_interval: MILLISECOND, it_value: MILLISECOND };
            let args = [timer as usize, 0, &raw const times as usize, 0, 0, 0];
            let _ = call(libc::SYS_timer_settime, args);
            self.timer.store(timer + 1, Ordering::SeqCst);
        }
    }

    /// Interrupts it no more.
    #[inline]
    pub fn end(&self) {
        if self.timer.load(Ordering::SeqCst) != 0 {
            self.end_timer();
        }
    }

    #[cold]
    fn end_timer(&self) {
        let timer = self.timer.swap(0, Ordering::SeqCst);
        if timer != 0 {
            // SAFETY: the timer is ours.
            let _ = unsafe { call(libc::SYS_timer_delete, [timer as usize - 1, 0, 0, 0, 0, 0]) };
        }
    }
}
