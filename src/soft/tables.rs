//! Descriptor tables. A thread may have one of its own (`unshare(CLONE_FILES)`): the same numbers are other files there.
//!
//! Workers and the keeper have the table of the process. What a thread submits that has its own, and that is not over in
//! the submission, has a proxy, whose threads share that thread's table; and its rings are kept by a keeper made from it.

use super::keeper::Own;
use super::ops::{self, Bound};
use super::proxies::Proxy;
use super::request::Request;
use super::turn::Turn;
use crate::sys::rights::Rights;
use crate::sys::{caller, tables};
use alloc::sync::Arc;

/// What a ring knows of the table of who used it last.
pub struct Tables {
    /// The thread, by its number.
    caller: u32,
    is_own: bool,
    /// Who stands in for a thread with a table of its own, and the rights that it had.
    proxy: Option<(Arc<Proxy>, Rights)>,
    /// What the keeper sleeps on that such a thread has made, while there is one.
    pub keeper: Own,
}

impl Default for Tables {
    fn default() -> Self {
        Tables { caller: 0, is_own: false, proxy: None, keeper: Own::NONE }
    }
}

impl Turn<'_> {
    /// Whether the calling thread has a descriptor table of its own. That it got one since it used the ring last is not
    /// seen: what the ring had until then is in both.
    #[inline]
    pub fn has_own_table(&mut self) -> bool {
        let caller = caller::id();
        if caller == 0 || self.core.tables.caller != caller {
            self.core.tables.is_own = tables::is_own();
            self.core.tables.caller = caller;
        }
        self.core.tables.is_own
    }

    /// What a request of the calling thread asks of the thread that does it.
    #[inline]
    pub fn bound(&mut self, r: &Request) -> Bound {
        match ops::bound(r) {
            Bound::Always => Bound::Always,
            _ if self.has_own_table() => Bound::Always,
            bound => bound,
        }
    }

    /// The proxy of a request of the calling thread. Those that need it only for its descriptors share one as long as there
    /// is any.
    pub(super) fn proxy_for(&mut self, r: &Request) -> Arc<Proxy> {
        if ops::bound(r) != Bound::No || !self.has_own_table() {
            return self.proxy();
        }
        let rights = Rights::of_caller();
        if let Some((proxy, of)) = &self.core.tables.proxy {
            if *of == rights && proxy.is_of_caller() && proxy.is_in_use() {
                return proxy.clone();
            }
        }
        let proxy = self.proxy();
        self.core.tables.proxy = Some((proxy.clone(), rights));
        proxy
    }
}
