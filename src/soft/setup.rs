//! io_uring_setup(2).

use super::memory::{ControlPage, Memory};
use super::registered_rings;
use super::ring::{Core, Ring};
use super::sqpoll::Reader;
use super::table;
use super::turn::Turn;
use crate::abi::uring::*;
use crate::sys::identity::Held;
use crate::sys::{allocator, copy, fd, file, fork, identity, image, peek, Errno, Result};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::ffi::{c_int, c_uint};

const MAX_SQ_ENTRIES: u32 = 32 << 10;
const MAX_CQ_ENTRIES: u32 = 2 * MAX_SQ_ENTRIES;

/// Setup flags that are served.
pub const KNOWN_FLAGS: u32 = IORING_SETUP_IOPOLL
    | IORING_SETUP_SQPOLL
    | IORING_SETUP_SQ_AFF
    | IORING_SETUP_CQSIZE
    | IORING_SETUP_CLAMP
    | IORING_SETUP_ATTACH_WQ
    | IORING_SETUP_R_DISABLED
    | IORING_SETUP_SUBMIT_ALL
    | IORING_SETUP_COOP_TASKRUN
    | IORING_SETUP_TASKRUN_FLAG
    | IORING_SETUP_SQE128
    | IORING_SETUP_CQE32
    | IORING_SETUP_SINGLE_ISSUER
    | IORING_SETUP_DEFER_TASKRUN
    | IORING_SETUP_NO_MMAP
    | IORING_SETUP_REGISTERED_FD_ONLY
    | IORING_SETUP_NO_SQARRAY
    | IORING_SETUP_HYBRID_IOPOLL
    | IORING_SETUP_CQE_MIXED
    | IORING_SETUP_SQE_MIXED
    | IORING_SETUP_SQ_REWIND;

/// What rings of this server can do.
pub const FEATURES: u32 = IORING_FEAT_SINGLE_MMAP
    | IORING_FEAT_NODROP
    | IORING_FEAT_SUBMIT_STABLE
    | IORING_FEAT_RW_CUR_POS
    | IORING_FEAT_CUR_PERSONALITY
    | IORING_FEAT_FAST_POLL
    | IORING_FEAT_POLL_32BITS
    | IORING_FEAT_SQPOLL_NONFIXED
    | IORING_FEAT_EXT_ARG
    | IORING_FEAT_NATIVE_WORKERS
    | IORING_FEAT_RSRC_TAGS
    | IORING_FEAT_REG_REG_RING
    | IORING_FEAT_CQE_SKIP
    | IORING_FEAT_LINKED_FILE
    | IORING_FEAT_RECVSEND_BUNDLE
    | IORING_FEAT_MIN_TIMEOUT
    | IORING_FEAT_NO_IOWAIT;

/// Makes a ring of `entries` SQEs and answers in `params` what it is; returns its descriptor, or
/// with `REGISTERED_FD_ONLY` the slot where it is registered. `EFAULT` where no params are.
///
/// # Safety
/// With `NO_MMAP`, the memory whose addresses `params` has must be as large as such a ring needs.
pub unsafe fn setup(entries: c_uint, params: *mut io_uring_params) -> Result<c_int> {
    table::begin_serving();
    fork::look();
    // Before there is a thread, and without any lock: the loader has its own.
    image::keep_loaded();
    let at = params as u64;
    // SAFETY: params are valid for any bytes.
    let params: &io_uring_params = unsafe { &peek::copy(at)? };
    let flags = params.flags;
    if params.resv.iter().any(|&word| word != 0) {
        return Err(Errno::EINVAL);
    }
    check_flags(flags)?;
    let entries = sizes(entries, params)?;
    let own = (params.cq_off.user_addr, params.sq_off.user_addr);
    allocator::check()?;
    let memory = Box::new(Memory::new(entries, flags, own, ControlPage::new()?)?);
    let mut answer = *params;
    memory.describe(&mut answer);
    answer.features = FEATURES;
    let fd = file::eventfd_nonblocking()?;
    let made = identity::mark(fd).and_then(|()| fd::hold(fd)).and_then(|own| {
        let mut core = Core::new(memory, flags, Held::of_marked(own));
        // Last, for nothing else ends a thread that no ring has joined.
        core.reader = reader(params)?;
        let reader = core.reader.clone();
        table::insert(fd, Box::new(Ring::new(core)))?;
        Ok(reader)
    });
    let reader = made.inspect_err(|_| {
        // SAFETY: nobody knows of it.
        let _ = unsafe { fd::close(fd) };
    })?;
    if let (Some(reader), Some(ring)) = (reader, table::find(fd)) {
        reader.join(ring.get(), params.sq_thread_idle).inspect_err(|_| {
            table::close(fd);
        })?;
    }
    copy::put(at, &answer).inspect_err(|_| {
        table::close(fd);
    })?;
    if flags & IORING_SETUP_REGISTERED_FD_ONLY == 0 {
        return Ok(fd);
    }
    let slot = registered_rings::add(fd, None);
    table::close(fd);
    slot.map(|slot| slot as c_int)
}

/// As the kernel does: `EINVAL` for flags that there are not, that need others, or exclude others.
fn check_flags(flags: u32) -> Result<()> {
    let has = |flag| flags & flag != 0;
    let has_all = |all| flags & all == all;
    let needs = |flag, other| !has(flag) || has(other);
    let taskrun = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN;
    let polled_excludes = taskrun | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQ_REWIND;
    let are_good = flags & !KNOWN_FLAGS == 0
        && needs(IORING_SETUP_REGISTERED_FD_ONLY, IORING_SETUP_NO_MMAP)
        && needs(IORING_SETUP_HYBRID_IOPOLL, IORING_SETUP_IOPOLL)
        && needs(IORING_SETUP_TASKRUN_FLAG, taskrun)
        && needs(IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER)
        && needs(IORING_SETUP_SQ_REWIND, IORING_SETUP_NO_SQARRAY)
        && !(has(IORING_SETUP_SQPOLL) && has(polled_excludes))
        && !has_all(IORING_SETUP_CQE32 | IORING_SETUP_CQE_MIXED)
        && !has_all(IORING_SETUP_SQE128 | IORING_SETUP_SQE_MIXED);
    if are_good {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// The thread that reads the ring's submissions, if it is to have one: that of the ring that it shares
/// with, or a new one.
fn reader(params: &io_uring_params) -> Result<Option<Arc<Reader>>> {
    let has = |flag| params.flags & flag != 0;
    if has(IORING_SETUP_ATTACH_WQ) {
        // All rings of a process share its workers anyway.
        let other = attached(params.wq_fd)?;
        if has(IORING_SETUP_SQPOLL) {
            let turn = Turn::take(&other);
            if turn.core.flags & IORING_SETUP_SQPOLL == 0 {
                return Err(Errno::EINVAL);
            }
            // Where that is another process's thread, a new one is started.
            if let Some(reader) = turn.core.reader.as_ref().filter(|reader| !reader.is_foreign()) {
                return Ok(Some(reader.clone()));
            }
        }
    }
    match (has(IORING_SETUP_SQPOLL), has(IORING_SETUP_SQ_AFF)) {
        (false, false) => Ok(None),
        (false, true) => Err(Errno::EINVAL),
        (true, pins) => Reader::start(pins.then_some(params.sq_thread_cpu)).map(Some),
    }
}

/// A ring of this process whose descriptor is `fd`, which a new one is to share with: `ENXIO` when it is
/// closed or only a place (`O_PATH`), `EINVAL` when it is no ring.
fn attached(fd: u32) -> Result<table::Used> {
    let fd = c_int::try_from(fd).map_err(|_| Errno::ENXIO)?;
    match file::status_flags(fd) {
        Ok(flags) if flags & libc::O_PATH == 0 => table::find(fd).ok_or(Errno::EINVAL),
        _ => Err(Errno::ENXIO),
    }
}

/// How many SQEs and CQEs a ring gets.
pub fn sizes(entries: u32, params: &io_uring_params) -> Result<(u32, u32)> {
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
