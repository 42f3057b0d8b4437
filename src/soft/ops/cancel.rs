//! ASYNC_CANCEL.

use super::{Op, Outcome};
use crate::abi::uring::*;
use crate::soft::cancel::{self, Match};
use crate::sys::Errno;

/// ASYNC_CANCEL.
pub static ASYNC_CANCEL: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as a file and an offset.
        let (file, offset) = unsafe { (r.sqe.anon_splice_fd_in.splice_fd_in, r.sqe.anon_off.off) };
        if r.sqe.flags & IOSQE_BUFFER_SELECT as u8 != 0 || offset != 0 || file != 0 {
            return Err(Errno::EINVAL);
        }
        Match::of_sqe(&r.sqe).map(drop)
    },
    issue: |turn, r| match Match::of_sqe(&r.sqe).and_then(|m| cancel::matching(turn, &m)) {
        Ok(count) => Outcome::Done(count),
        Err(errno) => Outcome::Done(errno.answer()),
    },
    ..Op::NONE
};
