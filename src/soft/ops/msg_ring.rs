//! MSG_RING: a CQE, or a registered file, for another ring of this process.
//!
//! Both rings' locks are never waited for at a time: when the other's is not free, a worker delivers.

use super::{Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::keeper;
use crate::soft::memory::Cqe;
use crate::soft::request::Request;
use crate::soft::table::{self, Used};
use crate::soft::turn::Turn;
use crate::sys::owned::Owned;
use crate::sys::{file, Errno, Result};
use core::ffi::c_int;
use core::sync::atomic::Ordering;

const KNOWN_FLAGS: u32 = IORING_MSG_RING_CQE_SKIP | IORING_MSG_RING_FLAGS_PASS;

/// What a message needs until it is delivered.
pub struct Parcel {
    ring: Used,
    /// The file that is sent.
    file: Option<Owned>,
}

impl Parcel {
    /// The file goes nowhere.
    pub fn close_file(&mut self) {
        self.file = None;
    }
}

/// MSG_RING.
pub static MSG_RING: Op = Op {
    prepare: |_, r| check(&r.sqe),
    assign: Some(find),
    issue,
    run: Some(run),
    needs_file: true,
    ..Op::NONE
};

fn flags(sqe: &io_uring_sqe) -> u32 {
    // SAFETY: any bytes are valid as flags.
    unsafe { sqe.anon_rw_flags.msg_ring_flags }
}

fn command(sqe: &io_uring_sqe) -> u64 {
    // SAFETY: any bytes are valid as a number.
    unsafe { sqe.anon_addr.addr }
}

fn file_index(sqe: &io_uring_sqe) -> u32 {
    // SAFETY: any bytes are valid as a number.
    unsafe { sqe.anon_splice_fd_in.file_index }
}

fn source(sqe: &io_uring_sqe) -> u64 {
    // SAFETY: any bytes are valid as a number.
    unsafe { sqe.anon_addr3_set.anon_addr3.addr3 }
}

fn is_data(sqe: &io_uring_sqe) -> bool {
    command(sqe) == io_uring_msg_ring_flags::IORING_MSG_DATA as u64
}

/// What a message's SQE may be: `EINVAL`.
pub fn check(sqe: &io_uring_sqe) -> Result<()> {
    // SAFETY: any bytes are valid as a number.
    let buf_index = unsafe { sqe.anon_buf_index.buf_index };
    if buf_index != 0 || flags(sqe) & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// What only shows when it is to be delivered: `EINVAL`.
fn check_command(sqe: &io_uring_sqe, to_itself: bool) -> Result<()> {
    let passes = flags(sqe) & IORING_MSG_RING_FLAGS_PASS != 0;
    let skips = flags(sqe) & IORING_MSG_RING_CQE_SKIP != 0;
    let is_good = match is_data(sqe) {
        true => source(sqe) == 0 && !skips && (passes || file_index(sqe) == 0),
        false => {
            let sends = command(sqe) == io_uring_msg_ring_flags::IORING_MSG_SEND_FD as u64;
            sends && sqe.len == 0 && !to_itself
        }
    };
    if is_good {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// The ring that `fd` is. `EBADF` when that is no file, `EBADFD` when it is no ring of ours.
pub fn target(fd: c_int) -> Result<Used> {
    file::check(fd)?;
    table::look_up(fd).ok_or(Errno::EBADFD)
}

fn find(turn: &mut Turn, r: &mut Request) -> Result<()> {
    let ring = target(r.fd)?;
    let to_itself = core::ptr::eq(&*ring, turn.ring);
    check_command(&r.sqe, to_itself)?;
    let mut message = Parcel { ring, file: None };
    if !is_data(&r.sqe) {
        let slot = usize::try_from(source(&r.sqe)).map_err(|_| Errno::EBADF)?;
        let file = turn.core.files.get(slot).ok_or(Errno::EBADF)?;
        message.file = Some(Owned::hold(file.fd())?);
    }
    r.state = State::Parcel(message);
    Ok(())
}

fn issue(turn: &mut Turn, r: &mut Request) -> Outcome {
    let State::Parcel(message) = &mut r.state else { unreachable!() };
    if core::ptr::eq(&*message.ring, turn.ring) {
        return Outcome::Done(deliver(turn, &r.sqe, &mut message.file));
    }
    let Some(mut theirs) = Turn::try_take(&message.ring) else { return Outcome::Punt };
    let result = deliver(&mut theirs, &r.sqe, &mut message.file);
    drop(theirs);
    if message.ring.wants_keeper.load(Ordering::Relaxed) {
        // Once this ring's lock is free.
        turn.core.messaged.push(message.ring.again());
        turn.ring.wants_keeper.store(true, Ordering::Relaxed);
    }
    Outcome::Done(result)
}

fn run(r: &mut Request) -> i32 {
    let State::Parcel(message) = &mut r.state else { unreachable!() };
    deliver_to(&message.ring, &r.sqe, &mut message.file)
}

/// Delivers to a ring, by a thread that has no ring's lock.
fn deliver_to(ring: &Used, sqe: &io_uring_sqe, file: &mut Option<Owned>) -> i32 {
    let result = deliver(&mut Turn::take(ring), sqe, file);
    keeper::attend_if_wanted(ring);
    result
}

/// Delivers to the ring whose turn it is; returns the sender's result. A file that was sent is the ring's.
fn deliver(turn: &mut Turn, sqe: &io_uring_sqe, file: &mut Option<Owned>) -> i32 {
    if turn.core.disabled || turn.core.is_closed {
        return Errno::EBADFD.answer();
    }
    // SAFETY: any bytes are valid as a number.
    let user_data = unsafe { sqe.anon_off.off };
    if is_data(sqe) {
        let passes = flags(sqe) & IORING_MSG_RING_FLAGS_PASS != 0;
        let flags = if passes { file_index(sqe) } else { 0 };
        if turn.has_no_room_for_another() {
            return Errno::EOVERFLOW.answer();
        }
        turn.post(Cqe { user_data, res: sqe.len as i32, flags, big: [0; 2] });
        return 0;
    }
    let sent = file.take().ok_or(Errno::EBADF);
    let result = match sent.and_then(|file| turn.core.files.install(file, file_index(sqe))) {
        Ok(slot) => slot as i32,
        Err(errno) => errno.answer(),
    };
    turn.post_tags();
    if result >= 0 && flags(sqe) & IORING_MSG_RING_CQE_SKIP == 0 {
        turn.post(Cqe { user_data, res: result, flags: 0, big: [0; 2] });
    }
    result
}

/// Sends a message without a ring of its own: data only.
pub fn send(sqe: &io_uring_sqe) -> Result<c_int> {
    if sqe.opcode != io_uring_op::IORING_OP_MSG_RING as u8 || sqe.flags != 0 {
        return Err(Errno::EINVAL);
    }
    check(sqe)?;
    if !is_data(sqe) {
        return Err(Errno::EINVAL);
    }
    let ring = target(sqe.fd)?;
    check_command(sqe, false)?;
    let answer = deliver_to(&ring, sqe, &mut None);
    if answer == Errno::EBADFD.answer() {
        return Err(Errno::EBADFD);
    }
    Ok(answer)
}
