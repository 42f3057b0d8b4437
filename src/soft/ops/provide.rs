//! Provided buffers that come and go by requests.

use super::{Op, Outcome};
use crate::soft::provided::{Buffer, Group};
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::{allocator, Errno, Result};

/// A group has IDs of 16 bits.
const MOST: u32 = 1 << 16;
/// Buffers in a group.
const MOST_IN_GROUP: u32 = u16::MAX as u32;
/// Where a program's addresses end, at the latest.
const ADDRESSES: u64 = 1 << 56;

/// PROVIDE_BUFFERS: `fd` buffers of `len` bytes each, one behind the other, with IDs from `off`.
pub static PROVIDE_BUFFERS: Op = Op { prepare: check_provided, issue: provide, ..Op::NONE };

/// REMOVE_BUFFERS: up to `fd` buffers; completes with how many there were.
pub static REMOVE_BUFFERS: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid in the fields.
        let others = unsafe {
            r.sqe.anon_rw_flags.rw_flags as u64
                | r.sqe.anon_addr.addr
                | r.sqe.anon_off.off
                | u64::from(r.sqe.len)
                | u64::from(r.sqe.anon_splice_fd_in.file_index)
        };
        match r.sqe.fd as u32 {
            _ if others != 0 => Err(Errno::EINVAL),
            0 => Err(Errno::EINVAL),
            n if n > MOST => Err(Errno::EINVAL),
            _ => Ok(()),
        }
    },
    issue: |turn, r| {
        // SAFETY: any bytes are valid as a group.
        let group = unsafe { r.sqe.anon_buf_index.buf_group };
        Outcome::Done(match turn.core.provided.groups.get_mut(&group) {
            None => Errno::ENOENT.answer(),
            Some(Group::Ring(_)) => Errno::EINVAL.answer(),
            Some(Group::List(list)) => {
                let count = list.len().min(r.sqe.fd as usize);
                list.drain(..count);
                count as i32
            }
        })
    },
    ..Op::NONE
};

fn check_provided(_: &mut Turn, r: &mut Request) -> Result<()> {
    // SAFETY: any bytes are valid in the fields.
    let (flags, first, addr) = unsafe {
        let others = r.sqe.anon_splice_fd_in.file_index;
        (r.sqe.anon_rw_flags.rw_flags as u32 | others, r.sqe.anon_off.off, r.sqe.anon_addr.addr)
    };
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let count = r.sqe.fd as u32;
    if count == 0 || count > MOST || first >= u64::from(MOST) {
        return Err(Errno::of(libc::E2BIG));
    }
    if first + u64::from(count) > u64::from(MOST) || r.sqe.len == 0 {
        return Err(Errno::EINVAL);
    }
    let end = u64::from(count).checked_mul(u64::from(r.sqe.len)).and_then(|n| addr.checked_add(n));
    match end {
        None => Err(Errno::EOVERFLOW),
        Some(end) if end > ADDRESSES => Err(Errno::EFAULT),
        Some(_) => Ok(()),
    }
}

fn provide(turn: &mut Turn, r: &mut Request) -> Outcome {
    // SAFETY: any bytes are valid in the fields.
    let (group, first, addr) = unsafe {
        (r.sqe.anon_buf_index.buf_group, r.sqe.anon_off.off as u32, r.sqe.anon_addr.addr)
    };
    let (count, len) = (r.sqe.fd as u32, r.sqe.len);
    let groups = &mut turn.core.provided.groups;
    if allocator::check().is_err() {
        return Outcome::Done(Errno::ENOMEM.answer());
    }
    match groups.entry(group).or_insert_with(|| Group::List(Default::default())) {
        Group::Ring(_) => Outcome::Done(Errno::EINVAL.answer()),
        Group::List(list) => {
            // As many as there is room for; none is an error.
            let count = count.min(MOST_IN_GROUP.saturating_sub(list.len() as u32));
            if count == 0 {
                return Outcome::Done(Errno::EOVERFLOW.answer());
            }
            if list.try_reserve(count as usize).is_err() {
                return Outcome::Done(Errno::ENOMEM.answer());
            }
            list.extend((0..count).map(|i| Buffer {
                addr: addr + u64::from(i) * u64::from(len),
                len,
                bid: (first + i) as u16,
                is_used: false,
            }));
            Outcome::Done(0)
        }
    }
}
