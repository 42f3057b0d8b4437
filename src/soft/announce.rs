//! A program's eventfd that is signalled when CQEs are posted: `IORING_REGISTER_EVENTFD`.

use super::turn::Turn;
use crate::abi::uring::IORING_CQ_EVENTFD_DISABLED;
use crate::sys::{fd, file, identity, Errno};
use core::ffi::c_int;
use core::sync::atomic::Ordering;

/// A registered eventfd.
pub struct Announce {
    /// A descriptor of our own.
    fd: c_int,
    /// The eventfd's number; none where /proc does not say.
    id: Option<u64>,
    /// Only requests that were not complete where they were submitted count.
    only_async: bool,
    /// One of those is complete.
    had_async: bool,
}

impl Announce {
    /// By a descriptor of our own of the program's eventfd.
    pub fn new(fd: c_int, only_async: bool) -> Self {
        Announce { fd, id: identity::eventfd_id(fd).ok(), only_async, had_async: false }
    }

    /// The descriptor.
    pub fn eventfd(&self) -> c_int {
        self.fd
    }

    /// Whether the descriptor still is that eventfd's, as far as /proc tells: the program may have closed it. Where no
    /// descriptor is left for asking, one of that kind is taken for it.
    pub fn is_same(&self) -> bool {
        let Some(id) = self.id else { return true };
        match identity::eventfd_id(self.fd) {
            Err(Errno::EAGAIN) => fd::check_eventfd(self.fd).is_ok(),
            found => found == Ok(id),
        }
    }
}

impl Drop for Announce {
    fn drop(&mut self) {
        if self.is_same() {
            // SAFETY: it is ours alone.
            let _ = unsafe { fd::close(self.fd) };
        }
    }
}

impl Turn<'_> {
    /// A request that a worker has done completes.
    #[inline]
    pub fn completes_async(&mut self) {
        if let Some(announce) = &mut self.core.announce {
            announce.had_async = true;
        }
    }

    /// CQEs can be seen: the program's eventfd is signalled, unless it has that switched off.
    #[inline]
    pub fn announce(&mut self) {
        let core = &mut *self.core;
        let Some(announce) = &mut core.announce else { return };
        let had_async = core::mem::take(&mut announce.had_async);
        let flags = core.memory.header().cq_flags.load(Ordering::Relaxed);
        if (had_async || !announce.only_async) && flags & IORING_CQ_EVENTFD_DISABLED == 0 {
            let _ = file::signal(announce.fd);
            core.signals = core.signals.wrapping_add(1);
        }
    }
}
