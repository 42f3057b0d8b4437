//! Where no descriptor is left, requests that wait for the same file share what the epoll has for it: any event
//! has all of them tried again.

use super::Polls;
use crate::sys::epoll::{self, EPOLL_CTL_MOD};
use crate::sys::{Errno, Result};
use alloc::vec::Vec;
use core::ffi::c_int;

/// How the epoll tells, rather than of what.
const MODES: u32 = (libc::EPOLLONESHOT | libc::EPOLLET) as u32;

impl Polls {
    /// The slot by which the epoll has the file that is its `key`.
    fn owner(&self, key: c_int) -> Option<u32> {
        if let Some(Some(slot)) = self.numbers.get(key as usize) {
            return Some(*slot);
        }
        let is_owner =
            |slot: &super::Slot| !slot.request.is_null() && !slot.shares && slot.key() == key;
        self.slots.iter().position(is_owner).map(|slot| slot as u32)
    }

    /// Has a slot share what the epoll has for its file. `ENOENT` when that is another file by now.
    pub(super) fn share(&mut self, slot: u32) -> Result<()> {
        let key = self.slots[slot as usize].fd;
        let owner = self.owner(key).ok_or(Errno::ENOENT)?;
        let events = self.slots[slot as usize].events & !MODES | self.slots[owner as usize].events;
        epoll::control(self.epoll.fd, EPOLL_CTL_MOD, key, events, self.tag(owner))?;
        self.slots[owner as usize].events = events;
        self.slots[owner as usize].is_shared = true;
        self.slots[slot as usize].shares = true;
        Ok(())
    }

    fn sharers(&self, key: c_int) -> impl Iterator<Item = u32> + '_ {
        let slots = (0u32..).zip(&self.slots);
        slots
            .filter(move |(_, slot)| slot.shares && slot.fd == key && !slot.request.is_null())
            .map(|(at, _)| at)
    }

    /// Those that share what the epoll has for a slot, none of which does any more.
    pub(super) fn take_sharers(&mut self, slot: u32) -> Vec<u32> {
        let owner = &mut self.slots[slot as usize];
        if !core::mem::take(&mut owner.is_shared) {
            return Vec::new();
        }
        let key = owner.key();
        self.sharers(key).collect()
    }

    /// A slot that others share with waits no more: what the epoll has is one of theirs.
    pub(super) fn hand_over(&mut self, slot: u32) {
        let (key, number) = (self.slots[slot as usize].key(), self.slots[slot as usize].number);
        let others: Vec<u32> = self.sharers(key).collect();
        let Some(&heir) = others.first() else { return };
        let all = |events, other: &u32| events | self.slots[*other as usize].events;
        let events = others.iter().fold(0, all);
        let found = &mut self.slots[heir as usize];
        (found.shares, found.is_shared) = (false, others.len() > 1);
        (found.events, found.number) = (events, number);
        if let Some(at) = self.numbers.get_mut(number as usize) {
            *at = Some(heir);
            self.slots[slot as usize].number = -1;
        }
        // That it is another file by now is as good: nobody can wait for the old one any more.
        let _ = epoll::control(self.epoll.fd, EPOLL_CTL_MOD, key, events, self.tag(heir));
    }
    /// All of them stop waiting: nothing has to be handed over.
    pub(super) fn end_sharing(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.is_shared = false);
    }
}
