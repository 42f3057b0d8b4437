//! Operations on registered files themselves, and closing.

use super::{Bound, Op, Outcome};
use crate::abi::uring::*;
use crate::soft::registration::files as registration;
use crate::soft::request::Request;
use crate::soft::table;
use crate::soft::turn::Turn;
use crate::sys::{copy, fd, fs, Errno, Result};
use core::ffi::c_int;
use core::mem::size_of;

/// CLOSE: of a descriptor, or of a slot.
pub static CLOSE: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as numbers.
        let (off, addr, flags, buffer) = unsafe {
            let sqe = &r.sqe;
            (
                sqe.anon_off.off,
                sqe.anon_addr.addr,
                sqe.anon_rw_flags.rw_flags,
                sqe.anon_buf_index.buf_index,
            )
        };
        if off != 0 || addr != 0 || r.sqe.len != 0 || flags != 0 || buffer != 0 {
            return Err(Errno::EINVAL);
        }
        if r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0 {
            return Err(Errno::EBADF);
        }
        if file_index(r) != 0 && r.sqe.fd != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    assign: Some(|turn, _| {
        // Also before a worker closes it.
        turn.forget_file();
        Ok(())
    }),
    issue: |turn, r| match file_index(r) {
        0 if fs::closes_slowly(r.sqe.fd) => Outcome::Punt,
        0 => Outcome::Done(close(r)),
        index => Outcome::Done(empty(turn, index)),
    },
    run: Some(|r| if file_index(r) == 0 { close(r) } else { 0 }),
    finish: |turn, r, result| match file_index(r) {
        0 => {
            turn.forget_file();
            Outcome::Done(result)
        }
        index => Outcome::Done(empty(turn, index)),
    },
    ..Op::NONE
};

/// Where an SQE wants the file that it makes: 0 for a descriptor, a slot plus one, or
/// IORING_FILE_INDEX_ALLOC.
#[inline]
pub fn file_index(r: &Request) -> u32 {
    // SAFETY: any bytes are valid as an index.
    unsafe { r.sqe.anon_splice_fd_in.file_index }
}

fn close(r: &mut Request) -> i32 {
    let number = r.sqe.fd;
    // A ring is closed by the call that closes rings, as the kernel wants it.
    if number < 0 || table::look_up(number).is_some() {
        return Errno::EBADF.answer();
    }
    // SAFETY: the program gives its descriptor up.
    match unsafe { fd::close(number) } {
        Ok(()) => 0,
        Err(errno) => errno.answer(),
    }
}

fn empty(turn: &mut Turn, file_index: u32) -> i32 {
    let files = &mut turn.core.files;
    let result = match file_index - 1 {
        _ if files.is_empty() => Err(Errno::ENXIO),
        slot if slot >= files.len() => Err(Errno::EINVAL),
        slot if files.remove(slot) => Ok(0),
        _ => Err(Errno::EBADF),
    };
    // Before its own CQE, as what it let go was.
    turn.post_tags();
    super::answer(result)
}

/// FILES_UPDATE: as IORING_REGISTER_FILES_UPDATE, or into free slots, whose numbers replace the
/// descriptors.
pub static FILES_UPDATE: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as numbers.
        let flags = unsafe { r.sqe.anon_rw_flags.rw_flags };
        let is_fixed = r.sqe.flags & IOSQE_FIXED_FILE as u8 != 0;
        if is_fixed || flags != 0 || file_index(r) != 0 || r.sqe.len == 0 {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |turn, r| {
        // SAFETY: any bytes are valid as numbers.
        let (off, addr) = unsafe { (r.sqe.anon_off.off as u32, r.sqe.anon_addr.addr) };
        let result = match off {
            IORING_FILE_INDEX_ALLOC => fill_free_slots(turn, addr, r.sqe.len),
            from => registration::update(&mut turn.core.files, from, r.sqe.len, addr, 0),
        };
        // Before its own CQE, as what it let go was.
        turn.post_tags();
        Outcome::Done(result.unwrap_or_else(Errno::answer))
    },
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

/// How many were put in before the first that failed, or that one's error.
fn fill_free_slots(turn: &mut Turn, address: u64, count: u32) -> Result<c_int> {
    let files = &mut turn.core.files;
    if files.is_empty() {
        return Err(Errno::ENXIO);
    }
    // There are not more slots than that to fill.
    let most = count.min(files.len() + 1);
    // SAFETY: any bytes are a number.
    let numbers = unsafe { copy::many::<c_int>(address, most as usize)? };
    for done in 0..count {
        let number = numbers.get(done as usize).copied().ok_or(Errno::EFAULT);
        let installed = number.and_then(registration::hold).and_then(|file| {
            let slot = turn.core.files.install(file, IORING_FILE_INDEX_ALLOC)?;
            let place = address + u64::from(done) * size_of::<c_int>() as u64;
            copy::put(place, &(slot as c_int)).inspect_err(|_| {
                turn.core.files.remove(slot);
            })
        });
        match installed {
            Ok(()) => {}
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => return Ok(done as c_int),
        }
    }
    Ok(count as c_int)
}

/// FIXED_FD_INSTALL: a descriptor of the program's for a registered file.
pub static FIXED_FD_INSTALL: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as numbers.
        let (off, addr, flags, buffer, third) = unsafe {
            let sqe = &r.sqe;
            (
                sqe.anon_off.off,
                sqe.anon_addr.addr,
                sqe.anon_rw_flags.install_fd_flags,
                sqe.anon_buf_index.buf_index,
                sqe.anon_addr3_set.anon_addr3.addr3,
            )
        };
        let unused = off == 0 && addr == 0 && r.sqe.len == 0 && buffer == 0 && third == 0;
        if !unused || file_index(r) != 0 {
            return Err(Errno::EINVAL);
        }
        if r.sqe.flags & IOSQE_FIXED_FILE as u8 == 0 {
            return Err(Errno::EBADF);
        }
        if flags & !IORING_FIXED_FD_NO_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        // The descriptor would be the caller's, the rights somebody else's.
        if r.sqe.personality != 0 {
            return Err(Errno::EPERM);
        }
        Ok(())
    },
    issue: |_, r| {
        // SAFETY: any bytes are valid as flags.
        let flags = unsafe { r.sqe.anon_rw_flags.install_fd_flags };
        let closes_on_exec = flags & IORING_FIXED_FD_NO_CLOEXEC == 0;
        Outcome::Done(match fd::duplicate_for_program(r.fd, closes_on_exec) {
            Ok(fd) => fd,
            Err(errno) => errno.answer(),
        })
    },
    needs_file: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};
