//! What the kernel's aio says of a request that we cannot judge: it is asked, with an address that no buffer has.
//! Whatever it finds wrong before it looks at the buffer is what io_submit(2) answers; then it says `EFAULT`, and has
//! neither read nor written.

use crate::abi::aio::*;
use crate::sys::{aio, env, process, Errno, Result};
use core::ptr::null;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// An address that only the kernel has.
const NOWHERE: u64 = -4096i64 as u64;

/// The context that is asked, and the process that it is of: a child has none of its parent's.
static CONTEXT: AtomicU64 = AtomicU64::new(0);
static OWNER: AtomicU32 = AtomicU32::new(0);

/// What io_submit(2) answers to a read or write; nothing wrong also where it cannot be asked.
#[cold]
pub fn ask(request: &iocb) -> Result<()> {
    if is_under_valgrind() {
        return Ok(());
    }
    let Some(context) = context() else { return Ok(()) };
    let mut question = *request;
    question.aio_buf = NOWHERE;
    question.aio_nbytes = question.aio_nbytes.max(1);
    question.aio_flags &= IOCB_FLAG_IOPRIO;
    let list = [&raw mut question];
    // SAFETY: the request lives in this frame, and what it points at is nothing that could be read or written.
    match unsafe { aio::submit(context, 1, list.as_ptr()) } {
        Err(errno @ (Errno::EBADF | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EPERM)) => {
            Err(errno)
        }
        // It found nothing wrong after all: nothing may be left for the next question.
        Ok(_) => {
            let mut event = io_event { data: 0, obj: 0, res: 0, res2: 0 };
            // SAFETY: the event lives in this frame.
            let _ = unsafe { aio::get_events(context, 1, 1, &mut event, null(), null()) };
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// Valgrind would tell the program's author of a buffer that there is not.
fn is_under_valgrind() -> bool {
    const ITS_OWN: &[u8] = b"/vgpreload_";
    // SAFETY: it is looked at for a moment.
    let loaded = unsafe { env::variable(c"LD_PRELOAD") };
    loaded.is_some_and(|names| names.to_bytes().windows(ITS_OWN.len()).any(|part| part == ITS_OWN))
}

fn context() -> Option<u64> {
    let process = process::id() as u32;
    let known = CONTEXT.load(Ordering::Acquire);
    if known != 0 && OWNER.load(Ordering::Acquire) == process {
        return Some(known);
    }
    let new = aio::setup(1).ok()?;
    match CONTEXT.compare_exchange(known, new, Ordering::AcqRel, Ordering::Relaxed) {
        Ok(_) => {
            OWNER.store(process, Ordering::Release);
            Some(new)
        }
        // Another thread was faster, and asks with its own.
        Err(_) => {
            let _ = aio::destroy(new);
            None
        }
    }
}
