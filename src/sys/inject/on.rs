//! For tests, with `--cfg inject`: system calls, threads and memory fail as a program of the tests says.
//!
//! That program defines `anyring_inject`. While it is armed each call that can fail is counted, and the one whose turn
//! it is fails with one of the errors that it may have, which are all in [`errors`]. The others are made.

use crate::abi::uring::{io_uring_register_op, IORING_REGISTER_USE_REGISTERED_RING};
use crate::sys::arch;
use crate::sys::heap::weak_address;
use core::ffi::{c_int, c_long};
use core::sync::atomic::{AtomicI32, AtomicI64, AtomicU32, Ordering};

core::arch::global_asm!(".weak anyring_inject");

/// The program's `struct anyring_inject`.
#[repr(C)]
struct Plan {
    /// Calls are counted.
    armed: AtomicU32,
    /// Which kinds are: `KIND_*`.
    kinds: AtomicU32,
    /// Counted so far.
    passed: AtomicI64,
    /// The one that fails; the first is 1.
    at: AtomicI64,
    /// Which of its errors it fails with.
    which: AtomicU32,
    /// How many errors the call that failed may have; 0 while none has.
    choices: AtomicU32,
    /// That call's number, or a `Scarce`.
    call: AtomicI64,
    /// The error that it had.
    error: AtomicI32,
    /// All later ones of the same number fail, too.
    persists: AtomicU32,
    /// Pieces of memory that the heap has handed out and that are not free.
    live: AtomicI64,
}

const KIND_CALL: u32 = 1;
const KIND_MEMORY: u32 = 2;
const KIND_THREAD: u32 = 4;

/// What there may be no more of.
#[derive(Clone, Copy)]
pub enum Scarce {
    /// Memory of the heap.
    Memory = -1,
    /// Threads.
    Thread = -2,
}

fn plan() -> Option<&'static Plan> {
    let address = weak_address!("anyring_inject") as *const Plan;
    // SAFETY: the program's variable is there for good, and only atomic operations touch it.
    unsafe { address.as_ref() }
}

/// Why call `nr` is to fail now; 0 when it is not.
fn chosen(kind: u32, nr: c_long, errors: &[c_int]) -> c_int {
    let Some(plan) = plan() else { return 0 };
    if errors.is_empty() || plan.armed.load(Ordering::Relaxed) == 0 {
        return 0;
    }
    if plan.kinds.load(Ordering::Relaxed) & kind == 0 {
        return 0;
    }
    let turn = plan.passed.fetch_add(1, Ordering::Relaxed) + 1;
    let at = plan.at.load(Ordering::Relaxed);
    if turn == at {
        return fail(plan, nr, errors);
    }
    let goes_on = plan.persists.load(Ordering::Relaxed) != 0
        && plan.choices.load(Ordering::Acquire) != 0
        && plan.call.load(Ordering::Relaxed) == nr;
    if goes_on {
        plan.error.load(Ordering::Relaxed)
    } else {
        0
    }
}

/// A place for a debugger to stop at.
#[inline(never)]
fn fail(plan: &Plan, nr: c_long, errors: &[c_int]) -> c_int {
    let which = plan.which.load(Ordering::Relaxed) as usize;
    let error = errors[which.min(errors.len() - 1)];
    plan.call.store(nr, Ordering::Relaxed);
    plan.error.store(error, Ordering::Relaxed);
    plan.choices.store(errors.len() as u32, Ordering::Release);
    error
}

/// Makes system call `nr`, or has it fail. What closes a descriptor does so also when it fails.
///
/// # Safety
/// As for [`arch::syscall6`].
pub unsafe fn syscall6(nr: usize, args: [usize; 6]) -> isize {
    let number = nr as c_long;
    let error = chosen(KIND_CALL, number, errors(number, &args));
    if error != 0 && number != libc::SYS_close {
        return -error as isize;
    }
    // SAFETY: as the caller says.
    let ret = unsafe { arch::syscall6(nr, args) };
    if error != 0 {
        return -error as isize;
    }
    ret
}

/// Why there is no more of it; 0 when there is.
pub fn refusal(what: Scarce) -> c_int {
    match what {
        Scarce::Memory => chosen(KIND_MEMORY, what as c_long, &[libc::ENOMEM]),
        Scarce::Thread => chosen(KIND_THREAD, what as c_long, &[libc::EAGAIN, libc::EPERM]),
    }
}

/// The heap has handed out so many pieces of memory that are not free.
pub fn note_live(pieces: usize) {
    if let Some(plan) = plan() {
        plan.live.store(pieces as i64, Ordering::Relaxed);
    }
}

/// Registrations that only take away what there is.
const UNREGISTERING: &[u32] = &[
    io_uring_register_op::IORING_UNREGISTER_BUFFERS as u32,
    io_uring_register_op::IORING_UNREGISTER_FILES as u32,
    io_uring_register_op::IORING_UNREGISTER_EVENTFD as u32,
    io_uring_register_op::IORING_UNREGISTER_PERSONALITY as u32,
    io_uring_register_op::IORING_UNREGISTER_IOWQ_AFF as u32,
    io_uring_register_op::IORING_UNREGISTER_RING_FDS as u32,
    io_uring_register_op::IORING_UNREGISTER_PBUF_RING as u32,
    io_uring_register_op::IORING_UNREGISTER_NAPI as u32,
];
const SYNC_CANCEL: u32 = io_uring_register_op::IORING_REGISTER_SYNC_CANCEL as u32;

/// The errors that call `nr` may have although its caller does everything right: for want of memory, descriptors or
/// a device that works, for a signal, on kernels without it, and where a sandbox forbids it. Those that follow from
/// what it is told, as `EBADF`, are none of them. None at all have calls that only ask what the kernel knows, wake
/// others or take away what is ours; what munmap(2) then leaves nobody could free.
#[rustfmt::skip]
#[allow(non_upper_case_globals)] // the names of the calls are those of C
fn errors(nr: c_long, args: &[usize; 6]) -> &'static [c_int] {
    use libc::*;
    match nr {
        SYS_futex => match args[1] as c_int & !FUTEX_PRIVATE_FLAG {
            FUTEX_WAIT | FUTEX_WAIT_BITSET => &[EAGAIN, EINTR],
            _ => &[],
        },
        SYS_fcntl => match args[1] as c_int {
            F_DUPFD | F_DUPFD_CLOEXEC => &[EMFILE, EINVAL],
            F_SETFL => &[EPERM],
            _ => &[],
        },
        SYS_epoll_ctl => match args[1] as c_int {
            EPOLL_CTL_DEL => &[ENOENT],
            EPOLL_CTL_MOD => &[ENOMEM, ENOENT],
            _ => &[ENOMEM, ENOSPC],
        },
        SYS_close => &[EINTR, EIO],
        SYS_mmap => &[ENOMEM, EAGAIN],
        SYS_mprotect | SYS_fadvise64 => &[ENOMEM],
        SYS_mremap => &[ENOMEM, EPERM, ENOSYS],
        SYS_madvise => &[EINVAL, ENOMEM, EAGAIN],
        SYS_memfd_create => &[EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM],
        SYS_eventfd2 | SYS_epoll_create1 | SYS_pidfd_open => &[EMFILE, ENFILE, ENOMEM, ENOSYS],
        SYS_pipe2 | SYS_socketpair => &[EMFILE, ENFILE],
        SYS_close_range if args[2] != 0 => &[ENOSYS, EPERM, ENOMEM],
        // A look without a wait.
        SYS_epoll_pwait if args[3] == 0 => &[],
        SYS_epoll_pwait => &[EINTR],
        SYS_epoll_pwait2 => &[EINTR, ENOSYS, EPERM],
        SYS_ppoll => &[EINTR, ENOMEM],
        SYS_nanosleep | SYS_waitid | SYS_io_getevents => &[EINTR],
        // Of an eventfd, which answers at once.
        SYS_write | SYS_read if args[2] == 8 => &[],
        SYS_read | SYS_readv | SYS_pread64 | SYS_preadv => &[EINTR, EAGAIN, EIO, ENOMEM],
        SYS_preadv2 => &[EINTR, EAGAIN, EIO, ENOMEM, EOPNOTSUPP, ENOSYS, EPERM],
        SYS_write | SYS_writev | SYS_pwritev => &[EINTR, EAGAIN, EIO, ENOSPC, ENOMEM],
        SYS_pwritev2 => &[EINTR, EAGAIN, EIO, ENOSPC, ENOMEM, EOPNOTSUPP, ENOSYS, EPERM],
        SYS_splice | SYS_tee => &[EINTR, EAGAIN, ENOMEM, EIO],
        SYS_sendto | SYS_sendmsg => &[EINTR, EAGAIN, ENOBUFS, ENOMEM, ECONNRESET],
        SYS_recvfrom | SYS_recvmsg => &[EINTR, EAGAIN, ENOMEM, ECONNRESET],
        SYS_accept4 => &[EINTR, EAGAIN, EMFILE, ENFILE, ENOMEM, ECONNABORTED],
        SYS_connect => &[ECONNREFUSED, ENOMEM, ETIMEDOUT],
        SYS_socket => &[EMFILE, ENFILE, ENOBUFS, EACCES],
        SYS_bind | SYS_listen => &[EADDRINUSE, ENOMEM],
        SYS_shutdown => &[ENOTCONN],
        SYS_setsockopt | SYS_getsockopt | SYS_getsockname | SYS_getpeername => &[ENOBUFS],
        SYS_ioctl => &[ENOTTY],
        SYS_openat => &[EINTR, EMFILE, ENFILE, ENOMEM, EACCES, EIO],
        SYS_openat2 => &[EINTR, EMFILE, ENFILE, ENOMEM, EACCES, EIO, EAGAIN, ENOSYS, EPERM],
        SYS_statx | SYS_fstatfs => &[EIO, ENOMEM, EINTR],
        SYS_fsync | SYS_fdatasync | SYS_sync_file_range => &[EIO, EINTR, ENOSPC],
        SYS_fallocate | SYS_ftruncate => &[EIO, EINTR, ENOSPC],
        SYS_mkdirat | SYS_symlinkat | SYS_linkat | SYS_renameat2 | SYS_unlinkat => &[EIO, ENOSPC, ENOMEM, EACCES],
        SYS_setxattr | SYS_fsetxattr | SYS_getxattr | SYS_fgetxattr => &[EIO, ENOSPC, ENOMEM, EOPNOTSUPP],
        SYS_futex_waitv => &[EAGAIN, EINTR, ENOMEM, ENOSYS, EPERM],
        SYS_kcmp | SYS_process_vm_readv | SYS_process_vm_writev => &[EPERM, ENOSYS],
        SYS_membarrier | SYS_prlimit64 => &[EPERM, ENOSYS],
        SYS_rt_tgsigqueueinfo => &[EAGAIN, EPERM],
        SYS_sched_getaffinity => &[EINVAL],
        SYS_sched_setaffinity => &[EINVAL, EPERM],
        SYS_ioprio_set | SYS_ioprio_get => &[EPERM],
        SYS_io_setup => &[EAGAIN, ENOMEM, ENOSYS, EPERM],
        SYS_io_submit => &[EAGAIN, EINVAL, EPERM],
        SYS_io_cancel => &[EINVAL],
        SYS_io_uring_setup => &[ENOMEM, EMFILE, ENFILE, EPERM, ENOSYS],
        SYS_io_uring_enter => &[EINTR, EAGAIN, EBUSY, ENOMEM],
        SYS_io_uring_register => match args[1] as u32 & !IORING_REGISTER_USE_REGISTERED_RING {
            SYNC_CANCEL => &[EINTR],
            op if UNREGISTERING.contains(&op) => &[],
            _ => &[ENOMEM, EPERM],
        },
        _ => &[],
    }
}
