//! Rings that the library maps for the application.

use super::context::{setup, Setup};
use crate::abi::aio::{io_event, iocb};
use crate::abi::aio_ring::*;
use crate::aio::registry::ContextId;
use crate::sys::{mem, Errno, Result};
use core::mem::size_of;

/// Makes rings for `depth` requests and a context on them.
pub unsafe fn init(depth: u32, flags: u32, aio: *mut anyring_aio) -> Result<()> {
    if depth == 0 || depth > 1 << 20 || flags & IOCTX_FLAG_FIXEDBUFS != 0 {
        return Err(Errno::EINVAL);
    }
    let nr_events = depth.next_power_of_two();
    let count = nr_events as usize;
    let pages = |len: usize| len.next_multiple_of(mem::PAGE_SIZE);
    let sq_len = pages(size_of::<aio_sq_ring>() + count * size_of::<u32>());
    let cq_len = pages(size_of::<aio_cq_ring>() + 2 * count * size_of::<io_event>());
    let mapped = sq_len + cq_len + pages(count * size_of::<iocb>());
    // SAFETY: a new mapping touches nothing that exists; `aio` is the caller's.
    unsafe {
        let memory = mem::map_anonymous(mapped, 0)?;
        let sq = memory.cast::<aio_sq_ring>();
        let cq = memory.wrapping_byte_add(sq_len).cast::<aio_cq_ring>();
        let iocbs = memory.wrapping_byte_add(sq_len + cq_len).cast::<iocb>();
        (*sq).nr_events = nr_events;
        (*sq).sq_thread_cpu = AIO_RING_ANY_CPU;
        (*sq).iocbs = iocbs as u64;
        (*cq).nr_events = 2 * nr_events;
        let flags = flags | IOCTX_FLAG_SCQRING;
        let ctx = setup(Setup::indexed(nr_events, flags, sq, cq)).inspect_err(|_| {
            let _ = mem::unmap(memory, mapped);
        })?;
        aio.write(anyring_aio {
            ctx: ctx as *mut _,
            sq,
            sq_array: (&raw mut (*sq).array).cast(),
            cq,
            cq_events: (&raw mut (*cq).events).cast(),
            iocbs,
            nr_events,
            flags,
            sq_tail: 0,
            sq_submitted: 0,
            memory,
            mapped,
        });
    }
    Ok(())
}

/// Takes both down.
pub unsafe fn exit(aio: *mut anyring_aio) -> Result<()> {
    // SAFETY: `aio` is the caller's, filled in by init; the context is gone before its rings are.
    unsafe {
        crate::aio::destroy((*aio).ctx as ContextId)?;
        mem::unmap((*aio).memory, (*aio).mapped)
    }
}
