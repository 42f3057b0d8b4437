//! Whoever waits for CQEs is woken when they are there, and serves the ring when nobody else does any more.
#![cfg(loom)]

use anyring_models::model;
use anyring_models::soft::waiters::Waiters;
use anyring_models::sys::atomic::{AtomicU32, Ordering};
use anyring_models::sys::lock::{Lock, SharedLock};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

const LONG: libc::timespec = libc::timespec { tv_sec: 1 << 30, tv_nsec: 0 };

struct Ring {
    posting: SharedLock,
    waiters: Waiters,
    tail: AtomicU32,
}

impl Ring {
    fn new() -> Self {
        Ring { posting: SharedLock::new(), waiters: Waiters::new(), tail: AtomicU32::new(0) }
    }

    /// As a turn posts CQEs.
    fn post(&self, pid: u32, count: u32) {
        assert!(self.posting.lock(pid, 1));
        let tail = self.tail.load(Ordering::Relaxed) + count;
        self.tail.store(tail, Ordering::Release);
        let wakes = self.waiters.want(tail);
        self.posting.unlock();
        if wakes {
            self.waiters.wake();
        }
    }

    fn wait(&self, pid: u32, wanted: u32) {
        while self.tail.load(Ordering::Acquire) < wanted {
            let arrival = self.waiters.arrive(&self.posting, pid, wanted);
            if self.tail.load(Ordering::Acquire) < wanted {
                let _ = self.waiters.sleep(&arrival, &LONG);
            }
            self.waiters.leave(&self.posting, pid);
        }
    }
}

#[test]
fn woken_when_it_is_there() {
    model(|| {
        let ring = Arc::new(Ring::new());
        let poster = {
            let ring = ring.clone();
            thread::spawn(move || {
                ring.post(1, 1);
                ring.post(1, 1);
            })
        };
        ring.wait(2, 2);
        poster.join().unwrap();
    });
}

#[test]
fn those_who_want_more_do_not_hide_those_who_want_less() {
    model(|| {
        let ring = Arc::new(Ring::new());
        let waiter = {
            let ring = ring.clone();
            thread::spawn(move || {
                ring.wait(1, 1);
                ring.post(1, 1);
            })
        };
        let poster = {
            let ring = ring.clone();
            thread::spawn(move || ring.post(3, 1))
        };
        ring.wait(2, 2);
        poster.join().unwrap();
        waiter.join().unwrap();
    });
}

/// A ring that one thread serves at a time.
struct Served {
    ring: Ring,
    lock: Lock<0>,
    served: UnsafeCell<bool>,
    /// What a file has ready, for whoever serves.
    ready: AtomicU32,
}

unsafe impl Sync for Served {}
unsafe impl Send for Served {}

impl Served {
    /// As enter waits for a CQE: who finds nobody serving serves, who finds somebody sleeps.
    fn wait(&self, pid: u32, wanted: u32) {
        loop {
            let turn = self.lock.lock();
            if self.ring.tail.load(Ordering::Acquire) >= wanted {
                return;
            }
            let is_served = self.served.with(|served| unsafe { *served });
            if !is_served {
                self.served.with_mut(|served| unsafe { *served = true });
                drop(turn);
                self.serve(pid);
                continue;
            }
            let arrival = self.ring.waiters.arrive(&self.ring.posting, pid, wanted);
            drop(turn);
            if self.ring.tail.load(Ordering::Acquire) < wanted {
                let _ = self.ring.waiters.sleep(&arrival, &LONG);
            }
            self.ring.waiters.leave(&self.ring.posting, pid);
        }
    }

    /// One of what is ready is posted; then it stops serving, as one that has all it waits for.
    fn serve(&self, pid: u32) {
        if self.ready.load(Ordering::Acquire) > 0 {
            self.ready.fetch_sub(1, Ordering::AcqRel);
            self.ring.post(pid, 1);
        }
        let _turn = self.lock.lock();
        self.served.with_mut(|served| unsafe { *served = false });
        if self.ring.waiters.are_there() {
            self.ring.waiters.wake();
        }
    }
}

#[test]
fn somebody_serves() {
    model(|| {
        let ring = Arc::new(Served {
            ring: Ring::new(),
            lock: Lock::new(),
            served: UnsafeCell::new(false),
            ready: AtomicU32::new(2),
        });
        let other = {
            let ring = ring.clone();
            thread::spawn(move || ring.wait(1, 1))
        };
        ring.wait(2, 2);
        other.join().unwrap();
    });
}
