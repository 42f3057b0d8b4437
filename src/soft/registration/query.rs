//! What this server offers: `IORING_REGISTER_QUERY`, with a ring or without.

use crate::abi::uring::*;
use crate::soft::setup::{FEATURES, KNOWN_FLAGS};
use crate::soft::turn::Turn;
use crate::soft::{enter, intake, memory};
use crate::sys::{copy, peek, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;

/// Questions in one call: their list may be a circle.
const MOST: u32 = 1000;

/// Does what `opcode` says; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    _: &mut Turn,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    (opcode == io_uring_register_op::IORING_REGISTER_QUERY as u32)
        .then(|| query(arg as u64, nr_args))
}

/// Answers the list of questions at `at`. `EFAULT`, `ERANGE` when it is too long.
pub fn query(at: u64, nr_args: c_uint) -> Result<c_int> {
    if nr_args != 0 {
        return Err(Errno::EINVAL);
    }
    let mut at = at;
    for _ in 0..MOST {
        if at == 0 {
            return Ok(0);
        }
        // SAFETY: the struct is valid for any bytes.
        let mut asked: io_uring_query_hdr = unsafe { peek::copy(at)? };
        let answer = answer(&asked);
        asked.result = answer.as_ref().err().map_or(0, |errno| errno.answer());
        let answer = answer.as_ref().map_or(&[][..], |answer| &answer.bytes[..answer.len]);
        asked.size = fill(asked.query_data, asked.size, answer)?;
        copy::put(at, &asked)?;
        at = asked.next_entry;
    }
    Err(Errno::of(libc::ERANGE))
}

/// The longest answer.
const SIZE: usize = size_of::<io_uring_query_opcode>();

/// A question's answer.
struct Answer {
    bytes: [u8; SIZE],
    len: usize,
}

impl Answer {
    /// `T` must be plain numbers without gaps.
    fn of<T: Copy>(answer: &T) -> Self {
        const { assert!(size_of::<T>() <= SIZE) };
        let mut bytes = [0; SIZE];
        // SAFETY: it fits, and has no bytes that are not its numbers'.
        unsafe { (&raw mut bytes).cast::<T>().write_unaligned(*answer) };
        Answer { bytes, len: size_of::<T>() }
    }
}

/// The answer to one question. `EOPNOTSUPP`, `EINVAL`.
fn answer(asked: &io_uring_query_hdr) -> Result<Answer> {
    if !matches!(asked.query_op, IO_URING_QUERY_OPCODES | IO_URING_QUERY_SCQ) {
        return Err(Errno::EOPNOTSUPP);
    }
    if asked.size == 0 || asked.result != 0 || asked.__resv != [0; 3] {
        return Err(Errno::EINVAL);
    }
    if asked.query_op == IO_URING_QUERY_SCQ {
        let (hdr_size, hdr_alignment) = (memory::HEADER_SIZE, memory::HEADER_ALIGNMENT);
        return Ok(Answer::of(&io_uring_query_scq { hdr_size, hdr_alignment }));
    }
    Ok(Answer::of(&io_uring_query_opcode {
        nr_request_opcodes: io_uring_op::IORING_OP_LAST as u32,
        nr_register_opcodes: io_uring_register_op::IORING_REGISTER_LAST as u32,
        feature_flags: u64::from(FEATURES),
        ring_setup_flags: u64::from(KNOWN_FLAGS),
        enter_flags: u64::from(enter::KNOWN_FLAGS),
        sqe_flags: u64::from(intake::KNOWN_FLAGS),
        nr_query_opcodes: __IO_URING_QUERY_MAX,
        __pad: 0,
    }))
}

/// Fills `size` bytes at `at`: as much of `answer` as there is room for, whose length is returned, then
/// zeros. `EFAULT`.
fn fill(at: u64, size: u32, answer: &[u8]) -> Result<u32> {
    const ZEROS: [u8; 256] = [0; 256];
    let size = size as usize;
    let told = &answer[..answer.len().min(size)];
    if !told.is_empty() {
        copy::put_bytes(at, told)?;
    }
    for done in (told.len()..size).step_by(ZEROS.len()) {
        copy::put_bytes(at.wrapping_add(done as u64), &ZEROS[..ZEROS.len().min(size - done)])?;
    }
    Ok(told.len() as u32)
}
