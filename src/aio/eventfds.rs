//! The eventfds that requests in flight signal: descriptors of our own, so that what a program closes, and opens under
//! the same number, makes no difference. Requests with the same eventfd share one.

use crate::sys::lock::Lock;
use crate::sys::locks::rank;
use crate::sys::{fd, file, identity, Result};
use core::cell::UnsafeCell;
use core::ffi::c_int;

const KNOWN: usize = 4;

/// One of them.
#[derive(Clone, Copy)]
struct Held {
    /// The program's number.
    number: c_int,
    /// Our own.
    ours: c_int,
    /// Requests that have it. 0: there is none here.
    requests: u32,
}

/// Those of a context.
pub struct Eventfds {
    lock: Lock<{ rank::AIO_EVENTFDS }>,
    held: UnsafeCell<[Held; KNOWN]>,
}

impl Eventfds {
    /// None.
    pub const fn new() -> Self {
        let none = Held { number: -1, ours: -1, requests: 0 };
        Eventfds { lock: Lock::new(), held: UnsafeCell::new([none; KNOWN]) }
    }

    /// A descriptor of ours of eventfd `number`, for one more request. `EBADF`, `EINVAL` when it is another file.
    pub fn hold(&self, number: c_int) -> Result<c_int> {
        fd::check_eventfd(number)?;
        let _held = self.lock.lock();
        // SAFETY: the lock makes them ours.
        let known = unsafe { &mut *self.held.get() };
        let same = |held: &&mut Held| {
            held.requests > 0 && held.number == number && identity::are_same(held.ours, number)
        };
        if let Some(held) = known.iter_mut().find(same) {
            held.requests += 1;
            return Ok(held.ours);
        }
        let ours = fd::hold(number)?;
        // Without a place here it is that one request's.
        if let Some(held) = known.iter_mut().find(|held| held.requests == 0) {
            *held = Held { number, ours, requests: 1 };
        }
        Ok(ours)
    }

    /// Signals one of ours for `count` requests if their events `are_there`, which do not need it any more.
    pub fn let_go(&self, ours: c_int, count: u32, are_there: bool) {
        // Its number may be another file's by now, which must be left alone.
        if fd::check_eventfd(ours).is_err() {
            return self.forget(ours, count).unwrap_or(());
        }
        if are_there {
            let _ = file::signal_several(ours, u64::from(count));
        }
        if self.forget(ours, count).is_none() {
            // SAFETY: it is ours, and nobody's any more.
            let _ = unsafe { fd::close(ours) };
        }
    }

    /// Counts requests off; none when there is no other.
    fn forget(&self, ours: c_int, count: u32) -> Option<()> {
        let _held = self.lock.lock();
        // SAFETY: the lock makes them ours.
        let known = unsafe { &mut *self.held.get() };
        let held = known.iter_mut().find(|held| held.requests > 0 && held.ours == ours)?;
        held.requests = held.requests.saturating_sub(count);
        (held.requests > 0).then_some(())
    }
}
