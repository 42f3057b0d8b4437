//! Descriptors that go from one descriptor table to another: through a socket, in which a file stays open without being in
//! any table.

use super::{call, Errno, Result};
use core::ffi::c_int;
use core::mem::{size_of, zeroed};

/// A control message with one descriptor.
#[repr(C)]
struct Control {
    len: usize,
    level: c_int,
    kind: c_int,
    fd: c_int,
    padding: c_int,
}

/// Two connected sockets that keep messages apart, closed on exec; neither waits. `EMFILE`.
pub fn pair() -> Result<[c_int; 2]> {
    let mut ends = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let args = [libc::AF_UNIX as usize, kind as usize, 0, ends.as_mut_ptr() as usize, 0, 0];
    // SAFETY: the kernel writes two numbers of this frame.
    unsafe { call(libc::SYS_socketpair, args) }?;
    Ok(ends)
}

fn message(data: &mut libc::iovec, control: &mut Control) -> libc::msghdr {
    // SAFETY: the struct is valid with zeros.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = data;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut *control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    message
}

/// The length of a control message without what aligns the next one.
const LEN: usize = size_of::<Control>() - size_of::<c_int>();

/// Sends the file that is `fd`, as `name`. `EBADF` when it is none; `EAGAIN`, `ETOOMANYREFS` when too many are under way.
pub fn send(socket: c_int, mut name: u64, fd: c_int) -> Result<()> {
    let mut control =
        Control { len: LEN, level: libc::SOL_SOCKET, kind: libc::SCM_RIGHTS, fd, padding: 0 };
    let mut data = libc::iovec { iov_base: (&raw mut name).cast(), iov_len: size_of::<u64>() };
    let message = message(&mut data, &mut control);
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    let args = [socket as usize, &raw const message as usize, flags as usize, 0, 0, 0];
    // SAFETY: the kernel reads what is in this frame.
    unsafe { call(libc::SYS_sendmsg, args) }.map(drop)
}

/// Receives a file: its name, and its descriptor in the calling thread's table; none where that has no room. `EAGAIN` when
/// there is none.
pub fn receive(socket: c_int) -> Result<(u64, Option<c_int>)> {
    let mut name = 0u64;
    let mut control = Control { len: 0, level: 0, kind: 0, fd: -1, padding: 0 };
    let mut data = libc::iovec { iov_base: (&raw mut name).cast(), iov_len: size_of::<u64>() };
    let mut message = message(&mut data, &mut control);
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    let args = [socket as usize, &raw mut message as usize, flags as usize, 0, 0, 0];
    // SAFETY: the kernel writes what is in this frame.
    let got = unsafe { call(libc::SYS_recvmsg, args) }?;
    if got != size_of::<u64>() {
        // The other end is gone.
        return Err(Errno::EAGAIN);
    }
    let has_file = message.msg_controllen as usize >= LEN && control.len >= LEN;
    Ok((name, has_file.then_some(control.fd)))
}

/// Gives the calling thread a descriptor table of its own, with nothing but `kept` in it. An error leaves it as it was.
pub fn unshare_table(kept: c_int) -> Result<()> {
    const UNSHARE: usize = 2;
    // SAFETY: what is closed are copies, of this thread alone.
    unsafe {
        let kept = kept as usize;
        // The rest of a table is not even copied.
        call(libc::SYS_close_range, [kept + 1, u32::MAX as usize, UNSHARE, 0, 0, 0])?;
        if kept > 0 {
            call(libc::SYS_close_range, [0, kept - 1, 0, 0, 0, 0])?;
        }
    }
    Ok(())
}
