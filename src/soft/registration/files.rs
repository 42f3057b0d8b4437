//! io_uring_register(2) for registered files.

use crate::abi::uring::io_uring_register_op as Op;
use crate::abi::uring::*;
use crate::soft::files::Files;
use crate::soft::table;
use crate::soft::turn::Turn;
use crate::sys::owned::Owned;
use crate::sys::{allocator, copy, fd, file, peek, Errno, Result};
use alloc::vec::Vec;
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;

/// The most slots that there can be.
const MAX_FILES: u32 = 1 << 20;

/// Does what `opcode` says with registered files; none when it is about something else.
///
/// # Safety
/// `arg` must be what the opcode takes.
pub unsafe fn register(
    turn: &mut Turn,
    opcode: c_uint,
    arg: *const c_void,
    nr_args: c_uint,
) -> Option<Result<c_int>> {
    const FILES: u32 = Op::IORING_REGISTER_FILES as u32;
    const FILES2: u32 = Op::IORING_REGISTER_FILES2 as u32;
    const UNREGISTER: u32 = Op::IORING_UNREGISTER_FILES as u32;
    const UPDATE: u32 = Op::IORING_REGISTER_FILES_UPDATE as u32;
    const UPDATE2: u32 = Op::IORING_REGISTER_FILES_UPDATE2 as u32;
    const RANGE: u32 = Op::IORING_REGISTER_FILE_ALLOC_RANGE as u32;
    let at = arg as u64;
    let files = &mut turn.core.files;
    let done = match opcode {
        FILES if at == 0 => Err(Errno::EFAULT),
        FILES => create(files, nr_args, at, 0),
        FILES2 => create_with_tags(files, at, nr_args),
        UNREGISTER => unregister(files, at, nr_args),
        UPDATE => update_plain(files, at, nr_args),
        UPDATE2 => update_with_tags(files, at, nr_args),
        RANGE => set_range(files, at, nr_args),
        _ => return None,
    };
    turn.post_tags();
    Some(done)
}

/// A number from a program's array that was copied as far as it can be read. `EFAULT`.
fn element<T: Copy>(array: &[T], index: u32) -> Result<T> {
    array.get(index as usize).copied().ok_or(Errno::EFAULT)
}

/// The numbers at `address`, all `instead` when that is 0. `ENOMEM`.
fn numbers_at<T: Copy>(address: u64, count: u32, instead: T) -> Result<Vec<T>> {
    if address != 0 {
        // SAFETY: any bytes are a number.
        return unsafe { copy::many(address, count as usize) };
    }
    let mut numbers = allocator::vector(count as usize)?;
    numbers.resize(count as usize, instead);
    Ok(numbers)
}

/// A descriptor of our own for a file that is to be registered. `EBADF`, also for rings and for what is only a
/// place (`O_PATH`); `EMFILE`.
pub fn hold(fd: c_int) -> Result<Owned> {
    if fd < 0 || file::status_flags(fd)? & libc::O_PATH != 0 || table::look_up(fd).is_some() {
        return Err(Errno::EBADF);
    }
    Owned::hold(fd)
}

/// A table of `count` slots with the files and tags at these addresses; without `fds` it is empty.
fn create(files: &mut Files, count: u32, fds: u64, tags: u64) -> Result<c_int> {
    if !files.is_empty() {
        return Err(Errno::EBUSY);
    }
    if count == 0 {
        return Err(Errno::EINVAL);
    }
    // Where it may not be asked for, it shows when there are no more descriptors.
    let limit = fd::nofile_limit(None).map_or(u64::MAX, |limit| limit.rlim_cur);
    if count > MAX_FILES || u64::from(count) > limit {
        return Err(Errno::EMFILE);
    }
    files.create(count)?;
    let filled = fill(files, count, fds, tags);
    if filled.is_err() {
        files.forget_tags();
        files.clear();
    }
    files.set_range(0, files.len());
    filled.map(|()| 0)
}

fn fill(files: &mut Files, count: u32, fds: u64, tags: u64) -> Result<()> {
    let tags = numbers_at::<u64>(tags, count, 0)?;
    let numbers = numbers_at::<c_int>(fds, count, -1)?;
    for slot in 0..count {
        let tag = element(&tags, slot)?;
        match element(&numbers, slot)? {
            -1 if tag != 0 => return Err(Errno::EINVAL),
            -1 => {}
            fd => files.put(slot, hold(fd)?, tag)?,
        }
    }
    Ok(())
}

fn create_with_tags(files: &mut Files, arg: u64, size: u32) -> Result<c_int> {
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
    create(files, asked.nr, asked.data, asked.tags)
}

fn unregister(files: &mut Files, arg: u64, nr_args: u32) -> Result<c_int> {
    if arg != 0 || nr_args != 0 {
        return Err(Errno::EINVAL);
    }
    if files.is_empty() {
        return Err(Errno::ENXIO);
    }
    files.clear();
    Ok(0)
}

fn update_plain(files: &mut Files, arg: u64, count: u32) -> Result<c_int> {
    if count == 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let asked: io_uring_files_update = unsafe { peek::copy(arg)? };
    if asked.resv != 0 {
        return Err(Errno::EINVAL);
    }
    update(files, asked.offset, count, asked.fds, 0)
}

fn update_with_tags(files: &mut Files, arg: u64, size: u32) -> Result<c_int> {
    if size as usize != size_of::<io_uring_rsrc_update2>() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let asked: io_uring_rsrc_update2 = unsafe { peek::copy(arg)? };
    if asked.nr == 0 || asked.resv != 0 || asked.resv2 != 0 {
        return Err(Errno::EINVAL);
    }
    update(files, asked.offset, asked.nr, asked.data, asked.tags)
}

/// Puts the files at `fds` into `count` slots; returns how many before the first that failed, or that
/// one's error.
pub fn update(files: &mut Files, from: u32, count: u32, fds: u64, tags: u64) -> Result<c_int> {
    let end = from.checked_add(count).ok_or(Errno::EOVERFLOW)?;
    if files.is_empty() {
        return Err(Errno::ENXIO);
    }
    if end > files.len() {
        return Err(Errno::EINVAL);
    }
    let tags = numbers_at::<u64>(tags, count, 0)?;
    // SAFETY: any bytes are a number.
    let numbers: Vec<c_int> = unsafe { copy::many(fds, count as usize) }?;
    for done in 0..count {
        let replaced = element(&tags, done)
            .and_then(|tag| Ok((element(&numbers, done)?, tag)))
            .and_then(|(fd, tag)| replace(files, from + done, fd, tag));
        match replaced {
            Ok(()) => {}
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => return Ok(done as c_int),
        }
    }
    Ok(count as c_int)
}

/// The file that was in the slot is let go even when the new one cannot be had.
fn replace(files: &mut Files, slot: u32, fd: c_int, tag: u64) -> Result<()> {
    if tag != 0 && (fd == -1 || fd == IORING_REGISTER_FILES_SKIP) {
        return Err(Errno::EINVAL);
    }
    if fd == IORING_REGISTER_FILES_SKIP {
        return Ok(());
    }
    files.remove(slot);
    if fd != -1 {
        files.put(slot, hold(fd)?, tag)?;
    }
    Ok(())
}

fn set_range(files: &mut Files, arg: u64, nr_args: u32) -> Result<c_int> {
    if arg == 0 || nr_args != 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the struct is valid for any bytes.
    let asked: io_uring_file_index_range = unsafe { peek::copy(arg)? };
    let end = asked.off.checked_add(asked.len).ok_or(Errno::EOVERFLOW)?;
    if asked.resv != 0 || end > files.len() {
        return Err(Errno::EINVAL);
    }
    files.set_range(asked.off, end);
    Ok(0)
}
