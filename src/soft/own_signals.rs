//! Polls of what the ring itself signals: its descriptor, its registered eventfd, an epoll that has one of these. The
//! first CQE makes them ready, also if its taker needs not be told, and ends those that repeat: the CQE of each would be
//! the next signal.

use super::request::Request;
use super::turn::Turn;
use crate::sys::epoll::{self, EPOLL_CTL_DEL};
use crate::sys::file::{self, Kind, Look};
use crate::sys::{identity, Errno};
use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, Ordering};

/// Epolls within epolls.
const DEPTH: u32 = 5;

/// What files without a name have in common.
fn anonymous(eventfd: c_int) -> u64 {
    static IDENTITY: AtomicU64 = AtomicU64::new(0);
    match IDENTITY.load(Ordering::Relaxed) {
        0 => {
            let found = file::look(eventfd).unwrap_or(Look::NOTHING).identity;
            IDENTITY.store(found, Ordering::Relaxed);
            found
        }
        known => known,
    }
}

impl Turn<'_> {
    /// A request is about to wait for its file: from now on the ring's descriptor tells of each CQE if that is seen there.
    /// Whether it is.
    #[inline]
    pub fn expects_own_signals(&mut self, r: &mut Request) -> bool {
        if r.file_kind() != Kind::Pollable {
            return false;
        }
        let identity = r.look.map_or(0, |look| look.identity);
        let is_own = identity == anonymous(self.core.held.fd) && self.is_own_signal(r.fd, DEPTH);
        self.core.is_watched |= is_own;
        is_own
    }

    /// Serves what the ring has signalled itself, before it is not signalled any more; whether there was anything.
    #[inline]
    pub fn serve_own_signals(&mut self) -> bool {
        if !self.core.is_watched || self.core.signals == self.core.signals_served {
            return false;
        }
        self.core.signals_served = self.core.signals;
        let serves = !self.core.polls.is_served() && self.core.polls.armed > 0;
        if serves {
            self.serve_now();
        }
        serves
    }

    #[cold]
    fn is_own_signal(&self, fd: c_int, depth: u32) -> bool {
        let is_announced = self.core.announce.as_ref().map(|announce| announce.eventfd());
        if self.ring.is_file(fd) || is_announced.is_some_and(|own| identity::are_same(fd, own)) {
            return true;
        }
        let mut is_own = false;
        if depth > 0 && self.is_epoll(fd) {
            identity::each_target(fd, |target| {
                is_own = is_own || self.is_own_signal(target, depth - 1);
            });
        }
        is_own
    }

    /// Nobody's epoll has a descriptor of ours: to take it out fails, in one way for an epoll.
    fn is_epoll(&self, fd: c_int) -> bool {
        epoll::control(fd, EPOLL_CTL_DEL, self.core.held.fd, 0, 0) == Err(Errno::ENOENT)
    }
}
