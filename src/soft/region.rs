//! A registered memory region, which has arguments of waits.

use super::turn::Turn;
use crate::abi::uring::*;
use crate::sys::shared::Shared;
use crate::sys::{copy, marker, peek, Errno, Result};
use core::ffi::c_void;
use core::mem::{align_of, size_of};

/// Where a ring's own region is to be mapped.
pub const MAP_OFFSET: u64 = 0x2000_0000;
const KERNEL_PAGE: u64 = 4096;
const WAIT_ARGUMENTS: u64 = IORING_MEM_REGION_REG_WAIT_ARG as u64;

/// A ring's region.
pub struct Region {
    base: *mut u8,
    len: usize,
    /// None when it is the program's.
    ours: Option<Shared>,
    has_wait_arguments: bool,
}

impl Region {
    /// The argument at `offset`. `EFAULT` outside of the region, or when it has none.
    pub fn wait_argument(&self, offset: usize) -> Result<io_uring_reg_wait> {
        const SIZE: usize = size_of::<io_uring_reg_wait>();
        let is_inside = offset.checked_add(SIZE).is_some_and(|end| end <= self.len);
        if !self.has_wait_arguments || !is_inside || offset % align_of::<usize>() != 0 {
            return Err(Errno::EFAULT);
        }
        // SAFETY: it lies inside of our mapping, or may be unmapped by now; any bytes are one.
        unsafe {
            match self.ours.is_some() {
                true => Ok(self.base.add(offset).cast::<io_uring_reg_wait>().read_volatile()),
                false => peek::copy(self.base as u64 + offset as u64),
            }
        }
    }

    /// The program's mapping of a region of ours. `EINVAL`.
    pub fn map(&self, len: usize) -> Result<*mut c_void> {
        match &self.ours {
            Some(ours) if len <= self.len => ours.map(0, len),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// IORING_REGISTER_MEM_REGION.
///
/// # Safety
/// `arg` must be NULL or point at such a struct.
pub unsafe fn register(turn: &mut Turn, arg: *const c_void, nr_args: u32) -> Result<i32> {
    if arg.is_null() || nr_args != 1 {
        return Err(Errno::EINVAL);
    }
    if turn.core.region.is_some() {
        return Err(Errno::EBUSY);
    }
    // SAFETY: the structs are valid for any bytes.
    let (what, mut region) = unsafe {
        let what: io_uring_mem_region_reg = peek::copy(arg as u64)?;
        let region: io_uring_region_desc = peek::copy(what.region_uptr)?;
        (what, region)
    };
    if what.__resv != [0; 2] || what.flags & !WAIT_ARGUMENTS != 0 {
        return Err(Errno::EINVAL);
    }
    let has_wait_arguments = what.flags & WAIT_ARGUMENTS != 0;
    // Waits look at it without a lock in the kernel: only before there can be any.
    if has_wait_arguments && !turn.core.disabled {
        return Err(Errno::EINVAL);
    }
    let (base, len, ours) = find(&region)?;
    let region_of_ours = Region { base, len, ours, has_wait_arguments };
    if region_of_ours.ours.is_some() {
        region.mmap_offset = MAP_OFFSET;
        copy::put(what.region_uptr, &region)?;
    }
    turn.core.region = Some(region_of_ours);
    Ok(0)
}

/// Where a region is: the program's memory, or some of ours.
fn find(region: &io_uring_region_desc) -> Result<(*mut u8, usize, Option<Shared>)> {
    let is_users = region.flags & IORING_MEM_REGION_TYPE_USER != 0;
    if region.flags & !IORING_MEM_REGION_TYPE_USER != 0 || region.__resv != [0; 4] {
        return Err(Errno::EINVAL);
    }
    if is_users != (region.user_addr != 0) {
        return Err(Errno::EFAULT);
    }
    if region.size == 0 || region.mmap_offset != 0 || region.id != 0 {
        return Err(Errno::EINVAL);
    }
    if (region.size | region.user_addr) % KERNEL_PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    let len = usize::try_from(region.size).map_err(|_| Errno::EINVAL)?;
    if is_users {
        peek::check_writable(region.user_addr, len)?;
        return Ok((region.user_addr as *mut u8, len, None));
    }
    if !marker::has_mmap() {
        return Err(Errno::EINVAL);
    }
    let ours = Shared::new(len)?;
    Ok((ours.base().cast(), len, Some(ours)))
}
