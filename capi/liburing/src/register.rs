//! Registering what belongs to a ring: each call hands its argument to the server.

use crate::answer::Answer;
use anyring::abi::ctypes::*;
use anyring::abi::liburing::io_uring;
use anyring::abi::uring::io_uring_register_op::*;
use anyring::abi::uring::*;
use anyring::ring::register::{register, register_task};
use anyring::ring::{buf_ring, ring_fd};
use anyring::sys::Errno;
use core::ptr::{null, null_mut};

/// Signals eventfd `fd` whenever a CQE is posted. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_eventfd(ring: *mut io_uring, fd: c_int) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_EVENTFD, (&raw const fd).cast(), 1) }.answer()
}

/// Signals eventfd `fd` for those CQEs only that were not posted during a submission. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_eventfd_async(ring: *mut io_uring, fd: c_int) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_EVENTFD_ASYNC, (&raw const fd).cast(), 1) }.answer()
}

/// Ends the signalling of the eventfd. 0, or -ENXIO when there was none.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_eventfd(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_UNREGISTER_EVENTFD, null(), 0) }.answer()
}

/// Fills `p` in with what the server knows of the first `nr` operations. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_probe(
    ring: *mut io_uring,
    p: *mut io_uring_probe,
    nr: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_PROBE, p.cast(), nr) }.answer()
}

/// Registers the caller's credentials; answers the id for `sqe->personality`, or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_personality(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_PERSONALITY, null(), 0) }.answer()
}

/// Forgets personality `id`. 0, or -EINVAL when there is none such.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_personality(ring: *mut io_uring, id: c_int) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_UNREGISTER_PERSONALITY, null(), id as c_uint) }.answer()
}

/// Allows only what the `nr_res` entries at `res` say, once the ring is enabled; for a ring made with
/// IORING_SETUP_R_DISABLED. 0, -EBADFD when it is enabled, -EBUSY when there are restrictions.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_restrictions(
    ring: *mut io_uring,
    res: *mut io_uring_restriction,
    nr_res: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_RESTRICTIONS, res.cast(), nr_res) }.answer()
}

/// Lets a ring made with IORING_SETUP_R_DISABLED start. 0, or -EBADFD when it is enabled already.
#[no_mangle]
pub unsafe extern "C" fn io_uring_enable_rings(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_ENABLE_RINGS, null(), 0) }.answer()
}

/// Binds the ring's workers to the CPUs of `mask` (`cpusz` bytes). 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_iowq_aff(
    ring: *mut io_uring,
    cpusz: size_t,
    mask: *const cpu_set_t,
) -> c_int {
    let Ok(size) = c_int::try_from(cpusz) else {
        return Errno::EINVAL.answer();
    };
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_IOWQ_AFF, mask.cast(), size as c_uint) }.answer()
}

/// Lets the ring's workers run on every CPU again. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_iowq_aff(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_UNREGISTER_IOWQ_AFF, null(), 0) }.answer()
}

/// Sets the most bounded and unbounded workers to `values[0]` and `values[1]` (0 leaves one as it is);
/// answers 0 with the former values stored there, or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_iowq_max_workers(
    ring: *mut io_uring,
    values: *mut c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_IOWQ_MAX_WORKERS, values.cast(), 2) }.answer()
}

/// Registers the ring with the calling task, so that each enter saves the descriptor look-up. 1, or
/// -EEXIST when it is registered, or another -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_ring_fd(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { ring_fd::register_fd(ring) }.answer()
}

/// Takes io_uring_register_ring_fd() back. 1, or -EINVAL when the ring is not registered.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_ring_fd(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { ring_fd::unregister(ring) }.answer()
}

/// Closes the descriptor of a registered ring, which goes on by its index. 1; -EOPNOTSUPP without
/// IORING_FEAT_REG_REG_RING, -EINVAL when it is not registered, -EBADF when it was closed before.
#[no_mangle]
pub unsafe extern "C" fn io_uring_close_ring_fd(ring: *mut io_uring) -> c_int {
    // SAFETY: see the module above.
    unsafe { ring_fd::close_fd(ring) }.answer()
}

/// Registers the buffer ring that `reg` describes, with `flags` (IOU_PBUF_RING_*) added. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_buf_ring(
    ring: *mut io_uring,
    reg: *mut io_uring_buf_reg,
    flags: c_uint,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { buf_ring::register_ring(ring, reg, flags) }.answer()
}

/// Unregisters buffer group `bgid`. 0, or -EINVAL or -ENOENT when there is none such.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_buf_ring(ring: *mut io_uring, bgid: c_int) -> c_int {
    // SAFETY: see the module above.
    unsafe { buf_ring::unregister_ring(ring, bgid) }.answer()
}

/// Allocates an empty ring of `nentries` (a power of two) buffers and registers it as group `bgid`.
/// NULL on failure, with -errno in `err`. Free with io_uring_free_buf_ring().
#[no_mangle]
pub unsafe extern "C" fn io_uring_setup_buf_ring(
    ring: *mut io_uring,
    nentries: c_uint,
    bgid: c_int,
    flags: c_uint,
    err: *mut c_int,
) -> *mut io_uring_buf_ring {
    // SAFETY: see the module above.
    unsafe {
        match buf_ring::setup(ring, nentries, bgid, flags) {
            Ok(buf_ring) => {
                *err = 0;
                buf_ring
            }
            Err(errno) => {
                *err = errno.answer();
                null_mut()
            }
        }
    }
}

/// Unregisters and frees a ring of `nentries` buffers that io_uring_setup_buf_ring() made. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_free_buf_ring(
    ring: *mut io_uring,
    br: *mut io_uring_buf_ring,
    nentries: c_uint,
    bgid: c_int,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { buf_ring::free(ring, br, nentries, bgid) }.answer()
}

/// Stores in `head` where group `buf_group` takes its next buffer from. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_buf_ring_head(
    ring: *mut io_uring,
    buf_group: c_int,
    head: *mut uint16_t,
) -> c_int {
    // SAFETY: see the module above.
    unsafe {
        match buf_ring::head(ring, buf_group) {
            Ok(index) => {
                *head = index;
                0
            }
            Err(errno) => errno.answer(),
        }
    }
}

/// Cancels what `reg` matches and waits until it is gone. 0, -ENOENT, -ETIME or another -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_sync_cancel(
    ring: *mut io_uring,
    reg: *mut io_uring_sync_cancel_reg,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_SYNC_CANCEL, reg.cast(), 1) }.answer()
}

/// Sends the IORING_OP_MSG_RING that `sqe` describes, without a ring to send from. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_sync_msg(sqe: *mut io_uring_sqe) -> c_int {
    // SAFETY: see the module above.
    unsafe { register_task(IORING_REGISTER_SEND_MSG_RING, sqe.cast(), 1) }.answer()
}

/// Turns network busy polling on as `napi` says, and stores there what was set. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_napi(
    ring: *mut io_uring,
    napi: *mut io_uring_napi,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_NAPI, napi.cast(), 1) }.answer()
}

/// Turns network busy polling off and stores in `napi` (may be NULL) what was set. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_unregister_napi(
    ring: *mut io_uring,
    napi: *mut io_uring_napi,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_UNREGISTER_NAPI, napi.cast(), 1) }.answer()
}

/// Chooses the clock of waits with a timeout: CLOCK_MONOTONIC or CLOCK_BOOTTIME. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_clock(
    ring: *mut io_uring,
    arg: *mut io_uring_clock_register,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_CLOCK, arg.cast(), 0) }.answer()
}

/// Registers a memory region, for instance of waits (IORING_MEM_REGION_REG_WAIT_ARG). 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_region(
    ring: *mut io_uring,
    reg: *mut io_uring_mem_region_reg,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_MEM_REGION, reg.cast(), 1) }.answer()
}

/// Answers -EINVAL: kernels took registered waits this way in no release; io_uring_register_region()
/// serves instead.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_wait_reg(
    ring: *mut io_uring,
    reg: *mut io_uring_reg_wait,
    nr: c_int,
) -> c_int {
    let _ = (ring, reg, nr);
    Errno::EINVAL.answer()
}

/// Registers a network interface queue for zero-copy receive. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_ifq(
    ring: *mut io_uring,
    reg: *mut io_uring_zcrx_ifq_reg,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_ZCRX_IFQ, reg.cast(), 1) }.answer()
}

/// Controls a zero-copy receive queue as `ctrl` says. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_zcrx_ctrl(
    ring: *mut io_uring,
    ctrl: *mut zcrx_ctrl,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_ZCRX_CTRL, ctrl.cast(), 0) }.answer()
}

/// Adds a BPF filter over what this ring may submit. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_bpf_filter(
    ring: *mut io_uring,
    bpf: *mut io_uring_bpf,
) -> c_int {
    // SAFETY: see the module above.
    unsafe { register(ring, IORING_REGISTER_BPF_FILTER, bpf.cast(), 1) }.answer()
}

/// Adds a BPF filter over what all later rings of the calling task may submit. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_bpf_filter_task(bpf: *mut io_uring_bpf) -> c_int {
    // SAFETY: see the module above.
    unsafe { register_task(IORING_REGISTER_BPF_FILTER, bpf.cast(), 1) }.answer()
}

/// Asks the kernel what it knows, without a ring: the chain of questions that starts at `query`.
/// 0 or -errno; each question has a result of its own.
#[no_mangle]
pub unsafe extern "C" fn io_uring_register_query(query: *mut io_uring_query_hdr) -> c_int {
    // SAFETY: see the module above.
    unsafe { register_task(IORING_REGISTER_QUERY, query.cast(), 0) }.answer()
}
