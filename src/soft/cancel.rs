//! Cancelling requests in flight.

use super::ops::{self, timeout};
use super::request::*;
use super::ring::Ring;
use super::turn::Turn;
use super::{wait, work};
use crate::abi::uring::*;
use crate::sys::{clock, file, identity, peek, thread, Errno, Result};
use alloc::vec::Vec;
use core::ffi::{c_int, c_void};

const KNOWN_FLAGS: u32 = IORING_ASYNC_CANCEL_ALL
    | IORING_ASYNC_CANCEL_FD
    | IORING_ASYNC_CANCEL_ANY
    | IORING_ASYNC_CANCEL_FD_FIXED
    | IORING_ASYNC_CANCEL_USERDATA
    | IORING_ASYNC_CANCEL_OP;

/// Which requests are meant.
pub struct Match {
    flags: u32,
    user_data: u64,
    fd: c_int,
    is_fixed: bool,
    opcode: u8,
}

impl Match {
    /// As an ASYNC_CANCEL says it. `EINVAL`.
    pub fn of_sqe(sqe: &io_uring_sqe) -> Result<Self> {
        // SAFETY: any bytes are valid as flags and an address.
        let (flags, user_data) = unsafe { (sqe.anon_rw_flags.cancel_flags, sqe.anon_addr.addr) };
        let is_fixed =
            flags & IORING_ASYNC_CANCEL_FD_FIXED != 0 || sqe.flags & IOSQE_FIXED_FILE as u8 != 0;
        Match { flags, user_data, fd: sqe.fd, is_fixed, opcode: sqe.len as u8 }.checked()
    }

    fn checked(self) -> Result<Self> {
        let by_kind = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP;
        if self.flags & !KNOWN_FLAGS != 0
            || (self.flags & by_kind != 0 && self.flags & IORING_ASYNC_CANCEL_ANY != 0)
        {
            return Err(Errno::EINVAL);
        }
        Ok(self)
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The file that it names, if it names one. `EBADF` when that is none.
    fn find_file(&self, turn: &Turn) -> Result<c_int> {
        if !self.has(IORING_ASYNC_CANCEL_FD) {
            return Ok(-1);
        }
        if self.is_fixed {
            let slot = self.fd as u32 as usize;
            return turn.core.files.get(slot).map(|file| file.fd()).ok_or(Errno::EBADF);
        }
        file::status_flags(self.fd).map(|_| self.fd)
    }

    /// Whether a request is for the `file` that is meant, whatever descriptor or slot it was named by. Where the
    /// system does not tell, the name has to be the same.
    fn is_for(&self, r: &Request, file: c_int) -> bool {
        let is_fixed = r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0;
        let has_name = || is_fixed == self.is_fixed && r.sqe.fd == self.fd;
        ops::of(r.sqe.opcode).needs_file
            && self.descriptor_of(r).map_or_else(has_name, |fd| {
                identity::compare(file, fd).unwrap_or_else(|_| has_name())
            })
    }

    /// A descriptor of a request's file, as far as there is one in the program's table: where the file was passed to a
    /// worker, the number that it was named by, if that is such a file still.
    fn descriptor_of(&self, r: &Request) -> Option<c_int> {
        if !r.is(PASSED) {
            return Some(r.fd);
        }
        let is_fixed = r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0;
        let identity = r.look.map(|look| look.identity);
        let is_same = || file::look(r.sqe.fd).map(|look| look.identity) == identity;
        match &r.reference {
            Reference::Fixed(file) => Some(file.fd()),
            _ => (!is_fixed && is_same()).then_some(r.sqe.fd),
        }
    }

    fn fits(&self, r: &Request, file: c_int) -> bool {
        if self.has(IORING_ASYNC_CANCEL_ANY) {
            return true;
        }
        if self.has(IORING_ASYNC_CANCEL_OP) && r.sqe.opcode != self.opcode {
            return false;
        }
        if self.is_by_user_data() && r.sqe.user_data != self.user_data {
            return false;
        }
        !self.has(IORING_ASYNC_CANCEL_FD) || self.is_for(r, file)
    }

    fn is_by_user_data(&self) -> bool {
        let by_kind = self.has(IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP);
        !by_kind || self.has(IORING_ASYNC_CANCEL_USERDATA)
    }
}

/// Cancels what matches: the first, or all with ALL or ANY, whose number it returns then. `ENOENT` when there
/// is none, `EALREADY` when the only one is past it.
pub fn matching(turn: &mut Turn, wanted: &Match) -> Result<i32> {
    let file = wanted.find_file(turn)?;
    if !wanted.has(IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY) {
        return cancel_one(turn, wanted, file);
    }
    let fits = |r: &Request| can_be_found(r) && wanted.fits(r, file);
    // SAFETY: those in flight are live.
    let is_meant = |request: &*mut Request| unsafe { fits(&**request) };
    let mut found: Vec<*mut Request> = turn.core.requests.iter().filter(is_meant).collect();
    // Timeouts come last, the oldest first.
    // SAFETY: as above.
    let (timed, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|&request| unsafe { (*request).place == Place::Timed });
    found = others;
    found.extend(timed.into_iter().rev());
    let (mut count, mut kinds) = (0, 0);
    for request in found {
        // SAFETY: they were found in flight, and cancelling one leaves the others where they are: those that
        // are found are linked to nothing that is found.
        unsafe {
            let kind = kind_counted(&*request);
            let is_new = kinds & kind == 0 || wanted.has(IORING_ASYNC_CANCEL_ANY);
            if one(turn, request).is_ok() {
                count += i32::from(is_new);
                kinds |= kind;
            }
        }
    }
    Ok(count)
}

fn cancel_one(turn: &mut Turn, wanted: &Match, file: c_int) -> Result<i32> {
    let fits = |r: &Request| can_be_found(r) && wanted.fits(r, file);
    let found = match wanted.is_by_user_data() {
        true => turn.core.requests.find(wanted.user_data, fits),
        // SAFETY: those in flight are live.
        false => turn.core.requests.iter().find(|&request| unsafe { fits(&*request) }),
    };
    let request = found.ok_or(Errno::ENOENT)?;
    // SAFETY: as above.
    unsafe {
        let answer = count_of_one(&*request);
        one(turn, request).map(|()| answer)
    }
}

/// What the kernel answers when it has cancelled one: it counts those that it keeps in lists of their kind.
pub fn count_of_one(r: &Request) -> i32 {
    i32::from(kind_counted(r) != 0)
}

/// The kinds of which the kernel cancels all together, and counts them as one; 0 for others.
fn kind_counted(r: &Request) -> u32 {
    use io_uring_op::*;
    const WAITID: u8 = IORING_OP_WAITID as u8;
    const FUTEX_WAIT: u8 = IORING_OP_FUTEX_WAIT as u8;
    const FUTEX_WAITV: u8 = IORING_OP_FUTEX_WAITV as u8;
    match r.sqe.opcode {
        WAITID => 1,
        FUTEX_WAIT | FUTEX_WAITV => 2,
        _ => 0,
    }
}

/// Whether it has begun and can be cancelled at all. A link timeout goes with what it is linked to.
fn can_be_found(r: &Request) -> bool {
    !timeout::is_linked_timeout(r)
        && !matches!(r.place, Place::Here | Place::Linked | Place::Deferred | Place::Direct)
}

/// Cancels a request in flight. `EALREADY` when a worker has it, `ENOENT` when it cannot be.
///
/// # Safety
/// It must be live.
pub unsafe fn one(turn: &mut Turn, request: *mut Request) -> Result<()> {
    // SAFETY: as the caller says.
    unsafe {
        match (*request).place {
            Place::Polled(slot) => {
                turn.stop_waiting(request, slot);
                let result = ops::cancelled(&mut *request);
                turn.complete_later(request, result);
            }
            Place::Timed => timeout::cancel(turn, request),
            Place::Queued if work::take_back(turn.ring, request) => {
                turn.complete_later(request, Errno::ECANCELED.answer());
            }
            Place::Queued | Place::Running => {
                (*request).flags |= CANCELLED;
                let job = &(*request).job;
                // What the kernel has in a list of its kind it cancels there and then.
                if count_of_one(&*request) == 0 {
                    job.call_off();
                    return Err(Errno::EALREADY);
                }
                const CUT: [i32; 2] = [Errno::EINTR.answer(), Errno::ECANCELED.answer()];
                if !job.call_off_for_certain() || !CUT.contains(&(*request).result) {
                    return Err(Errno::EALREADY);
                }
            }
            Place::Kept => return (ops::of((*request).sqe.opcode).cancel)(turn, &mut *request),
            _ => return Err(Errno::ENOENT),
        }
    }
    Ok(())
}

/// Does what `opcode` of io_uring_register says; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    ring: &Ring,
    opcode: u32,
    arg: *const c_void,
    nr_args: u32,
) -> Option<Result<c_int>> {
    // SAFETY: the caller vouches for the argument.
    (opcode == io_uring_register_op::IORING_REGISTER_SYNC_CANCEL as u32)
        .then(|| unsafe { sync(ring, arg, nr_args) })
}

/// IORING_REGISTER_SYNC_CANCEL: cancels, and waits for what is past it. `ETIME` when that takes too long.
///
/// # Safety
/// `arg` must be a `struct io_uring_sync_cancel_reg`.
pub unsafe fn sync(ring: &Ring, arg: *const c_void, nr_args: u32) -> Result<c_int> {
    if arg.is_null() || nr_args != 1 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let arg: io_uring_sync_cancel_reg = unsafe { peek::copy(arg as u64)? };
    let is_padded = arg.pad.iter().all(|&b| b == 0) && arg.pad2.iter().all(|&w| w == 0);
    if !is_padded || arg.flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let wanted = Match {
        flags: arg.flags,
        user_data: arg.addr,
        fd: arg.fd,
        is_fixed: arg.flags & IORING_ASYNC_CANCEL_FD_FIXED != 0,
        opcode: arg.opcode,
    };
    let forever = arg.timeout.tv_sec == -1 && arg.timeout.tv_nsec == -1;
    let now = clock::nanoseconds(libc::CLOCK_MONOTONIC);
    let end = || wait::end(arg.timeout, false, libc::CLOCK_MONOTONIC, now);
    let deadline = (!forever).then(end);
    let mut result = matching(&mut Turn::take(ring), &wanted);
    loop {
        match result {
            Err(Errno::EALREADY) => {}
            Ok(count) => return Ok(count),
            Err(errno) => return Err(errno),
        }
        if deadline.is_some_and(|deadline| deadline.is_over()) {
            return Err(Errno::ETIME);
        }
        const LOOK_AGAIN: i64 = 500;
        thread::sleep(LOOK_AGAIN);
        result = match matching(&mut Turn::take(ring), &wanted) {
            // It has ended by itself.
            Err(Errno::ENOENT) => Ok(0),
            result => result,
        };
    }
}
