//! Opening files, as descriptors or into slots of the registered files. What the caches have opens at
//! once; creating, truncating and what has to be read goes to a worker.

use super::slots::file_index;
use super::{Bound, Op, Outcome, State};
use crate::abi::ctypes::open_how;
use crate::abi::uring::*;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::{copy, fs, peek, Errno, Result};
use alloc::vec::Vec;
use core::ffi::c_int;
use core::mem::size_of;

/// An open under way.
pub struct Open {
    how: open_how,
    /// The path, once it was copied.
    path: Vec<u8>,
}

/// `struct open_how` when it was first there; what is behind must be 0.
const HOW_SIZE: usize = size_of::<open_how>();
/// No `struct open_how` is larger.
const MOST_HOW: usize = 4096;

/// OPENAT.
pub static OPENAT: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as flags.
        let flags = unsafe { r.sqe.anon_rw_flags.open_flags } as c_int;
        prepare(r, fs::how(flags, r.sqe.len))
    },
    ..OPENAT2
};

/// OPENAT2.
pub static OPENAT2: Op = Op {
    prepare: |_, r| {
        let how = read_how(r)?;
        prepare(r, how)
    },
    keep,
    issue,
    run: Some(|r| {
        let (path, open) = parts(r);
        // SAFETY: the path is the copy.
        unsafe {
            fs::open(r.sqe.fd, path, &open.how, r.sqe.opcode == io_uring_op::IORING_OP_OPENAT as u8)
        }
        .unwrap_or_else(Errno::answer)
    }),
    finish: |turn, r, result| Outcome::Done(hand_over(turn, r, result)),
    copies_first: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

fn read_how(r: &Request) -> Result<open_how> {
    // SAFETY: any bytes are valid as an address; so is the struct.
    unsafe {
        let (address, len) = (r.sqe.anon_off.addr2, r.sqe.len as usize);
        if len < HOW_SIZE {
            return Err(Errno::EINVAL);
        }
        if len > MOST_HOW {
            return Err(Errno::of(libc::E2BIG));
        }
        let how = peek::copy(address)?;
        let rest = copy::many::<u8>(address + HOW_SIZE as u64, len - HOW_SIZE)?;
        if rest.iter().any(|&byte| byte != 0) {
            return Err(Errno::of(libc::E2BIG));
        }
        if rest.len() < len - HOW_SIZE {
            return Err(Errno::EFAULT);
        }
        Ok(how)
    }
}

fn prepare(r: &mut Request, mut how: open_how) -> Result<()> {
    // SAFETY: any bytes are valid as an index.
    if unsafe { r.sqe.anon_buf_index.buf_index } != 0 {
        return Err(Errno::EINVAL);
    }
    if r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0 {
        return Err(Errno::EBADF);
    }
    if file_index(r) != 0 {
        if how.flags & libc::O_CLOEXEC as u64 != 0 {
            return Err(Errno::EINVAL);
        }
        // It is a descriptor for a moment.
        how.flags |= libc::O_CLOEXEC as u64;
    }
    r.state = State::Open(Open { how, path: Vec::new() });
    Ok(())
}

fn keep(r: &mut Request) -> Result<()> {
    // SAFETY: any bytes are valid as an address.
    let address = unsafe { r.sqe.anon_addr.addr };
    match &mut r.state {
        State::Open(open) if open.path.is_empty() => open.path = copy::path(address)?,
        _ => {}
    }
    Ok(())
}

fn parts(r: &Request) -> (*const u8, &Open) {
    // SAFETY: any bytes are valid as an address.
    let address = unsafe { r.sqe.anon_addr.addr };
    match &r.state {
        State::Open(open) if open.path.is_empty() => (address as *const u8, open),
        State::Open(open) => (open.path.as_ptr(), open),
        _ => unreachable!(),
    }
}

/// Whether it may wait for another end, or a line, rather than for a disk. That is looked up, but for the kinds of open
/// that never do.
pub fn may_wait(r: &Request) -> bool {
    const NEVER: c_int = libc::O_NONBLOCK | libc::O_PATH | libc::O_DIRECTORY;
    const MAKES: c_int = libc::O_CREAT | libc::O_EXCL;
    let (path, open) = parts(r);
    let flags = open.how.flags as c_int;
    // SAFETY: the path is the copy.
    flags & NEVER == 0
        && flags & MAKES != MAKES
        && unsafe { fs::waits_when_opened(r.sqe.fd, path, flags & libc::O_NOFOLLOW == 0) }
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    let (path, open) = parts(r);
    // SAFETY: the kernel looks what the address points at.
    match unsafe { fs::open_cached(r.sqe.fd, path, &open.how) } {
        Ok(fd) => Outcome::Done(hand_over(turn, r, fd)),
        Err(Errno::EAGAIN) if open.how.resolve & fs::RESOLVE_CACHED != 0 => {
            Outcome::Done(Errno::EAGAIN.answer())
        }
        // A kernel or a filter that does not know how may still know the older call.
        Err(Errno::EAGAIN | Errno::ENOSYS | Errno::EPERM | Errno::EINVAL) => Outcome::Punt,
        Err(errno) => Outcome::Done(errno.answer()),
    }
}

fn hand_over(turn: &mut Turn, r: &Request, result: i32) -> i32 {
    match result {
        fd if fd >= 0 => turn.hand_over(fd, file_index(r)),
        error => error,
    }
}
