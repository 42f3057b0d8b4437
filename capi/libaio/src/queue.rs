//! The callback interface: `io_queue_*`.

use crate::context::*;
use anyring::abi::aio::{io_event, iocb};
use anyring::abi::ctypes::*;
use anyring::sys::Errno;
use core::arch::global_asm;
use core::mem::{transmute, MaybeUninit};
use core::ptr::null_mut;

/// What io_set_callback() stored in a request's `data`.
type Callback = unsafe extern "C" fn(Context, *mut iocb, c_long, c_long);

global_asm!(
    ".symver io_queue_wait_0_1, io_queue_wait@LIBAIO_0.1",
    ".symver io_queue_wait_0_4, io_queue_wait@@LIBAIO_0.4",
);

/// io_setup() that takes any value at `ctxp`. -EINVAL unless `maxevents` is positive.
#[no_mangle]
pub unsafe extern "C" fn io_queue_init(maxevents: c_int, ctxp: *mut Context) -> c_int {
    if maxevents <= 0 {
        return Errno::EINVAL.answer();
    }
    // SAFETY: see the module above.
    unsafe {
        *ctxp = null_mut();
        io_setup(maxevents, ctxp)
    }
}

/// io_destroy().
#[no_mangle]
pub unsafe extern "C" fn io_queue_release(ctx: Context) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_destroy(ctx) }
}

/// io_getevents() for no event, which never waits: libaio has nothing else behind this name. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_queue_wait_0_4(ctx: Context, timeout: *mut __kernel_timespec) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_getevents_0_4(ctx, 0, 0, null_mut(), timeout) }
}

/// As io_queue_wait() of today.
#[no_mangle]
pub unsafe extern "C" fn io_queue_wait_0_1(ctx: Context, timeout: *mut __kernel_timespec) -> c_int {
    // SAFETY: see the module above.
    unsafe { io_queue_wait_0_4(ctx, timeout) }
}

/// Takes the events that are there and calls each request's callback. 0 or -errno.
#[no_mangle]
pub unsafe extern "C" fn io_queue_run(ctx: Context) -> c_int {
    let mut at_once = __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
    let mut event = MaybeUninit::<io_event>::uninit();
    // SAFETY: see the module above; a request that comes here was given a callback.
    unsafe {
        loop {
            let got = io_getevents_0_4(ctx, 0, 1, event.as_mut_ptr(), &mut at_once);
            if got != 1 {
                return got;
            }
            let event = event.assume_init_ref();
            let callback: Callback = transmute(event.data as *const c_void);
            callback(ctx, event.obj as *mut iocb, event.res as c_long, event.res2 as c_long);
        }
    }
}
