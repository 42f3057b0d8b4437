//! Whether the program's memory is there: what is not is answered with `EFAULT`, as the kernel's calls do. A page that
//! was there is taken to be there for a few calls more.

use super::user;
use crate::sys::{peek, Errno, Result};

const KNOWN: usize = 8;
/// Calls for which a page is taken to be there.
const TRUST: u32 = 16;
/// The smallest page of any kernel.
const PAGE: u64 = 4096;

/// Pages that were there, by the low bits of their numbers.
pub struct Pages {
    known: [u64; KNOWN],
    calls: u32,
}

impl Pages {
    /// None known.
    pub const fn new() -> Self {
        Pages { known: [0; KNOWN], calls: 0 }
    }

    /// Another call begins.
    #[inline]
    pub fn begin_call(&mut self) {
        self.calls += 1;
        if self.calls >= TRUST {
            self.calls = 0;
            self.known = [0; KNOWN];
        }
    }

    /// Notes a page, and whether it was known.
    #[inline]
    fn knows(&mut self, page: u64) -> bool {
        let known = &mut self.known[page as usize % KNOWN];
        core::mem::replace(known, page) == page
    }

    /// `EFAULT` unless `len` bytes at `address` can be read.
    #[inline]
    pub fn check<T>(&mut self, address: *const T, len: usize) -> Result<()> {
        let start = user::checked(address.cast_mut(), len)? as u64;
        let last = start + len.max(1) as u64 - 1;
        for page in start / PAGE..=last / PAGE {
            // What is not the caller's to have looked at is not looked at.
            if !self.knows(page) && !peek::is_readable((page * PAGE).max(start)) {
                self.known[page as usize % KNOWN] = 0;
                return Err(Errno::EFAULT);
            }
        }
        Ok(())
    }

    /// How many of `nr` objects at `address` can be written to, up to the first that cannot. They are going to be
    /// overwritten: bytes of theirs change.
    pub fn writable<T>(&mut self, address: *mut T, nr: usize) -> usize {
        (0..nr)
            .find(|&at| {
                let start = address.wrapping_add(at) as u64;
                let end = start + size_of::<T>() as u64 - 8;
                !(self.is_writable(start) && self.is_writable(end))
            })
            .unwrap_or(nr)
    }

    #[inline]
    fn is_writable(&mut self, address: u64) -> bool {
        let is_there = self.knows(address / PAGE) || peek::overwrite(address);
        if !is_there {
            self.known[(address / PAGE) as usize % KNOWN] = 0;
        }
        is_there
    }
}
