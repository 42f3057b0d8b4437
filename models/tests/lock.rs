//! The locks let one in at a time, and everybody in the end.
#![cfg(loom)]

use anyring_models::model;
use anyring_models::sys::lock::{Lock, SharedLock};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

#[test]
fn one_at_a_time() {
    model(|| {
        let shared = Arc::new((Lock::<0>::new(), UnsafeCell::new(0)));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let _held = shared.0.lock();
                    // loom fails when two are in here at once, or one does not see the other's value.
                    shared.1.with_mut(|value| unsafe { *value += 1 });
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let _held = shared.0.lock();
        shared.1.with(|value| assert_eq!(unsafe { *value }, 2));
    });
}

#[test]
fn one_process_at_a_time() {
    model(|| {
        let shared = Arc::new((SharedLock::new(), UnsafeCell::new(0)));
        let threads: Vec<_> = (1..3)
            .map(|pid| {
                let shared = shared.clone();
                thread::spawn(move || {
                    assert!(shared.0.lock(pid, 1));
                    shared.1.with_mut(|value| unsafe { *value += 1 });
                    shared.0.unlock();
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        shared.1.with(|value| assert_eq!(unsafe { *value }, 2));
    });
}
