//! What a keeper sleeps on.

use super::CALL;
use crate::sys::epoll::{self, EPOLL_CTL_ADD};
use crate::sys::identity::Held;
use crate::sys::{file, Result};

/// What a keeper sleeps on.
#[derive(Clone, Copy)]
pub struct Own {
    /// What has an eventfd and rings' epolls in it.
    pub epoll: Held,
    /// Readable when the keeper is called.
    pub call: Held,
}

impl Own {
    /// Nothing.
    pub const NONE: Own = Own { epoll: Held::NONE, call: Held::NONE };

    /// A new one. `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn open() -> Result<Own> {
        let epoll = epoll::create()?;
        let epoll = Held::of_new(epoll);
        let call = file::eventfd_nonblocking().inspect_err(|_| epoll.close())?;
        let own = Own { epoll, call: Held::of_new(call) };
        // A keeper that nobody can call would neither come to look nor end.
        epoll::control(own.epoll.fd, EPOLL_CTL_ADD, own.call.fd, libc::EPOLLIN as u32, CALL)
            .inspect_err(|_| own.close())?;
        Ok(own)
    }

    /// Closes it.
    pub fn close(self) {
        self.epoll.close();
        self.call.close();
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.call.fd >= 0
    }

    /// Wakes whoever sleeps on it.
    pub fn call(&self) {
        if self.call.is_ours() {
            let _ = file::signal(self.call.fd);
        }
    }
}
