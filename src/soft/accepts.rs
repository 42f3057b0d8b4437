//! Accepts that wait for the same socket get its connections in the order in which they were submitted: one of them
//! waits for the socket, or is with a worker, those behind it stand in line.

use super::ops::Outcome;
use super::request::{Place, Request, MULTISHOT, NOWAIT, POLLED};
use super::turn::Turn;
use crate::sys::file::Kind;
use crate::sys::Errno;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

const IN: Outcome = Outcome::Wait(libc::EPOLLIN as u32);

/// Those that wait for one socket.
struct Line {
    socket: u64,
    first: *mut Request,
    behind: VecDeque<*mut Request>,
}

/// A ring's accepts that wait, each for one connection.
#[derive(Default)]
pub struct Accepts {
    lines: Vec<Line>,
}

impl Accepts {
    /// Whether there are any.
    #[inline]
    pub fn are_there(&self) -> bool {
        !self.lines.is_empty()
    }

    /// In a child: they are the parent's.
    pub fn forget(&mut self) {
        self.lines.clear();
    }

    fn of(&mut self, socket: u64) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.socket == socket)
    }
}

impl Turn<'_> {
    /// An accept would have to wait: whether it does so for the socket, or in line.
    pub fn wait_in_line(&mut self, r: &mut Request) -> Outcome {
        // Files of other kinds are no accept's, and some look the same.
        if r.is(MULTISHOT | NOWAIT) || self.file_kind(r) != Kind::Socket {
            return IN;
        }
        let socket = self.look_at_file(r).identity;
        let request = &raw mut *r;
        let Some(line) = self.core.accepts.of(socket) else {
            let lines = &mut self.core.accepts.lines;
            // Without memory for it there is no order.
            if lines.try_reserve(1).is_ok() {
                lines.push(Line { socket, first: request, behind: VecDeque::new() });
            }
            return IN;
        };
        if line.first == request || line.behind.try_reserve(1).is_err() {
            return IN;
        }
        if let Err(errno) = r.hold_file() {
            return Outcome::Done(errno.answer());
        }
        line.behind.push_back(request);
        // SAFETY: it is at hand, and live as long as it is in flight.
        unsafe { self.core.requests.put_away(request, Place::Kept) };
        Outcome::Kept
    }

    /// Whether others wait for the socket of an accept that is tried for the first time.
    #[inline]
    pub fn has_to_line_up(&mut self, r: &mut Request) -> bool {
        if !self.core.accepts.are_there() || r.is(MULTISHOT | NOWAIT) {
            return false;
        }
        let socket = self.look_at_file(r).identity;
        let request = &raw mut *r;
        self.core.accepts.of(socket).is_some_and(|line| line.first != request)
    }

    /// An accept is complete: the next in its line goes on.
    ///
    /// # Safety
    /// Those in line must be live.
    #[cold]
    pub unsafe fn next_in_line(&mut self, request: *mut Request) {
        let lines = &mut self.core.accepts.lines;
        let Some(at) = lines.iter().position(|line| line.first == request) else { return };
        let Some(next) = lines[at].behind.pop_front() else {
            lines.swap_remove(at);
            return;
        };
        lines[at].first = next;
        // SAFETY: as the caller says.
        unsafe {
            self.core.requests.fetch(next);
            (*next).flags |= POLLED;
            self.core.runnable.push(next);
        }
    }

    /// Cancels an accept that stands in line. `ENOENT` when it does not.
    pub fn leave_line(&mut self, r: &mut Request) -> crate::sys::Result<()> {
        let request = &raw mut *r;
        for line in &mut self.core.accepts.lines {
            if let Some(at) = line.behind.iter().position(|&other| other == request) {
                line.behind.remove(at);
                // SAFETY: it is live, and in no list but that of requests in flight.
                unsafe { self.complete_later(request, Errno::ECANCELED.answer()) };
                return Ok(());
            }
        }
        Err(Errno::ENOENT)
    }
}
