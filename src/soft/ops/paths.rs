//! What is done by path. Looking a path up may block: a worker does it, with copies of the paths.

use super::{answer, finish_without_failing, Bound, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::request::Request;
use crate::sys::{copy, fs, Errno, Result};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_int;

/// Copies of what an SQE points at.
#[derive(Default)]
pub struct Copies {
    /// What `addr` points at.
    pub first: Vec<u8>,
    /// What `addr2` points at.
    pub second: Vec<u8>,
    /// What `addr3` points at.
    pub third: Vec<u8>,
}

/// The copies that a request has.
pub fn copies(r: &Request) -> &Copies {
    match &r.state {
        State::Copies(copies) => copies,
        _ => unreachable!(),
    }
}

/// Keeps copies in a request that has none yet.
pub fn keep_copies(r: &mut Request, make: fn(&Request) -> Result<Copies>) -> Result<()> {
    if matches!(r.state, State::None) {
        r.state = State::Copies(Box::new(make(r)?));
    }
    Ok(())
}

fn one_path(r: &mut Request) -> Result<()> {
    // SAFETY: any bytes are valid as an address.
    keep_copies(r, |r| unsafe {
        Ok(Copies { first: copy::path(r.sqe.anon_addr.addr)?, ..Copies::default() })
    })
}

fn two_paths(r: &mut Request) -> Result<()> {
    // SAFETY: any bytes are valid as addresses.
    keep_copies(r, |r| unsafe {
        let first = copy::path(r.sqe.anon_addr.addr)?;
        Ok(Copies { first, second: copy::path(r.sqe.anon_off.addr2)?, ..Copies::default() })
    })
}

/// As all of them: fields that no operation by path has a use for.
fn check(r: &Request) -> Result<()> {
    // SAFETY: any bytes are valid as an index.
    let unused =
        unsafe { r.sqe.anon_buf_index.buf_index == 0 && r.sqe.anon_splice_fd_in.splice_fd_in == 0 };
    if !unused {
        return Err(Errno::EINVAL);
    }
    if r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0 {
        return Err(Errno::EBADF);
    }
    Ok(())
}

const BY_PATH: Op = Op {
    issue: |_, _| Outcome::Punt,
    keep: one_path,
    finish: finish_without_failing,
    copies_first: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

fn flags(r: &Request) -> u32 {
    // SAFETY: any bytes are valid as flags.
    unsafe { r.sqe.anon_rw_flags.rw_flags as u32 }
}

fn off(r: &Request) -> u64 {
    // SAFETY: any bytes are valid as a number.
    unsafe { r.sqe.anon_off.off }
}

fn invalid_if(wrong: bool) -> Result<()> {
    if wrong {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// The directory that a second path is relative to.
fn second_dir(r: &Request) -> c_int {
    r.sqe.len as c_int
}

/// STATX.
pub static STATX: Op = Op {
    prepare: |_, r| check(r),
    // SAFETY: the path is a copy; the kernel looks where the answer goes.
    run: Some(|r| unsafe {
        answer(fs::statx(r.sqe.fd, copies(r).first.as_ptr(), flags(r), r.sqe.len, off(r)))
    }),
    ..BY_PATH
};

/// UNLINKAT.
pub static UNLINKAT: Op = Op {
    prepare: |_, r| {
        invalid_if(off(r) != 0 || r.sqe.len != 0)?;
        check(r)?;
        invalid_if(flags(r) & !(libc::AT_REMOVEDIR as u32) != 0)
    },
    // SAFETY: the path is a copy.
    run: Some(|r| unsafe { answer(fs::unlink(r.sqe.fd, copies(r).first.as_ptr(), flags(r))) }),
    ..BY_PATH
};

/// RENAMEAT.
pub static RENAMEAT: Op = Op {
    prepare: |_, r| check(r),
    keep: two_paths,
    // SAFETY: the paths are copies.
    run: Some(|r| unsafe {
        let paths = copies(r);
        let (old, new) = (paths.first.as_ptr(), paths.second.as_ptr());
        answer(fs::rename((r.sqe.fd, old), (second_dir(r), new), flags(r)))
    }),
    ..BY_PATH
};

/// LINKAT.
pub static LINKAT: Op = Op {
    prepare: |_, r| check(r),
    keep: two_paths,
    // SAFETY: the paths are copies.
    run: Some(|r| unsafe {
        let paths = copies(r);
        let (old, new) = (paths.first.as_ptr(), paths.second.as_ptr());
        answer(fs::link((r.sqe.fd, old), (second_dir(r), new), flags(r)))
    }),
    ..BY_PATH
};

/// SYMLINKAT.
pub static SYMLINKAT: Op = Op {
    prepare: |_, r| {
        invalid_if(r.sqe.len != 0 || flags(r) != 0)?;
        check(r)
    },
    keep: two_paths,
    // SAFETY: the paths are copies.
    run: Some(|r| unsafe {
        let paths = copies(r);
        answer(fs::symlink(paths.first.as_ptr(), r.sqe.fd, paths.second.as_ptr()))
    }),
    ..BY_PATH
};

/// MKDIRAT.
pub static MKDIRAT: Op = Op {
    prepare: |_, r| {
        invalid_if(off(r) != 0 || flags(r) != 0)?;
        check(r)
    },
    // SAFETY: the path is a copy.
    run: Some(|r| unsafe { answer(fs::mkdir(r.sqe.fd, copies(r).first.as_ptr(), r.sqe.len)) }),
    ..BY_PATH
};
