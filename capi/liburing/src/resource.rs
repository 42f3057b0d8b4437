//! Registered files and buffers.

use crate::answer::Answer;
use anyring::abi::ctypes::*;
use anyring::abi::liburing::io_uring;
use anyring::abi::uring::io_uring_register_op::*;
use anyring::ring::register::register;
use anyring::ring::resource::{self, Kind};
use core::ptr::null;

/// Registers `nr_files` descriptors (-1: an empty slot) for IOSQE_FIXED_FILE. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_files(
    ring: *mut io_uring,
    files: *const c_int,
    nr_files: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::register_files(ring, files, nr_files) }.answer()
}

/// Registers a table of `nr` empty slots for files. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_files_sparse(ring: *mut io_uring, nr: c_uint) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::register_sparse(ring, Kind::Files, nr) }.answer()
}

/// As io_uring_register_files(); a file that the ring has let go of posts a CQE with its tag as
/// user_data (tag 0: none). `tags` may be NULL.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_files_tags(
    ring: *mut io_uring,
    files: *const c_int,
    tags: *const __u64,
    nr: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::register_tagged(ring, Kind::Files, files.cast(), tags, nr) }.answer()
}

/// Replaces `nr_files` registered files from slot `off` on (-1 empties a slot, IORING_REGISTER_FILES_SKIP
/// keeps it). Answers how many were, or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_files_update(
    ring: *mut io_uring,
    off: c_uint,
    files: *const c_int,
    nr_files: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::update_files(ring, off, files, nr_files) }.answer()
}

/// As io_uring_register_files_update(), with new tags.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_files_update_tag(
    ring: *mut io_uring,
    off: c_uint,
    files: *const c_int,
    tags: *const __u64,
    nr_files: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::update_tagged(ring, Kind::Files, off, files.cast(), tags, nr_files) }
        .answer()
}

/// Restricts IORING_FILE_INDEX_ALLOC to `len` slots from `off` on. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_file_alloc_range(
    ring: *mut io_uring,
    off: c_uint,
    len: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::file_alloc_range(ring, off, len) }.answer()
}

/// Lets go of all registered files. 0, or -ENXIO when there are none.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_files(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_UNREGISTER_FILES, null(), 0) }.answer()
}

/// Registers `nr_iovecs` buffers for the fixed reads and writes. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_buffers(
    ring: *mut io_uring,
    iovecs: *const iovec,
    nr_iovecs: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_BUFFERS, iovecs.cast(), nr_iovecs) }.answer()
}

/// Registers a table of `nr` empty slots for buffers. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_buffers_sparse(
    ring: *mut io_uring,
    nr: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::register_sparse(ring, Kind::Buffers, nr) }.answer()
}

/// As io_uring_register_buffers(); a buffer that the ring has let go of posts a CQE with its tag as
/// user_data (tag 0: none). `tags` may be NULL.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_buffers_tags(
    ring: *mut io_uring,
    iovecs: *const iovec,
    tags: *const __u64,
    nr: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::register_tagged(ring, Kind::Buffers, iovecs.cast(), tags, nr) }.answer()
}

/// Replaces `nr` registered buffers and their tags from slot `off` on. Answers how many were, or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_buffers_update_tag(
    ring: *mut io_uring,
    off: c_uint,
    iovecs: *const iovec,
    tags: *const __u64,
    nr: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::update_tagged(ring, Kind::Buffers, off, iovecs.cast(), tags, nr) }.answer()
}

/// Lets go of all registered buffers. 0, or -ENXIO when there are none.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_buffers(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_UNREGISTER_BUFFERS, null(), 0) }.answer()
}

/// Shares all of `src`'s registered buffers with `dst`, which must have none. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_clone_buffers(dst: *mut io_uring, src: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe {
        let flags = resource::clone_source_flags(src);
        resource::clone_buffers(dst, src, 0, 0, 0, flags).answer()
    }
}

/// Shares `nr` of `src`'s registered buffers from `src_off` on with `dst`, at `dst_off`; `flags` are
/// IORING_REGISTER_DST_REPLACE or 0. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_clone_buffers_offset(
    dst: *mut io_uring,
    src: *mut io_uring,
    dst_off: c_uint,
    src_off: c_uint,
    nr: c_uint,
    flags: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe {
        let flags = flags | resource::clone_source_flags(src);
        resource::clone_buffers(dst, src, dst_off, src_off, nr, flags).answer()
    }
}

/// As io_uring_clone_buffers(), with the caller's `flags` alone: a ring that another task registered is
/// named by its descriptor.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_clone_buffers(
    dst: *mut io_uring,
    src: *mut io_uring,
    flags: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::clone_buffers(dst, src, 0, 0, 0, flags) }.answer()
}

/// As io_uring_clone_buffers_offset(), with the caller's `flags` alone.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_clone_buffers_offset(
    dst: *mut io_uring,
    src: *mut io_uring,
    dst_off: c_uint,
    src_off: c_uint,
    nr: c_uint,
    flags: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { resource::clone_buffers(dst, src, dst_off, src_off, nr, flags) }.answer()
}
