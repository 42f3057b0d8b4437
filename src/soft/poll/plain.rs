//! Which of the program's descriptors have nothing that the ring itself signals: it is looked up once.

use super::Polls;
use crate::abi::uring::io_uring_op;
use crate::soft::request::Request;
use crate::soft::turn::Turn;
use crate::sys::allocator;
use core::ffi::c_int;

const BITS: usize = u64::BITS as usize;

impl Polls {
    fn is_plain(&self, number: c_int) -> bool {
        let word = self.plain.get(number as usize / BITS);
        word.is_some_and(|word| word >> (number as usize % BITS) & 1 != 0)
    }

    /// Without memory it is looked up again.
    fn note_plain(&mut self, number: c_int, is_plain: bool) {
        let index = number as usize / BITS;
        if index >= self.plain.len() {
            let missing = index + 1 - self.plain.len();
            if !is_plain || allocator::reserve_more(&mut self.plain, missing).is_err() {
                return;
            }
            self.plain.resize(index + 1, 0);
        }
        let bit = 1 << (number as usize % BITS);
        let word = &mut self.plain[index];
        *word = if is_plain { *word | bit } else { *word & !bit };
    }
}

impl Turn<'_> {
    /// A request waits for its file, which the epoll has by the program's descriptor, or by one of ours.
    #[inline]
    pub(super) fn look_for_own_signals(&mut self, r: &mut Request, by_number: bool) {
        use io_uring_op::{IORING_OP_EPOLL_WAIT, IORING_OP_POLL_ADD};
        const SUCH: [u8; 2] = [IORING_OP_POLL_ADD as u8, IORING_OP_EPOLL_WAIT as u8];
        let number = r.sqe.fd;
        let is_new = !by_number || self.core.polls.is_new;
        if !SUCH.contains(&r.sqe.opcode) {
            // It is looked up when it has to be known.
            if by_number && is_new {
                self.core.polls.note_plain(number, false);
            }
        } else if is_new || !self.core.polls.is_plain(number) {
            let is_plain = !self.expects_own_signals(r);
            if by_number {
                self.core.polls.note_plain(number, is_plain);
            }
        }
    }
}
