//! Running a ring's epoll, in a thread that waits for CQEs.

use super::BATCH;
use crate::soft::memory::Control;
use crate::soft::ring::Ring;
use crate::soft::turn::Turn;
use crate::sys::clock::Deadline;
use crate::sys::epoll::{self, Event};
use crate::sys::{Errno, Result};
use core::ffi::c_void;
use core::sync::atomic::Ordering;

/// Whether the caller is to run the ring's epoll: when something is waited for, or `always`, and no other
/// thread does.
pub fn begin_serving(turn: &mut Turn, always: bool) -> Result<bool> {
    turn.core.unserved = 0;
    let polls = &mut turn.core.polls;
    if polls.served || (polls.armed == 0 && !always) {
        return Ok(false);
    }
    polls.open(turn.core.held.fd)?;
    polls.served = true;
    // Under the lock whoever posts sees it, or we see its CQEs.
    let control = turn.core.memory.control();
    count_poller(control, turn.core.owner);
    Ok(true)
}

/// One more sleeps in an epoll that the ring's descriptor belongs to, and looks at the CQEs next. Under the posting lock; a
/// process that has had that for long is not about to look, or has posted.
pub fn count_poller(control: &Control, owner: u32) {
    let is_locked = control.posting.lock(owner, 1);
    control.pollers.fetch_add(1, Ordering::SeqCst);
    if is_locked {
        control.posting.unlock();
    }
}

/// The caller runs the ring's epoll no more.
pub fn end_serving(ring: &Ring) {
    let mut turn = Turn::take(ring);
    turn.core.polls.served = false;
    turn.core.memory.control().pollers.fetch_sub(1, Ordering::Relaxed);
    if turn.core.polls.armed > 0 {
        turn.rouse();
    }
}

/// Looks what is ready, without sleeping. The caller must have begun to serve.
pub fn look(ring: &Ring) -> Result<()> {
    let now = Some(Deadline::at_nanoseconds(0));
    // SAFETY: there is no mask.
    unsafe { serve(ring, u32::MAX, now, core::ptr::null()) }
}

/// Sleeps in the ring's epoll until something is ready, there may be `wanted` CQEs, or the time has come,
/// and tries again what is ready. `EINTR`.
///
/// # Safety
/// The caller must have begun to serve; `sigmask` must be NULL or a signal set.
pub unsafe fn serve(
    ring: &Ring,
    wanted: u32,
    until: Option<Deadline>,
    sigmask: *const c_void,
) -> Result<()> {
    let mut events = [Event { events: 0, u64: 0 }; BATCH];
    let memory = ring.memory();
    if memory.ready() >= wanted || ring.has_inbox() {
        return Ok(());
    }
    // SAFETY: whoever serves may read the epoll: it is not closed meanwhile.
    let epoll = unsafe { (*ring.core()).polls.epoll.fd };
    let left = until.map(|deadline| deadline.left_as_libc());
    // SAFETY: the caller vouches for the mask.
    let count = match unsafe { epoll::wait(epoll, &mut events, left.as_ref(), sigmask) } {
        Ok(count) => count,
        Err(Errno::EINTR) => return Err(Errno::EINTR),
        Err(errno) => return Err(errno),
    };
    let mut turn = Turn::take(ring);
    (turn.reaps, turn.serves) = (true, true);
    turn.handle(&events[..count]);
    Ok(())
}
