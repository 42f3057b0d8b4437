//! What a ring may be used for, once it was enabled with restrictions.

use crate::abi::uring::*;
use crate::sys::{Errno, Result};

/// Registered restrictions: what is not allowed is refused, requests and registering alike.
#[derive(Default)]
pub struct Restrictions {
    /// A bit an opcode of io_uring_register.
    pub register_ops: u64,
    /// A bit an opcode.
    pub sqe_ops: u128,
    /// SQE flags that there may be.
    pub allowed_flags: u8,
    /// SQE flags that there must be.
    pub required_flags: u8,
}

impl Restrictions {
    /// `EACCES` for a request that is not allowed.
    pub fn check_request(&self, sqe: &io_uring_sqe) -> Result<()> {
        let extra = sqe.flags & !(self.allowed_flags | self.required_flags);
        let is_known = self.sqe_ops.checked_shr(u32::from(sqe.opcode)).unwrap_or(0) & 1 != 0;
        match is_known && sqe.flags & self.required_flags == self.required_flags && extra == 0 {
            true => Ok(()),
            false => Err(Errno::EACCES),
        }
    }

    /// `EACCES` for an opcode of io_uring_register that is not allowed.
    pub fn check_registering(&self, opcode: u32) -> Result<()> {
        match self.register_ops.checked_shr(opcode).unwrap_or(0) & 1 != 0 {
            true => Ok(()),
            false => Err(Errno::EACCES),
        }
    }
}
