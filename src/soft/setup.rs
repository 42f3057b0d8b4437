//! io_uring_setup(2).

use super::memory::Memory;
use super::ring::{Core, Ring};
use super::table;
use crate::abi::uring::*;
use crate::sys::{fd, file, Errno, Result};
use alloc::boxed::Box;
use core::ffi::{c_int, c_uint};

const MAX_SQ_ENTRIES: u32 = 32 << 10;
const MAX_CQ_ENTRIES: u32 = 2 * MAX_SQ_ENTRIES;

/// Setup flags that are served.
const KNOWN_FLAGS: u32 = IORING_SETUP_CQSIZE
    | IORING_SETUP_CLAMP
    | IORING_SETUP_R_DISABLED
    | IORING_SETUP_SUBMIT_ALL
    | IORING_SETUP_COOP_TASKRUN
    | IORING_SETUP_TASKRUN_FLAG
    | IORING_SETUP_SQE128
    | IORING_SETUP_CQE32
    | IORING_SETUP_SINGLE_ISSUER
    | IORING_SETUP_DEFER_TASKRUN
    | IORING_SETUP_NO_MMAP
    | IORING_SETUP_NO_SQARRAY;

/// What rings of this server can do.
pub const FEATURES: u32 = IORING_FEAT_SINGLE_MMAP
    | IORING_FEAT_NODROP
    | IORING_FEAT_SUBMIT_STABLE
    | IORING_FEAT_RW_CUR_POS
    | IORING_FEAT_CUR_PERSONALITY
    | IORING_FEAT_FAST_POLL
    | IORING_FEAT_POLL_32BITS
    | IORING_FEAT_EXT_ARG
    | IORING_FEAT_NATIVE_WORKERS
    | IORING_FEAT_CQE_SKIP
    | IORING_FEAT_LINKED_FILE;

/// Makes a ring of `entries` SQEs and answers in `params` what it is; returns its descriptor.
///
/// # Safety
/// With `NO_MMAP`, the memory whose addresses `params` has must be as large as such a ring needs.
pub unsafe fn setup(entries: c_uint, params: &mut io_uring_params) -> Result<c_int> {
    let flags = params.flags;
    if params.resv.iter().any(|&word| word != 0) {
        return Err(Errno::EINVAL);
    }
    check_flags(flags)?;
    let (sq_entries, cq_entries) = sizes(entries, params)?;
    let own = (params.cq_off.user_addr, params.sq_off.user_addr);
    let memory = Memory::new(sq_entries, cq_entries, flags, own)?;
    memory.describe(params);
    params.features = FEATURES;
    let fd = file::eventfd_nonblocking()?;
    let made = fd::hold(fd)
        .and_then(|own| table::insert(fd, Box::new(Ring::new(Core::new(memory, flags, own)))));
    made.inspect_err(|_| {
        // SAFETY: nobody knows of it.
        let _ = unsafe { fd::close(fd) };
    })?;
    Ok(fd)
}

/// As the kernel does: `EINVAL` for flags that there are not, or that need others.
fn check_flags(flags: u32) -> Result<()> {
    let has = |flag| flags & flag != 0;
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    if has(IORING_SETUP_DEFER_TASKRUN) && !has(IORING_SETUP_SINGLE_ISSUER) {
        return Err(Errno::EINVAL);
    }
    let taskrun = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN;
    if has(IORING_SETUP_TASKRUN_FLAG) && !has(taskrun) {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// How many SQEs and CQEs a ring gets.
fn sizes(entries: u32, params: &io_uring_params) -> Result<(u32, u32)> {
    let clamp = params.flags & IORING_SETUP_CLAMP != 0;
    let bounded = |n: u32, most: u32| match n {
        0 => Err(Errno::EINVAL),
        n if n <= most => Ok(n.next_power_of_two()),
        _ if clamp => Ok(most),
        _ => Err(Errno::EINVAL),
    };
    let sq = bounded(entries, MAX_SQ_ENTRIES)?;
    if params.flags & IORING_SETUP_CQSIZE == 0 {
        return Ok((sq, 2 * sq));
    }
    let cq = bounded(params.cq_entries, MAX_CQ_ENTRIES)?;
    if cq < sq {
        return Err(Errno::EINVAL);
    }
    Ok((sq, cq))
}
