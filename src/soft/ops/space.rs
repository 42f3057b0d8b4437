//! A file's size and space, and advice on files and memory. All but advice that costs nothing goes to a
//! worker.

use super::{answer, finish_without_failing, Op, Outcome};
use crate::soft::request::Request;
use crate::sys::{space, Errno, Result};
use core::ffi::c_int;

const ON_FILE: Op = Op {
    issue: |_, _| Outcome::Punt,
    needs_file: true,
    finish: finish_without_failing,
    ..Op::NONE
};

/// The SQE's `off`, `addr` and flags.
fn numbers(r: &Request) -> (u64, u64, u32) {
    // SAFETY: any bytes are valid as numbers.
    unsafe { (r.sqe.anon_off.off, r.sqe.anon_addr.addr, r.sqe.anon_rw_flags.rw_flags as u32) }
}

/// Neither a buffer nor a second file: `EINVAL`.
fn check(r: &Request) -> Result<()> {
    // SAFETY: any bytes are valid as numbers.
    let unused =
        unsafe { r.sqe.anon_buf_index.buf_index == 0 && r.sqe.anon_splice_fd_in.splice_fd_in == 0 };
    if unused {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// FALLOCATE: `addr` is the length, `len` the mode.
pub static FALLOCATE: Op = Op {
    prepare: |_, r| match numbers(r) {
        (_, _, 0) => check(r),
        _ => Err(Errno::EINVAL),
    },
    run: Some(|r| {
        let (offset, len, _) = numbers(r);
        // SAFETY: the descriptor is the request's.
        answer(unsafe { space::allocate(r.fd, r.sqe.len as c_int, offset, len) })
    }),
    ..ON_FILE
};

/// FTRUNCATE: `off` is the size.
pub static FTRUNCATE: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as a number.
        let third = unsafe { r.sqe.anon_addr3_set.anon_addr3.addr3 };
        match numbers(r) {
            (_, 0, 0) if r.sqe.len == 0 && third == 0 => check(r),
            _ => Err(Errno::EINVAL),
        }
    },
    // SAFETY: the descriptor is the request's.
    run: Some(|r| answer(unsafe { space::truncate(r.fd, numbers(r).0) })),
    ..ON_FILE
};

/// SYNC_FILE_RANGE.
pub static SYNC_FILE_RANGE: Op = Op {
    prepare: |_, r| match numbers(r) {
        (_, 0, _) => check(r),
        _ => Err(Errno::EINVAL),
    },
    run: Some(|r| {
        let (offset, _, flags) = numbers(r);
        // SAFETY: the descriptor is the request's.
        answer(unsafe { space::sync_range(r.fd, offset, u64::from(r.sqe.len), flags) })
    }),
    ..ON_FILE
};

fn advise(r: &mut Request) -> i32 {
    let (offset, addr, advice) = numbers(r);
    let len = if addr != 0 { addr } else { u64::from(r.sqe.len) };
    // SAFETY: the descriptor is the request's.
    answer(unsafe { space::advise(r.fd, offset, len, advice as c_int) })
}

/// FADVISE: the length is `len`, or `addr` when that is set.
pub static FADVISE: Op = Op {
    prepare: |_, r| check(r),
    issue: |_, r| match numbers(r).2 as c_int {
        libc::POSIX_FADV_NORMAL | libc::POSIX_FADV_RANDOM | libc::POSIX_FADV_SEQUENTIAL => {
            Outcome::Done(advise(r))
        }
        _ => Outcome::Punt,
    },
    run: Some(advise),
    finish: Op::NONE.finish,
    ..ON_FILE
};

/// MADVISE: the length is `len`, or `off` when that is set.
pub static MADVISE: Op = Op {
    prepare: |_, r| check(r),
    issue: |_, _| Outcome::Punt,
    run: Some(|r| {
        let (off, address, advice) = numbers(r);
        let len = if off != 0 { off } else { u64::from(r.sqe.len) };
        // SAFETY: the program says what to do with its memory.
        answer(unsafe { space::advise_memory(address, len, advice as c_int) })
    }),
    finish: finish_without_failing,
    ..Op::NONE
};
