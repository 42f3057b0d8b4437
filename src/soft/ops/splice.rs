//! Moving data through pipes.
//!
//! No worker waits for a pipe or a socket: a request waits until one end is ready, then for the other. Between pipes
//! the data moves at once; what comes from or goes to another file goes to a worker. What is refused is not waited
//! for: of files other than sockets only the call itself tells, so that a worker makes it, and a socket's O_NONBLOCK
//! and times count as they do in the call.

use super::{answer, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::files::FixedFile;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::file::{self, Kind};
use crate::sys::owned::Owned;
use crate::sys::{net, pipe, Errno, Result};
use alloc::rc::Rc;
use core::ffi::c_int;

/// Where data comes from.
enum Source {
    /// The program's own descriptor, in use within the call.
    Program(c_int),
    /// A descriptor of our own.
    Own(Owned),
    /// A registered file.
    Fixed(Rc<FixedFile>),
}

/// A splice or tee that has begun.
pub struct Splice {
    source: Source,
    /// The descriptor to write to.
    target: c_int,
    /// The file that is no pipe knows how to splice: there may be something to wait for.
    is_asked: bool,
    /// What a worker does waits by itself, as the files have it: what it answers stands.
    is_final: bool,
}

impl Splice {
    fn from(&self) -> c_int {
        match &self.source {
            Source::Program(fd) => *fd,
            Source::Own(file) => file.fd(),
            Source::Fixed(file) => file.fd(),
        }
    }
}

/// SPLICE.
pub static SPLICE: Op = Op {
    prepare: |_, r| match flags(r) & !(KNOWN_FLAGS | SPLICE_F_FD_IN_FIXED) {
        0 => Ok(()),
        _ => Err(Errno::EINVAL),
    },
    issue,
    run: Some(|r| if is_begun(r) { answer(transfer(r)) } else { 0 }),
    finish,
    needs_file: true,
    ..Op::NONE
};

/// TEE.
pub static TEE: Op = Op {
    prepare: |turn, r| {
        // SAFETY: any bytes are valid as numbers.
        if unsafe { r.sqe.anon_off.off != 0 || r.sqe.anon_addr.addr != 0 } {
            return Err(Errno::EINVAL);
        }
        (SPLICE.prepare)(turn, r)
    },
    ..SPLICE
};

const KNOWN_FLAGS: u32 =
    libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK | libc::SPLICE_F_MORE | libc::SPLICE_F_GIFT;

fn flags(r: &Request) -> u32 {
    // SAFETY: any bytes are valid as flags.
    unsafe { r.sqe.anon_rw_flags.splice_flags }
}

fn waits(r: &Request) -> bool {
    flags(r) & libc::SPLICE_F_NONBLOCK == 0
}

fn is_begun(r: &Request) -> bool {
    matches!(r.state, State::Splice(_))
}

fn splice(r: &Request) -> &Splice {
    match &r.state {
        State::Splice(splice) => splice,
        _ => unreachable!(),
    }
}

fn find_source(turn: &Turn, r: &Request) -> Result<Source> {
    // SAFETY: any bytes are valid as a descriptor.
    let number = unsafe { r.sqe.anon_splice_fd_in.splice_fd_in };
    if flags(r) & SPLICE_F_FD_IN_FIXED == 0 {
        return if number < 0 { Err(Errno::EBADF) } else { Ok(Source::Program(number)) };
    }
    let file = turn.core.files.get(number as u32 as usize).ok_or(Errno::EBADF)?;
    Ok(Source::Fixed(file.clone()))
}

/// Keeps both ends open although the program may close its descriptors.
fn hold(r: &mut Request) -> Result<()> {
    r.fd = splice(r).target;
    r.hold_file()?;
    let target = r.fd;
    let State::Splice(splice) = &mut r.state else { unreachable!() };
    splice.target = target;
    if let Source::Program(fd) = splice.source {
        match Owned::hold(fd) {
            Ok(held) => splice.source = Source::Own(held),
            Err(Errno::EMFILE) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Moves what can be moved. A pipe is never waited for, except by a call whose answer is final.
fn transfer(r: &mut Request) -> Result<usize> {
    let splice = splice(r);
    let (off, off_in) = offsets(r);
    let at = |offset: i64| (offset != -1).then_some(offset);
    let (from, to, len) = (splice.from(), splice.target, r.sqe.len as usize);
    let never_waits = if splice.is_final { 0 } else { libc::SPLICE_F_NONBLOCK };
    let flags = flags(r) & KNOWN_FLAGS | never_waits;
    match is_tee(r) {
        true => pipe::tee(from, to, len, flags),
        false => pipe::splice((from, at(off_in)), (to, at(off)), len, flags),
    }
}

fn is_tee(r: &Request) -> bool {
    r.sqe.opcode == io_uring_op::IORING_OP_TEE as u8
}

/// Where to write, and where to read.
fn offsets(r: &Request) -> (i64, i64) {
    // SAFETY: any bytes are valid as offsets.
    unsafe { (r.sqe.anon_off.off as i64, r.sqe.anon_addr.splice_off_in as i64) }
}

/// An end, as far as it matters to waiting for it.
struct End {
    fd: c_int,
    is_pipe: bool,
    /// O_NONBLOCK.
    never_blocks: bool,
}

impl End {
    /// `EBADF` when it is none that can be used so.
    fn look(fd: c_int, unfit_mode: c_int) -> Result<End> {
        let flags = file::status_flags(fd)?;
        if flags & libc::O_PATH != 0 || flags & libc::O_ACCMODE == unfit_mode {
            return Err(Errno::EBADF);
        }
        let never_blocks = flags & libc::O_NONBLOCK != 0;
        Ok(End { fd, is_pipe: pipe::is_pipe(fd), never_blocks })
    }

    /// Whether it is a socket on which a call waits until it is ready, and for nothing else.
    fn waits_as_polled(&self, timeout: c_int) -> bool {
        !self.never_blocks
            && file::kind(self.fd) == Kind::Socket
            && net::option(self.fd, libc::SO_ACCEPTCONN) == Ok(0)
            && !net::has_time(self.fd, timeout)
    }
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    if !is_begun(r) {
        let source = match find_source(turn, r) {
            Ok(source) => source,
            Err(errno) => return Outcome::Done(errno.answer()),
        };
        let (is_asked, is_final) = (false, false);
        r.state = State::Splice(Splice { source, target: r.fd, is_asked, is_final });
    }
    let target = End::look(splice(r).target, libc::O_RDONLY);
    let ends = target.and_then(|to| Ok((End::look(splice(r).from(), libc::O_WRONLY)?, to)));
    let (from, to) = match ends {
        Ok(ends) => ends,
        Err(errno) if r.sqe.len != 0 => return Outcome::Done(errno.answer()),
        Err(_) => return Outcome::Done(nothing_from(r)),
    };
    if r.sqe.len == 0 {
        return Outcome::Done(0);
    }
    if let Err(errno) = check_ends(r, &from, &to) {
        return Outcome::Done(errno.answer());
    }
    // A pipe that nobody reads is a worker's: the thread that submits gets no SIGPIPE for it.
    if from.is_pipe && to.is_pipe && !pipe::is_broken(to.fd) {
        return match transfer(r) {
            Err(Errno::EAGAIN) if waits(r) && !from.never_blocks && !to.never_blocks => wait(r),
            result => done(r, answer(result)),
        };
    }
    match obstacle(r, &from, &to) {
        Obstacle::None => punt(r),
        Obstacle::Unready => wait(r),
        Obstacle::Refusal(errno) => Outcome::Done(errno.answer()),
    }
}

/// What is moved of nothing: the modes do not matter.
fn nothing_from(r: &Request) -> i32 {
    let is_file = |fd| file::status_flags(fd).is_ok_and(|flags| flags & libc::O_PATH == 0);
    match is_file(splice(r).target) && is_file(splice(r).from()) {
        true => 0,
        false => Errno::EBADF.answer(),
    }
}

/// What is in the way of a transfer.
enum Obstacle {
    /// Nothing, or nothing but what the call knows.
    None,
    /// An end that is to be waited for.
    Unready,
    /// It will not be done.
    Refusal(Errno),
}

/// Looks at the ends in the order in which the call does. Whether the call's answer is final is noted.
fn obstacle(r: &mut Request, from: &End, to: &End) -> Obstacle {
    let (waits, (off, off_in)) = (waits(r), offsets(r));
    let has_source = || pipe::is_ready(from.fd, libc::POLLIN);
    let has_room = || pipe::is_ready(to.fd, libc::POLLOUT);
    let is_pipe_unready = if to.is_pipe { !has_room() } else { !has_source() };
    if is_pipe_unready {
        if !to.is_pipe && !may_splice_to(r, to.fd) {
            return Obstacle::None;
        }
        let never_blocks = if to.is_pipe { to.never_blocks } else { from.never_blocks };
        return match waits && !never_blocks {
            true => Obstacle::Unready,
            false => Obstacle::Refusal(Errno::EAGAIN),
        };
    }
    let is_unready_socket = match to.is_pipe {
        true => off_in == -1 && from.waits_as_polled(libc::SO_RCVTIMEO) && !has_source(),
        false => off == -1 && to.waits_as_polled(libc::SO_SNDTIMEO) && !has_room(),
    };
    if is_unready_socket && waits {
        return Obstacle::Unready;
    }
    let other = if to.is_pipe { from } else { to };
    let is_simple = match file::kind(other.fd) {
        Kind::Socket => waits_for_nothing_else(other, to.is_pipe),
        kind => kind == Kind::Cached,
    };
    if let State::Splice(splice) = &mut r.state {
        splice.is_final = waits && !is_simple;
    }
    Obstacle::None
}

fn waits_for_nothing_else(socket: &End, is_source: bool) -> bool {
    socket.waits_as_polled(if is_source { libc::SO_RCVTIMEO } else { libc::SO_SNDTIMEO })
}

/// Whether a file other than a pipe may be spliced to; false when the call is to tell. It is asked while the pipe
/// that it would come from is empty: nothing moves.
fn may_splice_to(r: &mut Request, to: c_int) -> bool {
    let has_place = offsets(r).0 != -1;
    let is_asked = splice(r).is_asked || (file::kind(to) == Kind::Socket && !has_place);
    if let State::Splice(splice) = &mut r.state {
        splice.is_asked = true;
    }
    is_asked
}

fn punt(r: &mut Request) -> Outcome {
    match hold(r) {
        Ok(()) => Outcome::Punt,
        Err(errno) => Outcome::Done(errno.answer()),
    }
}

/// What need not be waited for, because it is refused: `ESPIPE`, `EINVAL`.
fn check_ends(r: &Request, from: &End, to: &End) -> Result<()> {
    let (off, off_in) = offsets(r);
    if is_tee(r) {
        return if from.is_pipe && to.is_pipe { Ok(()) } else { Err(Errno::EINVAL) };
    }
    if (from.is_pipe && off_in != -1) || (to.is_pipe && off != -1) {
        return Err(Errno::ESPIPE);
    }
    if from.is_pipe || to.is_pipe {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// Waits for the end that is not ready.
fn wait(r: &mut Request) -> Outcome {
    if let Err(errno) = hold(r) {
        return Outcome::Done(errno.answer());
    }
    let (from, to) = (splice(r).from(), splice(r).target);
    if !pipe::is_ready(from, libc::POLLIN) {
        r.fd = from;
        return Outcome::Wait(libc::EPOLLIN as u32);
    }
    r.fd = to;
    Outcome::Wait(libc::EPOLLOUT as u32)
}

/// A worker has tried, or was asked to before anything had begun.
fn finish(turn: &mut Turn, r: &mut Request, result: i32) -> Outcome {
    let is_final = is_begun(r) && splice(r).is_final;
    if !is_begun(r) || (result == Errno::EAGAIN.answer() && waits(r) && !is_final) {
        return issue(turn, r);
    }
    done(r, result)
}

/// Less than wanted breaks a link.
fn done(r: &mut Request, result: i32) -> Outcome {
    if result != r.sqe.len as i32 {
        r.fail();
    }
    Outcome::Done(result)
}
