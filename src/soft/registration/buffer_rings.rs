//! io_uring_register(2) for rings of provided buffers.

use crate::abi::uring::io_uring_register_op as Op;
use crate::abi::uring::*;
use crate::soft::provided::{BufferRing, Group};
use crate::soft::turn::Turn;
use crate::sys::shared::Shared;
use crate::sys::{allocator, copy, marker, peek, Errno, Result};
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;

const MMAP: u16 = io_uring_register_pbuf_ring_flags::IOU_PBUF_RING_MMAP as u16;
const INC: u16 = io_uring_register_pbuf_ring_flags::IOU_PBUF_RING_INC as u16;
/// A ring has fewer entries.
const TOO_MANY: u32 = 1 << 16;

/// Does what `opcode` says with rings of buffers; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    turn: &mut Turn,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    const REGISTER: u32 = Op::IORING_REGISTER_PBUF_RING as u32;
    const UNREGISTER: u32 = Op::IORING_UNREGISTER_PBUF_RING as u32;
    const STATUS: u32 = Op::IORING_REGISTER_PBUF_STATUS as u32;
    let known = matches!(opcode, REGISTER | UNREGISTER | STATUS);
    if known && (arg.is_null() || nr_args != 1) {
        return Some(Err(Errno::EINVAL));
    }
    let done = match opcode {
        REGISTER => add(turn, arg as u64),
        UNREGISTER => remove(turn, arg as u64),
        STATUS => tell_head(turn, arg as u64),
        _ => return None,
    };
    Some(done.map(|()| 0))
}

fn add(turn: &mut Turn, at: u64) -> Result<()> {
    // SAFETY: the struct is valid for any bytes.
    let reg: io_uring_buf_reg = unsafe { peek::copy(at) }?;
    let is_incremental = reg.flags & INC != 0;
    let strange = reg.flags & !(MMAP | INC) != 0 || (reg.min_left != 0 && !is_incremental);
    if strange || reg.resv.iter().any(|&word| word != 0) {
        return Err(Errno::EINVAL);
    }
    if !reg.ring_entries.is_power_of_two() || reg.ring_entries >= TOO_MANY {
        return Err(Errno::EINVAL);
    }
    if reg.flags & MMAP != 0 && !marker::has_mmap() {
        return Err(Errno::EINVAL);
    }
    let groups = &mut turn.core.provided.groups;
    match groups.get(&reg.bgid) {
        None => {}
        Some(Group::List(list)) if list.is_empty() => {}
        Some(_) => return Err(Errno::EEXIST),
    }
    let len = (reg.ring_entries as usize * size_of::<io_uring_buf>()).next_multiple_of(PAGE);
    let ours = if reg.flags & MMAP != 0 { Some(Shared::new(len)?) } else { None };
    let entries = if let Some(ours) = &ours {
        ours.base().cast()
    } else {
        if reg.ring_addr == 0 {
            return Err(Errno::EFAULT);
        }
        if reg.ring_addr % PAGE as u64 != 0 {
            return Err(Errno::EINVAL);
        }
        peek::check_writable(reg.ring_addr, len)?;
        reg.ring_addr as *mut io_uring_buf
    };
    let pieces = is_incremental.then_some(reg.min_left);
    let ring = BufferRing::new(entries, reg.ring_entries as u16, pieces, ours);
    allocator::check()?;
    groups.insert(reg.bgid, Group::Ring(ring));
    Ok(())
}

/// The kernel wants the ring on a page of the smallest size.
const PAGE: usize = 4096;

fn remove(turn: &mut Turn, at: u64) -> Result<()> {
    // SAFETY: the struct is valid for any bytes.
    let reg: io_uring_buf_reg = unsafe { peek::copy(at) }?;
    if reg.flags != 0 || reg.resv.iter().any(|&word| word != 0) {
        return Err(Errno::EINVAL);
    }
    let groups = &mut turn.core.provided.groups;
    match groups.get(&reg.bgid) {
        None => Err(Errno::ENOENT),
        Some(Group::List(_)) => Err(Errno::EINVAL),
        Some(Group::Ring(_)) => {
            groups.remove(&reg.bgid);
            Ok(())
        }
    }
}

fn tell_head(turn: &mut Turn, at: u64) -> Result<()> {
    // SAFETY: the struct is valid for any bytes.
    let mut status: io_uring_buf_status = unsafe { peek::copy(at) }?;
    if status.resv.iter().any(|&word| word != 0) {
        return Err(Errno::EINVAL);
    }
    let group = u16::try_from(status.buf_group).map_err(|_| Errno::ENOENT)?;
    match turn.core.provided.groups.get(&group) {
        None => Err(Errno::ENOENT),
        Some(Group::List(_)) => Err(Errno::EINVAL),
        Some(Group::Ring(ring)) => {
            status.head = u32::from(ring.head());
            copy::put(at, &status)
        }
    }
}

impl Turn<'_> {
    /// The program's mapping of a ring of buffers that is ours. `ENOMEM` when there is none.
    pub fn map_buffer_ring(&mut self, group: u64, len: usize) -> Result<*mut c_void> {
        let found = u16::try_from(group).ok().and_then(|g| self.core.provided.groups.get(&g));
        let Some(Group::Ring(ring)) = found else { return Err(Errno::ENOMEM) };
        match ring.ours() {
            Some(ours) if len.next_multiple_of(PAGE) <= ours.size() => ours.map(0, len),
            _ => Err(Errno::EINVAL),
        }
    }
}
