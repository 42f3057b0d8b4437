//! Taking apart the buffer that a multishot recvmsg filled: a header, the sender's address, control
//! messages and the payload, in this order. The address and the control messages have as much room
//! as the `struct msghdr` of the request gave them.

use crate::abi::ctypes::*;
use crate::abi::uring::*;
use core::mem::size_of;
use core::ptr::null_mut;

/// Finds the header in `buf`, of which `buf_len` bytes (the CQE's res) were filled. NULL when they are
/// too few for what `msgh` asked.
#[no_mangle]
pub unsafe extern "C" fn io_uring_recvmsg_validate(
    buf: *mut c_void,
    buf_len: c_int,
    msgh: *mut msghdr,
) -> *mut io_uring_recvmsg_out {
    if buf_len < 0 {
        return null_mut();
    }
    let mut room: size_t = buf_len as size_t;
    if room < size_of::<io_uring_recvmsg_out>() {
        return null_mut();
    }
    room -= size_of::<io_uring_recvmsg_out>();
    if room < (*msgh).msg_namelen as size_t {
        return null_mut();
    }
    room -= (*msgh).msg_namelen as size_t;
    if room < (*msgh).msg_controllen as size_t {
        return null_mut();
    }
    buf as *mut io_uring_recvmsg_out
}

/// The sender's address, of which `o->namelen` bytes are known.
#[no_mangle]
pub unsafe extern "C" fn io_uring_recvmsg_name(o: *mut io_uring_recvmsg_out) -> *mut c_void {
    o.add(1) as *mut c_void
}

/// The first control message; NULL when there is none.
#[no_mangle]
pub unsafe extern "C" fn io_uring_recvmsg_cmsg_firsthdr(
    o: *mut io_uring_recvmsg_out,
    msgh: *mut msghdr,
) -> *mut cmsghdr {
    if ((*o).controllen as size_t) < size_of::<cmsghdr>() {
        return null_mut();
    }
    let name: *mut c_char = io_uring_recvmsg_name(o) as *mut c_char;
    name.add((*msgh).msg_namelen as usize) as *mut cmsghdr
}

/// The control message after `cmsg`; NULL when it was the last.
#[no_mangle]
pub unsafe extern "C" fn io_uring_recvmsg_cmsg_nexthdr(
    o: *mut io_uring_recvmsg_out,
    msgh: *mut msghdr,
    cmsg: *mut cmsghdr,
) -> *mut cmsghdr {
    let first: *mut c_char = io_uring_recvmsg_cmsg_firsthdr(o, msgh) as *mut c_char;
    let len: size_t = (*cmsg).cmsg_len as size_t;
    if first.is_null() || len < size_of::<cmsghdr>() {
        return null_mut();
    }
    // Lengths are compared, not addresses: one that is too large must not wrap around.
    let end: uintptr_t = (first as uintptr_t).wrapping_add((*o).controllen as uintptr_t);
    let room: size_t = end.wrapping_sub(cmsg as uintptr_t) as size_t;
    if len > room {
        return null_mut();
    }
    let word: size_t = size_of::<size_t>();
    let step: size_t = len + (word - len % word) % word;
    if step > room || room - step < size_of::<cmsghdr>() {
        return null_mut();
    }
    let next: *mut cmsghdr = (cmsg as *mut c_char).add(step) as *mut cmsghdr;
    if (*next).cmsg_len as size_t > room - step {
        return null_mut();
    }
    next
}

/// The payload's first byte.
#[no_mangle]
pub unsafe extern "C" fn io_uring_recvmsg_payload(
    o: *mut io_uring_recvmsg_out,
    msgh: *mut msghdr,
) -> *mut c_void {
    let name: *mut c_char = io_uring_recvmsg_name(o) as *mut c_char;
    let room: size_t = (*msgh).msg_namelen as size_t + (*msgh).msg_controllen as size_t;
    name.add(room) as *mut c_void
}

/// How many bytes of payload there are in a buffer of which `buf_len` bytes were filled; 0 when they are too few for
/// what comes before it.
#[no_mangle]
pub unsafe extern "C" fn io_uring_recvmsg_payload_length(
    o: *mut io_uring_recvmsg_out,
    buf_len: c_int,
    msgh: *mut msghdr,
) -> c_uint {
    if io_uring_recvmsg_validate(o as *mut c_void, buf_len, msgh).is_null() {
        return 0;
    }
    let start: uintptr_t = io_uring_recvmsg_payload(o, msgh) as uintptr_t;
    let end: uintptr_t = (o as uintptr_t).wrapping_add(buf_len as uintptr_t);
    end.wrapping_sub(start) as c_uint
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::zeroed;

    /// A buffer as a multishot recvmsg fills it, with room for two control messages.
    #[repr(C, align(8))]
    struct Filled {
        out: io_uring_recvmsg_out,
        name: [u8; 16],
        control: [cmsghdr; 3],
    }

    const HEADER: usize = size_of::<cmsghdr>();

    /// `first` and `second` are the lengths that the control messages claim; the first takes two of
    /// the three places.
    fn filled(first: usize, second: usize) -> (Filled, msghdr) {
        // SAFETY: all of it may be zero.
        let (mut buf, mut msgh): (Filled, msghdr) = unsafe { (zeroed(), zeroed()) };
        msgh.msg_namelen = 16;
        msgh.msg_controllen = size_of::<[cmsghdr; 3]>() as _;
        buf.out.controllen = size_of::<[cmsghdr; 3]>() as __u32;
        buf.control[0].cmsg_len = first as _;
        buf.control[2].cmsg_len = second as _;
        (buf, msgh)
    }

    /// Which places hold control messages, by the functions under test.
    fn walk(buf: &mut Filled, msgh: &mut msghdr) -> (usize, usize) {
        let control = &raw mut buf.control as usize;
        // SAFETY: the buffer is as the functions want it, but for the lengths, which they check.
        unsafe {
            let o = &raw mut buf.out;
            let first = io_uring_recvmsg_cmsg_firsthdr(o, msgh);
            let next = io_uring_recvmsg_cmsg_nexthdr(o, msgh, first);
            let place = |cmsg: *mut cmsghdr| match cmsg.is_null() {
                true => usize::MAX,
                false => (cmsg as usize - control) / HEADER,
            };
            (place(first), place(next))
        }
    }

    #[test]
    fn control_messages_follow_each_other() {
        let (mut buf, mut msgh) = filled(HEADER + 9, HEADER);
        assert_eq!(walk(&mut buf, &mut msgh), (0, 2));
    }

    #[test]
    fn lengths_that_lead_out_of_the_buffer_end_the_walk() {
        for (first, second) in [
            (HEADER + 9, HEADER + 1),
            (3 * HEADER, HEADER),
            (0, 0),
            (usize::MAX, 0),
            (usize::MAX - 6, 0),
        ] {
            let (mut buf, mut msgh) = filled(first, second);
            assert_eq!(walk(&mut buf, &mut msgh), (0, usize::MAX), "{first} {second}");
        }
    }

    #[test]
    fn a_buffer_must_hold_what_was_asked_for() {
        let (mut buf, mut msgh) = filled(HEADER, 0);
        let needed = (size_of::<io_uring_recvmsg_out>() + 16 + 3 * HEADER) as c_int;
        let buf: *mut c_void = (&raw mut buf).cast();
        // SAFETY: only the length is looked at, and addresses are computed within the buffer.
        unsafe {
            assert!(io_uring_recvmsg_validate(buf, -1, &mut msgh).is_null());
            assert!(io_uring_recvmsg_validate(buf, needed - 1, &mut msgh).is_null());
            let o = io_uring_recvmsg_validate(buf, needed, &mut msgh);
            assert_eq!(o.cast(), buf);
            assert_eq!(io_uring_recvmsg_payload_length(o, needed + 7, &mut msgh), 7);
        }
    }
}
