//! Sockets.

use super::{call, Result};
use core::ffi::{c_int, c_void};
use core::mem::size_of;

/// socket(2).
pub fn socket(domain: c_int, kind: c_int, protocol: c_int) -> Result<c_int> {
    let args = [domain as usize, kind as usize, protocol as usize, 0, 0, 0];
    // SAFETY: socket takes no pointer.
    unsafe { call(libc::SYS_socket, args) }.map(|fd| fd as c_int)
}

/// bind(2).
pub unsafe fn bind(fd: c_int, address: u64, len: u32) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_bind, [fd as usize, address as usize, len as usize, 0, 0, 0]) }
}

/// listen(2).
pub fn listen(fd: c_int, backlog: c_int) -> Result<usize> {
    // SAFETY: listen takes no pointer.
    unsafe { call(libc::SYS_listen, [fd as usize, backlog as usize, 0, 0, 0, 0]) }
}

/// connect(2).
pub unsafe fn connect(fd: c_int, address: u64, len: u32) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_connect, [fd as usize, address as usize, len as usize, 0, 0, 0]) }
}

/// accept4(2).
pub unsafe fn accept(fd: c_int, address: u64, len: u64, flags: c_int) -> Result<c_int> {
    let args = [fd as usize, address as usize, len as usize, flags as usize, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_accept4, args) }.map(|fd| fd as c_int)
}

/// shutdown(2).
pub fn shutdown(fd: c_int, how: c_int) -> Result<usize> {
    // SAFETY: shutdown takes no pointer.
    unsafe { call(libc::SYS_shutdown, [fd as usize, how as usize, 0, 0, 0, 0]) }
}

/// sendto(2); address 0: none.
#[inline]
pub unsafe fn send(
    fd: c_int,
    data: (u64, usize),
    flags: c_int,
    address: u64,
    len: u32,
) -> Result<usize> {
    let args =
        [fd as usize, data.0 as usize, data.1, flags as usize, address as usize, len as usize];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_sendto, args) }
}

/// recvfrom(2) that does not ask from whom.
#[inline]
pub unsafe fn receive(fd: c_int, data: (u64, usize), flags: c_int) -> Result<usize> {
    let args = [fd as usize, data.0 as usize, data.1, flags as usize, 0, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_recvfrom, args) }
}

/// sendmsg(2).
pub unsafe fn send_message(fd: c_int, message: *const libc::msghdr, flags: c_int) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_sendmsg, [fd as usize, message as usize, flags as usize, 0, 0, 0]) }
}

/// recvmsg(2).
pub unsafe fn receive_message(
    fd: c_int,
    message: *mut libc::msghdr,
    flags: c_int,
) -> Result<usize> {
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_recvmsg, [fd as usize, message as usize, flags as usize, 0, 0, 0]) }
}

/// A socket's option of `SOL_SOCKET` that is an int.
pub fn option(fd: c_int, name: c_int) -> Result<c_int> {
    let (mut value, mut len): (c_int, u32) = (0, 4);
    let (value_at, len_at) = (&raw mut value as usize, &raw mut len as usize);
    let args = [fd as usize, libc::SOL_SOCKET as usize, name as usize, value_at, len_at, 0];
    // SAFETY: the kernel writes to this frame.
    unsafe { call(libc::SYS_getsockopt, args) }?;
    Ok(value)
}

/// Whether a socket's calls wait for so long at most: `SO_RCVTIMEO`, `SO_SNDTIMEO`.
pub fn has_time(fd: c_int, name: c_int) -> bool {
    let (mut time, mut len) = ([0u64; 2], 16u32);
    // SAFETY: the kernel writes to this frame.
    let got = unsafe { get_option(fd, libc::SOL_SOCKET, name, time.as_mut_ptr() as u64, &mut len) };
    got.is_ok() && time != [0; 2]
}

/// getsockopt(2).
pub unsafe fn get_option(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: u64,
    len: &mut u32,
) -> Result<usize> {
    let len = &raw mut *len as usize;
    let args = [fd as usize, level as usize, name as usize, value as usize, len, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_getsockopt, args) }
}

/// setsockopt(2).
pub unsafe fn set_option(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: u64,
    len: u32,
) -> Result<usize> {
    let args = [fd as usize, level as usize, name as usize, value as usize, len as usize, 0];
    // SAFETY: see the module sys.
    unsafe { call(libc::SYS_setsockopt, args) }
}

/// getsockname(2), or getpeername(2).
pub unsafe fn name(fd: c_int, peer: bool, address: u64, len: u64) -> Result<usize> {
    let number = if peer { libc::SYS_getpeername } else { libc::SYS_getsockname };
    // SAFETY: see the module sys.
    unsafe { call(number, [fd as usize, address as usize, len as usize, 0, 0, 0]) }
}

/// Whether a socket is connected, or was until now.
pub fn has_peer(fd: c_int) -> bool {
    let (mut address, mut len) = ([0u64; 16], size_of::<[u64; 16]>() as u32);
    // SAFETY: the kernel writes to this frame.
    unsafe { name(fd, true, &raw mut address as u64, &raw mut len as u64) }.is_ok()
}

/// ioctl(2) that answers an int, as `SIOCINQ` does.
pub fn queued(fd: c_int, command: u64) -> Result<usize> {
    let mut count: c_int = 0;
    let at = (&raw mut count).cast::<c_void>() as usize;
    // SAFETY: the kernel writes to this frame.
    unsafe { call(libc::SYS_ioctl, [fd as usize, command as usize, at, 0, 0, 0]) }?;
    Ok(count as usize)
}

/// Sets or clears a file's O_NONBLOCK, and no other of its flags.
pub fn set_nonblocking(fd: c_int, is_set: bool) -> Result<usize> {
    const FIONBIO: usize = 0x5421;
    let value = c_int::from(is_set);
    let at = (&raw const value).cast::<c_void>() as usize;
    // SAFETY: the kernel reads this frame.
    unsafe { call(libc::SYS_ioctl, [fd as usize, FIONBIO, at, 0, 0, 0]) }
}
