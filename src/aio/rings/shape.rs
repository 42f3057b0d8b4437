//! The two shapes of an application's rings, and how a call of io_setup2() by its number is told from other calls that
//! had it in December 2018 and January 2019.

use super::context::Setup;
use crate::abi::aio::iocb;
use crate::abi::aio_ring::*;
use crate::aio::user;
use crate::sys::peek;
use core::mem::size_of;

/// Where an application has its requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In an array, which the SQ has indices into. The CQ is twice as long as the SQ.
    Indexed,
    /// In the SQ itself, behind a header of 64 bytes. The CQ is as long, positions wrap, and events name places in the
    /// SQ: the series' first days.
    Embedded,
}

impl Shape {
    /// Events that the CQ of an SQ of `nr_events` holds.
    #[inline]
    pub fn cq_length(self, nr_events: u32) -> u32 {
        match self {
            Shape::Indexed => nr_events.saturating_mul(2),
            Shape::Embedded => nr_events,
        }
    }

    /// Bytes behind the header of such an SQ.
    pub fn sq_bytes(self, nr_events: u32) -> usize {
        let entry = match self {
            Shape::Indexed => size_of::<u32>(),
            Shape::Embedded => size_of::<iocb>(),
        };
        nr_events as usize * entry
    }
}

/// Flags of the first days, by their bits, and what they were later. The first one says that the call's array of
/// requests is the application's.
const LATER: [(u32, u32); 6] = [
    (1, 0),
    (2, IOCTX_FLAG_IOPOLL),
    (4, IOCTX_FLAG_FIXEDBUFS),
    (8, IOCTX_FLAG_SCQRING),
    (16, IOCTX_FLAG_SQTHREAD),
    (32, IOCTX_FLAG_SQWQ),
];

/// The setup that io_setup2() of the first days asks for, with its arguments behind the flags; none when it is another
/// call. Both of its rings must say how long they are, and alike: in later calls, where its SQ is stands a CQ of twice
/// the length.
///
/// # Safety
/// Nothing is done with the addresses but reading what is there.
pub unsafe fn of_first_days(nr_events: u32, flags: u32, args: [usize; 4]) -> Option<Setup> {
    let [requests, sq, cq, _] = args;
    let all: u32 = LATER.iter().map(|(bit, _)| bit).sum();
    let is_ring = |address: usize| {
        let header = address as u64 % 4096 == 0 && user::checked(address as *mut u8, 32).is_ok();
        // SAFETY: headers are numbers.
        header && unsafe { peek::read::<[u32; 3]>(address as u64) }.is_ok_and(|h| h[2] == nr_events)
    };
    if flags & !all != 0 || flags & 8 == 0 || !is_ring(sq) || !is_ring(cq) {
        return None;
    }
    let later = LATER.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, later)| later).sum();
    let buffers = if requests != 0 { requests } else { sq + size_of::<aio_sq_ring>() };
    Some(Setup {
        nr_events,
        flags: later,
        sq: sq as *mut _,
        cq: cq as *mut _,
        shape: Shape::Embedded,
        buffers: buffers as *const iocb,
    })
}
