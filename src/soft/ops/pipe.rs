//! Making pipes.

use super::slots::file_index;
use super::{Bound, Op, Outcome};
use crate::abi::uring::*;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::owned::Owned;
use crate::sys::{copy, fd, pipe, Errno, Result};
use core::ffi::c_int;

/// PIPE: two descriptors, or two slots of the registered files; which goes to `addr`.
pub static PIPE: Op = Op {
    prepare: |_, r| {
        const FLAGS: c_int = libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_DIRECT | libc::O_EXCL;
        // SAFETY: any bytes are valid as numbers.
        let (off, third) = unsafe { (r.sqe.anon_off.off, r.sqe.anon_addr3_set.anon_addr3.addr3) };
        let flags = pipe_flags(r);
        let clash = file_index(r) != 0 && flags & libc::O_CLOEXEC != 0;
        if r.sqe.fd != 0 || off != 0 || third != 0 || flags & !FLAGS != 0 || clash {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |turn, r| match make_pipe(turn, r) {
        Ok(()) => Outcome::Done(0),
        Err(errno) => Outcome::Done(errno.answer()),
    },
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

fn pipe_flags(r: &Request) -> c_int {
    // SAFETY: any bytes are valid as flags.
    unsafe { r.sqe.anon_rw_flags.pipe_flags as c_int }
}

fn make_pipe(turn: &mut Turn, r: &Request) -> Result<()> {
    // SAFETY: any bytes are valid as an address.
    let address = unsafe { r.sqe.anon_addr.addr };
    let index = file_index(r);
    if index == 0 {
        let ends = pipe::create(pipe_flags(r))?;
        return copy::put(address, &ends).inspect_err(|_| {
            for end in ends {
                // SAFETY: the program does not know of it.
                let _ = unsafe { fd::close(end) };
            }
        });
    }
    let [read, write] = pipe::create(pipe_flags(r) | libc::O_CLOEXEC)?;
    let files = &mut turn.core.files;
    let is_free = index == IORING_FILE_INDEX_ALLOC;
    let next = if is_free { index } else { index + 1 };
    let first = files.install(Owned::moved_away(read), index).inspect_err(|_| {
        // SAFETY: it is ours alone.
        let _ = unsafe { fd::close(write) };
    })?;
    let first = if is_free { first } else { index - 1 };
    let second = files.install(Owned::moved_away(write), next).inspect_err(|_| {
        files.remove(first);
    })?;
    let second = if is_free { second } else { index };
    copy::put(address, &[first, second]).inspect_err(|_| {
        files.remove(first);
        files.remove(second);
    })
}
