//! What is known of a request, a bit each.

/// It failed, so that links behind it are cancelled; see [`fail`](super::Request::fail).
pub const FAILED: u32 = 1;
/// No CQE if it succeeds.
pub const SKIP: u32 = 1 << 1;
/// What is linked behind it posts no CQEs, because it failed and had [`SKIP`].
pub const SKIP_LINKS: u32 = 1 << 2;
/// It is to be answered EAGAIN rather than to wait.
pub const NOWAIT: u32 = 1 << 3;
/// Its file has been seen ready since it was last tried.
pub const POLLED: u32 = 1 << 4;
/// Somebody asked to cancel it.
pub const CANCELLED: u32 = 1 << 5;
/// It posts several CQEs.
pub const MULTISHOT: u32 = 1 << 6;
/// It was refused before it started: `result` is its answer.
pub const REFUSED: u32 = 1 << 7;
/// It is over, `result` is its answer: it completes when what may be tried is.
pub const OVER: u32 = 1 << 9;
/// What it was linked to has failed: it is cancelled with what is linked behind it.
pub const BROKEN: u32 = 1 << 10;
/// That its time is over is what it was for: no failure.
pub const GOOD_ETIME: u32 = 1 << 8;

/// Its file is a stream socket, as was found out.
pub const STREAM: u32 = 1 << 11;
/// Its file is a socket of messages, as was found out.
pub const MESSAGES: u32 = 1 << 12;
/// The other side of its file has no more to send.
pub const HUNG_UP: u32 = 1 << 13;

/// A second CQE follows, which says that its data is the program's again.
pub const NOTIFIES: u32 = 1 << 14;

/// An error of it does not break links.
pub const UNFAILING: u32 = 1 << 15;

/// Its file was just taken hold of: the program's descriptor is still the same file.
pub const JUST_HELD: u32 = 1 << 16;

/// A read whose data is on its way: all that is left is to wait for it.
pub const AHEAD: u32 = 1 << 17;

/// Its file was passed to a worker with a descriptor table of its own, which may have changed `fd`.
pub const PASSED: u32 = 1 << 18;

/// Its file cannot be waited for, or nothing can be.
pub const UNPOLLED: u32 = 1 << 19;
