//! Buffer rings (`IORING_REGISTER_PBUF_RING`): buffers that the server picks from by itself.

use super::register::register;
use crate::abi::liburing::io_uring;
use crate::abi::uring::io_uring_register_op::*;
use crate::abi::uring::*;
use crate::sys::{mem, Result};
use core::ffi::{c_int, c_uint};
use core::mem::size_of;

/// Registers the buffer ring that `reg` describes; `flags` (`IOU_PBUF_RING_*`) are added to its own.
pub unsafe fn register_ring(
    ring: *const io_uring,
    reg: *mut io_uring_buf_reg,
    flags: c_uint,
) -> Result<c_int> {
    // SAFETY: see the module ring.
    unsafe {
        (*reg).flags |= flags as u16;
        register(ring, IORING_REGISTER_PBUF_RING, reg.cast(), 1)
    }
}

/// Unregisters buffer group `bgid`.
pub unsafe fn unregister_ring(ring: *const io_uring, bgid: c_int) -> Result<c_int> {
    let reg = of_group(bgid);
    // SAFETY: see the module ring.
    unsafe { register(ring, IORING_UNREGISTER_PBUF_RING, (&raw const reg).cast(), 1) }
}

/// Allocates a ring of `nentries` (a power of two) buffers, empty, and registers it as group `bgid`.
pub unsafe fn setup(
    ring: *const io_uring,
    nentries: c_uint,
    bgid: c_int,
    flags: c_uint,
) -> Result<*mut io_uring_buf_ring> {
    let len = ring_size(nentries);
    // SAFETY: see the module ring; the mapping is new and zeroed, so the ring's tail is 0.
    unsafe {
        let memory = mem::map_anonymous(len, 0)?;
        let mut reg = of_group(bgid);
        reg.ring_addr = memory as u64;
        reg.ring_entries = nentries;
        register_ring(ring, &mut reg, flags).inspect_err(|_| {
            let _ = mem::unmap(memory, len);
        })?;
        Ok(memory.cast())
    }
}

/// Unregisters a ring that [`setup()`] made and frees it.
pub unsafe fn free(
    ring: *const io_uring,
    buf_ring: *mut io_uring_buf_ring,
    nentries: c_uint,
    bgid: c_int,
) -> Result<c_int> {
    // SAFETY: see the module ring; after the unregistration only the caller knows of the memory.
    unsafe {
        let ret = unregister_ring(ring, bgid)?;
        mem::unmap(buf_ring.cast(), ring_size(nentries))?;
        Ok(ret)
    }
}

/// Where the server will take the next buffer of group `bgid` from.
pub unsafe fn head(ring: *const io_uring, bgid: c_int) -> Result<u16> {
    let mut status = io_uring_buf_status { buf_group: bgid as u32, head: 0, resv: [0; 8] };
    // SAFETY: see the module ring.
    unsafe { register(ring, IORING_REGISTER_PBUF_STATUS, (&raw mut status).cast(), 1)? };
    Ok(status.head as u16)
}

fn ring_size(nentries: c_uint) -> usize {
    nentries as usize * size_of::<io_uring_buf>()
}

fn of_group(bgid: c_int) -> io_uring_buf_reg {
    io_uring_buf_reg {
        ring_addr: 0,
        ring_entries: 0,
        bgid: bgid as u16,
        flags: 0,
        min_left: 0,
        resv: [0; 5],
    }
}
