//! Registered files: a ring's table, direct descriptors, and the tags that say when a file is let go.

use super::tags::{Retired, Tag};
use super::turn::Turn;
use crate::abi::uring::IORING_FILE_INDEX_ALLOC;
use crate::sys::owned::Owned;
use crate::sys::{allocator, Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ffi::c_int;

/// A file that a slot of the table, or a request, keeps open. Its descriptor is ours.
pub struct FixedFile {
    file: Owned,
    tag: Tag,
}

impl FixedFile {
    /// The descriptor.
    #[inline]
    pub fn fd(&self) -> c_int {
        self.file.fd()
    }
}

/// A ring's table of registered files.
#[derive(Default)]
pub struct Files {
    slots: Vec<Option<Rc<FixedFile>>>,
    /// A bit a slot: it has a file.
    used: Vec<u64>,
    /// The slots that IORING_FILE_INDEX_ALLOC takes: from, up to.
    range: (u32, u32),
    /// Where the search for a free one begins.
    hint: u32,
    /// Counts what was put in and taken out.
    pub changes: u32,
    pub(super) retired: Option<Rc<Retired>>,
}

impl Files {
    /// The file in a slot; none when it is empty or there is no such slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Option<&Rc<FixedFile>> {
        self.slots.get(slot)?.as_ref()
    }

    /// How many slots there are; 0 without a table.
    #[inline]
    pub fn len(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Whether there is no table.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Makes a table of `count` empty slots, where there was none. `ENOMEM`.
    pub fn create(&mut self, count: u32) -> Result<()> {
        let words = (count as usize).div_ceil(64);
        allocator::reserve_more(&mut self.slots, count as usize)?;
        allocator::reserve_more(&mut self.used, words)?;
        self.slots.resize_with(count as usize, || None);
        self.used.resize(words, 0);
        self.set_range(0, count);
        Ok(())
    }

    /// Removes the table and lets its files go, the last one first.
    pub fn clear(&mut self) {
        while self.slots.pop().is_some() {}
        self.changes = self.changes.wrapping_add(1);
        self.used.clear();
        self.set_range(0, 0);
    }

    /// Has IORING_FILE_INDEX_ALLOC take slots `from` up to `to`.
    pub fn set_range(&mut self, from: u32, to: u32) {
        self.range = (from, to);
        self.hint = from;
    }

    /// Puts a file into a slot that there is; what was there is let go. `ENOMEM`.
    pub fn put(&mut self, slot: u32, file: Owned, tag: u64) -> Result<()> {
        allocator::check()?;
        let retired = self.retired.get_or_insert_with(Rc::default).clone();
        self.slots[slot as usize] = Some(Rc::new(FixedFile { file, tag: Tag::new(tag, retired) }));
        self.used[slot as usize / 64] |= 1 << (slot % 64);
        self.hint = slot + 1;
        self.changes = self.changes.wrapping_add(1);
        Ok(())
    }

    /// Empties a slot that there is; false when it was empty.
    pub fn remove(&mut self, slot: u32) -> bool {
        let found = self.slots[slot as usize].take().is_some();
        self.changes = self.changes.wrapping_add(1);
        if found {
            self.used[slot as usize / 64] &= !(1 << (slot % 64));
            self.hint = slot;
        }
        found
    }

    /// Forgets all tags: nobody is told when these files are let go.
    pub fn forget_tags(&self) {
        self.slots.iter().flatten().for_each(|file| file.tag.forget());
    }

    /// A free slot that IORING_FILE_INDEX_ALLOC may take. `ENFILE`.
    fn find_free(&self) -> Result<u32> {
        let (from, to) = self.range;
        let hint = self.hint.clamp(from, to);
        self.first_free(hint, to).or_else(|| self.first_free(from, hint)).ok_or(Errno::ENFILE)
    }

    fn first_free(&self, from: u32, to: u32) -> Option<u32> {
        let mut at = from;
        while at < to {
            let free = !self.used[at as usize / 64] >> (at % 64);
            if free != 0 {
                let slot = at + free.trailing_zeros();
                return (slot < to).then_some(slot);
            }
            at = (at / 64 + 1) * 64;
        }
        None
    }

    /// Gives a file to slot `file_index - 1` or, for IORING_FILE_INDEX_ALLOC, to a free one; returns 0 or which.
    /// On an error the file is let go: `ENXIO` without a table, `EINVAL` for
    /// a slot that there is not, `ENFILE` when none is free.
    pub fn install(&mut self, file: Owned, file_index: u32) -> Result<u32> {
        let slot = match file_index {
            IORING_FILE_INDEX_ALLOC => self.find_free(),
            _ if self.slots.is_empty() => Err(Errno::ENXIO),
            0 => Err(Errno::EINVAL),
            index if index > self.len() => Err(Errno::EINVAL),
            index => Ok(index - 1),
        };
        let slot = slot?;
        self.put(slot, file, 0)?;
        Ok(if file_index == IORING_FILE_INDEX_ALLOC { slot } else { 0 })
    }
}

impl Turn<'_> {
    /// What an operation that has made `fd` answers: the descriptor itself when `file_index` is 0, or
    /// what [`Files::install`] says, which has it then.
    pub fn hand_over(&mut self, fd: c_int, file_index: u32) -> i32 {
        if file_index == 0 {
            return fd;
        }
        let installed = self.core.files.install(Owned::moved_away(fd), file_index);
        // Before the operation's own CQE, as what it let go was.
        self.post_tags();
        match installed {
            Ok(slot) => slot as i32,
            Err(errno) => errno.answer(),
        }
    }
}
