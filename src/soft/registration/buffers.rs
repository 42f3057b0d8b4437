//! io_uring_register(2) for registered buffers.

use crate::abi::uring::io_uring_register_op as Op;
use crate::abi::uring::*;
use crate::soft::buffers::Buffers;
use crate::soft::turn::Turn;
use crate::sys::mappings::Mappings;
use crate::sys::{allocator, copy, peek, Errno, Result};
use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;
use libc::iovec;

/// The most slots that there can be.
pub const MAX_BUFFERS: u32 = 1 << 14;
/// The most bytes of a buffer.
const MAX_LEN: usize = 1 << 30;

/// Does what `opcode` says with registered buffers; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    turn: &mut Turn,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    const BUFFERS: u32 = Op::IORING_REGISTER_BUFFERS as u32;
    const BUFFERS2: u32 = Op::IORING_REGISTER_BUFFERS2 as u32;
    const UNREGISTER: u32 = Op::IORING_UNREGISTER_BUFFERS as u32;
    const UPDATE: u32 = Op::IORING_REGISTER_BUFFERS_UPDATE as u32;
    let at = arg as u64;
    let buffers = &mut turn.core.buffers;
    let done = match opcode {
        BUFFERS if at == 0 => Err(Errno::EFAULT),
        BUFFERS => create(buffers, nr_args, at, 0),
        BUFFERS2 => create_with_tags(buffers, at, nr_args),
        UNREGISTER => unregister(buffers, at, nr_args),
        UPDATE => update(buffers, at, nr_args),
        _ => return None,
    };
    turn.post_tags();
    Some(done)
}

/// A program's buffers and their tags, copied as far as they can be read.
struct Asked {
    places: Vec<iovec>,
    /// None: all 0.
    tags: Option<Vec<u64>>,
    /// From where to where memory was looked at last, which may be registered.
    fit: Cell<(u64, u64)>,
}

impl Asked {
    /// `count` of them; without `places` all are empty. `ENOMEM`.
    fn copy(places: u64, tags: u64, count: u32) -> Result<Self> {
        let count = count as usize;
        let nothing = iovec { iov_base: core::ptr::null_mut(), iov_len: 0 };
        // SAFETY: any bytes are a vector, or a number.
        unsafe {
            let mut all = match places {
                0 => allocator::vector(count)?,
                _ => copy::many(places, count)?,
            };
            if places == 0 {
                all.resize(count, nothing);
            }
            let tags = if tags == 0 { None } else { Some(copy::many(tags, count)?) };
            Ok(Asked { places: all, tags, fit: Cell::new((0, 0)) })
        }
    }

    /// One of them and its tag. `EFAULT` when it could not be read or is no memory to write to.
    fn get(&self, index: u32) -> Result<(Option<iovec>, u64)> {
        let index = index as usize;
        let place = *self.places.get(index).ok_or(Errno::EFAULT)?;
        let tag = match &self.tags {
            Some(tags) => *tags.get(index).ok_or(Errno::EFAULT)?,
            None => 0,
        };
        if isize::try_from(place.iov_len).is_err() {
            return Err(Errno::EINVAL);
        }
        match (place.iov_base.is_null(), place.iov_len) {
            (true, 0) if tag != 0 => Err(Errno::EINVAL),
            (true, 0) => Ok((None, 0)),
            (true, _) | (_, 0) => Err(Errno::EFAULT),
            (_, len) if len > MAX_LEN => Err(Errno::EFAULT),
            _ => check_memory(place)
                .and_then(|()| self.check_mapping(place))
                .map(|()| (Some(place), tag)),
        }
    }

    /// `EFAULT` when any of it is a file's that is written back: such memory cannot be pinned.
    fn check_mapping(&self, place: iovec) -> Result<()> {
        let start = place.iov_base as u64;
        let (mut at, end) = (start, start + place.iov_len as u64);
        let fit = self.fit.get();
        if fit.0 <= start && end <= fit.1 {
            return Ok(());
        }
        let Some(mappings) = Mappings::open() else { return Ok(()) };
        while at < end {
            match mappings.at(at) {
                None => return Ok(()),
                Some(mapping) if mapping.is_written_back => return Err(Errno::EFAULT),
                Some(mapping) => at = mapping.end,
            }
        }
        self.fit.set((start, at));
        Ok(())
    }
}

/// `EFAULT` unless the program may write to all of it. It is in memory then, as a pinned one is.
fn check_memory(place: iovec) -> Result<()> {
    let start = place.iov_base as u64;
    let end = start.checked_add(place.iov_len as u64).ok_or(Errno::EOVERFLOW)?;
    const PAGE: u64 = 4096;
    let first = start / PAGE * PAGE;
    let last = end.checked_next_multiple_of(PAGE).ok_or(Errno::EOVERFLOW)?;
    peek::check_writable(first, (last - first) as usize)
}

/// A table of `count` slots with the buffers and tags at these addresses; without `places` it is empty.
fn create(buffers: &mut Buffers, count: u32, places: u64, tags: u64) -> Result<c_int> {
    if !buffers.is_empty() {
        return Err(Errno::EBUSY);
    }
    if count == 0 || count > MAX_BUFFERS {
        return Err(Errno::EINVAL);
    }
    let asked = Asked::copy(places, tags, count)?;
    buffers.grow(count)?;
    let mut each = (0..count).map(|slot| (slot, asked.get(slot)));
    let filled = each.try_for_each(|(slot, found)| {
        let (place, tag) = found?;
        buffers.put(slot, place, tag)
    });
    if filled.is_err() {
        buffers.forget_tags();
        buffers.clear();
    }
    filled.map(|()| 0)
}

fn create_with_tags(buffers: &mut Buffers, arg: u64, size: u32) -> Result<c_int> {
    if size as usize != size_of::<io_uring_rsrc_register>() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let asked: io_uring_rsrc_register = unsafe { peek::copy(arg)? };
    let sparse = asked.flags & IORING_RSRC_REGISTER_SPARSE != 0;
    let unknown = asked.flags & !IORING_RSRC_REGISTER_SPARSE != 0;
    if asked.nr == 0 || asked.resv2 != 0 || unknown || (sparse && asked.data != 0) {
        return Err(Errno::EINVAL);
    }
    create(buffers, asked.nr, asked.data, asked.tags)
}

fn unregister(buffers: &mut Buffers, arg: u64, nr_args: u32) -> Result<c_int> {
    if arg != 0 || nr_args != 0 {
        return Err(Errno::EINVAL);
    }
    if buffers.is_empty() {
        return Err(Errno::ENXIO);
    }
    buffers.clear();
    Ok(0)
}

/// Replaces buffers; returns how many before the first that failed, which keeps its slot as it was, or
/// that one's error.
fn update(buffers: &mut Buffers, arg: u64, size: u32) -> Result<c_int> {
    if size as usize != size_of::<io_uring_rsrc_update2>() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let asked: io_uring_rsrc_update2 = unsafe { peek::copy(arg)? };
    if asked.nr == 0 || asked.resv != 0 || asked.resv2 != 0 {
        return Err(Errno::EINVAL);
    }
    let end = asked.offset.checked_add(asked.nr).ok_or(Errno::EOVERFLOW)?;
    if buffers.is_empty() {
        return Err(Errno::ENXIO);
    }
    if end > buffers.len() {
        return Err(Errno::EINVAL);
    }
    if asked.data == 0 {
        return Err(Errno::EFAULT);
    }
    let new = Asked::copy(asked.data, asked.tags, asked.nr)?;
    for done in 0..asked.nr {
        let found = new.get(done);
        match found.and_then(|(place, tag)| buffers.put(asked.offset + done, place, tag)) {
            Ok(()) => {}
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => return Ok(done as c_int),
        }
    }
    Ok(asked.nr as c_int)
}
