//! Syncing files: always a worker's.

use super::{answer, finish_without_failing, Op, Outcome};
use crate::abi::uring::*;
use crate::sys::{rw, Errno};

/// FSYNC.
pub static FSYNC: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as numbers.
        let (flags, addr, buffer, second) = unsafe {
            let sqe = &r.sqe;
            let second = sqe.anon_splice_fd_in.splice_fd_in;
            (
                sqe.anon_rw_flags.fsync_flags,
                sqe.anon_addr.addr,
                sqe.anon_buf_index.buf_index,
                second,
            )
        };
        let unused = addr == 0 && buffer == 0 && second == 0;
        if !unused || flags & !IORING_FSYNC_DATASYNC != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |_, _| Outcome::Punt,
    run: Some(|r| {
        // SAFETY: any bytes are valid as numbers; the descriptor is the request's.
        unsafe {
            // A range is synced with all of its file.
            if (r.sqe.anon_off.off as i64) < 0 {
                return Errno::EINVAL.answer();
            }
            answer(rw::sync(r.fd, r.sqe.anon_rw_flags.fsync_flags & IORING_FSYNC_DATASYNC != 0))
        }
    }),
    finish: finish_without_failing,
    needs_file: true,
    ..Op::NONE
};
