//! Personalities: the rights of whoever registered one, which a request may name.

use super::turn::Turn;
use crate::sys::{process, Errno, Result};
use alloc::collections::BTreeMap;

/// A ring's personalities.
#[derive(Default)]
pub struct Personalities {
    /// Whose rights, by id.
    known: BTreeMap<u16, u64>,
    /// The last id that was given.
    last: u16,
}

impl Personalities {
    /// Registers the calling thread's rights; returns their id, which is not 0. `EBUSY` when all ids are
    /// in use.
    pub fn add(&mut self) -> Result<u16> {
        let after = self.last.checked_add(1).unwrap_or(1);
        let is_free = |id: &u16| !self.known.contains_key(id);
        let id = (after..=u16::MAX).chain(1..after).find(is_free).ok_or(Errno::EBUSY)?;
        self.known.insert(id, process::rights());
        self.last = id;
        Ok(id)
    }

    /// Forgets one. `EINVAL` when there is none.
    pub fn remove(&mut self, id: u32) -> Result<()> {
        let id = u16::try_from(id).map_err(|_| Errno::EINVAL)?;
        self.known.remove(&id).map(drop).ok_or(Errno::EINVAL)
    }
}

impl Turn<'_> {
    /// `EINVAL` for a personality that there is not, `EPERM` for one whose rights the calling thread does not
    /// have: a thread cannot take another's on.
    #[inline]
    pub fn check_personality(&self, id: u16) -> Result<()> {
        if id == 0 {
            return Ok(());
        }
        let rights = self.core.personalities.known.get(&id).ok_or(Errno::EINVAL)?;
        match *rights == process::rights() {
            true => Ok(()),
            false => Err(Errno::EPERM),
        }
    }
}
