//! Moving data through pipes, and making pipes.
//!
//! Neither end is waited for by a worker: a request waits until one is ready, then for the other. Between
//! pipes the data moves at once; what comes from or goes to another file goes to a worker.

use super::slots::file_index;
use super::{answer, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::files::FixedFile;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::owned::Owned;
use crate::sys::{copy, fd, file, pipe, Errno, Result};
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

/// Moves what can be moved. A pipe is never waited for.
fn transfer(r: &mut Request) -> Result<usize> {
    let splice = splice(r);
    // SAFETY: any bytes are valid as offsets.
    let (off, off_in) =
        unsafe { (r.sqe.anon_off.off as i64, r.sqe.anon_addr.splice_off_in as i64) };
    let at = |offset: i64| (offset != -1).then_some(offset);
    let (from, to, len) = (splice.from(), splice.target, r.sqe.len as usize);
    let flags = flags(r) & KNOWN_FLAGS | libc::SPLICE_F_NONBLOCK;
    match r.sqe.opcode == io_uring_op::IORING_OP_TEE as u8 {
        true => pipe::tee(from, to, len, flags),
        false => pipe::splice((from, at(off_in)), (to, at(off)), len, flags),
    }
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    if !is_begun(r) {
        let source = match find_source(turn, r) {
            Ok(source) => source,
            Err(errno) => return Outcome::Done(errno.answer()),
        };
        r.state = State::Splice(Splice { source, target: r.fd });
    }
    let (from, to) = (splice(r).from(), splice(r).target);
    if r.sqe.len == 0 {
        let ends = file::status_flags(to).and_then(|_| file::status_flags(from));
        return Outcome::Done(ends.map_or_else(Errno::answer, |_| 0));
    }
    let (from_pipe, to_pipe) = (pipe::is_pipe(from), pipe::is_pipe(to));
    if let Err(errno) = check_ends(r, from_pipe, to_pipe) {
        return Outcome::Done(errno.answer());
    }
    // A pipe that nobody reads is a worker's: the thread that submits gets no SIGPIPE for it.
    if from_pipe && to_pipe && !pipe::is_broken(to) {
        return match transfer(r) {
            Err(Errno::EAGAIN) if waits(r) => wait(r),
            result => done(r, answer(result)),
        };
    }
    if waits(r) && !(pipe::is_ready(from, libc::POLLIN) && pipe::is_ready(to, libc::POLLOUT)) {
        return wait(r);
    }
    match hold(r) {
        Ok(()) => Outcome::Punt,
        Err(errno) => Outcome::Done(errno.answer()),
    }
}

/// What need not be waited for, because it is refused: `EBADF`, `ESPIPE`, `EINVAL`.
fn check_ends(r: &Request, from_pipe: bool, to_pipe: bool) -> Result<()> {
    // SAFETY: any bytes are valid as offsets.
    let (off, off_in) =
        unsafe { (r.sqe.anon_off.off as i64, r.sqe.anon_addr.splice_off_in as i64) };
    let mode =
        |fd| file::status_flags(fd).map(|flags| (flags & libc::O_PATH, flags & libc::O_ACCMODE));
    let (source, target) = (mode(splice(r).from())?, mode(splice(r).target)?);
    if source.0 != 0 || target.0 != 0 || source.1 == libc::O_WRONLY || target.1 == libc::O_RDONLY {
        return Err(Errno::EBADF);
    }
    if r.sqe.opcode == io_uring_op::IORING_OP_TEE as u8 {
        return if from_pipe && to_pipe { Ok(()) } else { Err(Errno::EINVAL) };
    }
    if (from_pipe && off_in != -1) || (to_pipe && off != -1) {
        return Err(Errno::ESPIPE);
    }
    if from_pipe || to_pipe {
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
    if !is_begun(r) || (result == Errno::EAGAIN.answer() && waits(r)) {
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
