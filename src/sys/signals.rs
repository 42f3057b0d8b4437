//! Signals that wait for a thread, and which of them a signalfd shows.

use super::{call, env};
use core::ffi::{c_int, CStr};

/// The signals that the calling thread blocks, as a set of bits.
pub fn blocked() -> u64 {
    let mut set = 0u64;
    let args = [libc::SIG_BLOCK as usize, 0, &raw mut set as usize, 8, 0, 0];
    // SAFETY: the kernel writes 8 bytes of this frame.
    match unsafe { call(libc::SYS_rt_sigprocmask, args) } {
        Ok(_) => set,
        Err(_) => 0,
    }
}

/// The signals that a signalfd shows; none for a file of another kind, or where /proc does not say.
pub fn shown_by(signalfd: c_int) -> Option<u64> {
    field(c"/proc/thread-self/fdinfo/", signalfd, c"", b"sigmask:\t")
}

/// The signals that wait for a thread of this process alone; none where /proc does not say.
pub fn pending(thread: c_int) -> u64 {
    field(c"/proc/self/task/", thread, c"/status", b"SigPnd:\t").unwrap_or(0)
}

/// The hexadecimal number behind `key` in a file whose path has a number in it.
fn field(folder: &CStr, number: c_int, name: &CStr, key: &[u8]) -> Option<u64> {
    let mut digits = [0u8; 10];
    let (mut at, mut rest) = (digits.len(), number.unsigned_abs());
    while rest > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let mut path = [0u8; 64];
    let parts = folder.to_bytes().iter().chain(&digits[at..]).chain(name.to_bytes());
    for (to, byte) in path.iter_mut().zip(parts) {
        *to = *byte;
    }
    let mut text = [0u8; 2048];
    let text = env::read_file(CStr::from_bytes_until_nul(&path).ok()?, &mut text);
    let found = text.windows(key.len()).position(|part| part == key)?;
    let number = text[found + key.len()..].iter().map_while(|byte| char::from(*byte).to_digit(16));
    Some(number.fold(0, |number, digit| number << 4 | u64::from(digit)))
}
