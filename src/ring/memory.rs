//! How large a ring is in memory, mapping what a server serves, and memory that the ring brings along
//! (`IORING_SETUP_NO_MMAP`).

use crate::abi::uring::*;
use crate::sys::{mem, Errno, Result};
use core::ffi::{c_uint, c_void};
use core::mem::size_of;
use core::ptr::null_mut;

/// The most SQEs a ring may have, and the most CQEs.
const MAX_SQ_ENTRIES: c_uint = 32 << 10;
const MAX_CQ_ENTRIES: c_uint = 2 * MAX_SQ_ENTRIES;
/// Heads, tails, masks and flags in front of the CQEs.
const RING_HEADER_SIZE: usize = 64;
const HUGE_PAGE_SIZE: usize = 2 << 20;

/// How many entries a ring gets when it is asked for `entries`: SQ's and CQ's, powers of two.
///
/// `EINVAL` for 0, for too many without `IORING_SETUP_CLAMP`, and for a CQ smaller than the SQ.
pub fn ring_entries(entries: c_uint, params: &io_uring_params) -> Result<(c_uint, c_uint)> {
    let clamp = params.flags & IORING_SETUP_CLAMP != 0;
    let sq = bounded(entries, MAX_SQ_ENTRIES, clamp)?;
    if params.flags & IORING_SETUP_CQSIZE == 0 {
        return Ok((sq, 2 * sq));
    }
    let cq = bounded(params.cq_entries, MAX_CQ_ENTRIES, clamp)?;
    if cq < sq {
        return Err(Errno::EINVAL);
    }
    Ok((sq, cq))
}

fn bounded(entries: c_uint, max: c_uint, clamp: bool) -> Result<c_uint> {
    match entries {
        0 => Err(Errno::EINVAL),
        n if n <= max => Ok(n.next_power_of_two()),
        _ if clamp => Ok(max),
        _ => Err(Errno::EINVAL),
    }
}

/// Bytes of an SQE slot on a ring with setup flags `flags`.
pub fn sqe_size(flags: c_uint) -> usize {
    size_of::<io_uring_sqe>() << u32::from(flags & IORING_SETUP_SQE128 != 0)
}

/// Bytes of a CQE slot on a ring with setup flags `flags`.
pub fn cqe_size(flags: c_uint) -> usize {
    size_of::<io_uring_cqe>() << u32::from(flags & IORING_SETUP_CQE32 != 0)
}

/// Where the SQ array begins in a mapping that holds both rings: behind the CQEs, on a cache line of
/// its own. The answer to a setup says so too, that to a resize does not.
pub fn sq_array_offset(params: &io_uring_params, flags: c_uint) -> u32 {
    const CACHE_LINE: usize = 64;
    let cqes = params.cq_off.cqes as usize + params.cq_entries as usize * cqe_size(flags);
    cqes.next_multiple_of(CACHE_LINE) as u32
}

/// The two pieces of a ring that the kernel does not allocate, in whole pages.
#[derive(Clone, Copy)]
pub struct OwnMemory {
    /// Bytes for the SQEs.
    pub sqes: usize,
    /// Bytes for the header, the CQEs and the SQ array.
    pub rings: usize,
}

impl OwnMemory {
    /// What a ring of `entries` with `params` needs.
    pub fn needed(entries: c_uint, params: &io_uring_params) -> Result<Self> {
        let (sq, cq) = ring_entries(entries, params)?;
        let mut rings = RING_HEADER_SIZE + cq as usize * cqe_size(params.flags);
        if params.flags & IORING_SETUP_NO_SQARRAY == 0 {
            rings += sq as usize * size_of::<c_uint>();
        }
        let sqes = sq as usize * sqe_size(params.flags);
        let in_pages = |bytes: usize| bytes.next_multiple_of(mem::PAGE_SIZE);
        Ok(OwnMemory { sqes: in_pages(sqes), rings: in_pages(rings) })
    }

    /// Bytes of both.
    pub fn total(self) -> usize {
        self.sqes + self.rings
    }

    /// Bytes of both as the kernel allocates them: each piece is a power of two.
    pub fn allocated(self) -> usize {
        self.sqes.next_power_of_two() + self.rings.next_power_of_two()
    }
}

/// Memory for a piece of a ring: a page is an ordinary one; more is a huge page where the system has
/// some to give (a kernel before 6.9 takes no other), else ordinary pages. Returns the address and
/// how much there is to unmap.
pub fn allocate(len: usize) -> Result<(*mut c_void, usize)> {
    // SAFETY: new anonymous mappings touch nothing that exists.
    unsafe {
        if len > mem::PAGE_SIZE && len <= HUGE_PAGE_SIZE {
            if let Ok(addr) = mem::map_anonymous(HUGE_PAGE_SIZE, libc::MAP_HUGETLB) {
                return Ok((addr, HUGE_PAGE_SIZE));
            }
        }
        Ok((mem::map_anonymous(len, 0)?, len))
    }
}

/// The mapped pieces of a ring. CQ and SQ ring may be one mapping.
#[derive(Clone, Copy)]
pub struct Mappings {
    /// The SQ ring.
    pub sq: *mut c_void,
    /// Bytes of it.
    pub sq_len: usize,
    /// The CQ ring.
    pub cq: *mut c_void,
    /// Bytes of it.
    pub cq_len: usize,
    /// The SQEs.
    pub sqes: *mut c_void,
    /// Bytes of them.
    pub sqes_len: usize,
}

impl Mappings {
    /// None yet.
    const NONE: Mappings = Mappings {
        sq: null_mut(),
        sq_len: 0,
        cq: null_mut(),
        cq_len: 0,
        sqes: null_mut(),
        sqes_len: 0,
    };

    /// Maps ring `fd` as `params` describe it after setup; `flags` are the ring's setup flags.
    ///
    /// # Safety
    /// `params` must be the server's answer for that ring.
    pub unsafe fn of_ring(fd: i32, params: &io_uring_params, flags: c_uint) -> Result<Self> {
        let array = params.sq_off.array as usize;
        let cqes = params.cq_off.cqes as usize;
        let mut sq_len = array + params.sq_entries as usize * size_of::<c_uint>();
        let mut cq_len = cqes + params.cq_entries as usize * cqe_size(flags);
        let single = params.features & IORING_FEAT_SINGLE_MMAP != 0;
        if single {
            sq_len = sq_len.max(cq_len);
            cq_len = sq_len;
        }
        let sqes_len = params.sq_entries as usize * sqe_size(flags);

        let mut maps = Mappings { sq_len, cq_len, sqes_len, ..Self::NONE };
        // SAFETY: the lengths come from the server's own description of this ring.
        let mapped = unsafe { maps.map_each(fd, single) };
        match mapped {
            Ok(()) => Ok(maps),
            Err(errno) => {
                // SAFETY: only what map_each mapped is unmapped, and nobody else knows of it.
                unsafe { maps.unmap() };
                Err(errno)
            }
        }
    }

    unsafe fn map_each(&mut self, fd: i32, single: bool) -> Result<()> {
        use crate::backing::map;
        // SAFETY: of_ring's caller vouches for the lengths.
        unsafe {
            self.sq = map(fd, IORING_OFF_SQ_RING, self.sq_len)?;
            self.cq = if single { self.sq } else { map(fd, IORING_OFF_CQ_RING, self.cq_len)? };
            self.sqes = map(fd, IORING_OFF_SQES, self.sqes_len)?;
        }
        Ok(())
    }

    /// Unmaps what is mapped.
    ///
    /// # Safety
    /// Nothing may use the ring's memory any more.
    pub unsafe fn unmap(&self) {
        let unmap = |addr: *mut c_void, len| {
            if !addr.is_null() && len != 0 {
                // SAFETY: the range is one of this ring's mappings. That it can fail only for
                // a range that is none leaves nothing to report.
                let _ = unsafe { crate::backing::unmap(addr, len) };
            }
        };
        unmap(self.sqes, self.sqes_len);
        unmap(self.sq, self.sq_len);
        if self.cq != self.sq {
            unmap(self.cq, self.cq_len);
        }
    }
}
