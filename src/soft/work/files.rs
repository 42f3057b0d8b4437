//! Workers with a descriptor table of their own, see [`PrivateTable`]. Only one of them can make another: so one that has
//! nothing to do is there as long as others have.

use super::{pool_for, start_over, Pool, State, POOLS};
use crate::soft::jobs::{Job, Lane, Queue};
use crate::soft::perform::{fail, perform};
use crate::soft::private_table::{Passed, PrivateTable};
use crate::soft::request::{Request, PASSED};
use crate::soft::ring::Ring;
use crate::soft::workers::Kind;
use crate::soft::{delivery, read_ahead};
use crate::sys::locks::Class;
use crate::sys::rights::Rights;
use crate::sys::{Errno, Result};
use core::sync::atomic::Ordering;

/// For a fork.
pub static TABLE_LOCKS: Class =
    Class { each: |f| tables().for_each(|table| f(table.lock().word())), are_taken: true };

/// The descriptor tables of workers that have their own.
pub fn tables() -> impl Iterator<Item = &'static PrivateTable> {
    let of_pools = POOLS[Kind::Files as usize].iter().map(|pool| &pool.table);
    of_pools.chain(core::iter::once(read_ahead::table()))
}

impl Pool {
    /// Whether somebody outside may start a worker.
    pub(super) fn may_start(&self, state: &State) -> bool {
        self.kind != Kind::Files || state.workers == 0
    }

    /// Whether a request that is pushed now finds somebody, sooner or later.
    fn has_anybody(&self) -> bool {
        self.with(|state| {
            let has_idle = state.workers == 0 || state.ready + state.asleep > 0;
            has_idle || state.workers >= self.most(state)
        })
    }

    pub(super) fn make_spare(&'static self) {
        if self.kind != Kind::Files {
            return;
        }
        let is_missing = self.with(|state| {
            let is_missing = state.ready + state.asleep == 0 && state.workers < self.most(state);
            state.workers += u32::from(is_missing);
            state.ready += u32::from(is_missing);
            is_missing
        });
        if is_missing {
            self.start_worker();
        }
    }

    /// Whether a sleeper is the only one, beside others at work.
    pub(super) fn is_spare(&self, state: &State) -> bool {
        self.kind == Kind::Files && state.asleep == 1 && state.workers > 1
    }

    /// A worker is about to leave. False: it has to stay, for the files that are there.
    pub(super) fn may_leave(&self) -> bool {
        self.kind != Kind::Files || self.table.leave(true)
    }
}

/// Does a request whose file was passed to the calling thread's table, or fails it.
///
/// # Safety
/// As for [`perform`].
pub unsafe fn perform_with_file(request: *mut Request, rights: Result<()>) {
    // SAFETY: as the caller says: what was passed with a request is for who does it.
    unsafe {
        let Some(passed) = (*request).passed.take() else {
            return delivery::hand_in(fail(request, Errno::EBADF));
        };
        let performed = passed.work(request, |found| match rights.and(found) {
            Ok(()) => perform(request),
            Err(errno) => fail(request, errno),
        });
        delivery::hand_in(performed);
    }
}

/// Queues a request, whose place is `Queued`, to be done with those rights on a file that `pass` passes to a table. An error
/// of that leaves it where it is; so does `EMFILE` when there is nobody to do it.
///
/// # Safety
/// As for [`super::push`].
pub unsafe fn push_with_file(
    ring: &Ring,
    request: *mut Request,
    rights: Rights,
    pass: impl FnOnce(&'static PrivateTable) -> Result<Passed>,
) -> Result<()> {
    start_over();
    let pool = pool_for(Kind::Files, &rights).ok_or(Errno::EMFILE)?;
    let is_served = || if pool.has_anybody() { Ok(()) } else { Err(Errno::EMFILE) };
    let passed = is_served().and_then(|()| pass(&pool.table));
    let begun = passed.and_then(|passed| match delivery::begin() {
        true => Ok(passed),
        false => Err(Errno::EMFILE),
    });
    // SAFETY: as the caller says; the state is the request's own.
    let pushed = begun.map(|passed| unsafe {
        ring.acquire();
        (*request).ring = ring;
        (*request).job = Job::new(Queue::Pool(pool), Lane::of(&*request));
        (*request).passed = Some(passed);
        (*request).flags |= PASSED;
        pool.push(request);
    });
    pool.pushing.fetch_sub(1, Ordering::SeqCst);
    pushed
}
