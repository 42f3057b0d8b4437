//! What each operation does, one file a family.
//!
//! An operation is tried where it was submitted, under the ring's lock, and must not block there
//! (`issue`). What would block says so: it waits until its file is ready and is tried again (`ready`), or
//! a worker does it (`run`, without the lock), after which `finish` has the last word, under the lock.

mod accept;
mod at_once;
mod cancel;
mod connect;
mod futex;
mod message;
mod msg_ring;
mod nop;
mod open;
mod paths;
mod pipe;
mod poll;
mod provide;
mod read_multishot;
mod receive;
mod refusals;
mod rw;
mod select;
mod send;
mod slots;
mod socket;
mod space;
mod splice;
mod sync;
pub mod timeout;
mod waitid;
mod xattr;

pub use at_once::at_once;
pub use msg_ring::send as send_message;
pub use open::may_wait as open_may_wait;
pub use rw::{is_read, is_write};
pub use send::notice;

use super::request::{Place, Request, MULTISHOT, POLLED, UNFAILING};
use super::turn::Turn;
use crate::abi::uring::{io_uring_op, IOSQE_ASYNC};
use crate::sys::{Errno, Result};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What became of a try.
pub enum Outcome {
    /// It is complete: the CQE's `res`.
    Done(i32),
    /// It would block until its file has one of these events (`EPOLL*`).
    Wait(u32),
    /// It would block: a worker is to run it.
    Punt,
    /// The operation has put it somewhere and completes it later.
    Kept,
}

impl From<Result<usize>> for Outcome {
    fn from(result: Result<usize>) -> Self {
        Outcome::Done(answer(result))
    }
}

/// A system call's answer as a CQE's `res`.
pub fn answer(result: Result<usize>) -> i32 {
    match result {
        Ok(value) => value as i32,
        Err(errno) => errno.answer(),
    }
}

/// The end of what a worker has done on a filesystem: its error breaks no link, as with kernels since 6.0.
pub fn finish_without_failing(_: &mut Turn, r: &mut Request, result: i32) -> Outcome {
    r.flags |= UNFAILING;
    Outcome::Done(result)
}

/// Whether what an operation's SQE points at are vectors, or a message, of which there may be none.
pub fn points_at_vectors(opcode: u8) -> bool {
    use io_uring_op::*;
    const SUCH: [u8; 5] = [
        IORING_OP_READV as u8,
        IORING_OP_WRITEV as u8,
        IORING_OP_SENDMSG as u8,
        IORING_OP_RECVMSG as u8,
        IORING_OP_SENDMSG_ZC as u8,
    ];
    SUCH.contains(&opcode)
}

/// Why a request failed at its first try. Where what its SQE points at is none, that comes first, and the submission
/// ends, as if it had been looked at before. To look only now saves the copy of what is good.
#[cold]
pub fn why(turn: &mut Turn, r: &mut Request, errno: Errno) -> Errno {
    if turn.core.posted_before.is_none() || r.place != Place::Here || r.is(POLLED) {
        return errno;
    }
    match (of(r.sqe.opcode).keep)(r) {
        Err(first) => {
            turn.core.ends_submission = true;
            first
        }
        Ok(()) => errno,
    }
}

/// Whether a request is to wait for its file before it is tried for the first time: a worker is not to do it again
/// and again.
pub fn polls_first(r: &Request) -> bool {
    r.is(MULTISHOT) && !r.is(POLLED) && r.sqe.flags & IOSQE_ASYNC as u8 != 0
}

/// What is answered where a file was to be waited for that cannot be polled.
pub fn unpolled(r: &Request) -> Errno {
    if polls_first(r) {
        Errno::EBADFD
    } else {
        Errno::EAGAIN
    }
}

/// What a request answers that is cancelled while it waits: what it has sent or received counts, but is too little.
pub fn cancelled(r: &mut Request) -> i32 {
    r.fail();
    match message::done(r) {
        0 => Errno::ECANCELED.answer(),
        done => done as i32,
    }
}

/// What an operation keeps in its request beside the SQE.
#[derive(Default)]
pub enum State {
    /// Nothing.
    #[default]
    None,
    /// A message to another ring.
    Parcel(msg_ring::Parcel),
    /// A send or a receive that has to go on, or whose message was copied.
    Message(Box<message::Message>),
    /// An address.
    Address(Vec<u8>),
    /// A read or a write.
    Rw(rw::Rw),
    /// An open.
    Open(open::Open),
    /// Paths and other strings.
    Copies(Box<paths::Copies>),
    /// A poll.
    Poll(poll::Poll),
    /// An event to wait for.
    Event(crate::sys::epoll::Event),
    /// A wait for futexes.
    Futex(futex::Futex),
    /// A timeout.
    Timeout(timeout::Timeout),
    /// A splice or tee.
    Splice(splice::Splice),
}

/// In a child: closes its copies of the descriptors that a request of the parent has for its operation.
pub fn leave_behind(r: &mut Request) {
    match &mut r.state {
        State::Splice(_) => r.state = State::None,
        State::Parcel(parcel) => parcel.close_file(),
        _ => {}
    }
}

/// An operation.
pub struct Op {
    /// Checks the SQE and takes what is needed out of it, at submission. The error is the CQE's `res`.
    pub prepare: fn(&mut Turn, &mut Request) -> Result<()>,
    /// Copies what the SQE points at beside data: called at submission when it does not start there,
    /// and whenever it has to wait or goes to a worker; the first time counts. The error is `res`.
    pub keep: fn(&mut Request) -> Result<()>,
    /// Finds what the ring has registered for it, when it starts; none for what needs nothing but a file.
    pub assign: Option<fn(&mut Turn, &mut Request) -> Result<()>>,
    /// Tries it without blocking.
    pub issue: fn(&mut Turn, &mut Request) -> Outcome,
    /// What it waited for has come: events of its file, or 0 for its time.
    pub ready: fn(&mut Turn, &mut Request, u32) -> Outcome,
    /// Does it, blocking, on a worker; none for what never goes there.
    pub run: Option<fn(&mut Request) -> i32>,
    /// Its file cannot be polled, and it was to wait.
    pub unpolled: fn(&mut Request) -> Outcome,
    /// Does it without waiting, where no worker can be had; `EAGAIN`. None for what is answered `ECANCELED` then, as the
    /// kernel does that has no worker: it has one for such operations, too.
    pub run_at_once: Option<fn(&mut Request) -> i32>,
    /// A worker has done it, with this result.
    pub finish: fn(&mut Turn, &mut Request, i32) -> Outcome,
    /// Cancels it where the operation has put it (`Place::Kept`). `EALREADY`, `ENOENT` when that cannot be.
    pub cancel: fn(&mut Turn, &mut Request) -> Result<()>,
    /// `fd` is a file.
    pub needs_file: bool,
    /// IOSQE_BUFFER_SELECT means something.
    pub selects_buffer: bool,
    /// `ioprio` means something.
    pub has_ioprio: bool,
    /// Its SQE is one of 128 bytes.
    pub is_wide: bool,
    /// `keep` is called at submission wherever it starts: where there is nothing to copy, it is refused.
    pub copies_first: bool,
    /// Whether it is only done by whoever submitted it, or a proxy of that thread. Asked when it does
    /// not start where it was submitted, has to wait, or goes to a worker.
    pub bound: fn(&Request) -> Bound,
}

/// What a request asks of the thread that does it: where it looks paths and numbers up, and what it may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Nothing: its file is open.
    No,
    /// To begin with. What it waits for afterwards anybody may look at.
    ToStart,
    /// Whenever it is tried.
    Always,
}

impl Op {
    /// One that there is not; others are described by how they differ from it.
    pub const NONE: Op = Op {
        prepare: |_, _| Ok(()),
        keep: |_| Ok(()),
        assign: None,
        issue: |_, _| Outcome::Done(Errno::EINVAL.answer()),
        ready: |turn, request, _| (of(request.sqe.opcode).issue)(turn, request),
        run: None,
        unpolled: |_| Outcome::Punt,
        run_at_once: None,
        finish: |_, _, result| Outcome::Done(result),
        cancel: |_, _| Err(Errno::ENOENT),
        needs_file: false,
        selects_buffer: false,
        has_ioprio: false,
        is_wide: false,
        copies_first: false,
        bound: |_| Bound::No,
    };

    /// Whether there is such an operation.
    #[inline]
    pub fn is_known(&self) -> bool {
        !core::ptr::eq(self, &UNKNOWN)
    }
}

static UNKNOWN: Op = Op::NONE;

/// What a request asks of the thread that does it.
#[inline]
pub fn bound(r: &Request) -> Bound {
    (of(r.sqe.opcode).bound)(r)
}

/// Whether an operation that waits, or goes to a worker, has a socket: others it has refused by then.
#[inline]
pub fn waits_for_socket(opcode: u8) -> bool {
    use io_uring_op::*;
    const SUCH: u64 = 1 << IORING_OP_SEND as u64
        | 1 << IORING_OP_SENDMSG as u64
        | 1 << IORING_OP_SEND_ZC as u64
        | 1 << IORING_OP_SENDMSG_ZC as u64
        | 1 << IORING_OP_RECV as u64
        | 1 << IORING_OP_RECVMSG as u64
        | 1 << IORING_OP_CONNECT as u64;
    opcode < 64 && SUCH >> opcode & 1 != 0
}

/// Whether it changes a file, as which some rights count: a write by others takes away that a program runs as its owner.
pub fn changes_file(r: &Request) -> bool {
    use io_uring_op::*;
    const ALSO: [u8; 3] =
        [IORING_OP_FALLOCATE as u8, IORING_OP_FTRUNCATE as u8, IORING_OP_SPLICE as u8];
    is_write(r) || ALSO.contains(&r.sqe.opcode)
}

/// The operation `opcode`; for one that there is not, one that is refused.
#[inline]
pub fn of(opcode: u8) -> &'static Op {
    BY_OPCODE[usize::from(opcode)]
}

static BY_OPCODE: [&Op; 256] = {
    let mut all = [&UNKNOWN; 256];
    let mut opcode = 0;
    while opcode < OPS.len() {
        if let Some(op) = OPS[opcode] {
            all[opcode] = op;
        }
        opcode += 1;
    }
    all
};

/// The operations, by opcode.
static OPS: [Option<&'static Op>; io_uring_op::IORING_OP_LAST as usize] = {
    use io_uring_op::*;
    let mut ops: [Option<&'static Op>; IORING_OP_LAST as usize] = [None; IORING_OP_LAST as usize];
    ops[IORING_OP_NOP as usize] = Some(&nop::NOP);
    ops[IORING_OP_NOP128 as usize] = Some(&nop::NOP128);
    ops[IORING_OP_READV as usize] = Some(&select::READV);
    ops[IORING_OP_WRITEV as usize] = Some(&rw::WRITEV);
    ops[IORING_OP_READ as usize] = Some(&select::READ);
    ops[IORING_OP_WRITE as usize] = Some(&rw::WRITE);
    ops[IORING_OP_READ_FIXED as usize] = Some(&rw::READ_FIXED);
    ops[IORING_OP_WRITE_FIXED as usize] = Some(&rw::WRITE_FIXED);
    ops[IORING_OP_READV_FIXED as usize] = Some(&rw::READV_FIXED);
    ops[IORING_OP_WRITEV_FIXED as usize] = Some(&rw::WRITEV_FIXED);
    ops[IORING_OP_MSG_RING as usize] = Some(&msg_ring::MSG_RING);
    ops[IORING_OP_FSYNC as usize] = Some(&sync::FSYNC);
    ops[IORING_OP_POLL_ADD as usize] = Some(&poll::POLL_ADD);
    ops[IORING_OP_POLL_REMOVE as usize] = Some(&poll::POLL_REMOVE);
    ops[IORING_OP_EPOLL_CTL as usize] = Some(&poll::EPOLL_CTL);
    ops[IORING_OP_EPOLL_WAIT as usize] = Some(&poll::EPOLL_WAIT);
    ops[IORING_OP_TIMEOUT as usize] = Some(&timeout::TIMEOUT);
    ops[IORING_OP_TIMEOUT_REMOVE as usize] = Some(&timeout::TIMEOUT_REMOVE);
    ops[IORING_OP_LINK_TIMEOUT as usize] = Some(&timeout::LINK_TIMEOUT);
    ops[IORING_OP_ASYNC_CANCEL as usize] = Some(&cancel::ASYNC_CANCEL);
    ops[IORING_OP_OPENAT as usize] = Some(&open::OPENAT);
    ops[IORING_OP_OPENAT2 as usize] = Some(&open::OPENAT2);
    ops[IORING_OP_CLOSE as usize] = Some(&slots::CLOSE);
    ops[IORING_OP_FILES_UPDATE as usize] = Some(&slots::FILES_UPDATE);
    ops[IORING_OP_FIXED_FD_INSTALL as usize] = Some(&slots::FIXED_FD_INSTALL);
    ops[IORING_OP_STATX as usize] = Some(&paths::STATX);
    ops[IORING_OP_UNLINKAT as usize] = Some(&paths::UNLINKAT);
    ops[IORING_OP_RENAMEAT as usize] = Some(&paths::RENAMEAT);
    ops[IORING_OP_LINKAT as usize] = Some(&paths::LINKAT);
    ops[IORING_OP_SYMLINKAT as usize] = Some(&paths::SYMLINKAT);
    ops[IORING_OP_MKDIRAT as usize] = Some(&paths::MKDIRAT);
    ops[IORING_OP_SETXATTR as usize] = Some(&xattr::SETXATTR);
    ops[IORING_OP_FSETXATTR as usize] = Some(&xattr::FSETXATTR);
    ops[IORING_OP_GETXATTR as usize] = Some(&xattr::GETXATTR);
    ops[IORING_OP_FGETXATTR as usize] = Some(&xattr::FGETXATTR);
    ops[IORING_OP_FALLOCATE as usize] = Some(&space::FALLOCATE);
    ops[IORING_OP_FTRUNCATE as usize] = Some(&space::FTRUNCATE);
    ops[IORING_OP_FADVISE as usize] = Some(&space::FADVISE);
    ops[IORING_OP_MADVISE as usize] = Some(&space::MADVISE);
    ops[IORING_OP_SYNC_FILE_RANGE as usize] = Some(&space::SYNC_FILE_RANGE);
    ops[IORING_OP_SPLICE as usize] = Some(&splice::SPLICE);
    ops[IORING_OP_TEE as usize] = Some(&splice::TEE);
    ops[IORING_OP_PIPE as usize] = Some(&pipe::PIPE);
    ops[IORING_OP_FUTEX_WAIT as usize] = Some(&futex::FUTEX_WAIT);
    ops[IORING_OP_FUTEX_WAKE as usize] = Some(&futex::FUTEX_WAKE);
    ops[IORING_OP_FUTEX_WAITV as usize] = Some(&futex::FUTEX_WAITV);
    ops[IORING_OP_WAITID as usize] = Some(&waitid::WAITID);
    ops[IORING_OP_READ_MULTISHOT as usize] = Some(&read_multishot::READ_MULTISHOT);
    ops[IORING_OP_PROVIDE_BUFFERS as usize] = Some(&provide::PROVIDE_BUFFERS);
    ops[IORING_OP_REMOVE_BUFFERS as usize] = Some(&provide::REMOVE_BUFFERS);
    ops[IORING_OP_SOCKET as usize] = Some(&socket::SOCKET);
    ops[IORING_OP_BIND as usize] = Some(&socket::BIND);
    ops[IORING_OP_LISTEN as usize] = Some(&socket::LISTEN);
    ops[IORING_OP_SHUTDOWN as usize] = Some(&socket::SHUTDOWN);
    ops[IORING_OP_URING_CMD as usize] = Some(&socket::URING_CMD);
    ops[IORING_OP_ACCEPT as usize] = Some(&accept::ACCEPT);
    ops[IORING_OP_CONNECT as usize] = Some(&connect::CONNECT);
    ops[IORING_OP_SEND as usize] = Some(&send::SEND);
    ops[IORING_OP_SENDMSG as usize] = Some(&send::SENDMSG);
    ops[IORING_OP_SEND_ZC as usize] = Some(&send::SEND_ZC);
    ops[IORING_OP_SENDMSG_ZC as usize] = Some(&send::SENDMSG_ZC);
    ops[IORING_OP_RECV as usize] = Some(&receive::RECV);
    ops[IORING_OP_RECVMSG as usize] = Some(&receive::RECVMSG);
    ops
};
