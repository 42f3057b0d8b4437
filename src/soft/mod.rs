//! Rings served in user space, with the kernel's ABI: memory layout, offsets, flags and errno.
//!
//! A ring is shared memory ([`memory`]) and, in each process that uses it, a [`ring::Ring`]: requests in
//! flight, what is registered, what waits. One lock makes all of that the holder's ([`turn::Turn`]): who
//! submits takes SQEs in ([`intake`]) and tries each request without blocking; what would block goes to a
//! worker ([`work`]) or, when the file can be polled, to the ring's epoll ([`poll`]), which whoever waits
//! on the ring runs ([`wait`]). Operations stand in [`ops`], one file a family.
//!
//! | what happens | where |
//! |---|---|
//! | the four calls | [`mod@setup`], [`mod@enter`], [`registration`], [`memory`] |
//! | an SQE becomes a request, links and drains are kept | [`intake`], [`request`] |
//! | it is tried, goes elsewhere, completes | [`turn`], [`work`], [`poll`], [`timers`] |
//! | its CQE is posted, those who wait are woken | [`memory`], [`turn`] |

pub mod accepts;
pub mod announce;
pub mod buffers;
pub mod cancel;
pub mod closing;
mod delivery;
pub mod direct;
pub mod enter;
pub mod files;
pub mod fork;
pub mod inbox;
pub mod index;
pub mod intake;
pub mod iopoll;
pub mod jobs;
pub mod keeper;
pub mod mapped;
pub mod memory;
pub mod ops;
pub mod own_signals;
pub mod perform;
mod personality;
pub mod poll;
pub mod posting;
mod private_table;
pub mod provided;
mod proxies;
mod read_ahead;
mod recent;
pub mod region;
pub mod registered_rings;
pub mod registration;
pub mod request;
pub mod restrictions;
pub mod ring;
pub mod setup;
pub mod sleepers;
pub mod sqpoll;
pub mod summons;
pub mod table;
mod tables;
pub mod tags;
pub mod timers;
pub mod turn;
pub mod wait;
pub mod waiters;
pub mod work;
pub mod workers;

pub use enter::{enter, KNOWN_FLAGS as ENTER_FLAGS};
pub use mapped::{forget as forget_mapped, look as look_for_unmapped};
pub use memory::map;
pub use registration::blind::register as register_without_ring;
pub use registration::register;
pub use setup::setup;
pub use table::{close, close_by_program, serves};

use crate::abi::uring::{IORING_ENTER_REGISTERED_RING, IORING_REGISTER_USE_REGISTERED_RING};
use crate::sys::{atomic, fd, Result};
use core::ffi::c_int;
use table::Used;

/// The ring that `fd` is, if it is one of ours.
pub fn find(fd: c_int) -> Option<Used> {
    table::find(fd)
}

/// The ring of ours that the calling thread has registered in `slot`. `EBADF`, `EINVAL`.
pub fn find_registered(slot: c_int) -> Result<Used> {
    registered_rings::find(slot as u32)
}

/// The ring that `fd` is to enter with `flags` and submit `to_submit` SQEs, if it is one of ours.
#[inline]
pub fn find_to_enter(fd: c_int, to_submit: u32, flags: u32) -> Option<Used> {
    if flags & IORING_ENTER_REGISTERED_RING != 0 {
        return find_registered(fd).ok();
    }
    match to_submit {
        0 => table::find(fd),
        _ => table::find_to_submit(fd),
    }
}

/// The program is not told of the ring that `fd` is, if it is one of ours: nobody is going to sleep on its descriptor,
/// which goes out of the program's way. Returns the one that it has from now on.
pub fn keep_private(fd: c_int) -> Option<c_int> {
    let ring = table::find(fd)?;
    turn::Turn::take(&ring).core.is_private = true;
    let Ok(held) = fd::hold(fd) else { return Some(fd) };
    match table::rename(fd, held) {
        Ok(()) => Some(held),
        Err(_) => {
            // SAFETY: it is ours.
            let _ = unsafe { fd::close(held) };
            Some(fd)
        }
    }
}

/// The ring that `fd` is to register with `opcode`, if it is one of ours.
pub fn find_for_register(fd: c_int, opcode: u32) -> Option<Used> {
    if opcode & IORING_REGISTER_USE_REGISTERED_RING != 0 {
        return find_registered(fd).ok();
    }
    table::find(fd)
}
