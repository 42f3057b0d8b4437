//! Filling in requests, as <libaio.h> does.

use crate::abi::ctypes::*;
use crate::abi::libaio::io_iocb_cmd::*;
use crate::abi::libaio::*;
use core::ptr::null_mut;

extern "C" {
    fn io_submit(ctx: io_context_t, nr: c_long, ios: *mut *mut iocb) -> c_int;
}

/// Sets all of a request but its operation's own part, which becomes 0.
#[no_mangle]
pub unsafe extern "C" fn anyring_iocb_init(iocb: *mut iocb, fd: c_int, opcode: c_int) {
    (*iocb).data = null_mut();
    (*iocb).key = 0;
    (*iocb).aio_rw_flags = 0;
    (*iocb).aio_lio_opcode = opcode as i16;
    (*iocb).aio_reqprio = 0;
    (*iocb).aio_fildes = fd;
    (*iocb).u.c.buf = null_mut();
    (*iocb).u.c.nbytes = 0;
    (*iocb).u.c.offset = 0;
    (*iocb).u.c.reserved = 0;
    (*iocb).u.c.flags = 0;
    (*iocb).u.c.resfd = 0;
}

/// Names the function that io_queue_run() calls for the request's event. Prepare the request first.
#[no_mangle]
pub unsafe extern "C" fn io_set_callback(iocb: *mut iocb, cb: io_callback_t) {
    (*iocb).data = cb as *mut c_void;
}

/// pread(2) of `count` bytes at `offset` into `buf`.
#[no_mangle]
pub unsafe extern "C" fn io_prep_pread(
    iocb: *mut iocb,
    fd: c_int,
    buf: *mut c_void,
    count: size_t,
    offset: __s64,
) {
    anyring_iocb_init(iocb, fd, IO_CMD_PREAD as c_int);
    (*iocb).u.c.buf = buf;
    (*iocb).u.c.nbytes = count as c_ulong;
    (*iocb).u.c.offset = offset;
}

/// pwrite(2) of `count` bytes at `offset` from `buf`.
#[no_mangle]
pub unsafe extern "C" fn io_prep_pwrite(
    iocb: *mut iocb,
    fd: c_int,
    buf: *mut c_void,
    count: size_t,
    offset: __s64,
) {
    anyring_iocb_init(iocb, fd, IO_CMD_PWRITE as c_int);
    (*iocb).u.c.buf = buf;
    (*iocb).u.c.nbytes = count as c_ulong;
    (*iocb).u.c.offset = offset;
}

/// preadv(2) at `offset` into `iovcnt` pieces.
#[no_mangle]
pub unsafe extern "C" fn io_prep_preadv(
    iocb: *mut iocb,
    fd: c_int,
    iov: *const iovec,
    iovcnt: c_int,
    offset: __s64,
) {
    anyring_iocb_init(iocb, fd, IO_CMD_PREADV as c_int);
    (*iocb).u.c.buf = iov as *mut c_void;
    (*iocb).u.c.nbytes = iovcnt as c_ulong;
    (*iocb).u.c.offset = offset;
}

/// pwritev(2) at `offset` from `iovcnt` pieces.
#[no_mangle]
pub unsafe extern "C" fn io_prep_pwritev(
    iocb: *mut iocb,
    fd: c_int,
    iov: *const iovec,
    iovcnt: c_int,
    offset: __s64,
) {
    anyring_iocb_init(iocb, fd, IO_CMD_PWRITEV as c_int);
    (*iocb).u.c.buf = iov as *mut c_void;
    (*iocb).u.c.nbytes = iovcnt as c_ulong;
    (*iocb).u.c.offset = offset;
}

/// preadv2(2): io_prep_preadv() with `RWF_*` flags.
#[no_mangle]
pub unsafe extern "C" fn io_prep_preadv2(
    iocb: *mut iocb,
    fd: c_int,
    iov: *const iovec,
    iovcnt: c_int,
    offset: __s64,
    flags: c_int,
) {
    io_prep_preadv(iocb, fd, iov, iovcnt, offset);
    (*iocb).aio_rw_flags = flags as c_uint;
}

/// pwritev2(2): io_prep_pwritev() with `RWF_*` flags.
#[no_mangle]
pub unsafe extern "C" fn io_prep_pwritev2(
    iocb: *mut iocb,
    fd: c_int,
    iov: *const iovec,
    iovcnt: c_int,
    offset: __s64,
    flags: c_int,
) {
    io_prep_pwritev(iocb, fd, iov, iovcnt, offset);
    (*iocb).aio_rw_flags = flags as c_uint;
}

/// Waits for one of `events` (`POLL*`), once.
#[no_mangle]
pub unsafe extern "C" fn io_prep_poll(iocb: *mut iocb, fd: c_int, events: c_int) {
    anyring_iocb_init(iocb, fd, IO_CMD_POLL as c_int);
    (*iocb).u.poll.events = events;
}

/// fsync(2).
#[no_mangle]
pub unsafe extern "C" fn io_prep_fsync(iocb: *mut iocb, fd: c_int) {
    anyring_iocb_init(iocb, fd, IO_CMD_FSYNC as c_int);
}

/// fdatasync(2).
#[no_mangle]
pub unsafe extern "C" fn io_prep_fdsync(iocb: *mut iocb, fd: c_int) {
    anyring_iocb_init(iocb, fd, IO_CMD_FDSYNC as c_int);
}

/// Submits a request for one of `events`, with a callback. What io_submit() answers.
#[no_mangle]
pub unsafe extern "C" fn io_poll(
    ctx: io_context_t,
    iocb: *mut iocb,
    cb: io_callback_t,
    fd: c_int,
    events: c_int,
) -> c_int {
    let mut one: *mut iocb = iocb;
    io_prep_poll(iocb, fd, events);
    io_set_callback(iocb, cb);
    io_submit(ctx, 1, &raw mut one)
}

/// Submits an fsync(2), with a callback. What io_submit() answers.
#[no_mangle]
pub unsafe extern "C" fn io_fsync(
    ctx: io_context_t,
    iocb: *mut iocb,
    cb: io_callback_t,
    fd: c_int,
) -> c_int {
    let mut one: *mut iocb = iocb;
    io_prep_fsync(iocb, fd);
    io_set_callback(iocb, cb);
    io_submit(ctx, 1, &raw mut one)
}

/// Submits an fdatasync(2), with a callback. What io_submit() answers.
#[no_mangle]
pub unsafe extern "C" fn io_fdsync(
    ctx: io_context_t,
    iocb: *mut iocb,
    cb: io_callback_t,
    fd: c_int,
) -> c_int {
    let mut one: *mut iocb = iocb;
    io_prep_fdsync(iocb, fd);
    io_set_callback(iocb, cb);
    io_submit(ctx, 1, &raw mut one)
}

/// Signals `eventfd` when the request's event is there. Prepare the request first.
#[no_mangle]
pub unsafe extern "C" fn io_set_eventfd(iocb: *mut iocb, eventfd: c_int) {
    (*iocb).u.c.flags |= 1;
    (*iocb).u.c.resfd = eventfd as c_uint;
}
