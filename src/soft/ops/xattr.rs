//! Extended attributes. A worker does it, with copies of the names, of the path and of a value to set.

use super::paths::{copies, keep_copies, Copies};
use super::{answer, finish_without_failing, Bound, Op, Outcome};
use crate::abi::uring::*;
use crate::soft::request::Request;
use crate::sys::space::{self, Holder};
use crate::sys::{copy, Errno, Result};

/// The longest name, its NUL included, and the largest value.
const MAX_NAME: usize = 256;
const MAX_VALUE: u32 = 65536;

const ON_FILE: Op = Op {
    issue: |_, _| Outcome::Punt,
    needs_file: true,
    finish: finish_without_failing,
    copies_first: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};
const ON_PATH: Op = Op { needs_file: false, ..ON_FILE };

fn refuse_fixed(r: &Request) -> Result<()> {
    if r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0 {
        return Err(Errno::EBADF);
    }
    Ok(())
}

fn refuse_flags(r: &Request) -> Result<()> {
    if flags(r) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

fn flags(r: &Request) -> u32 {
    // SAFETY: any bytes are valid as flags.
    unsafe { r.sqe.anon_rw_flags.xattr_flags }
}

fn check_set(r: &Request) -> Result<()> {
    if flags(r) & !(libc::XATTR_CREATE | libc::XATTR_REPLACE) as u32 != 0 {
        return Err(Errno::EINVAL);
    }
    if r.sqe.len > MAX_VALUE {
        return Err(Errno::of(libc::E2BIG));
    }
    Ok(())
}

fn name(r: &Request) -> Result<Copies> {
    const ERANGE: Errno = Errno::of(libc::ERANGE);
    // SAFETY: any bytes are valid as an address.
    let first = copy::string(unsafe { r.sqe.anon_addr.addr }, MAX_NAME, ERANGE)?;
    if first.len() == 1 {
        return Err(ERANGE);
    }
    Ok(Copies { first, ..Copies::default() })
}

fn name_and_value(r: &Request) -> Result<Copies> {
    let mut copies = name(r)?;
    if r.sqe.len > 0 {
        // SAFETY: any bytes are valid as an address.
        copies.second = copy::bytes(unsafe { r.sqe.anon_off.addr2 }, r.sqe.len as usize)?;
    }
    Ok(copies)
}

fn with_path(r: &Request, mut copies: Copies) -> Result<Copies> {
    // SAFETY: any bytes are valid as an address.
    copies.third = copy::path(unsafe { r.sqe.anon_addr3_set.anon_addr3.addr3 })?;
    Ok(copies)
}

fn set(r: &Request, holder: Holder) -> i32 {
    let copies = copies(r);
    let value = copies.second.as_ptr() as u64;
    // SAFETY: all of it are copies.
    answer(unsafe {
        space::set_attribute(holder, copies.first.as_ptr(), value, r.sqe.len as usize, flags(r))
    })
}

fn get(r: &Request, holder: Holder) -> i32 {
    // SAFETY: the name is a copy; the kernel looks where the value goes.
    answer(unsafe {
        let to = r.sqe.anon_off.addr2;
        space::get_attribute(holder, copies(r).first.as_ptr(), to, r.sqe.len as usize)
    })
}

fn path(r: &Request) -> Holder {
    Holder::Path(copies(r).third.as_ptr())
}

/// FSETXATTR.
pub static FSETXATTR: Op = Op {
    prepare: |_, r| check_set(r),
    keep: |r| keep_copies(r, name_and_value),
    run: Some(|r| set(r, Holder::File(r.fd))),
    ..ON_FILE
};

/// SETXATTR.
pub static SETXATTR: Op = Op {
    prepare: |_, r| refuse_fixed(r).and_then(|()| check_set(r)),
    keep: |r| keep_copies(r, |r| with_path(r, name_and_value(r)?)),
    run: Some(|r| set(r, path(r))),
    ..ON_PATH
};

/// FGETXATTR.
pub static FGETXATTR: Op = Op {
    prepare: |_, r| refuse_flags(r),
    keep: |r| keep_copies(r, name),
    run: Some(|r| get(r, Holder::File(r.fd))),
    ..ON_FILE
};

/// GETXATTR.
pub static GETXATTR: Op = Op {
    prepare: |_, r| refuse_fixed(r).and_then(|()| refuse_flags(r)),
    keep: |r| keep_copies(r, |r| with_path(r, name(r)?)),
    run: Some(|r| get(r, path(r))),
    ..ON_PATH
};
