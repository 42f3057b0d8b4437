//! The calling thread's rights, changed for a while: its effective user and group. Raw calls change the one
//! thread, those of a C library all of them.

use super::{abort, call, process, Errno, Result};

const UNCHANGED: usize = usize::MAX;

fn set_user(id: usize) -> Result<()> {
    // SAFETY: setresuid takes plain numbers.
    unsafe { call(libc::SYS_setresuid, [UNCHANGED, id, UNCHANGED, 0, 0, 0]) }.map(drop)
}

fn set_group(id: usize) -> Result<()> {
    // SAFETY: setresgid takes plain numbers.
    unsafe { call(libc::SYS_setresgid, [UNCHANGED, id, UNCHANGED, 0, 0, 0]) }.map(drop)
}

fn set(rights: u64) -> Result<()> {
    let (user, group) = ((rights >> 32) as usize, rights as u32 as usize);
    // Only the superuser may take on any group.
    if process::is_root() {
        set_group(group)?;
        set_user(user)
    } else {
        set_user(user)?;
        set_group(group)
    }
}

/// The thread has other rights until this is dropped.
pub struct Borrowed {
    own: u64,
}

impl Borrowed {
    /// Takes on rights as [`process::rights`] tells them. `EPERM` when the thread may not.
    pub fn take(rights: u64) -> Result<Self> {
        let borrowed = Borrowed { own: process::rights() };
        // What was changed of them is put back when the rest cannot be.
        set(rights).map_err(|_| Errno::EPERM)?;
        Ok(borrowed)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if process::rights() != self.own && set(self.own).is_err() {
            // To go on with somebody else's rights is worse than to end.
            abort();
        }
    }
}
