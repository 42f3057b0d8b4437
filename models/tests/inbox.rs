//! What is put into an inbox is taken out, once, although nobody but the putters and the holder of the lock
//! looks; and who calls is answered.
#![cfg(loom)]

use anyring_models::model;
use anyring_models::soft::inbox::{Inbox, Linked};
use anyring_models::sys::atomic::{AtomicU32, Ordering};
use anyring_models::sys::lock::Lock;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::ptr::null_mut;

struct Item {
    number: usize,
    next: *mut Item,
}

impl Linked for Item {
    fn link(&mut self) -> &mut *mut Item {
        &mut self.next
    }
}

struct Ring {
    lock: Lock<0>,
    inbox: Inbox<Item>,
    done: UnsafeCell<Vec<usize>>,
    /// What a file has ready, and how much of it somebody has served.
    ready: AtomicU32,
    served: UnsafeCell<u32>,
}

unsafe impl Sync for Ring {}
unsafe impl Send for Ring {}

impl Ring {
    /// As a turn ends.
    fn end_turn(&self) {
        loop {
            let (mut at, is_called) = self.inbox.take();
            if is_called {
                self.serve();
            }
            while !at.is_null() {
                let item = unsafe { Box::from_raw(at) };
                self.done.with_mut(|done| unsafe { (*done).push(item.number) });
                at = item.next;
            }
            unsafe { self.lock.unlock() };
            if self.inbox.is_empty_after_unlock() {
                return;
            }
            match self.lock.try_lock() {
                Some(guard) => std::mem::forget(guard),
                None => return,
            }
        }
    }

    /// Takes what is ready, with the lock.
    fn serve(&self) {
        let ready = self.ready.load(Ordering::Acquire);
        self.served.with_mut(|served| unsafe { *served = ready });
    }

    /// As the keeper serves a ring, once for each change.
    fn keep(&self) {
        self.ready.fetch_add(1, Ordering::AcqRel);
        let taken = self.lock.try_lock().or_else(|| {
            self.inbox.call();
            self.lock.try_lock()
        });
        if let Some(guard) = taken {
            std::mem::forget(guard);
            self.serve();
            self.end_turn();
        }
    }

    /// As a worker hands something in.
    fn hand_in(&self, number: usize) {
        unsafe { self.inbox.put(Box::into_raw(Box::new(Item { number, next: null_mut() }))) };
        if let Some(guard) = self.lock.try_lock() {
            std::mem::forget(guard);
            self.end_turn();
        }
    }
}

fn ring() -> Arc<Ring> {
    Arc::new(Ring {
        lock: Lock::new(),
        inbox: Inbox::new(),
        done: UnsafeCell::new(Vec::new()),
        ready: AtomicU32::new(0),
        served: UnsafeCell::new(0),
    })
}

#[test]
fn nothing_stays_behind() {
    model(|| {
        let ring = ring();
        let workers: Vec<_> = (0..2)
            .map(|number| {
                let ring = ring.clone();
                thread::spawn(move || ring.hand_in(number))
            })
            .collect();
        // Meanwhile, somebody has a turn.
        std::mem::forget(ring.lock.lock());
        ring.end_turn();
        for worker in workers {
            worker.join().unwrap();
        }
        let _held = ring.lock.lock();
        ring.done.with(|done| {
            let mut done = unsafe { (*done).clone() };
            done.sort();
            assert_eq!(done, [0, 1]);
        });
    });
}

#[test]
fn in_the_order_of_arrival() {
    model(|| {
        let ring = ring();
        let worker = {
            let ring = ring.clone();
            thread::spawn(move || (0..2).for_each(|number| ring.hand_in(number)))
        };
        std::mem::forget(ring.lock.lock());
        ring.end_turn();
        worker.join().unwrap();
        let _held = ring.lock.lock();
        ring.done.with(|done| assert_eq!(unsafe { &*done }, &[0, 1]));
    });
}

#[test]
fn whoever_has_the_lock_answers_a_call() {
    model(|| {
        let ring = ring();
        let keeper = {
            let ring = ring.clone();
            thread::spawn(move || ring.keep())
        };
        let worker = {
            let ring = ring.clone();
            thread::spawn(move || ring.hand_in(7))
        };
        std::mem::forget(ring.lock.lock());
        ring.end_turn();
        keeper.join().unwrap();
        worker.join().unwrap();
        let _held = ring.lock.lock();
        ring.served.with(|served| assert_eq!(unsafe { *served }, 1));
        ring.done.with(|done| assert_eq!(unsafe { &*done }, &[7]));
    });
}
