//! Reading, writing and syncing files.

use super::{answer, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::direct::Transfer;
use crate::soft::request::{Request, POLLED};
use crate::soft::turn::Turn;
use crate::sys::{copy, file, rw, Errno, Result};
use alloc::vec::Vec;
use core::ffi::c_int;
use core::slice;
use libc::iovec;

/// A read or write under way.
pub struct Rw {
    is_write: bool,
    /// Where the data is; from the program's memory when the request first has to wait.
    vector: Vec<iovec>,
    /// Bytes done so far.
    done: usize,
    /// Bytes wanted.
    wanted: usize,
}

/// The vectors that there may be.
const MAX_VECTORS: u32 = 1024;

/// READV.
pub static READV: Op = op(|_, r| begin(r, false, true));
/// WRITEV.
pub static WRITEV: Op = op(|_, r| begin(r, true, true));
/// READ.
pub static READ: Op = op(|_, r| begin(r, false, false));
/// WRITE.
pub static WRITE: Op = op(|_, r| begin(r, true, false));

const fn op(prepare: fn(&mut Turn, &mut Request) -> Result<()>) -> Op {
    Op { prepare, issue: try_now, run: Some(run), needs_file: true, has_ioprio: true, ..Op::NONE }
}

fn begin(r: &mut Request, is_write: bool, vectored: bool) -> Result<()> {
    if vectored && r.sqe.len > MAX_VECTORS {
        return Err(Errno::EINVAL);
    }
    r.state = State::Rw(Rw { is_write, vector: Vec::new(), done: 0, wanted: 0 });
    Ok(())
}

fn state(r: &mut Request) -> &mut Rw {
    match &mut r.state {
        State::Rw(rw) => rw,
        _ => unreachable!(),
    }
}

/// The vectors as the SQE has them.
fn submitted(r: &Request) -> (iovec, *const iovec, usize) {
    // SAFETY: any bytes are valid as an address.
    let addr = unsafe { r.sqe.anon_addr.addr };
    let single = iovec { iov_base: addr as *mut _, iov_len: r.sqe.len as usize };
    (single, addr as *const iovec, r.sqe.len as usize)
}

fn is_vectored(r: &Request) -> bool {
    use io_uring_op::*;
    [IORING_OP_READV as u8, IORING_OP_WRITEV as u8].contains(&r.sqe.opcode)
}

/// The system call, from where the request stands.
fn transfer(r: &mut Request, extra_flags: c_int) -> Result<usize> {
    let (single, many, count) = submitted(r);
    let vectored = is_vectored(r);
    // SAFETY: any bytes are valid as an offset and flags.
    let (offset, flags) = unsafe { (r.sqe.anon_off.off, r.sqe.anon_rw_flags.rw_flags) };
    let fd = r.fd;
    let rw = state(r);
    let at = if offset == rw::AT_POSITION { offset } else { offset.wrapping_add(rw.done as u64) };
    // SAFETY: the vectors are the program's, or our copy of them; the kernel checks what they point at.
    unsafe {
        let vector = match () {
            () if !rw.vector.is_empty() => &rw.vector[..],
            () if vectored => slice::from_raw_parts(many, count),
            () => slice::from_ref(&single),
        };
        match rw.is_write {
            true => rw::writev(fd, vector, at, flags | extra_flags),
            false => rw::readv(fd, vector, at, flags | extra_flags),
        }
    }
}

fn try_now(turn: &mut Turn, r: &mut Request) -> Outcome {
    if let Some(outcome) = try_direct(turn, r) {
        return outcome;
    }
    match transfer(r, libc::RWF_NOWAIT) {
        Ok(n) if is_short(r, n) => {
            advance(r, n);
            Outcome::Punt
        }
        Ok(n) => Outcome::Done((state(r).done + n) as i32),
        Err(Errno::EAGAIN | Errno::EOPNOTSUPP) => {
            keep_vector(r);
            if r.flags & POLLED != 0 || file::is_cached(r.fd) {
                return Outcome::Punt;
            }
            Outcome::Wait(if state(r).is_write { libc::EPOLLOUT } else { libc::EPOLLIN } as u32)
        }
        Err(errno) => Outcome::Done(errno.answer()),
    }
}

/// Hands what bypasses the page cache to the kernel's aio or, where that does not take it, to a worker. None
/// for what is to be tried in place.
#[inline]
fn try_direct(turn: &mut Turn, r: &mut Request) -> Option<Outcome> {
    // SAFETY: any bytes are valid as an offset and flags.
    let (offset, flags) = unsafe { (r.sqe.anon_off.off, r.sqe.anon_rw_flags.rw_flags) };
    let (single, _, _) = submitted(r);
    let vectored = is_vectored(r);
    let places = if vectored { 0 } else { single.iov_base as u64 | single.iov_len as u64 };
    if flags & libc::RWF_NOWAIT != 0 || !turn.is_direct(r.fd, places | offset & !rw::AT_POSITION) {
        return None;
    }
    let vector = match vectored {
        // SAFETY: vectors are valid for any bytes. Bad addresses are for the kernel to refuse.
        true => unsafe { copy::many::<iovec>(single.iov_base as u64, single.iov_len) },
        false => alloc::vec![single],
    };
    if vectored && vector.len() < single.iov_len {
        return None;
    }
    state(r).wanted = vector.iter().map(|v| v.iov_len).sum();
    state(r).vector = vector;
    if offset == rw::AT_POSITION || r.hold_file().is_err() {
        return Some(Outcome::Punt);
    }
    let request = &raw mut *r;
    let rw = state(r);
    let (is_write, vector) = (rw.is_write, core::mem::take(&mut rw.vector));
    let transfer = Transfer { is_write, vector: &vector, offset, flags };
    // SAFETY: the request is at hand; the vectors' memory stays where it is when they move.
    let started = unsafe { turn.start_direct(request, &transfer) };
    // SAFETY: it is live: what was collected goes out at the end of the turn.
    state(unsafe { &mut *request }).vector = vector;
    Some(if started { Outcome::Kept } else { Outcome::Punt })
}

/// Whether less was done than could be: what was not in the page cache is still to be read.
fn is_short(r: &mut Request, n: usize) -> bool {
    if n == 0 {
        return false;
    }
    keep_vector(r);
    let rw = state(r);
    let left = rw.wanted - rw.done;
    n < left && file::is_cached(r.fd)
}

/// The program may change its vectors once the request was submitted.
fn keep_vector(r: &mut Request) {
    let (single, many, count) = submitted(r);
    let vectored = is_vectored(r);
    let rw = state(r);
    if !rw.vector.is_empty() || rw.wanted > 0 {
        return;
    }
    if vectored {
        // SAFETY: the kernel has just read them: they are there.
        rw.vector.extend_from_slice(unsafe { slice::from_raw_parts(many, count) });
    } else {
        rw.vector.push(single);
    }
    rw.wanted = rw.vector.iter().map(|v| v.iov_len).sum();
}

/// Goes on behind `n` more bytes.
fn advance(r: &mut Request, n: usize) {
    let rw = state(r);
    rw.done += n;
    let mut left = n;
    while let Some(first) = rw.vector.first_mut() {
        if left < first.iov_len {
            first.iov_base = first.iov_base.wrapping_byte_add(left);
            first.iov_len -= left;
            return;
        }
        left -= first.iov_len;
        rw.vector.remove(0);
    }
}

/// On a worker: to the end, or as far as it goes.
fn run(r: &mut Request) -> i32 {
    loop {
        let done = state(r).done;
        match transfer(r, 0) {
            Ok(0) => return done as i32,
            Ok(n) if is_short(r, n) => advance(r, n),
            Ok(n) => return (state(r).done + n) as i32,
            Err(_) if done > 0 => return done as i32,
            Err(errno) => return errno.answer(),
        }
    }
}

/// FSYNC.
pub static FSYNC: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as flags.
        let flags = unsafe { r.sqe.anon_rw_flags.fsync_flags };
        if flags & !IORING_FSYNC_DATASYNC != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |_, _| Outcome::Punt,
    run: Some(|r| {
        // SAFETY: any bytes are valid as flags; the descriptor is the request's.
        unsafe {
            answer(rw::sync(r.fd, r.sqe.anon_rw_flags.fsync_flags & IORING_FSYNC_DATASYNC != 0))
        }
    }),
    needs_file: true,
    ..Op::NONE
};
