//! What a turn has found out, so that it asks once: about the file that it looked at last, by which descriptor of
//! ours that is held, and whose rights the caller has. None of it lasts longer than the turn: the program may close
//! the descriptor, and have the number be another file.

use super::private_table::{Passed, PrivateTable};
use super::request::{Reference, Request};
use super::turn::Turn;
use crate::abi::uring::IOSQE_FIXED_FILE;
use crate::sys::file::{self, Kind, Look};
use crate::sys::owned::Owned;
use crate::sys::rights::Rights;
use crate::sys::{Errno, Result};
use alloc::rc::Rc;
use core::ffi::c_int;

/// See the module.
#[derive(Default)]
pub struct Recent {
    /// There is anything in here.
    is_set: bool,
    /// A descriptor of the program, and what a look at it told.
    look: Option<(c_int, Look)>,
    /// A descriptor of the program, and what holds its file.
    held: Option<(c_int, Rc<Owned>)>,
    /// A descriptor, at which state of the registered files, and its file as it was passed to a table.
    passed: Option<(c_int, u32, Passed)>,
    rights: Option<Rights>,
}

impl Recent {
    /// The turn is over.
    #[inline]
    pub fn clear(&mut self) {
        if self.is_set {
            *self = Recent::default();
        }
    }

    /// A descriptor is about to be closed, or was; or may be, now that the program sees that something is done.
    #[inline]
    pub fn forget_file(&mut self) {
        if self.is_set {
            self.look = None;
            self.held = None;
            self.passed = None;
        }
    }

    /// Passes the file that is `fd` to a table, once in a turn. `EBADF`, `EMFILE`.
    pub fn pass(
        &mut self,
        table: &'static PrivateTable,
        fd: c_int,
        changes: u32,
    ) -> Result<Passed> {
        if let Some((number, at, passed)) = &self.passed {
            if (*number, *at) == (fd, changes) && passed.is_in(table) {
                return Ok(passed.share());
            }
        }
        let passed = table.pass(fd)?;
        self.passed = Some((fd, changes, passed.share()));
        self.is_set = true;
        Ok(passed)
    }

    fn look_of(&self, number: c_int) -> Option<Look> {
        self.look.filter(|(of, _)| *of == number).map(|(_, look)| look)
    }

    fn held_of(&self, number: c_int) -> Option<&Rc<Owned>> {
        self.held.as_ref().filter(|(of, _)| *of == number).map(|(_, held)| held)
    }
}

impl Turn<'_> {
    /// What kind of file a request has.
    pub fn file_kind(&mut self, r: &mut Request) -> Kind {
        self.look_at_file(r).kind
    }

    /// Sees to it that what its file is stands in the request.
    pub fn look_at_file(&mut self, r: &mut Request) -> Look {
        if let Some(look) = r.look {
            return look;
        }
        let number = number_of(r);
        let known = number.and_then(|number| self.core.recent.look_of(number));
        let look = known.or_else(|| file::look(r.fd));
        if let (None, Some(number), Some(look)) = (known, number, look) {
            self.core.recent.look = Some((number, look));
            self.core.recent.is_set = true;
        }
        *r.look.insert(look.unwrap_or(Look::NOTHING))
    }

    /// [`Request::hold_file`] for a worker, by a descriptor that other requests of this turn may share.
    pub fn hold_file(&mut self, r: &mut Request) -> Result<()> {
        let Some(number) = number_of(r) else { return r.hold_file() };
        let is_plain = self.look_at_file(r).kind == Kind::Socket;
        let recent = &mut self.core.recent;
        let held = match recent.held_of(number) {
            Some(held) => held.clone(),
            None => match Owned::hold_one_of_many(number, is_plain) {
                Ok(held) => Rc::new(held),
                Err(Errno::EMFILE) => return Ok(()),
                Err(errno) => return Err(errno),
            },
        };
        recent.held = Some((number, held.clone()));
        recent.is_set = true;
        r.fd = held.fd();
        r.reference = Reference::Shared(held);
        Ok(())
    }

    /// Whose rights what a request has a worker do is to have.
    pub fn rights(&mut self) -> Rights {
        if !self.core.personalities.are_none() {
            return Rights::of_caller();
        }
        self.core.recent.is_set = true;
        *self.core.recent.rights.get_or_insert_with(Rights::of_caller)
    }
}

/// The program's descriptor, where nothing but that keeps a request's file open.
fn number_of(r: &Request) -> Option<c_int> {
    let is_free = r.sqe.flags & IOSQE_FIXED_FILE as u8 == 0
        && r.fd >= 0
        && r.fd == r.sqe.fd
        && matches!(r.reference, Reference::None);
    is_free.then_some(r.fd)
}
