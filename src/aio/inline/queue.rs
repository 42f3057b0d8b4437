//! Driving rings that the library mapped: taking requests, submitting, reaping.

use crate::abi::aio::{io_event, iocb};
use crate::abi::aio_ring::*;
use crate::abi::ctypes::*;
use crate::ring::barrier::{
    io_uring_smp_load_acquire, io_uring_smp_mb, io_uring_smp_store_release, read_once,
};
use core::ptr::null_mut;

extern "C" {
    fn io_ring_enter(
        ctx: io_context_t,
        to_submit: c_uint,
        min_complete: c_uint,
        flags: c_uint,
    ) -> c_int;
}

/// Puts request `index` of `aio->iocbs` into the SQ and returns it, to be filled in and submitted.
/// With IOCTX_FLAG_FIXEDBUFS the index is the buffer's. NULL when the SQ is full: submit first.
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_get_index(aio: *mut anyring_aio, index: c_uint) -> *mut iocb {
    let tail: c_uint = (*aio).sq_tail;
    let head: c_uint = io_uring_smp_load_acquire(&raw const (*(*aio).sq).head);
    if tail.wrapping_sub(head) >= (*aio).nr_events || index >= (*aio).nr_events {
        return null_mut();
    }
    *(*aio).sq_array.add((tail & ((*aio).nr_events - 1)) as usize) = index;
    (*aio).sq_tail = tail.wrapping_add(1);
    (*aio).iocbs.add(index as usize)
}

/// Takes a request, to be filled in and submitted. It may be filled in anew when it comes round, which
/// is after it was submitted; tell requests apart by their data. NULL when the SQ is full: submit
/// first.
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_get(aio: *mut anyring_aio) -> *mut iocb {
    anyring_aio_get_index(aio, (*aio).sq_tail & ((*aio).nr_events - 1))
}

/// Submits the requests that were taken and, when `min_complete` is not 0, waits for an event.
/// Returns how many went out, or -errno. With IOCTX_FLAG_SQPOLL it makes no call unless the thread
/// sleeps or there is something to wait for.
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_submit(aio: *mut anyring_aio, min_complete: c_uint) -> c_int {
    let tail: c_uint = (*aio).sq_tail;
    // Entries and requests must be complete for whoever sees the tail.
    io_uring_smp_store_release(&raw mut (*(*aio).sq).tail, tail);
    let mut to_submit: c_uint = tail.wrapping_sub((*aio).sq_submitted);
    let mut flags: c_uint = 0;
    if (*aio).flags & IOCTX_FLAG_SQPOLL != 0 {
        (*aio).sq_submitted = tail;
        // The tail must be visible before the flag is read: see the thread's way to sleep.
        io_uring_smp_mb();
        if min_complete == 0 && read_once(&raw const (*(*aio).sq).kflags) & AIO_SQ_NEED_WAKEUP == 0
        {
            return to_submit as c_int;
        }
    }
    if to_submit == 0 && min_complete == 0 {
        return 0;
    }
    flags |= IORING_FLAG_SUBMIT;
    if min_complete != 0 {
        flags |= IORING_FLAG_GETEVENTS;
    }
    let ret: c_int = io_ring_enter((*aio).ctx, to_submit, min_complete, flags);
    if ret >= 0 && (*aio).flags & IOCTX_FLAG_SQPOLL == 0 {
        to_submit = ret as c_uint;
        (*aio).sq_submitted = (*aio).sq_submitted.wrapping_add(to_submit);
    }
    ret
}

/// The oldest event; NULL when there is none. It stays until anyring_aio_seen().
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_peek(aio: *mut anyring_aio) -> *mut io_event {
    let head: c_uint = read_once(&raw const (*(*aio).cq).head);
    // Pairs with the server's release: events before the tail are complete.
    if head == io_uring_smp_load_acquire(&raw const (*(*aio).cq).tail) {
        return null_mut();
    }
    (*aio).cq_events.add((head & ((*aio).nr_events * 2 - 1)) as usize)
}

/// Gives the oldest `nr` events back; they are gone.
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_seen(aio: *mut anyring_aio, nr: c_uint) {
    let head: c_uint = read_once(&raw const (*(*aio).cq).head);
    // They must have been read before their places are used again.
    io_uring_smp_store_release(&raw mut (*(*aio).cq).head, head.wrapping_add(nr));
}

/// How many events are there.
#[no_mangle]
pub unsafe extern "C" fn anyring_aio_ready(aio: *mut anyring_aio) -> c_uint {
    let head: c_uint = read_once(&raw const (*(*aio).cq).head);
    io_uring_smp_load_acquire(&raw const (*(*aio).cq).tail).wrapping_sub(head)
}
