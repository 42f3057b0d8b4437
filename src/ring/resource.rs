//! Registered files and buffers, with and without tags.

use super::flags::REGISTERED_RING;
use super::register::register;
use crate::abi::liburing::io_uring;
use crate::abi::uring::io_uring_register_op::*;
use crate::abi::uring::*;
use crate::sys::{fd, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;

/// Which of the two kinds of resource a call is about.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Registered ("fixed") files; entries are `int`s.
    Files,
    /// Registered ("fixed") buffers; entries are `struct iovec`s.
    Buffers,
}

/// Registers files without tags. A table larger than the soft limit on descriptors raises it.
pub unsafe fn register_files(
    ring: *const io_uring,
    fds: *const c_int,
    nr: c_uint,
) -> Result<c_int> {
    // SAFETY: see the module ring.
    with_enough_files(nr, || unsafe { register(ring, IORING_REGISTER_FILES, fds.cast(), nr) })
}

/// Registers `nr` entries, each with a tag whose CQE says that the entry is no longer in use.
/// `tags` may be NULL.
pub unsafe fn register_tagged(
    ring: *const io_uring,
    kind: Kind,
    entries: *const c_void,
    tags: *const u64,
    nr: c_uint,
) -> Result<c_int> {
    let arg =
        io_uring_rsrc_register { nr, flags: 0, resv2: 0, data: entries as u64, tags: tags as u64 };
    // SAFETY: see the module ring.
    unsafe { register_table(ring, kind, &arg) }
}

/// Registers a table of `nr` empty slots.
pub unsafe fn register_sparse(ring: *const io_uring, kind: Kind, nr: c_uint) -> Result<c_int> {
    let flags = IORING_RSRC_REGISTER_SPARSE;
    let arg = io_uring_rsrc_register { nr, flags, resv2: 0, data: 0, tags: 0 };
    // SAFETY: see the module ring.
    unsafe { register_table(ring, kind, &arg) }
}

unsafe fn register_table(
    ring: *const io_uring,
    kind: Kind,
    arg: &io_uring_rsrc_register,
) -> Result<c_int> {
    let register = |opcode| {
        let size = size_of::<io_uring_rsrc_register>() as c_uint;
        // SAFETY: see the module ring.
        unsafe { register(ring, opcode, (&raw const *arg).cast(), size) }
    };
    match kind {
        Kind::Files => with_enough_files(arg.nr, || register(IORING_REGISTER_FILES2)),
        Kind::Buffers => register(IORING_REGISTER_BUFFERS2),
    }
}

/// Replaces `nr` entries from slot `off` on and their tags; returns how many were.
pub unsafe fn update_tagged(
    ring: *const io_uring,
    kind: Kind,
    off: c_uint,
    entries: *const c_void,
    tags: *const u64,
    nr: c_uint,
) -> Result<c_int> {
    let arg = io_uring_rsrc_update2 {
        offset: off,
        resv: 0,
        data: entries as u64,
        tags: tags as u64,
        nr,
        resv2: 0,
    };
    let opcode = match kind {
        Kind::Files => IORING_REGISTER_FILES_UPDATE2,
        Kind::Buffers => IORING_REGISTER_BUFFERS_UPDATE,
    };
    let size = size_of::<io_uring_rsrc_update2>() as c_uint;
    // SAFETY: see the module ring.
    unsafe { register(ring, opcode, (&raw const arg).cast(), size) }
}

/// Replaces `nr` files from slot `off` on; returns how many were.
pub unsafe fn update_files(
    ring: *const io_uring,
    off: c_uint,
    fds: *const c_int,
    nr: c_uint,
) -> Result<c_int> {
    let arg = io_uring_files_update { offset: off, resv: 0, fds: fds as u64 };
    // SAFETY: see the module ring.
    unsafe { register(ring, IORING_REGISTER_FILES_UPDATE, (&raw const arg).cast(), nr) }
}

/// Keeps slots outside of `len` from `off` on from being chosen by IORING_FILE_INDEX_ALLOC.
pub unsafe fn file_alloc_range(ring: *const io_uring, off: c_uint, len: c_uint) -> Result<c_int> {
    let arg = io_uring_file_index_range { off, len, resv: 0 };
    // SAFETY: see the module ring.
    unsafe { register(ring, IORING_REGISTER_FILE_ALLOC_RANGE, (&raw const arg).cast(), 0) }
}

/// Shares `nr` (0: all) of `src`'s registered buffers from `src_off` on with `dst`, at `dst_off`.
pub unsafe fn clone_buffers(
    dst: *const io_uring,
    src: *const io_uring,
    dst_off: c_uint,
    src_off: c_uint,
    nr: c_uint,
    flags: c_uint,
) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        let by_index = flags & IORING_REGISTER_SRC_REGISTERED != 0;
        let src_fd = if by_index { (*src).enter_ring_fd } else { (*src).ring_fd } as c_uint;
        let arg = io_uring_clone_buffers { src_fd, flags, src_off, dst_off, nr, pad: [0; 3] };
        register(dst, IORING_REGISTER_CLONE_BUFFERS, (&raw const arg).cast(), 1)
    }
}

/// `IORING_REGISTER_SRC_REGISTERED` when `src` is known to this task by a registered index.
pub unsafe fn clone_source_flags(src: *const io_uring) -> c_uint {
    // SAFETY: see the module ring.
    let registered = unsafe { (*src).int_flags } & REGISTERED_RING != 0;
    if registered {
        IORING_REGISTER_SRC_REGISTERED
    } else {
        0
    }
}

/// Kernels before 5.13 count registered files against RLIMIT_NOFILE: raise the soft limit once.
fn with_enough_files(nr: c_uint, register: impl Fn() -> Result<c_int>) -> Result<c_int> {
    match register() {
        Err(Errno::EMFILE) => {
            raise_nofile_limit(u64::from(nr))?;
            register()
        }
        result => result,
    }
}

fn raise_nofile_limit(nr: u64) -> Result<()> {
    let mut limit = fd::nofile_limit(None)?;
    if limit.rlim_cur < nr {
        limit.rlim_cur = limit.rlim_cur.saturating_add(nr).min(limit.rlim_max);
        fd::nofile_limit(Some(&limit))?;
    }
    Ok(())
}
