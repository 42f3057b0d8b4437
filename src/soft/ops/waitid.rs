//! WAITID.

use super::{Bound, Op, Outcome};
use crate::soft::request::*;
use crate::sys::owned::Owned;
use crate::sys::{child, fd, Errno, Result};
use core::ffi::c_int;

/// WAITID: on the child's own descriptor when it waits for the exit of one; else a worker waits.
pub static WAITID: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as addresses, indices and flags.
        let unused = unsafe {
            r.sqe.anon_addr.addr
                | u64::from(r.sqe.anon_buf_index.buf_index)
                | u64::from(r.sqe.anon_rw_flags.waitid_flags)
                | r.sqe.anon_addr3_set.anon_addr3.addr3
        };
        match unused {
            0 => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    },
    issue: |_, r| {
        let options = options(r);
        if options & libc::WNOHANG == 0 {
            match child::is_there(r.sqe.len, r.sqe.fd as u32, options) {
                Ok(false) => return later(r),
                Ok(true) => {}
                Err(errno) => return Outcome::Done(errno.answer()),
            }
        }
        match wait(r, options | libc::WNOHANG) {
            Ok(()) => Outcome::Done(0),
            Err(errno) => Outcome::Done(errno.answer()),
        }
    },
    run: Some(|r| match wait(r, options(r)) {
        Ok(()) => 0,
        Err(errno) => errno.answer(),
    }),
    finish: |_, r, result| match result == Errno::EINTR.answer() && r.is(CANCELLED) {
        true => Outcome::Done(Errno::ECANCELED.answer()),
        false => Outcome::Done(result),
    },
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

fn options(r: &Request) -> c_int {
    // SAFETY: any bytes are valid as options.
    unsafe { r.sqe.anon_splice_fd_in.file_index as c_int }
}

fn wait(r: &Request, options: c_int) -> Result<()> {
    // SAFETY: the kernel checks the address; the program vouches for the memory there.
    unsafe { child::wait(r.sqe.len, r.sqe.fd as u32, r.sqe.anon_off.addr2, options) }
}

/// Nothing has happened to the child yet.
fn later(r: &mut Request) -> Outcome {
    let waits_for_exit = options(r) & (libc::WSTOPPED | libc::WCONTINUED) == 0;
    if r.sqe.len != libc::P_PID || !waits_for_exit {
        return Outcome::Punt;
    }
    if matches!(r.reference, Reference::None) {
        match child::open(r.sqe.fd as u32) {
            Ok(opened) => {
                r.fd = fd::move_away(opened);
                r.reference = Reference::Descriptor(Owned::of_plain(r.fd));
            }
            Err(_) => return Outcome::Punt,
        }
    }
    Outcome::Wait(libc::EPOLLIN as u32)
}
