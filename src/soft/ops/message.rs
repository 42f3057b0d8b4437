//! What sends and receives have in common: messages, and going on behind what is done.

use super::socket::fields;
use super::State;
use crate::soft::request::Request;
use crate::sys::{copy, peek, Errno, Result};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::offset_of;
use libc::{iovec, msghdr};

/// The vectors that there may be.
const MAX_VECTORS: usize = 1024;
/// The longest address.
const NAME_MAX: usize = 128;

/// A send or receive whose message was copied, or that is done in part.
pub struct Message {
    /// Its vectors are `vector`.
    pub header: msghdr,
    /// Where the data that is left is.
    pub vector: Vec<iovec>,
    /// The address to send to, copied.
    name: Vec<u8>,
    /// Bytes done so far.
    pub done: usize,
    /// There is a message, rather than one buffer.
    pub is_copy: bool,
}

// SAFETY: its pointers are the program's, or into itself.
unsafe impl Send for Message {}

impl Message {
    fn empty() -> Box<Self> {
        // SAFETY: all fields of a msghdr may be zero.
        let header = unsafe { core::mem::zeroed() };
        Box::new(Message { header, vector: Vec::new(), name: Vec::new(), done: 0, is_copy: false })
    }

    /// Of vectors at `at`. `EFAULT`, `EMSGSIZE`.
    pub fn of_vectors(at: u64, count: usize) -> Result<Box<Self>> {
        let mut message = Self::empty();
        if count > MAX_VECTORS {
            return Err(Errno::of(libc::EMSGSIZE));
        }
        // SAFETY: any bytes are valid as vectors.
        message.vector = unsafe { copy::many(at, count)? };
        if message.vector.len() < count {
            return Err(Errno::EFAULT);
        }
        message.is_copy = true;
        Ok(message)
    }

    /// A copy of the message at `at`; of the address, too, that it is sent to. `EFAULT`, `EMSGSIZE`,
    /// `EINVAL`.
    pub fn copy(at: u64, sends: bool) -> Result<Box<Self>> {
        // SAFETY: the struct is valid for any bytes.
        let header: msghdr = unsafe { peek::copy(at) }?;
        let mut message = Self::of_vectors(header.msg_iov as u64, header.msg_iovlen as usize)?;
        message.header = header;
        if header.msg_namelen as i32 <= -1 {
            return Err(Errno::EINVAL);
        }
        if sends && !header.msg_name.is_null() && header.msg_namelen > 0 {
            message.send_to(header.msg_name as u64, header.msg_namelen)?;
        }
        Ok(message)
    }

    /// Goes to a copy of the address of `len` bytes at `address`. `EFAULT`.
    pub fn send_to(&mut self, address: u64, len: u32) -> Result<()> {
        self.name_is(copy::bytes(address, (len as usize).min(NAME_MAX))?);
        Ok(())
    }

    fn name_is(&mut self, name: Vec<u8>) {
        self.name = name;
        self.header.msg_name = self.name.as_mut_ptr().cast();
        self.header.msg_namelen = self.name.len() as u32;
    }

    /// Goes to the address of which another one has a copy.
    pub fn send_to_same(&mut self, other: &mut Message) {
        if !other.name.is_empty() {
            self.name_is(core::mem::take(&mut other.name));
        }
    }

    /// The header for a call, with what is left of the vectors.
    pub fn for_call(&mut self) -> &mut msghdr {
        self.header.msg_iov = self.vector.as_mut_ptr();
        self.header.msg_iovlen = self.vector.len() as _;
        &mut self.header
    }

    /// Bytes left.
    pub fn left(&self) -> usize {
        self.vector.iter().fold(0usize, |sum, v| sum.saturating_add(v.iov_len))
    }

    fn advance(&mut self, n: usize) {
        let mut left = n;
        let full = self.vector.iter().take_while(|v| {
            let is_full = v.iov_len <= left;
            left -= if is_full { v.iov_len } else { 0 };
            is_full
        });
        let full = full.count();
        self.vector.drain(..full);
        if let Some(first) = self.vector.first_mut() {
            first.iov_base = first.iov_base.wrapping_byte_add(left);
            first.iov_len -= left;
        }
    }
}

/// The message of a request, once it was copied.
pub fn copied(r: &mut Request) -> Option<&mut Message> {
    match &mut r.state {
        State::Message(message) if message.is_copy => Some(message),
        _ => None,
    }
}

/// Bytes done so far.
#[inline]
pub fn done(r: &Request) -> usize {
    match &r.state {
        State::Message(message) => message.done,
        _ => 0,
    }
}

/// Goes on behind `n` more bytes.
pub fn advance(r: &mut Request, n: usize) {
    if !matches!(r.state, State::Message(_)) {
        r.state = State::Message(Message::empty());
    }
    let addr = fields::addr(r);
    if let State::Message(message) = &mut r.state {
        message.done += n;
        if message.is_copy {
            message.advance(n);
        } else {
            r.sqe.anon_addr.addr = addr.wrapping_add(n as u64);
            r.sqe.len -= n as u32;
        }
    }
}

/// Nothing of its message is sent yet. The program may change the address that it goes to, but not where it goes.
/// `EFAULT`.
pub fn begin_anew(r: &mut Request) -> Result<()> {
    let Some(message) = copied(r) else { return Ok(()) };
    let name = (message.header.msg_name, message.header.msg_namelen);
    if message.name.is_empty() && !name.0.is_null() {
        message.send_to(name.0 as u64, name.1)?;
    }
    let mut next = Message::of_own(Vec::new());
    next.send_to_same(message);
    r.state = State::Message(next);
    Ok(())
}

/// Copies the request's message, unless that was done.
pub fn keep(r: &mut Request, sends: bool) -> Result<()> {
    if copied(r).is_none() {
        r.state = State::Message(Message::copy(fields::addr(r), sends)?);
    }
    Ok(())
}

/// Tells the program what a receive into our copy of its message has found out.
pub fn tell(r: &mut Request) -> Result<()> {
    let at = fields::addr(r);
    let Some(message) = copied(r) else { return Ok(()) };
    let header = &message.header;
    copy::put(at + offset_of!(msghdr, msg_namelen) as u64, &header.msg_namelen)?;
    copy::put(at + offset_of!(msghdr, msg_controllen) as u64, &header.msg_controllen)?;
    copy::put(at + offset_of!(msghdr, msg_flags) as u64, &header.msg_flags)
}

impl Message {
    /// Of our own vectors.
    pub fn of_own(vector: Vec<iovec>) -> Box<Self> {
        let mut message = Self::empty();
        message.vector = vector;
        message.is_copy = true;
        message
    }
}

/// Makes a send of one buffer to an address a message to a copy of the address.
pub fn keep_destination(r: &mut Request, address: u64, len: u32) -> Result<()> {
    let buffer = iovec { iov_base: fields::addr(r) as *mut _, iov_len: r.sqe.len as usize };
    let mut message = Message::of_own(Vec::from([buffer]));
    message.send_to(address, len)?;
    message.done = done(r);
    r.state = State::Message(message);
    Ok(())
}
