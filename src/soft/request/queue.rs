//! A queue of requests.

use super::Request;
use core::ptr::null_mut;

/// A queue of requests, first in, first out, linked by `queued`.
pub struct Queue {
    first: *mut Request,
    last: *mut Request,
}

impl Queue {
    /// An empty one.
    pub const fn new() -> Self {
        Queue { first: null_mut(), last: null_mut() }
    }

    /// Those linked behind `first`, which may be NULL.
    ///
    /// # Safety
    /// They must be live, and in no other queue.
    pub unsafe fn of(first: *mut Request) -> Self {
        let mut last = first;
        // SAFETY: as the caller says.
        unsafe {
            while !last.is_null() && !(*last).queued.is_null() {
                last = (*last).queued;
            }
        }
        Queue { first, last }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Puts a request at the end.
    ///
    /// # Safety
    /// It must be live, stay so while it is in here, and be in no other queue.
    pub unsafe fn push(&mut self, request: *mut Request) {
        // SAFETY: the queue holds live requests only.
        unsafe {
            (*request).queued = null_mut();
            if self.first.is_null() {
                self.first = request;
            } else {
                (*self.last).queued = request;
            }
            self.last = request;
        }
    }

    /// Takes the first one out.
    pub fn pop(&mut self) -> Option<*mut Request> {
        let request = self.first;
        if request.is_null() {
            return None;
        }
        // SAFETY: the queue holds live requests only.
        self.first = unsafe { (*request).queued };
        Some(request)
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}
