//! The calling process and thread.

use super::call;

/// The process id, asked of the kernel: a cached one would be wrong after a fork.
pub fn id() -> i32 {
    // SAFETY: getpid takes nothing and cannot fail.
    unsafe { call(libc::SYS_getpid, [0; 6]) }.map_or(0, |pid| pid as i32)
}

/// Lets another thread run.
pub fn yield_now() {
    // SAFETY: sched_yield takes nothing and cannot fail.
    let _ = unsafe { call(libc::SYS_sched_yield, [0; 6]) };
}

/// Whether process `id` lives, as far as this one can tell: one that is dead and was not waited for does
/// not.
pub fn lives(id: u32) -> bool {
    // SAFETY: pidfd_open takes plain numbers.
    match unsafe { call(libc::SYS_pidfd_open, [id as usize, 0, 0, 0, 0, 0]) } {
        Ok(pidfd) => {
            let mut poll = libc::pollfd { fd: pidfd as i32, events: libc::POLLIN, revents: 0 };
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let args = [&raw mut poll as usize, 1, &raw const now as usize, 0, 8, 0];
            // SAFETY: the kernel reads and writes what is in this frame; the descriptor is ours.
            let ended = unsafe {
                let polled = call(libc::SYS_ppoll, args);
                let _ = super::fd::close(pidfd as i32);
                polled
            };
            ended != Ok(1)
        }
        Err(errno) if errno == super::Errno::of(libc::ESRCH) => false,
        // Not allowed, no descriptor left, or an old kernel, to which the dead live until waited for.
        Err(_) => {
            // SAFETY: signal 0 only asks.
            let asked = unsafe { call(libc::SYS_kill, [id as usize, 0, 0, 0, 0, 0]) };
            asked != Err(super::Errno::of(libc::ESRCH))
        }
    }
}

/// A number of the namespace that process ids are of; 0 where that cannot be told.
pub fn namespace() -> u32 {
    let mut name = [0u8; 64];
    let (at, path) = (libc::AT_FDCWD as usize, c"/proc/thread-self/ns/pid".as_ptr() as usize);
    let args = [at, path, name.as_mut_ptr() as usize, name.len(), 0, 0];
    // SAFETY: the path ends with 0; the kernel fills in as much of the name as there is room for.
    let Ok(len) = (unsafe { call(libc::SYS_readlinkat, args) }) else { return 0 };
    let digits = name[..len].iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0u32, |number, digit| (number * 10 + u32::from(*digit)) % 509) + 1
}

/// Whether the calling thread has the rights of the superuser's id.
pub fn is_root() -> bool {
    // SAFETY: geteuid takes nothing and cannot fail.
    let id = unsafe { call(libc::SYS_geteuid, [0; 6]) };
    id == Ok(0)
}

/// The kernel's version and its second number.
pub fn kernel_version() -> Option<(u32, u32)> {
    // SAFETY: the kernel fills in the struct of this frame, whose fields may all be zero.
    let release = unsafe {
        let mut name: libc::utsname = core::mem::zeroed();
        call(libc::SYS_uname, [&raw mut name as usize, 0, 0, 0, 0, 0]).ok()?;
        name.release
    };
    let mut numbers = [None; 2];
    let mut bytes = release.iter().map(|byte| *byte as u8);
    for number in &mut numbers {
        for digit in bytes.by_ref().take_while(u8::is_ascii_digit) {
            *number = Some(number.unwrap_or(0) * 10 + u32::from(digit - b'0'));
        }
    }
    Some((numbers[0]?, numbers[1]?))
}

/// The calling thread's id. A system call that wants a process to look at is given this one: the process's own is
/// that of its first thread, which may have ended and have neither memory nor files.
pub fn thread_id() -> i32 {
    // SAFETY: gettid takes nothing and cannot fail.
    unsafe { call(libc::SYS_gettid, [0; 6]) }.map_or(0, |tid| tid as i32)
}

/// A thread of this process, to name it where another may be asked about: the calling one, since the first may have
/// ended; that one where a thread must not ask who it is.
pub fn own_name() -> i32 {
    match thread_id() {
        0 => id(),
        thread => thread,
    }
}

/// Whether this process has a thread `id`.
pub fn has_thread(id: i32) -> bool {
    // SAFETY: signal 0 only asks.
    let asked = unsafe { call(libc::SYS_tgkill, [self::id() as usize, id as usize, 0, 0, 0, 0]) };
    asked != Err(super::Errno::of(libc::ESRCH))
}

/// Has the calling thread run on the CPUs of a mask only. `EINVAL` when there is none of them.
pub fn run_on(cpus: &[u8]) -> super::Result<()> {
    // SAFETY: the kernel reads the mask.
    unsafe { call(libc::SYS_sched_setaffinity, [0, cpus.len(), cpus.as_ptr() as usize, 0, 0, 0]) }
        .map(drop)
}

/// How many CPUs this process may run on; at least 1.
pub fn cpus() -> u32 {
    affinity().map_or(1, |mask| mask.iter().map(|word| word.count_ones()).sum::<u32>().max(1))
}

/// Whether the calling thread may be told to run on `cpu`, also where it does not run now. It is back where it
/// was afterwards.
pub fn may_run_on(cpu: u32) -> bool {
    let Ok(own) = affinity() else { return false };
    let (word, bit) = (cpu as usize / 64, 1 << (cpu % 64));
    let Some(is_own) = own.get(word).map(|own| own & bit != 0) else { return false };
    if is_own {
        return true;
    }
    let mut mask: Mask = [0; WORDS];
    mask[word] = bit;
    let may = run_on(as_bytes(&mask)).is_ok();
    if may {
        let _ = run_on(as_bytes(&own));
    }
    may
}

const WORDS: usize = 1 << 7;
/// A bit a CPU.
type Mask = [u64; WORDS];

fn as_bytes(mask: &Mask) -> &[u8] {
    // SAFETY: words are bytes.
    unsafe { core::slice::from_raw_parts(mask.as_ptr().cast(), size_of::<Mask>()) }
}

fn affinity() -> super::Result<Mask> {
    let mut mask: Mask = [0; WORDS];
    let size = size_of::<Mask>();
    let args = [0, size, mask.as_mut_ptr() as usize, 0, 0, 0];
    // SAFETY: the kernel fills in as much of the mask as it has.
    unsafe { call(libc::SYS_sched_getaffinity, args) }.map(|_| mask)
}

/// Lets signals come that are pending and not in `mask`, 8 bytes; `EINTR` when one did, `EFAULT`.
pub unsafe fn take_signals(mask: *const core::ffi::c_void) -> super::Result<()> {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let args = [0, 0, &raw const at_once as usize, mask as usize, 8, 0];
    // SAFETY: the time lives in this frame, and the kernel says where the mask cannot be read.
    unsafe { call(libc::SYS_ppoll, args) }.map(drop)
}
