//! Tags of registered files and buffers: a CQE says when the last user has let one go.

use super::memory::Cqe;
use super::turn::Turn;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

/// Tags of what was let go, whose CQEs are still to be posted.
#[derive(Default)]
pub struct Retired {
    tags: Cell<Vec<u64>>,
}

impl Retired {
    /// Another one.
    pub fn push(&self, tag: u64) {
        let mut tags = self.tags.take();
        tags.push(tag);
        self.tags.set(tags);
    }
}

/// A registered thing's tag; one that was let go is told of.
pub struct Tag {
    /// `user_data` of the CQE; 0: nobody is told.
    user_data: Cell<u64>,
    retired: Rc<Retired>,
}

impl Tag {
    /// A tag whose end is put into `retired`.
    pub fn new(user_data: u64, retired: Rc<Retired>) -> Self {
        Tag { user_data: Cell::new(user_data), retired }
    }

    /// Nobody is to be told.
    pub fn forget(&self) {
        self.user_data.set(0);
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        if self.user_data.get() != 0 {
            self.retired.push(self.user_data.get());
        }
    }
}

impl Turn<'_> {
    /// Posts the tags of what was let go.
    #[inline]
    pub fn post_tags(&mut self) {
        for retired in [self.core.files.retired.clone(), self.core.buffers.retired.clone()] {
            let Some(retired) = retired else { continue };
            for user_data in retired.tags.take() {
                self.post(Cqe { user_data, res: 0, flags: 0, big: [0; 2] });
            }
        }
    }
}
