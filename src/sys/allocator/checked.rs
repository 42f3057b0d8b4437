//! For tests, with `--cfg checked_heap`: mistakes are noticed. What was freed is filled with a pattern and stands in
//! line for a while, and so does what lies behind each piece of memory: if any of it was written to, the process ends.

use super::Piece;
use crate::sys::call;

/// Bytes behind each piece of memory that are not its owner's.
pub const TAIL: usize = 32;
/// What stands in line at most.
const PIECES: usize = 8192;
const FREED: u8 = 0xa5;
const BEHIND: u8 = 0xc7;

/// What was freed and is not free yet.
pub struct Line {
    pieces: [Option<Piece>; PIECES],
    next: usize,
}

impl Line {
    /// Nothing.
    pub const fn new() -> Self {
        Line { pieces: [None; PIECES], next: 0 }
    }

    /// Nothing stands in it any more.
    pub fn leave(&mut self) {
        self.pieces.fill(None);
    }

    /// Puts in what was freed; returns what is to be free now.
    ///
    /// # Safety
    /// It must be memory with a tail, which nobody uses any more.
    pub unsafe fn exchange(&mut self, freed: Piece) -> Option<Piece> {
        let place = &mut self.pieces[self.next];
        self.next = (self.next + 1) % PIECES;
        // SAFETY: as the caller says; what stands in line was put in likewise.
        unsafe {
            check_tail(&freed);
            freed.memory.write_bytes(FREED, freed.size);
            let oldest = place.replace(freed);
            if let Some(oldest) = &oldest {
                let bytes = core::slice::from_raw_parts(oldest.memory, oldest.size);
                check(bytes, FREED, c"anyring: freed memory was written to\n");
                check_tail(oldest);
            }
            oldest
        }
    }
}

/// Memory is about to be its owner's.
///
/// # Safety
/// It must have a tail.
pub unsafe fn hand_out(piece: &Piece) {
    // SAFETY: as the caller says.
    unsafe { piece.memory.add(piece.size).write_bytes(BEHIND, TAIL) };
}

unsafe fn check_tail(piece: &Piece) {
    // SAFETY: as the caller says.
    let tail = unsafe { core::slice::from_raw_parts(piece.memory.add(piece.size), TAIL) };
    check(tail, BEHIND, c"anyring: something was written behind the end of its memory\n");
}

fn check(bytes: &[u8], pattern: u8, complaint: &core::ffi::CStr) {
    if bytes.iter().any(|byte| *byte != pattern) {
        let (at, len) = (complaint.as_ptr() as usize, complaint.count_bytes());
        // SAFETY: the kernel reads a string of ours.
        let _ = unsafe { call(libc::SYS_write, [libc::STDERR_FILENO as usize, at, len, 0, 0, 0]) };
        panic!("the heap is corrupt");
    }
}
