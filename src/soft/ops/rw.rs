//! Reading and writing files.
//!
//! A file that is cached is read as far as the cache has it; a worker does the rest. Other files are tried
//! without blocking, whatever their O_NONBLOCK says, and waited for.

mod not_now;

use super::{refusals, why, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::direct::Transfer;
use crate::soft::provided;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::file::{self, Kind};
use crate::sys::{copy, net, pipe, priority, rw, Errno, Result};
use alloc::vec::Vec;
use core::ffi::{c_int, c_short};
use libc::iovec;

/// A read or write that is not done in one go.
#[derive(Default)]
pub struct Rw {
    /// Where the data that is left is, and its bytes; from the program's memory when the request first has
    /// to wait.
    vector: Vec<iovec>,
    /// Bytes wanted; all that there ever were.
    wanted: usize,
    is_kept: bool,
    /// Bytes done so far.
    done: usize,
    /// The file has no offsets.
    is_stream: bool,
    /// A worker does all of it.
    is_worked_on: bool,
    /// Where a file stood that is appended to at its position.
    before: Option<u64>,
    /// It was to be waited for after a worker's try.
    has_waited: bool,
}

/// The vectors that there may be.
const MAX_VECTORS: u32 = 1024;
/// The bytes that one call moves.
const MAX_BYTES: usize = 0x7fff_f000;

/// READV.
pub static READV: Op = Op { prepare: prepare_vectored, ..READ };
/// WRITEV.
pub static WRITEV: Op = Op { prepare: prepare_vectored, ..READ };
/// WRITE.
pub static WRITE: Op = READ_OR_WRITE;
/// READ.
pub static READ: Op = READ_OR_WRITE;

const READ_OR_WRITE: Op = Op {
    prepare: |_, r| priority::check(r.sqe.ioprio),
    keep,
    issue,
    run: Some(run),
    run_at_once: Some(not_now::run_at_once),
    finish,
    needs_file: true,
    has_ioprio: true,
    ..Op::NONE
};

fn prepare_vectored(_: &mut Turn, r: &mut Request) -> Result<()> {
    if r.sqe.len > MAX_VECTORS {
        return Err(Errno::EINVAL);
    }
    priority::check(r.sqe.ioprio)
}

/// READ_FIXED.
pub static READ_FIXED: Op = FIXED;
/// WRITE_FIXED.
pub static WRITE_FIXED: Op = FIXED;
/// READV_FIXED.
pub static READV_FIXED: Op = FIXED_VECTORS;
/// WRITEV_FIXED.
pub static WRITEV_FIXED: Op = FIXED_VECTORS;

const FIXED: Op = Op { assign: Some(find_buffer), ..READ_OR_WRITE };
const FIXED_VECTORS: Op =
    Op { prepare: prepare_vectored_fixed, assign: Some(find_buffer_of_vectors), ..READ_OR_WRITE };

fn prepare_vectored_fixed(turn: &mut Turn, r: &mut Request) -> Result<()> {
    prepare_vectored(turn, r)?;
    keep(r)
}

fn buffer_index(r: &Request) -> u16 {
    // SAFETY: any bytes are valid as a number.
    unsafe { r.sqe.anon_buf_index.buf_index }
}

fn find_buffer(turn: &mut Turn, r: &mut Request) -> Result<()> {
    r.buffer = Some(turn.find_buffer(buffer_index(r), address(r), u64::from(r.sqe.len))?);
    Ok(())
}

/// Every vector must lie inside the buffer.
fn find_buffer_of_vectors(turn: &mut Turn, r: &mut Request) -> Result<()> {
    let index = buffer_index(r);
    let buffer = turn.core.buffers.get(u32::from(index)).ok_or(Errno::EFAULT)?.clone();
    for vector in &state(r).vector {
        buffer.check(vector.iov_base as u64, vector.iov_len as u64)?;
    }
    r.buffer = Some(buffer);
    Ok(())
}

fn is_vectored(r: &Request) -> bool {
    use io_uring_op::*;
    const VECTORED: [u8; 4] = [
        IORING_OP_READV as u8,
        IORING_OP_WRITEV as u8,
        IORING_OP_READV_FIXED as u8,
        IORING_OP_WRITEV_FIXED as u8,
    ];
    VECTORED.contains(&r.sqe.opcode)
}

/// Whether a request reads from a file, at most once.
pub fn is_read(r: &Request) -> bool {
    use io_uring_op::*;
    const READS: [u8; 4] = [
        IORING_OP_READ as u8,
        IORING_OP_READV as u8,
        IORING_OP_READ_FIXED as u8,
        IORING_OP_READV_FIXED as u8,
    ];
    READS.contains(&r.sqe.opcode)
}

/// Whether a request writes to a file.
pub fn is_write(r: &Request) -> bool {
    use io_uring_op::*;
    const WRITES: [u8; 4] = [
        IORING_OP_WRITE as u8,
        IORING_OP_WRITEV as u8,
        IORING_OP_WRITE_FIXED as u8,
        IORING_OP_WRITEV_FIXED as u8,
    ];
    WRITES.contains(&r.sqe.opcode)
}

fn flags(r: &Request) -> c_int {
    // SAFETY: any bytes are valid as flags.
    unsafe { r.sqe.anon_rw_flags.rw_flags }
}

fn address(r: &Request) -> u64 {
    // SAFETY: any bytes are valid as an address.
    unsafe { r.sqe.anon_addr.addr }
}

/// What it waits for, for epoll and poll.
fn awaited(r: &Request) -> c_int {
    if is_write(r) {
        libc::EPOLLOUT
    } else {
        libc::EPOLLIN
    }
}

/// Whether a file, as an epoll, can be neither read nor written to. `EINVAL` says so, but other things as well.
#[cold]
fn has_no_data(r: &Request) -> bool {
    let nothing = iovec { iov_base: core::ptr::null_mut(), iov_len: 0 };
    let place = (&raw const nothing, 1);
    [false, true].iter().all(|is_write| {
        // SAFETY: there is no data.
        unsafe { rw::transfer(*is_write, r.fd, place, rw::AT_POSITION, 0) == Err(Errno::EINVAL) }
    })
}

/// Whether such a file is waited for all the same, as any that can be polled.
pub fn waits_in_vain(r: &Request) -> bool {
    has_no_data(r) && !pipe::is_ready(r.fd, awaited(r) as c_short)
}

/// What is known of a request that is not done in one go.
fn state(r: &mut Request) -> &mut Rw {
    if matches!(r.state, State::None) {
        r.state = State::Rw(Rw::default());
    }
    match &mut r.state {
        State::Rw(rw) => rw,
        _ => unreachable!(),
    }
}

fn single(r: &Request) -> iovec {
    iovec { iov_base: address(r) as *mut _, iov_len: r.sqe.len as usize }
}

/// The system call, from where the request stands.
#[inline]
fn call(r: &Request, extra_flags: c_int) -> Result<usize> {
    let single = single(r);
    let mut vector = match is_vectored(r) {
        true => (address(r) as *const iovec, r.sqe.len as usize),
        false => (&raw const single, 1),
    };
    // SAFETY: any bytes are valid as an offset.
    let mut offset = unsafe { r.sqe.anon_off.off };
    if let State::Rw(rw) = &r.state {
        if rw.is_kept {
            vector = (rw.vector.as_ptr(), rw.vector.len());
        }
        if rw.is_stream {
            offset = rw::AT_POSITION;
        } else if offset != rw::AT_POSITION {
            offset = offset.wrapping_add(rw.done as u64);
        }
    }
    // SAFETY: the vectors are the program's, or our copy of them; the kernel checks what they point at.
    unsafe { rw::transfer(is_write(r), r.fd, vector, offset, flags(r) | extra_flags) }
}

/// As [`call`]; files that have no offsets do not mind one.
fn transfer(r: &mut Request, extra_flags: c_int) -> Result<usize> {
    let result = transfer_some(r, extra_flags);
    if result == Ok(0) && r.sqe.len == 0 && is_write(r) && file::kind(r.fd) == Kind::Socket {
        // What has nothing to write is sent, nevertheless.
        // SAFETY: there is no data and no address.
        return unsafe { net::send(r.fd, (0, 0), libc::MSG_DONTWAIT, 0, 0) };
    }
    result
}

fn transfer_some(r: &mut Request, extra_flags: c_int) -> Result<usize> {
    let result = call(r, extra_flags);
    if result != Err(Errno::ESPIPE) {
        return result;
    }
    // SAFETY: any bytes are valid as an offset.
    let offset = unsafe { r.sqe.anon_off.off };
    let is_socket = || file::kind(r.fd) == Kind::Socket;
    if offset == rw::AT_POSITION || (offset != 0 && is_socket()) {
        return result;
    }
    state(r).is_stream = true;
    call(r, extra_flags)
}

/// Hands what bypasses the page cache to the kernel's aio or, where that does not take it, to a worker. None
/// for what is to be tried in place.
#[inline]
fn try_direct(turn: &mut Turn, r: &mut Request) -> Option<Outcome> {
    // SAFETY: any bytes are valid as an offset.
    let offset = unsafe { r.sqe.anon_off.off };
    let is_vectored = is_vectored(r);
    let places = if is_vectored { 0 } else { address(r) | u64::from(r.sqe.len) };
    let place = if offset == rw::AT_POSITION { 0 } else { offset };
    if nowait(r) || !turn.is_direct(r.fd, places | place) {
        return None;
    }
    if is_vectored && keep(r).is_err() {
        return None;
    }
    if offset == rw::AT_POSITION {
        return Some(Outcome::Punt);
    }
    let (address, count) = match &r.state {
        State::Rw(rw) if is_vectored => (rw.vector.as_ptr() as u64, rw.vector.len()),
        _ => (address(r), r.sqe.len as usize),
    };
    let transfer = Transfer {
        is_write: is_write(r),
        address,
        count,
        is_vectored,
        offset,
        flags: flags(r),
        priority: r.sqe.ioprio,
    };
    // SAFETY: the request is at hand.
    let started = unsafe { turn.start_direct(&raw mut *r, &transfer) };
    Some(if started { Outcome::Kept } else { Outcome::Punt })
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    if let Err(errno) = look_at_flags(r) {
        return Outcome::Done(why(turn, r, errno).answer());
    }
    if let Some(outcome) = try_direct(turn, r) {
        return outcome;
    }
    loop {
        match transfer(r, libc::RWF_NOWAIT) {
            Ok(n) if goes_on(r, n) => {}
            Ok(n) => {
                turn.core.reads_at_once = true;
                return done(r, n);
            }
            Err(errno) => return not_now::go_on(turn, r, errno),
        }
    }
}

/// The request as it matters to what refuses it.
#[inline]
fn as_transfer(r: &Request) -> refusals::Transfer {
    refusals::Transfer {
        is_write: is_write(r),
        is_empty: r.sqe.len == 0,
        is_async: r.sqe.flags & IOSQE_ASYNC as u8 != 0
            || matches!(&r.state, State::Rw(rw) if rw.is_worked_on),
        flags: flags(r),
    }
}

/// Refuses it for its flags, or has only those that count for its file.
#[inline]
fn look_at_flags(r: &mut Request) -> Result<()> {
    let transfer = as_transfer(r);
    r.sqe.anon_rw_flags.rw_flags = refusals::check(r, &transfer)?;
    // SAFETY: any bytes are valid as an offset.
    let offset = unsafe { r.sqe.anon_off.off };
    if let Some(before) = refusals::position_before(r, offset, &transfer) {
        // A worker goes on with what was tried before.
        state(r).before.get_or_insert(before);
    }
    Ok(())
}

/// It fails after some bytes were moved: a file that was moved along with them goes back.
#[cold]
fn go_back(r: &mut Request) {
    // SAFETY: any bytes are valid as an offset.
    let offset = unsafe { r.sqe.anon_off.off };
    let (before, done, is_stream) = {
        let rw = state(r);
        (rw.before, rw.done, rw.is_stream)
    };
    if offset == rw::AT_POSITION && !is_stream {
        refusals::go_back(r, before, done, &as_transfer(r));
    }
}

/// Whether `n` more bytes are not all that there is: of a cached file. They are counted then.
fn goes_on(r: &mut Request, n: usize) -> bool {
    let done = if let State::Rw(rw) = &r.state { rw.done } else { 0 };
    if n == 0 || nowait(r) || done + n >= wanted(r) {
        return false;
    }
    if r.file_kind() != Kind::Cached || keep(r).is_err() {
        return false;
    }
    advance(state(r), n);
    true
}

/// It is complete, with `n` more bytes. Less than wanted breaks a link.
fn done(r: &mut Request, n: usize) -> Outcome {
    const LINKS: u32 = IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
    let total = n + if let State::Rw(rw) = &r.state { rw.done } else { 0 };
    if u32::from(r.sqe.flags) & LINKS != 0 && total < wanted(r) {
        r.fail();
    }
    Outcome::Done(total as i32)
}

/// Bytes wanted.
fn wanted(r: &Request) -> usize {
    match &r.state {
        State::Rw(rw) if rw.is_kept => rw.wanted,
        _ if is_vectored(r) => {
            // SAFETY: the kernel has just read them: they are there.
            let vector = (0..r.sqe.len as usize)
                .map(|i| unsafe { (*(address(r) as *const iovec).add(i)).iov_len });
            vector.fold(0usize, usize::saturating_add).min(MAX_BYTES)
        }
        _ => (r.sqe.len as usize).min(MAX_BYTES),
    }
}

fn nowait(r: &Request) -> bool {
    flags(r) & libc::RWF_NOWAIT != 0
}

/// The program may change its vectors once the request was submitted.
fn keep(r: &mut Request) -> Result<()> {
    let has_none = provided::selects(r) && r.provided.is_none();
    if has_none || matches!(&r.state, State::Rw(rw) if rw.is_kept) {
        return Ok(());
    }
    let vector = match is_vectored(r) {
        // SAFETY: any bytes are valid as vectors.
        true => unsafe { copy::many::<iovec>(address(r), r.sqe.len as usize)? },
        false => Vec::from([single(r)]),
    };
    if is_vectored(r) && vector.len() < r.sqe.len as usize {
        return Err(Errno::EFAULT);
    }
    if vector.iter().any(|v| isize::try_from(v.iov_len).is_err()) {
        return Err(Errno::EINVAL);
    }
    let wanted = vector.iter().fold(0usize, |sum, v| sum.saturating_add(v.iov_len));
    let rw = state(r);
    rw.wanted = wanted.min(MAX_BYTES);
    rw.vector = vector;
    rw.is_kept = true;
    Ok(())
}

/// Goes on behind `n` more bytes.
fn advance(rw: &mut Rw, n: usize) {
    rw.done += n;
    let mut left = n;
    let full = rw.vector.iter().take_while(|v| {
        let is_full = v.iov_len <= left;
        left -= if is_full { v.iov_len } else { 0 };
        is_full
    });
    let full = full.count();
    rw.vector.drain(..full);
    if let Some(first) = rw.vector.first_mut() {
        first.iov_base = first.iov_base.wrapping_byte_add(left);
        first.iov_len -= left;
    }
}

/// On a worker: a cached file to the end, or as far as it goes. Another is tried, and waited for only when
/// nothing tells when it is ready.
fn run(r: &mut Request) -> i32 {
    state(r).is_worked_on |= state(r).done == 0;
    if let Err(errno) = look_at_flags(r) {
        return errno.answer();
    }
    let _with = priority::With::set(r.sqe.ioprio);
    let kind = r.file_kind();
    let polls = kind != Kind::Cached && !state(r).has_waited;
    if polls {
        match transfer(r, libc::RWF_NOWAIT) {
            Err(Errno::EOPNOTSUPP) if nowait(r) && pipe::is_pipe(r.fd) => {
                return super::answer(not_now::without_help(r));
            }
            Err(Errno::EINVAL) if !nowait(r) && waits_in_vain(r) => return Errno::EAGAIN.answer(),
            Err(Errno::EINVAL) if nowait(r) && has_no_data(r) => return Errno::EOPNOTSUPP.answer(),
            Err(Errno::EOPNOTSUPP) if kind == Kind::Other => {}
            Err(Errno::EOPNOTSUPP) if pipe::is_ready(r.fd, awaited(r) as i16) => {}
            Err(Errno::EOPNOTSUPP) if !nowait(r) => return Errno::EAGAIN.answer(),
            result => return super::answer(result),
        }
    }
    loop {
        match transfer(r, 0) {
            Ok(n) if goes_on(r, n) => {}
            Ok(n) => return n as i32,
            Err(_) if state(r).done > 0 => {
                go_back(r);
                return 0;
            }
            Err(errno) => return errno.answer(),
        }
    }
}

/// A worker has moved that many more bytes, or found the file not ready.
fn finish(_: &mut Turn, r: &mut Request, result: i32) -> Outcome {
    if result >= 0 {
        return done(r, result as usize);
    }
    let again = result == Errno::EAGAIN.answer() && !nowait(r);
    if again && !state(r).has_waited && r.file_kind() != Kind::Cached {
        state(r).has_waited = true;
        return Outcome::Wait(awaited(r) as u32);
    }
    Outcome::Done(result)
}
