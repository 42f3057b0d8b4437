//! Whether a ring's descriptor is readable, where the program takes CQEs without a call.

use super::{Kept, TICK};
use crate::soft::turn::Turn;
use core::sync::atomic::Ordering;

/// Between two looks at a descriptor that is readable: it must not be so much longer than there are CQEs.
const GLANCE: u64 = 50_000;
const RARELY: u64 = 50_000_000;
/// After so many glances in vain they become ticks, and rare after as many of those.
const GLANCES: u32 = 100;

/// CQEs that nobody has taken for a tick: the program may sleep on the ring's descriptor.
pub(super) fn announce(kept: &mut Kept, turn: &mut Turn) {
    let head = turn.core.memory.header().cq_head.load(Ordering::Relaxed);
    let has_moved = core::mem::replace(&mut kept.head, head) != head;
    if turn.core.memory.ready() == 0 {
        turn.core.is_unannounced = false;
    } else if turn.core.is_unannounced && kept.is_known && !has_moved {
        turn.core.relies_on_fd = true;
        turn.make_readable();
    }
    kept.is_known = true;
}

/// Ends the readiness of the ring's descriptor when everything was taken; when to look again.
pub(super) fn glance(kept: &mut Kept, turn: &mut Turn, now: u64) -> u64 {
    turn.publish();
    turn.settle_readable();
    if turn.core.memory.control().readable.load(Ordering::Relaxed) == 0 {
        kept.glances = 0;
        return u64::MAX;
    }
    kept.glances = kept.glances.saturating_add(1);
    now + match kept.glances / GLANCES {
        0 => GLANCE,
        1 => TICK,
        // Nobody takes them.
        _ => RARELY,
    }
}
