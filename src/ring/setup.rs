//! Making a ring and taking it down.

use super::flags::*;
use super::memory::{allocate, sq_array_offset, Mappings, OwnMemory};
use super::ring_fd;
use crate::abi::liburing::{io_uring, io_uring_cq, io_uring_sq};
use crate::abi::uring::*;
use crate::backing;
use crate::sys::{mem, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::ptr::null_mut;

/// Makes a ring of `entries` SQEs; `params` says what kind and is answered with what it became.
///
/// With `IORING_SETUP_NO_MMAP` the library brings the ring's memory.
pub unsafe fn queue_init(
    entries: c_uint,
    ring: *mut io_uring,
    params: &mut io_uring_params,
) -> Result<()> {
    // SAFETY: see the module ring.
    unsafe {
        clear(ring);
        if params.flags & IORING_SETUP_NO_MMAP != 0 {
            return init_in_own_memory(entries, ring, params);
        }
        let ring_fd = make(entries, params)?;
        queue_mmap(ring_fd, params, ring).inspect_err(|_| {
            let _ = backing::close(ring_fd);
        })
    }
}

/// As [`queue_init`], in `buf_size` bytes of the application's memory at `buf`, which must be page
/// aligned. Returns how many bytes the ring uses; `ENOMEM` when there are not as many.
pub unsafe fn queue_init_mem(
    entries: c_uint,
    ring: *mut io_uring,
    params: &mut io_uring_params,
    buf: *mut c_void,
    buf_size: usize,
) -> Result<usize> {
    params.flags |= IORING_SETUP_NO_MMAP;
    let needed = OwnMemory::needed(entries, params)?;
    if needed.total() > buf_size {
        return Err(Errno::ENOMEM);
    }
    let maps = Mappings {
        sqes: buf,
        sqes_len: needed.sqes,
        // The rings follow the SQEs, in the pages after them.
        sq: buf.wrapping_byte_add(needed.sqes),
        sq_len: needed.rings,
        cq: buf.wrapping_byte_add(needed.sqes),
        cq_len: needed.rings,
    };
    // SAFETY: see the module ring; the pieces lie inside of the application's buffer.
    unsafe {
        clear(ring);
        init_no_mmap(entries, ring, params, &maps)?;
        (*ring).int_flags |= APP_MEMORY;
    }
    Ok(needed.total())
}

/// Fills `ring` in for ring `fd`, which `io_uring_setup` made with the answer `params`.
pub unsafe fn queue_mmap(fd: c_int, params: &io_uring_params, ring: *mut io_uring) -> Result<()> {
    // SAFETY: see the module ring.
    unsafe {
        clear(ring);
        let maps = Mappings::of_ring(fd, params, params.flags)?;
        attach(ring, params, params.flags, &maps);
        set_fd(ring, fd, params);
    }
    Ok(())
}

/// Closes and unmaps the ring. What is in flight is cancelled or finishes on its own.
pub unsafe fn queue_exit(ring: *mut io_uring) {
    // SAFETY: see the module ring; the ring is not used again.
    unsafe {
        if (*ring).int_flags & REGISTERED_RING != 0 {
            let _ = ring_fd::unregister(ring);
        }
        if (*ring).ring_fd != -1 {
            let _ = backing::close((*ring).ring_fd);
        }
        // Last: who serves a ring in this process looks into its memory, which with NO_MMAP is this one.
        if (*ring).int_flags & APP_MEMORY == 0 {
            mappings(ring).unmap();
        }
    }
}

/// Keeps the ring's memory out of children that this process forks.
pub unsafe fn dontfork(ring: *mut io_uring) -> Result<()> {
    // SAFETY: see the module ring.
    unsafe {
        let maps = mappings(ring);
        if maps.sq.is_null() || maps.sqes.is_null() || maps.cq.is_null() {
            return Err(Errno::EINVAL);
        }
        mem::advise(maps.sqes, maps.sqes_len, libc::MADV_DONTFORK)?;
        mem::advise(maps.sq, maps.sq_len, libc::MADV_DONTFORK)?;
        if maps.cq != maps.sq {
            mem::advise(maps.cq, maps.cq_len, libc::MADV_DONTFORK)?;
        }
    }
    Ok(())
}

/// Replaces the rings by ones of `params.sq_entries` (and `params.cq_entries` with CQSIZE); what is
/// queued moves along. `EINVAL` on a ring in memory of its own, `EBADF` on one whose descriptor is closed,
/// `EBUSY` on an SQ_REWIND ring with SQEs that are prepared: no server sees those. `params.flags` is 0 afterwards.
pub unsafe fn resize(ring: *mut io_uring, params: &mut io_uring_params) -> Result<()> {
    // SAFETY: see the module ring.
    let resized = unsafe { resize_mapped(ring, params) };
    params.flags = 0;
    resized
}

unsafe fn resize_mapped(ring: *mut io_uring, params: &mut io_uring_params) -> Result<()> {
    // SAFETY: see the module ring. The new rings are mapped before the old are let go.
    unsafe {
        if (*ring).flags & IORING_SETUP_NO_MMAP != 0 {
            return Err(Errno::EINVAL);
        }
        // The new rings could not be mapped, and the old would be none any more.
        if (*ring).ring_fd < 0 {
            return Err(Errno::EBADF);
        }
        if (*ring).flags & IORING_SETUP_SQ_REWIND != 0 && (*ring).sq.sqe_tail != 0 {
            return Err(Errno::EBUSY);
        }
        // A caller may reuse what an earlier answer is in, and the kernel says nothing of the array.
        params.sq_off.array = 0;
        // The server moves the SQEs that it can see; show it those still held back.
        super::submit::flush_sq(ring);
        let arg: *mut io_uring_params = params;
        super::register::register(
            ring,
            io_uring_register_op::IORING_REGISTER_RESIZE_RINGS,
            arg.cast(),
            1,
        )?;
        params.features = (*ring).features;
        if (*ring).flags & IORING_SETUP_NO_SQARRAY == 0 && params.sq_off.array == 0 {
            params.sq_off.array = sq_array_offset(params, (*ring).flags);
        }
        let old = mappings(ring);
        let maps = Mappings::of_ring((*ring).ring_fd, params, (*ring).flags)?;
        let sqe_tail = (*ring).sq.sqe_tail;
        attach(ring, params, (*ring).flags, &maps);
        (*ring).sq.sqe_head = sqe_tail;
        (*ring).sq.sqe_tail = sqe_tail;
        old.unmap();
    }
    Ok(())
}

/// Asks the server for the ring. It keeps the SQ index array unless the caller does without: programs
/// compiled against older headers may fill the array themselves. SQ_REWIND is only to be had without.
unsafe fn make(entries: c_uint, params: &mut io_uring_params) -> Result<c_int> {
    if params.flags & IORING_SETUP_SQ_REWIND != 0 {
        params.flags |= IORING_SETUP_NO_SQARRAY;
    }
    // SAFETY: see the module ring.
    unsafe { backing::setup(entries, params) }
}

unsafe fn init_in_own_memory(
    entries: c_uint,
    ring: *mut io_uring,
    params: &mut io_uring_params,
) -> Result<()> {
    let needed = OwnMemory::needed(entries, params)?;
    let (sqes, sqes_len) = allocate(needed.sqes)?;
    let (rings, rings_len) = if needed.total() <= sqes_len {
        (sqes.wrapping_byte_add(needed.sqes), 0)
    } else {
        allocate(needed.rings).inspect_err(|_| {
            // SAFETY: it was mapped above and nobody else knows of it.
            let _ = unsafe { mem::unmap(sqes, sqes_len) };
        })?
    };
    let maps =
        Mappings { sq: rings, sq_len: rings_len, cq: rings, cq_len: rings_len, sqes, sqes_len };
    // SAFETY: see the module ring; on failure nobody knows of the mappings.
    unsafe { init_no_mmap(entries, ring, params, &maps).inspect_err(|_| maps.unmap()) }
}

/// Sets a ring up in memory that is there already: `maps.sqes` and, behind one pointer, both rings.
unsafe fn init_no_mmap(
    entries: c_uint,
    ring: *mut io_uring,
    params: &mut io_uring_params,
    maps: &Mappings,
) -> Result<()> {
    params.sq_off.user_addr = maps.sqes as u64;
    params.cq_off.user_addr = maps.sq as u64;
    // SAFETY: see the module ring; the memory is as large as OwnMemory says a ring needs.
    unsafe {
        let fd = make(entries, params)?;
        attach(ring, params, params.flags, maps);
        set_fd(ring, fd, params);
    }
    Ok(())
}

unsafe fn clear(ring: *mut io_uring) {
    // SAFETY: the caller gave the struct to be initialised; all its fields may be zero.
    unsafe { *ring = core::mem::zeroed() };
}

/// Points the ring's struct into its mappings.
unsafe fn attach(ring: *mut io_uring, params: &io_uring_params, flags: c_uint, maps: &Mappings) {
    let sq_at = |offset: u32| maps.sq.wrapping_byte_add(offset as usize).cast::<c_uint>();
    let cq_at = |offset: u32| maps.cq.wrapping_byte_add(offset as usize).cast::<c_uint>();
    let (sq_off, cq_off) = (&params.sq_off, &params.cq_off);
    let has_array = flags & IORING_SETUP_NO_SQARRAY == 0;
    // SAFETY: the offsets are the server's, inside of the mappings that were sized by them.
    unsafe {
        (*ring).sq = io_uring_sq {
            khead: sq_at(sq_off.head),
            ktail: sq_at(sq_off.tail),
            kring_mask: sq_at(sq_off.ring_mask),
            kring_entries: sq_at(sq_off.ring_entries),
            kflags: sq_at(sq_off.flags),
            kdropped: sq_at(sq_off.dropped),
            array: if has_array { sq_at(sq_off.array) } else { null_mut() },
            sqes: maps.sqes.cast(),
            sqe_head: 0,
            sqe_tail: 0,
            ring_sz: maps.sq_len,
            ring_ptr: maps.sq,
            ring_mask: *sq_at(sq_off.ring_mask),
            ring_entries: *sq_at(sq_off.ring_entries),
            sqes_sz: maps.sqes_len as c_uint,
            pad: 0,
        };
        (*ring).cq = io_uring_cq {
            khead: cq_at(cq_off.head),
            ktail: cq_at(cq_off.tail),
            kring_mask: cq_at(cq_off.ring_mask),
            kring_entries: cq_at(cq_off.ring_entries),
            // Kernels before 5.8 have no CQ flags and answer offset 0.
            kflags: if cq_off.flags == 0 { null_mut() } else { cq_at(cq_off.flags) },
            koverflow: cq_at(cq_off.overflow),
            cqes: cq_at(cq_off.cqes).cast(),
            ring_sz: maps.cq_len,
            ring_ptr: maps.cq,
            ring_mask: *cq_at(cq_off.ring_mask),
            ring_entries: *cq_at(cq_off.ring_entries),
            pad: [0; 2],
        };
        if has_array {
            fill_sq_array(&(*ring).sq);
        }
    }
}

/// SQE i always goes out through slot i, so the index array is written once. By fours, as far as there
/// are so many: the number of entries is a power of two.
unsafe fn fill_sq_array(sq: &io_uring_sq) {
    const CHUNK: c_uint = 4;
    // SAFETY: the array has ring_entries slots, the first of them on a cache line's start.
    unsafe {
        for index in 0..sq.ring_entries.min(CHUNK) {
            sq.array.add(index as usize).write(index);
        }
        for chunk in 1..sq.ring_entries / CHUNK {
            let first = chunk * CHUNK;
            let indices = [first, first + 1, first + 2, first + 3];
            sq.array.cast::<[c_uint; CHUNK as usize]>().add(chunk as usize).write(indices);
        }
    }
}

unsafe fn set_fd(ring: *mut io_uring, fd: c_int, params: &io_uring_params) {
    // SAFETY: see the module ring.
    unsafe {
        (*ring).features = params.features;
        (*ring).flags = params.flags;
        (*ring).enter_ring_fd = fd;
        (*ring).ring_fd = fd;
        if params.flags & IORING_SETUP_REGISTERED_FD_ONLY != 0 {
            (*ring).ring_fd = -1;
            (*ring).int_flags |= REGISTERED_RING | REGISTER_THROUGH_RING;
        }
    }
}

unsafe fn mappings(ring: *const io_uring) -> Mappings {
    // SAFETY: see the module ring.
    unsafe {
        Mappings {
            sq: (*ring).sq.ring_ptr,
            sq_len: (*ring).sq.ring_sz,
            cq: (*ring).cq.ring_ptr,
            cq_len: (*ring).cq.ring_sz,
            sqes: (*ring).sq.sqes.cast(),
            sqes_len: (*ring).sq.sqes_sz as usize,
        }
    }
}
