//! Buffer rings: handing buffers to the server, which picks one for each request that asks.

use super::cq::io_uring_cq_advance;
use super::dialect::elements_mut;
use crate::abi::ctypes::*;
use crate::abi::liburing::io_uring;
use crate::abi::uring::*;
use crate::ring::barrier::{io_uring_smp_store_release, read_once, write_once};

extern "C" {
    fn io_uring_buf_ring_head(ring: *mut io_uring, buf_group: c_int, head: *mut uint16_t) -> c_int;
}

/// The mask that io_uring_buf_ring_add() wants for a ring of `ring_entries`, a power of two.
#[no_mangle]
pub unsafe extern "C" fn io_uring_buf_ring_mask(ring_entries: __u32) -> c_int {
    ring_entries.wrapping_sub(1) as c_int
}

/// Empties a buffer ring, before its first use.
#[no_mangle]
pub unsafe extern "C" fn io_uring_buf_ring_init(br: *mut io_uring_buf_ring) {
    write_once(&raw mut (*br).anon_ring.anon_header.tail, 0);
}

/// Writes the buffer `bid` of `len` bytes at `addr` into the slot `buf_offset` after the tail. The
/// server sees it once io_uring_buf_ring_advance() has moved the tail.
#[no_mangle]
pub unsafe extern "C" fn io_uring_buf_ring_add(
    br: *mut io_uring_buf_ring,
    addr: *mut c_void,
    len: c_uint,
    bid: c_ushort,
    mask: c_int,
    buf_offset: c_int,
) {
    let tail: c_uint = read_once(&raw const (*br).anon_ring.anon_header.tail) as c_uint;
    let index: c_uint = tail.wrapping_add(buf_offset as c_uint) & mask as c_uint;
    let buf: *mut io_uring_buf = elements_mut(&raw mut (*br).anon_ring.bufs).add(index as usize);
    (*buf).addr = addr as uintptr_t as __u64;
    (*buf).len = len;
    (*buf).bid = bid;
}

/// Gives the server the next `count` buffers that io_uring_buf_ring_add() wrote.
#[no_mangle]
pub unsafe extern "C" fn io_uring_buf_ring_advance(br: *mut io_uring_buf_ring, count: c_int) {
    let tail: c_uint = read_once(&raw const (*br).anon_ring.anon_header.tail) as c_uint;
    io_uring_smp_store_release(
        &raw mut (*br).anon_ring.anon_header.tail,
        tail.wrapping_add(count as c_uint) as __u16,
    );
}

/// Gives the server `buf_count` buffers, and `cq_count` slots of the CQ back.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_buf_ring_cq_advance(
    ring: *mut io_uring,
    br: *mut io_uring_buf_ring,
    cq_count: c_int,
    buf_count: c_int,
) {
    io_uring_buf_ring_advance(br, buf_count);
    io_uring_cq_advance(ring, cq_count as c_uint);
}

/// Gives the server `count` buffers, and as many slots of the CQ back.
#[no_mangle]
pub unsafe extern "C" fn io_uring_buf_ring_cq_advance(
    ring: *mut io_uring,
    br: *mut io_uring_buf_ring,
    count: c_int,
) {
    __io_uring_buf_ring_cq_advance(ring, br, count, count);
}

/// How many buffers of the ring `br`, registered as group `bgid`, the server has not yet used, or
/// -errno.
#[no_mangle]
pub unsafe extern "C" fn io_uring_buf_ring_available(
    ring: *mut io_uring,
    br: *mut io_uring_buf_ring,
    bgid: c_ushort,
) -> c_int {
    let mut head: uint16_t = 0;
    let ret: c_int = io_uring_buf_ring_head(ring, bgid as c_int, &raw mut head);
    if ret != 0 {
        return ret;
    }
    let tail: c_uint = read_once(&raw const (*br).anon_ring.anon_header.tail) as c_uint;
    tail.wrapping_sub(head as c_uint) as uint16_t as c_int
}
