//! Finding requests in flight by their user data. A program that cancels nothing has no index: it is made
//! when many requests are looked through for the first time.

use super::request::Request;
use alloc::vec::Vec;
use core::ptr::null_mut;

/// Fewer requests than these are looked through.
pub const FEW: u32 = 32;

/// The index.
#[derive(Default)]
pub struct Index {
    /// The first request of each list; a power of two, or none.
    lists: Vec<*mut Request>,
}

/// A request's neighbours in its list.
pub struct Neighbours {
    previous: *mut Request,
    next: *mut Request,
}

impl Neighbours {
    /// None.
    pub const NONE: Neighbours = Neighbours { previous: null_mut(), next: null_mut() };
}

impl Index {
    /// Whether there is one.
    #[inline]
    pub fn is_there(&self) -> bool {
        !self.lists.is_empty()
    }

    /// Whether it is too small for `count` requests.
    #[inline]
    pub fn is_small(&self, count: u32) -> bool {
        count as usize > self.lists.len()
    }

    /// Has as many lists as there are requests, empty ones.
    pub fn start_over(&mut self, count: u32) {
        let lists = (2 * count as usize).next_power_of_two();
        self.lists.clear();
        self.lists.resize(lists, null_mut());
    }

    fn list_of(&mut self, user_data: u64) -> &mut *mut Request {
        // Addresses and small numbers differ in some of the bits that come out on top.
        let mixed = user_data.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = self.lists.len().trailing_zeros();
        let at = mixed.checked_shr(64 - bits).unwrap_or(0) as usize;
        &mut self.lists[at]
    }

    /// Puts a request in.
    ///
    /// # Safety
    /// It must be live, stay so while it is in here, and keep its user data.
    pub unsafe fn insert(&mut self, request: *mut Request) {
        // SAFETY: the lists hold live requests only.
        unsafe {
            let first = self.list_of((*request).sqe.user_data);
            (*request).neighbours = Neighbours { previous: null_mut(), next: *first };
            if let Some(next) = first.as_mut() {
                next.neighbours.previous = request;
            }
            *first = request;
        }
    }

    /// Takes a request out.
    ///
    /// # Safety
    /// It must be in here.
    pub unsafe fn remove(&mut self, request: *mut Request) {
        // SAFETY: the lists hold live requests only.
        unsafe {
            let Neighbours { previous, next } = (*request).neighbours;
            if let Some(next) = next.as_mut() {
                next.neighbours.previous = previous;
            }
            match previous.as_mut() {
                Some(previous) => previous.neighbours.next = next,
                None => *self.list_of((*request).sqe.user_data) = next,
            }
        }
    }

    /// Those that may have that user data.
    ///
    /// # Safety
    /// None may be put in or taken out meanwhile.
    pub unsafe fn having(&mut self, user_data: u64) -> impl Iterator<Item = *mut Request> {
        let mut at = *self.list_of(user_data);
        core::iter::from_fn(move || {
            // SAFETY: the lists hold live requests only.
            let r = unsafe { at.as_ref() }?;
            Some(core::mem::replace(&mut at, r.neighbours.next))
        })
    }
}
