//! NOP.

use super::{Op, Outcome};
use crate::abi::uring::*;
use crate::sys::Errno;

/// NOP: completes with 0, or with `len` when asked to.
pub static NOP: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as flags.
        let flags = unsafe { r.sqe.anon_rw_flags.nop_flags };
        if flags & !IORING_NOP_INJECT_RESULT != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |_, r| {
        // SAFETY: as above.
        let injects = unsafe { r.sqe.anon_rw_flags.nop_flags } & IORING_NOP_INJECT_RESULT != 0;
        Outcome::Done(if injects { r.sqe.len as i32 } else { 0 })
    },
    ..Op::NONE
};
