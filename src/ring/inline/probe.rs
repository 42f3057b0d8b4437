//! Reading what a server said that it knows.

use super::dialect::elements;
use crate::abi::ctypes::*;
use crate::abi::uring::*;

/// Whether the probe `p` (from io_uring_get_probe() and its kin) knows the operation `op`, an
/// IORING_OP_*: 1 or 0.
#[no_mangle]
pub unsafe extern "C" fn io_uring_opcode_supported(p: *const io_uring_probe, op: c_int) -> c_int {
    if op < 0 || op > (*p).last_op as c_int {
        return 0;
    }
    let known: *const io_uring_probe_op = elements(&raw const (*p).ops).add(op as usize);
    ((*known).flags as __u32 & IO_URING_OP_SUPPORTED != 0) as c_int
}
