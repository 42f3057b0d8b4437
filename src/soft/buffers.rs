//! Registered buffers: a ring's table of places in the program's memory.

use super::tags::{Retired, Tag};
use super::turn::Turn;
use crate::sys::{allocator, Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use libc::iovec;

/// A buffer that a slot of the table, or a request, refers to.
pub struct FixedBuffer {
    /// Its first byte's address.
    pub start: u64,
    /// Bytes.
    pub len: u64,
    tag: Tag,
}

impl FixedBuffer {
    /// `EFAULT` unless all of `len` bytes at `address` are in it.
    #[inline]
    pub fn check(&self, address: u64, len: u64) -> Result<()> {
        match address.checked_add(len) {
            Some(end) if address >= self.start && end <= self.start + self.len => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }
}

/// A ring's table of registered buffers.
#[derive(Default)]
pub struct Buffers {
    slots: Vec<Option<Rc<FixedBuffer>>>,
    pub(super) retired: Option<Rc<Retired>>,
}

impl Buffers {
    /// How many slots there are; 0 without a table.
    pub fn len(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Whether there is no table.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The buffer in a slot.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&Rc<FixedBuffer>> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// Makes the table at least `count` slots large; new ones are empty. `ENOMEM`.
    pub fn grow(&mut self, count: u32) -> Result<()> {
        let more = count.saturating_sub(self.len());
        if more > 0 {
            allocator::reserve_more(&mut self.slots, more as usize)?;
            self.slots.resize_with(count as usize, || None);
        }
        Ok(())
    }

    /// Removes the table and lets its buffers go, the last one first.
    pub fn clear(&mut self) {
        while self.slots.pop().is_some() {}
        self.slots = Vec::new();
    }

    /// Puts a buffer, or none, into a slot that there is; what was there is let go. `ENOMEM`.
    pub fn put(&mut self, slot: u32, buffer: Option<iovec>, tag: u64) -> Result<()> {
        allocator::check()?;
        let retired = self.retired.get_or_insert_with(Rc::default).clone();
        self.slots[slot as usize] = buffer.map(|place| {
            Rc::new(FixedBuffer {
                start: place.iov_base as u64,
                len: place.iov_len as u64,
                tag: Tag::new(tag, retired),
            })
        });
        Ok(())
    }

    /// Forgets all tags: nobody is told when these buffers are let go.
    pub fn forget_tags(&self) {
        self.slots.iter().flatten().for_each(|buffer| buffer.tag.forget());
    }

    /// Where the buffers of slots `from` up to `to` are. `ENOMEM`.
    pub fn places(&self, from: u32, to: u32) -> Result<Vec<Option<iovec>>> {
        let place = |buffer: &Rc<FixedBuffer>| iovec {
            iov_base: buffer.start as *mut _,
            iov_len: buffer.len as usize,
        };
        let slots = &self.slots[from as usize..to as usize];
        let mut places = allocator::vector(slots.len())?;
        places.extend(slots.iter().map(|slot| slot.as_ref().map(place)));
        Ok(places)
    }
}

impl Turn<'_> {
    /// The registered buffer in slot `index`, for a request that keeps it as long as it uses the `len`
    /// bytes at `address`. `EFAULT` when there is none or it does not have them all.
    #[inline]
    pub fn find_buffer(&self, index: u16, address: u64, len: u64) -> Result<Rc<FixedBuffer>> {
        let buffer = self.core.buffers.get(u32::from(index)).ok_or(Errno::EFAULT)?;
        buffer.check(address, len)?;
        Ok(buffer.clone())
    }
}
