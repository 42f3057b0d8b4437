//! Registered files.

use crate::sys::fd;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ffi::c_int;

/// A file that a slot of the table, or a request, keeps open. Its descriptor is ours.
pub struct FixedFile {
    /// The descriptor.
    pub fd: c_int,
}

impl Drop for FixedFile {
    fn drop(&mut self) {
        // SAFETY: it is ours alone, and nobody refers to it any more.
        let _ = unsafe { fd::close(self.fd) };
    }
}

/// A ring's table of registered files.
#[derive(Default)]
pub struct Files {
    slots: Vec<Option<Rc<FixedFile>>>,
}

impl Files {
    /// The file in a slot; none when it is empty or there is no such slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Option<&Rc<FixedFile>> {
        self.slots.get(slot)?.as_ref()
    }
}
