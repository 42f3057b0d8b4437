//! Personalities: the rights of whoever registered one, which a request may name.

use super::request::Request;
use super::turn::Turn;
use crate::sys::rights::{Borrowed, Identity, Rights};
use crate::sys::{allocator, Errno, Result};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A ring's personalities.
#[derive(Default)]
pub struct Personalities {
    /// Ids, in order, and whose rights they are.
    known: Vec<(u16, Arc<Identity>)>,
    /// The last id that was given.
    last: u16,
    /// Whose rights requests without one have: who submitted last. What a worker with other rights starts,
    /// as a link, has these too.
    submitter: Option<Arc<Identity>>,
}

impl Personalities {
    /// Registers the calling thread's rights; returns their id, which is not 0. `EBUSY` when all ids are
    /// in use; `ENOMEM`.
    pub fn add(&mut self) -> Result<u16> {
        let after = self.last.checked_add(1).unwrap_or(1);
        allocator::reserve_more(&mut self.known, 1)?;
        let is_free = |id: &u16| self.place(*id).is_err();
        let id = (after..=u16::MAX).chain(1..after).find(is_free).ok_or(Errno::EBUSY)?;
        let identity = Arc::new(Identity::of_caller());
        self.submitter = Some(identity.clone());
        if let Err(place) = self.place(id) {
            self.known.insert(place, (id, identity));
        }
        self.last = id;
        Ok(id)
    }

    /// Whether there never was one.
    pub fn are_none(&self) -> bool {
        self.last == 0
    }

    /// The calling thread submits.
    #[inline]
    pub fn note_submitter(&mut self) {
        if self.last != 0 {
            self.submitter = Some(Arc::new(Identity::of_caller()));
        }
    }

    /// Forgets one. `EINVAL` when there is none.
    pub fn remove(&mut self, id: u32) -> Result<()> {
        let id = u16::try_from(id).map_err(|_| Errno::EINVAL)?;
        let place = self.place(id).map_err(|_| Errno::EINVAL)?;
        self.known.remove(place);
        Ok(())
    }

    /// Where an id stands; the error is where it would.
    fn place(&self, id: u16) -> core::result::Result<usize, usize> {
        self.known.binary_search_by_key(&id, |(known, _)| *known)
    }

    /// Whose rights an id stands for. `EINVAL`.
    pub fn find(&self, id: u16) -> Result<&Arc<Identity>> {
        self.place(id).map(|place| &self.known[place].1).map_err(|_| Errno::EINVAL)
    }
}

impl Turn<'_> {
    /// `EINVAL` for a personality that there is not.
    #[inline]
    pub fn check_personality(&self, id: u16) -> Result<()> {
        match id {
            0 => Ok(()),
            _ => self.core.personalities.find(id).map(drop),
        }
    }

    /// Has the calling thread take on a personality's rights, for as long as the answer lives, unless it
    /// has them. Workers that it starts meanwhile have them as well. `EPERM` when it may not: a thread that
    /// has given rights up for good does not get them back.
    #[inline]
    pub fn take_on(&self, r: &Request) -> Result<Option<Borrowed>> {
        let personalities = &self.core.personalities;
        let identity = match r.sqe.personality {
            // This thread stands in for whoever submitted it.
            0 if r.proxy.is_some() => return Ok(None),
            0 => match &personalities.submitter {
                None => return Ok(None),
                Some(submitter) => submitter,
            },
            id => personalities.find(id)?,
        };
        if *identity.rights() == Rights::of_caller() {
            return Ok(None);
        }
        identity.take_on().map(Some)
    }
}
